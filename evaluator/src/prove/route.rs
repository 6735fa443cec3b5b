//! How could a call travel, and what is left open of it then?
//!
//! A call is made directly, through a VPC endpoint that the world knows, or is forwarded by a service. Of each, a key of
//! the request context either follows from caller, resource and action, or is left open: then it may have any value, or
//! none.

use crate::action::ActionName;
use crate::catalog::kms;
use crate::condition::Condition;
use crate::condition::operator::Base;
use crate::context::{ConditionKey, Origin, Presence, RequestContext, Values};
use crate::principal::Principal;
use crate::request::{Request, Via};
use crate::world::World;

use super::layers::{condition, plain};
use super::space::{Caller, StandsFor, Subject};

/// A way for a call to travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// Through no endpoint of these, and through no service.
    Direct(Vec<Box<str>>),
    /// Through this VPC endpoint.
    Endpoint(Box<str>),
    /// Through some service.
    Forwarded,
}

/// The ways in which somebody's calls could travel.
pub(super) fn routes(worlds: [&World; 2], caller: &Caller, subject: &Subject) -> Vec<Route> {
    let mut endpoints: Vec<Box<str>> =
        worlds.iter().flat_map(|world| &world.endpoints).map(|endpoint| endpoint.id.clone()).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    let is_from_inside = matches!(caller.principal, Principal::Service(_));
    if is_from_inside {
        return vec![Route::Direct(endpoints)];
    }
    let is_signed = !matches!(caller.principal, Principal::Federated(_) | Principal::Anonymous);
    let forwarded = (is_signed && subject.resource.arn.service() == "kms").then_some(Route::Forwarded);
    let through = endpoints.iter().cloned().map(Route::Endpoint).collect::<Vec<_>>();
    std::iter::once(Route::Direct(endpoints)).chain(through).chain(forwarded).collect()
}

/// The request of a route, of which nothing else is said.
pub(super) fn request(caller: &Caller, subject: &Subject, action: &ActionName, route: &Route) -> Request {
    let mut request = Request::new(caller.principal.clone(), action.clone(), subject.resource.clone());
    match route {
        Route::Direct(_) => {}
        Route::Endpoint(id) => {
            let value = Values::One(id.to_string());
            request.context.insert(ConditionKey::new("aws:SourceVpce"), Some(value));
        }
        Route::Forwarded => {
            let region = request.endpoint_region();
            request.via = Some(Via { service: format!("s3.{region}.amazonaws.com").into() });
        }
    }
    request
}

/// Leaves open in a derived context what the request could say otherwise.
pub(super) fn open_up(context: &mut RequestContext, request: &Request, caller: &Caller, route: &Route) {
    let keys: Vec<(ConditionKey, Presence, Origin)> =
        context.entries().map(|(key, entry)| (key.clone(), entry.presence.clone(), entry.origin)).collect();
    for (key, presence, origin) in keys {
        let is_open = match origin {
            Origin::EncryptionContext | Origin::For | Origin::Clock => true,
            // A parameter that has a default may be given.
            Origin::Operation => {
                matches!(presence, Presence::Present(_)) && key.folded() != "kms:encryptionalgorithm"
            }
            Origin::Via => {
                *route == Route::Forwarded
                    && ["kms:viaservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast"]
                        .contains(&key.folded())
            }
            Origin::Principal => is_open_of(&key, caller),
            Origin::Stated | Origin::World | Origin::Resource | Origin::Region | Origin::Session | Origin::Endpoint => {
                false
            }
        };
        if is_open {
            context.record(key, Presence::Unstated, origin);
        }
    }
    let Some(operation) = kms::operation(&request.action) else { return };
    if operation.encryption_context && !request.resource.is_alias() {
        context.family("kms:EncryptionContext:", Presence::Unstated, Origin::EncryptionContext);
    }
    if operation.request_alias {
        context.set("kms:RequestAlias", Presence::Unstated, Origin::Resource);
    }
}

/// Whether something that follows from a caller is left open, since the caller stands for others.
fn is_open_of(key: &ConditionKey, caller: &Caller) -> bool {
    let key = key.folded();
    // The name of a session is up to whoever makes it.
    let of_session = || matches!(caller.principal, Principal::RoleSession { .. }) && key == "aws:userid";
    let of_account = ["aws:principalarn", "aws:principaltype", "aws:username", "aws:userid"];
    let of_accounts = [
        "aws:principalaccount",
        "kms:calleraccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
    ];
    match caller.stands_for {
        StandsFor::Itself => of_session(),
        StandsFor::Account => of_account.contains(&key),
        StandsFor::Accounts => of_account.contains(&key) || of_accounts.contains(&key),
        StandsFor::Services => key == "aws:principalservicename" || key == "aws:principalservicenameslist",
    }
}

/// What is known of the keys that are left open all the same.
pub(super) fn known(request: &Request, caller: &Caller, route: &Route) -> Vec<(Condition, bool)> {
    let like = |key: &str, pattern: String| (condition(key, plain(Base::StringLike), [pattern]), true);
    let mut known = Vec::new();
    match route {
        Route::Direct(endpoints) if !endpoints.is_empty() => {
            let ids = endpoints.iter().map(ToString::to_string);
            known.push((condition("aws:SourceVpce", plain(Base::StringEquals), ids), false));
        }
        Route::Direct(_) | Route::Endpoint(_) => {}
        Route::Forwarded => known.push(like("kms:ViaService", "?*.?*.amazonaws.com".to_owned())),
    }
    if let Principal::RoleSession { role, session } = &request.principal
        && caller.stands_for == StandsFor::Itself
        && let Some(id) = &role.unique_id
    {
        let _ = session;
        known.push(like("aws:userid", format!("{id}:?*")));
    }
    if caller.stands_for == StandsFor::Account
        && let Some(account) = caller.principal.account()
    {
        known.push(like("aws:PrincipalArn", format!("arn:aws:iam::{account}:?*")));
    }
    if caller.stands_for == StandsFor::Accounts {
        known.push(like("aws:PrincipalArn", "arn:aws:iam::????????????:?*".to_owned()));
        known.push(like("aws:PrincipalAccount", "????????????".to_owned()));
    }
    known
}

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
pub(super) fn routes(worlds: [&World; 2], caller: &Caller) -> Vec<Route> {
    let mut endpoints: Vec<Box<str>> =
        worlds.iter().flat_map(|world| &world.endpoints).map(|endpoint| endpoint.id.clone()).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    let is_from_inside = matches!(caller.principal, Principal::Service(_));
    if is_from_inside {
        return vec![Route::Direct(endpoints)];
    }
    let is_signed = !matches!(caller.principal, Principal::Federated(_) | Principal::Anonymous);
    let forwarded = is_signed.then_some(Route::Forwarded);
    let through = endpoints.iter().cloned().map(Route::Endpoint).collect::<Vec<_>>();
    std::iter::once(Route::Direct(endpoints)).chain(through).chain(forwarded).collect()
}

/// The grants that a call could be about: each of the key by its name, where it retires one.
pub(super) fn retired(worlds: [&World; 2], subject: &Subject, action: &ActionName) -> Vec<Option<Box<str>>> {
    if action.service() != "kms" || action.folded_name() != "retiregrant" {
        return vec![None];
    }
    let keys = worlds.iter().filter_map(|world| world.key(&subject.resource.arn));
    let mut names: Vec<Option<Box<str>>> =
        keys.flat_map(|key| &key.grants).map(|grant| Some(grant.name.clone())).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { vec![None] } else { names }
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
            // Roles are in no Region.
            let region = Some(request.endpoint_region()).filter(|region| !region.is_empty()).unwrap_or("us-east-1");
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
            Origin::Operation => matches!(presence, Presence::Present(_)) && key.folded() != "kms:encryptionalgorithm",
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
    let of_accounts = ["aws:principalaccount", "kms:calleraccount", "aws:principalorgid", "aws:principalorgpaths"];
    match caller.stands_for {
        StandsFor::Itself => of_session(),
        // A role that AWS linked to a service is a role, whatever its name.
        StandsFor::Account if caller.principal.is_service_linked() => ["aws:principalarn", "aws:userid"].contains(&key),
        StandsFor::Account => of_account.contains(&key),
        StandsFor::Accounts => of_account.contains(&key) || of_accounts.contains(&key),
        StandsFor::Services => key == "aws:principalservicename" || key == "aws:principalservicenameslist",
    }
}

/// The keys that every call carries (R8).
const ALWAYS_SENT: [&str; 5] =
    ["aws:CurrentTime", "aws:EpochTime", "aws:RequestedRegion", "aws:SecureTransport", "aws:UserAgent"];

/// What is known of the keys that are left open all the same.
pub(super) fn known(request: &Request, caller: &Caller, route: &Route) -> Vec<(Condition, bool)> {
    let like = |key: &str, pattern: String| (condition(key, plain(Base::StringLike), [pattern]), true);
    let is_there = |key: &str| (condition(key, plain(Base::Null), ["false".to_owned()]), true);
    let mut known: Vec<(Condition, bool)> = ALWAYS_SENT.iter().map(|key| is_there(key)).collect();
    match route {
        Route::Direct(endpoints) if !endpoints.is_empty() => {
            let ids = endpoints.iter().map(ToString::to_string);
            known.push((condition("aws:SourceVpce", plain(Base::StringEquals), ids), false));
        }
        Route::Direct(_) | Route::Endpoint(_) => {}
        Route::Forwarded => known.push(like("kms:ViaService", "?*.?*.amazonaws.com".to_owned())),
    }
    if let Principal::RoleSession { role, .. } = &request.principal
        && caller.stands_for == StandsFor::Itself
        && let Some(id) = &role.unique_id
    {
        known.push(like("aws:userid", format!("{id}:?*")));
    }
    if caller.stands_for == StandsFor::Account
        && let Some(account) = caller.principal.account()
    {
        let of_account = if caller.principal.is_service_linked() {
            vec![format!("arn:aws:iam::{account}:role/aws-service-role/?*")]
        } else {
            // The root user is a caller of its own.
            let kinds = ["iam::{}:role/?*", "iam::{}:user/?*", "sts::{}:federated-user/?*"];
            kinds.iter().map(|kind| format!("arn:aws:{}", kind.replace("{}", account.as_str()))).collect()
        };
        known.push((condition("aws:PrincipalArn", plain(Base::StringLike), of_account), true));
    }
    if caller.stands_for == StandsFor::Accounts {
        let kinds = ["iam::????????????:role/?*", "iam::????????????:user/?*", "sts::????????????:federated-user/?*"];
        let of_accounts = kinds.map(|kind| format!("arn:aws:{kind}"));
        known.push((condition("aws:PrincipalArn", plain(Base::StringLike), of_accounts), true));
        known.push(like("aws:PrincipalAccount", "????????????".to_owned()));
    }
    known
}

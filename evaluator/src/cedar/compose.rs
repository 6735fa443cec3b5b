//! How do the layers combine?
//!
//! Read from the rules a second time: which policies have a say (R5.3 to R5.6, R5.14, R5.16), who escapes which limit
//! (R5.8, R5.9), what crosses accounts (R5.11, R6.6), what keys and roles need beyond that (R5.7, R6.1 to R6.4), and
//! what grants add (R6.24 to R6.30).

use std::collections::BTreeSet;

use super::request::Asked;
use super::{Engine, Said, Unsupported, Way};
use crate::account::AccountId;
use crate::catalog::{self, kms, resource_policy};
use crate::context::{ConditionKey, Presence, RequestContext, Values};
use crate::derive;
use crate::policy::Policy;
use crate::principal::Principal;
use crate::request::Request;
use crate::world::kms::Grant;

/// The authorization answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Allowed.
    Allow,
    /// Denied, because nothing allows it.
    ImplicitDeny,
    /// Denied by a Deny.
    ExplicitDeny,
}

/// What Cedar and the composition answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub effect: Effect,
    /// The statements and grants that could have decided it: every Deny that applies, or every Allow that counts.
    pub by: BTreeSet<String>,
    /// The opaque atoms of the policies that were asked: what the first engine's operators had to say.
    pub opaque: BTreeSet<String>,
}

/// How a resource's policy stands to the identity-based policies of its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Either of them allows (R5.7).
    Either,
    /// The policy allows, or leaves it to the account (R6.1, R5.7).
    Root,
    /// There is none that counts (R6.7, R6.12, R5.18).
    Identity,
    /// Grants say who may (R6.30).
    Grants,
    /// Nobody needs a permission.
    Open,
}

/// The layers of a request, with what each says.
struct Layers {
    rcp: Vec<Said>,
    scp: Vec<Said>,
    endpoint: Option<Said>,
    resource: Said,
    identity: Option<Said>,
    boundary: Option<Said>,
    session: Option<Said>,
    grants: Said,
    own_grants: Said,
}

impl Engine<'_> {
    /// Decides a request: its authorization, without a look at the key's state or Region.
    ///
    /// # Errors
    /// The request holds what Cedar's types have no room for.
    pub fn decide(&self, request: &Request) -> Result<Answer, Unsupported> {
        self.consulted.borrow_mut().clear();
        let context = derive::context(self.world, request);
        let guard = guard(request);
        if guard == Guard::Open {
            let effect = if is_served(request) { Effect::Allow } else { Effect::ImplicitDeny };
            return Ok(Answer { effect, by: BTreeSet::new(), opaque: BTreeSet::new() });
        }
        let layers = self.layers(request, &context, guard)?;
        let denied: BTreeSet<String> = layers.all().flat_map(|said| said.denied.iter().cloned()).collect();
        if !denied.is_empty() {
            return Ok(Answer { effect: Effect::ExplicitDeny, by: denied, opaque: self.consulted.take() });
        }
        Ok(self.allowed(request, guard, &layers))
    }

    fn layers(&self, request: &Request, context: &RequestContext, guard: Guard) -> Result<Layers, Unsupported> {
        let (identity, boundary) = self.caller_side(&request.principal);
        let asked = Asked { request, context, has_boundary: boundary.is_some() };
        let set =
            |policies: Option<Vec<&Policy>>| policies.map(|policies| self.policies(&policies, &asked)).transpose();
        let each = |levels: Vec<Vec<&Policy>>| {
            levels.iter().map(|level| self.policies(level, &asked)).collect::<Result<Vec<_>, _>>()
        };
        let session = self.world.session(&request.principal).and_then(|session| session.policies.as_ref());
        let keeps_policy = is_on_bucket_policy(request)
            && matches!(request.principal, Principal::Root { .. })
            && self.owner(request).is_none_or(|owner| request.principal.account() == Some(owner));
        let has_policy = matches!(guard, Guard::Either | Guard::Root) && !keeps_policy;
        let resource = self.resource_policy(request).filter(|_| has_policy);
        let (grants, own) = self.applicable_grants(request);
        Ok(Layers {
            rcp: each(self.resource_controls(request))?,
            scp: each(self.service_controls(request))?,
            endpoint: set(self.endpoint(request, context).map(|policy| vec![policy]))?,
            resource: set(resource.map(|policy| vec![policy]))?.unwrap_or_default(),
            identity: set(identity)?,
            boundary: set(boundary.map(|policy| vec![policy]))?,
            session: set(session.map(|policies| policies.iter().map(AsRef::as_ref).collect()))?,
            grants: self.said_by_grants(&grants, guard, &asked)?,
            own_grants: self.said_by_grants(&own, guard, &asked)?,
        })
    }

    /// The account that owns the resource.
    fn owner(&self, request: &Request) -> Option<AccountId> {
        self.world.owner(&request.resource.arn).or(request.resource.account)
    }

    /// Identity-based policies and boundary of callers that can have them (R5.4, R5.10).
    fn caller_side(&self, caller: &Principal) -> (Option<Vec<&Policy>>, Option<&Policy>) {
        let user = match caller {
            Principal::User(user) => Some(user),
            Principal::FederatedUser { user, .. } => user.as_ref(),
            Principal::RoleSession { role, .. } => {
                let role = self.world.role(role.account, &role.name);
                let policies = role.map(|role| role.policies.iter().map(AsRef::as_ref).collect());
                return (Some(policies.unwrap_or_default()), role.and_then(|role| role.boundary.as_deref()));
            }
            Principal::Root { .. } | Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => {
                return (None, None);
            }
        };
        let user = user.and_then(|user| self.world.user(user));
        let policies = user.map(|user| user.policies.iter().map(AsRef::as_ref).collect());
        (Some(policies.unwrap_or_default()), user.and_then(|user| user.boundary.as_deref()))
    }

    /// SCPs above the caller's account; not of the management account, and none for service-linked roles (R5.5).
    fn service_controls(&self, request: &Request) -> Vec<Vec<&Policy>> {
        let found = request.principal.account().and_then(|account| self.world.membership(account));
        let Some((organization, member)) = found else { return Vec::new() };
        if organization.management_account == member.account || request.principal.is_service_linked() {
            return Vec::new();
        }
        let levels = organization.levels(member);
        levels.map(|level| level.scps.iter().map(AsRef::as_ref).collect()).collect()
    }

    /// RCPs above the resource's account (R5.6).
    fn resource_controls(&self, request: &Request) -> Vec<Vec<&Policy>> {
        let found = self.owner(request).and_then(|account| self.world.membership(account));
        let Some((organization, member)) = found else { return Vec::new() };
        let is_aws_managed = self.world.key(&request.resource.arn).is_some_and(|key| key.is_aws_managed);
        let takes_linked_role = matches!(request.principal, Principal::Service(_))
            && is_named(request, "sts", BY_TRUST)
            && request.resource.arn.resource().starts_with("role/aws-service-role/");
        let is_exempt = organization.management_account == member.account
            || request.principal.is_service_linked()
            || is_aws_managed
            || takes_linked_role
            || !catalog::rcps_reach(&request.action);
        if is_exempt {
            return Vec::new();
        }
        let levels = organization.levels(member);
        levels.map(|level| level.rcps.iter().map(AsRef::as_ref).collect()).collect()
    }

    /// The policy of the endpoint that a call came through; what a service forwards came through none (R5.16).
    fn endpoint(&self, request: &Request, context: &RequestContext) -> Option<&Policy> {
        if request.via.is_some() {
            return None;
        }
        match &context.recorded(&ConditionKey::new("aws:SourceVpce"))?.presence {
            Presence::Present(Values::One(id)) => self.world.endpoint(id)?.policy.as_deref(),
            Presence::Present(Values::Many(_)) | Presence::Absent | Presence::Unstated => None,
        }
    }

    fn resource_policy(&self, request: &Request) -> Option<&Policy> {
        let arn = &request.resource.arn;
        match request.action.service() {
            "kms" => self.world.key(arn).map(|key| key.policy.as_ref()),
            "sts" => self.world.role_of(arn)?.trust.as_deref(),
            "iam" => None,
            "s3" => self.world.bucket(arn)?.policy.as_deref(),
            _ => self.world.resource(arn)?.policy.as_deref(),
        }
    }

    /// The grants of the key, where the operation is one that grants permit, and those of them that the caller's own
    /// account issued (R6.22, R6.26).
    fn applicable_grants(&self, request: &Request) -> (Vec<&Grant>, Vec<&Grant>) {
        let is_grantable = kms::operation(&request.action).is_some_and(|operation| operation.grantable);
        let key = self.world.key(&request.resource.arn).filter(|_| is_grantable);
        let grants: Vec<&Grant> = key.into_iter().flat_map(|key| &key.grants).collect();
        let own = grants.iter().copied().filter(|grant| is_own(grant, request)).collect();
        (grants, own)
    }

    fn said_by_grants(&self, grants: &[&Grant], guard: Guard, asked: &Asked<'_>) -> Result<Said, Unsupported> {
        if guard != Guard::Grants {
            return if grants.is_empty() { Ok(Said::default()) } else { self.grants(grants, asked) };
        }
        let may = grants
            .iter()
            .filter_map(|grant| may_retire(grant, asked.request).map(|way| (Some(way), grant.name.to_string())));
        Ok(Said { denied: BTreeSet::new(), allowed: may.collect() })
    }

    fn allowed(&self, request: &Request, guard: Guard, layers: &Layers) -> Answer {
        let caller = request.principal.account();
        let owner = self.owner(request);
        // A resource that nobody owns is the caller's own; who retires a grant needs no other account's word (R6.30).
        let is_home = guard == Guard::Grants || owner.is_none() || owner == caller;
        let limits = limit(layers.boundary.as_ref()) && limit(layers.session.as_ref());
        let is_guarded = layers.scp.iter().all(Said::allows) && limit(layers.endpoint.as_ref());
        let serves = is_served(request) && (is_home || caller.is_none() || crosses_accounts(request));
        let mut by = BTreeSet::new();
        if is_guarded && serves {
            by.extend(self.by_resource(request, guard, layers, is_home || caller.is_none(), limits));
            by.extend(by_identity(request, guard, layers, is_home, limits));
        }
        let root = matches!(request.principal, Principal::Root { .. })
            && is_guarded
            && serves
            && is_left_to_account(guard, layers, is_home);
        let effect = if by.is_empty() && !root { Effect::ImplicitDeny } else { Effect::Allow };
        Answer { effect, by, opaque: self.consulted.take() }
    }

    /// What the resource's side grants by itself. Across accounts that is nothing but a grant which the caller's own
    /// account issued.
    #[expect(clippy::unused_self, reason = "it stands beside the others that need the world")]
    fn by_resource(
        &self,
        request: &Request,
        guard: Guard,
        layers: &Layers,
        is_enough: bool,
        limits: bool,
    ) -> BTreeSet<String> {
        // R5.8: a session, a user and a star escape the limits of the caller's account; a role, and a user met by a
        // federated session, do not; an account is no more than a delegation.
        let escapes = |way: Option<Way>| match way {
            Some(Way::Direct | Way::Everyone) => true,
            Some(Way::Role | Way::Federated) => limits,
            Some(Way::Account) | None => false,
        };
        let is_provider = matches!(request.principal, Principal::Federated(_));
        let has_policy = matches!(guard, Guard::Either | Guard::Root) && is_enough;
        let policy = layers.resource.allowed.iter().filter(|(way, _)| {
            // Who comes with a token has to be let in by its provider's name (R3.8).
            has_policy && escapes(*way) && (!is_provider || *way == Some(Way::Direct))
        });
        let grants = if is_enough { &layers.grants } else { &layers.own_grants };
        let granted = grants.allowed.iter().filter(|(way, _)| escapes(*way));
        policy.chain(granted).map(|(_, name)| name.clone()).collect()
    }
}

/// What the caller's identity-based policies allow, where the resource's side leaves it to them or agrees.
fn by_identity(request: &Request, guard: Guard, layers: &Layers, is_home: bool, limits: bool) -> BTreeSet<String> {
    let lacks_session = matches!(request.principal, Principal::FederatedUser { .. }) && layers.session.is_none();
    if !is_left_to_account(guard, layers, is_home) || !limits || lacks_session {
        return BTreeSet::new();
    }
    layers.identity.iter().flat_map(|said| said.allowed.iter().map(|(_, name)| name.clone())).collect()
}

/// Whether the resource's side lets the caller's account decide: always where identity-based policies are enough; by a
/// statement or grant that names the account; from another account, by any that covers the caller (R5.11).
fn is_left_to_account(guard: Guard, layers: &Layers, is_home: bool) -> bool {
    let names_account = |said: &Said| said.allowed.iter().any(|(way, _)| *way == Some(Way::Account));
    match (guard, is_home) {
        (Guard::Identity | Guard::Open, _) | (Guard::Either, true) => true,
        (Guard::Root | Guard::Grants, true) => {
            // The root user is the account: what names the account names it directly (R5.12).
            names_account(&layers.resource) || names_account(&layers.grants)
        }
        (Guard::Either | Guard::Root | Guard::Grants, false) => layers.resource.allows() || layers.grants.allows(),
    }
}

impl Said {
    fn allows(&self) -> bool {
        self.denied.is_empty() && !self.allowed.is_empty()
    }
}

impl Layers {
    fn all(&self) -> impl Iterator<Item = &Said> {
        let sets = [&self.endpoint, &self.identity, &self.boundary, &self.session];
        self.rcp.iter().chain(&self.scp).chain([&self.resource]).chain(sets.into_iter().flatten())
    }
}

/// A policy that limits and is not there limits nothing (R5.9, R5.10).
fn limit(said: Option<&Said>) -> bool {
    said.is_none_or(Said::allows)
}

/// The calls that a role's trust policy decides.
const BY_TRUST: &[&str] =
    &["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity"];

fn is_named(request: &Request, service: &str, names: &[&str]) -> bool {
    let action = &request.action;
    action.service() == service && names.iter().any(|name| action.name().eq_ignore_ascii_case(name))
}

fn guard(request: &Request) -> Guard {
    let resource = &request.resource;
    let is_key = !resource.is_wide && resource.arn.resource().starts_with("key/");
    match request.action.service() {
        "kms" if is_key && is_named(request, "kms", &["RetireGrant"]) => Guard::Grants,
        "kms" if is_key => Guard::Root,
        "sts" if is_named(request, "sts", BY_TRUST) => Guard::Root,
        "sts" if is_named(request, "sts", &["GetCallerIdentity", "GetSessionToken"]) => Guard::Open,
        "kms" | "sts" | "iam" => Guard::Identity,
        "s3" if is_named(request, "s3", &["CreateBucket"]) => Guard::Identity,
        _ if resource.is_wide => Guard::Identity,
        _ => Guard::Either,
    }
}

/// Whether the service answers such a caller (R3.6, R3.8, R5.15).
fn is_served(request: &Request) -> bool {
    let with_token = is_named(request, "sts", &["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"]);
    let of_trust = is_named(request, "sts", BY_TRUST);
    let is_sts = request.action.service() == "sts";
    match &request.principal {
        Principal::Anonymous => match request.action.service() {
            "kms" | "iam" | "sts" => false,
            "s3" => true,
            _ => resource_policy::serves_unsigned_calls(&request.action),
        },
        Principal::Federated(_) => of_trust && !is_named(request, "sts", &["AssumeRole"]),
        _ if with_token => false,
        Principal::Root { .. } => !of_trust,
        Principal::FederatedUser { .. } => !is_sts || is_named(request, "sts", &["GetCallerIdentity"]),
        Principal::RoleSession { .. } => !is_named(request, "sts", &["GetFederationToken", "GetSessionToken"]),
        Principal::User(_) | Principal::Service(_) => true,
    }
}

/// Whether the action works on another account's resources (R6.6).
fn crosses_accounts(request: &Request) -> bool {
    match request.action.service() {
        "kms" => kms::operation(&request.action).is_some_and(|operation| operation.across_accounts),
        "iam" => false,
        _ => !is_on_bucket_policy(request),
    }
}

/// Whether the call is on a bucket policy itself, which nobody of another account reads or changes, and from which no
/// Deny in it keeps the root user (`PutBucketPolicy`, Amazon S3 API Reference).
fn is_on_bucket_policy(request: &Request) -> bool {
    is_named(request, "s3", &["GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"])
}

/// Whether the caller's account issued the grant; without a word of it, the key's account did (R6.26).
fn is_own(grant: &Grant, request: &Request) -> bool {
    let issuer = grant.issuing_account.or(request.resource.account);
    issuer.is_some() && issuer == request.principal.account()
}

/// The ways in which a grant lets the caller retire it: as its retiring principal, as its grantee where it holds
/// `RetireGrant`, or for the account that issued it (R6.30).
fn may_retire(grant: &Grant, request: &Request) -> Option<Way> {
    if request.retires.as_ref().is_some_and(|name| *name != grant.name) {
        return None;
    }
    let caller = &request.principal;
    let may = grant.operations.iter().any(|operation| operation.value.name == "RetireGrant");
    let retiring = grant.retiring_principal.as_ref().and_then(|retiring| retiring.value.covers(caller));
    let grantee = grant.grantee.value.covers(caller).filter(|_| may);
    let by_name = [retiring, grantee].into_iter().flatten().map(Way::from).min();
    let is_root = matches!(caller, Principal::Root { .. });
    let issuer = is_own(grant, request).then_some(if is_root { Way::Direct } else { Way::Account });
    by_name.into_iter().chain(issuer).min()
}

impl From<crate::principal::PrincipalMatch> for Way {
    fn from(way: crate::principal::PrincipalMatch) -> Self {
        use crate::principal::PrincipalMatch;
        match way {
            PrincipalMatch::Direct => Self::Direct,
            PrincipalMatch::RoleOfSession => Self::Role,
            PrincipalMatch::UserOfFederatedSession => Self::Federated,
            PrincipalMatch::Everyone => Self::Everyone,
            PrincipalMatch::Account => Self::Account,
        }
    }
}

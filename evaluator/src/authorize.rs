//! Is the request allowed?
//!
//! AWS's flow chart in one file (section 5 of the rules). Each layer is judged by itself; then the layers are put
//! together: any Deny wins (R5.1), every guardrail must allow, and the caller needs an Allow from the resource's
//! side, the identity's side, or both, depending on the service and the accounts (R5.7, R5.11, R6.2).

use crate::catalog;
use crate::context::RequestContext;
use crate::decision::{Decision, Effect, Effects, Unavailable};
use crate::derive;
use crate::eval::View;
use crate::eval::policy::{Allows, Matches, Outcome, StatementIndex, evaluate, evaluate_resource};
use crate::gather::{Applicable, Levels, gather};
use crate::layer::{Layer, StatementRef, Verdict};
use crate::policy::Policies;
use crate::principal::{Principal, PrincipalMatch};
use crate::request::Request;
use crate::service::kms::grant;
use crate::service::{self, Service, Sharing, s3, sts};
use crate::truth::{Doubts, Rule, Rules, Truth, Unstated};
use crate::world::World;
use crate::world::kms::Grant;

/// What comes of a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// IAM decides.
    Decided(Decision),
    /// KMS answers with an error that is no authorization answer: before it if there is no decision, after an
    /// Allow if there is one.
    Unavailable(Unavailable, Option<Decision>),
}

/// Decides a request in a world. Doubts about `settled` rules do not count.
pub fn authorize(world: &World, request: &Request, settled: Rules) -> Answer {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    answer(world, &gather(world, request, endpoint.as_deref()), request, &context, settled)
}

/// The same, for one who has gathered the policies and derived the context already.
pub fn answer(
    world: &World,
    applicable: &Applicable<'_>,
    request: &Request,
    context: &RequestContext,
    settled: Rules,
) -> Answer {
    if let Some(unavailable) = before_policies(request) {
        return Answer::Unavailable(unavailable, None);
    }
    let decision = decide(applicable, request, context, settled);
    if decision.effect == Effect::Allow
        && let Some(key) = world.key(&request.resource.arn)
        && let Some(unavailable) = service::refusal(request, key.state)
    {
        return Answer::Unavailable(unavailable, Some(decision));
    }
    Answer::Decided(decision)
}

/// Why KMS answers with an error before it looks at any policy, if it does.
pub fn before_policies(request: &Request) -> Option<Unavailable> {
    if is_elsewhere(request) {
        return Some(Unavailable::WrongRegion);
    }
    service::kms::is_on_reserved_alias(request).then_some(Unavailable::ReservedAlias)
}

/// A key lives in one Region; asked for in another it is not found (R6.11).
fn is_elsewhere(request: &Request) -> bool {
    let region = request.resource.arn.region();
    request.action.service() == "kms" && !region.is_empty() && request.endpoint_region() != region
}

/// Decides a request from the policies that apply to it.
pub fn decide(applicable: &Applicable<'_>, request: &Request, context: &RequestContext, settled: Rules) -> Decision {
    let unstated = Unstated::default();
    let view = applicable.view(request, context, &unstated);
    let parties = Parties::of(applicable, request);
    let mut layers = Layers::silent();
    layers.hear(applicable, &view, parties.sharing);
    layers.compose(&parties, settled, &unstated)
}

/// Whether a resource-based policy that nobody stated could allow what the known ones leave denied: an answer that is
/// no answer as long as the policy is not known.
pub fn hangs_on_resource_policy(
    applicable: &Applicable<'_>,
    request: &Request,
    context: &RequestContext,
    settled: Rules,
) -> bool {
    let unstated = Unstated::default();
    let view = applicable.view(request, context, &unstated);
    let parties = Parties::of(applicable, request);
    let mut known = Layers::silent();
    known.hear(applicable, &view, parties.sharing);
    let opened = Layers { allows: Allows::DIRECT, ..known.clone() };
    let effect = |layers: &Layers| layers.compose(&parties, settled, &unstated).effect;
    effect(&known) == Effect::ImplicitDeny && effect(&opened) == Effect::Allow
}

/// Where caller and resource stand to each other.
struct Parties {
    caller: Caller,
    same_account: bool,
    sharing: Sharing,
    /// Whether the service answers such a caller, and across accounts.
    is_served: bool,
}

/// The callers that the flow chart treats differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A user or role session, with identity-based policies.
    Identity,
    /// A federated user, whose session policy is a must (R5.9).
    FederatedUser,
    /// The root user, who may do everything in its account unless told otherwise (R5.12).
    Root,
    /// A service, without policies of its own (R5.13).
    Service,
    /// Somebody an identity provider vouches for, without policies of their own (R3.8).
    Federated,
    /// Nobody (R5.15).
    Anonymous,
}

impl Parties {
    fn of(applicable: &Applicable<'_>, request: &Request) -> Self {
        let caller = match &request.principal {
            Principal::User(_) | Principal::RoleSession { .. } => Caller::Identity,
            Principal::FederatedUser { .. } => Caller::FederatedUser,
            Principal::Root { .. } => Caller::Root,
            Principal::Service(_) => Caller::Service,
            Principal::Federated(_) => Caller::Federated,
            Principal::Anonymous => Caller::Anonymous,
        };
        // A resource without a known owner is the caller's own.
        let owner = applicable.resource_account.or(request.resource.account);
        let service = Service::of(&request.action);
        let sharing = service.sharing(request);
        // A grant that says who may retire it needs no word of the caller's account (R6.30).
        let same_account = sharing == Sharing::ByGrant || owner.is_none() || owner == request.principal.account();
        let stays_at_home = same_account || !caller.has_account();
        let is_served = service.serves(request) && (stays_at_home || service.works_across_accounts(&request.action));
        Self { caller, same_account, sharing, is_served }
    }
}

impl Caller {
    /// Whether it belongs to an account, whose policies then have to allow.
    fn has_account(self) -> bool {
        match self {
            Self::Identity | Self::FederatedUser | Self::Root => true,
            Self::Service | Self::Federated | Self::Anonymous => false,
        }
    }
}

/// What every layer says by itself.
#[derive(Clone)]
struct Layers {
    rcp: Said,
    scp: Said,
    vpc_endpoint: Said,
    resource: Said,
    /// In which ways the resource-based policy names those it allows.
    allows: Allows,
    grants: Option<Granted>,
    identity: Said,
    boundary: Said,
    session: Said,
}

/// What the policies of a layer say.
#[derive(Clone, Copy)]
struct Said {
    /// Their Deny statements; the first is of `level`.
    deny: Matches,
    level: usize,
    /// Their Allow statements; where there are levels, whether every one of them allows (R5.5).
    allow: Matches,
    /// What that comes to.
    verdict: Verdict,
}

impl Said {
    /// Everything is allowed, by no statement.
    const UNLIMITED: Matches = Matches { truth: Truth::YES, by: None };

    /// A layer without a say denies nothing and limits nothing.
    const NOTHING: Self =
        Self { deny: Matches::NONE, level: 0, allow: Self::UNLIMITED, verdict: Verdict::NotApplicable };

    fn new(Outcome { deny, allow }: Outcome, level: usize) -> Self {
        let verdict = match (deny.truth.holds(), allow.truth.holds()) {
            (true, _) => Verdict::ExplicitDeny,
            (false, true) => Verdict::Allowed,
            (false, false) => Verdict::ImplicitDeny,
        };
        Self { deny, level, allow, verdict }
    }

    fn of(policies: Policies<'_>, view: &View<'_>) -> Self {
        Self::new(evaluate(policies, view), 0)
    }

    /// What the levels of SCPs say together.
    fn of_levels(levels: &Levels<'_>, view: &View<'_>) -> Self {
        let (mut all, mut denying) = (Outcome { allow: Self::UNLIMITED, ..Outcome::NONE }, 0);
        for (level, policies) in levels.iter().enumerate() {
            let Outcome { deny, allow } = evaluate(*policies, view);
            if deny.truth.holds() && !all.deny.truth.holds() {
                (all.deny.by, denying) = (deny.by, level);
            }
            all.deny.truth = all.deny.truth.or(deny.truth);
            all.allow.truth = all.allow.truth.and(allow.truth);
        }
        Self::new(all, denying)
    }

    fn has_say(&self) -> bool {
        self.verdict != Verdict::NotApplicable
    }
}

/// What the grants of a key say.
#[derive(Clone)]
struct Granted {
    /// All of them.
    all: Allows,
    /// Those that the caller's own account issued (R6.26).
    own: Allows,
}

impl Granted {
    /// `None` where the action is none that grants permit.
    fn judge(grants: &[Grant], view: &View<'_>) -> Option<Self> {
        if !catalog::kms::operation(&view.request.action)?.grantable {
            return None;
        }
        let all = || grants.iter().enumerate();
        let own = all().filter(|(_, each)| grant::is_issued_by_caller(each, view.request));
        Some(Self { all: grant::evaluate(all(), view), own: grant::evaluate(own, view) })
    }
}

impl Layers {
    /// No layer has a say.
    const fn silent() -> Self {
        Self {
            rcp: Said::NOTHING,
            scp: Said::NOTHING,
            vpc_endpoint: Said::NOTHING,
            resource: Said::NOTHING,
            allows: Allows::NONE,
            grants: None,
            identity: Said::NOTHING,
            boundary: Said::NOTHING,
            session: Said::NOTHING,
        }
    }

    /// Lets every layer speak that has a say.
    fn hear(&mut self, applicable: &Applicable<'_>, view: &View<'_>, sharing: Sharing) {
        if sharing == Sharing::Unguarded {
            return;
        }
        let caller = &view.request.principal;
        if let Some(levels) = &applicable.rcp
            && catalog::rcps_reach(&view.request.action)
            && !applicable.resource_in_management_account
            && !caller.is_service_linked()
            && !sts::takes_linked_role(view.request)
        {
            let Said { deny, level, .. } = Said::of_levels(levels, view);
            // RCPs only deny, since `RCPFullAWSAccess` always allows (R5.6).
            self.rcp = Said::new(Outcome { deny, allow: Said::UNLIMITED }, level);
        }
        if let Some(levels) = &applicable.scp
            && caller.account().is_some()
            && !applicable.principal_in_management_account
            && !caller.is_service_linked()
        {
            self.scp = Said::of_levels(levels, view);
        }
        let owner = applicable.resource_account.or(view.request.resource.account);
        let resource = applicable.resource.filter(|_| match sharing {
            Sharing::EitherAllows | Sharing::Delegated => !s3::is_root_on_policy(view.request, owner),
            Sharing::IdentityOnly | Sharing::ByGrant | Sharing::Unguarded => false,
        });
        if let Some(policy) = resource {
            self.resource = Said::new(evaluate_resource(policy, view, &mut self.allows), 0);
        }
        if !applicable.grants.is_empty() {
            self.grants = Granted::judge(applicable.grants, view);
        }
        for (said, policies) in [
            (&mut self.vpc_endpoint, applicable.vpc_endpoint),
            (&mut self.identity, applicable.identity),
            (&mut self.boundary, applicable.boundary),
            (&mut self.session, applicable.session),
        ] {
            if let Some(policies) = policies {
                *said = Said::of(policies, view);
            }
        }
    }

    fn compose(&self, parties: &Parties, settled: Rules, unstated: &Unstated) -> Decision {
        let paths = Paths::of(self, parties);
        let deny = self.denies().settle(settled);
        // Every level of the SCPs has to allow (R5.5), and an endpoint policy (R5.16).
        let guardrails = self.scp.allow.truth.and(self.vpc_endpoint.allow.truth);
        let allow = guardrails.and(paths.open()).settle(settled);
        let effect = match (deny.holds(), allow.holds()) {
            (true, _) => Effect::ExplicitDeny,
            (false, true) => Effect::Allow,
            (false, false) => Effect::ImplicitDeny,
        };
        let (layer, decided_by) = match effect {
            Effect::ExplicitDeny => self.denied_by(),
            Effect::Allow => paths.allowed_by(self),
            Effect::ImplicitDeny => (self.blocked_by(&paths), None),
        };
        let otherwise = otherwise(effect, &deny, &allow);
        let doubts = match (otherwise.is_empty(), deny.is_certain() && deny.holds()) {
            (true, _) | (_, true) => Doubts::default(),
            (false, false) => unstated.doubts(&deny.with_doubts_of(allow)),
        };
        Decision { effect, layer, decided_by, verdicts: self.verdicts(parties), otherwise, doubts }
    }

    /// Whether a layer denies. That an RCP beats a grant is inferred (R6.24, unsure).
    fn denies(&self) -> Truth {
        let mut rcp = self.rcp.deny.truth;
        if rcp.could_hold() && self.grants.as_ref().is_some_and(|grants| grants.all.any().could_hold()) {
            rcp = rcp.and(Truth::unless(true, Rule::RcpAgainstGrant, false));
        }
        let policies = [&self.scp, &self.vpc_endpoint, &self.resource, &self.identity, &self.boundary, &self.session];
        policies.iter().fold(rcp, |deny, said| deny.or(said.deny.truth))
    }

    /// What the policies of a layer say. Grants are none.
    fn said(&self, layer: Layer) -> &Said {
        match layer {
            Layer::Rcp => &self.rcp,
            Layer::Scp => &self.scp,
            Layer::VpcEndpoint => &self.vpc_endpoint,
            Layer::Resource => &self.resource,
            Layer::Grant => &Said::NOTHING,
            Layer::Identity => &self.identity,
            Layer::Boundary => &self.boundary,
            Layer::Session => &self.session,
        }
    }

    /// What the caller's own policies allow within limits: nothing where it cannot have any.
    fn identity_within(&self, limits: Truth) -> Truth {
        if self.identity.has_say() { self.identity.allow.truth.and(limits) } else { Truth::NO }
    }

    /// What grants allow to those they name in this way.
    fn granted(&self, way: PrincipalMatch) -> Truth {
        self.grants.as_ref().map_or(Truth::NO, |grants| grants.all.by(way).truth)
    }

    /// The first layer in AWS's order whose Deny applies (R5.2).
    fn denied_by(&self) -> (Layer, Option<StatementRef>) {
        let denying = Layer::ALL.into_iter().find(|layer| self.said(*layer).deny.truth.holds());
        denying.map_or((Layer::Identity, None), |layer| {
            let Said { deny, level, .. } = *self.said(layer);
            (layer, deny.by.map(|index| StatementRef { layer, level, index }))
        })
    }

    /// The first layer in AWS's order that keeps the request from being allowed.
    fn blocked_by(&self, paths: &Paths) -> Layer {
        let guardrails = [Layer::Scp, Layer::VpcEndpoint];
        let closed = guardrails.into_iter().find(|layer| !self.said(*layer).allow.truth.holds());
        closed.unwrap_or_else(|| paths.missing(self))
    }

    /// What each layer says by itself, in AWS's order.
    fn verdicts(&self, parties: &Parties) -> [Verdict; 8] {
        [
            self.rcp.verdict,
            self.scp.verdict,
            self.vpc_endpoint.verdict,
            match self.resource.verdict {
                Verdict::Allowed | Verdict::Delegated | Verdict::ImplicitDeny => by_way(&self.allows, parties),
                verdict @ (Verdict::ExplicitDeny | Verdict::NotApplicable) => verdict,
            },
            self.grants.as_ref().map_or(Verdict::NotApplicable, |grants| by_way(&grants.all, parties)),
            self.identity.verdict,
            self.boundary.verdict,
            self.session.verdict,
        ]
    }
}

/// Naming the account of the caller delegates; across accounts it is the resource side's Allow (R5.11).
fn by_way(allows: &Allows, parties: &Parties) -> Verdict {
    let names_account = allows.holding().contains(PrincipalMatch::Account);
    match (allows.holding().without(PrincipalMatch::Account).is_empty(), names_account) {
        (true, true) if parties.same_account => Verdict::Delegated,
        (true, false) => Verdict::ImplicitDeny,
        (false, _) | (true, true) => Verdict::Allowed,
    }
}

/// The ways in which the request can get its Allow.
struct Paths {
    /// The resource policy allows the caller by itself (R5.8).
    resource: Truth,
    /// A grant allows the caller by itself (R6.25), or as the word of the caller's own account (R6.26).
    grant: Truth,
    /// The resource side leaves it to, or needs, the caller's own policies: what it says of that.
    delegation: Truth,
    /// What the caller's own policies say, within their limits.
    identity: Truth,
    same_account: bool,
    is_served: bool,
    sharing: Sharing,
    /// The statement of the resource policy that allows by itself.
    by_policy: Option<StatementIndex>,
    /// The grant that allows by itself.
    by_grant: Option<StatementIndex>,
}

impl Paths {
    fn of(layers: &Layers, parties: &Parties) -> Self {
        let limits = layers.boundary.allow.truth.and(layers.session.allow.truth);
        let identity = match parties.caller {
            Caller::Identity => layers.identity_within(limits),
            // Without a session policy a federated user has no identity-based permission (R5.9).
            Caller::FederatedUser if !layers.session.has_say() => Truth::NO,
            Caller::FederatedUser => layers.identity_within(limits),
            Caller::Root => Truth::YES,
            Caller::Service | Caller::Federated | Caller::Anonymous => Truth::NO,
        };
        let allows = &layers.allows;
        let direct = match parties.caller {
            // A star is for those AWS knows; a token counts where its provider is named (R3.8).
            Caller::Federated => ByItself::of(allows, |way| Truth::certain(way == PrincipalMatch::Direct)),
            Caller::Identity | Caller::FederatedUser | Caller::Root | Caller::Service | Caller::Anonymous => {
                ByItself::of(allows, |way| policy_stands(way, limits))
            }
        };
        let has_account = parties.caller.has_account();
        let delegation = match (parties.sharing, parties.same_account) {
            (Sharing::EitherAllows, true) | (Sharing::IdentityOnly | Sharing::Unguarded, _) => Truth::YES,
            // An account that is not the resource's own has to be let in, in whatever form (R5.11).
            (Sharing::EitherAllows | Sharing::Delegated | Sharing::ByGrant, false) => {
                layers.allows.any().or(layers.grants.as_ref().map_or(Truth::NO, |grants| grants.all.any()))
            }
            (Sharing::Delegated | Sharing::ByGrant, true) => {
                layers.allows.by(PrincipalMatch::Account).truth.or(layers.granted(PrincipalMatch::Account))
            }
        };
        let is_enough = parties.same_account || !has_account;
        let granted = layers.grants.as_ref().map_or(ByItself::NONE, |grants| {
            let counted = if is_enough { &grants.all } else { &grants.own };
            ByItself::of(counted, |way| grant_stands(way, limits))
        });
        let grant = granted.truth.and(Truth::unless(true, Rule::GrantOfCallersAccount, is_enough));
        let resource = match (parties.sharing, is_enough) {
            (Sharing::Unguarded, _) => Truth::YES,
            (Sharing::IdentityOnly | Sharing::ByGrant, _) | (_, false) => Truth::NO,
            (Sharing::EitherAllows | Sharing::Delegated, true) => direct.truth,
        };
        let Parties { same_account, is_served, sharing, .. } = *parties;
        let (by_policy, by_grant) = (direct.by, granted.by);
        Self { resource, grant, delegation, identity, same_account, is_served, sharing, by_policy, by_grant }
    }

    fn open(&self) -> Truth {
        if !self.is_served {
            return Truth::NO;
        }
        self.resource.or(self.grant).or(self.delegation.and(self.identity))
    }

    /// The resource-based policy if it decides by itself, then a grant; otherwise the identity policy that delegation
    /// or the other account's policy leaves it to.
    fn allowed_by(&self, layers: &Layers) -> (Layer, Option<StatementRef>) {
        let reference = |layer: Layer, index: StatementIndex| StatementRef { layer, level: 0, index };
        if self.resource.holds() {
            return (Layer::Resource, self.by_policy.map(|index| reference(Layer::Resource, index)));
        }
        if self.grant.holds() {
            return (Layer::Grant, self.by_grant.map(|index| reference(Layer::Grant, index)));
        }
        // The root user has no policies of its own: what lets it in is what names it, or its account.
        if !layers.identity.has_say() {
            let first = |matches: fn(&Layers, PrincipalMatch) -> Option<&Matches>| {
                let holding = |way: &PrincipalMatch| matches(layers, *way).filter(|matches| matches.truth.holds())?.by;
                PrincipalMatch::ALL.iter().find_map(holding)
            };
            let by = first(|layers, way| Some(layers.allows.by(way)));
            let granted = first(|layers, way| layers.grants.as_ref().map(|grants| grants.all.by(way)));
            return match (by, granted) {
                (None, Some(index)) => (Layer::Grant, Some(reference(Layer::Grant, index))),
                (by, _) => (Layer::Resource, by.map(|index| reference(Layer::Resource, index))),
            };
        }
        (Layer::Identity, layers.identity.allow.by.map(|index| reference(Layer::Identity, index)))
    }

    /// The layer AWS's message names when nothing allows (R9.8): the identity policies when the resource side leaves
    /// it to them, a limit when it alone is missing, the resource policy otherwise.
    fn missing(&self, layers: &Layers) -> Layer {
        let limit =
            [Layer::Boundary, Layer::Session].into_iter().find(|layer| !layers.said(*layer).allow.truth.holds());
        let identity_allows = layers.identity.has_say() && layers.identity.allow.truth.holds();
        let is_named = LIMITED.iter().any(|way| layers.allows.by(*way).truth.holds() || layers.granted(*way).holds());
        match (self.delegation.holds() && self.is_served, limit) {
            (true, Some(limit)) if identity_allows => limit,
            (_, Some(limit)) if is_named && self.same_account => limit,
            // Nothing limits, and yet there is no Allow: a federated user lacks its session policy (R5.9).
            (true, None) if identity_allows => Layer::Session,
            (true, _) if layers.identity.has_say() => Layer::Identity,
            (true | false, _) if self.sharing == Sharing::ByGrant => Layer::Grant,
            (true | false, _) => Layer::Resource,
        }
    }
}

/// The ways of being named that a boundary and a session policy limit (R5.8).
const LIMITED: [PrincipalMatch; 2] = [PrincipalMatch::RoleOfSession, PrincipalMatch::UserOfFederatedSession];

/// What the resource's side allows by itself, and the statement or grant that does so in the strongest way.
struct ByItself {
    truth: Truth,
    by: Option<StatementIndex>,
}

impl ByItself {
    /// Nothing.
    const NONE: Self = Self { truth: Truth::NO, by: None };

    /// Holds each way of naming the caller against the limits: does an Allow in that way stand against them?
    fn of(allows: &Allows, stands: impl Fn(PrincipalMatch) -> Truth) -> Self {
        let mut found = Self::NONE;
        for way in allows.open().iter() {
            let matches = allows.by(way);
            let truth = matches.truth.and(stands(way));
            if truth.holds() && !found.truth.holds() {
                found.by = matches.by;
            }
            found.truth = found.truth.or(truth);
        }
        found
    }
}

/// Which grants stand against an implicit deny of boundary and session policy: as the statements of a key policy that
/// name the same grantee would (R5.8). AWS does not say, so the other answer is open wherever the limits would stop it
/// (R6.25). A grant to the account needs its identity policies, unsurely.
fn grant_stands(way: PrincipalMatch, limits: Truth) -> Truth {
    match way {
        PrincipalMatch::Direct => Truth::unless(true, Rule::GrantEscapesLimits, !limits.could_fail()),
        PrincipalMatch::RoleOfSession | PrincipalMatch::UserOfFederatedSession => {
            limits.or(Truth::unless(false, Rule::GrantEscapesLimits, true))
        }
        // No grant is for everyone.
        PrincipalMatch::Everyone => Truth::NO,
        PrincipalMatch::Account => Truth::unless(false, Rule::GrantEscapesLimits, true),
    }
}

/// Which Allow statements of a resource policy stand against an implicit deny of boundary and session policy: the table of
/// R5.8. A role ARN, and a user ARN met by a federated session, are limited; a session ARN, a user ARN and a star
/// are not (the star unsurely). The account form is no grant at all.
fn policy_stands(way: PrincipalMatch, limits: Truth) -> Truth {
    match way {
        PrincipalMatch::Direct => Truth::YES,
        PrincipalMatch::RoleOfSession | PrincipalMatch::UserOfFederatedSession => limits,
        PrincipalMatch::Everyone => Truth::unless(true, Rule::EveryoneEscapesLimits, !limits.could_fail()),
        PrincipalMatch::Account => Truth::NO,
    }
}

/// The answers that what is left open could turn this one into.
fn otherwise(effect: Effect, deny: &Truth, allow: &Truth) -> Effects {
    Effects::default()
        .with_if(deny.could_fail() && allow.could_hold(), Effect::Allow)
        .with_if(deny.could_fail() && allow.could_fail(), Effect::ImplicitDeny)
        .with_if(deny.could_hold(), Effect::ExplicitDeny)
        .without(effect)
}

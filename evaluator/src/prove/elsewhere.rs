//! What may callers do where no version says what is called upon?
//!
//! A world states keys, roles and other resources, and its policies reach further: every object of every bucket, every queue,
//! every key of another Region. There the policies of the resource are not known. What is asked is what a caller's own
//! policies let through: identity-based policies, boundary, session policies and SCPs, on every resource, by every action they
//! cover. What they newly let through is told. Policies of resources that are not compared otherwise are told where they could
//! let more through than before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::action::ActionName;
use crate::arn::Arn;
use crate::condition::Condition;
use crate::condition::operator::Base;
use crate::context::{ConditionKey, Origin, RequestContext, Values};
use crate::decision::Effect;
use crate::derive;
use crate::gather::gather;
use crate::layer::Layer;
use crate::policy::{self, Policies, Policy, Statement};
use crate::principal::Principal;
use crate::request::Request;
use crate::source::Span;
use crate::world::World;

use super::access::{Travels, Way, possible_ways};
use super::document::{self, Asked, Found, RESOURCE, Side};
use super::formula::Formula;
use super::layers::{condition, plain};
use super::route::{self, Route};
use super::space::Caller;
use super::{Comparison, Standing, Why, looked_at};

/// What callers' own policies newly let through on resources that no version states.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    /// Requests that show it.
    pub gains: Vec<OwnGain>,
    /// Actions of which nothing could be said.
    pub unknown: Vec<OwnUnknown>,
}

/// A request that a caller's own policies newly let through.
#[derive(Debug, Clone)]
pub struct OwnGain {
    /// The caller.
    pub caller: Principal,
    /// Whom it stands for.
    pub stands_for: Standing,
    /// The actions that are let through alike.
    pub actions: Vec<ActionName>,
    /// A resource.
    pub resource: Box<str>,
    /// The condition keys that matter; `None` where the key is absent.
    pub context: BTreeMap<ConditionKey, Option<Values>>,
    /// The statement that allows: its name and its place. None where everything is allowed, or nobody knows by what.
    pub allowed_by: Option<(String, Span)>,
    /// The layer that did not let it through, how, and by which statement.
    pub stopped_by: (Layer, Effect, Option<String>),
    /// All ways in which it is let through newly; `None` where there are too many to tell.
    pub ways: Option<Vec<Way>>,
}

/// An action of which nothing could be said.
#[derive(Debug, Clone)]
pub struct OwnUnknown {
    /// The caller.
    pub caller: Principal,
    /// Whom it stands for.
    pub stands_for: Standing,
    /// One of the actions.
    pub action: ActionName,
    /// Why.
    pub why: Why,
}

/// Something whose policies are not compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unlooked {
    /// A bucket, queue or other resource with a policy, by its ARN.
    Resource(Box<str>),
    /// A bucket, queue or other resource of which each version names another owner, by its ARN.
    Owner(Box<str>),
    /// A role whose trust policy the second version alone does not state, by its ARN.
    Trust(Box<str>),
    /// What RCPs let through to resources of an account.
    Rcps(Box<str>),
    /// What a VPC endpoint lets through.
    Endpoint(Box<str>),
}

impl fmt::Display for Unlooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(arn) => write!(f, "the policy of {arn}"),
            Self::Owner(arn) => write!(f, "the owner of {arn}"),
            Self::Trust(arn) => write!(f, "the trust policy of {arn}, which one version does not state"),
            Self::Rcps(account) => write!(f, "the RCPs of {account}, beside keys and roles"),
            Self::Endpoint(id) => write!(f, "the policy of {id}, beside keys and roles"),
        }
    }
}

impl Comparison<'_> {
    /// How many callers there are.
    pub fn callers(&self) -> usize {
        self.callers.len()
    }

    /// What the own policies of a caller, by number, newly let through on resources that no version states.
    pub fn elsewhere(&self, caller: usize) -> Elsewhere {
        let mut all = Elsewhere::default();
        if let Some(caller) = self.callers.get(caller) {
            self.own(caller, &mut all);
        }
        all
    }

    fn own(&self, caller: &Caller, all: &mut Elsewhere) {
        let Some(plain) = plain_call(caller) else { return };
        let worlds = [self.before, self.after];
        let Some(sides) = sides(worlds, &plain, caller) else { return };
        let said = sides.each_ref().map(|side| self.meant(side, |_| true));
        let [old, new] = &said;
        let statements: Vec<&Statement> = sides.iter().flat_map(Side::statements).collect();
        let hanging = self.hanging_on(caller, &statements);
        for actions in document::questions(&statements, &hanging) {
            if let Some(action) = actions.first().filter(|first| hanging.iter().any(|each| each.action.covers(first))) {
                let (stands_for, action) = (caller.stands_for.standing(true), action.clone());
                all.unknown.push(OwnUnknown { caller: caller.principal.clone(), stands_for, action, why: Why::Caller });
            }
        }
        if old == new {
            return;
        }
        // Where a layer comes or goes, what no statement names may be let through.
        let everything = super::space::all_access();
        let [old_layers, new_layers] = sides.each_ref().map(Side::kinds);
        let is_every = old_layers != new_layers && !new_layers.contains(&Layer::Identity);
        let naming = if is_every { everything.statements.iter().collect() } else { self.naming(&sides) };
        let statements: Vec<&Statement> = statements.into_iter().chain(naming.iter().copied()).collect();
        for actions in document::questions(&statements, &naming) {
            let Some(first) = actions.first() else { continue };
            let [old, new] = sides.each_ref().map(|side| self.meant(side, |statement| statement.action.covers(first)));
            if old == new || hanging.iter().any(|statement| statement.action.covers(first)) {
                continue;
            }
            let Some(request) = document::request_by(caller.principal.clone(), first) else { continue };
            let asked = self.asked_of(caller, &request, &sides);
            match document::gain(&sides, &asked, self.budget) {
                Ok(None) => {}
                Ok(Some(found)) => {
                    let (actions, found) = document::fitting(actions, found, &sides, &asked, self.budget);
                    all.gains.push(self.told(caller, actions, &found));
                }
                Err(why) => {
                    let stands_for = caller.stands_for.standing(true);
                    let (caller, action) = (caller.principal.clone(), first.clone());
                    all.unknown.push(OwnUnknown { caller, stands_for, action, why });
                }
            }
        }
    }

    /// The statements that look at something which the versions do not say alike of a caller.
    fn hanging_on<'p>(&self, caller: &Caller, statements: &[&'p Statement]) -> Vec<&'p Statement> {
        if self.is_same_otherwise {
            return Vec::new();
        }
        let Some(request) = plain_call(caller) else { return Vec::new() };
        let [old, new] = [self.before, self.after].map(|world| derive::context(world, &request));
        let said = |context: &RequestContext, key: &ConditionKey| {
            context.recorded(key).filter(|entry| is_of_caller(entry.origin)).map(|entry| entry.presence.clone())
        };
        let differs = |key: &ConditionKey| said(&old, key) != said(&new, key);
        statements.iter().filter(|statement| looked_at(statement).any(differs)).copied().collect()
    }

    /// Statements that name every action which could be gained: what the caller's own policies allow, where somebody knows them,
    /// or what differs, where that names fewer actions.
    fn naming<'p>(&self, [old, new]: &[Side<'p>; 2]) -> Vec<&'p Statement> {
        let differing = self.differing([old, new]);
        let own = new.layers.iter().find(|(layer, _)| *layer == Layer::Identity).map(|(_, policies)| *policies);
        let Some(own) = own.filter(|_| document::names_every(&differing)) else { return differing };
        let all = own.iter().flat_map(|policy| &policy.statements);
        all.filter(|statement| statement.effect == policy::Effect::Allow).collect()
    }

    /// The statements of each layer that the same layer of the other version does not have; all of them, where the layers are
    /// others.
    fn differing<'p>(&self, [old, new]: [&Side<'p>; 2]) -> Vec<&'p Statement> {
        if old.kinds() != new.kinds() {
            return old.statements().chain(new.statements()).collect();
        }
        let mut differing = Vec::new();
        for ((_, old), (_, new)) in old.layers.iter().zip(&new.layers) {
            let statements = |policies: &Policies<'p>| policies.iter().flat_map(|policy| &policy.statements).collect();
            let [old, new]: [Vec<&'p Statement>; 2] = [old, new].map(statements);
            let meant = |all: &[&Statement]| all.iter().map(|each| self.meanings.get(each)).collect::<BTreeSet<_>>();
            let (before, after) = (meant(&old), meant(&new));
            differing.extend(old.into_iter().filter(|each| !after.contains(&self.meanings.get(each))));
            differing.extend(new.into_iter().filter(|each| !before.contains(&self.meanings.get(each))));
        }
        differing
    }

    /// What the statements of each layer mean.
    fn meant(&self, side: &Side<'_>, is_about: impl Fn(&Statement) -> bool) -> Vec<(Layer, BTreeSet<Option<usize>>)> {
        let of_layer = |(layer, policies): &(Layer, Policies<'_>)| {
            let statements = policies.iter().flat_map(|policy| &policy.statements);
            let meanings = statements.filter(|statement| is_about(statement)).map(|each| self.meanings.get(each));
            (*layer, meanings.collect())
        };
        side.layers.iter().map(of_layer).collect()
    }

    fn asked_of<'r>(&self, caller: &Caller, request: &'r Request, sides: &[Side<'_>; 2]) -> Asked<'r> {
        let mut known = derive::context(self.after, request);
        let route = Route::Direct(Vec::new());
        route::open_up(&mut known, request, caller, &route);
        // What follows from the resource, from the Region and from how the call travels is open.
        let statements: Vec<&Statement> = sides.iter().flat_map(Side::statements).collect();
        let mut closed = RequestContext::closed();
        for key in statements.iter().flat_map(|statement| looked_at(statement)) {
            if let Some(entry) = known.recorded(key).filter(|entry| is_of_caller(entry.origin)) {
                closed.record(key.clone(), entry.presence.clone(), entry.origin);
            }
        }
        let context = document::context(request, statements.into_iter(), &closed);
        let mut known = route::known(request, caller, &route);
        known.extend(self.is_unstated(&request.action));
        Asked { request, context, known }
    }

    /// That a resource is none that a version states and that is compared by itself.
    fn is_unstated(&self, action: &ActionName) -> Option<(Condition, bool)> {
        if !["kms", "sts"].contains(&action.service()) || document::resources(action).is_empty() {
            return None;
        }
        let stated: Vec<String> =
            self.subjects.iter().map(|subject| subject.resource.arn.as_str().to_owned()).collect();
        let is_any = !stated.is_empty();
        is_any.then(|| (condition(RESOURCE, plain(Base::ArnEquals), stated), false))
    }

    fn told(&self, caller: &Caller, actions: Vec<ActionName>, found: &Found<'_>) -> OwnGain {
        let Found { resource, context, allowed_by, stopped_by, atoms, before, after, known } = found;
        let (layer, denied_by) = *stopped_by;
        let effect = if denied_by.is_some() { Effect::ExplicitDeny } else { Effect::ImplicitDeny };
        let name = |(policy, statement): (&Policy, &Statement)| policy.reference(statement);
        let goal = Formula::all([after.clone(), !before.clone()].into_iter().chain(known.iter().cloned()));
        let (ways, is_whole) = possible_ways(&goal, known, atoms, &Travels::Anyhow, self.budget);
        OwnGain {
            caller: caller.principal.clone(),
            stands_for: caller.stands_for.standing(true),
            actions,
            resource: resource.as_str().into(),
            context: context.clone(),
            allowed_by: allowed_by.map(|placed| (name(placed), placed.1.span)),
            stopped_by: (layer, effect, denied_by.map(name)),
            ways: is_whole.then_some(ways),
        }
    }

    /// Policies of resources, RCPs and endpoints that could let more through than before, to resources that are not compared.
    pub fn unlooked(&self) -> Vec<Unlooked> {
        let mut found = BTreeSet::new();
        let arns = |world: &'_ World| {
            let buckets = world.buckets.iter().map(|bucket| format!("arn:aws:s3:::{}", bucket.name));
            buckets.chain(world.resources.iter().map(|resource| resource.arn.as_str().to_owned())).collect::<Vec<_>>()
        };
        for arn in [self.before, self.after].into_iter().flat_map(arns) {
            let policies = [self.before, self.after].map(|world| resource_policy(world, &arn));
            let [old, new] = policies;
            if self.lets_more(old, new) || self.hangs_on_callers(policies) {
                found.insert(Unlooked::Resource(arn.as_str().into()));
            }
            let [old, new] =
                [self.before, self.after].map(|world| Arn::parse(&arn).ok().and_then(|arn| world.owner(&arn)));
            if old.is_some() && new.is_some() && old != new {
                found.insert(Unlooked::Owner(arn.into()));
            }
        }
        for role in self.before.roles.iter().filter(|role| role.trust.is_some()) {
            let after = self.after.role(role.identity.account, &role.identity.name);
            if after.is_some_and(|after| after.trust.is_none()) {
                found.insert(Unlooked::Trust(role.identity.arn("role").into()));
            }
        }
        let endpoints =
            |world: &'_ World| world.endpoints.iter().map(|endpoint| endpoint.id.clone()).collect::<Vec<_>>();
        for id in endpoints(self.before).into_iter().chain(endpoints(self.after)) {
            let policy = |world: &'_ World| world.endpoint(&id).and_then(|endpoint| endpoint.policy.clone());
            let (old, new) = (policy(self.before), policy(self.after));
            // An endpoint without a policy lets everything through.
            let is_more = match (old, new) {
                (_, None) => self.before.endpoint(&id).is_some_and(|endpoint| endpoint.policy.is_some()),
                (None, Some(_)) => false,
                (Some(old), Some(new)) => {
                    self.lets_more(Some(&old), Some(&new)) || self.hangs_on_callers([Some(&old), Some(&new)])
                }
            };
            if is_more {
                found.insert(Unlooked::Endpoint(id));
            }
        }
        let accounts = [self.before, self.after].into_iter().filter_map(|world| world.organization.as_ref());
        for account in accounts.flat_map(|organization| &organization.accounts).map(|member| member.account) {
            let levels = |world: &'_ World| {
                let (organization, member) = world.membership(account)?;
                let level =
                    |controls: &crate::world::organization::Controls| self.meant_by(Policies::Set(&controls.rcps));
                Some(organization.levels(member).map(level).collect::<Vec<_>>())
            };
            let is_more = match (levels(self.before), levels(self.after)) {
                (Some(old), Some(new)) => {
                    old.len() != new.len() || old.iter().zip(&new).any(|(old, new)| old.is_less_than(new))
                }
                (Some(old), None) => old.iter().any(|level| !level.denies.is_empty()),
                (None, _) => false,
            };
            if is_more {
                found.insert(Unlooked::Rcps(account.to_string().into()));
            }
        }
        found.into_iter().collect()
    }

    /// Whether policies look at something which the versions do not say alike of some caller.
    fn hangs_on_callers(&self, policies: [Option<&Policy>; 2]) -> bool {
        let statements: Vec<&Statement> =
            policies.into_iter().flatten().flat_map(|policy| &policy.statements).collect();
        !self.is_same_otherwise && self.callers.iter().any(|caller| !self.hanging_on(caller, &statements).is_empty())
    }

    /// Whether a policy could let more through than another: it allows what the other does not, or denies less.
    fn lets_more(&self, old: Option<&Policy>, new: Option<&Policy>) -> bool {
        let meant =
            |policy: Option<&Policy>| policy.map(|policy| self.meant_by(Policies::One(policy))).unwrap_or_default();
        meant(old).is_less_than(&meant(new))
    }

    fn meant_by(&self, policies: Policies<'_>) -> Meant {
        let mut meant = Meant::default();
        for statement in policies.iter().flat_map(|policy| &policy.statements) {
            let number = self.meanings.get(statement);
            match statement.effect {
                policy::Effect::Allow => meant.allows.insert(number),
                policy::Effect::Deny => meant.denies.insert(number),
            };
        }
        meant
    }
}

/// A call by somebody that looks at nothing else.
fn plain_call(caller: &Caller) -> Option<Request> {
    document::request_by(caller.principal.clone(), &ActionName::parse("sts:GetCallerIdentity").ok()?)
}

/// Whether what is recorded of a key follows from who calls, or is said of every call of the world.
const fn is_of_caller(origin: Origin) -> bool {
    matches!(origin, Origin::Principal | Origin::Session | Origin::World)
}

/// What the statements of a policy mean, by number.
#[derive(Debug, Default)]
struct Meant {
    allows: BTreeSet<Option<usize>>,
    denies: BTreeSet<Option<usize>>,
}

impl Meant {
    /// Whether another policy could let more through.
    fn is_less_than(&self, other: &Self) -> bool {
        let is_unknown = other.allows.contains(&None) || self.denies.contains(&None);
        is_unknown || !other.allows.is_subset(&self.allows) || !self.denies.is_subset(&other.denies)
    }
}

fn resource_policy<'w>(world: &'w World, arn: &str) -> Option<&'w Policy> {
    let bucket = world.buckets.iter().find(|bucket| arn.strip_prefix("arn:aws:s3:::") == Some(&*bucket.name));
    let other = || world.resources.iter().find(|resource| resource.arn.as_str() == arn);
    bucket.and_then(|bucket| bucket.policy.as_deref()).or_else(|| other()?.policy.as_deref())
}

/// What a caller's own policies are in both versions; `None` where it has none of its own.
fn sides<'w>(worlds: [&'w World; 2], request: &Request, caller: &Caller) -> Option<[Side<'w>; 2]> {
    let has_own = matches!(caller.principal, Principal::User(_) | Principal::RoleSession { .. });
    if !has_own && !matches!(caller.principal, Principal::Root { .. }) {
        return None;
    }
    Some(worlds.map(|world| {
        let applicable = gather(world, request, None);
        let is_managed = applicable.principal_in_management_account || caller.principal.is_service_linked();
        let scps = applicable.scp.into_iter().flatten().filter(|_| !is_managed).map(|level| (Layer::Scp, level));
        let own = applicable.identity.filter(|_| caller.is_known).map(|policies| (Layer::Identity, policies));
        let boundary = applicable.boundary.map(|policies| (Layer::Boundary, policies));
        let session = applicable.session.map(|policies| (Layer::Session, policies));
        let layers = scps.chain(own).chain(boundary).chain(session).collect();
        Side { layers, is_open: has_own && !caller.is_known }
    }))
}

//! Is there a request that one version denies and the other allows?
//!
//! A search that knows policies and decisions, and nothing of the prover. It aims at the statements in which the versions
//! differ: at the callers and actions that one of them is about, by every way for a call to travel. From there it climbs:
//! whatever stands in the way of a gain, a Deny that applies or an Allow that does not, names a condition, and one thing about
//! the request is changed so that the condition turns.

use std::collections::{BTreeMap, BTreeSet};

use permitlab_evaluator::authorize::decide;
use permitlab_evaluator::catalog::kms::{self, Operation};
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::context::{ConditionKey, Presence, RequestContext, Values};
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::derive;
use permitlab_evaluator::eval::View;
use permitlab_evaluator::eval::statement::{applies, applies_but_for_conditions};
use permitlab_evaluator::gather::gather;
use permitlab_evaluator::layer::{Layer, Verdict};
use permitlab_evaluator::policy::{self, Policies, PolicyType, Statement};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Source, Via};
use permitlab_evaluator::truth::{Rules, Truth, Unstated};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::kms::Constraint;
use permitlab_fuzz::mutate::Numbers;

use crate::calls::{Form, calls};
use crate::policies::{Reading, Spoken, changed, read, statements};
use crate::values::near;

/// Requests that are decided in both versions, a world.
const TRIES: usize = 1_500;

/// Requests from a start on, before another one is tried.
const STEPS: usize = 24;

/// A search of two versions.
pub(crate) struct Falsifier<'w> {
    worlds: [&'w World; 2],
    callers: Vec<Principal>,
    changed: Vec<Spoken<'w>>,
    all: Vec<Spoken<'w>>,
    form: Form<'w>,
    values: BTreeMap<ConditionKey, Vec<Option<Values>>>,
    vias: Vec<Option<Via>>,
    sources: Vec<Option<Source>>,
    pairs: Vec<BTreeMap<String, String>>,
}

/// A start: a request, and the changed statement that is about it.
struct Start<'w> {
    request: Request,
    aim: Spoken<'w>,
}

/// One thing to change about a request.
enum Change<'f> {
    Value(&'f ConditionKey, &'f Option<Values>),
    Pair(&'f str, Option<String>),
    Pairs(BTreeMap<String, String>),
    Via(&'f Option<Via>),
    Source(&'f Option<Source>),
}

/// A statement that is about a request, as far as its conditions do not tell.
#[derive(Clone, Copy)]
struct Heard<'w> {
    layer: Layer,
    spoken: Spoken<'w>,
    /// Whether its conditions hold as well.
    applies: bool,
}

/// That a statement should apply, or not.
struct Wish<'w> {
    spoken: Spoken<'w>,
    applies: bool,
}

/// What a world says of a request.
pub(crate) fn decided(world: &World, request: &Request) -> Decision {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    decide(&gather(world, request, endpoint.as_deref()), request, &context, Rules::NONE)
}

/// What a statement, or a part of one, comes to in a version of the world.
fn seen(world: &World, kind: PolicyType, request: &Request, of: impl Fn(&View<'_>) -> Truth) -> Truth {
    let (context, unstated) = (derive::context(world, request), Unstated::default());
    let applicable = gather(world, request, None);
    of(&View { kind, ..applicable.view(request, &context, &unstated) })
}

/// Whether policies of these types stand for one another: an Allow of the resource's side does for one of the caller's.
fn are_one_side(one: PolicyType, other: PolicyType) -> bool {
    let sides = [PolicyType::Identity, PolicyType::Key, PolicyType::Trust];
    one == other || [one, other].iter().all(|kind| sides.contains(kind))
}

impl<'w> Falsifier<'w> {
    /// Of these worlds.
    pub(crate) fn new(worlds: [&'w World; 2], callers: Vec<Principal>) -> Self {
        let [before, after] = worlds;
        let all = [statements(0, before), statements(1, after)].concat();
        let mut conditions: Vec<&Condition> = all.iter().flat_map(|each| &each.statement.conditions).collect();
        let mut pairs = vec![BTreeMap::new()];
        let grants = worlds.into_iter().flat_map(|world| &world.keys).flat_map(|key| &key.grants);
        for constraint in grants.flat_map(|grant| &grant.constraints) {
            match constraint {
                Constraint::EncryptionContextEquals(own) | Constraint::EncryptionContextSubset(own) => {
                    let more = own.pairs.clone().into_iter().chain([("more".to_owned(), "x".to_owned())]);
                    pairs.extend([own.pairs.clone(), more.collect()]);
                }
                Constraint::SourceArn(condition) => conditions.push(condition),
            }
        }
        let values = near(&conditions);
        let texts = |key: &str| {
            let values = values.get(&ConditionKey::new(key)).into_iter().flatten().flatten();
            values.flat_map(Values::as_slice).map(String::as_str).collect::<Vec<_>>()
        };
        let services = texts("aws:CalledVia").into_iter().filter_map(|host| host.strip_suffix(".amazonaws.com"));
        let mut hosts: BTreeSet<String> = services
            .chain(["s3", "bedrock", "dynamodb", "kms"])
            .filter(|service| !service.contains('.'))
            .map(|service| format!("{service}.us-east-1.amazonaws.com"))
            .collect();
        hosts.extend(texts("kms:ViaService").into_iter().filter(|host| is_host(host)).map(str::to_owned));
        let via = |host: String| Some(Via { service: host.into() });
        let source = |arn: &str| Some(Source { arn: arn.into(), account: None });
        let arns = texts("aws:SourceArn").into_iter().map(source);
        Self {
            worlds,
            callers,
            changed: changed(worlds),
            form: Form::new(worlds, values.keys().cloned()),
            vias: std::iter::once(None).chain(hosts.into_iter().map(via)).collect(),
            sources: std::iter::once(None).chain(arns).collect(),
            pairs,
            values,
            all,
        }
    }

    /// A request that is denied before and allowed after.
    pub(crate) fn search(&self, numbers: &mut Numbers) -> Option<Request> {
        let mut starts = self.starts();
        for at in (1..starts.len()).rev() {
            starts.swap(at, numbers.below(at + 1));
        }
        let mut left = TRIES;
        let mut rounds = starts.iter().cycle();
        while left > 0 {
            if let Some(found) = self.climb(rounds.next()?, &mut left, numbers) {
                return Some(found);
            }
        }
        None
    }

    /// The calls that one of the changed statements is about, and that are neither denied after nor allowed before
    /// whatever conditions say. Of several to which the same statements apply, and of which the same is known, one.
    fn starts(&self) -> Vec<Start<'w>> {
        let [before, after] = self.worlds;
        let (strict, loose) = (read(before, Reading::Strict), read(after, Reading::Loose));
        let could_help = |aim: &&Spoken<'_>| (aim.version == 0) == (aim.statement.effect == policy::Effect::Deny);
        let aims: Vec<Spoken<'w>> = self.changed.iter().filter(could_help).copied().collect();
        let is_covered = |call: &Request| aims.iter().any(|aim| aim.statement.action.covers(&call.action));
        let calls = self.callers.iter().flat_map(|caller| calls(before, caller)).filter(is_covered);
        let mut starts = Vec::new();
        let mut met = BTreeSet::new();
        for request in calls.flat_map(|call| self.routes(&call)) {
            let heard = [0, 1].map(|version| self.heard(version, &request)).concat();
            let own: Vec<Spoken<'w>> = aims.iter().filter(|aim| aim.is_among(&heard)).copied().collect();
            let could_gain =
                || decided(&loose, &request).effect == Effect::Allow && decided(&strict, &request).effect.is_deny();
            if !own.is_empty() && could_gain() && met.insert(self.told_apart_by(&request, &heard)) {
                starts.extend(own.into_iter().map(|aim| Start { request: request.clone(), aim }));
            }
        }
        starts
    }

    /// What tells a start from others: its caller and route, the keys that it may state, and which statements and grants
    /// are about it.
    fn told_apart_by(&self, request: &Request, heard: &[Heard<'_>]) -> String {
        let about: Vec<bool> = self.all.iter().map(|spoken| spoken.is_among(heard)).collect();
        let grants = self.worlds.iter().flat_map(|world| &world.keys).flat_map(|key| &key.grants);
        let is_called = |operation: &Operation| request.action.is(&format!("kms:{}", operation.name));
        let granted: Vec<bool> =
            grants.map(|grant| grant.operations.iter().any(|operation| is_called(operation.value))).collect();
        let has_pairs = kms::operation(&request.action).is_some_and(|operation| operation.encryption_context);
        let Request { principal, via, context, retires, .. } = request;
        format!("{principal:?} {via:?} {context:?} {retires:?} {has_pairs} {about:?} {granted:?}")
    }

    /// The statements of a version that are about a request.
    fn heard(&self, version: usize, request: &Request) -> Vec<Heard<'w>> {
        let world = self.worlds[version];
        let (context, unstated) = (derive::context(world, request), Unstated::default());
        let applicable = gather(world, request, derive::endpoint(request, &context).as_deref());
        let view = applicable.view(request, &context, &unstated);
        let mut heard = Vec::new();
        for layer in Layer::ALL {
            let policies = (0..applicable.levels(layer)).filter_map(|level| applicable.policies(layer, level));
            for policy in policies.flat_map(Policies::iter) {
                let (kind, view) = (policy.kind, View { kind: policy.kind, ..view });
                let is_about = |statement: &&Statement| {
                    statement.action.covers(&request.action)
                        && applies_but_for_conditions(statement, &view).could_hold()
                };
                heard.extend(policy.statements.iter().filter(is_about).map(|statement| {
                    let spoken = Spoken { version, kind, statement };
                    Heard { layer, spoken, applies: applies(statement, &view).holds() }
                }));
            }
        }
        heard
    }

    /// A call by each of the ways it could travel.
    fn routes(&self, call: &Request) -> Vec<Request> {
        let mut routes = vec![call.clone(), Request { via: self.vias.get(1).cloned().flatten(), ..call.clone() }];
        for endpoint in self.worlds.iter().flat_map(|world| &world.endpoints).take(1) {
            let mut through = call.clone();
            let id = Values::One(endpoint.id.to_string());
            through.context.insert(ConditionKey::new("aws:SourceVpce"), Some(id));
            routes.push(through);
        }
        routes.into_iter().map(|request| self.form.made(request)).collect()
    }

    /// Changes a request until it shows a gain, or there is no way on.
    fn climb(&self, start: &Start<'w>, left: &mut usize, numbers: &mut Numbers) -> Option<Request> {
        let mut request = self.scattered(&start.request, numbers);
        for condition in &start.aim.statement.conditions {
            let wish = Wish { spoken: start.aim, applies: true };
            if !self.holds(start.aim, condition, &request)
                && let Some(next) = self.turned(&request, &wish, condition, start.aim, numbers)
            {
                request = next;
            }
        }
        for _ in 0..STEPS {
            *left = left.checked_sub(1)?;
            let decisions = self.worlds.map(|world| decided(world, &request));
            let [old, new] = &decisions;
            let is_gain = old.effect.is_deny() && new.effect == Effect::Allow;
            // What hangs on a rule that is not sure is a gain by the reference's reading of it.
            if is_gain && decisions.iter().all(|decision| decision.doubts.keys.is_empty()) {
                return Some(request);
            }
            // A step aside, now and then, leads around what no single change gets over.
            let is_aside = is_gain || numbers.below(12) == 0;
            request = if is_aside {
                self.changed_anyhow(&request, numbers)?
            } else {
                self.nearer(&request, &decisions, start.aim, numbers)?
            };
        }
        None
    }

    /// The request with some of the values that conditions name, or none.
    fn scattered(&self, request: &Request, numbers: &mut Numbers) -> Request {
        let mut scattered = request.clone();
        let most = numbers.below(4);
        for key in self.values.keys() {
            let changes: Vec<Change<'_>> =
                self.changes(key).into_iter().filter(|change| !matches!(change, Change::Via(_))).collect();
            let is_route = key.folded() == "aws:sourcevpce";
            if numbers.below(3) < most && !changes.is_empty() && !is_route {
                scattered = changes[numbers.below(changes.len())].made(&scattered);
            }
        }
        if numbers.below(3) == 0 {
            scattered.encryption_context.clone_from(&self.pairs[numbers.below(self.pairs.len())]);
        }
        if scattered.source.is_none() {
            scattered.source.clone_from(&self.sources[numbers.below(self.sources.len())]);
        }
        self.form.made(scattered)
    }

    /// The request with one thing changed that a condition looks at.
    fn changed_anyhow(&self, request: &Request, numbers: &mut Numbers) -> Option<Request> {
        let at = numbers.below(self.values.len());
        let changes = self.changes(self.values.keys().nth(at)?);
        let change = changes.get(numbers.below(changes.len()))?;
        Some(self.form.made(change.made(request)))
    }

    /// The request with one thing changed that stands in the way of a gain.
    fn nearer(
        &self,
        request: &Request,
        decisions: &[Decision; 2],
        aim: Spoken<'w>,
        numbers: &mut Numbers,
    ) -> Option<Request> {
        let mut wishes = self.wishes(request, decisions, aim);
        while !wishes.is_empty() {
            let wish = wishes.swap_remove(numbers.below(wishes.len()));
            let mut conditions: Vec<&Condition> = wish.spoken.statement.conditions.iter().collect();
            conditions.retain(|condition| self.holds(wish.spoken, condition, request) != wish.applies);
            while !conditions.is_empty() {
                let condition = conditions.swap_remove(numbers.below(conditions.len()));
                if let Some(next) = self.turned(request, &wish, condition, aim, numbers) {
                    return Some(next);
                }
            }
        }
        None
    }

    /// What would have to be otherwise for a gain.
    fn wishes(&self, request: &Request, [old, new]: &[Decision; 2], aim: Spoken<'w>) -> Vec<Wish<'w>> {
        let mut wishes = Vec::new();
        if old.effect == Effect::Allow {
            // What has changed should deny, or what allows instead of it not apply.
            wishes.extend(self.heard(0, request).into_iter().filter(|heard| match heard.spoken.statement.effect {
                policy::Effect::Deny => !heard.applies && self.is_changed(heard.spoken),
                policy::Effect::Allow => heard.applies && are_one_side(heard.spoken.kind, aim.kind),
            }));
        }
        if new.effect.is_deny() {
            // Nothing should deny, and the layers that say nothing allow.
            wishes.extend(self.heard(1, request).into_iter().filter(|heard| match heard.spoken.statement.effect {
                policy::Effect::Deny => heard.applies,
                policy::Effect::Allow => !heard.applies && new.verdict(heard.layer) == Verdict::ImplicitDeny,
            }));
        }
        wishes.into_iter().map(|heard| Wish { spoken: heard.spoken, applies: !heard.applies }).collect()
    }

    fn is_changed(&self, spoken: Spoken<'_>) -> bool {
        self.changed.iter().any(|each| std::ptr::eq(each.statement, spoken.statement))
    }

    /// The request with one thing changed so that a condition of a statement turns; if it can be, one that the statement
    /// aimed at is no further from.
    fn turned(
        &self,
        request: &Request,
        wish: &Wish<'w>,
        condition: &Condition,
        aim: Spoken<'w>,
        numbers: &mut Numbers,
    ) -> Option<Request> {
        let start = numbers.below(usize::MAX / 2);
        let changes = self.changes(&condition.key);
        let met = |request: &Request| {
            let holds = |condition: &&Condition| self.holds(aim, condition, request);
            aim.statement.conditions.iter().filter(holds).count()
        };
        let now = met(request);
        let mut otherwise = None;
        for step in 0..changes.len() {
            let change = &changes[(start + step) % changes.len()];
            if !change.could_turn(condition, wish.applies) {
                continue;
            }
            let next = self.form.made(change.made(request));
            if self.holds(wish.spoken, condition, &next) != wish.applies {
                continue;
            }
            if met(&next) >= now {
                return Some(next);
            }
            otherwise = otherwise.or(Some(next));
        }
        otherwise
    }

    /// Whether a condition of a statement holds.
    fn holds(&self, spoken: Spoken<'_>, condition: &Condition, request: &Request) -> bool {
        seen(self.worlds[spoken.version], spoken.kind, request, |view| condition.holds(view)).holds()
    }

    /// What could be changed about a request for a key to be another one.
    fn changes(&self, key: &ConditionKey) -> Vec<Change<'_>> {
        let Some((key, values)) = self.values.get_key_value(key) else { return Vec::new() };
        let folded = key.folded();
        let mut changes = Vec::new();
        if folded.starts_with("kms:encryptioncontext:") {
            let name = key.as_str().get("kms:EncryptionContext:".len()..).unwrap();
            let first = |values: &Option<Values>| values.as_ref().and_then(|values| values.as_slice().first().cloned());
            changes.extend(values.iter().map(|values| Change::Pair(name, first(values))));
            changes.extend(self.pairs.iter().map(|pairs| Change::Pairs(pairs.clone())));
        } else if folded == "kms:encryptioncontextkeys" {
            let names = values.iter().map(|values| values.as_ref().map_or(&[][..], Values::as_slice));
            let pairs = names.flat_map(|names| {
                ["red", "x"].map(|value| names.iter().map(|name| (name.clone(), value.to_owned())).collect())
            });
            changes.extend(pairs.map(Change::Pairs));
            changes.extend(self.pairs.iter().map(|pairs| Change::Pairs(pairs.clone())));
        } else if folded.contains("via") {
            changes.extend(self.vias.iter().map(Change::Via));
        } else {
            changes.extend(values.iter().map(|values| Change::Value(key, values)));
        }
        if folded.starts_with("aws:source") {
            changes.extend(self.sources.iter().map(Change::Source));
        }
        changes
    }
}

impl Spoken<'_> {
    fn is_among(&self, heard: &[Heard<'_>]) -> bool {
        heard.iter().any(|each| std::ptr::eq(each.spoken.statement, self.statement))
    }
}

impl Change<'_> {
    /// Whether it could make a condition hold, or fail, if it is asked before anything is made of it.
    fn could_turn(&self, condition: &Condition, holds: bool) -> bool {
        let Change::Value(key, values) = self else { return true };
        if condition.operands.iter().any(|operand| operand.text.as_str().contains("${")) || **key != condition.key {
            return true;
        }
        let presence = (*values).clone().map_or(Presence::Absent, Presence::Present);
        condition.holds_with(&presence, &RequestContext::new()).holds() == holds
    }

    /// The request with it.
    fn made(&self, request: &Request) -> Request {
        let mut request = request.clone();
        match self {
            Change::Value(key, values) => {
                request.context.insert((*key).clone(), (*values).clone());
            }
            Change::Pair(name, Some(value)) => {
                request.encryption_context.insert((*name).to_owned(), value.clone());
            }
            Change::Pair(name, None) => {
                request.encryption_context.retain(|other, _| !other.eq_ignore_ascii_case(name));
            }
            Change::Pairs(pairs) => request.encryption_context.clone_from(pairs),
            Change::Via(via) => request.via.clone_from(via),
            Change::Source(source) => request.source.clone_from(source),
        }
        request
    }
}

/// Whether it could be the host of a service in a Region.
fn is_host(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    matches!(labels[..], [service, region, "amazonaws", "com"] if !service.is_empty() && !region.is_empty())
}

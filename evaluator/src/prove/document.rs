//! Does a policy by itself allow anything that another version of it does not?
//!
//! Beside the conditions, the resource is open: it is looked for among all ARNs that the policies' patterns could tell apart.
//! Actions that every statement of both versions treats alike are one question. What the other layers say is not asked: a
//! policy may be attached to anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::ActionName;
use crate::arn::Arn;
use crate::catalog::services::{self, pattern::covered};
use crate::catalog::{self, KeyType};
use crate::condition::operator::Base;
use crate::condition::{Condition, Operand};
use crate::context::{ConditionKey, Origin, Presence, RequestContext, Values};
use crate::derive;
use crate::eval::View;
use crate::eval::policy::{StatementIndex, evaluate};
use crate::layer::Layer;
use crate::policy::pattern::ArnPattern;
use crate::policy::{Effect, Policies, Policy, PolicyType, ResourceElement, Statement};
use crate::principal::Principal;
use crate::request::{Request, Resource};
use crate::source::Span;
use crate::truth::{Rules, Unstated};
use crate::world::World;

use super::formula::{Atoms, Formula, IDENTITY};
use super::layers::{Compiler, condition, plain};
use super::search::{Budget, Model, Outcome, search};
use super::space::Meanings;
use super::{Why, looked_at, readings, value};

/// The name of the resource among the keys of a model.
pub(super) const RESOURCE: &str = "the resource";

/// What one version of a policy allows and the other does not.
#[derive(Debug, Clone, Default)]
pub struct DocumentGains {
    /// Requests that show it, one for each question.
    pub witnesses: Vec<DocumentWitness>,
    /// Actions of which nothing could be said, and why.
    pub unknown: Vec<(ActionName, Why)>,
    /// How many actions there are, and how many questions they came to.
    pub asked: (usize, usize),
}

/// A request that one version of a policy allows and the other does not.
#[derive(Debug, Clone)]
pub struct DocumentWitness {
    /// The actions that are allowed alike.
    pub actions: Vec<ActionName>,
    /// The resource.
    pub resource: Box<str>,
    /// The condition keys that matter; `None` where the key is absent.
    pub context: BTreeMap<ConditionKey, Option<Values>>,
    /// The statement that allows, by its place in the policy from 0.
    pub allowed_by: usize,
    /// The statement of the other version that denies, if one does.
    pub denied_by: Option<usize>,
}

/// Policies that have to let a call through together, each layer by itself. Who calls is known, what is called upon is not.
#[derive(Debug, Clone)]
pub(super) struct Side<'p> {
    /// The layers, in AWS's order.
    pub(super) layers: Vec<(Layer, Policies<'p>)>,
    /// Whether there are identity-based policies of which nobody knows what they say.
    pub(super) is_open: bool,
}

impl<'p> Side<'p> {
    fn of(policy: &'p Policy) -> Self {
        Self { layers: vec![(Layer::Identity, Policies::One(policy))], is_open: false }
    }

    /// What its layers are.
    pub(super) fn kinds(&self) -> Vec<Layer> {
        self.layers.iter().map(|(layer, _)| *layer).collect()
    }

    pub(super) fn statements(&self) -> impl Iterator<Item = &'p Statement> {
        let policies = self.layers.iter().flat_map(|(_, policies)| policies.iter());
        policies.flat_map(|policy| &policy.statements)
    }
}

/// A request that one side allows and the other does not.
#[derive(Debug)]
pub(super) struct Found<'p> {
    pub(super) resource: Arn,
    pub(super) context: BTreeMap<ConditionKey, Option<Values>>,
    /// The statement of the caller's own policies that allows.
    pub(super) allowed_by: Option<Placed<'p>>,
    /// The first layer of the other side that does not let it through, and the statement that denies, if one does.
    pub(super) stopped_by: (Layer, Option<Placed<'p>>),
    /// What both sides say, and what is known of every request.
    pub(super) atoms: Atoms,
    pub(super) before: Formula,
    pub(super) after: Formula,
    pub(super) known: Vec<Formula>,
}

/// What is asked: a call by somebody, in a request context in which what is not known is open.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) context: RequestContext,
    /// What every such request keeps to.
    pub(super) known: Vec<(Condition, bool)>,
}

/// Compares what a policy without principals allows with what another version of it does.
pub fn documents(before: &Policy, after: &Policy, budget: Budget) -> DocumentGains {
    let statements: Vec<&Statement> = before.statements.iter().chain(&after.statements).collect();
    let questions = questions(&statements, &statements);
    let asked = (questions.iter().map(Vec::len).sum(), questions.len());
    let mut gains = DocumentGains { asked, ..DocumentGains::default() };
    let meanings = Meanings::of([before, after]);
    for actions in questions {
        let Some(first) = actions.first().cloned() else { continue };
        let about = |policy: &Policy| {
            let statements = policy.statements.iter().filter(|statement| statement.action.covers(&first));
            statements.map(|statement| meanings.get(statement)).collect::<BTreeSet<_>>()
        };
        if about(before) == about(after) {
            continue;
        }
        let sides = [Side::of(before), Side::of(after)];
        let Some(request) = request(&first) else { continue };
        let context = context(&request, before.statements.iter().chain(&after.statements), &RequestContext::closed());
        let asked = Asked { request: &request, context, known: Vec::new() };
        match gain(&sides, &asked, budget) {
            Ok(None) => {}
            Ok(Some(found)) => {
                let (actions, found) = fitting(actions, found, &sides, &asked, budget);
                match found.witness(actions) {
                    Some(witness) => gains.witnesses.push(witness),
                    None => gains.unknown.push((first, Why::NotReplayed)),
                }
            }
            Err(why) => gains.unknown.push((first, why)),
        }
    }
    gains
}

/// What one version of a policy without principals denies and another does not: whatever else allows it lets it through. The
/// statement of a witness that allows is the Deny of the version before.
pub fn undenied(before: &Policy, after: &Policy, budget: Budget) -> DocumentGains {
    documents(&half(after, Effect::Deny), &half(before, Effect::Deny), budget)
}

/// Where two versions of a policy without principals do not do the same wherever they are attached: requests that one
/// allows and the other does not, then those that a statement of one allows or denies and no such statement of the other.
pub fn differences(one: &Policy, other: &Policy, budget: Budget) -> DocumentGains {
    let [old_allows, new_allows] = [one, other].map(|policy| half(policy, Effect::Allow));
    let [old_denies, new_denies] = [one, other].map(|policy| half(policy, Effect::Deny));
    let mut all = DocumentGains::default();
    for (one, other) in [(one, other), (&old_allows, &new_allows), (&old_denies, &new_denies)] {
        for (before, after) in [(one, other), (other, one)] {
            let gains = documents(before, after, budget);
            all.witnesses.extend(gains.witnesses);
            all.unknown.extend(gains.unknown);
            all.asked = gains.asked;
        }
    }
    all
}

/// A policy that allows what another allows, or what it denies.
fn half(policy: &Policy, effect: Effect) -> Policy {
    let statements = policy.statements.iter().filter(|statement| statement.effect == effect);
    let statements = statements.map(|statement| Statement { effect: Effect::Allow, ..statement.clone() }).collect();
    Policy::new(policy.name.clone(), policy.kind, policy.version, statements)
}

/// The actions that some of the statements name, those together that none of all statements and no key tells apart. A `*` names
/// those of all services.
pub(super) fn questions(statements: &[&Statement], naming: &[&Statement]) -> Vec<Vec<ActionName>> {
    let mut keys: Vec<&ConditionKey> =
        statements.iter().flat_map(|statement| &statement.conditions).map(|condition| &condition.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut actions: BTreeMap<String, ActionName> = BTreeMap::new();
    let mut add = |name: String| {
        if let Ok(action) = ActionName::parse(&name) {
            actions.entry(name.to_lowercase()).or_insert(action);
        }
    };
    let patterns = || naming.iter().flat_map(|statement| &statement.action.patterns);
    let every = names_every(naming);
    if every {
        for service in services::prefixes().filter_map(services::service) {
            service.actions().for_each(|action| add(format!("{}:{}", service.prefix(), action.name())));
        }
    }
    for pattern in patterns() {
        let mut known = covered(&pattern.value).peekable();
        // An action that AWS may have by tomorrow.
        if known.peek().is_none() && pattern.value.service().is_some() {
            add(pattern.text.as_str().replace('*', "Example").replace('?', "x"));
        }
        if !every {
            known.for_each(|action| add(format!("{}:{}", action.service().prefix(), action.name())));
        }
    }
    let mut alike: BTreeMap<Vec<bool>, Vec<ActionName>> = BTreeMap::new();
    for action in actions.into_values() {
        let of_statement = |statement: &&Statement| statement.action.covers(&action);
        let of_key = |key: &&ConditionKey| is_open(key, &action);
        let named: Vec<bool> = statements.iter().map(of_statement).collect();
        if named.contains(&true) {
            let told = named.into_iter().chain(keys.iter().map(of_key)).collect();
            alike.entry(told).or_default().push(action);
        }
    }
    let mut questions: Vec<Vec<ActionName>> = alike.into_values().collect();
    questions.sort();
    questions
}

/// Keys that a session brings to every call, beside those of identity providers.
const OF_SESSION: [&str; 3] = ["ec2:sourceinstancearn", "lambda:sourcefunctionarn", "ssm:sourceinstancearn"];

/// Whether statements name actions of every service.
pub(super) fn names_every(statements: &[&Statement]) -> bool {
    let is_every = |statement: &&Statement| {
        statement.action.negated || statement.action.patterns.iter().any(|each| each.value.service().is_none())
    };
    statements.iter().any(is_every)
}

/// Whether a call may carry the key.
fn is_open(key: &ConditionKey, action: &ActionName) -> bool {
    let is_of_provider = key.prefix().contains('.') || key.prefix() == "saml";
    catalog::may_be_sent(key, action)
        || (action.service() == "kms" && key.prefix() == "kms")
        || is_of_provider
        || OF_SESSION.contains(&key.folded())
}

/// The actions of a question that take some resource of those that are gained, and a request with one of these by the first of
/// them. All of them as they are, where AWS's reference knows none that does.
pub(super) fn fitting<'p>(
    actions: Vec<ActionName>,
    found: Found<'p>,
    sides: &[Side<'p>; 2],
    asked: &Asked<'_>,
    budget: Budget,
) -> (Vec<ActionName>, Found<'p>) {
    let mut of_types: BTreeMap<Vec<String>, bool> = BTreeMap::new();
    let mut kept = Vec::new();
    let mut first = None;
    for action in &actions {
        let patterns = resources(action);
        if patterns.is_empty() {
            kept.push(action.clone());
            continue;
        }
        let mut is_first = false;
        let is_gained = *of_types.entry(patterns.clone()).or_insert_with(|| {
            let is_one = condition(RESOURCE, plain(Base::ArnLike), patterns);
            let known = asked.known.iter().cloned().chain([(is_one, true)]).collect();
            let asked = Asked { request: asked.request, context: asked.context.clone(), known };
            let own = gain(sides, &asked, budget).ok().flatten();
            let is_gained = own.is_some();
            is_first = is_gained && first.is_none();
            first = first.take().or(own);
            is_gained
        });
        match (is_gained, is_first) {
            (true, true) => kept.insert(0, action.clone()),
            (true, false) => kept.push(action.clone()),
            (false, _) => {}
        }
    }
    if kept.is_empty() { (actions, found) } else { (kept, first.unwrap_or(found)) }
}

/// Patterns of the resources that an action takes, as AWS's reference has them; none of an action that names no resource.
pub(super) fn resources(action: &ActionName) -> Vec<String> {
    let kinds = services::action(action).into_iter().flat_map(services::Action::resources).map(|each| each.kind);
    let mut patterns: Vec<String> =
        kinds.flat_map(services::ResourceType::arn_patterns).map(|form| wild(&form)).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

/// A form of ARNs as a pattern: `arn:${Partition}:sqs:${Region}:${Account}:${QueueName}` with a wildcard for each part to fill,
/// in the partition that most use.
fn wild(form: &str) -> String {
    let form = form.replacen("${Partition}", "aws", 1);
    let mut parts = form.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "*" + part.split_once('}').map_or("", |(_, rest)| rest))
}

impl Found<'_> {
    fn witness(self, actions: Vec<ActionName>) -> Option<DocumentWitness> {
        Some(DocumentWitness {
            actions,
            resource: self.resource.as_str().into(),
            context: self.context,
            allowed_by: self.allowed_by?.1.index,
            denied_by: self.stopped_by.1.map(|(_, statement)| statement.index),
        })
    }
}

/// A request that the second side allows and the first does not.
pub(super) fn gain<'p>(sides: &[Side<'p>; 2], asked: &Asked<'_>, budget: Budget) -> Result<Option<Found<'p>>, Why> {
    let found = gain_in(sides, asked, &asked.context, budget);
    if found.as_ref().err() != Some(&Why::Variable) {
        return found;
    }
    // With a value for what variables stand for.
    let mut context = asked.context.clone();
    for key in variables(sides.iter().flat_map(Side::statements)) {
        let is_unstated = context.recorded(&key).is_none_or(|entry| entry.presence == Presence::Unstated);
        if is_unstated && is_open(&key, &asked.request.action) && !catalog::is_multivalued(&key) {
            context.record(key, Presence::Present(Values::One("example".to_owned())), Origin::Stated);
        }
    }
    match gain_in(sides, asked, &context, budget) {
        Ok(Some(found)) => Ok(Some(found)),
        Ok(None) | Err(_) => Err(Why::Variable),
    }
}

fn gain_in<'p>(
    sides: &[Side<'p>; 2],
    asked: &Asked<'_>,
    context: &RequestContext,
    budget: Budget,
) -> Result<Option<Found<'p>>, Why> {
    let in_reading = |flipped: Rules| {
        let unstated = Unstated::default();
        let (mut atoms, mut met) = (Atoms::default(), Rules::NONE);
        let view = view(asked.request, context, &unstated);
        let [before, after] = sides.each_ref().map(|side| allowed(side, &view, &mut atoms, flipped, &mut met));
        if after == Formula::NO || before == after {
            return (Outcome::Impossible, (atoms, before, after, Vec::new()), met);
        }
        let asks = |condition: &Condition| condition.key.as_str() == RESOURCE || atoms.keys().contains(&condition.key);
        let asked: Vec<_> = asked.known.iter().filter(|(condition, _)| asks(condition)).cloned().collect();
        let mut known: Vec<Formula> =
            asked.into_iter().map(|(condition, holds)| atoms.that(condition, holds)).collect();
        known.push(has_resource(&mut atoms));
        let denied = !before.clone();
        let mut goals = vec![&after, &denied];
        goals.extend(&known);
        (search(&goals, &atoms, flipped, budget), (atoms, before, after, known), met)
    };
    let (outcome, formulas, met) = in_reading(Rules::NONE);
    let model = match outcome {
        // What is gained in another reading of a rule is not proved not to be.
        Outcome::Impossible => {
            let is_gain = |flipped: Rules| in_reading(flipped).0 != Outcome::Impossible;
            let mut readings = readings(met).ok_or(Why::Budget)?;
            return if readings.any(is_gain) { Err(Why::Reading) } else { Ok(None) };
        }
        Outcome::Unknown => return Err(Why::Budget),
        Outcome::Model(model) => model,
    };
    let why = if formulas.0.has_open() { Why::Variable } else { Why::NotReplayed };
    replayed(sides, asked.request.clone(), context.clone(), formulas, &model).map(Some).ok_or(why)
}

/// A call by somebody, on something.
fn request(action: &ActionName) -> Option<Request> {
    let caller = Principal::parse("arn:aws:iam::000000000000:role/anybody").ok()?;
    request_by(caller, action)
}

/// A call on something.
pub(super) fn request_by(caller: Principal, action: &ActionName) -> Option<Request> {
    let resource = Arn::parse(&format!("arn:aws:{}:us-east-1:000000000000:example", action.service())).ok()?;
    Some(Request::new(caller, action.clone(), Resource::new(resource)))
}

/// A request context in which all is open that statements look at and a call may carry, but for what is known.
pub(super) fn context<'p>(
    request: &Request,
    statements: impl Iterator<Item = &'p Statement>,
    known: &RequestContext,
) -> RequestContext {
    let mut context = derive::context(&World::default(), request);
    let keys: Vec<ConditionKey> = context.entries().map(|(key, _)| key.clone()).collect();
    for key in keys.into_iter().chain(statements.flat_map(looked_at).cloned()) {
        let is_known = known.recorded(&key);
        let presence = if is_open(&key, &request.action) { Presence::Unstated } else { Presence::Absent };
        let (presence, origin) =
            is_known.map_or((presence, Origin::Stated), |entry| (entry.presence.clone(), entry.origin));
        context.record(key, presence, origin);
    }
    context
}

/// The keys whose values variables stand for.
fn variables<'p>(statements: impl Iterator<Item = &'p Statement>) -> Vec<ConditionKey> {
    let of_statement = |statement| super::variables(statement).map(|variable| variable.key.clone()).collect::<Vec<_>>();
    let mut keys: Vec<_> = statements.flat_map(of_statement).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn allowed(side: &Side<'_>, view: &View<'_>, atoms: &mut Atoms, flipped: Rules, met: &mut Rules) -> Formula {
    let mut parts = Vec::new();
    if side.is_open {
        parts.push(atoms.open(IDENTITY));
    }
    for (_, policies) in &side.layers {
        let (mut denies, mut allows) = (Vec::new(), Vec::new());
        let view = View { kind: policies.kind().unwrap_or(view.kind), ..*view };
        for statement in policies.iter().flat_map(|policy| &policy.statements) {
            if !statement.action.covers(&view.request.action) {
                continue;
            }
            let resource = resource(statement, &view, atoms);
            let applies = resource.and(conditions(statement, &view, atoms, flipped, met));
            match statement.effect {
                Effect::Deny => denies.push(applies),
                Effect::Allow => allows.push(applies),
            }
        }
        parts.push(Formula::any(allows).and(!Formula::any(denies)));
    }
    Formula::all(parts)
}

/// A request as policies without principals see it, whatever their keys.
pub(super) fn view<'r>(request: &'r Request, context: &'r RequestContext, unstated: &'r Unstated) -> View<'r> {
    View { request, context, kind: PolicyType::Identity, has_boundary: false, unstated }
}

/// When all conditions of a statement hold.
pub(super) fn conditions(
    statement: &Statement,
    view: &View<'_>,
    atoms: &mut Atoms,
    flipped: Rules,
    met: &mut Rules,
) -> Formula {
    let mut compiler = Compiler::new(atoms, flipped, false);
    let all: Vec<Formula> = statement.conditions.iter().map(|each| compiler.condition(each, view)).collect();
    *met = met.union(compiler.met());
    Formula::all(all)
}

/// When a statement is about the resource.
pub(super) fn resource(statement: &Statement, view: &View<'_>, atoms: &mut Atoms) -> Formula {
    let ResourceElement::Listed { negated, patterns, .. } = &statement.resource else { return Formula::YES };
    let mut operands = Vec::new();
    for pattern in patterns {
        if pattern.value == ArnPattern::Every {
            return Formula::Constant(!negated);
        }
        let Some(resolved) = pattern.value.resolved(view) else {
            let texts: Vec<&str> = patterns.iter().map(|pattern| pattern.text.as_str()).collect();
            let open = atoms.open(&format!("resource {texts:?}"));
            return if *negated { !open } else { open };
        };
        operands.push(Operand::of_arn(pattern.text.clone(), resolved));
    }
    let listed = atoms.condition(on_resource(Base::ArnLike, operands, statement.span));
    if *negated { !listed } else { listed }
}

/// That there is a resource, where a statement asks which: what no pattern matches is one too.
fn has_resource(atoms: &mut Atoms) -> Formula {
    if !atoms.keys().iter().any(|key| key.as_str() == RESOURCE) {
        return Formula::YES;
    }
    let never_absent = condition(RESOURCE, plain(Base::Null), ["false".to_owned()]);
    atoms.condition(on_resource(Base::Null, never_absent.operands, never_absent.span))
}

fn on_resource(base: Base, operands: Vec<Operand>, span: Span) -> Condition {
    let (key, key_type) = (ConditionKey::new(RESOURCE), Some(KeyType::Arn));
    Condition { operator: plain(base), key, key_type, operands, operator_span: span, key_span: span, span }
}

/// The request of a model, if the policies say of it what the formulas do.
fn replayed<'p>(
    sides: &[Side<'p>; 2],
    mut request: Request,
    mut context: RequestContext,
    (atoms, before, after, known): (Atoms, Formula, Formula, Vec<Formula>),
    model: &Model,
) -> Option<Found<'p>> {
    let mut named = BTreeMap::new();
    for (key, presence) in atoms.keys().iter().zip(&model.values) {
        if key.as_str() == RESOURCE {
            if let Presence::Present(Values::One(text)) = presence {
                request.resource = Resource::new(Arn::parse(text).ok()?);
            }
            continue;
        }
        context.record(key.clone(), presence.clone(), Origin::Stated);
        let values = match presence {
            Presence::Present(values) => Some(values.clone()),
            Presence::Absent | Presence::Unstated => None,
        };
        named.insert(key.clone(), values);
    }
    let unstated = Unstated::default();
    let view = view(&request, &context, &unstated);
    let [old, new] = sides;
    let has_access = !new.is_open || atoms.is_open_identity(&model.open);
    let allows = has_access && blocking(new, &view).is_none();
    let stopped_by = blocking(old, &view).filter(|_| allows)?;
    let own = new.layers.iter().find(|(layer, _)| *layer == Layer::Identity).map(|(_, policies)| *policies);
    let allowed_by = own.and_then(|policies| named_by(policies, evaluate(policies, &view).allow.by?));
    Some(Found { resource: request.resource.arn, context: named, allowed_by, stopped_by, atoms, before, after, known })
}

/// A statement, and the policy it stands in.
pub(super) type Placed<'p> = (&'p Policy, &'p Statement);

/// The first layer that does not let a request through, and the statement that denies it.
fn blocking<'p>(side: &Side<'p>, view: &View<'_>) -> Option<(Layer, Option<Placed<'p>>)> {
    side.layers.iter().find_map(|(layer, policies)| {
        let outcome = evaluate(*policies, view);
        if value::read(outcome.deny.truth, Rules::NONE) {
            return Some((*layer, outcome.deny.by.and_then(|by| named_by(*policies, by))));
        }
        (!value::read(outcome.allow.truth, Rules::NONE)).then_some((*layer, None))
    })
}

fn named_by(policies: Policies<'_>, by: StatementIndex) -> Option<Placed<'_>> {
    let policy = policies.iter().nth(by.policy())?;
    let statement = policy.statements.iter().find(|statement| statement.index == by.statement())?;
    Some((policy, statement))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::policy::{Document, PolicyType, parse};
    use crate::source::SourceMap;

    const ON_ALL: &str = r#""Resource": "*""#;

    fn policy(resource: &str, conditions: &str) -> Policy {
        read(&format!(r#""s3:GetObject", {resource}, "Condition": {{{conditions}}}"#))
    }

    fn policy_of(action: &str) -> Policy {
        read(&format!("{action}, {ON_ALL}"))
    }

    /// A policy of one Allow.
    fn read(rest: &str) -> Policy {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": {rest}}}]}}"#);
        let mut sources = SourceMap::new();
        let id = sources.add("policy", &text).unwrap();
        let parsed = parse(&Document::read("policy", id, &text).unwrap(), PolicyType::Identity);
        parsed.policy.unwrap()
    }

    /// Whether the second version allows a call that the first does not; there is nothing of which nothing is said.
    #[track_caller]
    fn gains(before: &Policy, after: &Policy) -> bool {
        let gains = documents(before, after, Budget::default());
        assert!(gains.unknown.is_empty(), "{:?}", gains.unknown);
        !gains.witnesses.is_empty()
    }

    #[rstest]
    #[case::another_service(r#""NotResource": "arn:aws:s3:::data/*""#, true)]
    #[case::the_resource_of_a_plain_request(r#""NotResource": "arn:aws:s3:*:*:*""#, true)]
    #[case::every_arn(r#""NotResource": "arn:*:*:*:*:*""#, false)]
    fn what_is_not_named_is_a_resource_too(#[case] resource: &str, #[case] expected: bool) {
        let nothing = policy(r#""Resource": "arn:aws:s3:::data/a""#, r#""Null": {"aws:Misspelt": "false"}"#);
        assert_eq!(gains(&nothing, &policy(resource, "")), expected);
    }

    #[rstest]
    #[case::of_a_service(r#""newservice:*""#)]
    #[case::of_a_known_service(r#""s3:Frobnicate?ll*""#)]
    #[case::by_name(r#""s3:FrobnicateAll""#)]
    fn an_action_that_nobody_knows_is_one_too(#[case] action: &str) {
        let before = policy(r#""Resource": "arn:aws:s3:::data/a""#, "");
        let more = policy_of(action);
        let statements = before.statements.iter().chain(&more.statements).cloned();
        let after = Policy::new(before.name.clone(), before.kind, before.version, statements.collect());
        assert!(gains(&before, &after));
    }

    #[rstest]
    #[case::after_a_colon_of_its_own("a:*", "a:?*", true)]
    #[case::after_the_fifth("*", "?*", false)]
    #[case::the_same_twice("a:*", "a:**", false)]
    fn the_last_field_may_end_with_a_colon(#[case] after: &str, #[case] before: &str, #[case] expected: bool) {
        let on = |last: &str| policy(&format!(r#""Resource": "arn:aws:s3:::{last}""#), "");
        assert_eq!(gains(&on(before), &on(after)), expected);
    }

    #[rstest]
    #[case::all_there_is(r#""StringLike": {"aws:ViaAWSService": ["t*", "false"]}"#, false)]
    #[case::one_of_two(r#""StringLike": {"aws:ViaAWSService": "t*"}"#, true)]
    #[case::case_matters(r#""StringEquals": {"aws:ViaAWSService": ["True", "false"]}"#, true)]
    #[case::as_text_and_as_boolean(
        r#""StringEquals": {"aws:ViaAWSService": "true"}, "Bool": {"aws:ViaAWSService": "true"}"#,
        true
    )]
    fn a_boolean_is_one_of_two_texts(#[case] conditions: &str, #[case] expected: bool) {
        let present = policy(ON_ALL, r#""Null": {"aws:ViaAWSService": "false"}"#);
        assert_eq!(gains(&policy(ON_ALL, conditions), &present), expected);
    }

    #[rstest]
    #[case::an_arn("s3:DataAccessPointArn")]
    #[case::a_number("aws:MultiFactorAuthAge")]
    #[case::a_date("aws:TokenIssueTime")]
    #[case::an_address("aws:VpcSourceIp")]
    #[case::a_text("aws:userid")]
    #[case::of_an_identity_provider("cognito-identity.amazonaws.com:sub")]
    #[case::of_saml("saml:sub")]
    #[case::of_an_instance("ec2:SourceInstanceARN")]
    #[case::a_boolean("aws:ViaAWSService")]
    fn a_key_of_which_nothing_else_is_asked_may_be_there(#[case] key: &str) {
        let nothing = policy(ON_ALL, r#""Null": {"aws:userid": ["true"]}, "StringLike": {"aws:userid": "*"}"#);
        assert!(gains(&nothing, &policy(ON_ALL, &format!(r#""Null": {{"{key}": "false"}}"#))));
    }

    #[rstest]
    #[case::an_empty_string_and_another("StringNotEquals", "", true)]
    #[case::anything_but_the_empty_string("StringLike", "?*", true)]
    #[case::everything("StringLike", "*", false)]
    fn all_values_fail_with_a_string_that_is_not_empty(
        #[case] operator: &str,
        #[case] value: &str,
        #[case] expected: bool,
    ) {
        let every = format!(r#""ForAllValues:{operator}": {{"aws:CalledVia": "{value}"}}"#);
        assert_eq!(gains(&policy(ON_ALL, &every), &policy(ON_ALL, "")), expected);
    }
}

//! Does a change let anybody do what they could not do before?
//!
//! Two versions of a world are compared over all calls on its keys and roles (see [`permitlab_evaluator::prove`]): either it
//! is proved that nobody gains access, or there is a request that shows it, with the statement that now allows it and the
//! layer that stopped it before.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::policy::{self, Policy, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{
    Asked, Budget, Comparison, DocumentWitness, Gains, Pair, Standing, Unknown, Witness, documents, worlds_of_key,
    worlds_of_trust,
};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::{Rule, Rules};
use permitlab_evaluator::world::World;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::facts::Facts;
use crate::file::write::{list, quoted};
use crate::judge::judge;
use crate::mutate::witness::Ask;
use crate::question::Question;
use crate::root::PolicyRoot;
use crate::table::answer::{Outcome, outcome};
use crate::table::{Refused, Stage};

/// How a version of a world stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Both allow the same calls.
    Equal,
    /// The second allows nothing that the first does not, and less.
    Narrower,
    /// The second allows all that the first does, and more.
    Wider,
    /// Each allows something that the other does not.
    Incomparable,
    /// Of some calls nothing could be said.
    Inconclusive,
}

/// What came of a comparison.
#[derive(Debug)]
pub struct Proof {
    /// The world: its path from the policy root.
    pub world: String,
    /// How the second version stands to the first.
    pub verdict: Verdict,
    /// What the second allows and the first does not.
    pub gained: Vec<Finding>,
    /// What the first allows and the second does not.
    pub lost: Vec<Finding>,
    /// Calls of which nothing could be said, and why.
    pub unknown: Vec<(String, String)>,
    /// How much was compared.
    pub asked: Compared,
}

/// How much was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The calls of a world.
    World(Asked),
    /// The actions that a policy by itself is about.
    Actions(usize),
}

impl Compared {
    fn json(self) -> Value {
        match self {
            Self::World(Asked { callers, resources, calls }) => {
                json!({ "callers": callers, "resources": resources, "calls": calls })
            }
            Self::Actions(actions) => json!({ "actions": actions }),
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World(Asked { callers, resources, calls }) => {
                write!(
                    f,
                    "{callers} callers, {resources} keys and roles, {calls} calls; no other resource is looked at"
                )
            }
            Self::Actions(actions) => write!(f, "{actions} actions, every resource"),
        }
    }
}

/// Access that one version gives and the other does not: a request that shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Who calls, as a check would name it.
    pub caller: String,
    /// Whom the caller stands for, where that is not itself alone.
    pub stands_for: Option<&'static str>,
    /// On what.
    pub resource: String,
    /// The actions that are allowed alike.
    pub actions: Vec<String>,
    /// The version that denies: what it says of the first of them.
    pub denied: Outcome,
    /// Which layer denies.
    pub stopped_by: &'static str,
    /// The version that allows: what it says.
    pub allowed: Outcome,
    /// Where the statement that allows stands, if it is in a file: `policies/key-eval.json:12:5`.
    pub place: Option<String>,
    /// The rules on whose other reading it rests.
    pub rests_on: Vec<&'static str>,
    ask: Ask,
    /// Whether a scenario file can name the caller.
    is_named: bool,
}

impl Verdict {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Narrower => "narrower",
            Self::Wider => "wider",
            Self::Incomparable => "incomparable",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// What it means, in a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Equal => "proved: nobody may do more than before, and nobody less",
            Self::Narrower => "proved: nobody may do more than before",
            Self::Wider => "somebody may do more than before, and nobody less",
            Self::Incomparable => "somebody may do more than before, and somebody less",
            Self::Inconclusive => "not proved: of some calls nothing could be said",
        }
    }
}

/// What is changed before two versions of a world are compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Changes<'c> {
    /// Changes of the version before that somebody looked at: what they let anybody do is no gain.
    pub accepted: &'c [String],
    /// Changes of the version after.
    pub after: &'c [String],
}

/// Whether a change is about something in this world of a root.
pub fn applies(root: &PolicyRoot, world: &str, change: &str) -> Result<(), Refused> {
    Stage::of(root, world, &[change.to_owned()]).map(|_| ())
}

/// Compares a world in two roots, with changes applied.
///
/// # Errors
/// What is wrong with the world in either, and whether that is the version before.
pub fn prove(
    before: &PolicyRoot,
    after: &PolicyRoot,
    world: &str,
    changes: Changes<'_>,
    budget: Budget,
) -> Result<Proof, Box<(bool, Refused)>> {
    let stage = |root: &PolicyRoot, changes: &[String], is_before: bool| {
        let is_there = root.world_files().is_ok_and(|worlds| worlds.iter().any(|own| own == world));
        let read = || Side::of(root, world, changes).map_err(|why| Box::new((is_before, why)));
        if is_there { read() } else { Ok(Side::default()) }
    };
    let (old, new) = (stage(before, changes.accepted, true)?, stage(after, changes.after, false)?);
    Ok(compared(world, &old, &new, budget))
}

/// A policy file: its path and its text.
pub type PolicyText<'t> = (&'t str, &'t str);

/// Compares two policy files, each by itself. A key policy or a trust policy is compared for all callers; for other
/// policies the question is what they allow whoever has them.
///
/// # Errors
/// What is wrong with either, and whether that is the version before.
pub fn prove_policies(
    before: PolicyText<'_>,
    after: PolicyText<'_>,
    kind: Option<PolicyType>,
    budget: Budget,
) -> Result<Proof, Box<(bool, Refused)>> {
    let read = |(name, text): PolicyText<'_>, kind: Option<PolicyType>, is_before: bool| {
        let mut sources = SourceMap::new();
        match checked(&mut sources, name, text, kind) {
            Ok((policy, kind)) => Ok((sources, policy, kind)),
            Err(findings) => Err(Box::new((is_before, (sources, findings)))),
        }
    };
    let (new_sources, new, kind) = read(after, kind, false)?;
    let (old_sources, old, _) = read(before, Some(kind), true)?;
    let side = |world: World, sources: SourceMap| Side { world, sources, ..Side::default() };
    match kind {
        PolicyType::Key => {
            let [old, new] = worlds_of_key([old, new]);
            Ok(compared(after.0, &side(old, old_sources), &side(new, new_sources), budget))
        }
        PolicyType::Trust => {
            let [old, new] = worlds_of_trust([old, new]);
            Ok(compared(after.0, &side(old, old_sources), &side(new, new_sources), budget))
        }
        PolicyType::Identity
        | PolicyType::Boundary
        | PolicyType::Session
        | PolicyType::ServiceControl
        | PolicyType::Resource
        | PolicyType::VpcEndpoint
        | PolicyType::ResourceControl => {
            let gains = documents(&old, &new, budget);
            let losses = documents(&new, &old, budget);
            let one = |witness: &DocumentWitness, denying: &Policy, allowing: &Policy, sources: &SourceMap| {
                of_document(witness, denying, allowing, sources)
            };
            let gained: Vec<Finding> = gains.witnesses.iter().map(|each| one(each, &old, &new, &new_sources)).collect();
            let lost: Vec<Finding> = losses.witnesses.iter().map(|each| one(each, &new, &old, &old_sources)).collect();
            let verdict = verdict((gained.len(), gains.unknown.len()), (lost.len(), losses.unknown.len()));
            let unknown = gains.unknown.iter().chain(&losses.unknown);
            let mut unknown: Vec<_> = unknown.map(|(action, why)| (action.to_string(), why.to_string())).collect();
            unknown.sort_unstable();
            unknown.dedup();
            let asked = Compared::Actions(gains.asked.0);
            Ok(Proof { world: after.0.to_owned(), verdict, gained, lost, unknown, asked })
        }
    }
}

fn checked(
    sources: &mut SourceMap,
    name: &str,
    text: &str,
    kind: Option<PolicyType>,
) -> Result<(Arc<Policy>, PolicyType), Vec<Diagnostic>> {
    let (document, kind) = crate::lint::read(sources, name, text, kind).map_err(|finding| vec![*finding])?;
    let parsed = policy::parse(&document, kind);
    let errors: Vec<Diagnostic> = parsed.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    match parsed.policy {
        Some(policy) if errors.is_empty() => match unsupported(&policy) {
            Some(finding) => Err(vec![finding]),
            None => Ok((Arc::new(policy), kind)),
        },
        Some(_) | None => Err(errors),
    }
}

/// The finding about a policy whose principals no comparison by itself looks at.
fn unsupported(policy: &Policy) -> Option<Diagnostic> {
    let has_world = matches!(policy.kind, PolicyType::Key | PolicyType::Trust);
    let named = policy.statements.iter().find_map(|statement| statement.principal.as_ref()).filter(|_| !has_world)?;
    let message = "policies with principals are compared by themselves only where they are key or trust policies";
    let finding = Diagnostic::error("unsupported-resource-policy", named.span, message);
    Some(finding.help("say with scenarios what this policy has to allow and to deny"))
}

fn of_document(witness: &DocumentWitness, denying: &Policy, allowing: &Policy, sources: &SourceMap) -> Finding {
    let statement = |policy: &Policy, index: usize| policy.statements.iter().find(|each| each.index == index).cloned();
    let decided = |effect: Effect, policy: &Policy, index: Option<usize>| {
        let by = index.and_then(|index| statement(policy, index)).map(|statement| policy.reference(&statement));
        Outcome { effect, by, ..Outcome::NOTHING }
    };
    let denied = if witness.denied_by.is_some() { Effect::ExplicitDeny } else { Effect::ImplicitDeny };
    let span = statement(allowing, witness.allowed_by).map(|statement| statement.span);
    let caller = "whoever has the policy".to_owned();
    let question = Question {
        by: caller.clone(),
        resource: Some(witness.resource.to_string()),
        call: witness.actions.first().map(ToString::to_string).unwrap_or_default(),
        ..Question::default()
    };
    Finding {
        caller,
        stands_for: None,
        resource: witness.resource.to_string(),
        actions: witness.actions.iter().map(ToString::to_string).collect(),
        denied: decided(denied, denying, witness.denied_by),
        stopped_by: "same",
        allowed: decided(Effect::Allow, allowing, Some(witness.allowed_by)),
        place: span.map(|span| sources.place(span)),
        rests_on: Vec::new(),
        ask: Ask { question, context: witness.context.clone() },
        is_named: false,
    }
}

/// A version of a world.
#[derive(Debug, Default)]
struct Side {
    facts: Facts,
    world: World,
    sources: SourceMap,
}

impl Side {
    fn of(root: &PolicyRoot, world: &str, changes: &[String]) -> Result<Self, Refused> {
        let Stage { facts, sources, .. } = Stage::of(root, world, changes)?;
        match facts.world() {
            Ok(world) => Ok(Self { facts, world, sources }),
            Err(findings) => Err((sources, findings)),
        }
    }
}

fn compared(name: &str, old: &Side, new: &Side, budget: Budget) -> Proof {
    let (gains, gaining) = all(&old.world, &new.world, budget);
    let (losses, losing) = all(&new.world, &old.world, budget);
    let gained = findings(&gains.witnesses, &gaining, old, new);
    let lost = findings(&losses.witnesses, &losing, new, old);
    let mut unknown: Vec<(String, String)> =
        gains.unknown.iter().chain(&losses.unknown).map(|each| unknown_text(each, new, old)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    let verdict = verdict((gained.len(), gains.unknown.len()), (lost.len(), losses.unknown.len()));
    Proof { world: name.to_owned(), verdict, gained, lost, unknown, asked: Compared::World(gains.asked) }
}

/// The verdict of what is gained and lost, and of how many calls nothing could be said.
const fn verdict(gains: (usize, usize), losses: (usize, usize)) -> Verdict {
    match (gains, losses) {
        ((0, 0), (0, 0)) => Verdict::Equal,
        ((0, 0), _) => Verdict::Narrower,
        ((0, _), _) => Verdict::Inconclusive,
        (_, (0, 0)) => Verdict::Wider,
        (_, _) => Verdict::Incomparable,
    }
}

/// All that the second world allows and the first does not, on all cores, in order.
fn all<'w>(before: &'w World, after: &'w World, budget: Budget) -> (Gains, Comparison<'w>) {
    let comparison = Comparison::new(before, after, budget);
    let pairs: Vec<Pair> = comparison.pairs();
    let each: Vec<Gains> = pairs.into_par_iter().map(|pair| comparison.gains(pair)).collect();
    let mut gains = Gains { asked: comparison.asked(), ..Gains::default() };
    for own in each {
        gains.witnesses.extend(own.witnesses);
        gains.unknown.extend(own.unknown);
    }
    (gains, comparison)
}

/// The findings, those of one caller on one resource by one statement and one way put together.
fn findings(witnesses: &[Witness], comparison: &Comparison<'_>, denying: &Side, allowing: &Side) -> Vec<Finding> {
    let mut found: BTreeMap<(String, String, String, bool), Finding> = BTreeMap::new();
    let mut order = Vec::new();
    for witness in witnesses {
        let finding = finding(witness, comparison, denying, allowing);
        let way = finding.ask.question.via.is_some();
        let place = (finding.caller.clone(), finding.resource.clone(), finding.allowed.to_string(), way);
        if let Some(known) = found.get_mut(&place) {
            known.actions.extend(finding.actions);
        } else {
            order.push(place.clone());
            found.insert(place, finding);
        }
    }
    order.into_iter().filter_map(|place| found.remove(&place)).collect()
}

fn finding(witness: &Witness, comparison: &Comparison<'_>, denying: &Side, allowing: &Side) -> Finding {
    let [before, after] = comparison.worlds(witness);
    let mut request = witness.request.clone();
    // A scenario can name the root user of any account; what a stranger may do with everything allowed, it may too.
    let as_root = as_root(witness, &before, &after);
    let is_named = as_root.is_some() || witness.caller != (Standing::OfAccount { allowed: true });
    if let Some(root) = as_root {
        request = root;
    }
    let (denied, allowed) = (outcome(&before, &request), outcome(&after, &request));
    let stopped_by = judge(&before, &request, Rules::NONE).layer.map_or("no layer", |layer| layer.word());
    let caller = caller_name(&allowing.facts, &denying.facts, &request.principal);
    let resource = resource_name(&allowing.facts, &denying.facts, &request);
    let stands_for = match witness.caller {
        Standing::Itself => None,
        Standing::OfAccount { allowed: true } => Some("anybody of the account whose own policies allow it"),
        Standing::OfAccount { allowed: false } => Some("anybody of the account, whatever its own policies say"),
        Standing::Service => Some("any service"),
    };
    let place = statement_place(&after, &request, allowing);
    let ask = ask(&caller, &resource, &request);
    Finding {
        caller,
        stands_for,
        resource,
        actions: vec![request.action.as_str().to_owned()],
        denied,
        stopped_by,
        allowed,
        place,
        rests_on: witness.rests_on.iter().map(Rule::number).collect(),
        ask,
        is_named,
    }
}

/// The same request by the root user of a stranger's account, if it shows the same.
fn as_root(witness: &Witness, before: &World, after: &World) -> Option<Request> {
    let account = witness.request.principal.account().filter(|_| witness.caller != Standing::Itself)?;
    let principal = Principal::Root { account, partition: "aws".into() };
    let request = Request { principal, ..witness.request.clone() };
    let (denied, allowed) = (outcome(before, &request), outcome(after, &request));
    (denied.effect.is_deny() && !allowed.effect.is_deny()).then_some(request)
}

fn statement_place(world: &World, request: &Request, side: &Side) -> Option<String> {
    let statement = judge(world, request, Rules::NONE).statement?;
    // A policy that stands for others is in no file.
    side.sources.source(statement.span.source)?;
    Some(side.sources.place(statement.span))
}

/// What a caller is called, or those for whom it stands: `account/NAME/*` is everybody else of an account, `account/*`
/// everybody of accounts that nobody names, `service/*` every service that nobody names.
pub(crate) fn standing_name(facts: &Facts, caller: &Principal, standing: Standing) -> String {
    match (standing, caller.account()) {
        (Standing::Service, _) => "service/*".to_owned(),
        (Standing::OfAccount { .. }, Some(account)) if !account.as_str().contains(|digit| digit != '0') => {
            "account/*".to_owned()
        }
        (Standing::OfAccount { .. }, Some(account)) => {
            let named = facts.accounts.iter().find(|(_, own)| **own == account);
            format!("account/{}/*", named.map_or(account.as_str(), |(name, _)| name))
        }
        (Standing::Itself | Standing::OfAccount { .. }, _) => caller_name(facts, facts, caller),
    }
}

/// What a check calls a caller.
pub(crate) fn caller_name(facts: &Facts, other: &Facts, caller: &Principal) -> String {
    let of = |facts: &Facts| {
        let (kind, identity, session) = match caller {
            Principal::User(identity) => ("user", identity, ""),
            Principal::RoleSession { role, session } => ("role", role, &**session),
            Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => return None,
        };
        let is =
            |(name, each): &(&String, &crate::facts::Attached)| name.starts_with(kind) && each.identity == *identity;
        let name = facts.identities.iter().find(is).map(|(name, _)| name.clone())?;
        let session = if session.is_empty() || session == "permitlab" { String::new() } else { format!("@{session}") };
        Some(name + &session)
    };
    let account = |facts: &Facts| match caller {
        Principal::Root { account, .. } => {
            let named = facts.accounts.iter().find(|(_, own)| *own == account);
            named.map(|(name, _)| format!("account/{name}"))
        }
        Principal::User(_)
        | Principal::RoleSession { .. }
        | Principal::FederatedUser { .. }
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::Anonymous => None,
    };
    let named = of(facts).or_else(|| of(other)).or_else(|| account(facts)).or_else(|| account(other));
    named.unwrap_or_else(|| match caller {
        Principal::Service(host) => {
            format!(
                "service/{}",
                host.strip_suffix(".amazonaws.com")
                    .filter(|name| permitlab_evaluator::catalog::names::is_principal(name))
                    .unwrap_or(host)
            )
        }
        Principal::Anonymous => "anonymous".to_owned(),
        Principal::RoleSession { .. } => caller.principal_arn().unwrap_or_default(),
        Principal::Federated(provider) if !provider.starts_with("arn:") => format!("federated/{provider}"),
        Principal::Federated(provider) => provider.to_string(),
        Principal::User(_) | Principal::FederatedUser { .. } | Principal::Root { .. } => {
            caller.arn().unwrap_or_default()
        }
    })
}

/// What a check calls a resource.
pub(crate) fn name_of(facts: &Facts, arn: &Arn) -> String {
    resource_named(facts, facts, arn)
}

fn resource_name(facts: &Facts, other: &Facts, request: &Request) -> String {
    resource_named(facts, other, &request.resource.arn)
}

fn resource_named(facts: &Facts, other: &Facts, arn: &Arn) -> String {
    let of = |facts: &Facts| {
        let key = facts.keys.iter().find(|(_, key)| key.held().is_some_and(|held| held.arn == *arn));
        let role =
            || facts.identities.iter().find(|(name, each)| name.starts_with("role/") && each.identity.is_role_of(arn));
        key.map(|(name, _)| format!("key/{name}")).or_else(|| role().map(|(name, _)| name.clone()))
    };
    of(facts).or_else(|| of(other)).unwrap_or_else(|| arn.as_str().to_owned())
}

/// What a request has beside caller, action and resource, in words.
pub(crate) fn circumstances(request: &Request) -> String {
    ask("", "", request).circumstances()
}

/// A request as a check would ask it.
pub(crate) fn ask(caller: &str, resource: &str, request: &Request) -> Ask {
    let question = Question {
        by: caller.to_owned(),
        call: request.action.as_str().to_owned(),
        resource: Some(resource.to_owned()),
        via: request.via.as_ref().map(|via| via.service.to_string()),
        on_behalf_of: request.source.as_ref().map(|source| source.arn.to_string()),
        encryption_context: request.encryption_context.clone().into_iter().collect(),
        ..Question::default()
    };
    Ask { question, context: request.context.clone() }
}

fn unknown_text(unknown: &Unknown, one: &Side, other: &Side) -> (String, String) {
    let Unknown { request, why } = unknown;
    let caller = caller_name(&one.facts, &other.facts, &request.principal);
    let resource = resource_name(&one.facts, &other.facts, request);
    let way = if request.via.is_some() { ", forwarded by a service" } else { "" };
    (format!("{caller}  {resource}  {}{way}", request.action), why.to_string())
}

impl Finding {
    /// What the request has beside caller, action and resource, in words.
    pub fn circumstances(&self) -> String {
        self.ask.circumstances()
    }

    /// The request as a scenario that says it must fail.
    pub fn scenario(&self, world: &str) -> String {
        let mut text = String::new();
        let name = format!("{} gains no {} on {}", self.caller, self.actions.join(", "), self.resource);
        let _ = writeln!(text, "scenario: {}", quoted(&name));
        let _ = writeln!(text, "use: {}", list([world]));
        if !self.is_named {
            let _ = writeln!(
                text,
                "# the caller stands for a role that its own policies allow everything: define one under `roles:`"
            );
        }
        let _ = writeln!(text, "checks:");
        for action in &self.actions {
            let mut ask = self.ask.clone();
            ask.question.call.clone_from(action);
            let _ = writeln!(text, "  - name: {}", quoted(&format!("{action} by {}", self.caller)));
            text.push_str(&ask.text("    "));
            let _ = writeln!(text, "    expect: deny");
        }
        text
    }

    /// The finding for programs.
    pub fn json(&self) -> Value {
        let Ask { question, context } = &self.ask;
        let value = |values: &Option<permitlab_evaluator::context::Values>| match values {
            None => Value::Null,
            Some(permitlab_evaluator::context::Values::One(value)) => json!(value),
            Some(permitlab_evaluator::context::Values::Many(values)) => json!(values),
        };
        let context: BTreeMap<&str, Value> =
            context.iter().map(|(key, values)| (key.as_str(), value(values))).collect();
        let pairs: BTreeMap<&String, &String> =
            question.encryption_context.iter().map(|(name, value)| (name, value)).collect();
        json!({ "principal": self.caller, "standsFor": self.stands_for, "resource": self.resource,
            "actions": self.actions, "via": question.via, "for": question.on_behalf_of,
            "encryptionContext": pairs, "context": context, "statement": self.allowed.by, "place": self.place,
            "stoppedBy": { "layer": self.stopped_by, "answer": self.denied.word().word(), "statement": self.denied.by },
            "restsOn": self.rests_on })
    }
}

impl Proof {
    /// The proof for programs.
    pub fn json(&self) -> Value {
        let unknown: Vec<Value> = self.unknown.iter().map(|(call, why)| json!({ "call": call, "why": why })).collect();
        json!({ "world": self.world, "verdict": self.verdict.word(),
            "gained": self.gained.iter().map(Finding::json).collect::<Vec<_>>(),
            "lost": self.lost.iter().map(Finding::json).collect::<Vec<_>>(), "unknown": unknown,
            "asked": self.asked.json() })
    }
}

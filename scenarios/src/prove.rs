//! Does a change let anybody do what they could not do before?
//!
//! Two versions of a world are compared over all calls on its keys and roles (see [`permitlab_evaluator::prove`]): either it
//! is proved that nobody gains access, or there is a request that shows it, with the statement that now allows it and the
//! layer that stopped it before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use permitlab_evaluator::action::{ActionName, ActionPattern};
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::kms;
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::policy::{self, Policy, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{
    Asked, Budget, Comparison, DocumentWitness, Elsewhere, Gains, OwnGain, Pair, Standing, Unknown, Way, Witness,
    documents, undenied, worlds_of_key, worlds_of_trust,
};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::{Rule, Rules};
use permitlab_evaluator::world::World;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::access::sentences;
use crate::facts::Facts;
use crate::file::write::{list, quoted};
use crate::judge::judge;
use crate::mutate::witness::Ask;
use crate::question::Question;
use crate::root::PolicyRoot;
use crate::table::answer::{Outcome, lets_in, outcome};
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
                write!(f, "{callers} callers, {resources} keys and roles, {calls} calls; elsewhere their own policies")
            }
            Self::Actions(actions) => write!(f, "{actions} actions, every resource"),
        }
    }
}

/// Access that one version gives and the other does not: requests that show it, one for each way of travelling.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Who may: a caller as a check would name it, or all for whom one stands, as `account/NAME/*`.
    pub who: String,
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
    /// Under which conditions all of it is allowed by the one and denied by the other, a sentence a way; `None` where there
    /// are too many to tell.
    pub ways: Option<Vec<String>>,
    /// The first of them is the one of which the rest is told.
    asks: Vec<Ask>,
    /// Whether a scenario file can name the caller.
    is_named: bool,
    /// Whether it is on a resource that no world states, as far as the caller's own policies go.
    pub is_elsewhere: bool,
    /// Whether the same is gained where no world states the resource, as far as the caller's own policies go.
    pub reaches_further: bool,
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
    const fn sentence(self) -> &'static str {
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
            let beside = beside_the_key(&old, &new);
            let [old, new] = worlds_of_key([old, new]);
            let mut proof = compared(after.0, &side(old, old_sources), &side(new, new_sources), budget);
            if proof.gained.is_empty() && !beside.is_empty() {
                proof.verdict = Verdict::Inconclusive;
            }
            proof.unknown.extend(beside);
            Ok(proof)
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
            let mut gained: Vec<Finding> =
                gains.witnesses.iter().map(|each| one(each, &old, &new, &new_sources)).collect();
            let mut lost: Vec<Finding> =
                losses.witnesses.iter().map(|each| one(each, &new, &old, &old_sources)).collect();
            // What is denied no more, something else may allow.
            let (let_go, taken) = (undenied(&old, &new, budget), undenied(&new, &old, budget));
            gained.extend(let_go.witnesses.iter().map(|each| of_undenied(each, &old)));
            lost.extend(taken.witnesses.iter().map(|each| of_undenied(each, &new)));
            let not_gained = gains.unknown.len() + let_go.unknown.len();
            let verdict = verdict((gained.len(), not_gained), (lost.len(), losses.unknown.len() + taken.unknown.len()));
            let unknown = [&gains, &losses, &let_go, &taken].into_iter().flat_map(|gains| &gains.unknown);
            let mut unknown: Vec<_> = unknown.map(|(action, why)| (action.to_string(), why.to_string())).collect();
            unknown.sort_unstable();
            unknown.dedup();
            let asked = Compared::Actions(gains.asked.0);
            Ok(Proof { world: after.0.to_owned(), verdict, gained, lost, unknown, asked })
        }
    }
}

/// What only one version of a key policy says, and the key that stands for it cannot show: calls that a symmetric key does not
/// take, and conditions on what kind of key it is, or in which Region.
fn beside_the_key(old: &Policy, new: &Policy) -> Vec<(String, String)> {
    const OF_KEY: [&str; 8] = [
        "aws:requestedregion",
        "kms:keyorigin",
        "kms:keyspec",
        "kms:keyusage",
        "kms:multiregion",
        "kms:multiregionkeytype",
        "kms:primaryregion",
        "kms:replicaregion",
    ];
    let takes = |pattern: &ActionPattern| {
        let mut own = kms::operations().filter(|each| each.fits("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"));
        own.any(|each| ActionName::parse(&format!("kms:{}", each.name)).is_ok_and(|name| pattern.matches(&name)))
    };
    let told = |policy: &Policy| {
        let mut told = BTreeSet::new();
        for statement in &policy.statements {
            let odd = statement.action.patterns.iter().filter(|each| !takes(&each.value));
            told.extend(odd.map(|each| each.text.as_str().to_owned()));
            for condition in statement.conditions.iter().filter(|each| OF_KEY.contains(&each.key.folded())) {
                let values: Vec<&str> = condition.operands.iter().map(|operand| operand.text.as_str()).collect();
                told.insert(format!("{} {} {}", condition.operator, condition.key, values.join(" ")));
            }
        }
        told
    };
    let (before, after) = (told(old), told(new));
    let why = "a symmetric key of one Region stands for the policy, and does not show it";
    before.symmetric_difference(&after).map(|each| (each.clone(), why.to_owned())).collect()
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

/// The statement that stands for what a stranger's own policies allow.
const STAND_IN: &str = "anybody#[0]";

/// Who calls, where policies are compared by themselves.
const HOLDER: &str = "whoever has the policy";

fn of_document(witness: &DocumentWitness, denying: &Policy, allowing: &Policy, sources: &SourceMap) -> Finding {
    let statement = |policy: &Policy, index: usize| policy.statements.iter().find(|each| each.index == index).cloned();
    let decided = |effect: Effect, policy: &Policy, index: Option<usize>| {
        let by = index.and_then(|index| statement(policy, index)).map(|statement| policy.reference(&statement));
        Outcome { effect, by, ..Outcome::NOTHING }
    };
    let denied = if witness.denied_by.is_some() { Effect::ExplicitDeny } else { Effect::ImplicitDeny };
    let span = statement(allowing, witness.allowed_by).map(|statement| statement.span);
    let span = span.filter(|span| sources.source(span.source).is_some());
    let caller = HOLDER.to_owned();
    let question = Question {
        by: caller.clone(),
        resource: Some(witness.resource.to_string()),
        call: witness.actions.first().map(ToString::to_string).unwrap_or_default(),
        ..Question::default()
    };
    Finding {
        who: caller.clone(),
        caller,
        stands_for: None,
        resource: witness.resource.to_string(),
        actions: witness.actions.iter().map(ToString::to_string).collect(),
        denied: decided(denied, denying, witness.denied_by),
        stopped_by: "same",
        allowed: decided(Effect::Allow, allowing, Some(witness.allowed_by)),
        place: span.map(|span| sources.place(span)),
        rests_on: Vec::new(),
        ways: None,
        asks: vec![Ask { question, context: witness.context.clone() }],
        is_named: false,
        is_elsewhere: false,
        reaches_further: false,
    }
}

/// What a policy denies and its other version does not.
fn of_undenied(witness: &DocumentWitness, denying: &Policy) -> Finding {
    let deny = denying.statements.iter().find(|each| each.index == witness.allowed_by);
    let by = deny.map(|statement| denying.reference(statement));
    let finding = of_document(witness, denying, denying, &SourceMap::new());
    Finding {
        denied: Outcome { effect: Effect::ExplicitDeny, by, ..Outcome::NOTHING },
        allowed: Outcome { effect: Effect::Allow, by: Some("what else allows it".to_owned()), ..Outcome::NOTHING },
        place: None,
        ..finding
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
    let comparison = Comparison::new(&old.world, &new.world, budget);
    let pairs: Vec<Pair> = comparison.pairs();
    let each: Vec<[Gains; 2]> = pairs.into_par_iter().map(|pair| comparison.differences(pair)).collect();
    let [mut gains, mut losses] = [Gains::default(), Gains::default()];
    for [gained, lost] in each {
        gains.extend(gained);
        losses.extend(lost);
    }
    let turned = comparison.turned();
    let mut gained = findings(&gains.witnesses, &comparison, old, new);
    let mut lost = findings(&losses.witnesses, &turned, new, old);
    let text = |each: &Unknown| unknown_text(each, new, old);
    let mut not_gained: Vec<(String, String)> = gains.unknown.iter().map(text).collect();
    let mut not_lost: Vec<(String, String)> = losses.unknown.iter().map(text).collect();
    add_elsewhere(&comparison, [old, new], &mut gained, &mut not_gained);
    add_elsewhere(&turned, [new, old], &mut lost, &mut not_lost);
    let verdict = verdict((gained.len(), not_gained.len()), (lost.len(), not_lost.len()));
    let mut unknown = [not_gained, not_lost].concat();
    unknown.sort_unstable();
    unknown.dedup();
    Proof { world: name.to_owned(), verdict, gained, lost, unknown, asked: Compared::World(comparison.asked()) }
}

/// What the own policies of callers newly let through on resources that no version states, and what is not compared.
fn add_elsewhere(
    comparison: &Comparison<'_>,
    [denying, allowing]: [&Side; 2],
    findings: &mut Vec<Finding>,
    unknown: &mut Vec<(String, String)>,
) {
    let callers = 0..comparison.callers();
    let each: Vec<Elsewhere> = callers.into_par_iter().map(|caller| comparison.elsewhere(caller)).collect();
    for Elsewhere { gains, unknown: own_unknown } in each {
        let own: Vec<Finding> = gains.iter().map(|gain| of_own(gain, denying, allowing)).collect();
        // What a statement gives on what a world states is told there.
        let is_told = |own: &Finding| {
            own.actions.iter().all(|action| {
                let same = |known: &&Finding| known.who == own.who && known.allowed.by == own.allowed.by;
                findings.iter().filter(same).any(|known| known.actions.contains(action))
            })
        };
        let (told, own): (Vec<Finding>, Vec<Finding>) = own.into_iter().partition(is_told);
        for known in findings.iter_mut() {
            let same = |own: &Finding| known.who == own.who && known.allowed.by == own.allowed.by;
            known.reaches_further |= told.iter().any(same);
        }
        findings.extend(own);
        unknown.extend(own_unknown.iter().map(|each| {
            let who = standing_name(&allowing.facts, &each.caller, each.stands_for);
            (format!("{who}  where no world states the resource  {}", each.action), each.why.to_string())
        }));
    }
    let unlooked = comparison.unlooked();
    unknown.extend(
        unlooked.iter().map(|each| (each.to_string(), "it could let more through, and is not compared".to_owned())),
    );
}

fn of_own(gain: &OwnGain, denying: &Side, allowing: &Side) -> Finding {
    let OwnGain { caller, stands_for, actions, resource, context, allowed_by, stopped_by, ways } = gain;
    let who = match stands_for {
        Standing::Itself => caller_name(&allowing.facts, &denying.facts, caller),
        Standing::OfAccount { .. } | Standing::Service => standing_name(&allowing.facts, caller, *stands_for),
    };
    let (layer, effect, denied_by) = stopped_by;
    let actions: Vec<String> = actions.iter().map(ToString::to_string).collect();
    let question = Question {
        by: who.clone(),
        resource: Some(resource.to_string()),
        call: actions.first().cloned().unwrap_or_default(),
        ..Question::default()
    };
    let place = allowed_by.as_ref().map(|(_, span)| *span);
    Finding {
        caller: who.clone(),
        who,
        stands_for: None,
        resource: resource.to_string(),
        actions,
        denied: Outcome { effect: *effect, by: denied_by.clone(), ..Outcome::NOTHING },
        stopped_by: layer.word(),
        allowed: Outcome {
            effect: Effect::Allow,
            by: allowed_by.as_ref().map(|(name, _)| name.clone()),
            ..Outcome::NOTHING
        },
        place: place
            .filter(|span| allowing.sources.source(span.source).is_some())
            .map(|span| allowing.sources.place(span)),
        rests_on: Vec::new(),
        ways: ways.as_ref().map(|ways| sentences(ways)),
        asks: vec![Ask { question, context: context.clone() }],
        is_named: false,
        is_elsewhere: true,
        reaches_further: false,
    }
}

/// The verdict of what is gained and lost, and of how many calls nothing could be said.
const fn verdict(gains: (usize, usize), losses: (usize, usize)) -> Verdict {
    match (gains, losses) {
        ((0, 0), (0, 0)) => Verdict::Equal,
        ((0, 0), _) => Verdict::Narrower,
        ((0, _), _) => Verdict::Inconclusive,
        (_, (0, _)) => Verdict::Wider,
        (_, _) => Verdict::Incomparable,
    }
}

/// Witnesses that differ in nothing but the action, of one caller and way of travelling.
struct Group<'w> {
    first: &'w Witness,
    /// The request of the first, as a scenario asks it.
    request: Request,
    is_named: bool,
    actions: Vec<String>,
}

/// The findings: what one caller may do with one resource by one statement under the same conditions is one.
fn findings(witnesses: &[Witness], comparison: &Comparison<'_>, denying: &Side, allowing: &Side) -> Vec<Finding> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for witness in witnesses {
        // A scenario can name the root user of any account; what a stranger may do with everything allowed, it may too.
        let as_root = as_root(witness, comparison);
        let is_named = as_root.is_some() || witness.caller != (Standing::OfAccount { allowed: true });
        let request = as_root.unwrap_or_else(|| witness.request.clone());
        let action = request.action.as_str().to_owned();
        let Request { principal, resource, via, source, encryption_context, context, retires, .. } = &request;
        let Witness { caller, denied, allowed, rests_on, .. } = witness;
        let asked = (principal, resource, via, source, encryption_context, context, retires);
        let decided = (caller, rests_on, denied.effect, denied.layer, &allowed.decided_by);
        let alike = places.entry(format!("{asked:?} {decided:?}")).or_default();
        let is_alike = |at: &usize| groups.get(*at).is_some_and(|group| group.first.is_gained_like(witness));
        let known = alike.iter().copied().find(is_alike);
        if let Some(group) = known.and_then(|at| groups.get_mut(at)) {
            group.actions.push(action);
        } else {
            alike.push(groups.len());
            groups.push(Group { first: witness, request, is_named, actions: vec![action] });
        }
    }
    // What is gained directly and forwarded alike is told once.
    let mut findings: Vec<(Finding, Option<Vec<Way>>)> = Vec::new();
    let mut directly: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups {
        let ways = comparison.gained(group.first);
        let is_forwarded = group.request.via.is_some();
        let finding = finding(group, comparison, denying, allowing);
        let place = finding.beside_travel();
        let known = directly.get(&place).filter(|_| is_forwarded).and_then(|at| findings.get_mut(*at));
        if let Some((known, known_ways)) = known {
            known.asks.extend(finding.asks);
            *known_ways = known_ways.take().zip(ways).map(|(known, more)| [known, more].concat());
        } else {
            if !is_forwarded {
                directly.insert(place, findings.len());
            }
            findings.push((finding, ways));
        }
    }
    let told =
        |(finding, ways): (Finding, Option<Vec<Way>>)| Finding { ways: ways.map(|ways| sentences(&ways)), ..finding };
    let mut findings: Vec<Finding> = findings.into_iter().map(told).collect();
    let everybody: Vec<Finding> = findings.iter().filter(|finding| !finding.who.ends_with(LINKED)).cloned().collect();
    findings.retain(|finding| !everybody.iter().any(|all| all.includes(finding)));
    findings
}

fn finding(group: Group<'_>, comparison: &Comparison<'_>, denying: &Side, allowing: &Side) -> Finding {
    let Group { first: witness, request, is_named, actions } = group;
    let [before, after] = comparison.worlds(witness);
    let (denied, mut allowed) = (outcome(&before, &request), outcome(&after, &request));
    let mut place = statement_place(&after, &request, allowing);
    // What lets in somebody whose own policies stand for others is the policy of the resource.
    if allowed.by.as_deref() == Some(STAND_IN)
        && let Some((name, span)) = lets_in(&after, &request)
    {
        allowed.by = Some(name);
        place = Some(allowing.sources.place(span));
    }
    let stopped_by = judge(&before, &request, Rules::NONE).layer.map_or("no layer", |layer| layer.word());
    let caller = caller_name(&allowing.facts, &denying.facts, &request.principal);
    let resource = resource_name(&allowing.facts, &denying.facts, &request);
    let stands_for = match witness.caller {
        Standing::Itself => None,
        Standing::OfAccount { allowed: true } => Some("anybody of the account whose own policies allow it"),
        Standing::OfAccount { allowed: false } => Some("anybody of the account, whatever its own policies say"),
        Standing::Service => Some("any service"),
    };
    let who = if witness.caller == Standing::Itself {
        caller.clone()
    } else {
        standing_name(&allowing.facts, &witness.request.principal, witness.caller)
    };
    Finding {
        who,
        stands_for,
        actions,
        denied,
        stopped_by,
        allowed,
        place,
        rests_on: witness.rests_on.iter().map(Rule::number).collect(),
        ways: None,
        asks: vec![ask(&caller, &resource, &request)],
        caller,
        resource,
        is_named,
        is_elsewhere: false,
        reaches_further: false,
    }
}

/// The same request by the root user of a stranger's account, if it shows the same.
fn as_root(witness: &Witness, comparison: &Comparison<'_>) -> Option<Request> {
    let account = witness.request.principal.account().filter(|_| witness.caller != Standing::Itself)?;
    let principal = Principal::Root { account, partition: "aws".into() };
    let request = Request { principal, ..witness.request.clone() };
    let [denied, allowed] = comparison.effects(&request);
    (denied.is_deny() && !allowed.is_deny()).then_some(request)
}

fn statement_place(world: &World, request: &Request, side: &Side) -> Option<String> {
    let statement = judge(world, request, Rules::NONE).statement?;
    // A policy that stands for others is in no file.
    side.sources.source(statement.span.source)?;
    Some(side.sources.place(statement.span))
}

/// What follows the name of an account where those are meant whom AWS linked to its services: control policies do not
/// reach them.
pub(crate) const LINKED: &str = "/aws-service-role/*";

/// What a caller is called, or those for whom it stands: `account/NAME/*` is everybody else of an account, and
/// `account/NAME/aws-service-role/*` those whom AWS linked to its services; `account/*` is everybody of accounts that nobody
/// names, `service/*` every service that nobody names.
pub(crate) fn standing_name(facts: &Facts, caller: &Principal, standing: Standing) -> String {
    match (standing, caller.account()) {
        (Standing::Service, _) => "service/*".to_owned(),
        (Standing::OfAccount { .. }, Some(account)) if !account.as_str().contains(|digit| digit != '0') => {
            "account/*".to_owned()
        }
        (Standing::OfAccount { .. }, Some(account)) => {
            let named = facts.accounts.iter().find(|(_, own)| **own == account);
            let name = named.map_or(account.as_str(), |(name, _)| name);
            format!("account/{name}{}", if caller.is_service_linked() { LINKED } else { "/*" })
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
    /// Whether the request says nothing but how it travels, which the ways say too.
    pub fn is_bare(&self) -> bool {
        let says_nothing = |Ask { question, context }: &Ask| {
            question.on_behalf_of.is_none() && question.encryption_context.is_empty() && context.is_empty()
        };
        self.asks.first().is_some_and(says_nothing)
    }

    /// Whether it is of a world, rather than of policies by themselves.
    pub fn is_of_world(&self) -> bool {
        self.caller != HOLDER
    }

    /// Whether the other one says the same of some of those of whom this one speaks.
    fn includes(&self, other: &Self) -> bool {
        let of_account = self.who.strip_suffix("/*").zip(other.who.strip_suffix(LINKED));
        let same = |own: &Self| (own.resource.clone(), own.actions.clone(), own.ways.clone(), own.allowed.to_string());
        of_account.is_some_and(|(own, linked)| own == linked) && same(self) == same(other)
    }

    /// All but how the request travels.
    fn beside_travel(&self) -> String {
        let Self { who, caller, resource, actions, denied, stopped_by, allowed, place, rests_on, is_named, .. } = self;
        let decided = (denied.to_string(), stopped_by, allowed.to_string(), place, rests_on);
        format!("{:?} {decided:?}", (who, caller, resource, actions, is_named))
    }

    /// What the request has beside caller, action and resource, in words.
    pub fn circumstances(&self) -> String {
        self.asks.first().map(Ask::circumstances).unwrap_or_default()
    }

    /// The requests as a scenario that says they must fail with these changes of the world.
    pub fn scenario(&self, world: &str, changes: &[String]) -> String {
        let mut text = String::new();
        let name = format!("{} gains no {} on {}", self.who, self.actions.join(", "), self.resource);
        let _ = writeln!(text, "scenario: {}", quoted(&name));
        let _ = writeln!(text, "use: {}", list([world]));
        if !self.is_named {
            let _ = writeln!(
                text,
                "# the caller stands for a role that its own policies allow everything: define one under `roles:`"
            );
        }
        let _ = writeln!(text, "checks:");
        for ask in &self.asks {
            for action in &self.actions {
                let mut ask = ask.clone();
                ask.question.call.clone_from(action);
                let through = ask.question.via.as_ref().map(|via| format!(" through {via}")).unwrap_or_default();
                let _ = writeln!(text, "  - name: {}", quoted(&format!("{action} by {}{through}", self.caller)));
                text.push_str(&ask.text("    "));
                if !changes.is_empty() {
                    let _ = writeln!(text, "    change: {}", list(changes.iter().map(String::as_str)));
                }
                let _ = writeln!(text, "    expect: deny");
            }
        }
        text
    }

    /// The finding for programs.
    pub fn json(&self) -> Value {
        json!({ "who": self.who, "standsFor": self.stands_for, "resource": self.resource,
            "actions": self.actions, "requests": self.asks.iter().map(request_json).collect::<Vec<_>>(),
            "ways": self.ways, "statement": self.allowed.by, "place": self.place,
            "stoppedBy": { "layer": self.stopped_by, "answer": self.denied.word().word(), "statement": self.denied.by },
            "restsOn": self.rests_on, "isElsewhere": self.is_elsewhere, "reachesFurther": self.reaches_further })
    }
}

fn request_json(ask: &Ask) -> Value {
    let Ask { question, context } = ask;
    let value = |values: &Option<permitlab_evaluator::context::Values>| match values {
        None => Value::Null,
        Some(permitlab_evaluator::context::Values::One(value)) => json!(value),
        Some(permitlab_evaluator::context::Values::Many(values)) => json!(values),
    };
    let context: BTreeMap<&str, Value> = context.iter().map(|(key, values)| (key.as_str(), value(values))).collect();
    let pairs: BTreeMap<&String, &String> =
        question.encryption_context.iter().map(|(name, value)| (name, value)).collect();
    json!({ "principal": question.by, "via": question.via, "for": question.on_behalf_of,
        "encryptionContext": pairs, "context": context })
}

impl Proof {
    /// What the verdict means here, in a sentence.
    pub fn sentence(&self) -> &'static str {
        if self.verdict == Verdict::Wider && !self.unknown.is_empty() {
            return "somebody may do more than before";
        }
        self.verdict.sentence()
    }

    /// The proof for programs.
    pub fn json(&self) -> Value {
        let unknown: Vec<Value> = self.unknown.iter().map(|(call, why)| json!({ "call": call, "why": why })).collect();
        json!({ "world": self.world, "verdict": self.verdict.word(),
            "gained": self.gained.iter().map(Finding::json).collect::<Vec<_>>(),
            "lost": self.lost.iter().map(Finding::json).collect::<Vec<_>>(), "unknown": unknown,
            "asked": self.asked.json() })
    }
}

//! Who may make a call, what may somebody do, and under which conditions?
//!
//! The question is asked of a world, over all calls on its keys and roles (see [`permitlab_evaluator::prove`]). An answer is a
//! caller, actions, and the ways in which they are allowed, in words that a reviewer can read aloud.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::services;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::condition::operator::{Base, Family, SetOperator};
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::prove::{Access, Budget, Comparison, Standing, Travels, Way};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::Rule;
use permitlab_evaluator::world::World;
use serde_json::{Value, json};

use crate::facts::Facts;
use crate::file::Text;
use crate::prove::{LINKED, name_of, standing_name};
use crate::reference::{self, Target};
use crate::root::PolicyRoot;
use crate::table::{self, Refused, Stage};

/// What callers may do with a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The caller, as a check would name it.
    pub caller: String,
    /// Whom it stands for, where that is not itself alone.
    pub stands_for: Option<&'static str>,
    /// The resource.
    pub resource: String,
    /// The actions that are allowed alike.
    pub actions: Vec<String>,
    /// The ways, a sentence each.
    pub ways: Vec<String>,
    /// Whether there may be more ways.
    pub is_cut_off: bool,
    /// Rules that AWS leaves open, whose other reading would make other ways.
    pub unsure: Vec<&'static str>,
}

/// A world, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The world: its path from the policy root.
    pub world: String,
    /// What it says, in order.
    pub lines: Vec<Line>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// Who may make this call on this resource.
    Who {
        /// The action.
        call: Text,
        /// The resource, as a check would name it.
        resource: Text,
    },
    /// What this caller may do.
    What {
        /// The caller, as a check would name it.
        principal: Text,
    },
}

/// A question from the command line.
#[derive(Debug, Clone, Copy)]
pub enum Typed<'t> {
    /// Who may make this call on this resource.
    Who {
        /// The action.
        call: &'t str,
        /// The resource.
        resource: &'t str,
    },
    /// What this caller may do.
    What {
        /// The caller.
        principal: &'t str,
    },
}

impl Typed<'_> {
    fn question(self, sources: &mut SourceMap) -> Question {
        match self {
            Self::Who { call, resource } => Question::Who {
                call: table::typed(sources, "CALL", call),
                resource: table::typed(sources, "RESOURCE", resource),
            },
            Self::What { principal } => Question::What { principal: table::typed(sources, "PRINCIPAL", principal) },
        }
    }
}

/// Asks a world, with changes applied.
///
/// # Errors
/// What is wrong with the world, and a part of the question that it does not know.
pub fn ask(
    root: &PolicyRoot,
    world: &str,
    changes: &[String],
    typed: Typed<'_>,
    budget: Budget,
) -> Result<Answer, Refused> {
    let Stage { facts, mut sources, .. } = Stage::of(root, world, changes)?;
    let question = typed.question(&mut sources);
    match facts.world().and_then(|own| lines_of(&facts, &own, &question, budget)) {
        Ok(lines) => Ok(Answer { world: world.to_owned(), lines }),
        Err(findings) => Err((sources, findings)),
    }
}

/// What a world says, from its facts.
///
/// # Errors
/// A part of the question that the world does not know.
pub(crate) fn lines_of(
    facts: &Facts,
    world: &World,
    question: &Question,
    budget: Budget,
) -> Result<Vec<Line>, Vec<Diagnostic>> {
    let comparison = Comparison::new(world, world, budget);
    let told = |finding: Box<Diagnostic>| vec![*finding];
    let found = match question {
        Question::Who { call, resource } => {
            let action = reference::action(call).map_err(told)?;
            match reference::target(facts, resource).map_err(told)? {
                Target::Resource(target) => {
                    is_compared(&comparison, (call, &action), (resource, &target.arn)).map_err(told)?;
                    comparison.who_can(&action, &target.arn)
                }
                Target::AwsOwned => Vec::new(),
            }
        }
        Question::What { principal } => {
            let caller = reference::caller(facts, principal).map_err(told)?;
            comparison.asking_about(std::slice::from_ref(&caller)).what_can(&caller)
        }
    };
    Ok(lines(facts, &found))
}

/// Refuses a call that no comparison looks at: of what it does not look at it must not say that nobody may.
pub(crate) fn is_compared(
    comparison: &Comparison<'_>,
    (call, action): (&Text, &ActionName),
    (resource, arn): (&Text, &Arn),
) -> Result<(), Box<Diagnostic>> {
    if comparison.looks_at(action, arn) {
        return Ok(());
    }
    let message = format!("of `{call}` on `{resource}` nothing can be said over all calls");
    let finding = Diagnostic::error("wrong-resource-type", resource.span(), message);
    let help = "ask of keys, and of the `sts:AssumeRole…` of roles whose `trust:` the world states; checks ask of single calls";
    Err(Box::new(finding.help(help)))
}

/// One line for all actions of a caller on a resource that are allowed alike.
fn lines(facts: &Facts, found: &[Access]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for access in found {
        let stands_for = match access.stands_for {
            Standing::Itself => None,
            Standing::OfAccount { .. } => Some("anybody else of the account"),
            Standing::Service => Some("any other service"),
        };
        let is_linked = access.stands_for != Standing::Itself && access.caller.is_service_linked();
        let line = Line {
            caller: standing_name(facts, &access.caller, access.stands_for),
            stands_for: stands_for
                .filter(|_| !is_linked)
                .or(is_linked.then_some("those whom AWS linked to its services")),
            resource: name_of(facts, &access.resource),
            actions: vec![access.action.as_str().to_owned()],
            ways: sentences(&access.ways),
            is_cut_off: access.is_cut_off,
            unsure: access.unsure.iter().map(Rule::number).collect(),
        };
        let same = |other: &&mut Line| {
            Line { actions: Vec::new(), ..(**other).clone() } == Line { actions: Vec::new(), ..line.clone() }
        };
        match lines.iter_mut().find(same) {
            Some(known) => known.actions.extend(line.actions),
            None => lines.push(line),
        }
    }
    // Those whom AWS linked to its services are among everybody else, unless they may more.
    let is_among = |line: &Line, other: &Line| {
        let account = line.caller.strip_suffix(LINKED);
        account.is_some_and(|account| other.caller.strip_suffix("/*") == Some(account))
            && Line { caller: line.caller.clone(), ..other.clone() } == *line
    };
    let all = lines.clone();
    lines.retain(|line| !all.iter().any(|other| is_among(line, other)));
    lines
}

/// The ways as sentences, those that differ in how the call travels together.
pub(crate) fn sentences(ways: &[Way]) -> Vec<String> {
    let mut by_conditions: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for way in ways {
        let (through, conditions) = parts(way);
        by_conditions.entry(conditions).or_default().push(through);
    }
    let mut sentences = Vec::new();
    for (conditions, mut through) in by_conditions {
        through.sort_unstable();
        through.dedup();
        let both = ["directly".to_owned(), ANY_SERVICE.to_owned()];
        let how = if both.iter().all(|each| through.contains(each)) {
            "directly or through any service".to_owned()
        } else {
            through.join(" or ")
        };
        let parts: Vec<String> = std::iter::once(how).chain(conditions).filter(|part| !part.is_empty()).collect();
        sentences.push(if parts.is_empty() { "always".to_owned() } else { parts.join(", ") });
    }
    sentences.sort_unstable();
    sentences
}

const ANY_SERVICE: &str = "through any service";

/// How a call travels, and what else has to be so.
fn parts(way: &Way) -> (String, Vec<String>) {
    let mut through = match &way.travels {
        Travels::Directly => "directly".to_owned(),
        Travels::Endpoint(id) => format!("through the VPC endpoint {id}"),
        Travels::Forwarded => ANY_SERVICE.to_owned(),
        Travels::Anyhow => String::new(),
    };
    let mut conditions = Vec::new();
    let mut own: Vec<(&Condition, bool)> = Vec::new();
    for (condition, holds) in &way.conditions {
        let is_via = condition.key.folded() == "kms:viaservice" && condition.operator.base.family() == Family::String;
        if is_via && is_positive(condition, *holds) && through == ANY_SERVICE {
            let hosts: Vec<String> = condition.operands.iter().map(|operand| host(operand.text.as_str())).collect();
            through = format!("through {}", hosts.join(" or "));
        } else {
            own.push((condition, *holds));
        }
    }
    // What a value is stands before what it is not.
    own.sort_by_key(|(condition, holds)| !is_positive(condition, *holds));
    let mut told: Vec<(&Condition, bool, String)> = Vec::new();
    for (condition, holds) in own {
        let is_same = |known: &Condition| known.key == condition.key && known.operator.set == condition.operator.set;
        let known = told.iter_mut().find(|(known, ..)| is_same(known) && can_follow(condition, holds));
        match known {
            Some((_, says_what, text)) => {
                let _ = write!(text, ", {} {}", if *says_what { "but not" } else { "nor" }, operands(condition));
            }
            None => told.push((condition, is_positive(condition, holds), phrase(condition, holds))),
        }
    }
    conditions.extend(told.into_iter().map(|(.., text)| text));
    if way.needs_own_policies {
        conditions.push("if its own policies allow it".to_owned());
    }
    conditions.extend(way.open.iter().map(|text| format!("where {text}")));
    conditions.sort_unstable();
    (through, conditions)
}

/// `s3.us-east-1.amazonaws.com` as a person would say it.
fn host(text: &str) -> String {
    match text.split('.').collect::<Vec<_>>().as_slice() {
        [service, "*", "amazonaws", "com"] => format!("{} in any Region", service_name(service)),
        [service, region, "amazonaws", "com"] => format!("{} in {region}", service_name(service)),
        _ => text.to_owned(),
    }
}

/// `S3` for `s3`, as AWS calls it.
fn service_name(prefix: &str) -> String {
    let name = services::service(prefix).map_or_else(|| prefix.to_owned(), |service| service.name().to_owned());
    let short = ["Amazon ", "AWS "].iter().find_map(|brand| name.strip_prefix(brand));
    short.map_or(name.clone(), str::to_owned)
}

/// What the names of pairs of an encryption context begin with, in lower case.
const PAIR: &str = "kms:encryptioncontext:";

/// How a value stands to the operand, where it is not the same.
const VERBS: [(Base, &str); 10] = [
    (Base::NumericLessThan, "below "),
    (Base::NumericLessThanEquals, "at most "),
    (Base::NumericGreaterThan, "above "),
    (Base::NumericGreaterThanEquals, "at least "),
    (Base::DateLessThan, "before "),
    (Base::DateLessThanEquals, "not after "),
    (Base::DateGreaterThan, "after "),
    (Base::DateGreaterThanEquals, "not before "),
    (Base::IpAddress, "in "),
    (Base::NotIpAddress, "in "),
];

/// Whether a condition that holds or fails says what a value is, rather than what it is not.
fn is_positive(condition: &Condition, holds: bool) -> bool {
    holds != condition.operator.base.is_negated()
}

/// Whether a condition takes something away from what another one on its key says of single values.
fn can_follow(condition: &Condition, holds: bool) -> bool {
    let is_text = matches!(condition.operator.base.family(), Family::String | Family::Arn);
    is_text && condition.operator.set == SetOperator::None && !is_positive(condition, holds)
}

fn operands(condition: &Condition) -> String {
    condition.operands.iter().map(|operand| operand.text.as_str()).collect::<Vec<_>>().join(" or ")
}

/// What a condition asks for, or rules out.
fn phrase(condition: &Condition, holds: bool) -> String {
    let key = condition.key.as_str();
    let operator = condition.operator;
    let joined = operands(condition);
    if operator.base == Base::Null {
        let wants_absent = condition.operands.iter().any(|value| value.text.as_str().eq_ignore_ascii_case("true"));
        return if wants_absent == holds { format!("without {key}") } else { format!("with {key}") };
    }
    let is_positive = is_positive(condition, holds);
    let is_pair = condition.key.folded().starts_with(PAIR) && operator.set == SetOperator::None;
    let subject = match (condition.key.folded(), operator.set) {
        ("aws:sourcearn", SetOperator::None) => "on behalf of".to_owned(),
        ("aws:principalorgid", SetOperator::None) => "from the organization".to_owned(),
        (_, SetOperator::None) if is_pair => {
            format!("with encryption context {}", key.get(PAIR.len()..).unwrap_or_default())
        }
        (_, SetOperator::None) => format!("where {key} is"),
        (_, SetOperator::ForAllValues) => format!("where every value of {key} is"),
        (_, SetOperator::ForAnyValue) => format!("where some value of {key} is"),
    };
    let verb = VERBS.iter().find(|(base, _)| *base == operator.base).map_or("", |(_, verb)| verb);
    let mut text = subject;
    let is_source = condition.key.folded() == "aws:sourcearn" && operator.set == SetOperator::None;
    let between = match (is_positive, is_pair) {
        (true, true) => "=",
        (true, false) => " ",
        (false, _) if is_source => " anything but ",
        (false, _) => " not ",
    };
    let _ = write!(text, "{between}{verb}{joined}");
    // Where the key is absent, a condition that fails may fail for that.
    match (holds, condition.holds_when_absent()) {
        (true, true) => text.push_str(", or absent"),
        (false, false) if is_positive => text.push_str(", or absent"),
        (true, false) | (false, _) => {}
    }
    text
}

impl Line {
    /// The line for programs.
    pub fn json(&self) -> Value {
        json!({ "principal": self.caller, "standsFor": self.stands_for, "resource": self.resource,
            "actions": self.actions, "ways": self.ways, "isCutOff": self.is_cut_off, "unsure": self.unsure })
    }
}

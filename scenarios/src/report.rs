//! What came of the checks, for people and for machines?
//!
//! A failing check is drawn like a compiler error: what was expected, then the operand of the policy that stood in
//! the way with the request's value beside it, and the place in the scenario where that value comes from.

mod why;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use permitlab_evaluator::context::Origin;
use permitlab_evaluator::decision::{Effect, Unavailable};
use permitlab_evaluator::diagnostic::{Annotation, Diagnostic, Severity};
use permitlab_evaluator::layer::Layer;
use permitlab_evaluator::policy;
use permitlab_evaluator::service::Sharing;
use permitlab_evaluator::source::{SourceMap, Span};
use serde_json::{Value, json};

use crate::judge::{Failure, Judgement, LayerView, Statement, Verdicts};
use crate::render::{Colour, report};
use crate::replay::{Asked, Checked, Outcome, Problem, Replayed};
use crate::suggest::Grants;

pub use self::why::why;

/// How many checks came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Checks that hold.
    pub passed: usize,
    /// Checks that do not.
    pub failed: usize,
    /// Checks that were not asked.
    pub skipped: usize,
    /// Files that cannot be replayed, wholly or in part.
    pub invalid: usize,
}

impl Counts {
    /// The counts of replayed files.
    pub fn of<'r>(files: impl IntoIterator<Item = &'r Replayed>) -> Self {
        let mut counts = Self::default();
        for file in files {
            counts.invalid += usize::from(!file.findings.is_empty());
            for check in &file.checks {
                match check.outcome {
                    Outcome::Passed => counts.passed += 1,
                    Outcome::Failed(_) => counts.failed += 1,
                    Outcome::Skipped(_) => counts.skipped += 1,
                }
            }
        }
        counts
    }

    /// How many checks were made.
    pub fn checks(&self) -> usize {
        self.passed + self.failed
    }
}

impl Replayed {
    /// Whether every check was made and holds, and there is one.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
            && !self.checks.is_empty()
            && self.checks.iter().all(|check| !matches!(check.outcome, Outcome::Failed(_)))
    }
}

/// Why a file cannot be replayed, wholly or in part: each finding drawn.
pub fn findings(replayed: &Replayed, colour: Colour) -> Vec<String> {
    replayed.findings.iter().map(|finding| report(&replayed.sources, finding, colour)).collect()
}

/// The checks of a file that do not hold; empty when all do.
pub fn failures(replayed: &Replayed, colour: Colour) -> String {
    let mut text = String::new();
    for check in &replayed.checks {
        text.push_str(&failure(&replayed.sources, check, colour));
    }
    text
}

/// Why a check does not hold; empty when it does.
pub fn failure(sources: &SourceMap, check: &Checked, colour: Colour) -> String {
    let Outcome::Failed(problems) = &check.outcome else { return String::new() };
    let mut text = format!("FAIL  {}{}\n", check.id, steps(check));
    for problem in problems {
        let _ = writeln!(text, "{}\n", indent(&report(sources, &explain_problem(check, problem), colour)));
    }
    text
}

/// The calls of a flow in a row, so that one sees at once how far the work gets: which pass, which fail, and which of
/// these the work does not need.
fn steps(check: &Checked) -> String {
    let mark = |asked: &Asked| {
        let step = asked.step.as_ref()?;
        let passes = matches!(asked.judgement.answer, Verdicts::Decided(Effect::Allow) | Verdicts::NotEvaluated);
        let mark = if passes { '✓' } else { '✗' };
        Some(if step.required { format!("{mark} {}", step.id) } else { format!("({mark} {})", step.id) })
    };
    let row: Vec<_> = check.asked.iter().filter_map(mark).collect();
    if row.is_empty() { String::new() } else { format!("\n      {}", row.join("  ")) }
}

/// The decisions of a file and the reasons of its denials: what a reviewer reads in a snapshot.
pub fn snapshot(replayed: &Replayed) -> String {
    let mut text = String::new();
    for check in &replayed.checks {
        if check.asked.is_empty() {
            let _ = writeln!(text, "{}", check.id);
        }
        for asked in &check.asked {
            let _ = writeln!(text, "{}{}\n    {}", check.id, step(asked), summary(&asked.judgement));
        }
    }
    for check in &replayed.checks {
        for asked in check.asked.iter().filter(|asked| is_denied(&asked.judgement) || is_lockout(&asked.judgement)) {
            let finding = reason_of_call(asked);
            let _ =
                writeln!(text, "\n{}{}\n{}", check.id, step(asked), report(&replayed.sources, &finding, Colour::Never));
        }
    }
    text
}

fn is_denied(judgement: &Judgement) -> bool {
    matches!(judgement.answer, Verdicts::Decided(effect) if effect.is_deny())
}

fn step(asked: &Asked) -> String {
    match &asked.step {
        Some(step) if step.required => format!(" · {}", step.id),
        Some(step) => format!(" · {} (not required)", step.id),
        None => String::new(),
    }
}

/// One line: the answer, the layer and the statement that decided.
pub fn summary(judgement: &Judgement) -> String {
    let mut line = judgement.word().to_owned();
    if let Verdicts::Unavailable(why) = judgement.answer {
        let _ = write!(line, " ({})", why.errors().join(" or "));
    }
    if let Some(layer) = judgement.layer {
        let _ = write!(line, "  {layer}");
    }
    if let Some(statement) = &judgement.statement {
        let _ = write!(line, "  {}", statement.name);
    }
    if let Some(nearest) = &judgement.nearest {
        let _ = write!(line, "  nearest {}", nearest.name);
    }
    if !judgement.unsure.is_empty() {
        let _ = write!(line, "  unsure {}", judgement.unsure.join(", "));
    }
    if !judgement.accepted.is_empty() {
        let _ = write!(line, "  accepting {}", judgement.accepted.join(", "));
    }
    line
}

fn is_lockout(judgement: &Judgement) -> bool {
    judgement.answer == Verdicts::Unavailable(Unavailable::Lockout)
}

/// The changes that would let the denied calls of a file pass, as the `change:` of a check; `None` where there are none
/// to make.
pub fn suggested<'a>(id: &str, calls: impl IntoIterator<Item = &'a Asked>) -> Option<String> {
    let mut text = String::new();
    for asked in calls {
        let Some(suggestion) = &asked.suggestion else { continue };
        let _ = writeln!(text, "# {id}{}\n# {}", step(asked), asked.judgement.call);
        if let Some(grants) = &suggestion.grants {
            let _ = writeln!(text, "# {grants}");
        }
        text.push_str("change:\n");
        for change in &suggestion.changes {
            let _ = writeln!(text, "  - '{}'", change.replace('\'', "''"));
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The steps of flows that are denied and not required, in one line; `None` when there are none.
pub fn optional_denials<'r>(files: impl IntoIterator<Item = &'r Replayed>) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for asked in files.into_iter().flat_map(|file| &file.checks).flat_map(|check| &check.asked) {
        if let Some(step) = asked.step.as_ref().filter(|step| !step.required && is_denied(&asked.judgement)) {
            *counts.entry(&step.id).or_default() += 1;
        }
    }
    let steps: Vec<_> = counts.iter().map(|(step, count)| format!("{step} ({count})")).collect();
    (!steps.is_empty())
        .then(|| format!("note: denied steps that no flow requires: {}; `--why` explains each", steps.join(", ")))
}

/// A failing check as a finding: what stood in the way, and the expectation last.
pub fn explain_problem(check: &Checked, problem: &Problem) -> Diagnostic {
    let mut finding = Diagnostic::error(problem.code, problem.span, &problem.message);
    finding.help.clone_from(&problem.help);
    let Some(asked) = problem.asked.and_then(|at| check.asked.get(at)) else { return finding };
    let reason = reason_of_call(asked);
    let expected =
        finding.annotations.iter().map(|each| Annotation { span: each.span, label: "expected here".to_owned() });
    finding.annotations = reason.annotations.into_iter().chain(expected).collect();
    finding.notes.push(reason.message);
    finding.notes.extend(reason.notes);
    finding.help = finding.help.or(reason.help);
    finding
}

/// The reason of an answer as a finding that points at the operand that decided, or stood in the way.
pub fn reason(asked: &Asked) -> Diagnostic {
    let judgement = &asked.judgement;
    let mut annotations = Vec::new();
    let mut notes = Vec::new();
    if let Some(statement) = judgement.key_statement() {
        if statement.applies {
            let label = format!("`{}` applies", statement.name);
            annotations.push(Annotation { span: statement.sid.unwrap_or(first(statement.span)), label });
        }
        for element in turned_on(statement) {
            annotations.push(Annotation { span: element.span, label: element.found.clone() });
            notes.extend(element.fills.iter().map(|(written, value)| format!("with `{written}` = `{value}`")));
            notes.extend(element.variables.iter().map(variable));
            annotations.extend(origin(element, asked, &mut notes));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    let grants = asked.suggestion.as_ref().and_then(|suggestion| suggestion.grants.as_ref());
    notes.extend(grants.map(|grants| format!("what is suggested {grants}")));
    let (code, message, help) = (judgement.word(), headline(judgement), remedy(judgement, asked));
    Diagnostic { code, severity: Severity::Note, message, annotations, help, notes }
}

/// The same, with the call beside it.
fn reason_of_call(asked: &Asked) -> Diagnostic {
    let mut finding = reason(asked);
    finding.notes.insert(0, asked.judgement.call.clone());
    finding
}

/// The elements that an answer turns on: what kept an Allow from applying, or the conditions under which a Deny does.
fn turned_on(statement: &Statement) -> Vec<&Failure> {
    match (statement.applies, statement.effect) {
        (false, _) => blocking(statement),
        (true, policy::Effect::Deny) => statement.matches.iter().filter(|each| each.operator.is_some()).collect(),
        (true, policy::Effect::Allow) => Vec::new(),
    }
}

/// What a policy variable stands for in this call.
fn variable((written, value): &(String, Option<String>)) -> String {
    match value {
        Some(value) => format!("with `{written}` = `{value}`"),
        None => format!("`{written}` has no value in this call, so what it stands in matches nothing"),
    }
}

/// The failing elements worth pointing at: the first of principal, action and resource, or else every condition.
fn blocking(statement: &Statement) -> Vec<&Failure> {
    match statement.failures.iter().position(|failure| failure.operator.is_none()) {
        Some(at) => statement.failures.get(at).into_iter().collect(),
        None => statement.failures.iter().collect(),
    }
}

/// Where the request's value of a condition key comes from.
fn origin(failure: &Failure, asked: &Asked, notes: &mut Vec<String>) -> Option<Annotation> {
    let (key, text, span) = asked.places.origin(failure.origin?)?;
    let fills = text.into_iter().flat_map(crate::file::Text::fills);
    notes.extend(fills.map(|fill| format!("with `{}` = `{}`", fill.written, fill.value)));
    let name = &failure.name;
    let label = match (failure.is_absent, text) {
        (true, _) => format!("`{key}` leaves `{name}` absent"),
        (false, Some(text)) => format!("`{name}` was derived from `{key}: {text}`"),
        (false, None) => format!("`{name}` was derived from `{key}`"),
    };
    Some(Annotation { span, label })
}

/// What would let an implicitly denied call pass, in the words of `change:` where a policy is to be edited.
fn remedy(judgement: &Judgement, asked: &Asked) -> Option<String> {
    if is_lockout(judgement) {
        let bypass = "`context: { \"kms:BypassPolicyLockoutSafetyCheck\": \"true\" }`";
        return Some(format!("let the new policy allow the caller `kms:PutKeyPolicy`, or bypass the check: {bypass}"));
    }
    if judgement.answer != Verdicts::Decided(Effect::ImplicitDeny) {
        return None;
    }
    if judgement.closed.is_some() {
        return Some("ask about a caller that can make the call".to_owned());
    }
    let ways = ways(judgement, asked);
    Some(format!("if the call is meant to be allowed: {}", ways.join(", or ")))
}

/// What the caller can do, then what the policies can.
fn ways(judgement: &Judgement, asked: &Asked) -> Vec<String> {
    let call = asked.places.call.as_str();
    let suggested = asked
        .suggestion
        .as_ref()
        .map(|suggestion| suggestion.changes.iter().map(|edit| change(edit)).collect::<Vec<_>>().join(" and "));
    let Some(nearest) = &judgement.nearest else {
        let policy = if judgement.layer == Some(Layer::Session) {
            "give the session a policy (`session: { policies: [FILE] }`)"
        } else {
            "attach a policy"
        };
        return vec![suggested.unwrap_or_else(|| format!("{policy} with a statement that allows `{call}`"))];
    };
    let failures = blocking(nearest);
    let carried = failures.iter().filter(|failure| failure.operator.is_some());
    let mut ways: Vec<String> = carried.filter_map(|failure| carry(&failure.name, &failure.wanted)).collect();
    if judgement.is_under_aws_policy {
        ways.push("use a key of your own: nobody changes the key policy that AWS wrote".to_owned());
        return ways;
    }
    if nearest.is_grant {
        let failed: Vec<_> = failures.into_iter().map(|failure| grant_part(failure, call)).collect();
        let name = &nearest.name;
        ways.push(format!(
            "replace the grant: `--change 'remove grant {name}'` and `--change 'add grant to …'` with one {}",
            failed.join(" and ")
        ));
        ways.extend(suggested);
        return ways;
    }
    let edits = || failures.iter().map(|failure| edit(nearest, failure, asked)).collect::<Vec<_>>().join("; ");
    let never = failures.iter().find(|failure| failure.is_absent && failure.origin == Some(Origin::Operation));
    ways.push(match (suggested, never) {
        (Some(suggested), Some(never)) => format!("`{call}` never carries `{}`: {suggested}", never.name),
        (Some(suggested), None) => suggested,
        (None, _) => edits(),
    });
    ways
}

/// A grant cannot be changed; what a new one has to be like.
fn grant_part(failure: &Failure, call: &str) -> String {
    match failure.name.as_str() {
        "principal" => "for this caller".to_owned(),
        "action" => format!("that permits `{}`", call.split_once(':').map_or(call, |(_, name)| name)),
        "kms:GrantOperations" => "that permits every operation of the grant it makes".to_owned(),
        constraint => format!("whose `{constraint}` fits the call"),
    }
}

fn edit(statement: &Statement, failure: &Failure, asked: &Asked) -> String {
    let name = &statement.name;
    match (failure.name.as_str(), &failure.operator) {
        ("action", None) => change(&format!("add to {name}/Action {}", asked.places.call)),
        ("resource", None) => format!("let `Resource` of `{name}` cover this resource"),
        ("principal", None) => format!("name the caller in `Principal` of a statement like `{name}`"),
        (key, Some(_)) if failure.is_absent && failure.origin == Some(Origin::Operation) => {
            let call = &asked.places.call;
            format!("`{call}` never carries `{key}`: allow it in a statement of its own, without this condition")
        }
        (key, Some(operator)) if failure.is_absent => {
            format!("make the call carry `{key}`, or allow it in a statement without `{operator}` on `{key}`")
        }
        (key, Some(operator)) => match &failure.value {
            Some(value) if is_equality(operator) => {
                change(&format!("add to {name}/Condition/{operator}/{key} {value}"))
            }
            Some(_) | None => format!("let `{operator}` on `{key}` in `{name}` accept this value"),
        },
        (other, None) => format!("let `{other}` of `{name}` match"),
    }
}

/// An edit as the argument that tries it out.
fn change(edit: &str) -> String {
    format!("`--change '{edit}'`")
}

/// Whether one more value in the list lets that value pass.
fn is_equality(operator: &str) -> bool {
    !["Not", "Less", "Greater", "Null"].iter().any(|other| operator.contains(other))
}

/// How a call comes to carry a key that is derived from the way it is made.
fn carry(key: &str, wanted: &[String]) -> Option<String> {
    let wanted = wanted.first()?;
    if key.eq_ignore_ascii_case("kms:ViaService") {
        return Some(format!("make the call through `{wanted}` (`via`), as the service does on the caller's behalf"));
    }
    if key.eq_ignore_ascii_case("aws:SourceArn") {
        return Some(format!("make the call for a resource like `{wanted}` (`for`)"));
    }
    None
}

/// What KMS answers instead of an authorization answer, and why.
fn unavailable(why: Unavailable) -> String {
    let errors = format!("KMS answers `{}`", why.errors().join("` or `"));
    match why {
        Unavailable::WrongRegion => format!("{errors} before it looks at any policy: the key is not in this Region"),
        Unavailable::ReservedAlias => format!("{errors} before it looks at any policy: `alias/aws/` is AWS's own"),
        Unavailable::KeyState(_) => format!("the policies allow it, but {errors} because of the key's state"),
        Unavailable::Lockout => {
            format!(
                "the policies allow it, but {errors}: under the new key policy the caller could not change it again"
            )
        }
    }
}

/// The answer in a sentence.
fn headline(judgement: &Judgement) -> String {
    let named =
        |statement: &Option<Statement>| statement.as_ref().map(|statement| statement.name.clone()).unwrap_or_default();
    match judgement.answer {
        Verdicts::NotEvaluated => "no policy of yours has a say".to_owned(),
        Verdicts::Unavailable(why) => unavailable(why),
        Verdicts::Decided(Effect::Allow) if judgement.statement.is_none() => {
            "allowed: nothing denies it, and no statement has to allow it".to_owned()
        }
        Verdicts::Decided(Effect::Allow) => format!("allowed by `{}`", named(&judgement.statement)),
        Verdicts::Decided(Effect::ExplicitDeny) => format!("denied by `{}`", named(&judgement.statement)),
        Verdicts::Decided(Effect::ImplicitDeny) => implicit(judgement),
    }
}

fn implicit(judgement: &Judgement) -> String {
    if let Some(closed) = judgement.closed {
        return closed.to_owned();
    }
    let (sharing, policy) = judgement.resource_policy;
    let built;
    let reason = match judgement.layer {
        Some(Layer::Identity) => match resource(judgement).map(|layer| layer.verdict) {
            Some(permitlab_evaluator::layer::Verdict::Delegated) => {
                built = format!("no identity-based policy allows it, and the {policy} leaves it to IAM");
                &built
            }
            _ => "no identity-based policy allows it",
        },
        Some(Layer::Resource) => {
            built = match (sharing, judgement.without_policies) {
                (Sharing::Delegated, Some(caller)) => format!("the {policy} does not allow the {caller}"),
                (Sharing::Delegated, None) => format!("the {policy} neither allows the caller nor leaves it to IAM"),
                (Sharing::EitherAllows, _) => format!("no {policy} allows the caller"),
                (Sharing::IdentityOnly | Sharing::ByGrant | Sharing::Unguarded, _) => {
                    "no identity-based policy can allow it".to_owned()
                }
            };
            &built
        }
        Some(Layer::Rcp) => "no resource control policy allows it",
        Some(Layer::Scp) => "no service control policy allows it",
        Some(Layer::VpcEndpoint) => "no VPC endpoint policy allows it",
        Some(Layer::Boundary) => "no permissions boundary allows it",
        Some(Layer::Session) => "no session policy allows it",
        Some(Layer::Grant) => "no grant lets the caller retire it",
        None => "nothing allows it",
    };
    match &judgement.nearest {
        Some(nearest) => format!("{reason}; nearest is `{}`", nearest.name),
        None => reason.to_owned(),
    }
}

fn resource(judgement: &Judgement) -> Option<&LayerView> {
    judgement.layers.iter().find(|layer| layer.layer == Layer::Resource)
}

/// Points at the opening bracket of a statement.
pub(super) fn first(span: Span) -> Span {
    Span { end: span.start + 1, ..span }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("  {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The checks of a file as JSON: ids, outcomes, decisions with their reasons, findings.
pub fn to_json(replayed: &Replayed) -> Value {
    let finding = |finding: &Diagnostic| finding_json(&replayed.sources, finding);
    json!({
        "file": replayed.file,
        "findings": replayed.findings.iter().map(finding).collect::<Vec<_>>(),
        "checks": replayed.checks.iter().map(|check| check_json(&replayed.sources, check)).collect::<Vec<_>>(),
    })
}

/// A finding as JSON.
pub fn finding_json(sources: &SourceMap, finding: &Diagnostic) -> Value {
    json!({
        "code": finding.code,
        "message": finding.message,
        "at": finding.span().map(|span| place_json(sources, span)),
        "help": finding.help,
    })
}

fn place_json(sources: &SourceMap, span: Span) -> Value {
    let position = sources.position(span);
    json!({ "file": sources.name(span.source), "line": position.line, "column": position.column })
}

fn check_json(sources: &SourceMap, check: &Checked) -> Value {
    let (problems, reason) = match &check.outcome {
        Outcome::Passed => (Vec::new(), None),
        Outcome::Failed(problems) => (problems.clone(), None),
        Outcome::Skipped(reason) => (Vec::new(), Some(reason)),
    };
    let problem = |problem: &Problem| json!({ "code": problem.code, "message": problem.message, "at": place_json(sources, problem.span), "help": problem.help });
    json!({
        "id": check.id,
        "outcome": check.outcome.word(),
        "reason": reason,
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
        "calls": check.asked.iter().map(|asked| asked_json(sources, asked)).collect::<Vec<_>>(),
    })
}

/// A call and its answer as JSON: with what each statement of each layer said in `tree`, and with the changes that would
/// let a denied call pass where they were looked for.
pub fn asked_json(sources: &SourceMap, asked: &Asked) -> Value {
    let judgement = &asked.judgement;
    let errors = match judgement.answer {
        Verdicts::Unavailable(why) => why.errors(),
        Verdicts::Decided(_) | Verdicts::NotEvaluated => &[],
    };
    let layer = |layer: &LayerView| (layer.layer.word().to_owned(), Value::from(layer.verdict.word()));
    json!({
        "step": asked.step.as_ref().map(|step| &step.id),
        "call": judgement.call,
        "decision": judgement.word(),
        "errors": errors,
        "layer": judgement.layer.map(Layer::word),
        "statement": judgement.statement.as_ref().map(|statement| statement_json(sources, statement)),
        "nearest": judgement.nearest.as_ref().map(|statement| statement_json(sources, statement)),
        "layers": judgement.layers.iter().map(layer).collect::<serde_json::Map<_, _>>(),
        "tree": judgement.layers.iter().map(|layer| why::layer_json(sources, layer)).collect::<Vec<_>>(),
        "suggested_changes": asked.suggestion.as_ref().map(|suggestion| &suggestion.changes),
        "suggestion_grants": asked.suggestion.as_ref().and_then(|suggestion| suggestion.grants.as_ref()).map(Grants::json),
        "unstated_keys": judgement.unstated,
        "unsure": judgement.unsure,
    })
}

fn statement_json(sources: &SourceMap, statement: &Statement) -> Value {
    let failure = |failure: &Failure| json!({ "element": failure.name, "operator": failure.operator, "found": failure.found, "absent": failure.is_absent, "at": place_json(sources, failure.span) });
    json!({
        "name": statement.name,
        "at": place_json(sources, statement.span),
        "failed": statement.failures.iter().map(failure).collect::<Vec<_>>(),
    })
}

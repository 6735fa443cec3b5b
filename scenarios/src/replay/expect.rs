//! Is the answer the one a check expects?

use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::source::{SourceMap, Span};

use super::{Asked, Cell, Found, Problem};
use crate::facts::Facts;
use crate::file::scenario::{Because, Case, Check, FlowOutcome, FlowVerdict, Layer, Outcome, PolicyOutcome, Word};
use crate::file::{At, Text};
use crate::judge::{Judgement, Statement, Verdicts};
use crate::placeholders::{Scope, Vars, fill};

/// The expectation that covers a cell: the first whose `when` fits.
pub(super) fn case<'c, O>(cases: &'c [Case<O>], cell: &Cell, check: &Check, vars: &Vars) -> Found<&'c Case<O>> {
    // The cell has the values of the matrix filled, those of `calls` and `resources` as written.
    let is = |own: &String, value: &Text| {
        *own == value.as_str() || fill(value, &Scope::new(vars)).is_ok_and(|value| *own == value.as_str())
    };
    let covers = |case: &&Case<O>| {
        case.when.iter().all(|(axis, value)| cell.get(axis.as_str()).is_some_and(|own| is(own, value)))
    };
    for case in cases {
        for (axis, _) in case.when.iter() {
            if !cell.contains_key(axis.as_str()) {
                let axes: Vec<&str> = cell.keys().map(String::as_str).collect();
                let help = closest(axis.as_str(), axes.iter().copied()).map_or_else(
                    || format!("the matrix has {}", axes.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(vec![
                    Diagnostic::error("unknown-axis", axis.span(), format!("the matrix has no axis `{axis}`"))
                        .help(help),
                ]);
            }
        }
    }
    cases.iter().find(covers).ok_or_else(|| {
        let cell: Vec<_> = cell.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        let message = format!("no expectation covers the cell [{}]", cell.join(","));
        let span = cases.first().map_or(check.name.span(), |case| case.span);
        vec![
            Diagnostic::error("uncovered-cell", span, message)
                .help("add a case without `when:` at the end of `expect:`"),
        ]
    })
}

/// Compares the call of a check with what it expects.
pub(super) fn call(
    facts: &Facts,
    asked: &[Asked],
    at: usize,
    expected: &Outcome,
    scope: &Scope<'_>,
) -> Found<Vec<Problem>> {
    let Some(one) = asked.get(at) else { return Ok(Vec::new()) };
    let judgement = &one.judgement;
    let mut compare = Compare { facts, scope, judgement, problems: Vec::new(), asked: at };
    compare.word(expected.is);
    if let Some(error) = &expected.error {
        compare.error(error);
    }
    if let Some(because) = &expected.because {
        compare.because(because)?;
    }
    Ok(compare.problems)
}

/// Compares a flow with what a check expects of it.
pub(super) fn flow(facts: &Facts, asked: &[Asked], expected: &FlowOutcome, scope: &Scope<'_>) -> Found<Vec<Problem>> {
    let mut problems = Vec::new();
    match &expected.verdict {
        Some(FlowVerdict::Is(word)) => problems.extend(flow_is(asked, *word)),
        Some(FlowVerdict::BlockedAt { step, others }) => problems.extend(blocked_at(asked, step, *others)?),
        None => {}
    }
    for (id, outcome) in expected.steps.iter() {
        let at = step(asked, id)?;
        problems.extend(call(facts, asked, at, outcome, scope)?);
    }
    Ok(problems)
}

/// Whether an expectation of a flow says what has to come of a step: the required ones, where the flow has a verdict, and
/// those it names.
pub(super) fn asserts(asked: &Asked, expected: &FlowOutcome) -> bool {
    let Some(step) = &asked.step else { return false };
    let is_named = expected.steps.get(&step.id).is_some();
    is_named || (step.required && expected.verdict.is_some())
}

/// The place of a step among the calls a flow asked about.
fn step(asked: &[Asked], id: &Text) -> Found<usize> {
    let ids: Vec<&str> = asked.iter().filter_map(|each| each.step.as_ref()).map(|step| step.id.as_str()).collect();
    ids.iter().position(|own| *own == id.as_str()).ok_or_else(|| {
        let help = closest(id.as_str(), ids.iter().copied()).map_or_else(
            || format!("the steps that are asked about are {}", ids.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        vec![Diagnostic::error("unknown-step", id.span(), format!("the flow has no step `{id}`")).help(help)]
    })
}

fn required(asked: &[Asked]) -> impl Iterator<Item = (usize, &Asked)> {
    asked.iter().enumerate().filter(|(_, each)| each.step.as_ref().is_some_and(|step| step.required))
}

/// A flow is what its first required step is that is not allowed; allowed when there is none.
fn flow_is(asked: &[Asked], word: At<Word>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let wants_allow = word.value == Word::Allow;
    let mut matched = wants_allow;
    for (at, each) in required(asked) {
        let fits = accepts(word.value, each.judgement.answer);
        if wants_allow {
            problems.extend(word_problems(&each.judgement, word, at, &step_id(each)));
        } else if !accepts(Word::Allow, each.judgement.answer) {
            matched = fits;
            problems.extend(word_problems(&each.judgement, word, at, &step_id(each)));
            break;
        } else {
            // A step that is allowed on a guess may be the one that blocks.
            let fits_too = |answer| accepts(Word::Allow, answer) || accepts(word.value, answer);
            problems.extend(guesses(&each.judgement, fits_too, word.span, at));
        }
    }
    if !matched && problems.is_empty() {
        problems.push(Problem {
            code: "wrong-decision",
            message: format!("expected the flow to be {}, but every required step is allowed", word_of(word.value)),
            span: word.span,
            asked: None,
            help: None,
        });
    }
    problems
}

fn blocked_at(asked: &[Asked], id: &Text, others: Option<At<Word>>) -> Found<Vec<Problem>> {
    let at = step(asked, id)?;
    let mut problems = Vec::new();
    let mut problem = |message: String, asked: Option<usize>| {
        problems.push(Problem { code: "wrong-decision", message, span: id.span(), asked, help: None });
    };
    match required(asked).find(|(_, each)| !accepts(Word::Allow, each.judgement.answer)) {
        Some((first, _)) if first == at => {}
        Some((first, each)) => {
            problem(
                format!("expected the flow to be blocked at `{id}`, but it is blocked at{}", step_id(each)),
                Some(first),
            );
        }
        None => problem(format!("expected the flow to be blocked at `{id}`, but no required step is"), Some(at)),
    }
    if let Some(blocked) = asked.get(at) {
        problems.extend(guesses(&blocked.judgement, |answer| !accepts(Word::Allow, answer), id.span(), at));
    }
    if others.is_none() {
        for (index, each) in required(asked).take_while(|(index, _)| *index < at) {
            problems.extend(guesses(&each.judgement, |answer| accepts(Word::Allow, answer), id.span(), index));
        }
    }
    if let Some(others) = others {
        for (index, each) in required(asked).filter(|(index, _)| *index != at) {
            problems.extend(word_problems(&each.judgement, others, index, &step_id(each)));
        }
    }
    Ok(problems)
}

fn step_id(asked: &Asked) -> String {
    asked.step.as_ref().map(|step| format!(" `{}`", step.id)).unwrap_or_default()
}

struct Compare<'c> {
    facts: &'c Facts,
    scope: &'c Scope<'c>,
    judgement: &'c Judgement,
    problems: Vec<Problem>,
    asked: usize,
}

impl Compare<'_> {
    fn problem(&mut self, code: &'static str, message: String, span: Span) {
        self.problems.push(Problem { code, message, span, asked: Some(self.asked), help: None });
    }

    fn word(&mut self, word: At<Word>) {
        self.problems.extend(word_problems(self.judgement, word, self.asked, ""));
    }

    /// Where AWS documents several errors, none of them can be expected for certain (R6.34).
    fn error(&mut self, error: &Text) {
        match self.judgement.answer {
            Verdicts::Unavailable(why) if why.errors() == [error.as_str()] => {}
            Verdicts::Unavailable(why) if why.errors().contains(&error.as_str()) => {
                let errors = why.errors().join(" and ");
                let message = format!("AWS documents {errors} here; which of them it answers is not known");
                self.problem("unsure-error", message, error.span());
            }
            Verdicts::Unavailable(why) => {
                self.problem(
                    "wrong-error",
                    format!("expected the error `{error}`, got `{}`", why.errors().join("` or `")),
                    error.span(),
                );
            }
            Verdicts::Decided(_) | Verdicts::NotEvaluated => {
                self.problem("wrong-error", format!("expected the error `{error}`, got no error"), error.span());
            }
        }
    }

    fn because(&mut self, because: &Because) -> Found<()> {
        if let Some(layer) = because.layer {
            let got = self.judgement.layer.map(permitlab_evaluator::layer::Layer::word);
            if got != Some(layer_word(layer.value)) {
                let message =
                    format!("expected the {} layer to decide, got {}", layer_word(layer.value), got.unwrap_or("none"));
                self.problem("wrong-layer", message, layer.span);
            }
        }
        if let Some(wanted) = &because.statement {
            self.statement(wanted, self.judgement.statement.as_ref(), "to decide")?;
        }
        if let Some(wanted) = &because.nearest {
            self.statement(wanted, self.judgement.nearest.as_ref(), "to come nearest")?;
        }
        if let Some(failed) = &because.failed {
            self.failure(failed, false)?;
        }
        if let Some(absent) = &because.absent {
            self.failure(absent, true)?;
        }
        Ok(())
    }

    fn statement(&mut self, wanted: &Text, got: Option<&Statement>, what: &str) -> Found<()> {
        let wanted = fill(wanted, self.scope)?;
        let names = names(self.facts, wanted.as_str());
        if names.is_empty() {
            let problem = unknown_statement(self.facts, &wanted, self.asked);
            self.problems.push(problem);
        } else if !got.is_some_and(|statement| names.contains(&statement.name)) {
            let got = got.map_or_else(|| "no statement".to_owned(), |statement| format!("`{}`", statement.name));
            self.problem("wrong-statement", format!("expected `{wanted}` {what}, got {got}"), wanted.span());
        }
        Ok(())
    }

    fn failure(&mut self, wanted: &Text, absent: bool) -> Found<()> {
        let wanted = fill(wanted, self.scope)?;
        let failures =
            self.judgement.key_statement().map(|statement| statement.failures.as_slice()).unwrap_or_default();
        let fits = failures
            .iter()
            .any(|failure| failure.name.eq_ignore_ascii_case(wanted.as_str()) && (!absent || failure.is_absent));
        if !fits {
            let got: Vec<String> = failures.iter().map(|failure| format!("`{}`", failure.name)).collect();
            let got =
                if got.is_empty() { "nothing failed".to_owned() } else { format!("what failed is {}", got.join(", ")) };
            let what = if absent { "be absent" } else { "fail" };
            self.problem("wrong-reason", format!("expected `{wanted}` to {what}, but {got}"), wanted.span());
        }
        Ok(())
    }
}

/// Compares an answer with a word, and refuses an answer that is a guess.
fn word_problems(judgement: &Judgement, word: At<Word>, asked: usize, of: &str) -> Vec<Problem> {
    if !accepts(word.value, judgement.answer) {
        let message = format!("expected {}{}, got {}", word_of(word.value), of_step(of), judgement.word());
        return vec![Problem { code: "wrong-decision", message, span: word.span, asked: Some(asked), help: None }];
    }
    guesses(judgement, |answer| accepts(word.value, answer), word.span, asked)
}

fn of_step(of: &str) -> String {
    if of.is_empty() { String::new() } else { format!(" of{of}") }
}

/// The problems of an answer that would not be accepted if what is left open were otherwise.
fn guesses(judgement: &Judgement, accepted: impl Fn(Verdicts) -> bool, span: Span, asked: usize) -> Vec<Problem> {
    let others = judgement.otherwise.iter().filter(|effect| !accepted(Verdicts::Decided(**effect)));
    let others: Vec<&str> = others.map(|effect| effect.word()).collect();
    if others.is_empty() {
        return Vec::new();
    }
    let others = others.join(" or ");
    let mut problems = Vec::new();
    if !judgement.unstated.is_empty() {
        let keys = judgement.unstated.join("`, `");
        problems.push(Problem {
            code: "unstated-key",
            message: format!(
                "the answer is {} only while nobody states `{keys}`; it could be {others}",
                judgement.word()
            ),
            span,
            asked: Some(asked),
            help: Some("state the key under `context:`, as a value or as `null` for absent".to_owned()),
        });
    }
    if !judgement.unsure.is_empty() {
        let rules = judgement.unsure.join(", ");
        problems.push(Problem {
            code: "unsure-rule",
            message: format!(
                "the answer is {} under one reading of {rules}; under the other it is {others}",
                judgement.word()
            ),
            span,
            asked: Some(asked),
            help: Some(format!("write `accept: [{rules}]` if the reading in FIDELITY.md is good enough here")),
        });
    }
    problems
}

/// Compares what AWS says of a policy with what a check expects.
pub(super) fn policy(
    sources: &SourceMap,
    findings: &[Diagnostic],
    expected: &PolicyOutcome,
    span: Span,
) -> Vec<Problem> {
    let errors: Vec<&Diagnostic> = findings.iter().filter(|finding| finding.is_error()).collect();
    let problem =
        |message: String, span: Span| vec![Problem { code: "wrong-decision", message, span, asked: None, help: None }];
    let codes = || {
        errors
            .iter()
            .map(|finding| format!("`{}`{}", finding.code, place(sources, finding)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match expected {
        PolicyOutcome::Accepted(_) if errors.is_empty() => Vec::new(),
        PolicyOutcome::Accepted(_) => {
            problem(format!("expected the policy to be accepted, but it is refused: {}", codes()), span)
        }
        PolicyOutcome::Refused { code, .. } if errors.is_empty() => {
            problem(format!("expected the policy to be refused with `{code}`, but it is accepted"), code.span())
        }
        PolicyOutcome::Refused { code, at } => {
            let same_code: Vec<_> = errors.iter().filter(|finding| finding.code == code.as_str()).collect();
            if same_code.is_empty() {
                return problem(format!("expected `{code}`, got {}", codes()), code.span());
            }
            let is_there =
                |finding: &&&Diagnostic| finding.span().map(|span| sources.position(span)) == at.map(|at| at.value);
            match at {
                Some(at) if !same_code.iter().any(is_there) => problem(
                    format!("expected `{code}` at {}:{}, got {}", at.value.line, at.value.column, codes()),
                    at.span,
                ),
                Some(_) | None => Vec::new(),
            }
        }
    }
}

fn place(sources: &SourceMap, finding: &Diagnostic) -> String {
    finding
        .span()
        .map(|span| sources.position(span))
        .map(|at| format!(" at {}:{}", at.line, at.column))
        .unwrap_or_default()
}

/// Whether a word covers an answer. `deny` never covers `unavailable`.
fn accepts(word: Word, answer: Verdicts) -> bool {
    match (word, answer) {
        (Word::Allow, Verdicts::Decided(effect)) => effect == Effect::Allow,
        (Word::ImplicitDeny, Verdicts::Decided(effect)) => effect == Effect::ImplicitDeny,
        (Word::ExplicitDeny, Verdicts::Decided(effect)) => effect == Effect::ExplicitDeny,
        (Word::Deny, Verdicts::Decided(effect)) => effect.is_deny(),
        (Word::Unavailable, answer) => matches!(answer, Verdicts::Unavailable(_)),
        (Word::NotEvaluated, answer) => answer == Verdicts::NotEvaluated,
        (
            Word::Allow | Word::ImplicitDeny | Word::ExplicitDeny | Word::Deny,
            Verdicts::Unavailable(_) | Verdicts::NotEvaluated,
        ) => false,
    }
}

fn word_of(word: Word) -> &'static str {
    match word {
        Word::Allow => "allow",
        Word::ImplicitDeny => "implicit-deny",
        Word::ExplicitDeny => "explicit-deny",
        Word::Deny => "deny",
        Word::Unavailable => "unavailable",
        Word::NotEvaluated => "not-evaluated",
    }
}

fn layer_word(layer: Layer) -> &'static str {
    match layer {
        Layer::Rcp => "rcp",
        Layer::Scp => "scp",
        Layer::VpcEndpoint => "vpc_endpoint",
        Layer::Resource => "resource",
        Layer::Grant => "grant",
        Layer::Identity => "identity",
        Layer::Boundary => "boundary",
        Layer::Session => "session",
    }
}

/// Every name of the statement that a reference names: by number, and by Sid.
fn names(facts: &Facts, reference: &str) -> Vec<String> {
    let all = facts.statement_names();
    all.into_iter().find(|names| names.iter().any(|name| name == reference)).unwrap_or_default()
}

fn unknown_statement(facts: &Facts, wanted: &Text, asked: usize) -> Problem {
    let all: Vec<String> = facts.statement_names().into_iter().flatten().collect();
    let help = match closest(wanted.as_str(), all.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "write `policy#Sid` or `policy#[n]`, with the policy's path under `policies/` without `.json`".to_owned()
        }
    };
    let message = format!("no statement is called `{wanted}`");
    Problem { code: "unknown-statement", message, span: wanted.span(), asked: Some(asked), help: Some(help) }
}

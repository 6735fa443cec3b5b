//! Does each check ask exactly one question, in a way that can be answered?

use std::collections::BTreeMap;

use permitlab_evaluator::condition::date::Instant;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::Span;

use super::expect::{ExpectShape, call_outcome, cases, flow_outcome, policy_outcome};
use super::{At, CallQuestion, Check, CheckEntry, Kind, Named, Question, Scenario, ScenarioEntry, Text, both, sweep};

/// Turns a file as its schema has it into the scenario it means.
///
/// # Errors
/// Everything that is wrong with its checks.
pub(in crate::file) fn check(entry: ScenarioEntry) -> Result<Scenario, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    if entry.checks.is_empty() {
        let finding = Diagnostic::error("no-checks", entry.scenario.span(), "a scenario without checks");
        findings.push(finding.help("add a check under `checks:`; a file that checks nothing would always pass"));
    }
    findings.extend(repeated_names(&entry.checks));
    let checks = entry.checks.into_iter().filter_map(|check| read_check(check, &mut findings)).collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(Scenario {
        scenario: entry.scenario,
        worlds: entry.r#use,
        vars: entry.vars,
        tags: entry.tags,
        source: entry.source,
        context: entry.context,
        checks,
    })
}

fn repeated_names(checks: &[At<CheckEntry>]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    let repeated = checks.iter().map(|check| &check.value.name).filter_map(|name| {
        let Some(first) = first.get(name.as_str()) else {
            first.insert(name.as_str(), name.span());
            return None;
        };
        let finding = Diagnostic::error("duplicate-name", name.span(), format!("two checks are called `{name}`"));
        Some(finding.also(*first, "first used here").help("give each check of a file a name of its own"))
    });
    repeated.collect()
}

fn read_check(At { value: mut entry, span }: At<CheckEntry>, findings: &mut Vec<Diagnostic>) -> Option<Check> {
    findings.extend(blank("name", &entry.name));
    findings.extend(entry.skip.as_ref().and_then(|skip| blank("reason", &skip.value.reason)));
    findings.extend(entry.skip.as_ref().and_then(|skip| odd_day(skip.value.until.as_ref()?)));
    findings.extend(entry.matrix.iter().filter(|(_, values)| values.is_empty()).map(|(axis, _)| empty_axis(axis)));
    let kind = only_kind(&entry, findings)?;
    findings.extend(entry.strangers_to(kind).into_iter().filter_map(|(key, span)| Some(stranger(key, span?, kind))));
    let changes = std::mem::take(&mut entry.change);
    let context = std::mem::take(&mut entry.context);
    let accepted_rules = std::mem::take(&mut entry.accept);
    let tags = std::mem::take(&mut entry.tags);
    let (region, session, now, skip) = (entry.region.take(), entry.session.take(), entry.now.take(), entry.skip.take());
    let (name, matrix) = (entry.name.clone(), entry.matrix.clone());
    let question = question(kind, entry, span, findings)?;
    Some(Check { name, matrix, question, changes, context, region, session, now, accepted_rules, tags, skip })
}

/// The finding about the end of a skip that is no day: days are compared as text, so that one would never come.
fn odd_day(until: &Text) -> Option<Diagnostic> {
    let text = until.as_str();
    if text.len() == "2026-01-31".len() && text.matches('-').count() == 2 && Instant::parse(text).is_ok() {
        return None;
    }
    let finding = Diagnostic::error("invalid-date", until.span(), format!("`{until}` is no day"));
    Some(finding.help("write the last day of the skip such as `2026-01-31`"))
}

/// What a check asks, if it asks exactly one thing.
fn only_kind(entry: &CheckEntry, findings: &mut Vec<Diagnostic>) -> Option<Kind> {
    let asked = entry.asked();
    let Some(&(kind, key, span)) = asked.first() else {
        let message = format!("the check `{}` asks nothing", entry.name);
        findings.push(
            Diagnostic::error("nothing-asked", entry.name.span(), message)
                .help("add a `call` (or `calls`), a `flow`, a `policy`, `ask`, or `never`"),
        );
        return None;
    };
    let Some(&(_, other, other_span)) = asked.get(1) else { return Some(kind) };
    let help = "a check asks one thing: keep `call`, `calls`, `flow`, `policy`, `ask` or `never`, and make the other a check of its own";
    findings.push(both("asked-twice", (key, span), (other, other_span), help));
    None
}

fn stranger(key: &str, span: Span, kind: Kind) -> Diagnostic {
    let help = match (kind, key) {
        (Kind::Flow, "type") | (Kind::Call, _) => format!("remove `{key}`: a {kind} does not use it"),
        (Kind::Flow, _) => format!("remove `{key}`: the flow's steps say it; bind what they need with `with`"),
        (Kind::Policy, _) => format!("remove `{key}`: a policy check only asks whether AWS would store the policy"),
        (Kind::Ask, _) => {
            format!("remove `{key}`: `ask` is about every call there is, and `exactly` says what is expected")
        }
        (Kind::Never, _) => format!("remove `{key}`: `never` is about every call there is, and says what is expected"),
    };
    Diagnostic::error("misplaced-key", span, format!("`{key}` in a check of a {kind}")).help(help)
}

fn question(kind: Kind, entry: CheckEntry, span: Span, findings: &mut Vec<Diagnostic>) -> Option<Question> {
    match kind {
        Kind::Call => call(entry, span, findings).map(Box::new).map(Question::Call),
        Kind::Flow => {
            let expect = cases(expected(entry.expect, span, findings)?, &entry.matrix, flow_outcome, findings);
            Some(Question::Flow { flow: entry.flow?, with: entry.with, expect })
        }
        Kind::Policy => {
            let expect = cases(expected(entry.expect, span, findings)?, &entry.matrix, policy_outcome, findings);
            let policy_type = entry.r#type.or_else(|| {
                findings.push(missing("type", span, "add `type: key`, or another type of policy"));
                None
            })?;
            Some(Question::Policy { policy: entry.policy?, policy_type, expect })
        }
        Kind::Ask => {
            let ask = sweep::ask(entry.ask?, findings)?;
            let exactly = entry.exactly.or_else(|| {
                findings.push(missing(
                    "exactly",
                    span,
                    "say who or what: `exactly: [role/NAME]`; `[]` is nobody, or nothing",
                ));
                None
            })?;
            Some(Question::Ask { ask, exactly })
        }
        Kind::Never => sweep::never(entry.never?, findings).map(Box::new).map(Question::Never),
    }
}

/// What is expected, which every call, flow and policy says.
fn expected(expect: Option<ExpectShape>, span: Span, findings: &mut Vec<Diagnostic>) -> Option<ExpectShape> {
    if expect.is_none() {
        findings.push(missing("expect", span, "say what must come of it: `expect: allow`, or `expect: deny`"));
    }
    expect
}

fn call(entry: CheckEntry, span: Span, findings: &mut Vec<Diagnostic>) -> Option<CallQuestion> {
    let calls = one_or_more(("call", entry.call), ("calls", entry.calls), findings);
    let resources = one_or_more(("resource", entry.resource), ("resources", entry.resources), findings);
    let axes = axes(entry.matrix, [("call", &calls), ("resource", &resources)], findings);
    let expect = cases(expected(entry.expect, span, findings)?, &axes, call_outcome, findings);
    let by = entry.by.or_else(|| {
        findings.push(missing("by", span, "say who calls: `by: role/NAME`, `by: service/NAME` or `by: anonymous`"));
        None
    })?;
    let (via, on_behalf_of, encryption_context) = (entry.via, entry.on_behalf_of, entry.encryption_context);
    let (grant, new_policy) = (entry.grant, entry.new_policy);
    Some(CallQuestion { by, via, on_behalf_of, calls, resources, encryption_context, new_policy, grant, expect })
}

/// The axes a `when:` may name: those of the matrix, and those that several `calls:` or `resources:` make.
fn axes(
    mut matrix: Named<Vec<Text>>,
    implied: [(&str, &[Text]); 2],
    findings: &mut Vec<Diagnostic>,
) -> Named<Vec<Text>> {
    for (name, values) in implied {
        let [first, _, ..] = values else { continue };
        if let Some((axis, _)) = matrix.entry(name) {
            let finding =
                Diagnostic::error("duplicate-name", axis.span(), format!("there is an axis `{name}` already"));
            let finding = finding.also(first.span(), format!("`{name}s` makes it"));
            findings.push(finding.help("give the axis of the matrix another name, or use it in place of the list"));
            continue;
        }
        matrix.push(Text::new(name, first.span()), values.to_vec());
    }
    matrix
}

/// The values of a key and of its plural, of which only one may be there.
pub(super) fn one_or_more(
    (one_key, one): (&str, Option<Text>),
    (more_key, more): (&str, Option<At<Vec<Text>>>),
    findings: &mut Vec<Diagnostic>,
) -> Vec<Text> {
    match (one, more) {
        (Some(one), Some(more)) => {
            let help = format!("keep one of the two; `{more_key}` takes several");
            findings.push(both("asked-twice", (one_key, one.span()), (more_key, more.span), help));
            vec![one]
        }
        (Some(one), None) => vec![one],
        (None, Some(more)) => {
            if more.value.is_empty() {
                let finding = Diagnostic::error("empty-list", more.span, format!("`{more_key}` without a value"));
                findings.push(finding.help("name at least one, or the check would pass without checking anything"));
            }
            more.value
        }
        (None, None) => Vec::new(),
    }
}

fn empty_axis(axis: &Text) -> Diagnostic {
    Diagnostic::error("empty-list", axis.span(), format!("the axis `{axis}` has no values"))
        .help("give it at least one value, or remove it; without one the check is never asked")
}

fn blank(key: &str, text: &Text) -> Option<Diagnostic> {
    let finding = Diagnostic::error("empty-value", text.span(), format!("`{key}` says nothing"));
    text.as_str().trim().is_empty().then(|| finding.help("write a few words a reader can recognise it by"))
}

pub(super) fn missing(key: &str, span: Span, help: &str) -> Diagnostic {
    Diagnostic::error("missing-key", span, format!("the key `{key}` is missing")).label("in this mapping").help(help)
}

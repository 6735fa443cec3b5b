//! What did each statement say to a call?
//!
//! The tree of an explanation: the layers in AWS's order with their verdicts, and below each its statements in three
//! groups: those that decided, the one that came nearest, and the others.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use permitlab_evaluator::layer::Verdict;
use permitlab_evaluator::policy::Effect;
use permitlab_evaluator::source::SourceMap;

use serde_json::{Value, json};

use super::{first, place_json, reason, summary};
use crate::judge::{Failure, Judgement, LayerView, Statement};
use crate::render::{Colour, report};
use crate::replay::Asked;

/// Statements about other actions that are named; the rest are counted.
const MOST_NAMED: usize = 6;

/// Everything the walk saw, layer by layer, and the reason in an excerpt.
pub fn why(sources: &SourceMap, asked: &Asked, colour: Colour) -> String {
    let judgement = &asked.judgement;
    let mut text = format!("{}\n{}\n", judgement.call, summary(judgement));
    for layer in &judgement.layers {
        let _ = writeln!(text, "  {:<12} {}", layer.layer.word(), verdict(layer.verdict));
        text.push_str(&groups(sources, judgement, layer));
    }
    if !judgement.unstated.is_empty() {
        let _ = writeln!(text, "  unstated: {} (counted as absent)", judgement.unstated.join(", "));
    }
    let _ = write!(text, "{}", report(sources, &reason(asked), colour));
    text
}

/// What a layer says, in the words of scenario files.
fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allow",
        Verdict::Delegated => "delegated to the account's identity policies",
        Verdict::ImplicitDeny => "implicit-deny",
        Verdict::ExplicitDeny => "explicit-deny",
        Verdict::NotApplicable => "no say",
    }
}

/// A layer with everything its statements said.
pub(super) fn layer_json(sources: &SourceMap, layer: &LayerView) -> Value {
    let element = |element: &Failure, matches: bool| {
        json!({
            "element": element.name,
            "operator": element.operator,
            "matches": matches,
            "wanted": element.wanted,
            "found": element.found,
            "absent": element.is_absent,
            "variables": element.variables.iter().cloned().collect::<BTreeMap<_, _>>(),
            "at": place_json(sources, element.span),
        })
    };
    let statement = |statement: &Statement| {
        let matches = statement.matches.iter().map(|each| element(each, true));
        json!({
            "name": statement.name,
            "effect": effect(statement),
            "applies": statement.applies,
            "at": place_json(sources, statement.span),
            "elements": matches.chain(statement.failures.iter().map(|each| element(each, false))).collect::<Vec<_>>(),
        })
    };
    json!({
        "layer": layer.layer.word(),
        "verdict": layer.verdict.word(),
        "statements": layer.statements.iter().map(statement).collect::<Vec<_>>(),
    })
}

fn effect(statement: &Statement) -> &'static str {
    match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    }
}

/// The statements of a layer: those that apply decided what it says.
fn groups(sources: &SourceMap, judgement: &Judgement, layer: &LayerView) -> String {
    let is_nearest = |each: &&Statement| judgement.nearest.as_ref().is_some_and(|nearest| nearest.span == each.span);
    let statements = || layer.statements.iter();
    let mut text = String::new();
    for statement in statements().filter(|each| each.applies) {
        text.push_str(&branch(sources, "decided", statement));
    }
    for statement in statements().filter(|each| !each.applies && is_nearest(each)) {
        text.push_str(&branch(sources, "nearest", statement));
    }
    let others = || statements().filter(|each| !each.applies && !is_nearest(each));
    for statement in others().filter(|each| !is_about_other_actions(each)) {
        text.push_str(&branch(sources, "other", statement));
    }
    let elsewhere: Vec<&Statement> = others().filter(|each| is_about_other_actions(each)).collect();
    if !elsewhere.is_empty() {
        let names: Vec<&str> = elsewhere.iter().take(MOST_NAMED).map(|each| each.name.as_str()).collect();
        let more = elsewhere.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(text, "    other   ✗ about other actions: {}{more}", names.join(", "));
    }
    text
}

fn is_about_other_actions(statement: &Statement) -> bool {
    statement.failures.iter().any(|failure| failure.name == "action")
}

fn branch(sources: &SourceMap, group: &str, statement: &Statement) -> String {
    let effect = effect(statement);
    let mark = if statement.applies { '✓' } else { '✗' };
    let place = sources.place(first(statement.span));
    let mut text = format!("    {group:<7} {mark} {effect} {} ({place})\n", statement.name);
    let conditions = statement.matches.iter().filter(|each| each.operator.is_some());
    for (mark, element) in conditions.map(|each| ('✓', each)).chain(statement.failures.iter().map(|each| ('✗', each)))
    {
        let _ = writeln!(text, "              {mark} {}", leaf(element));
    }
    text
}

/// What one element wanted, and what the call had.
fn leaf(element: &Failure) -> String {
    let operator = element.operator.as_ref().map(|operator| format!("{operator} ")).unwrap_or_default();
    let wanted: Vec<_> = element.wanted.iter().map(|value| format!("`{value}`")).collect();
    let wanted = if wanted.is_empty() { String::new() } else { format!(" wants {}", wanted.join(" or ")) };
    let mut text = format!("{operator}{}{wanted}: {}", element.name, element.found);
    for each in &element.variables {
        let _ = write!(text, "; {}", super::variable(each));
    }
    text
}

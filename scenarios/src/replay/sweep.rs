//! Do the answers about all calls hold: who may make one, what somebody may do, what must never be?

use std::collections::BTreeSet;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::catalog::{self, KeyType};
use permitlab_evaluator::condition::operator::{Base, Operator, SetOperator};
use permitlab_evaluator::condition::{Condition, Operand};
use permitlab_evaluator::context::ConditionKey;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::policy::Version;
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{Budget, Comparison, Never as Forbidden, Standing, Violation};
use permitlab_evaluator::source::Span;
use permitlab_evaluator::world::World;

use crate::access::{self, Line, lines_of};
use crate::facts::Facts;
use crate::file::scenario::{Ask, Never};
use crate::file::{At, Text};
use crate::placeholders::{Scope, fill};
use crate::prove::{LINKED, circumstances, standing_name};
use crate::reference::{self, Target};

use super::Problem;

type Found<T> = Result<T, Vec<Diagnostic>>;

/// Whether the answer to a question is exactly what is expected.
pub(super) fn ask(
    facts: &Facts,
    world: &World,
    ask: &Ask,
    exactly: &At<Vec<Text>>,
    scope: &Scope<'_>,
) -> Found<Vec<Problem>> {
    let question = match ask {
        Ask::Who { call, resource } => {
            access::Question::Who { call: fill(call, scope)?, resource: fill(resource, scope)? }
        }
        Ask::What { principal } => access::Question::What { principal: fill(principal, scope)? },
    };
    let lines = lines_of(facts, world, &question, Budget::default())?;
    let named = |line: &Line| match question {
        access::Question::Who { .. } => vec![line.caller.clone()],
        access::Question::What { .. } => {
            line.actions.iter().map(|action| format!("{action} {}", line.resource)).collect()
        }
    };
    let found: BTreeSet<String> = lines.iter().flat_map(named).collect();
    let mut expected: BTreeSet<String> = BTreeSet::new();
    for text in &exactly.value {
        expected.insert(fill(text, scope)?.as_str().to_owned());
    }
    let mut problems = Vec::new();
    for more in found.difference(&expected) {
        let ways = lines.iter().filter(|line| named(line).contains(more)).flat_map(|line| line.ways.clone());
        let ways: Vec<String> = ways.collect();
        let message = format!("`{more}` is allowed, and not expected: {}", ways.join("; "));
        let help = "add it to `exactly`, or narrow what allows it";
        problems.push(problem("unexpected-access", message, exactly.span, help));
    }
    for less in expected.difference(&found) {
        let message = format!("`{less}` is expected, and not allowed");
        let help = match permitlab_evaluator::diagnostic::closest(less, found.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "remove it from `exactly`, or allow it".to_owned(),
        };
        problems.push(problem("missing-access", message, exactly.span, &help));
    }
    let of_doubt = lines.iter().filter(|line| line.is_cut_off || !line.unsure.is_empty());
    for line in of_doubt {
        let why = if line.is_cut_off {
            "there are too many ways to look through".to_owned()
        } else {
            format!("it hangs on {}, which AWS leaves open", line.unsure.join(", "))
        };
        let message = format!("of `{}` nothing is certain: {why}", line.caller);
        problems.push(problem("not-proved", message, exactly.span, "ask about single calls in its place"));
    }
    Ok(problems)
}

/// The code of a call that is allowed though it must never be.
pub(crate) const BROKEN: &str = "never-allowed";

/// Whether there is a call that must never be allowed.
pub(crate) fn never(facts: &Facts, world: &World, never: &Never, scope: &Scope<'_>, span: Span) -> Found<Vec<Problem>> {
    let told = |finding: Box<Diagnostic>| vec![*finding];
    let mut calls: Vec<(Text, ActionName)> = Vec::new();
    for call in &never.calls {
        let call = fill(call, scope)?;
        let action = reference::action(&call).map_err(told)?;
        calls.push((call, action));
    }
    let resource = fill(&never.resource, scope)?;
    let Target::Resource(target) = reference::target(facts, &resource).map_err(told)? else {
        let message = format!("no policy of a customer has a say on `{resource}`");
        return Err(vec![
            Diagnostic::error("wrong-resource-type", resource.span(), message).help("name a key or role of the world"),
        ]);
    };
    let ((by, asked), (except, _)) = (names(facts, &never.by, scope)?, names(facts, &never.except, scope)?);
    let mut unless = Vec::new();
    for (key, value) in never.unless.iter() {
        let key = fill(key, scope)?;
        if let Some(finding) = reference::unknown_context_key(key.as_str(), key.span()) {
            return Err(vec![finding]);
        }
        let values: Result<Vec<Text>, _> = value.texts().iter().map(|text| fill(text, scope)).collect();
        unless.push(excuse(&key, values?));
    }
    let comparison = Comparison::new(world, world, Budget::default()).asking_about(&asked);
    for (call, action) in &calls {
        access::is_compared(&comparison, (call, action), (&resource, &target.arn)).map_err(told)?;
    }
    let actions: Vec<ActionName> = calls.into_iter().map(|(_, action)| action).collect();
    let forbidden = Forbidden { actions: &actions, resource: &target.arn, unless: &unless };
    let is_meant = |caller: &Principal, standing: Standing| {
        let name = standing_name(facts, caller, standing);
        // Everybody else of an account are also those whom AWS linked to its services.
        let everybody = name.strip_suffix(LINKED).map(|account| format!("{account}/*"));
        let is_among = |names: &BTreeSet<String>| {
            names.contains(&name) || everybody.as_ref().is_some_and(|all| names.contains(all))
        };
        (by.is_empty() || is_among(&by)) && !is_among(&except)
    };
    let (violations, unknown) = comparison.violations(&forbidden, is_meant);
    // One request of each caller is enough.
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut problems: Vec<Problem> = violations
        .iter()
        .filter(|violation| told.insert(standing_name(facts, &violation.request.principal, violation.caller)))
        .map(|violation| {
            let Violation { request, caller, .. } = violation;
            let who = standing_name(facts, &request.principal, *caller);
            let how = circumstances(request);
            let message = format!("{who} may call {} on `{resource}`: {how}", request.action);
            let help = format!("narrow what allows it, or add `{who}` to `except`");
            problem(BROKEN, message, span, &help)
        })
        .collect();
    problems.extend(unknown.iter().map(|each| {
        let who = standing_name(facts, &each.request.principal, Standing::Itself);
        let message = format!("of {} by {who} nothing is certain: {}", each.request.action, each.why);
        problem("not-proved", message, span, "ask about single calls in its place")
    }));
    Ok(problems)
}

/// Callers as they are named, each of which has to be somebody, and those of them who are one.
fn names(facts: &Facts, written: &[Text], scope: &Scope<'_>) -> Found<(BTreeSet<String>, Vec<Principal>)> {
    let (mut names, mut callers) = (BTreeSet::new(), Vec::new());
    for text in written {
        let text = fill(text, scope)?;
        let name = match text.as_str().strip_suffix("/*") {
            Some("account" | "service") => text.as_str().to_owned(),
            Some(account) if account.starts_with("account/") => {
                let linked = text.as_str().strip_suffix(LINKED);
                let account = Text::new(linked.unwrap_or(account), text.span());
                let root = reference::caller(facts, &account).map_err(|finding| vec![*finding])?;
                let everybody = standing_name(facts, &root, Standing::OfAccount { allowed: true });
                callers.push(root);
                match (linked, everybody.strip_suffix("/*")) {
                    (Some(_), Some(account)) => format!("{account}{LINKED}"),
                    (_, _) => everybody,
                }
            }
            Some(_) | None => {
                let caller = reference::caller(facts, &text).map_err(|finding| vec![*finding])?;
                let name = standing_name(facts, &caller, Standing::Itself);
                callers.push(caller);
                name
            }
        };
        names.insert(name);
    }
    Ok((names, callers))
}

/// A condition that holds where the key has one of the values.
fn excuse(key: &Text, values: Vec<Text>) -> Condition {
    let span = key.span();
    let key = ConditionKey::new(key.as_str());
    let key_type = catalog::key_type(&key);
    let base = match key_type {
        Some(KeyType::Arn | KeyType::Arns) => Base::ArnLike,
        Some(KeyType::Bool | KeyType::Bools) => Base::Bool,
        Some(KeyType::Numeric) => Base::NumericEquals,
        Some(KeyType::Date) => Base::DateEquals,
        Some(KeyType::Ip) => Base::IpAddress,
        Some(KeyType::String | KeyType::Strings) | None => Base::StringLike,
    };
    let is_multivalued = key_type.is_some_and(KeyType::is_multivalued);
    let set = if is_multivalued { SetOperator::ForAnyValue } else { SetOperator::None };
    let operator = Operator { set, base, if_exists: false };
    let operands = values.into_iter().map(|value| {
        let text = permitlab_evaluator::json::Text::new(value.as_str(), value.span());
        Operand::new(text, operator, Version::V2008)
    });
    let operands = operands.collect();
    Condition { operator, key, key_type, operands, operator_span: span, key_span: span, span }
}

fn problem(code: &'static str, message: String, span: Span, help: &str) -> Problem {
    Problem { code, message, span, asked: None, help: Some(help.to_owned()) }
}

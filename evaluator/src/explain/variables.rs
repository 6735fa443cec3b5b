//! What do the policy variables of an element stand for in this call?

use crate::condition::Operand;
use crate::context::Lookup;
use crate::eval::statement::Element;
use crate::policy::pattern::{ArnPattern, Pattern};
use crate::policy::variable::Variable;
use crate::policy::{ResourceElement, Statement};

/// The variables of an element as written, each once, with what they resolve to.
pub(super) fn resolved(
    element: Element,
    statement: &Statement,
    context: &impl Lookup,
) -> Vec<(String, Option<String>)> {
    let mut resolved = Vec::new();
    for variable in patterns(element, statement).into_iter().flat_map(Pattern::variables) {
        let value = variable.resolve(context).text.map(str::to_owned);
        let pair = (written(variable), value);
        if !resolved.contains(&pair) {
            resolved.push(pair);
        }
    }
    resolved
}

fn patterns(element: Element, statement: &Statement) -> Vec<&Pattern> {
    match element {
        Element::Resource => match &statement.resource {
            ResourceElement::Listed { patterns, .. } => patterns.iter().flat_map(|each| fields(&each.value)).collect(),
            ResourceElement::Missing | ResourceElement::Own => Vec::new(),
        },
        Element::Condition(index) => {
            let operands = statement.conditions.get(index).into_iter().flat_map(|condition| &condition.operands);
            operands.flat_map(Operand::patterns).collect()
        }
        Element::Principal | Element::Action | Element::Constraint(_) | Element::ChildOperations => Vec::new(),
    }
}

fn fields(pattern: &ArnPattern) -> Vec<&Pattern> {
    pattern.as_fields().into_iter().flatten().collect()
}

fn written(variable: &Variable) -> String {
    match &variable.default {
        Some(default) => format!("${{{}, '{default}'}}", variable.key),
        None => format!("${{{}}}", variable.key),
    }
}

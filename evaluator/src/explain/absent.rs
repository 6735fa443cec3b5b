//! Which condition keys did a call lack?

use crate::context::{ConditionKey, Lookup, Presence, RequestContext};
use crate::decision::Decision;
use crate::eval::View;
use crate::eval::statement::{Element, applies_but_for_conditions};
use crate::gather::Applicable;
use crate::layer::{Layer, Verdict};
use crate::request::Request;
use crate::service::kms::grant;
use crate::truth::Unstated;
use crate::world::kms::{Constraint, Grant};

/// The condition keys that statements and grants about this caller, action and resource look at and the call does not have,
/// in order. Layers without a say are not asked.
pub fn keys(
    applicable: &Applicable<'_>,
    request: &Request,
    context: &RequestContext,
    decision: &Decision,
) -> Vec<ConditionKey> {
    let unstated = Unstated::default();
    let view = applicable.view(request, context, &unstated);
    let mut keys = Vec::new();
    for layer in Layer::ALL.into_iter().filter(|layer| decision.verdict(*layer) != Verdict::NotApplicable) {
        if layer == Layer::Grant {
            applicable.grants.iter().for_each(|grant| of_grant(grant, &view, &mut keys));
        }
        for policies in (0..applicable.levels(layer)).filter_map(|level| applicable.policies(layer, level)) {
            let Some(kind) = policies.kind() else { continue };
            let view = View { kind, ..view };
            policies.candidates(request, |_, statement| {
                if !statement.conditions.is_empty() && applies_but_for_conditions(statement, &view).holds() {
                    let conditions = statement.conditions.iter().map(|condition| &condition.key);
                    keys.extend(conditions.filter(|key| is_absent(key, &view)).cloned());
                }
            });
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

fn is_absent(key: &ConditionKey, view: &View<'_>) -> bool {
    !matches!(view.entry(key).presence, Presence::Present(_))
}

fn of_grant(each: &Grant, view: &View<'_>, keys: &mut Vec<ConditionKey>) {
    let (mut is_about_call, mut asked) = (true, Vec::new());
    grant::walk(each, view, |element, truth| match element {
        Element::Principal | Element::Action | Element::Resource => is_about_call &= truth.holds(),
        Element::Constraint(index) => {
            if let Some(Constraint::SourceArn(condition)) = each.constraints.get(index) {
                asked.push(condition.key.clone());
            }
        }
        Element::ChildOperations => asked.push(ConditionKey::new("kms:GrantOperations")),
        Element::Condition(_) => {}
    });
    if is_about_call {
        keys.extend(asked.into_iter().filter(|key| is_absent(key, view)));
    }
}

//! Why was it decided so, and what stood in the way?
//!
//! The same walk as the decision, with everything it saw kept: for each layer its statements, for each statement
//! which elements failed, what each wanted and what the request had.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use crate::condition::Condition;
use crate::context::{ConditionKey, Entry, Lookup, Presence, RequestContext};
use crate::decision::{self, Decision};
use crate::eval::View;
use crate::eval::policy::StatementIndex;
use crate::eval::statement::{Element, walk};
use crate::gather::Applicable;
use crate::json::Text;
use crate::layer::{Layer, StatementRef, Verdict};
use crate::policy::{Effect, Policy, PolicyType, ResourceElement, Statement};
use crate::request::Request;
use crate::source::Span;
use crate::truth::Truth;

/// What a decision saw.
#[derive(Debug, Clone)]
pub struct Explanation<'w> {
    /// The layers that have a say, in AWS's order; a hierarchy has one entry a level.
    pub layers: Vec<LayerExplanation<'w>>,
    /// The statement that decided, or for an implicit deny the one that came nearest to allowing.
    pub key_statement: Option<StatementExplanation<'w>>,
}

/// What one layer saw.
#[derive(Debug, Clone)]
pub struct LayerExplanation<'w> {
    /// The layer.
    pub layer: Layer,
    /// What it says by itself.
    pub verdict: Verdict,
    /// Its statements, in the order of the policies.
    pub statements: Vec<StatementExplanation<'w>>,
}

/// What one statement saw.
#[derive(Debug, Clone)]
pub struct StatementExplanation<'w> {
    /// Which it is.
    pub reference: StatementRef,
    /// Its policy.
    pub policy: &'w Policy,
    /// The statement.
    pub statement: &'w Statement,
    /// Whether it applies.
    pub applies: Truth,
    /// Its elements, in the order principal, action, resource, conditions.
    pub elements: Vec<ElementExplanation>,
}

/// What one element saw.
#[derive(Debug, Clone)]
pub struct ElementExplanation {
    /// Which it is.
    pub element: Element,
    /// Whether it matches.
    pub truth: Truth,
    /// The value in the policy.
    pub span: Span,
    /// What the request had.
    pub found: Found,
}

/// What a request had where an element looked.
#[derive(Debug, Clone)]
pub enum Found {
    /// The caller, the action or the resource.
    Name(String),
    /// A condition key and its state.
    Key(ConditionKey, Entry),
}

/// Explains a decision.
pub fn explain<'w>(
    applicable: &Applicable<'w>,
    request: &Request,
    context: &RequestContext,
    decision: &Decision,
) -> Explanation<'w> {
    let view = View { request, context, kind: PolicyType::Identity, has_boundary: applicable.boundary.is_some() };
    let mut layers = Vec::new();
    for layer in Layer::ALL {
        let verdict = decision.verdict(layer);
        if verdict == Verdict::NotApplicable {
            continue;
        }
        let levels = 0..applicable.levels(layer);
        let statements = levels.flat_map(|level| layer_statements(applicable, layer, level, &view)).collect();
        layers.push(LayerExplanation { layer, verdict, statements });
    }
    let key_statement = match decision.effect {
        decision::Effect::Allow | decision::Effect::ExplicitDeny => decided(&layers, decision),
        decision::Effect::ImplicitDeny => nearest(&layers, decision.layer),
    };
    let key_statement = key_statement.cloned();
    Explanation { layers, key_statement }
}

fn layer_statements<'w>(
    applicable: &Applicable<'w>,
    layer: Layer,
    level: usize,
    view: &View<'_>,
) -> Vec<StatementExplanation<'w>> {
    let mut explained = Vec::new();
    for (policy, content) in applicable.policies(layer, level).iter().copied().enumerate() {
        let view = View { kind: content.kind, ..*view };
        for statement in &content.statements {
            let index = StatementIndex { policy, statement: statement.index };
            explained.push(explain_statement(StatementRef { layer, level, index }, content, statement, &view));
        }
    }
    explained
}

fn explain_statement<'w>(
    reference: StatementRef,
    policy: &'w Policy,
    statement: &'w Statement,
    view: &View<'_>,
) -> StatementExplanation<'w> {
    let mut elements = Vec::new();
    let applies = walk(statement, view, |element, truth| {
        elements.push(explain_element(element, truth.clone(), statement, view));
        ControlFlow::Continue(())
    });
    StatementExplanation { reference, policy, statement, applies, elements }
}

fn explain_element(element: Element, truth: Truth, statement: &Statement, view: &View<'_>) -> ElementExplanation {
    let request = view.request;
    let (span, found) = match element {
        Element::Principal => {
            let span = statement.principal.as_ref().map_or(statement.span, |principal| principal.span);
            (span, Found::Name(request.principal.to_string()))
        }
        Element::Action => (statement.action.span, Found::Name(request.action.to_string())),
        Element::Resource => {
            let span = match &statement.resource {
                ResourceElement::Listed { span, .. } => *span,
                ResourceElement::Missing | ResourceElement::Own => statement.span,
            };
            (span, Found::Name(request.resource.arn.to_string()))
        }
        Element::Condition(index) => match statement.conditions.get(index) {
            Some(condition) => {
                let only = match condition.operands.as_slice() {
                    [operand] => Some(operand.text.span()),
                    _ => None,
                };
                (only.unwrap_or(condition.span), Found::Key(condition.key.clone(), view.entry(&condition.key).clone()))
            }
            None => (statement.span, Found::Name(String::new())),
        },
    };
    ElementExplanation { element, truth, span, found }
}

fn decided<'e, 'w>(layers: &'e [LayerExplanation<'w>], decision: &Decision) -> Option<&'e StatementExplanation<'w>> {
    let reference = decision.decided_by?;
    layers.iter().flat_map(|layer| &layer.statements).find(|statement| statement.reference == reference)
}

/// The Allow statement of the deciding layer that came nearest: the one whose first failing element, in the order
/// principal, action, resource, conditions, comes last; among equals the one with the fewest failing conditions,
/// then the first written.
fn nearest<'e, 'w>(layers: &'e [LayerExplanation<'w>], layer: Layer) -> Option<&'e StatementExplanation<'w>> {
    let statements = layers.iter().filter(|each| each.layer == layer).flat_map(|each| &each.statements);
    let allows = statements.filter(|each| each.statement.effect == Effect::Allow && !each.applies.holds());
    allows.min_by_key(|each| (Reverse(each.first_failure()), each.failures().count()))
}

impl StatementExplanation<'_> {
    /// The elements that do not match.
    pub fn failures(&self) -> impl Iterator<Item = &ElementExplanation> {
        self.elements.iter().filter(|element| !element.truth.holds())
    }

    /// How far the first failing element stands from the front.
    fn first_failure(&self) -> usize {
        self.failures().next().map_or(usize::MAX, |failure| match failure.element {
            Element::Principal => 0,
            Element::Action => 1,
            Element::Resource => 2,
            Element::Condition(_) => 3,
        })
    }

    /// The statement's reference: `key-eval#[1]`.
    pub fn name(&self) -> String {
        self.policy.reference(self.statement)
    }
}

impl ElementExplanation {
    /// What scenario files call the element: `principal`, `action`, `resource`, or the condition key.
    pub fn name(&self) -> String {
        match (&self.element, &self.found) {
            (Element::Principal, _) => "principal".to_owned(),
            (Element::Action, _) => "action".to_owned(),
            (Element::Resource, _) => "resource".to_owned(),
            (Element::Condition(_), Found::Key(key, _)) => key.to_string(),
            (Element::Condition(_), Found::Name(name)) => name.clone(),
        }
    }

    /// Whether it failed because the key is not in the request.
    pub fn is_absent(&self) -> bool {
        matches!(&self.found, Found::Key(_, entry) if !matches!(entry.presence, Presence::Present(_)))
    }
}

/// The condition keys that statements about this caller, action and resource asked for in vain, in order.
pub fn absent_keys(explanation: &Explanation<'_>) -> Vec<ConditionKey> {
    let statements = explanation.layers.iter().flat_map(|layer| &layer.statements);
    let about_this = statements.filter(|statement| {
        statement.elements.iter().all(|each| matches!(each.element, Element::Condition(_)) || each.truth.holds())
    });
    let mut keys: Vec<_> = about_this
        .flat_map(|statement| &statement.elements)
        .filter_map(|each| match &each.found {
            Found::Key(key, entry) if !matches!(entry.presence, Presence::Present(_)) => Some(key.clone()),
            Found::Key(..) | Found::Name(_) => None,
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

impl<'w> StatementExplanation<'w> {
    /// The condition an element explains.
    pub fn condition(&self, element: &ElementExplanation) -> Option<&'w Condition> {
        match element.element {
            Element::Condition(index) => self.statement.conditions.get(index),
            Element::Principal | Element::Action | Element::Resource => None,
        }
    }

    /// The placeholders that were filled in an element's values: as written, and what they stand for.
    pub fn fills(&self, element: &ElementExplanation) -> Vec<(String, String)> {
        let texts: Vec<&Text> = match element.element {
            Element::Principal => {
                self.statement.principal.iter().flat_map(|each| &each.entries).map(|entry| &entry.text).collect()
            }
            Element::Action => self.statement.action.patterns.iter().map(|pattern| &pattern.text).collect(),
            Element::Resource => match &self.statement.resource {
                ResourceElement::Listed { patterns, .. } => patterns.iter().map(|pattern| &pattern.text).collect(),
                ResourceElement::Missing | ResourceElement::Own => Vec::new(),
            },
            Element::Condition(_) => self
                .condition(element)
                .into_iter()
                .flat_map(|each| &each.operands)
                .map(|operand| &operand.text)
                .collect(),
        };
        let mut fills: Vec<_> = texts
            .iter()
            .flat_map(|text| text.fills())
            .map(|fill| (fill.written.to_string(), fill.value.to_string()))
            .collect();
        fills.sort();
        fills.dedup();
        fills
    }
}

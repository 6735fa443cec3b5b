//! Why was it decided so, and what stood in the way?
//!
//! The same walk as the decision, with everything it saw kept: for each layer its statements, for each statement
//! which elements failed, what each wanted and what the request had.

pub mod absent;
mod distance;
mod near_principal;
mod variables;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use self::distance::Distance;
pub use self::near_principal::NearPrincipal;
use crate::condition::Condition;
use crate::context::{ConditionKey, Entry, Lookup, Presence, RequestContext};
use crate::decision::{self, Decision};
use crate::eval::View;
use crate::eval::policy::StatementIndex;
use crate::eval::statement::{Element, walk};
use crate::gather::Applicable;
use crate::json::Text;
use crate::layer::{Layer, StatementRef, Verdict};
use crate::policy::{Effect, Policies, Policy, ResourceElement, Statement};
use crate::principal::Principal;
use crate::request::Request;
use crate::service::kms::grant;
use crate::source::Span;
use crate::truth::{Truth, Unstated};
use crate::world::kms::{Constraint, Grant};

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
    /// Its statements, in the order of the policies, or its grants.
    pub statements: Vec<StatementExplanation<'w>>,
}

/// What one statement, or one grant, saw.
#[derive(Debug, Clone)]
pub struct StatementExplanation<'w> {
    /// Which it is.
    pub reference: StatementRef,
    /// Where it was written.
    pub subject: Subject<'w>,
    /// Whether it applies.
    pub applies: Truth,
    /// Its elements, in the order principal, action, resource, conditions.
    pub elements: Vec<ElementExplanation>,
}

/// A statement of a policy, or a grant.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'w> {
    /// A statement and its policy.
    Statement(&'w Policy, &'w Statement),
    /// A grant.
    Grant(&'w Grant),
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
    /// AWS's name of the grant constraint, where it is one.
    pub grant_constraint: Option<&'static str>,
    /// The policy variables in its values, as written, and what they stand for in this call; `None` is unresolved, and
    /// matches nothing (R4.23).
    pub variables: Vec<(String, Option<String>)>,
    /// Those values of a set of which `ForAllValues` asks in vain (R4.9).
    pub rejected: Vec<String>,
    /// The entry of `Principal` that is easily taken for the caller, and whom it names instead.
    pub near: Option<(Span, NearPrincipal)>,
}

/// What a request had where an element looked.
#[derive(Debug, Clone)]
pub enum Found {
    /// The caller.
    Caller(Principal),
    /// The action or the resource.
    Name(String),
    /// A condition key and its state.
    Key(ConditionKey, Entry),
    /// The encryption context, as a grant constraint sees it.
    EncryptionContext(BTreeMap<String, String>),
}

/// Explains a decision.
pub fn explain<'w>(
    applicable: &Applicable<'w>,
    request: &Request,
    context: &RequestContext,
    decision: &Decision,
) -> Explanation<'w> {
    let unstated = Unstated::default();
    let view = applicable.view(request, context, &unstated);
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
    if layer == Layer::Grant {
        return applicable.grants.iter().enumerate().map(|(index, each)| explain_grant(index, each, view)).collect();
    }
    let policies = applicable.policies(layer, level).into_iter().flat_map(Policies::iter);
    for (policy, content) in policies.enumerate() {
        let view = View { kind: content.kind, ..*view };
        for statement in &content.statements {
            let index = StatementIndex::new(policy, statement.index);
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
        elements.push(explain_element(element, *truth, statement, view));
        ControlFlow::Continue(())
    });
    StatementExplanation { reference, subject: Subject::Statement(policy, statement), applies, elements }
}

fn explain_grant<'w>(policy: usize, each: &'w Grant, view: &View<'_>) -> StatementExplanation<'w> {
    let mut elements: Vec<ElementExplanation> = Vec::new();
    grant::walk(each, view, |element, truth| {
        let (span, found) = grant_element(element, each, view);
        let near = match (element, truth.holds()) {
            (Element::Principal, false) => near_principal::nearest(std::slice::from_ref(&each.grantee), view.request),
            _ => None,
        };
        elements.push(ElementExplanation {
            element,
            truth,
            span,
            found,
            grant_constraint: constraint(element, each),
            variables: Vec::new(),
            rejected: Vec::new(),
            near,
        });
    });
    let applies = Truth::all(elements.iter().map(|element| element.truth));
    let reference = StatementRef { layer: Layer::Grant, level: 0, index: StatementIndex::new(policy, 0) };
    StatementExplanation { reference, subject: Subject::Grant(each), applies, elements }
}

/// Where an element of a grant stands, and what the request had there.
fn grant_element(element: Element, each: &Grant, view: &View<'_>) -> (Span, Found) {
    let key = |name: &str| {
        let key = ConditionKey::new(name);
        let entry = view.entry(&key).clone();
        Found::Key(key, entry)
    };
    let operations = each.operations.first().map_or(each.span, |operation| operation.text.span());
    match element {
        Element::Principal | Element::Resource | Element::Condition(_) => {
            (each.grantee.text.span(), Found::Caller(view.request.principal.clone()))
        }
        Element::Action => (operations, Found::Name(view.request.action.to_string())),
        Element::Constraint(index) => match each.constraints.get(index) {
            Some(Constraint::SourceArn(condition)) => (condition.span, key("aws:SourceArn")),
            Some(constraint) => (constraint.span(), Found::EncryptionContext(view.request.encryption_context.clone())),
            None => (each.span, Found::Name(String::new())),
        },
        Element::ChildOperations => (operations, key("kms:GrantOperations")),
    }
}

fn constraint(element: Element, each: &Grant) -> Option<&'static str> {
    match element {
        Element::Constraint(index) => each.constraints.get(index).map(Constraint::name),
        Element::Principal | Element::Action | Element::Resource | Element::Condition(_) | Element::ChildOperations => {
            None
        }
    }
}

fn explain_element(element: Element, truth: Truth, statement: &Statement, view: &View<'_>) -> ElementExplanation {
    let request = view.request;
    let (span, found) = match element {
        Element::Principal => {
            let span = statement.principal.as_ref().map_or(statement.span, |principal| principal.span);
            (span, Found::Caller(request.principal.clone()))
        }
        Element::Action => (statement.action.span, Found::Name(request.action.to_string())),
        Element::Resource => {
            let span = match &statement.resource {
                ResourceElement::Listed { span, .. } => *span,
                // The bracket it opens with stands for what is not there.
                ResourceElement::Missing => Span { end: statement.span.start + 1, ..statement.span },
                ResourceElement::Own => statement.span,
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
        Element::Constraint(_) | Element::ChildOperations => (statement.span, Found::Name(String::new())),
    };
    let near = match (element, &statement.principal) {
        (Element::Principal, Some(principal)) if !truth.holds() && !principal.negated => {
            near_principal::nearest(&principal.entries, request)
        }
        _ => None,
    };
    let variables = variables::resolved(element, statement, view);
    let rejected = rejected(element, &truth, statement, view);
    ElementExplanation { element, truth, span, found, grant_constraint: None, variables, rejected, near }
}

/// The values for which a condition that asks for all of them fails.
fn rejected(element: Element, truth: &Truth, statement: &Statement, view: &View<'_>) -> Vec<String> {
    let Element::Condition(index) = element else { return Vec::new() };
    match statement.conditions.get(index) {
        Some(condition) if !truth.holds() => condition.rejected(view),
        Some(_) | None => Vec::new(),
    }
}

fn decided<'e, 'w>(layers: &'e [LayerExplanation<'w>], decision: &Decision) -> Option<&'e StatementExplanation<'w>> {
    let reference = decision.decided_by?;
    layers.iter().flat_map(|layer| &layer.statements).find(|statement| statement.reference == reference)
}

/// The Allow statement of the deciding layer that came nearest, by its [`Distance`]; among equals the first written.
/// AWS's message names no grants, but one made for this caller may have come nearer than any policy, and is what its
/// reader looks for.
fn nearest<'e, 'w>(layers: &'e [LayerExplanation<'w>], layer: Layer) -> Option<&'e StatementExplanation<'w>> {
    let of = |layer: Layer| layers.iter().filter(move |each| each.layer == layer).flat_map(|each| &each.statements);
    let near = |each: &&StatementExplanation<'_>| Distance::of(each);
    let allows = of(layer).filter(|each| each.subject.effect() == Effect::Allow && !each.applies.holds());
    let is_for_caller = |each: &&StatementExplanation<'_>| !each.applies.holds() && each.names_caller();
    let grant = of(Layer::Grant).filter(is_for_caller).min_by_key(near);
    match layer {
        Layer::Identity | Layer::Resource => allows.chain(grant).min_by_key(near),
        Layer::Rcp | Layer::Scp | Layer::VpcEndpoint | Layer::Grant | Layer::Boundary | Layer::Session => {
            allows.min_by_key(near)
        }
    }
}

impl Subject<'_> {
    /// Allow or Deny; a grant only allows.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Statement(_, statement) => statement.effect,
            Self::Grant(_) => Effect::Allow,
        }
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Statement(_, statement) => statement.span,
            Self::Grant(grant) => grant.span,
        }
    }

    /// Where its Sid stands, if it has one.
    pub fn sid(&self) -> Option<Span> {
        match self {
            Self::Statement(_, statement) => statement.sid.as_ref().map(Text::span),
            Self::Grant(_) => None,
        }
    }
}

impl StatementExplanation<'_> {
    /// The elements that do not match.
    pub fn failures(&self) -> impl Iterator<Item = &ElementExplanation> {
        self.elements.iter().filter(|element| !element.truth.holds())
    }

    /// Whether it speaks of the caller.
    fn names_caller(&self) -> bool {
        self.failures().all(|failure| failure.element != Element::Principal)
    }

    /// Its reference: `key-eval#[1]`, or `key/eval[0]` for a grant.
    pub fn name(&self) -> String {
        match self.subject {
            Subject::Statement(policy, statement) => policy.reference(statement),
            Subject::Grant(grant) => grant.name.to_string(),
        }
    }
}

impl ElementExplanation {
    /// What scenario files call the element: `principal`, `action`, `resource`, or the condition key.
    pub fn name(&self) -> String {
        if let Some(constraint) = self.grant_constraint {
            return constraint.to_owned();
        }
        match (&self.element, &self.found) {
            (Element::Principal, _) => "principal".to_owned(),
            (Element::Action, _) => "action".to_owned(),
            (Element::Resource, _) => "resource".to_owned(),
            (_, Found::Key(key, _)) => key.to_string(),
            (_, Found::Caller(_)) => "principal".to_owned(),
            (_, Found::Name(name)) => name.clone(),
            (_, Found::EncryptionContext(_)) => "kms:EncryptionContext".to_owned(),
        }
    }

    /// Whether it failed because the key is not in the request.
    pub fn is_absent(&self) -> bool {
        matches!(&self.found, Found::Key(_, entry) if !matches!(entry.presence, Presence::Present(_)))
    }
}

impl<'w> StatementExplanation<'w> {
    /// The condition an element explains.
    pub fn condition(&self, element: &ElementExplanation) -> Option<&'w Condition> {
        match (element.element, self.subject) {
            (Element::Condition(index), Subject::Statement(_, statement)) => statement.conditions.get(index),
            (Element::Constraint(index), Subject::Grant(grant)) => match grant.constraints.get(index)? {
                Constraint::SourceArn(condition) => Some(condition),
                Constraint::EncryptionContextEquals(_) | Constraint::EncryptionContextSubset(_) => None,
            },
            (
                Element::Principal
                | Element::Action
                | Element::Resource
                | Element::Condition(_)
                | Element::Constraint(_)
                | Element::ChildOperations,
                _,
            ) => None,
        }
    }

    /// Whether it is a statement without `Resource` in a policy that needs one, and so about no resource (R1.10).
    pub fn lacks_resource(&self) -> bool {
        match self.subject {
            Subject::Statement(_, statement) => matches!(statement.resource, ResourceElement::Missing),
            Subject::Grant(_) => false,
        }
    }

    /// The placeholders that were filled in an element's values: as written, and what they stand for.
    pub fn fills(&self, element: &ElementExplanation) -> Vec<(String, String)> {
        let Subject::Statement(_, statement) = self.subject else { return Vec::new() };
        let texts: Vec<&Text> = match element.element {
            Element::Principal => {
                statement.principal.iter().flat_map(|each| &each.entries).map(|entry| &entry.text).collect()
            }
            Element::Action => statement.action.patterns.iter().map(|pattern| &pattern.text).collect(),
            Element::Resource => match &statement.resource {
                ResourceElement::Listed { patterns, .. } => patterns.iter().map(|pattern| &pattern.text).collect(),
                ResourceElement::Missing | ResourceElement::Own => Vec::new(),
            },
            Element::Condition(_) => self
                .condition(element)
                .into_iter()
                .flat_map(|each| &each.operands)
                .map(|operand| &operand.text)
                .collect(),
            Element::Constraint(_) | Element::ChildOperations => Vec::new(),
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

//! Does a statement apply, and if not, which of its elements say so?
//!
//! A decision and its explanation take the same [`walk`]; a decision leaves as soon as one element fails for
//! certain, an explanation sees them all.

use std::ops::ControlFlow;

use crate::eval::{View, element};
use crate::policy::Statement;
use crate::truth::Truth;

/// One element of a statement, or of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// `Principal` or `NotPrincipal`; the grantee of a grant.
    Principal,
    /// `Action` or `NotAction`; the operations of a grant.
    Action,
    /// `Resource` or `NotResource`.
    Resource,
    /// The condition of this number, from 0.
    Condition(usize),
    /// The constraint of a grant of this number, from 0.
    Constraint(usize),
    /// The operations that a grant made by a grant may hold (R6.28).
    ChildOperations,
}

/// Whether the statement applies: all of its elements match (R4.2).
pub fn applies(statement: &Statement, view: &View<'_>) -> Truth {
    // Most statements are about other actions.
    let action = element::action(&statement.action, view);
    if !action.holds() {
        return Truth::NO;
    }
    let mut applies = action;
    let _left_early = elements(statement, view, action, &mut |_, truth: Truth| {
        applies = applies.and(truth);
        if truth.could_hold() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    applies
}

/// Whether the statement would apply if its conditions held.
pub fn applies_but_for_conditions(statement: &Statement, view: &View<'_>) -> Truth {
    let principal = statement.principal.as_ref().map_or(Truth::YES, |principal| element::principal(principal, view));
    principal.and(element::action(&statement.action, view)).and(element::resource(&statement.resource, view))
}

/// Judges every element and hands each outcome to `visit`, in the order principal, action, resource, conditions.
pub fn walk(
    statement: &Statement,
    view: &View<'_>,
    mut visit: impl FnMut(Element, &Truth) -> ControlFlow<()>,
) -> Truth {
    let mut applies = Truth::YES;
    let mut see = |element: Element, truth: Truth| {
        let flow = visit(element, &truth);
        applies = applies.and(truth);
        flow
    };
    let _left_early = elements(statement, view, element::action(&statement.action, view), &mut see);
    applies
}

fn elements(
    statement: &Statement,
    view: &View<'_>,
    action: Truth,
    see: &mut impl FnMut(Element, Truth) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if let Some(principal) = &statement.principal {
        see(Element::Principal, element::principal(principal, view))?;
    }
    see(Element::Action, action)?;
    see(Element::Resource, element::resource(&statement.resource, view))?;
    for (index, condition) in statement.conditions.iter().enumerate() {
        see(Element::Condition(index), condition.holds(view))?;
    }
    ControlFlow::Continue(())
}

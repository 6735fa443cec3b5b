//! Does a statement apply, and if not, which of its elements say so?
//!
//! A decision and its explanation take the same [`walk`]; a decision leaves as soon as one element fails for
//! certain, an explanation sees them all.

use std::ops::ControlFlow;

use crate::eval::element::Ways;
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
    walk(statement, view, |_, truth| unless_it_fails(*truth))
}

/// Whether a statement about the request's action applies: all of its other elements match as well. `ways` is how its
/// principals cover the caller.
#[inline]
pub fn applies_to_action(statement: &Statement, ways: Ways, view: &View<'_>) -> Truth {
    let mut applies = Truth::YES;
    let _left_early = elements(statement, ways, view, true, &mut |_, truth: Truth| {
        applies = applies.and(truth);
        unless_it_fails(truth)
    });
    applies
}

/// A decision leaves at the first element that fails for certain.
fn unless_it_fails(matches: Truth) -> ControlFlow<()> {
    if matches.could_hold() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// Whether a statement about the request's action would apply if its conditions held.
pub fn applies_but_for_conditions(statement: &Statement, view: &View<'_>) -> Truth {
    let ways = element::ways(statement, view);
    let principal =
        statement.principal.as_ref().map_or(Truth::YES, |principal| element::principal(principal, ways, view));
    principal.and(element::resource(&statement.resource, view))
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
    let (ways, is_about_action) = (element::ways(statement, view), statement.action.covers(&view.request.action));
    let _left_early = elements(statement, ways, view, is_about_action, &mut see);
    applies
}

fn elements(
    statement: &Statement,
    ways: Ways,
    view: &View<'_>,
    is_about_action: bool,
    see: &mut impl FnMut(Element, Truth) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if let Some(principal) = &statement.principal {
        see(Element::Principal, element::principal(principal, ways, view))?;
    }
    see(Element::Action, Truth::certain(is_about_action))?;
    see(Element::Resource, element::resource(&statement.resource, view))?;
    for (index, condition) in statement.conditions.iter().enumerate() {
        see(Element::Condition(index), condition.holds(view))?;
    }
    ControlFlow::Continue(())
}

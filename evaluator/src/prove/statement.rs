//! Do some statements speak of all that another one speaks of?
//!
//! Whom and which actions they are about is not asked here: only resources and conditions are compared. Every key is open,
//! whether or not AWS's reference says that a call may carry it, so that what is proved stays proved when the reference grows.

use crate::action::ActionName;
use crate::arn::Arn;
use crate::context::{Origin, Presence, RequestContext};
use crate::eval::View;
use crate::policy::{ResourceElement, Statement};
use crate::principal::Principal;
use crate::request::{Request, Resource};
use crate::truth::{Rules, Unstated};

use super::formula::{Atoms, Formula};
use super::search::{Budget, Outcome, search};
use super::{document, looked_at, readings};

/// Whether it is proved that on whatever resource and with whatever values of condition keys `statement` applies, one of
/// `others` does, in each reading of the rules that AWS leaves open. With no others: that it never applies.
pub fn is_covered(statement: &Statement, others: &[&Statement], budget: Budget) -> bool {
    let Some(request) = request() else { return false };
    let all = || std::iter::once(statement).chain(others.iter().copied());
    let context = context(all());
    let unstated = Unstated::default();
    // Key policies do not see all keys; here they do.
    let view = document::view(&request, &context, &unstated);
    let in_reading = |flipped: Rules| {
        let (mut atoms, mut met) = (Atoms::default(), Rules::NONE);
        let mut applies = |statement| applies(statement, &view, &mut atoms, flipped, &mut met);
        let (own, other) = (applies(statement), Formula::any(others.iter().copied().map(applies).collect::<Vec<_>>()));
        let is_covered = own == Formula::NO
            || other == Formula::YES
            || search(&[&own, &!other], &atoms, flipped, budget) == Outcome::Impossible;
        (is_covered, met)
    };
    let (is_covered, met) = in_reading(Rules::NONE);
    is_covered && readings(met).is_some_and(|mut others| others.all(|flipped| in_reading(flipped).0))
}

/// A call of which nothing is looked at but what conditions find in it.
fn request() -> Option<Request> {
    let caller = Principal::parse("arn:aws:iam::000000000000:role/anybody").ok()?;
    let resource = Resource::new(Arn::parse("arn:aws:s3:::example").ok()?);
    Some(Request::new(caller, ActionName::parse("s3:GetObject").ok()?, resource))
}

/// A request context in which all is open that the statements look at.
fn context<'s>(statements: impl Iterator<Item = &'s Statement>) -> RequestContext {
    let mut context = RequestContext::closed();
    for key in statements.flat_map(looked_at) {
        context.record(key.clone(), Presence::Unstated, Origin::Stated);
    }
    context
}

/// When a statement applies to a call that its principals and actions match.
fn applies(statement: &Statement, view: &View<'_>, atoms: &mut Atoms, flipped: Rules, met: &mut Rules) -> Formula {
    let resource = match &statement.resource {
        // AWS ignores the statement (R1.10).
        ResourceElement::Missing => return Formula::NO,
        ResourceElement::Listed { .. } | ResourceElement::Own => document::resource(statement, view, atoms),
    };
    resource.and(document::conditions(statement, view, atoms, flipped, met))
}

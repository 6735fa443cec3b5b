//! Does a grant allow a call?
//!
//! Rules R6.22 to R6.30. A grant names one grantee, as the `Principal` of a key policy would, and a list of operations;
//! constraints limit it to calls with a certain encryption context or source. A grant made by way of a grant may not
//! reach further than its parent. Who may *retire* a grant is decided by the grant itself.

use std::collections::BTreeMap;

use crate::context::{ConditionKey, Lookup, Presence, Values};
use crate::eval::View;
use crate::eval::policy::{Allows, StatementIndex};
use crate::eval::statement::Element;
use crate::principal::{Principal, PrincipalMatch};
use crate::request::Request;
use crate::truth::Truth;
use crate::world::kms::{Constraint, Grant, Pairs};

/// What grants of a key allow, by the way they name the caller. A grant is its number and statement 0.
pub fn evaluate<'g>(grants: impl IntoIterator<Item = (usize, &'g Grant)>, view: &View<'_>) -> Allows {
    let mut allows = Allows::NONE;
    for (policy, grant) in grants {
        if let Some(way) = way(grant, view.request) {
            allows.add(way, StatementIndex::new(policy, 0), applies(grant, view));
        }
    }
    allows
}

/// Whether the call retires a grant, which no policy but an identity-based one has a say in (R6.30).
pub fn retires(request: &Request) -> bool {
    request.action.is("kms:RetireGrant")
}

fn applies(grant: &Grant, view: &View<'_>) -> Truth {
    let mut applies = Truth::YES;
    walk(grant, view, |_, truth| applies = applies.and(truth));
    applies
}

/// Judges each element of a grant and hands the outcome to `visit`: grantee, operation, constraints.
pub fn walk(grant: &Grant, view: &View<'_>, mut visit: impl FnMut(Element, Truth)) {
    if retires(view.request) {
        let may_retire = way_to_retire(grant, view.request).is_some();
        visit(Element::Principal, Truth::certain(may_retire));
        return;
    }
    visit(Element::Principal, Truth::certain(way(grant, view.request).is_some()));
    visit(Element::Action, Truth::certain(permits(grant, view.request.action.name())));
    for (index, constraint) in grant.constraints.iter().enumerate() {
        visit(Element::Constraint(index), holds(constraint, view));
    }
    if makes_a_grant(view.request) {
        visit(Element::ChildOperations, child_operations(grant, view));
    }
}

/// How a grant names the caller, as one who may retire it where the call does so; `None` where it names somebody else.
pub fn way(grant: &Grant, request: &Request) -> Option<PrincipalMatch> {
    if retires(request) { way_to_retire(grant, request) } else { grant.grantee.value.covers(&request.principal) }
}

/// The retiring principal, a grantee whose grant holds `RetireGrant`, or the account that issued the grant (R6.30).
fn way_to_retire(grant: &Grant, request: &Request) -> Option<PrincipalMatch> {
    if request.retires.as_ref().is_some_and(|name| *name != grant.name) {
        return None;
    }
    let caller = &request.principal;
    let retiring = grant.retiring_principal.as_ref().and_then(|retiring| retiring.value.covers(caller));
    let grantee = grant.grantee.value.covers(caller).filter(|_| permits(grant, "RetireGrant"));
    let issuer = is_issued_by_caller(grant, request).then_some(match caller {
        Principal::Root { .. } => PrincipalMatch::Direct,
        Principal::User(_)
        | Principal::RoleSession { .. }
        | Principal::FederatedUser { .. }
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::Anonymous => PrincipalMatch::Account,
    });
    [retiring, grantee, issuer].into_iter().flatten().min()
}

/// Whether the caller's own account issued the grant (R6.26).
pub fn is_issued_by_caller(grant: &Grant, request: &Request) -> bool {
    let issuer = grant.issuing_account.or(request.resource.account);
    issuer.is_some() && issuer == request.principal.account()
}

/// Whether an operation is among those it permits.
pub fn permits(grant: &Grant, operation: &str) -> bool {
    grant.operations.iter().any(|permitted| permitted.value.name.eq_ignore_ascii_case(operation))
}

/// Whether the call makes a grant, for which a grant has to allow `CreateGrant` and what it hands on (R6.28).
pub fn makes_a_grant(request: &Request) -> bool {
    request.action.name().eq_ignore_ascii_case("CreateGrant")
}

/// Whether a constraint lets the call pass (R6.27). `DescribeKey` carries no encryption context and meets none of the
/// constraints on it.
fn holds(constraint: &Constraint, view: &View<'_>) -> Truth {
    let request = view.request;
    let pairs = match constraint {
        Constraint::SourceArn(condition) => return condition.holds(view),
        Constraint::EncryptionContextEquals(pairs) | Constraint::EncryptionContextSubset(pairs) => pairs,
    };
    if request.action.name().eq_ignore_ascii_case("DescribeKey") {
        return Truth::YES;
    }
    let is_exact = matches!(constraint, Constraint::EncryptionContextEquals(_));
    let fits = Truth::certain(fits(pairs, &request.encryption_context, is_exact));
    if makes_a_grant(request) { fits.and(child_constraint(is_exact, view)) } else { fits }
}

fn fits(wanted: &Pairs, has: &BTreeMap<String, String>, is_exact: bool) -> bool {
    let holds_all = wanted.pairs.iter().all(|(name, value)| has.get(name) == Some(value));
    holds_all && (!is_exact || has.len() == wanted.pairs.len())
}

/// The grant that is made has a constraint at least as strict: an exact parent asks for an exact child (R6.28).
fn child_constraint(is_exact: bool, view: &View<'_>) -> Truth {
    let accepted: &[&str] =
        if is_exact { &["EncryptionContextEquals"] } else { &["EncryptionContextEquals", "EncryptionContextSubset"] };
    parameter(view, "kms:GrantConstraintType", |values| values.iter().all(|value| accepted.contains(&value.as_str())))
}

/// The grant that is made permits no operation that its parent does not (R6.28).
fn child_operations(grant: &Grant, view: &View<'_>) -> Truth {
    parameter(view, "kms:GrantOperations", |values| values.iter().all(|value| permits(grant, value)))
}

/// Whether a parameter of the call satisfies `accept`; one that is not there does not.
fn parameter(view: &View<'_>, key: &str, accept: impl Fn(&[String]) -> bool) -> Truth {
    let key = ConditionKey::new(key);
    match &view.entry(&key).presence {
        Presence::Present(values @ (Values::One(_) | Values::Many(_))) => Truth::certain(accept(values.as_slice())),
        Presence::Absent => Truth::NO,
        Presence::Unstated => Truth::unstated(false, view.mark(&key)),
    }
}

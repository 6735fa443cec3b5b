//! Does one element of a statement match?
//!
//! `Principal` (R3) and `Resource` (R2.4 to R2.13), plain and negated. `Action` (R2.1, R2.2) is
//! [`ActionElement::covers`](crate::policy::ActionElement::covers).

use crate::eval::View;
use crate::policy::pattern::ArnPattern;
use crate::policy::{PrincipalElement, ResourceElement, Statement, Written};
use crate::principal::{Principal, PrincipalMatch, PrincipalPattern, Star};
use crate::truth::{Rule, Truth};

/// The ways in which a `Principal` element covers the caller (R3.1). One element may do so in several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways(u8);

impl Ways {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether the caller is covered in this way.
    pub fn contains(self, way: PrincipalMatch) -> bool {
        self.0 & (1 << way as u8) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The same, with this way.
    #[must_use]
    pub const fn with(self, way: PrincipalMatch) -> Self {
        Self(self.0 | 1 << way as u8)
    }

    /// The same, without this way.
    #[must_use]
    pub const fn without(self, way: PrincipalMatch) -> Self {
        Self(self.0 & !(1 << way as u8))
    }

    /// The ways, strongest first.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = PrincipalMatch> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let way = PrincipalMatch::ALL.get(rest.trailing_zeros() as usize).copied()?;
            rest &= rest - 1;
            Some(way)
        })
    }
}

/// How the entries of a statement's `Principal` or `NotPrincipal` cover the caller, where it has one.
#[inline]
pub fn ways(statement: &Statement, view: &View<'_>) -> Ways {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    entries.filter_map(|entry| entry.value.covers(&view.request.principal)).fold(Ways::NONE, Ways::with)
}

/// Whether a `Principal` or `NotPrincipal` element matches a caller whom its entries cover in these ways.
#[inline]
pub fn principal(element: &PrincipalElement, ways: Ways, view: &View<'_>) -> Truth {
    if element.negated {
        return not_principal(element, ways, view);
    }
    if ways.is_empty() {
        return Truth::NO;
    }
    covered(element, &view.request.principal)
}

/// That the entries of an element cover a caller they match. `{"AWS": "*"}` means the same as `*`; whether it covers
/// services is not documented (R3.6).
fn covered(element: &PrincipalElement, caller: &Principal) -> Truth {
    if !matches!(caller, Principal::Service(_)) {
        return Truth::YES;
    }
    let is_named = |pattern: &PrincipalPattern| *pattern != PrincipalPattern::Everyone(Star::Aws);
    let named = element.entries.iter().any(|entry| is_named(&entry.value) && entry.value.covers(caller).is_some());
    Truth::unless(true, Rule::AwsStarCoversServices, named)
}

/// `NotPrincipal` spares the callers it lists (R3.10). AWS may look at the account first, then at the user or role,
/// then at the session, so a caller is spared for certain only when all of these are listed; its account alone
/// spares nobody but the root user. A caller with a permissions boundary is never spared.
fn not_principal(element: &PrincipalElement, listed: Ways, view: &View<'_>) -> Truth {
    if view.has_boundary {
        return Truth::YES;
    }
    let caller = &view.request.principal;
    let needed: &[PrincipalMatch] = match caller {
        Principal::RoleSession { .. } => {
            &[PrincipalMatch::Direct, PrincipalMatch::RoleOfSession, PrincipalMatch::Account]
        }
        Principal::User(_) | Principal::FederatedUser { .. } => &[PrincipalMatch::Direct, PrincipalMatch::Account],
        Principal::Root { .. } | Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => {
            &[PrincipalMatch::Direct]
        }
    };
    if listed.contains(PrincipalMatch::Everyone) || needed.iter().all(|way| listed.contains(*way)) {
        return covered(element, caller).negate();
    }
    let own = [PrincipalMatch::Direct, PrincipalMatch::RoleOfSession, PrincipalMatch::UserOfFederatedSession];
    let is_named = own.iter().any(|way| listed.contains(*way));
    Truth::unless(true, Rule::NotPrincipalOfSession, !is_named)
}

/// Whether a `Resource` or `NotResource` element matches, or what stands in for one.
pub fn resource(element: &ResourceElement, view: &View<'_>) -> Truth {
    match element {
        ResourceElement::Missing => Truth::NO,
        ResourceElement::Own => Truth::YES,
        ResourceElement::Listed { negated, patterns, .. } => {
            let listed = listed(patterns, view);
            if *negated { none_of(patterns, listed, view) } else { listed }
        }
    }
}

/// Whether `NotResource` matches. A pattern with an unresolved variable excludes nothing (R2.11).
fn none_of(patterns: &[Written<ArnPattern>], listed: Truth, view: &View<'_>) -> Truth {
    let unresolved = patterns.iter().any(|pattern| pattern.value.is_unresolved(view));
    listed.negate().and(Truth::unless(true, Rule::UnresolvedNotResource, !unresolved))
}

#[inline]
fn listed(patterns: &[Written<ArnPattern>], view: &View<'_>) -> Truth {
    let resource = &view.request.resource;
    Truth::any(patterns.iter().map(|pattern| {
        let truth = pattern.value.matches(&resource.arn, view);
        // The account form for calls without a resource is documented for KMS, its reach is not (R2.8).
        let is_account_form = resource.is_wide && pattern.text.as_str() != "*";
        if is_account_form && truth.could_hold() {
            return truth.and(Truth::unless(true, Rule::AccountFormOfNoResource, false));
        }
        truth
    }))
}

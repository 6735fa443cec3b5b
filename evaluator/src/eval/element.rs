//! Does one element of a statement match?
//!
//! `Principal` (R3), `Action` (R2.1, R2.2) and `Resource` (R2.4 to R2.13), plain and negated.

use crate::eval::View;
use crate::policy::{ActionElement, PrincipalElement, ResourceElement};
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

    /// The same, with this way.
    #[must_use]
    pub const fn with(self, way: PrincipalMatch) -> Self {
        Self(self.0 | 1 << way as u8)
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

/// How the entries of an element cover the caller.
pub fn ways(element: &PrincipalElement, caller: &Principal) -> Ways {
    element.entries.iter().filter_map(|entry| entry.value.covers(caller)).fold(Ways::default(), Ways::with)
}

/// Whether a `Principal` or `NotPrincipal` element matches the caller.
pub fn principal(element: &PrincipalElement, view: &View<'_>) -> Truth {
    let caller = &view.request.principal;
    if element.negated {
        return not_principal(element, view);
    }
    if element.entries.iter().all(|entry| entry.value.covers(caller).is_none()) {
        return Truth::NO;
    }
    covered(element, caller)
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
fn not_principal(element: &PrincipalElement, view: &View<'_>) -> Truth {
    if view.has_boundary {
        return Truth::YES;
    }
    let caller = &view.request.principal;
    let listed = ways(element, caller);
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

/// Whether an `Action` or `NotAction` element matches.
pub fn action(element: &ActionElement, view: &View<'_>) -> Truth {
    let listed = element.patterns.iter().any(|pattern| pattern.value.matches(&view.request.action));
    Truth::certain(listed != element.negated)
}

/// Whether a `Resource` or `NotResource` element matches, or what stands in for one.
pub fn resource(element: &ResourceElement, view: &View<'_>) -> Truth {
    match element {
        ResourceElement::Missing => Truth::NO,
        ResourceElement::Own => Truth::YES,
        ResourceElement::Listed { negated: false, .. } => listed(element, view),
        ResourceElement::Listed { negated: true, patterns, .. } => {
            let truth = listed(element, view).negate();
            // A pattern with an unresolved variable excludes nothing (R2.11).
            let unresolved = patterns.iter().any(|pattern| pattern.value.is_unresolved(view));
            truth.and(Truth::unless(true, Rule::UnresolvedNotResource, !unresolved))
        }
    }
}

fn listed(element: &ResourceElement, view: &View<'_>) -> Truth {
    let ResourceElement::Listed { patterns, .. } = element else { return Truth::NO };
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

//! Which codes are there? Written by the test `codes` from the files in `docs/codes/`.

use super::Page;

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(Page { code: $code, text: include_str!(concat!("../../../docs/codes/", $code, ".md")) }),*]
    };
}

/// The page of every code, in the order of the codes.
#[rustfmt::skip]
pub const PAGES: &[Page] = pages![
    "account-mismatch"
    "action-star-colon-star"
    "allow-by-exclusion"
    "ambiguous-date"
    "bad-set"
    "confused-deputy"
    "cross-account-administration"
    "dead-permission"
    "deny-of-forwarded-calls"
    "duplicate-sid"
    "for-all-values-without-null"
    "invalid-sid"
    "key-by-alias"
    "key-lockout"
    "key-tags-in-key-policy"
    "malformed-arn"
    "meaningless-id"
    "missing-account-delegation"
    "missing-resource"
    "missing-set-operator"
    "missing-version"
    "mixed-partitions"
    "negated-optional-key"
    "not-principal"
    "operator-case"
    "operator-type"
    "placeholder"
    "policy-too-large"
    "principal-wildcard"
    "public-principal"
    "region-mismatch"
    "resource-matches-nothing"
    "service-without-key"
    "session-arn-in-condition"
    "shadowed-statement"
    "short-arn"
    "source-key-without-service"
    "unfit-resource"
    "unknown-action"
    "unknown-condition-key"
    "unknown-service"
    "unneeded-set-operator"
    "unreadable-value"
    "unsupported-character"
    "variable-in-2008-policy"
    "variable-out-of-place"
    "wildcard-only-action"
    "wrong-kind"
];

//! How far is a statement from applying to a call?
//!
//! First by what it is about: each of principal, action and resource that does not match costs one edit, and up to
//! three more for how little the nearest of its values has in common with the request's. The action costs four more,
//! since a statement that lists it was meant for such calls, whichever role and resource it names; a caller of another
//! kind, such as a service where a role calls, costs yet more. Only among statements equally
//! far in this count the conditions, since a statement that names this caller, this action and this resource was meant
//! for the call, however many of its conditions fail. An action of another service, and a value excluded by name
//! (`NotAction`, `NotResource`, `NotPrincipal`), have nothing in common.
//!
//! Two values are compared field by field where both are ARNs, so that another Region is near and another key is not,
//! and label by label where both are host names; within a field by the share of letters to be changed. A wildcard that
//! covers a field costs nothing.

use super::{ElementExplanation, Found, StatementExplanation, Subject};
use crate::context::{Presence, Values};
use crate::eval::statement::Element;
use crate::glob::{self, Case, Token};
use crate::json::Text;
use crate::policy::ResourceElement;

/// The cost of one element that does not match.
const EDIT: u32 = 100;

/// What an element costs on top when its value has nothing in common with the request's.
const ALIEN: u32 = 300;

/// What an action costs on top.
const ACTION: u32 = 400;

/// What a principal of another kind costs instead of its value: more than any action.
const OTHER_KIND: u32 = ACTION + ALIEN + 1;

/// How far a statement is from applying; smaller is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Distance {
    /// What principal, action and resource cost.
    subject: u32,
    /// What the conditions cost.
    conditions: u32,
}

impl Distance {
    pub(super) fn of(statement: &StatementExplanation<'_>) -> Self {
        let mut distance = Self { subject: 0, conditions: 0 };
        for failure in statement.failures() {
            let cost = cost(statement, failure);
            match failure.element {
                Element::Principal | Element::Action | Element::Resource => distance.subject += cost,
                Element::Condition(_) | Element::Constraint(_) | Element::ChildOperations => {
                    distance.conditions += cost;
                }
            }
        }
        distance
    }
}

fn cost(statement: &StatementExplanation<'_>, failure: &ElementExplanation) -> u32 {
    let texts = values(statement, failure);
    let spellings = spellings(&failure.found);
    let far = |found: &String| texts.iter().map(|text| apart(text.as_str(), found, failure.element)).min();
    let nothing = if failure.element == Element::Principal { OTHER_KIND } else { ALIEN };
    let edit = if failure.element == Element::Action { EDIT + ACTION } else { EDIT };
    edit + spellings.iter().filter_map(far).min().unwrap_or(nothing)
}

/// The texts by which a policy may name what the request has; none for a value that is absent or a set.
fn spellings(found: &Found) -> Vec<String> {
    match found {
        Found::Caller(caller) => [Some(caller.to_string()), caller.principal_arn()].into_iter().flatten().collect(),
        Found::Name(name) => vec![name.clone()],
        Found::Key(_, entry) => match &entry.presence {
            Presence::Present(Values::One(value)) => vec![value.clone()],
            Presence::Present(Values::Many(_)) | Presence::Absent | Presence::Unstated => Vec::new(),
        },
        Found::EncryptionContext(_) => Vec::new(),
    }
}

/// The values that an element offers; none where it excludes instead.
fn values<'w>(statement: &StatementExplanation<'w>, failure: &ElementExplanation) -> Vec<&'w Text> {
    match (failure.element, statement.subject) {
        (Element::Principal, Subject::Statement(_, statement)) => match &statement.principal {
            Some(principal) if !principal.negated => principal.entries.iter().map(|entry| &entry.text).collect(),
            Some(_) | None => Vec::new(),
        },
        (Element::Principal, Subject::Grant(grant)) => vec![&grant.grantee.text],
        (Element::Action, Subject::Statement(_, statement)) if !statement.action.negated => {
            statement.action.patterns.iter().map(|pattern| &pattern.text).collect()
        }
        (Element::Action, Subject::Grant(grant)) => grant.operations.iter().map(|each| &each.text).collect(),
        (Element::Resource, Subject::Statement(_, statement)) => match &statement.resource {
            ResourceElement::Listed { negated: false, patterns, .. } => {
                patterns.iter().map(|pattern| &pattern.text).collect()
            }
            ResourceElement::Listed { .. } | ResourceElement::Missing | ResourceElement::Own => Vec::new(),
        },
        (Element::Condition(_) | Element::Constraint(_), _) => {
            statement.condition(failure).into_iter().flat_map(|each| &each.operands).map(|each| &each.text).collect()
        }
        (Element::Action | Element::Resource | Element::ChildOperations, _) => Vec::new(),
    }
}

/// How little a value of the policy and one of the request have in common, from 0 to [`ALIEN`], or [`OTHER_KIND`].
fn apart(written: &str, found: &str, element: Element) -> u32 {
    let (written, found) = (written.to_ascii_lowercase(), found.to_ascii_lowercase());
    if element == Element::Action {
        return match (written.split_once(':'), found.split_once(':')) {
            (Some((service, name)), Some((other, called))) if service == other => share(name, called),
            (Some(_), _) | (None, Some(_)) => ALIEN.min(share(&written, found.rsplit(':').next().unwrap_or(&found))),
            (None, None) => share(&written, &found),
        };
    }
    if element == Element::Principal && kind(&written) != kind(&found) {
        return OTHER_KIND;
    }
    let (written, found) = (fields(&written), fields(&found));
    if written.len() == found.len() {
        return written.iter().zip(&found).map(|(written, found)| share(written, found)).sum::<u32>().min(ALIEN);
    }
    ALIEN
}

/// What a principal is: `role`, `user`, `assumed-role`, `root`; a service has a host name.
fn kind(principal: &str) -> Option<&str> {
    principal.splitn(6, ':').nth(5)?.split('/').next()
}

/// The fields of an ARN, the labels of a host name of AWS's, or the whole.
fn fields(value: &str) -> Vec<&str> {
    if value.contains("amazonaws.") { value.split('.').collect() } else { value.splitn(6, ':').collect() }
}

/// The share of letters to be changed, in parts of [`ALIEN`].
fn share(written: &str, found: &str) -> u32 {
    if written == found || glob::matches(&tokens(written), found, Case::Sensitive) {
        return 0;
    }
    let similar = strsim::normalized_levenshtein(written, found);
    // The similarity is a number from 0 to 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to ALIEN")]
    let apart = (f64::from(ALIEN) * (1.0 - similar)).round() as u32;
    apart.max(1)
}

fn tokens(written: &str) -> Vec<Token<&str>> {
    let mut tokens = Vec::new();
    for piece in written.split_inclusive(['*', '?']) {
        let literal = piece.trim_end_matches(['*', '?']);
        if !literal.is_empty() {
            tokens.push(Token::Literal(literal));
        }
        match piece.chars().last() {
            Some('*') => tokens.push(Token::AnyRun),
            Some('?') => tokens.push(Token::AnyOne),
            Some(_) | None => {}
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[rstest]
    #[case::another_region_before_another_key(
        "arn:aws:kms:eu-west-1:111122223333:key/*",
        "arn:aws:kms:us-east-1:111122223333:key/9f3c0e77-0d4b-4b0e-8a55-77aa66bb55cc"
    )]
    #[case::a_misspelt_session_before_another_account(
        "arn:aws:kms:us-east-1:111122223334:key/*",
        "arn:aws:s3:::a-bucket/*"
    )]
    #[case::another_key_before_a_bucket(
        "arn:aws:kms:us-east-1:111122223333:key/9f3c0e77-0d4b-4b0e-8a55-77aa66bb55cc",
        "arn:aws:s3:::a-bucket/*"
    )]
    fn the_first_is_nearer_to_the_key(#[case] near: &str, #[case] far: &str) {
        let of = |written| apart(written, KEY, Element::Resource);
        assert!(0 < of(near) && of(near) < of(far), "{} and {}", of(near), of(far));
    }

    #[rstest]
    #[case::another_region_before_another_service(
        "secretsmanager.eu-west-1.amazonaws.com",
        "s3.us-east-1.amazonaws.com"
    )]
    #[case::a_pattern_before_another_service("secretsmanager.eu-*.amazonaws.com", "s3.*.amazonaws.com")]
    fn the_first_is_nearer_to_the_host(#[case] near: &str, #[case] far: &str) {
        let of = |written| apart(written, "secretsmanager.us-east-1.amazonaws.com", Element::Condition(0));
        assert!(0 < of(near) && of(near) < of(far), "{} and {}", of(near), of(far));
    }

    #[rstest]
    #[case::another_role_before_a_user("arn:aws:iam::444455556666:role/x", "arn:aws:iam::111122223333:user/eval")]
    #[case::another_role_before_the_root_user("arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:root")]
    #[case::another_role_before_a_service("arn:aws:iam::111122223333:role/x", "bedrock.amazonaws.com")]
    fn the_first_is_nearer_to_the_caller(#[case] near: &str, #[case] far: &str) {
        let of = |written| apart(written, "arn:aws:iam::111122223333:role/eval", Element::Principal);
        assert!(0 < of(near) && of(near) < of(far), "{} and {}", of(near), of(far));
    }

    #[rstest]
    #[case("kms:GenerateDataKey", "kms:DescribeKey")]
    #[case("kms:GenerateDataKey*", "s3:GenerateDataKeyWithoutPlaintext")]
    #[case("kms:DescribeKey", "s3:*")]
    fn the_first_is_nearer_to_the_action(#[case] near: &str, #[case] far: &str) {
        let of = |written| apart(written, "kms:GenerateDataKeyPair", Element::Action);
        assert!(of(near) < of(far), "{} and {}", of(near), of(far));
    }

    #[rstest]
    #[case("a*b?", &[Token::Literal("a"), Token::AnyRun, Token::Literal("b"), Token::AnyOne])]
    #[case("**", &[Token::AnyRun, Token::AnyRun])]
    #[case("", &[])]
    fn wildcards_become_tokens(#[case] written: &str, #[case] expected: &[Token<&str>]) {
        assert_eq!(tokens(written), expected);
    }
}

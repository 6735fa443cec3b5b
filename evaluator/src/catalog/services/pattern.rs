//! What can the patterns of a policy mean: which actions does one cover, which resource types could one select?
//!
//! A pattern of actions covers those of the catalog that it matches (R2.1); one that covers none is a misspelt name. A
//! pattern of resources could select a type if some ARN of the type's form matches it (R2.4, R2.5); one that could
//! select none of an action's types allows nothing with that action. Of an action without resources only `*`, and
//! the account form, allow anything (R2.8).

use super::{Action, ResourceType, prefixes, service};
use crate::action::ActionPattern;
use crate::glob::Token;

/// The actions of the catalog that a pattern covers.
pub fn covered(pattern: &ActionPattern) -> impl Iterator<Item = Action> {
    let named = pattern.service().map(str::to_owned);
    let services = prefixes().filter(move |prefix| named.as_deref().is_none_or(|named| named == *prefix));
    let actions = services.filter_map(service).flat_map(super::Service::actions);
    actions.filter(|action| pattern.covers_name(action.name()))
}

/// Whether a policy's `Resource` could match a resource that the action is authorized on.
pub fn could_allow(action: Action, resource: &str) -> bool {
    if action.is_wildcard_only() {
        // Some services call the whole of an account `/`.
        return resource == "*" || fields(resource).last().is_some_and(|last| matches!(last.as_str(), "*" | "/*"));
    }
    action.resources().any(|each| could_select(each.kind, resource))
}

/// Whether a policy's `Resource` could match an ARN of a resource type. A policy variable could be anything.
pub fn could_select(kind: ResourceType, resource: &str) -> bool {
    resource == "*" || kind.arn_patterns().any(|form| fields(&form).iter().zip(fields(resource)).all(meet))
}

/// The six fields of a pattern; those it leaves out could be anything (R2.5).
fn fields(pattern: &str) -> [String; 6] {
    let mut parts = pattern.splitn(6, ':');
    std::array::from_fn(|_| parts.next().unwrap_or("*").to_owned())
}

/// Whether some text is a field of a form, and matches the same field of a policy's pattern.
fn meet((form, pattern): (&String, String)) -> bool {
    let pattern = characters(&pattern);
    // What a variable is called says nothing of what it stands for.
    let is_object = form == super::BUCKET && pattern.contains(&Token::Literal('/'));
    !is_object && overlap(&characters(form), &pattern)
}

/// A token for each character.
fn characters(pattern: &str) -> Vec<Token<char>> {
    let each = |token: Token<&str>| match token {
        Token::Literal(text) => {
            text.chars().map(|c| if c == '?' { Token::AnyOne } else { Token::Literal(c) }).collect()
        }
        Token::AnyRun => vec![Token::AnyRun],
        Token::AnyOne => vec![Token::AnyOne],
    };
    super::tokens(pattern).into_iter().flat_map(each).collect()
}

/// Whether some text matches both of two patterns with wildcards. A policy variable could be anything.
pub fn share_a_text(one: &str, other: &str) -> bool {
    overlap(&characters(one), &characters(other))
}

/// Whether some text matches both patterns. Row by row, for each beginning of `left`: which beginnings of `right` does
/// it share a text with?
fn overlap(left: &[Token<char>], right: &[Token<char>]) -> bool {
    let mut above = vec![true];
    above.extend(right.iter().scan(true, |shared, token| {
        *shared &= *token == Token::AnyRun;
        Some(*shared)
    }));
    for token in left {
        let mut row = vec![above.first() == Some(&true) && *token == Token::AnyRun];
        for (other, before) in right.iter().zip(above.windows(2)) {
            let (diagonal, up) = (before.first() == Some(&true), before.last() == Some(&true));
            let shared = match (token, other) {
                (Token::AnyRun, _) | (_, Token::AnyRun) => up || row.last() == Some(&true),
                (Token::Literal(own), Token::Literal(other)) => diagonal && own == other,
                (Token::AnyOne, _) | (_, Token::AnyOne) => diagonal,
            };
            row.push(shared);
        }
        above = row;
    }
    above.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::action::ActionName;
    use crate::catalog::services::action;
    use crate::glob::{self, Case};

    #[rstest]
    #[case("kms:Decrypt", &["kms:Decrypt"])]
    #[case("KMS:reencrypt*", &["kms:ReEncryptFrom", "kms:ReEncryptTo"])]
    #[case("kms:ReEncrypt", &[])]
    #[case("kmz:Decrypt", &[])]
    #[case("sts:Get*Identity", &["sts:GetCallerIdentity"])]
    fn patterns_cover_actions(#[case] pattern: &str, #[case] expected: &[&str]) {
        let pattern = ActionPattern::parse(pattern).unwrap();
        let names: Vec<_> =
            covered(&pattern).map(|action| format!("{}:{}", action.service().prefix(), action.name())).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_star_covers_every_service() {
        let every = ActionPattern::parse("*").unwrap();
        assert!(covered(&every).count() > 20_000);
    }

    #[rstest]
    #[case("kms:Decrypt", "*", true)]
    #[case("kms:Decrypt", "arn:aws:kms:*:111122223333:key/*", true)]
    #[case("kms:Decrypt", "arn:aws:kms:*:111122223333:*", true)]
    #[case("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key}", true)]
    #[case("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:k?y/1234", true)]
    #[case("kms:Decrypt", "arn:aws:kms", true)]
    #[case("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:alias/app", false)]
    #[case("kms:Decrypt", "arn:aws:s3:::bucket/*", false)]
    #[case("kms:CreateAlias", "arn:aws:kms:us-east-1:111122223333:alias/app", true)]
    #[case("kms:ListKeys", "*", true)]
    #[case("kms:ListKeys", "arn:aws:kms:us-east-1:111122223333:*", true)]
    #[case("kms:ListKeys", "arn:aws:kms:us-east-1:111122223333:key/*", false)]
    #[case("emr-serverless:ListApplications", "arn:aws:emr-serverless:*:*:/*", true)]
    #[case("s3:ListBucket", "arn:aws:s3:::bucket/*", false)]
    #[case("s3:ListBucket", "arn:aws:s3:::bucket*", true)]
    #[case("s3:ListBucket", "arn:aws:s3:::${aws:PrincipalTag/bucket}", true)]
    #[case("s3:CreateBucket", "arn:aws:s3:::${aws:PrincipalTag/bucket}/*", false)]
    #[case("s3:GetObject", "arn:aws:s3:::bucket", false)]
    #[case("s3:GetObject", "arn:aws:s3:::bucket*", true)]
    #[case("s3:GetObject", "arn:aws:s3:::*/a", true)]
    #[case("iam:PassRole", "arn:aws:iam::111122223333:user/*", false)]
    fn resources_could_be_of_a_type(#[case] name: &str, #[case] resource: &str, #[case] expected: bool) {
        let action = action(&ActionName::parse(name).unwrap()).unwrap();
        assert_eq!(could_allow(action, resource), expected);
    }

    proptest! {
        #[test]
        fn patterns_that_match_one_text_overlap(left in "[ab?*]{0,6}", right in "[ab?*]{0,6}", text in "[ab]{0,6}") {
            let matches = |pattern: &str| glob::matches(&glob::tokens(pattern), &text, Case::Sensitive);
            let overlap = overlap(&characters(&left), &characters(&right));
            prop_assert!(overlap || !(matches(&left) && matches(&right)));
        }

        #[test]
        fn a_pattern_without_wildcards_overlaps_where_it_matches(pattern in "[ab?*]{0,6}", text in "[ab]{0,6}") {
            let matches = glob::matches(&glob::tokens(&pattern), &text, Case::Sensitive);
            prop_assert_eq!(overlap(&characters(&pattern), &characters(&text)), matches);
        }
    }
}

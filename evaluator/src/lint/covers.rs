//! Does the text show that one statement, pattern or principal speaks of all that another does (R5.1)?

use super::subject::actions;
use crate::condition::Condition;
use crate::policy::{PrincipalElement, ResourceElement, Statement, Written};
use crate::principal::{PrincipalPattern, Star};

/// Whether every request that `narrow` applies to is one that `wide` applies to.
pub(super) fn covers(wide: &Statement, narrow: &Statement) -> bool {
    covers_principals(wide.principal.as_ref(), narrow.principal.as_ref())
        && covers_actions(wide, narrow)
        && covers_resources(&wide.resource, &narrow.resource)
        && wide.conditions.iter().all(|condition| narrow.conditions.iter().any(|other| same(condition, other)))
}

fn covers_principals(wide: Option<&PrincipalElement>, narrow: Option<&PrincipalElement>) -> bool {
    match (wide, narrow) {
        (None, None) => true,
        (Some(wide), Some(narrow)) if !wide.negated && !narrow.negated => {
            let is_in = |entry: &Written<PrincipalPattern>| {
                wide.entries.iter().any(|each| covers_principal(&each.value, &entry.value))
            };
            narrow.entries.iter().all(is_in)
        }
        (Some(_) | None, _) => false,
    }
}

/// Whether one entry names everyone the other does. An account gives its principals less than naming them (R5.8), and
/// whether `{ "AWS": "*" }` means services is not known (R3.6).
pub(super) fn covers_principal(wide: &PrincipalPattern, narrow: &PrincipalPattern) -> bool {
    match wide {
        PrincipalPattern::Everyone(Star::Bare) => true,
        PrincipalPattern::Everyone(Star::Aws) => {
            !matches!(narrow, PrincipalPattern::Service(_) | PrincipalPattern::Everyone(Star::Bare))
        }
        PrincipalPattern::Account(_)
        | PrincipalPattern::User(_)
        | PrincipalPattern::Role(_)
        | PrincipalPattern::RoleSession { .. }
        | PrincipalPattern::FederatedUser { .. }
        | PrincipalPattern::Service(_)
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_)
        | PrincipalPattern::OriginAccessIdentity(_)
        | PrincipalPattern::Nobody => wide == narrow,
    }
}

fn covers_actions(wide: &Statement, narrow: &Statement) -> bool {
    let lower = |statement| actions(statement).iter().map(|each| each.text.as_str().to_lowercase());
    let wide: Vec<String> = lower(wide).collect();
    !actions(narrow).is_empty() && lower(narrow).all(|text| wide.iter().any(|each| covers_text(each, &text)))
}

fn covers_resources(wide: &ResourceElement, narrow: &ResourceElement) -> bool {
    use ResourceElement::{Listed, Missing, Own};
    match (wide, narrow) {
        (Own, Own) => true,
        (Listed { negated: false, patterns: wide, .. }, Listed { negated: false, patterns: narrow, .. }) => {
            let is_in = |text: &str| wide.iter().any(|each| covers_arn(each.text.as_str(), text));
            narrow.iter().all(|each| is_in(each.text.as_str()))
        }
        (Listed { .. } | Missing | Own, _) => false,
    }
}

/// Whether every ARN one pattern matches is matched by the other, field by field (R2.4).
fn covers_arn(wide: &str, narrow: &str) -> bool {
    let fields = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (own, other) = (fields(wide), fields(narrow));
    wide == "*" || (own.len() == other.len() && own.iter().zip(&other).all(|(wide, narrow)| covers_text(wide, narrow)))
}

/// Whether every text that matches `narrow` matches `wide`. A variable in `narrow` could be any text.
pub(super) fn covers_text(wide: &str, narrow: &str) -> bool {
    if wide == narrow {
        return true;
    }
    let start = wide.find(['*', '?']).and_then(|end| wide.get(..end));
    if start.is_none_or(|start| !narrow.starts_with(start)) {
        return false;
    }
    if wide.contains("${") || (wide.contains('?') && narrow.contains("${")) {
        return false;
    }
    let narrow: Vec<char> = narrow.chars().collect();
    // For each beginning of `wide`: of which beginnings of `narrow` does it take every text?
    let mut above: Vec<bool> = std::iter::once(true).chain(narrow.iter().map(|_| false)).collect();
    for wanted in wide.chars() {
        let mut row = vec![above.first() == Some(&true) && wanted == '*'];
        for (found, before) in narrow.iter().zip(above.windows(2)) {
            let (diagonal, up) = (before.first() == Some(&true), before.last() == Some(&true));
            row.push(match wanted {
                '*' => up || diagonal || row.last() == Some(&true),
                '?' => diagonal && *found != '*',
                literal => diagonal && literal == *found,
            });
        }
        above = row;
    }
    above.last() == Some(&true)
}

fn same(one: &Condition, other: &Condition) -> bool {
    let texts = |condition: &Condition| {
        let mut texts: Vec<_> = condition.operands.iter().map(|operand| operand.text.as_str().to_owned()).collect();
        texts.sort();
        texts
    };
    one.operator == other.operator && one.key == other.key && texts(one) == texts(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::glob::{self, Case};

    proptest! {
        #[test]
        fn what_covers_matches_all_the_other_does(wide in "[ab?*]{0,6}", narrow in "[ab?*]{0,6}", text in "[ab]{0,6}") {
            let matches = |pattern: &str| glob::matches(&glob::tokens(pattern), &text, Case::Sensitive);
            prop_assert!(!covers_text(&wide, &narrow) || !matches(&narrow) || matches(&wide));
        }
    }

    #[test]
    fn patterns_cover_narrower_ones() {
        assert!(covers_text("kms:*", "kms:List*") && covers_text("a*b", "axx*b") && covers_text("a?", "ab"));
        assert!(!covers_text("a?", "a*") && !covers_text("kms:List*", "kms:*"));
        assert!(covers_text("a/*", "a/${aws:username}") && !covers_text("a/${aws:username}", "a/b"));
        assert!(covers_arn("*", "arn:aws:s3:::a") && !covers_arn("arn:aws:s3:::a/*", "arn:aws:s3:::*"));
    }
}

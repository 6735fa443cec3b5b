//! Does a text match a pattern of literals, `*` and `?`?
//!
//! `*` stands for any run of characters, also an empty one, and `?` for exactly one character (R2.1, R4.13).
//! Which characters of a policy's text are wildcards is decided where the text is read, so a literal here may
//! hold a star.

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Token<S> {
    /// Exactly this text.
    Literal(S),
    /// Any run of characters.
    AnyRun,
    /// Any one character.
    AnyOne,
}

/// Whether letters match their other case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// `a` is not `A`.
    Sensitive,
    /// `a` is `A`.
    Insensitive,
}

/// Whether the whole text matches the pattern.
///
/// After a mismatch only the last `*` takes more of the text: an earlier one never has to, since what lies
/// between two stars was already found at its earliest place. The cost is at most text × pattern.
pub fn matches<S: AsRef<str>>(pattern: &[Token<S>], text: &str, case: Case) -> bool {
    let mut at = 0;
    let mut rest = text;
    let mut last_star: Option<(usize, &str)> = None;
    loop {
        let step = match pattern.get(at) {
            Some(Token::AnyRun) => {
                if at + 1 == pattern.len() {
                    return true;
                }
                last_star = Some((at + 1, rest));
                Some(rest)
            }
            Some(Token::AnyOne) => skip_character(rest),
            Some(Token::Literal(literal)) => strip_prefix(rest, literal.as_ref(), case),
            None if rest.is_empty() => return true,
            None => None,
        };
        if let Some(remaining) = step {
            rest = remaining;
            at += 1;
            continue;
        }
        let Some((after_star, from)) = last_star else { return false };
        let Some(later) = skip_character(from) else { return false };
        last_star = Some((after_star, later));
        at = after_star;
        rest = later;
    }
}

/// Whether two texts are the same under `case`.
pub fn equal(left: &str, right: &str, case: Case) -> bool {
    strip_prefix(left, right, case).is_some_and(str::is_empty)
}

/// The form that condition keys, actions and service names are compared in.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn skip_character(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

fn strip_prefix<'t>(text: &'t str, prefix: &str, case: Case) -> Option<&'t str> {
    match case {
        Case::Sensitive => text.strip_prefix(prefix),
        Case::Insensitive => {
            let mut characters = text.chars();
            for wanted in prefix.chars() {
                let found = characters.next()?;
                if found != wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
                    return None;
                }
            }
            Some(characters.as_str())
        }
    }
}

/// Reads `*` and `?` as wildcards and everything else as itself.
pub fn tokens(text: &str) -> Vec<Token<Box<str>>> {
    let mut tokens = Vec::new();
    let mut literal = String::new();
    for character in text.chars() {
        let wildcard = match character {
            '*' => Token::AnyRun,
            '?' => Token::AnyOne,
            other => {
                literal.push(other);
                continue;
            }
        };
        if !literal.is_empty() {
            tokens.push(Token::Literal(std::mem::take(&mut literal).into()));
        }
        tokens.push(wildcard);
    }
    if !literal.is_empty() {
        tokens.push(Token::Literal(literal.into()));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => naive(rest, text) || (!text.is_empty() && naive(pattern, &text[1..])),
            (['?', rest @ ..], [_, tail @ ..]) => naive(rest, tail),
            ([wanted, rest @ ..], [found, tail @ ..]) => wanted == found && naive(rest, tail),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_matcher(pattern in "[ab?*é]{0,8}", text in "[abcé]{0,10}") {
            let expected = naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(matches(&tokens(&pattern), &text, Case::Sensitive), expected);
        }

        #[test]
        fn case_folds_both_sides(pattern in "[aBé*?]{0,6}", text in "[AbÉ]{0,6}") {
            let folded = matches(&tokens(&pattern.to_lowercase()), &text.to_lowercase(), Case::Sensitive);
            prop_assert_eq!(matches(&tokens(&pattern), &text, Case::Insensitive), folded);
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = tokens(&format!("{}b", "a*".repeat(200)));
        assert!(!matches(&pattern, &"a".repeat(20_000), Case::Sensitive));
    }

    #[test]
    fn a_literal_may_hold_a_star() {
        let pattern = [Token::Literal("a*")];
        assert!(matches(&pattern, "a*", Case::Sensitive));
        assert!(!matches(&pattern, "ab", Case::Sensitive));
    }
}

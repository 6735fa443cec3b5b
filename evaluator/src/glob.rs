//! Does a text match a pattern of literals, `*` and `?`?
//!
//! `*` stands for any run of characters, also an empty one, and `?` for exactly one character (R2.1, R4.13).
//! Which characters of a policy's text are wildcards is decided where the text is read, so a literal here may
//! hold a star.

mod places;

use smol_str::SmolStr;

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

impl Token<Box<str>> {
    /// The same token, of a text that belongs to somebody else.
    pub fn borrowed(&self) -> Token<&str> {
        match self {
            Self::Literal(literal) => Token::Literal(literal),
            Self::AnyRun => Token::AnyRun,
            Self::AnyOne => Token::AnyOne,
        }
    }
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
/// What stands before the first `*` has to begin the text and what stands after the last has to end it; each part
/// between two is looked for at its earliest place, which leaves the most for those after it. The cost grows with
/// text and pattern, not with their product: only a part of more than 32 characters that holds a `?` costs more,
/// one sixty-fourth of its length for each place at which it could stand.
pub fn matches<S: AsRef<str>>(pattern: &[Token<S>], text: &str, case: Case) -> bool {
    match (pattern, case) {
        ([Token::Literal(literal)], _) => equal(text, literal.as_ref(), case),
        ([Token::AnyRun], _) => true,
        ([Token::Literal(start), Token::AnyRun], Case::Sensitive) => text.starts_with(start.as_ref()),
        ([Token::AnyRun, Token::Literal(end)], Case::Sensitive) => text.ends_with(end.as_ref()),
        (_, Case::Sensitive) => parts_match(pattern, text),
        (_, Case::Insensitive) => parts_match(&folded(pattern), &fold(text)),
    }
}

fn folded<S: AsRef<str>>(pattern: &[Token<S>]) -> Vec<Token<SmolStr>> {
    let fold_token = |token: &Token<S>| match token {
        Token::Literal(literal) => Token::Literal(fold(literal.as_ref())),
        Token::AnyRun => Token::AnyRun,
        Token::AnyOne => Token::AnyOne,
    };
    pattern.iter().map(fold_token).collect()
}

fn parts_match<S: AsRef<str>>(pattern: &[Token<S>], text: &str) -> bool {
    let is_star = |token: &Token<S>| matches!(token, Token::AnyRun);
    let Some(first) = pattern.iter().position(is_star) else {
        return strip_start(pattern, text).is_some_and(str::is_empty);
    };
    let last = pattern.iter().rposition(is_star).unwrap_or(first);
    let (start, middle, end) = (
        pattern.get(..first).unwrap_or_default(),
        pattern.get(first..last).unwrap_or_default(),
        pattern.get(last + 1..).unwrap_or_default(),
    );
    let Some(rest) = strip_start(start, text).and_then(|rest| strip_end(end, rest)) else { return false };
    let mut parts = middle.split(is_star).filter(|part| !part.is_empty());
    parts.try_fold(rest, after_first).is_some()
}

/// What follows the pattern, which holds no star, at the start of the text.
fn strip_start<'t, S: AsRef<str>>(pattern: &[Token<S>], text: &'t str) -> Option<&'t str> {
    pattern.iter().try_fold(text, |rest, token| match token {
        Token::Literal(literal) => rest.strip_prefix(literal.as_ref()),
        Token::AnyOne => skip_character(rest),
        Token::AnyRun => Some(rest),
    })
}

/// What precedes the pattern, which holds no star, at the end of the text.
fn strip_end<'t, S: AsRef<str>>(pattern: &[Token<S>], text: &'t str) -> Option<&'t str> {
    pattern.iter().rev().try_fold(text, |rest, token| match token {
        Token::Literal(literal) => rest.strip_suffix(literal.as_ref()),
        Token::AnyOne => {
            let mut characters = rest.chars();
            characters.next_back().map(|_| characters.as_str())
        }
        Token::AnyRun => Some(rest),
    })
}

/// What follows the first place at which a part stands in the text.
fn after_first<'t, S: AsRef<str>>(text: &'t str, part: &[Token<S>]) -> Option<&'t str> {
    if let [Token::Literal(literal)] = part {
        let literal = literal.as_ref();
        let at = memchr::memmem::find(text.as_bytes(), literal.as_bytes())?;
        return text.get(at + literal.len()..);
    }
    let length = |token: &Token<S>| match token {
        Token::Literal(literal) => literal.as_ref().chars().count(),
        Token::AnyOne => 1,
        Token::AnyRun => 0,
    };
    if part.iter().map(length).sum::<usize>() > SHORT {
        return places::after_first(text, part);
    }
    let mut rest = text;
    loop {
        if let Some(after) = strip_start(part, rest) {
            return Some(after);
        }
        rest = skip_character(rest)?;
    }
}

/// The longest part with a `?` in it that is tried at one place after the other, in characters.
const SHORT: usize = 32;

/// Whether two texts are the same under `case`.
pub fn equal(left: &str, right: &str, case: Case) -> bool {
    match case {
        Case::Sensitive => left == right,
        Case::Insensitive => strip_prefix(left, right, case).is_some_and(str::is_empty),
    }
}

/// Whether a text begins with another under `case`.
pub fn begins(text: &str, start: &str, case: Case) -> bool {
    strip_prefix(text, start, case).is_some()
}

/// The form that condition keys, actions and service names are compared in.
pub fn fold(text: &str) -> SmolStr {
    let mut buffer = [0; 64];
    if text.is_ascii()
        && let Some(folded) = buffer.get_mut(..text.len())
    {
        folded.copy_from_slice(text.as_bytes());
        folded.make_ascii_lowercase();
        if let Ok(folded) = std::str::from_utf8(folded) {
            return folded.into();
        }
    }
    text.to_lowercase().into()
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

    fn rarely_matching() -> impl Strategy<Value = (String, String)> {
        ("[ab?]{30,90}", "[ab]{0,40}", "[abé]{0,40}").prop_map(|(part, before, after)| {
            let written: String = part.chars().map(|each| if each == '?' { 'c' } else { each }).collect();
            (format!("*{part}*"), format!("{before}{written}{after}"))
        })
    }

    proptest! {
        #[test]
        fn long_parts_are_found_where_they_stand((pattern, text) in rarely_matching()) {
            prop_assert!(matches(&tokens(&pattern), &text, Case::Sensitive));
        }

        #[test]
        fn long_parts_agree_with_a_naive_matcher(part in "[a?]{30,50}b?", text in "[ab]{20,90}|[aé]{20,90}b") {
            let pattern = format!("*{part}*");
            let expected = naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(matches(&tokens(&pattern), &text, Case::Sensitive), expected);
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = tokens(&format!("{}b", "a*".repeat(200)));
        assert!(!matches(&pattern, &"a".repeat(20_000), Case::Sensitive));
    }

    /// A `?` keeps a part from being looked for as one text.
    #[test]
    fn long_parts_with_question_marks_stay_cheap() {
        let text = "a".repeat(10_000);
        for part in ["a?".repeat(2_500), format!("{}?a", "a".repeat(4_000)), "é?".repeat(2_000)] {
            assert!(!matches(&tokens(&format!("*{part}b*")), &text, Case::Sensitive));
        }
        assert!(matches(&tokens(&format!("*{}*", "a?".repeat(2_500))), &text, Case::Sensitive));
    }

    #[test]
    fn a_literal_may_hold_a_star() {
        let pattern = [Token::Literal("a*")];
        assert!(matches(&pattern, "a*", Case::Sensitive));
        assert!(!matches(&pattern, "ab", Case::Sensitive));
    }
}

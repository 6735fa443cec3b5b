//! Is there a text that matches these patterns and none of those?
//!
//! Every pattern is run over all texts at once: a state is, for each pattern, the set of places in it that a text so far
//! can have led to. Breadth first, over the characters that the patterns mention and one more, until a state is met in
//! which all that must match does and nothing else does; the way there spells the text. No text is missed: characters that
//! no pattern mentions lead to the same states.

use std::collections::{BTreeSet, HashSet, VecDeque};

use rustc_hash::FxBuildHasher;

use crate::glob::{Case, Token};

/// The texts that at least one of these patterns matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Language {
    /// The patterns.
    pub(super) patterns: Vec<Vec<Symbol>>,
    /// Whether letters match their other case.
    pub(super) case: Case,
}

/// One character of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// This character.
    Exactly(char),
    /// Any character.
    One,
    /// Any character but a colon.
    OneInField,
    /// Any run of characters.
    Run,
    /// Any run of characters without a colon.
    RunInField,
}

/// What came of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Such a text.
    Text(String),
    /// There is none.
    Nothing,
    /// More states than the budget allows.
    TooMuch,
}

impl Symbol {
    /// What a token stands for; in a field of an ARN before the last, wildcards match no colon.
    pub(super) fn of<'t>(token: &'t Token<&'t str>, in_field: bool) -> impl Iterator<Item = Self> + 't {
        let (text, wildcard) = match (token, in_field) {
            (Token::Literal(text), _) => (*text, None),
            (Token::AnyOne, false) => ("", Some(Self::One)),
            (Token::AnyOne, true) => ("", Some(Self::OneInField)),
            (Token::AnyRun, false) => ("", Some(Self::Run)),
            (Token::AnyRun, true) => ("", Some(Self::RunInField)),
        };
        text.chars().map(Self::Exactly).chain(wildcard)
    }

    fn is_run(self) -> bool {
        matches!(self, Self::Run | Self::RunInField)
    }

    fn takes(self, character: char, case: Case) -> bool {
        match self {
            Self::Exactly(own) => own == character || (case == Case::Insensitive && same_letter(own, character)),
            Self::One | Self::Run => true,
            Self::OneInField | Self::RunInField => character != ':',
        }
    }
}

fn same_letter(one: char, other: char) -> bool {
    one.to_lowercase().eq(other.to_lowercase())
}

impl Language {
    /// The patterns of these texts, each of which stands for itself.
    pub(super) fn exactly<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let patterns = texts.into_iter().map(|text| text.chars().map(Symbol::Exactly).collect()).collect();
        Self { patterns, case: Case::Sensitive }
    }

    /// Every text of six fields that begins with `arn`.
    pub(super) fn arns() -> Self {
        let mut pattern: Vec<Symbol> = "arn".chars().map(Symbol::Exactly).collect();
        for _ in 0..4 {
            pattern.extend([Symbol::Exactly(':'), Symbol::RunInField]);
        }
        pattern.extend([Symbol::Exactly(':'), Symbol::One, Symbol::Run]);
        Self { patterns: vec![pattern], case: Case::Sensitive }
    }

    /// The characters it tells from others; `None` where a letter has other cases than this search knows.
    fn alphabet(&self) -> Option<BTreeSet<char>> {
        let mut all = BTreeSet::new();
        for symbol in self.patterns.iter().flatten() {
            match symbol {
                Symbol::Exactly(own) if self.case == Case::Sensitive => {
                    all.insert(*own);
                }
                Symbol::Exactly(own) if own.is_ascii() => {
                    all.extend([own.to_ascii_lowercase(), own.to_ascii_uppercase()]);
                    // The Kelvin sign is a `k` to all who ignore case.
                    all.extend(own.eq_ignore_ascii_case(&'k').then_some('\u{212a}'));
                }
                Symbol::Exactly(_) => return None,
                Symbol::OneInField | Symbol::RunInField => {
                    all.insert(':');
                }
                Symbol::One | Symbol::Run => {}
            }
        }
        Some(all)
    }
}

/// One pattern, and where the bits of its places stand in a state.
struct Runner<'l> {
    pattern: &'l [Symbol],
    case: Case,
    /// The language it belongs to, of all that are looked at.
    language: usize,
    start: usize,
    words: usize,
}

impl Runner<'_> {
    fn own<'s>(&self, state: &'s [u64]) -> &'s [u64] {
        state.get(self.start..self.start + self.words).unwrap_or_default()
    }

    fn set(&self, state: &mut [u64], place: usize) {
        if let Some(word) = state.get_mut(self.start + place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// Adds a place, and those that follow it without a character.
    fn reach(&self, state: &mut [u64], mut place: usize) {
        self.set(state, place);
        while self.pattern.get(place).is_some_and(|symbol| symbol.is_run()) {
            place += 1;
            self.set(state, place);
        }
    }

    fn step(&self, state: &[u64], character: char, next: &mut [u64]) {
        for (at, word) in self.own(state).iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let place = at * 64 + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                match self.pattern.get(place) {
                    Some(symbol) if symbol.takes(character, self.case) => {
                        self.reach(next, if symbol.is_run() { place } else { place + 1 });
                    }
                    Some(_) | None => {}
                }
            }
        }
    }

    fn holds(&self, state: &[u64], place: usize) -> bool {
        self.own(state).get(place / 64).is_some_and(|word| word & 1 << (place % 64) != 0)
    }

    fn accepts(&self, state: &[u64]) -> bool {
        self.holds(state, self.pattern.len())
    }

    /// Whether it matches whatever may follow.
    fn accepts_all(&self, state: &[u64]) -> bool {
        self.pattern.last() == Some(&Symbol::Run) && self.holds(state, self.pattern.len() - 1)
    }

    fn is_dead(&self, state: &[u64]) -> bool {
        self.own(state).iter().all(|word| *word == 0)
    }
}

/// Looks for a text that every language of `within` holds and none of `without`, in at most `budget` states.
pub(super) fn find(within: &[&Language], without: &[&Language], budget: usize) -> Found {
    let mut alphabet = BTreeSet::new();
    for language in within.iter().chain(without) {
        let Some(own) = language.alphabet() else { return Found::TooMuch };
        alphabet.extend(own);
    }
    alphabet.extend(other_than(&alphabet));
    let mut runners: Vec<Runner<'_>> = Vec::new();
    let mut start = 0;
    for (number, language) in within.iter().chain(without).enumerate() {
        for pattern in &language.patterns {
            let words = pattern.len() / 64 + 1;
            runners.push(Runner { pattern, case: language.case, language: number, start, words });
            start += words;
        }
    }
    let product = Product { within: within.len(), runners, words: start };
    product.search(&alphabet, budget)
}

/// A character that is none of these: a plain one if there is one left.
fn other_than(mentioned: &BTreeSet<char>) -> Option<char> {
    let plain = "xyzabcdefghijklmnopqrstuvw0123456789".chars();
    let is_free = |character: &char| {
        let cases = [character.to_ascii_lowercase(), character.to_ascii_uppercase()];
        !cases.iter().any(|each| mentioned.contains(each))
    };
    plain.chain('\u{4e00}'..'\u{9fff}').find(is_free)
}

struct Product<'l> {
    within: usize,
    runners: Vec<Runner<'l>>,
    words: usize,
}

impl Product<'_> {
    fn search(&self, alphabet: &BTreeSet<char>, budget: usize) -> Found {
        let mut first = vec![0; self.words];
        self.runners.iter().for_each(|runner| runner.reach(&mut first, 0));
        let first: Box<[u64]> = first.into();
        // How each state was come to: from which one, by which character.
        let mut ways: Vec<(usize, char)> = vec![(0, ' ')];
        let mut known: HashSet<Box<[u64]>, FxBuildHasher> = HashSet::default();
        let mut queue = VecDeque::from([(0, first.clone())]);
        known.insert(first);
        while let Some((number, state)) = queue.pop_front() {
            if self.is_wanted(&state) {
                return Found::Text(spelled(&ways, number));
            }
            for character in alphabet {
                let mut next = vec![0; self.words];
                self.runners.iter().for_each(|runner| runner.step(&state, *character, &mut next));
                if self.is_hopeless(&next) {
                    continue;
                }
                let next: Box<[u64]> = next.into();
                if known.contains(&next) {
                    continue;
                }
                if ways.len() >= budget {
                    return Found::TooMuch;
                }
                ways.push((number, *character));
                queue.push_back((ways.len() - 1, next.clone()));
                known.insert(next);
            }
        }
        Found::Nothing
    }

    fn is_wanted(&self, state: &[u64]) -> bool {
        let matched =
            |language: usize| self.runners.iter().any(|runner| runner.language == language && runner.accepts(state));
        let is_without = |runner: &Runner<'_>| runner.language >= self.within && runner.accepts(state);
        (0..self.within).all(matched) && !self.runners.iter().any(is_without)
    }

    /// Whether no text that goes on from here is one.
    fn is_hopeless(&self, state: &[u64]) -> bool {
        let is_lost = |language: usize| {
            self.runners.iter().filter(|runner| runner.language == language).all(|runner| runner.is_dead(state))
        };
        let is_caught = |runner: &Runner<'_>| runner.language >= self.within && runner.accepts_all(state);
        (0..self.within).any(is_lost) || self.runners.iter().any(is_caught)
    }
}

fn spelled(ways: &[(usize, char)], mut number: usize) -> String {
    let mut text = Vec::new();
    while number != 0 {
        let Some((from, character)) = ways.get(number) else { break };
        text.push(*character);
        number = *from;
    }
    text.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::glob;

    fn language(patterns: &[&str], case: Case) -> Language {
        let symbols = |pattern: &&str| {
            let tokens = glob::tokens(pattern);
            let borrowed: Vec<Token<&str>> = tokens
                .iter()
                .map(|token| match token {
                    Token::Literal(text) => Token::Literal(&**text),
                    Token::AnyRun => Token::AnyRun,
                    Token::AnyOne => Token::AnyOne,
                })
                .collect();
            borrowed.iter().flat_map(|token| Symbol::of(token, false).collect::<Vec<_>>()).collect()
        };
        Language { patterns: patterns.iter().map(symbols).collect(), case }
    }

    #[rstest]
    #[case::within(&["evaluation-job/*"], &[], Some("evaluation-job/"))]
    #[case::narrower(&["evaluation-job/*"], &["evaluation-job/?*"], Some("evaluation-job/"))]
    #[case::the_same(&["evaluation-job/*"], &["evaluation-job/*"], None)]
    #[case::wider(&["*"], &["evaluation-job/*"], Some(""))]
    #[case::covered_together(&["a*"], &["a", "a?*"], None)]
    #[case::not_covered(&["a*b"], &["a*bb", "ab"], Some("aab"))]
    #[case::question_marks(&["a??"], &["a*b"], Some("aaa"))]
    #[case::nothing_in_common(&["a*"], &[], Some("a"))]
    fn differences(#[case] within: &[&str], #[case] without: &[&str], #[case] expected: Option<&str>) {
        let (within, without) = (language(within, Case::Sensitive), language(without, Case::Sensitive));
        let expected = expected.map_or(Found::Nothing, |text| Found::Text(text.into()));
        assert_eq!(find(&[&within], &[&without], 10_000), expected);
    }

    #[test]
    fn two_patterns_meet_or_do_not() {
        let of = |pattern| language(&[pattern], Case::Sensitive);
        assert_eq!(find(&[&of("a*"), &of("*b")], &[], 1_000), Found::Text("ab".into()));
        assert_eq!(find(&[&of("a*"), &of("b*")], &[], 1_000), Found::Nothing);
        assert_eq!(find(&[&of("*a*b*c*"), &of("*c*a*")], &[&of("*b*b*")], 100_000), Found::Text("abca".into()));
        assert_eq!(find(&[&of("*a*b*c*"), &of("*c*a*")], &[], 3), Found::TooMuch);
    }

    #[test]
    fn letters_of_either_case() {
        let (exact, folded) = (language(&["bob"], Case::Sensitive), language(&["BOB"], Case::Insensitive));
        assert_eq!(find(&[&exact], &[&folded], 1_000), Found::Nothing);
        let Found::Text(other) = find(&[&folded], &[&exact], 1_000) else { panic!("there is another spelling") };
        assert!(other != "bob" && other.eq_ignore_ascii_case("bob"));
    }

    proptest! {
        /// Whatever is found fits, and whatever fits is found.
        #[test]
        fn agrees_with_trying_texts(
            within in proptest::collection::vec("[ab*?]{0,5}", 1..3),
            without in proptest::collection::vec("[ab*?]{0,5}", 0..3),
            texts in proptest::collection::vec("[abc]{0,6}", 40),
        ) {
            let of = |pattern: &String| language(&[pattern], Case::Sensitive);
            let positive: Vec<_> = within.iter().map(of).collect();
            let negative: Vec<_> = without.iter().map(of).collect();
            let (some, none): (Vec<_>, Vec<_>) = (positive.iter().collect(), negative.iter().collect());
            let found = find(&some, &none, 100_000);
            let matches = |pattern: &String, text: &str| glob::matches(&glob::tokens(pattern), text, Case::Sensitive);
            let fits = |text: &str| {
                within.iter().all(|pattern| matches(pattern, text)) && !without.iter().any(|pattern| matches(pattern, text))
            };
            match found {
                Found::Text(text) => prop_assert!(fits(&text), "{text}"),
                Found::Nothing => prop_assert!(!texts.iter().any(|text| fits(text))),
                Found::TooMuch => prop_assert!(false, "the budget is ample"),
            }
        }
    }
}

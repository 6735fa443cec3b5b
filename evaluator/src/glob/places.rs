//! Where does a long part with `?` in it stand?
//!
//! All places are tried at once, a bit each. For each character of the part, the places that have another character there drop
//! out: a row of bits shifted and combined, sixty-four places a step.

use smallvec::{SmallVec, smallvec};

use super::Token;

/// A bit for each character of a text; 4,096 of them without an allocation.
struct Bits(SmallVec<[u64; 64]>);

impl Bits {
    /// So many bits, all of them set.
    fn all(count: usize) -> Self {
        let mut bits = Self::none(count);
        for at in 0..count {
            bits.set(at);
        }
        bits
    }

    fn none(length: usize) -> Self {
        Self(smallvec![0; length / 64 + 1])
    }

    fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    /// Keeps the bits that are set `distance` further on in `other`; `false` when none is left.
    fn keep(&mut self, other: &Self, distance: usize) -> bool {
        let (words, bits) = (distance / 64, distance % 64);
        let shifted = other.0.get(words..).unwrap_or_default();
        let next = shifted.iter().skip(1).copied().chain(std::iter::once(0));
        let mut left = 0;
        let mut count = 0;
        for (own, (low, high)) in self.0.iter_mut().zip(shifted.iter().zip(next)) {
            // A shift by all bits of a word is none to the machine.
            let high = if bits == 0 { 0 } else { high << (64 - bits) };
            *own &= low >> bits | high;
            left |= *own;
            count += 1;
        }
        for own in self.0.iter_mut().skip(count) {
            *own = 0;
        }
        left != 0
    }

    fn lowest(&self) -> Option<usize> {
        let (word, bits) = self.0.iter().enumerate().find(|(_, bits)| **bits != 0)?;
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}

/// What follows the first place at which a part, which holds no star, stands in the text.
pub(super) fn after_first<'t, S: AsRef<str>>(text: &'t str, part: &[Token<S>]) -> Option<&'t str> {
    let wanted: SmallVec<[Option<char>; 128]> = characters(part).collect();
    let length = if text.is_ascii() { text.len() } else { text.chars().count() };
    let places = (length + 1).checked_sub(wanted.len())?;
    let mut alive = Bits::all(places);
    let mut compared: Vec<char> = Vec::new();
    for character in wanted.iter().flatten() {
        if let Err(at) = compared.binary_search(character) {
            compared.insert(at, *character);
        }
    }
    for character in compared {
        let found = occurrences(text, character, length);
        let at = wanted.iter().enumerate().filter(|(_, wanted)| **wanted == Some(character));
        for (distance, _) in at {
            if !alive.keep(&found, distance) {
                return None;
            }
        }
    }
    let end = alive.lowest()? + wanted.len();
    text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).nth(end).and_then(|at| text.get(at..))
}

/// The characters of a part; `None` for any.
fn characters<S: AsRef<str>>(part: &[Token<S>]) -> impl Iterator<Item = Option<char>> {
    part.iter().flat_map(|token| {
        let (text, any) = match token {
            Token::Literal(literal) => (literal.as_ref(), None),
            Token::AnyOne => ("", Some(None)),
            Token::AnyRun => ("", None),
        };
        text.chars().map(Some).chain(any)
    })
}

/// Where a character stands in a text of `length` characters.
fn occurrences(text: &str, character: char, length: usize) -> Bits {
    let mut bits = Bits::none(length);
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && text.len() == length => {
            memchr::memchr_iter(byte, text.as_bytes()).for_each(|at| bits.set(at));
        }
        Ok(_) | Err(_) => {
            let found = text.chars().enumerate().filter(|(_, other)| *other == character);
            found.for_each(|(at, _)| bits.set(at));
        }
    }
    bits
}

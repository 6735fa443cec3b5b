//! Which action is called, and which actions does a policy's pattern cover?
//!
//! `service:Name`; both parts ignore case, and `*` and `?` work in the name (R2.1).

use std::fmt;
use std::hash::BuildHasher;

use memchr::{memchr, memchr2};
use rustc_hash::FxBuildHasher;
use smol_str::SmolStr;

use crate::glob::{self, Case, Token, fold};

/// The name of an action: `kms:Decrypt`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionName {
    text: SmolStr,
    folded: SmolStr,
    colon: usize,
    /// Of `folded`: names are compared by it before they are by text.
    hash: u64,
}

/// What an entry of `Action` or `NotAction` covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPattern(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Every,
    /// One action: the text, its hash, and where its colon stands.
    One {
        text: SmolStr,
        hash: u64,
        colon: usize,
    },
    /// Every action that begins with this text, which holds the colon.
    Start {
        text: SmolStr,
        colon: usize,
    },
    Named {
        service: SmolStr,
        name: Box<[Token<Box<str>>]>,
    },
}

/// A text is no action name or pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAction {
    /// No colon: `kmsDescribeKey`.
    #[error("an action has a service and a name with a colon between them, as in `kms:Decrypt`")]
    NoColon,
    /// Nothing before or after the colon, or a wildcard in the service, or a second colon.
    #[error("an action has one service prefix, a colon and a name; only the name may hold wildcards")]
    BadForm,
}

impl ActionName {
    /// Reads `service:Name` without wildcards.
    ///
    /// # Errors
    /// [`NotAnAction`] when it is not of that form.
    pub fn parse(text: &str) -> Result<Self, NotAnAction> {
        let (service, name) = text.split_once(':').ok_or(NotAnAction::NoColon)?;
        let is_word = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if is_word(service) && is_word(name) {
            let folded = fold(text);
            Ok(Self { text: text.into(), hash: hash(&folded), folded, colon: service.len() })
        } else {
            Err(NotAnAction::BadForm)
        }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is the action of this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.text.eq_ignore_ascii_case(name)
    }

    /// The service prefix in lower case: `kms`.
    pub fn service(&self) -> &str {
        self.folded.get(..self.colon).unwrap_or_default()
    }

    /// The name after the colon, as written.
    pub fn name(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    /// The name after the colon, as compared: in lower case.
    pub fn folded_name(&self) -> &str {
        self.folded.get(self.colon + 1..).unwrap_or_default()
    }
}

/// Apart from the forms that nearly every statement has.
#[inline(never)]
fn matches_name(service: &str, name: &[Token<Box<str>>], action: &ActionName) -> bool {
    service == action.service() && glob::matches(name, action.folded_name(), Case::Sensitive)
}

fn hash(folded: &str) -> u64 {
    FxBuildHasher.hash_one(folded)
}

impl ActionPattern {
    /// Reads `*`, `*:*` or `service:pattern`.
    ///
    /// # Errors
    /// [`NotAnAction`] without a colon, without a service, or with a wildcard in the service: AWS documents none.
    pub fn parse(text: &str) -> Result<Self, NotAnAction> {
        if matches!(text, "*" | "*:*") {
            return Ok(Self(Form::Every));
        }
        let colon = |text: &str| memchr(b':', text.as_bytes());
        let (service, name) = text.split_at(colon(text).ok_or(NotAnAction::NoColon)?);
        let name = name.get(1..).unwrap_or_default();
        let first_wildcard = memchr2(b'*', b'?', text.as_bytes());
        if service.is_empty() || name.is_empty() || first_wildcard.is_some_and(|at| at < service.len()) {
            return Err(NotAnAction::BadForm);
        }
        Ok(Self(match first_wildcard {
            None => {
                let text = fold(text);
                Form::One { colon: colon(&text).unwrap_or(0), hash: hash(&text), text }
            }
            Some(at) if text.get(at..) == Some("*") => {
                let text = fold(text.get(..at).unwrap_or_default());
                Form::Start { colon: colon(&text).unwrap_or(0), text }
            }
            Some(_) => Form::Named { service: fold(service), name: glob::tokens(&fold(name)).into() },
        }))
    }

    /// Whether the pattern covers an action.
    #[inline]
    pub fn matches(&self, action: &ActionName) -> bool {
        match &self.0 {
            Form::Every => true,
            Form::One { text, hash, .. } => *hash == action.hash && *text == action.folded,
            Form::Start { text, .. } => action.folded.starts_with(text.as_str()),
            Form::Named { service, name } => matches_name(service, name, action),
        }
    }

    /// Whether the pattern covers the action of a service that has this name: `Decrypt`.
    pub fn covers_name(&self, name: &str) -> bool {
        match &self.0 {
            Form::Every => true,
            Form::One { text, colon, .. } => {
                text.get(colon + 1..).is_some_and(|own| glob::equal(name, own, Case::Insensitive))
            }
            Form::Start { text, colon } => {
                text.get(colon + 1..).is_some_and(|own| glob::begins(name, own, Case::Insensitive))
            }
            Form::Named { name: pattern, .. } => glob::matches(pattern, name, Case::Insensitive),
        }
    }

    /// The service it is limited to, in lower case; `None` for `*`.
    pub fn service(&self) -> Option<&str> {
        match &self.0 {
            Form::Every => None,
            Form::One { text, colon, .. } | Form::Start { text, colon } => text.get(..*colon),
            Form::Named { service, .. } => Some(service),
        }
    }

    /// What the names it covers begin with, in lower case, and whether that is the whole name.
    pub fn start(&self) -> (&str, bool) {
        let tokens: &[Token<Box<str>>] = match &self.0 {
            Form::Every => &[],
            Form::One { text, colon, .. } => return (text.get(colon + 1..).unwrap_or_default(), true),
            Form::Start { text, colon } => return (text.get(colon + 1..).unwrap_or_default(), false),
            Form::Named { name, .. } => name,
        };
        match tokens {
            [Token::Literal(literal), rest @ ..] => (literal, rest.is_empty()),
            [Token::AnyRun | Token::AnyOne, ..] | [] => ("", false),
        }
    }

    /// The name it covers, in lower case, if it holds no wildcard.
    pub fn literal_name(&self) -> Option<&str> {
        match &self.0 {
            Form::One { text, colon, .. } => text.get(colon + 1..),
            Form::Every | Form::Start { .. } | Form::Named { .. } => None,
        }
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("kms:Decrypt", true)]
    #[case("kms:decrypt", true)]
    #[case("KMS:DECRYPT", true)]
    #[case("kms:D?crypt", true)]
    #[case("kms:*crypt", true)]
    #[case("*", true)]
    #[case("*:*", true)]
    #[case("kms:*", true)]
    #[case("kms:Decryp", false)]
    #[case("kms: Decrypt", false)]
    #[case("kms:GenerateDataKey", false)]
    #[case("s3:*", false)]
    fn patterns_cover_decrypt(#[case] pattern: &str, #[case] expected: bool) {
        let decrypt = ActionName::parse("kms:Decrypt").unwrap();
        assert_eq!(ActionPattern::parse(pattern).unwrap().matches(&decrypt), expected);
    }

    #[test]
    fn forms_aws_does_not_have() {
        assert_eq!(ActionPattern::parse("kmsDescribeKey"), Err(NotAnAction::NoColon));
        assert_eq!(ActionPattern::parse("km*:Decrypt"), Err(NotAnAction::BadForm));
        assert_eq!(ActionPattern::parse("kms:"), Err(NotAnAction::BadForm));
        assert_eq!(ActionName::parse("kms:*"), Err(NotAnAction::BadForm));
    }
}

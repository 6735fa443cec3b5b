//! Is a text true or false?
//!
//! `Bool` and `Null` take `true` or `false`; the case of the letters does not matter (R4.8, R4.18 *inferred*).
//! Nothing else is a boolean: not `1`, not `yes`, not a space more.
//!
//! AWS page: IAM JSON policy elements: Condition operators, "Boolean condition operators".

/// A truth value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Boolean(pub bool);

/// A text is neither `true` nor `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a boolean is `true` or `false`")]
pub struct BooleanError;

impl Boolean {
    /// Reads `true` or `false` in any case.
    ///
    /// # Errors
    /// [`BooleanError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, BooleanError> {
        if text.eq_ignore_ascii_case("true") {
            Ok(Self(true))
        } else if text.eq_ignore_ascii_case("false") {
            Ok(Self(false))
        } else {
            Err(BooleanError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("true", true)]
    #[case("false", false)]
    #[case("True", true)]
    #[case("FALSE", false)]
    #[case("tRuE", true)]
    fn read(#[case] text: &str, #[case] value: bool) {
        assert_eq!(Boolean::parse(text), Ok(Boolean(value)));
    }

    #[rstest]
    #[case::empty("")]
    #[case::space(" true")]
    #[case::newline("true\n")]
    #[case::number("1")]
    #[case::word("yes")]
    #[case::prefix("truest")]
    #[case::null("null")]
    #[case::wildcard("*")]
    #[case::variable("${aws:SecureTransport}")]
    #[case::long_s_folds_to_s_in_unicode_only("fal\u{17f}e")]
    fn refused(#[case] text: &str) {
        assert_eq!(Boolean::parse(text), Err(BooleanError));
    }
}

//! Which bytes does a base64 text stand for?
//!
//! `BinaryEquals` compares bytes, not text (R4.4, R4.19): `QQ==` and `QQ` are both the byte `A`. The padding may be
//! written or left out. All else is strict, since a value that is not base64 is a mistake to report and not bytes
//! to guess: the alphabet is the standard one (`+` and `/`; base64url is another encoding, RFC 4648 section 5),
//! line breaks and spaces do not belong, and bits that no byte holds are zero (`QR==` is refused). AWS does not say
//! how lenient it is there.
//!
//! AWS page: IAM JSON policy elements: Condition operators, "Binary condition operators".

use data_encoding::{BASE64_NOPAD, DecodeError, DecodeKind};

/// The bytes a base64 text stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Binary(Vec<u8>);

/// Why a text is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// A character outside the alphabet; `=` anywhere but at the end is one.
    #[error("`{}` does not belong in base64", .0.escape_debug())]
    Character(char),
    /// There is padding, but not the amount that fills up the last group of four.
    #[error("the base64 value has the wrong number of `=` at its end")]
    Padding,
    /// A last group of one character, which is less than a byte.
    #[error("the base64 value is cut off: its last group has one character")]
    CutOff,
    /// The last character says more than the bytes hold.
    #[error("the last character of the base64 value has bits that belong to no byte")]
    TrailingBits,
}

impl Binary {
    /// Decodes a base64 text, with or without padding.
    ///
    /// # Errors
    /// [`BinaryError`] where the text is not base64.
    pub fn parse(text: &str) -> Result<Self, BinaryError> {
        let symbols = text.trim_end_matches('=');
        let padding = text.len() - symbols.len();
        if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
            return Err(BinaryError::Padding);
        }
        let decoded = BASE64_NOPAD.decode(symbols.as_bytes());
        decoded.map(Self).map_err(|error| BinaryError::new(symbols, error))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl BinaryError {
    fn new(symbols: &str, error: DecodeError) -> Self {
        // A foreign character can also make the length odd; the character is what a person should look at.
        let foreign = symbols.chars().find(|symbol| !symbol.is_ascii_alphanumeric() && !matches!(symbol, '+' | '/'));
        match (foreign, error.kind) {
            (Some(character), _) => Self::Character(character),
            (None, DecodeKind::Trailing) => Self::TrailingBits,
            (None, DecodeKind::Length | DecodeKind::Symbol | DecodeKind::Padding) => Self::CutOff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::empty("", b"")]
    #[case::two_padding("QQ==", b"A")]
    #[case::two_padding_left_out("QQ", b"A")]
    #[case::one_padding("QUI=", b"AB")]
    #[case::one_padding_left_out("QUI", b"AB")]
    #[case::no_padding("QUJD", b"ABC")]
    #[case::both_marks("+/+/", &[0xfb, 0xff, 0xbf])]
    #[case::sample("QmluYXJ5VmFsdWVJbkJhc2U2NA==", b"BinaryValueInBase64")]
    fn read(#[case] text: &str, #[case] bytes: &[u8]) {
        assert_eq!(Binary::parse(text).unwrap().as_bytes(), bytes);
    }

    #[rstest]
    #[case::case_is_not_spelling("QUJD", "qujd")]
    #[case::a_longer_value("QUJD", "QUJDQQ")]
    #[case::a_zero_byte_more("QQ==", "QQA=")]
    fn other_bytes(#[case] left: &str, #[case] right: &str) {
        assert_ne!(Binary::parse(left).unwrap(), Binary::parse(right).unwrap());
    }

    #[rstest]
    #[case::base64url("-_-_", BinaryError::Character('-'))]
    #[case::space("QU JD", BinaryError::Character(' '))]
    #[case::line_break("QUJD\n", BinaryError::Character('\n'))]
    #[case::not_ascii("QUé", BinaryError::Character('é'))]
    #[case::padding_within("QQ==QQ==", BinaryError::Character('='))]
    #[case::padding_before("=QQ=", BinaryError::Character('='))]
    #[case::variable("${aws:username}", BinaryError::Character('$'))]
    #[case::too_little_padding("QQ=", BinaryError::Padding)]
    #[case::too_much_padding("QUI==", BinaryError::Padding)]
    #[case::padding_of_a_full_group("QUJD=", BinaryError::Padding)]
    #[case::padding_as_a_group("QUJD====", BinaryError::Padding)]
    #[case::padding_alone("==", BinaryError::Padding)]
    #[case::three_padding("Q===", BinaryError::Padding)]
    #[case::one_character("Q", BinaryError::CutOff)]
    #[case::one_character_left("QUJDQ", BinaryError::CutOff)]
    #[case::trailing_bits("QR==", BinaryError::TrailingBits)]
    #[case::trailing_bits_unpadded("QUJ", BinaryError::TrailingBits)]
    fn refused(#[case] text: &str, #[case] error: BinaryError) {
        assert_eq!(Binary::parse(text), Err(error));
    }

    proptest! {
        #[test]
        fn every_spelling_of_the_same_bytes_is_equal(bytes: Vec<u8>) {
            let value = Binary::from(bytes.clone());
            prop_assert_eq!(&Binary::parse(&BASE64.encode(&bytes)).unwrap(), &value);
            prop_assert_eq!(&Binary::parse(&BASE64_NOPAD.encode(&bytes)).unwrap(), &value);
        }

        #[test]
        fn what_is_read_has_no_third_spelling(text in "[A-Za-c+/=]{0,9}") {
            if let Ok(value) = Binary::parse(&text) {
                let spellings = [BASE64.encode(value.as_bytes()), BASE64_NOPAD.encode(value.as_bytes())];
                prop_assert!(spellings.contains(&text));
            }
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = Binary::parse(&text);
        }
    }
}

//! Which number does a text name, and how do two of them compare?
//!
//! The numeric operators take an "integer or decimal" and compare by value (R4.4, R4.16): `10` equals `10.0`.
//! A [`Decimal`] is exact for any number of digits; nothing passes through floating point, where `0.1` and
//! `0.1000000000000000000001` would be one number.
//!
//! AWS does not publish a grammar, so these forms are *inferred*. The whole text has to be a number: never a
//! prefix of it, and no spaces, digit separators, `0x`, `NaN` or `Infinity`. Forms that can mean one number only
//! are read as that number: a sign (`+5`), leading zeros (`007`), a point with digits on one side (`.5`, `5.`),
//! and an exponent (`1e3`), which strict JSON allows in an unquoted number.
//!
//! AWS page: IAM JSON policy elements: Condition operators, "Numeric condition operators".

use std::cmp::Ordering;

/// A decimal number, exactly as large as it was written.
///
/// Reading takes time in proportion to the text; comparing takes no more than looking at the digits, whatever the
/// exponents. Numbers of up to 38 digits are read without allocating.
///
/// ```
/// # use permitlab_evaluator::condition::numeric::Decimal;
/// # fn main() -> Result<(), permitlab_evaluator::condition::numeric::DecimalError> {
/// assert_eq!(Decimal::parse("10")?, Decimal::parse("10.0")?);
/// assert!(Decimal::parse("1.2")? < Decimal::parse("1.10e1")?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// Never set for zero: `-0` is `0`.
    negative: bool,
    magnitude: Magnitude,
}

/// Why a text is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// There is no text.
    #[error("an empty value is not a number")]
    Empty,
    /// A character that no number has at this place.
    #[error("`{}` does not belong in a number", .0.escape_debug())]
    Character(char),
    /// A sign, a point or an `e` stands without digits.
    #[error("digits are missing from the number")]
    NoDigits,
    /// The exponent does not fit 32 bits.
    #[error("the exponent of the number is out of range")]
    Exponent,
}

/// A number without its sign: `0.d₁d₂d₃… × 10^exponent`, where `d₁` is not zero.
///
/// Each number is written in one way only, and the fields stand in the order of their weight, so that the derived
/// equality and order are those of the numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Magnitude {
    /// The smallest there is for zero.
    exponent: i64,
    /// The first [`LEADING`] digits, filled up with zeros.
    leading: u128,
    /// The digits after them, one a byte, without trailing zeros.
    rest: Box<[u8]>,
}

/// How many decimal digits always fit a `u128`.
const LEADING: usize = 38;

impl Decimal {
    /// Reads the number a whole text names.
    ///
    /// # Errors
    /// [`DecimalError`] where the text is not a number.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        if text.is_empty() {
            return Err(DecimalError::Empty);
        }
        let (unsigned, negative) = match text.strip_prefix('-') {
            Some(unsigned) => (unsigned, true),
            None => (text.strip_prefix('+').unwrap_or(text), false),
        };
        let (significand, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (integer, fraction) = significand.split_once('.').unwrap_or((significand, ""));
        only_digits(integer)?;
        only_digits(fraction)?;
        if integer.is_empty() && fraction.is_empty() {
            return Err(DecimalError::NoDigits);
        }
        let exponent = parse_exponent(exponent)?;
        let digits = integer.bytes().chain(fraction.bytes()).map(|digit| digit - b'0');
        Ok(Self::new(negative, digits, exponent.saturating_add_unsigned(integer.len() as u64)))
    }

    /// The number times 10 to the power of `places`, where that is whole and fits.
    ///
    /// ```
    /// # use permitlab_evaluator::condition::numeric::{Decimal, DecimalError};
    /// # fn main() -> Result<(), DecimalError> {
    /// assert_eq!(Decimal::parse("-1.25")?.scaled(2), Some(-125));
    /// assert_eq!(Decimal::parse("1.25")?.scaled(1), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn scaled(&self, places: u32) -> Option<i128> {
        let Magnitude { exponent, mut leading, ref rest } = self.magnitude;
        if leading == 0 {
            return Some(0);
        }
        let mut shift = exponent.checked_sub(i64::try_from(LEADING).ok()?)?.checked_add(i64::from(places))?;
        while shift < 0 && leading.is_multiple_of(10) {
            leading /= 10;
            shift += 1;
        }
        let power = 10_u128.checked_pow(u32::try_from(shift).ok()?)?;
        let magnitude = i128::try_from(leading.checked_mul(power)?).ok().filter(|_| rest.is_empty())?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The number `integer.fraction`, its fraction given digit by digit.
    pub(super) fn from_parts(negative: bool, integer: u64, fraction: impl Iterator<Item = u8>) -> Self {
        let digits = (0..INTEGER_DIGITS).rev().map(|place| digit_at(integer, place));
        Self::new(negative, digits.chain(fraction), INTEGER_DIGITS.into())
    }

    /// The number with these digits, of which the first `integer_digits` stand before the point.
    fn new(negative: bool, digits: impl Iterator<Item = u8>, integer_digits: i64) -> Self {
        let magnitude = Magnitude::new(digits, integer_digits);
        Self { negative: negative && magnitude.leading != 0, magnitude }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Magnitude {
    fn new(digits: impl Iterator<Item = u8>, integer_digits: i64) -> Self {
        let mut digits = digits.peekable();
        let mut exponent = integer_digits;
        while digits.next_if_eq(&0).is_some() {
            exponent = exponent.saturating_sub(1);
        }
        if digits.peek().is_none() {
            return Self { exponent: i64::MIN, leading: 0, rest: Box::default() };
        }
        let leading = (0..LEADING).fold(0, |leading, _| leading * 10 + u128::from(digits.next().unwrap_or(0)));
        let mut rest: Vec<u8> = digits.collect();
        rest.truncate(rest.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1));
        Self { exponent, leading, rest: rest.into() }
    }
}

/// How many digits the largest `u64` has.
const INTEGER_DIGITS: u32 = 20;

/// The digit of `number` at 10 to the power of `place`.
fn digit_at(number: u64, place: u32) -> u8 {
    u8::try_from(number / 10_u64.pow(place) % 10).unwrap_or(0)
}

fn parse_exponent(text: &str) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    only_digits(digits)?;
    if digits.is_empty() {
        return Err(DecimalError::NoDigits);
    }
    text.parse::<i32>().map(i64::from).map_err(|_| DecimalError::Exponent)
}

fn only_digits(text: &str) -> Result<(), DecimalError> {
    match text.chars().find(|character| !character.is_ascii_digit()) {
        Some(character) => Err(DecimalError::Character(character)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[rstest]
    #[case::trailing_zeros("10", "10.0")]
    #[case::leading_zeros("007", "7")]
    #[case::negative_zero("-0", "0")]
    #[case::zeros_of_any_length("-0.000", "00")]
    #[case::zero_with_an_exponent("0e9", "0")]
    #[case::no_digit_before_the_point(".5", "0.5")]
    #[case::no_digit_after_the_point("5.", "5")]
    #[case::plus("+5", "5")]
    #[case::exponent("1e3", "1000")]
    #[case::capital_exponent("1.5E+2", "150")]
    #[case::negative_exponent("25e-1", "2.5")]
    #[case::leading_zeros_of_a_fraction("0.0012", "12e-4")]
    #[case::zeros_of_an_exponent("1e003", "1e3")]
    #[case::trailing_zeros_past_the_leading_digits(
        "1.00000000000000000000000000000000000000000000000000000000000",
        "1"
    )]
    #[case::trailing_zeros_after_forty_digits(
        "1234567890123456789012345678901234567890.1",
        "1234567890123456789012345678901234567890.1000"
    )]
    fn equal(#[case] left: &str, #[case] right: &str) {
        assert_eq!(decimal(left), decimal(right));
        assert_eq!(decimal(left).cmp(&decimal(right)), Ordering::Equal);
    }

    #[rstest]
    #[case::by_value_not_by_text("9", "10")]
    #[case::fraction("1.1", "1.2")]
    #[case::fraction_not_version("1.10", "1.2")]
    #[case::sign("-1", "0")]
    #[case::sign_beats_size("-1e9", "1e-9")]
    #[case::negative_numbers_turn_around("-2", "-1")]
    #[case::zero_is_smaller_than_any_fraction("0", "1e-2147483648")]
    #[case::more_than_a_float_tells_apart("9007199254740992", "9007199254740993")]
    #[case::last_of_39_digits("100000000000000000000000000000000000000", "100000000000000000000000000000000000001")]
    #[case::last_of_60_digits(
        "0.100000000000000000000000000000000000000000000000000000000001",
        "0.100000000000000000000000000000000000000000000000000000000002"
    )]
    #[case::exponents_are_never_written_out("1e2147483646", "1e2147483647")]
    fn less(#[case] smaller: &str, #[case] larger: &str) {
        assert!(decimal(smaller) < decimal(larger));
        assert!(decimal(larger) > decimal(smaller));
        assert_ne!(decimal(smaller), decimal(larger));
    }

    #[rstest]
    #[case::empty("", DecimalError::Empty)]
    #[case::prefix("10abc", DecimalError::Character('a'))]
    #[case::space_before(" 10", DecimalError::Character(' '))]
    #[case::space_after("10 ", DecimalError::Character(' '))]
    #[case::thousands("1,000", DecimalError::Character(','))]
    #[case::underscore("1_000", DecimalError::Character('_'))]
    #[case::hexadecimal("0x10", DecimalError::Character('x'))]
    #[case::not_a_number("NaN", DecimalError::Character('N'))]
    #[case::infinity("-Infinity", DecimalError::Character('I'))]
    #[case::two_points("1.2.3", DecimalError::Character('.'))]
    #[case::two_signs("--1", DecimalError::Character('-'))]
    #[case::other_digits("١", DecimalError::Character('١'))]
    #[case::wildcard("1*", DecimalError::Character('*'))]
    #[case::variable("${aws:MultiFactorAuthAge}", DecimalError::Character('$'))]
    #[case::sign_alone("-", DecimalError::NoDigits)]
    #[case::point_alone(".", DecimalError::NoDigits)]
    #[case::exponent_alone("e5", DecimalError::NoDigits)]
    #[case::exponent_without_digits("1e", DecimalError::NoDigits)]
    #[case::exponent_with_sign_only("1e+", DecimalError::NoDigits)]
    #[case::exponent_with_fraction("1e1.5", DecimalError::Character('.'))]
    #[case::two_exponents("1e2e3", DecimalError::Character('e'))]
    #[case::exponent_too_large("1e2147483648", DecimalError::Exponent)]
    #[case::exponent_too_small("1e-99999999999999999999", DecimalError::Exponent)]
    fn refused(#[case] text: &str, #[case] error: DecimalError) {
        assert_eq!(Decimal::parse(text), Err(error));
    }

    #[test]
    fn errors_speak_of_the_number() {
        assert_eq!(DecimalError::Character('a').to_string(), "`a` does not belong in a number");
        assert_eq!(DecimalError::Character('\n').to_string(), "`\\n` does not belong in a number");
    }

    #[test]
    fn a_million_digits_compare() {
        let nines = "9".repeat(1_000_000);
        assert!(decimal(&nines) < decimal(&format!("{nines}.5")));
        assert_eq!(decimal(&format!("0.{}", "0".repeat(1_000_000))), decimal("0"));
    }

    /// `coefficient / 10^scale`, written with a point.
    fn written(coefficient: i64, scale: u32) -> String {
        let power = 10_u64.pow(scale);
        let (integer, fraction) = (coefficient.unsigned_abs() / power, coefficient.unsigned_abs() % power);
        let sign = if coefficient < 0 { "-" } else { "" };
        format!("{sign}{integer}.{fraction:0width$}", width = scale as usize)
    }

    /// A coefficient and a scale. Small coefficients make equal numbers with unequal digits likely.
    fn scaled() -> impl Strategy<Value = (i64, u32)> {
        (prop_oneof![-200_i64..200, any::<i64>()], 0_u32..=12)
    }

    proptest! {
        #[test]
        fn order_is_that_of_scaled_integers((a, a_scale) in scaled(), (b, b_scale) in scaled()) {
            let scaled = |coefficient: i64, scale: u32| i128::from(coefficient) * 10_i128.pow(12 - scale);
            let order = decimal(&written(a, a_scale)).cmp(&decimal(&written(b, b_scale)));
            prop_assert_eq!(order, scaled(a, a_scale).cmp(&scaled(b, b_scale)));
        }

        #[test]
        fn a_point_and_an_exponent_say_the_same((coefficient, scale) in scaled()) {
            prop_assert_eq!(decimal(&written(coefficient, scale)), decimal(&format!("{coefficient}e-{scale}")));
        }

        #[test]
        fn long_integers_compare_by_length_then_digits(a in "[1-9][0-9]{30,60}", b in "[1-9][0-9]{30,60}") {
            let naive = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
            prop_assert_eq!(decimal(&a).cmp(&decimal(&b)), naive);
        }

        #[test]
        fn numbers_with_long_common_prefixes_compare_by_what_follows(
            prefix in "[1-9][0-9]{30,45}", a in "[0-9]{6}", b in "[0-9]{6}",
        ) {
            let order = decimal(&format!("{prefix}.{a}")).cmp(&decimal(&format!("{prefix}.{b}")));
            prop_assert_eq!(order, a.cmp(&b));
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = Decimal::parse(&text);
        }

        #[test]
        fn parts_say_what_the_text_says(integer: u64, fraction in "[0-9]{0,50}", negative: bool) {
            let digits = fraction.bytes().map(|digit| digit - b'0');
            let sign = if negative { "-" } else { "" };
            let text = format!("{sign}{integer}.{fraction}");
            prop_assert_eq!(Decimal::from_parts(negative, integer, digits), decimal(&text));
        }
    }
}

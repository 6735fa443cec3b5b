//! Which moment does a text name, and which of two comes first?
//!
//! The date operators take a date of the W3C profile of ISO 8601 or seconds since 1970, and compare moments, not
//! text (R4.4, R4.17): `2025-01-01T00:00:00Z` equals `1735689600`.
//!
//! * Dates: `YYYY`, `YYYY-MM` and `YYYY-MM-DD`, which name their first moment in UTC (*inferred*), and
//!   `YYYY-MM-DDThh:mmTZD`, `…:ssTZD`, `…:ss.sTZD` with any number of digits in the fraction. `TZD` is `Z` or
//!   `±hh:mm`, and a time cannot go without it. Letters are capitals, hours end at 23 and seconds at 59: the
//!   profile has neither `24:00` nor leap seconds.
//! * Seconds: any number that [`Decimal`] reads, with or without a fraction, of any size. Seconds, never
//!   milliseconds: `1735689600000` is the year 56971.
//! * Exactly four digits are both: a date operator reads the year ([`is_ambiguous`] tells a lint), a numeric
//!   operator the number ([`numeric_value`]).
//!
//! AWS pages: IAM JSON policy elements: Condition operators, "Date condition operators"; AWS KMS condition keys,
//! `kms:ValidTo`, which the samples compare with `NumericLessThanEquals` and `1546257599.0`.

use jiff::civil;

use super::numeric::Decimal;

/// A moment, exact to any fraction of a second.
///
/// ```
/// # use permitlab_evaluator::condition::date::Instant;
/// # fn main() -> Result<(), permitlab_evaluator::condition::date::DateError> {
/// assert_eq!(Instant::parse("2025-01-01T01:00:00+01:00")?, Instant::parse("1735689600")?);
/// assert!(Instant::parse("2024-12-31")? < Instant::parse("2025")?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    epoch_seconds: Decimal,
}

/// Why a text is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// None of the forms.
    #[error("not a date: neither `YYYY-MM-DD`, `YYYY-MM-DDThh:mm:ssZ` nor seconds since 1970")]
    Form,
    /// A time of day without the time zone it is told in.
    #[error("the time does not end in a time zone: `Z` or `+hh:mm`")]
    Zone,
    /// A month past 12, or 0.
    #[error("there is no month `{0:02}`")]
    Month(i8),
    /// A day the month does not have.
    #[error("`{year:04}-{month:02}` has no day `{day:02}`")]
    Day {
        /// The year.
        year: i16,
        /// The month, from 1 to 12.
        month: i8,
        /// The day it does not have.
        day: i8,
    },
    /// A time the clock does not show.
    #[error("there is no time `{hour:02}:{minute:02}:{second:02}`: hours end at 23, minutes and seconds at 59")]
    Time {
        /// The hour.
        hour: i8,
        /// The minute.
        minute: i8,
        /// The second.
        second: i8,
    },
    /// A time zone further than 23:59 from UTC.
    #[error("there is no time zone `{hour:02}:{minute:02}` from UTC")]
    Offset {
        /// The hours.
        hour: i8,
        /// The minutes.
        minute: i8,
    },
}

/// Whether a text is exactly four digits: a year to a date operator, and perhaps meant as seconds (R4.17).
pub fn is_ambiguous(text: &str) -> bool {
    text.len() == 4 && is_digits(text)
}

/// What a numeric operator compares when the key holds a date: seconds since 1970.
///
/// A number stands for itself here, four digits too: they are a year to date operators only (R4.17).
///
/// # Errors
/// [`DateError`] where the text is neither a number nor a date.
pub fn numeric_value(text: &str) -> Result<Decimal, DateError> {
    Decimal::parse(text).or_else(|_| Instant::parse(text).map(|instant| instant.epoch_seconds))
}

impl Instant {
    /// Reads a date of the W3C profile, or seconds since 1970.
    ///
    /// # Errors
    /// [`DateError`] where the text is neither, or names a day or time that does not exist.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let year = text.split('-').next().unwrap_or(text);
        if is_ambiguous(year) {
            return parse_calendar(text);
        }
        Decimal::parse(text).map(|epoch_seconds| Self { epoch_seconds }).map_err(|_| DateError::Form)
    }

    /// Seconds since 1970 in UTC, negative before; leap seconds do not count.
    pub fn epoch_seconds(&self) -> &Decimal {
        &self.epoch_seconds
    }

    /// The moment `seconds` plus a fraction of one second, given as its decimal digits.
    fn new(seconds: i64, fraction: &str) -> Self {
        let fraction = fraction.trim_end_matches('0');
        let digits = fraction.bytes().map(|digit| digit - b'0');
        let whole = seconds.unsigned_abs();
        let epoch_seconds = if seconds < 0 && !fraction.is_empty() {
            // -3 + 0.25 is -2.75: the digits are those of 1 - 0.25. The last one is not zero, so nothing carries.
            let last = fraction.len() - 1;
            let remainder = digits.enumerate().map(|(at, digit)| if at == last { 10 - digit } else { 9 - digit });
            Decimal::from_parts(true, whole - 1, remainder)
        } else {
            Decimal::from_parts(seconds < 0, whole, digits)
        };
        Self { epoch_seconds }
    }
}

const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A date, and the time of day with its zone when there is a `T`.
fn parse_calendar(text: &str) -> Result<Instant, DateError> {
    let Some((date, time)) = text.split_once('T') else {
        return Ok(Instant::new(seconds_since_epoch(parse_date(text)?, civil::Time::midnight()), ""));
    };
    if date.len() != "YYYY-MM-DD".len() {
        return Err(DateError::Form);
    }
    let date = parse_date(date)?;
    let (clock, ahead_of_utc) = split_zone(time)?;
    let (clock, fraction) = parse_clock(clock)?;
    Ok(Instant::new(seconds_since_epoch(date, clock) - ahead_of_utc, fraction))
}

fn seconds_since_epoch(date: civil::Date, time: civil::Time) -> i64 {
    date.to_datetime(time).duration_since(EPOCH).as_secs()
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn parse_date(text: &str) -> Result<civil::Date, DateError> {
    let mut fields = text.split('-');
    let year = number(fields.next().unwrap_or_default(), 4)?;
    let month = fields.next().map_or(Ok(1), two_digits)?;
    let day = fields.next().map_or(Ok(1), two_digits)?;
    if fields.next().is_some() {
        return Err(DateError::Form);
    }
    if !(1..=12).contains(&month) {
        return Err(DateError::Month(month));
    }
    civil::Date::new(year, month, day).map_err(|_| DateError::Day { year, month, day })
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s`: the time and the digits of its fraction.
fn parse_clock(text: &str) -> Result<(civil::Time, &str), DateError> {
    let (text, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if whole.len() == "hh:mm:ss".len() && is_digits(fraction) => (whole, fraction),
        Some(_) => return Err(DateError::Form),
        None => (text, ""),
    };
    let (hour, rest) = text.split_once(':').ok_or(DateError::Form)?;
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "00"));
    let (hour, minute, second) = (two_digits(hour)?, two_digits(minute)?, two_digits(second)?);
    let time = civil::Time::new(hour, minute, second, 0).map_err(|_| DateError::Time { hour, minute, second })?;
    Ok((time, fraction))
}

/// Splits the time zone off a time: how many seconds its clocks are ahead of UTC.
fn split_zone(time: &str) -> Result<(&str, i64), DateError> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Ok((clock, 0));
    }
    if let Some((clock, offset)) = time.rsplit_once('+') {
        return Ok((clock, parse_offset(offset)?));
    }
    let (clock, offset) = time.rsplit_once('-').ok_or(DateError::Zone)?;
    Ok((clock, -parse_offset(offset)?))
}

/// `hh:mm`, in seconds.
fn parse_offset(text: &str) -> Result<i64, DateError> {
    let (hour, minute) = text.split_once(':').ok_or(DateError::Zone)?;
    let field = |text| two_digits(text).map_err(|_| DateError::Zone);
    let (hour, minute) = (field(hour)?, field(minute)?);
    if hour > 23 || minute > 59 {
        return Err(DateError::Offset { hour, minute });
    }
    Ok(i64::from(hour) * 3600 + i64::from(minute) * 60)
}

fn two_digits(text: &str) -> Result<i8, DateError> {
    number(text, 2)
}

/// A number of exactly `width` digits.
fn number<N: std::str::FromStr>(text: &str, width: usize) -> Result<N, DateError> {
    let digits = if text.len() == width && is_digits(text) { text } else { "" };
    digits.parse().map_err(|_| DateError::Form)
}

/// At least one digit and nothing else.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn instant(text: &str) -> Instant {
        Instant::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[rstest]
    #[case::year("2025", "1735689600")]
    #[case::month("2025-02", "1738368000")]
    #[case::day("2025-01-02", "1735776000")]
    #[case::minute("2025-01-01T00:01Z", "1735689660")]
    #[case::second("2025-01-01T00:00:01Z", "1735689601")]
    #[case::fraction("2025-01-01T00:00:00.5Z", "1735689600.5")]
    #[case::fraction_of_zero("2025-01-01T00:00:00.000Z", "1735689600")]
    #[case::finer_than_a_nanosecond("2025-01-01T00:00:00.0000000000001Z", "1735689600.0000000000001")]
    #[case::ahead_of_utc("2025-01-01T05:30:00+05:30", "1735689600")]
    #[case::behind_utc("2024-12-31T16:00-08:00", "1735689600")]
    #[case::zero_offset("2025-01-01T00:00:00-00:00", "1735689600")]
    #[case::largest_offset("2025-01-01T23:59+23:59", "1735689600")]
    #[case::epoch("1970-01-01T00:00:00Z", "0")]
    #[case::before_the_epoch("1969-12-31T23:59:57Z", "-3")]
    #[case::fraction_before_the_epoch("1969-12-31T23:59:57.25Z", "-2.75")]
    #[case::fraction_just_before_the_epoch("1969-12-31T23:59:59.990Z", "-0.01")]
    #[case::leap_day("2024-02-29", "1709164800")]
    #[case::leap_century("2000-02-29", "951782400")]
    #[case::last_moment_of_9999("9999-12-31T23:59:59Z", "253402300799")]
    #[case::past_9999_in_utc("9999-12-31T23:59:59-01:00", "253402304399")]
    #[case::first_year("0000-01-01", "-62167219200")]
    #[case::fractional_seconds_of_the_kms_sample("2018-12-31T11:59:59Z", "1546257599.0")]
    #[case::five_digits_are_seconds("1970-01-01T03:25:45Z", "12345")]
    #[case::three_digits_are_seconds("1970-01-01T00:03:20Z", "200")]
    #[case::four_digits_and_a_point_are_seconds("1970-01-01T00:33:45Z", "2025.0")]
    fn equal(#[case] date: &str, #[case] seconds: &str) {
        assert_eq!(instant(date), instant(seconds));
        assert_eq!(instant(date).epoch_seconds(), &Decimal::parse(seconds).unwrap());
    }

    #[rstest]
    #[case::days("2024-12-31", "2025-01-01")]
    #[case::by_moment_not_by_text("2025-01-01T00:00:00+01:00", "2024-12-31T23:30:00Z")]
    #[case::fraction("2025-01-01T00:00:00.9Z", "2025-01-01T00:00:01Z")]
    #[case::fraction_before_the_epoch("1960-01-01T00:00:00.1Z", "1960-01-01T00:00:00.2Z")]
    #[case::mixed_forms("1735689599", "2025-01-01T00:00:00Z")]
    #[case::years("0999", "1000")]
    #[case::milliseconds_are_no_seconds("9999-12-31T23:59:59Z", "1735689600000")]
    fn ordered(#[case] earlier: &str, #[case] later: &str) {
        assert!(instant(earlier) < instant(later));
        assert!(instant(later) > instant(earlier));
    }

    const DAY_30: DateError = DateError::Day { year: 2025, month: 2, day: 30 };

    #[rstest]
    #[case::empty("", DateError::Form)]
    #[case::word("tomorrow", DateError::Form)]
    #[case::wildcard("2025-*", DateError::Form)]
    #[case::space("2025-01-01 ", DateError::Form)]
    #[case::space_for_the_t("2025-01-01 00:00:00Z", DateError::Form)]
    #[case::small_t("2025-01-01t00:00:00Z", DateError::Form)]
    #[case::two_digit_year("25-01-01", DateError::Form)]
    #[case::five_digit_year("12025-01-01", DateError::Form)]
    #[case::signed_year("-2025-01-01", DateError::Form)]
    #[case::one_digit_month("2025-1-01", DateError::Form)]
    #[case::signed_day("2025-01-+1", DateError::Form)]
    #[case::no_month("2025-", DateError::Form)]
    #[case::four_fields("2025-01-01-01", DateError::Form)]
    #[case::no_dashes_with_time("20250101T000000Z", DateError::Form)]
    #[case::slashes("2025/01/01", DateError::Form)]
    #[case::time_without_day("2025-01T00:00Z", DateError::Form)]
    #[case::hour_only("2025-01-01T00Z", DateError::Form)]
    #[case::one_digit_hour("2025-01-01T0:00Z", DateError::Form)]
    #[case::no_fraction_digits("2025-01-01T00:00:00.Z", DateError::Form)]
    #[case::fraction_of_a_minute("2025-01-01T00:00.5Z", DateError::Form)]
    #[case::comma("2025-01-01T00:00:00,5Z", DateError::Form)]
    #[case::four_clock_fields("2025-01-01T00:00:00:00Z", DateError::Form)]
    #[case::two_zones("2025-01-01T00:00ZZ", DateError::Form)]
    #[case::zone_on_a_date("2025-01-01Z", DateError::Form)]
    #[case::no_zone("2025-01-01T00:00:00", DateError::Zone)]
    #[case::small_z("2025-01-01T00:00:00z", DateError::Zone)]
    #[case::nothing_after_t("2025-01-01T", DateError::Zone)]
    #[case::offset_without_colon("2025-01-01T00:00:00+0100", DateError::Zone)]
    #[case::offset_of_hours("2025-01-01T00:00:00+01", DateError::Zone)]
    #[case::offset_with_seconds("2025-01-01T00:00:00+01:00:00", DateError::Zone)]
    #[case::named_zone("2025-01-01T00:00:00UTC", DateError::Zone)]
    #[case::two_offsets("2025-01-01T00:00+01:00-01:00", DateError::Zone)]
    #[case::month_13("2025-13", DateError::Month(13))]
    #[case::month_0("2025-00-01", DateError::Month(0))]
    #[case::day_30("2025-02-30T00:00:00Z", DAY_30)]
    #[case::day_0("2025-04-00", DateError::Day { year: 2025, month: 4, day: 0 })]
    #[case::no_leap_day("1900-02-29", DateError::Day { year: 1900, month: 2, day: 29 })]
    #[case::hour_24("2025-01-01T24:00Z", DateError::Time { hour: 24, minute: 0, second: 0 })]
    #[case::minute_60("2025-01-01T00:60Z", DateError::Time { hour: 0, minute: 60, second: 0 })]
    #[case::leap_second("2016-12-31T23:59:60Z", DateError::Time { hour: 23, minute: 59, second: 60 })]
    #[case::offset_24("2025-01-01T00:00+24:00", DateError::Offset { hour: 24, minute: 0 })]
    #[case::offset_minutes("2025-01-01T00:00-01:60", DateError::Offset { hour: 1, minute: 60 })]
    fn refused(#[case] text: &str, #[case] error: DateError) {
        assert_eq!(Instant::parse(text), Err(error));
    }

    #[test]
    fn errors_name_what_does_not_exist() {
        assert_eq!(DAY_30.to_string(), "`2025-02` has no day `30`");
        assert_eq!(DateError::Month(0).to_string(), "there is no month `00`");
    }

    #[rstest]
    #[case("2025", true)]
    #[case("0000", true)]
    #[case("202", false)]
    #[case("20255", false)]
    #[case("2025.0", false)]
    #[case("+202", false)]
    #[case("2025-01", false)]
    #[case("٢٥", false)]
    fn ambiguous(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_ambiguous(text), expected);
    }

    #[rstest]
    #[case::four_digits_are_a_number("2025", "2025")]
    #[case::seconds("1546257599.0", "1546257599")]
    #[case::date("2018-12-31T11:59:59Z", "1546257599")]
    fn to_a_numeric_operator(#[case] text: &str, #[case] number: &str) {
        assert_eq!(numeric_value(text), Ok(Decimal::parse(number).unwrap()));
    }

    #[test]
    fn to_a_numeric_operator_a_bad_date_is_no_number() {
        assert_eq!(numeric_value("2025-02-30"), Err(DAY_30));
    }

    /// A day as fields, and the days from 1970 to it, counted one year and one month at a time.
    fn days() -> impl Strategy<Value = (i64, u32, u32, i64)> {
        (1600..2400_i64, 1..=12_u32).prop_flat_map(|(year, month)| {
            let before: i64 = (1..month).map(|month| i64::from(days_in(year, month))).sum();
            let since = days_before(year) - days_before(1970) + before;
            (1..=days_in(year, month)).prop_map(move |day| (year, month, day, since + i64::from(day) - 1))
        })
    }

    fn days_before(year: i64) -> i64 {
        (1600..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum()
    }

    fn days_in(year: i64, month: u32) -> u32 {
        match month {
            2 if is_leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn is_leap(year: i64) -> bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// A date with time, zone and milliseconds, and the milliseconds since 1970 it stands for.
    fn dates() -> impl Strategy<Value = (String, i64)> {
        let clock = (0..24_i64, 0..60_i64, 0..60_i64, 0..1000_i64);
        (days(), clock, -1439..=1439_i64).prop_map(|((year, month, day, days), clock, offset)| {
            let (hour, minute, second, milli) = clock;
            let (sign, ahead) = (if offset < 0 { '-' } else { '+' }, offset.abs());
            let zone = format!("{sign}{:02}:{:02}", ahead / 60, ahead % 60);
            let text = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}{zone}");
            let seconds = days * 86400 + hour * 3600 + (minute - offset) * 60 + second;
            (text, seconds * 1000 + milli)
        })
    }

    proptest! {
        #[test]
        fn a_date_is_its_seconds_since_1970((text, millis) in dates()) {
            prop_assert_eq!(instant(&text), instant(&format!("{millis}e-3")));
        }

        #[test]
        fn order_is_that_of_the_milliseconds((a, a_millis) in dates(), (b, b_millis) in dates()) {
            prop_assert_eq!(instant(&a).cmp(&instant(&b)), a_millis.cmp(&b_millis));
        }

        #[test]
        fn reading_never_panics(text in "[0-9TZ:.+é-]{0,32}") {
            let _ = (Instant::parse(&text), numeric_value(&text));
        }
    }
}

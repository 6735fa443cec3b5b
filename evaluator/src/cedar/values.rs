//! What do the values of condition keys mean to Cedar?
//!
//! A key's value reaches Cedar as text and, for operators that read it as something else, as typed projections. These are
//! read here and not by the first engine's own readers, so that a slip in one of them shows.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::condition::{date, numeric};

/// How a text reads for a family of operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading<T> {
    /// As this.
    As(T),
    /// Not at all: nothing equals it.
    Unreadable,
    /// As something that Cedar's types have no room for.
    Beyond,
}

/// A number in thousandths.
pub(super) fn number(text: &str) -> Reading<i64> {
    if let Some(thousandths) = thousandths(text) {
        return Reading::As(thousandths);
    }
    if numeric::Decimal::parse(text).is_ok() { Reading::Beyond } else { Reading::Unreadable }
}

fn thousandths(text: &str) -> Option<i64> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |unsigned| (true, unsigned));
    let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || integer.len() > 12 || fraction.len() > 3 || !is_plain(integer) || !is_plain(fraction) {
        return None;
    }
    let value: i64 = format!("{integer}{fraction:0<3}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// An instant in milliseconds since 1970.
pub(super) fn instant(text: &str) -> Reading<i64> {
    if let Some(milliseconds) = milliseconds(text) {
        return Reading::As(milliseconds);
    }
    if date::Instant::parse(text).is_ok() { Reading::Beyond } else { Reading::Unreadable }
}

fn milliseconds(text: &str) -> Option<i64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // Four digits are a year (R4.17).
    if is_digits && text.len() > 4 && text.len() < 14 {
        return text.parse::<i64>().ok()?.checked_mul(1_000);
    }
    // A date and a time, to the second, with its zone.
    let zone = text.get(19..)?;
    let is_offset = zone.len() == 6 && zone.starts_with(['+', '-']);
    if text.get(10..11) != Some("T") || !(zone == "Z" || is_offset) {
        return None;
    }
    Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

/// An address, or a range of them with its host bits cleared, as Cedar writes it.
pub(super) fn range(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    text.parse::<IpNet>().ok().map(|range| range.trunc().to_string())
}

/// A single address.
pub(super) fn address(text: &str) -> Option<String> {
    text.parse::<IpAddr>().ok().map(|address| address.to_string())
}

/// `true` or `false` in any case (R4.18).
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The six fields of an ARN, split at its first five colons.
pub(super) fn arn(text: &str) -> Option<[&str; 6]> {
    let mut fields = text.splitn(6, ':');
    let six = [fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    Some(six)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_thousandths() {
        assert_eq!(number("8.0"), Reading::As(8_000));
        assert_eq!(number("-1.25"), Reading::As(-1_250));
        assert_eq!(number("1e3"), Reading::Beyond);
        assert_eq!(number("10abc"), Reading::Unreadable);
    }

    #[test]
    fn instants_in_milliseconds() {
        assert_eq!(instant("2025-01-01T00:00:00Z"), Reading::As(1_735_689_600_000));
        assert_eq!(instant("2025-01-01T01:00:00+01:00"), Reading::As(1_735_689_600_000));
        assert_eq!(instant("1735689600"), Reading::As(1_735_689_600_000));
        assert_eq!(instant("2025"), Reading::Beyond);
        assert_eq!(instant("soon"), Reading::Unreadable);
    }
}

//! Which values would a reader think of?
//!
//! Values that conditions name, with a word where they hold a wildcard; values close to those, as another Region, another
//! account or another type of resource; and for numbers, dates and addresses one value on either side of every operand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::catalog::KeyType;
use crate::condition::operator::Family;
use crate::condition::{Condition, Operand};

use super::strings::Symbol;
use super::value::{Arns, Wanted, arn_symbols, symbols};

/// What stands for a run of characters.
const WORDS: [&str; 3] = ["example", "", "other/example"];

/// The account of somebody else.
const OTHER_ACCOUNT: &str = "999999999999";

/// How many conditions that are not asked for give ideas.
const FEW: usize = 16;

/// Texts, the most natural first.
pub(super) fn natural(wanted: &[Wanted<'_>], all: &[&Condition]) -> Vec<String> {
    let asked = wanted.iter().filter(|(condition, holds)| *holds != condition.operator.base.is_negated());
    let asked: Vec<&Operand> = asked.flat_map(|(condition, _)| &condition.operands).collect();
    let own: Vec<String> = asked.iter().flat_map(|operand| filled(operand)).collect();
    let operands = all.iter().take(FEW).flat_map(|condition| condition.operands.iter().take(FEW));
    let others: Vec<String> = operands.flat_map(filled).collect();
    let close: Vec<String> = own.iter().chain(&others).take(4 * FEW).flat_map(|text| neighbours(text)).collect();
    let key = all.first().map(|condition| condition.key.folded()).unwrap_or_default();
    let plain = samples(key).iter().map(|text| (*text).to_owned());
    // Hosts have a form that filled wildcards rarely have.
    if key == "kms:viaservice" {
        let named = asked.iter().map(|operand| operand.text.as_str()).filter(|text| !text.contains(['*', '?']));
        let named: Vec<String> = named.map(str::to_owned).collect();
        return named.into_iter().chain(plain).chain(close).chain(own).collect();
    }
    own.into_iter().chain(close).chain(others).chain(plain).collect()
}

/// An operand with its wildcards filled.
fn filled(operand: &Operand) -> Vec<String> {
    let pattern = match (operand.as_pattern(), operand.as_arn()) {
        (Some(pattern), _) => symbols(pattern, false),
        (None, Some(pattern)) => match arn_symbols(pattern) {
            Arns::Of(pattern) => Some(pattern),
            Arns::Nothing | Arns::Open => None,
        },
        (None, None) => return vec![operand.text.as_str().to_owned()],
    };
    let Some(pattern) = pattern else { return Vec::new() };
    let is_wild = pattern.iter().any(|symbol| !matches!(symbol, Symbol::Exactly(_)));
    let words = if is_wild { &WORDS[..] } else { &[""] };
    words.iter().map(|word| fill(&pattern, word)).collect()
}

fn fill(pattern: &[Symbol], word: &str) -> String {
    let mut text = String::new();
    for (at, symbol) in pattern.iter().enumerate() {
        // The word after it is one character and more.
        let is_filled = matches!(pattern.get(at + 1), Some(Symbol::Run | Symbol::RunInField)) && !word.is_empty();
        match symbol {
            Symbol::Exactly(character) => text.push(*character),
            Symbol::One | Symbol::OneInField if is_filled => {}
            Symbol::One | Symbol::OneInField => text.push('1'),
            Symbol::Run if text.starts_with("arn:aws:bedrock:") && text.ends_with(':') && word == WORDS[0] => {
                text.push_str("custom-model/example");
            }
            Symbol::Run => text.push_str(word),
            Symbol::RunInField => text.push_str(match text.matches(':').count() {
                _ if word.is_empty() => "",
                1 => "aws",
                2 => "s3",
                3 => "us-east-1",
                4 => OTHER_ACCOUNT,
                _ => "example",
            }),
        }
    }
    text
}

/// Texts that differ in one place: another resource, account, Region, service.
fn neighbours(text: &str) -> Vec<String> {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    if let [arn, partition, service, region, account, resource] = fields.as_slice()
        && *arn == "arn"
    {
        let joined = |service: &str, region: &str, account: &str, resource: &str| {
            [arn, partition, service, region, account, resource].join(":")
        };
        let other_region = if *region == "us-east-1" { "eu-west-1" } else { "us-east-1" };
        let kind = resource.split_once('/').map_or(*resource, |(kind, _)| kind);
        return vec![
            joined(service, region, OTHER_ACCOUNT, resource),
            joined(service, region, account, &format!("{kind}/other")),
            joined(service, region, account, "other/example"),
            joined(service, other_region, account, resource),
            joined("s3", "", "", "example-bucket"),
        ];
    }
    match text.split('.').collect::<Vec<_>>().as_slice() {
        [service, region, "amazonaws", "com"] => {
            let other_region = if *region == "us-east-1" { "eu-west-1" } else { "us-east-1" };
            let other_service = if *service == "s3" { "dynamodb" } else { "s3" };
            vec![format!("{other_service}.{region}.amazonaws.com"), format!("{service}.{other_region}.amazonaws.com")]
        }
        _ => vec![format!("{text}-other"), format!("other-{text}")],
    }
}

/// Values that some keys have in the field.
fn samples(key: &str) -> &'static [&'static str] {
    match key {
        "aws:sourcearn" => &["arn:aws:s3:::example-bucket", "arn:aws:lambda:us-east-1:999999999999:function:other"],
        "aws:principalarn" => &["arn:aws:iam::999999999999:role/other"],
        "kms:viaservice" => &["dynamodb.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"],
        "aws:principalorgid" | "aws:sourceorgid" | "aws:resourceorgid" => &["o-otherorg11"],
        "aws:sourceip" | "aws:vpcsourceip" => &["203.0.113.9"],
        key if key.ends_with("account") => &[OTHER_ACCOUNT],
        _ => &["other", "example", "x", ""],
    }
}

/// A value of a key's type, where the type leaves no other values: an operand that cannot be read tells none of them from
/// another, and neither does the question whether the key is there.
pub(super) fn of_type(key_type: Option<KeyType>) -> Option<&'static str> {
    match key_type? {
        KeyType::Arn | KeyType::Arns => Some("arn:aws:s3:::example-bucket"),
        KeyType::Date => Some("2026-01-01T00:00:00Z"),
        KeyType::Numeric => Some("1"),
        KeyType::Ip => Some("203.0.113.9"),
        KeyType::Bool | KeyType::Bools | KeyType::String | KeyType::Strings => None,
    }
}

/// Decimal places of the numbers between operands; those of operands are one fewer.
const PLACES: u32 = 7;

/// Whether the operand has a place among the values that [`on_either_side`] makes, or nothing equals it.
pub(super) fn is_placed(operand: &Operand) -> bool {
    match operand.as_number() {
        Some(number) => number.scaled(PLACES - 1).is_some(),
        None => true,
    }
}

/// A value for every case that operators on numbers, dates, addresses, booleans and bytes could tell from others.
pub(super) fn on_either_side(wanted: &[Wanted<'_>]) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let families: Vec<Family> = wanted.iter().map(|(condition, _)| condition.operator.base.family()).collect();
    let operands: Vec<&Operand> = wanted.iter().flat_map(|(condition, _)| &condition.operands).collect();
    let has = |wanted: &[Family]| families.iter().any(|family| wanted.contains(family));
    if has(&[Family::Numeric, Family::Date]) {
        values.extend(numbers(&operands));
    }
    if has(&[Family::Ip]) {
        values.extend(addresses(&operands));
    }
    if has(&[Family::Bool, Family::Null]) {
        values.extend(["false", "true"].map(str::to_owned));
    }
    if has(&[Family::Binary]) {
        values.extend(operands.iter().map(|operand| operand.text.as_str().to_owned()));
        values.push("cGVybWl0bGFiIGhhcyBub3RoaW5nIHRvIGRvIHdpdGggaXQ=".to_owned());
    }
    // Neither a number, an address, a boolean nor Base64; and nothing at all.
    values.extend(["none of these!".to_owned(), String::new()]);
    values
}

fn numbers(operands: &[&Operand]) -> Vec<String> {
    const ONE: i128 = 10_i128.pow(PLACES);
    let mut places: Vec<i128> = operands.iter().filter_map(|operand| operand.as_number()?.scaled(PLACES)).collect();
    places.sort_unstable();
    places.dedup();
    let mut values: Vec<String> = operands.iter().map(|operand| operand.text.as_str().to_owned()).collect();
    let mut add = |place: i128| values.push(decimal(place));
    for (at, place) in places.iter().enumerate() {
        let next = places.get(at + 1);
        let one_more = place.saturating_add(ONE);
        match next {
            Some(next) if one_more >= *next => add(place + (next - place) / 2),
            Some(_) | None => add(one_more),
        }
    }
    if let Some(first) = places.first() {
        add(first.saturating_sub(ONE));
    }
    values
}

/// A number of so many places, in a form that date operators read as seconds.
fn decimal(place: i128) -> String {
    let one = 10_u128.pow(PLACES);
    let (whole, fraction) = (place.unsigned_abs() / one, place.unsigned_abs() % one);
    let sign = if place < 0 { "-" } else { "" };
    let fraction = format!("{fraction:07}");
    let fraction = fraction.trim_end_matches('0');
    let whole_text = format!("{sign}{whole}");
    if !fraction.is_empty() {
        format!("{whole_text}.{fraction}")
    } else if whole_text.len() == 4 {
        format!("{whole_text}.0")
    } else {
        whole_text
    }
}

fn addresses(operands: &[&Operand]) -> Vec<String> {
    let mut found: Vec<IpAddr> = Vec::new();
    for (first, last) in
        operands.iter().filter_map(|operand| operand.as_range()).map(crate::condition::ip::IpRange::ends)
    {
        found.push(first);
        found.extend(after(last));
    }
    found.extend([IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]);
    found.iter().map(ToString::to_string).collect()
}

fn after(address: IpAddr) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => Ipv4Addr::from(u32::from(address).checked_add(1)?).into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address).checked_add(1)?).into(),
    })
}

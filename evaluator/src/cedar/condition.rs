//! How is a condition written in Cedar?
//!
//! Rules R4.2 to R4.20. A key is present where its set of values is; a test of a single value looks at the value and at
//! its typed projections. What has no form in Cedar is an opaque atom: its truth is computed by the operators of the
//! first engine, and counted.

use super::text::{like, literal, quoted};
use super::values::{self, Reading};
use super::{Atom, Lowering, Projection};
use crate::catalog::KeyType;
use crate::condition::Condition;
use crate::condition::operator::{Base, Family, SetOperator};
use crate::policy::Version;

/// A condition as a Cedar expression.
pub(super) fn lower(condition: &Condition, version: Version, lowering: &mut Lowering) -> String {
    let key = condition.key.folded();
    let exact = match (condition.operator.base.family(), condition.operator.set) {
        (Family::Null, _) => Some(null(condition, key, lowering)),
        (_, SetOperator::None) => single(condition, key, version, lowering),
        (Family::String, SetOperator::ForAllValues | SetOperator::ForAnyValue) => {
            set(condition, key, version, lowering)
        }
        (
            Family::Numeric | Family::Date | Family::Bool | Family::Binary | Family::Ip | Family::Arn,
            SetOperator::ForAllValues | SetOperator::ForAnyValue,
        ) => None,
    };
    exact.unwrap_or_else(|| lowering.opaque(Atom::Condition(condition.clone())))
}

/// Whether the key is there, and has a value if it is a set (R4.8).
fn null(condition: &Condition, key: &str, lowering: &mut Lowering) -> String {
    let set = lowering.project(key, Projection::Set);
    let is_absent = format!("(if context.k has {set} then context.k[{set}].isEmpty() else true)");
    let wanted = condition.operands.iter().filter_map(|operand| values::boolean(operand.text.as_str()));
    let tests: Vec<_> = wanted.map(|absent| if absent { is_absent.clone() } else { format!("!{is_absent}") }).collect();
    any(&tests)
}

/// A test of one value, in the frame of presence (R4.6, R4.11).
fn single(condition: &Condition, key: &str, version: Version, lowering: &mut Lowering) -> Option<String> {
    let operator = condition.operator;
    let negated = operator.base.is_negated();
    let test = if condition.key_type.is_some_and(KeyType::is_multivalued) {
        "false".to_owned()
    } else {
        let value = lowering.project(key, Projection::Text);
        let (readable, equal) = equal(condition, key, version, lowering)?;
        match negated {
            false => equal,
            true if readable => format!("(context.k has {value} && !({equal}))"),
            true => "false".to_owned(),
        }
    };
    let test = match operator.base.family() {
        // A value that is no number is neither equal nor, for certain, unequal (R4.16).
        Family::Numeric | Family::Date | Family::Bool | Family::Ip if negated && test != "false" => {
            let typed = lowering.project(key, projection(condition));
            format!("(context.k has {typed} && {test})")
        }
        Family::String
        | Family::Numeric
        | Family::Date
        | Family::Bool
        | Family::Binary
        | Family::Ip
        | Family::Arn
        | Family::Null => test,
    };
    let set = lowering.project(key, Projection::Set);
    Some(format!("(if context.k has {set} then {test} else {})", operator.if_exists || negated))
}

fn projection(condition: &Condition) -> Projection {
    match condition.operator.base.family() {
        Family::Numeric if condition.key_type == Some(KeyType::Date) => Projection::Instant,
        Family::Numeric => Projection::Number,
        Family::Date => Projection::Instant,
        Family::Bool => Projection::Lower,
        Family::Ip => Projection::Address,
        Family::Arn => Projection::Arn,
        Family::String | Family::Binary | Family::Null => Projection::Text,
    }
}

/// Whether the value equals one of the operands, and whether all of these can be read.
fn equal(condition: &Condition, key: &str, version: Version, lowering: &mut Lowering) -> Option<(bool, String)> {
    let base = condition.operator.base;
    let mut tests = Vec::new();
    let mut readable = true;
    for operand in &condition.operands {
        let text = operand.text.as_str();
        let test = match base.family() {
            Family::String => Reading::As(string(base, text, key, version, lowering)?),
            Family::Arn => arn(text, key, version, lowering),
            Family::Bool => {
                let lower = lowering.project(key, Projection::Lower);
                let test = |wanted| present(&lower, &format!("context.k[{lower}] == \"{wanted}\""));
                values::boolean(text).map_or(Reading::Unreadable, |wanted| Reading::As(test(wanted)))
            }
            Family::Ip => {
                let address = lowering.project(key, Projection::Address);
                let within = |range| present(&address, &format!("context.k[{address}].isInRange(ip(\"{range}\"))"));
                values::range(text).map_or(Reading::Unreadable, |range| Reading::As(within(range)))
            }
            Family::Numeric | Family::Date => ordered(condition, text, key, lowering),
            Family::Binary | Family::Null => Reading::Beyond,
        };
        match test {
            Reading::As(test) => tests.push(test),
            // A pattern that is no ARN is like nothing, and everything is unlike it (R4.15).
            Reading::Unreadable => readable &= base.family() == Family::Arn,
            Reading::Beyond => return None,
        }
    }
    Some((readable, any(&tests)))
}

fn string(base: Base, text: &str, key: &str, version: Version, lowering: &mut Lowering) -> Option<String> {
    if base.ignores_case() {
        let wanted = literal(text, version)?.to_ascii_lowercase();
        let lower = lowering.project(key, Projection::Lower);
        return wanted.is_ascii().then(|| present(&lower, &format!("context.k[{lower}] == {}", quoted(&wanted))));
    }
    let value = lowering.project(key, Projection::Text);
    let subject = format!("context.k[{value}]");
    let test = if base.has_wildcards() {
        like(&subject, text, version)?
    } else {
        format!("{subject} == {}", quoted(&literal(text, version)?))
    };
    Some(present(&value, &test))
}

/// Field by field (R4.15).
fn arn(text: &str, key: &str, version: Version, lowering: &mut Lowering) -> Reading<String> {
    if literal(text, version).is_none() {
        return Reading::Beyond;
    }
    let Some(fields) = values::arn(text) else { return Reading::Unreadable };
    let arn = lowering.project(key, Projection::Arn);
    let test = by_field(&format!("context.k[{arn}]"), fields, version);
    test.map_or(Reading::Beyond, |test| Reading::As(present(&arn, &test)))
}

/// Whether each field of an ARN is like the pattern's.
pub(super) fn by_field(subject: &str, fields: [&str; 6], version: Version) -> Option<String> {
    let names = ["arn", "partition", "service", "region", "account", "resource"];
    let test = |(name, pattern): (&str, &str)| like(&format!("{subject}.{name}"), pattern, version);
    let tests: Vec<String> = names.into_iter().zip(fields).map(test).collect::<Option<_>>()?;
    let tests: Vec<String> = tests.into_iter().filter(|test| test != "true").collect();
    Some(if tests.is_empty() { "true".to_owned() } else { format!("({})", tests.join(" && ")) })
}

/// A comparison of numbers or instants. Thousandths of a second since 1970 are milliseconds (R4.17).
fn ordered(condition: &Condition, text: &str, key: &str, lowering: &mut Lowering) -> Reading<String> {
    let base = condition.operator.base;
    let reading = if base.family() == Family::Date { values::instant(text) } else { values::number(text) };
    let operand = match reading {
        Reading::As(operand) => operand,
        Reading::Unreadable => return Reading::Unreadable,
        Reading::Beyond => return Reading::Beyond,
    };
    let name = base.name();
    let sign = match (name.contains("LessThan"), name.contains("GreaterThan"), name.ends_with("ThanEquals")) {
        (true, _, false) => "<",
        (true, _, true) => "<=",
        (_, true, false) => ">",
        (_, true, true) => ">=",
        (false, false, _) => "==",
    };
    let value = lowering.project(key, projection(condition));
    Reading::As(present(&value, &format!("context.k[{value}] {sign} {operand}")))
}

/// Sets of literal strings (R4.9). What is compared with wildcards or without case has no form for sets.
fn set(condition: &Condition, key: &str, version: Version, lowering: &mut Lowering) -> Option<String> {
    let operator = condition.operator;
    if operator.base.ignores_case() {
        return None;
    }
    let texts = condition.operands.iter().map(|operand| {
        let text = operand.text.as_str();
        let is_plain = !operator.base.has_wildcards() || !text.contains(['*', '?']);
        literal(text, version).filter(|_| is_plain).map(|text| quoted(&text))
    });
    let wanted = format!("[{}]", texts.collect::<Option<Vec<_>>>()?.join(", "));
    let set = lowering.project(key, Projection::Set);
    let values = format!("context.k[{set}]");
    let (all, any) = (format!("{wanted}.containsAll({values})"), format!("{wanted}.containsAny({values})"));
    let test = match (operator.set, operator.base.is_negated()) {
        (SetOperator::ForAllValues, false) => format!("([\"\"].containsAll({values}) || {all})"),
        (SetOperator::ForAllValues, true) => format!("([\"\"].containsAll({values}) || !{any})"),
        (SetOperator::ForAnyValue | SetOperator::None, false) => any,
        (SetOperator::ForAnyValue | SetOperator::None, true) => format!("!{all}"),
    };
    let when_absent = operator.if_exists || operator.set == SetOperator::ForAllValues;
    Some(format!("(if context.k has {set} then {test} else {when_absent})"))
}

fn present(name: &str, test: &str) -> String {
    if test == "true" { format!("context.k has {name}") } else { format!("(context.k has {name} && {test})") }
}

/// One of several tests.
pub(super) fn any(tests: &[String]) -> String {
    match tests {
        [] => "false".to_owned(),
        [only] => only.clone(),
        several => format!("({})", several.join(" || ")),
    }
}

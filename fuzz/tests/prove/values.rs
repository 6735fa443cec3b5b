//! Which values lie near those that conditions name?

use std::collections::BTreeMap;

use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::condition::operator::Family;
use permitlab_evaluator::context::{ConditionKey, Values};

use crate::calls::has_form;

/// What a variable stands for, of callers in these worlds.
const FILLINGS: [&str; 4] = ["111122223333", "444455556666", "ann", "red"];

/// Of each key that the conditions look at: that it is absent, and values that they tell apart.
pub(crate) fn near<'c>(conditions: &[&'c Condition]) -> BTreeMap<ConditionKey, Vec<Option<Values>>> {
    let mut of_key: BTreeMap<ConditionKey, Vec<&'c Condition>> = BTreeMap::new();
    for condition in conditions {
        of_key.entry(condition.key.clone()).or_default().push(condition);
    }
    of_key
        .into_iter()
        .map(|(key, conditions)| {
            let texts = texts(&conditions);
            let is_multivalued = conditions.iter().any(|condition| condition.is_multivalued());
            let all = if is_multivalued { sets(&texts) } else { texts.into_iter().map(Values::One).collect() };
            let sent = all.into_iter().filter(|values| has_form(&key, values));
            let values = std::iter::once(None).chain(sent.map(Some)).collect();
            (key, values)
        })
        .collect()
}

/// No value, each of them, and every two.
fn sets(texts: &[String]) -> Vec<Values> {
    let mut sets = vec![Vec::new()];
    for (at, one) in texts.iter().enumerate() {
        sets.push(vec![one.clone()]);
        sets.extend(texts.iter().skip(at + 1).take(8).map(|other| vec![one.clone(), other.clone()]));
    }
    sets.into_iter().map(Values::Many).collect()
}

/// The texts that the operands of conditions on one key name, and those near them.
fn texts(conditions: &[&Condition]) -> Vec<String> {
    let mut texts = vec!["unnamed".to_owned()];
    let operands =
        || conditions.iter().flat_map(|each| each.operands.iter().map(|operand| (*each, operand.text.as_str())));
    // What a wildcard of one operand may stand for so that the text fits another one as well.
    let pieces: Vec<&str> = ["", "x"]
        .into_iter()
        .chain(operands().flat_map(|(_, text)| text.split(['*', '?'])).filter(|piece| !piece.is_empty()))
        .collect();
    for (condition, text) in operands() {
        match condition.operator.base.family() {
            Family::Null => texts.extend(["x", "true", "1", "2026-06-01T12:00:00Z", "203.0.113.7"].map(str::to_owned)),
            Family::Numeric => texts.extend(numbers(text)),
            Family::Date => texts.extend(dates(text)),
            Family::Bool => texts.extend(["true", "false"].map(str::to_owned)),
            Family::Ip => texts.extend(addresses(text)),
            Family::Binary => texts.push(text.to_owned()),
            Family::String | Family::Arn => {
                let has_wildcards =
                    condition.operator.base.has_wildcards() || condition.operator.base.family() == Family::Arn;
                for text in without_variables(text) {
                    let filled: Vec<String> = if has_wildcards && text.contains(['*', '?']) {
                        pieces.iter().map(|piece| text.replace('*', piece).replace('?', "a")).collect()
                    } else {
                        vec![text]
                    };
                    texts.extend(filled.iter().flat_map(|text| around(text)));
                }
            }
        }
    }
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// A text, and texts that differ from it in case, in an account or Region, or by a letter.
fn around(text: &str) -> Vec<String> {
    vec![
        text.to_owned(),
        format!("{text}x"),
        format!("x{text}"),
        text.to_uppercase(),
        text.to_lowercase(),
        text.replace("us-east-1", "eu-west-1").replace("111122223333", "444455556666"),
    ]
}

/// The text with its variables replaced by what they could stand for.
fn without_variables(text: &str) -> Vec<String> {
    let Some((before, rest)) = text.split_once("${") else { return vec![text.to_owned()] };
    let Some((variable, after)) = rest.split_once('}') else { return vec![text.to_owned()] };
    let mut fillings: Vec<&str> = match variable {
        "*" | "?" | "$" => vec![variable],
        _ => FILLINGS.to_vec(),
    };
    fillings.extend(variable.split('\'').nth(1));
    let rest = without_variables(after);
    let of = |filling: &&str| rest.iter().map(|rest| format!("{before}{filling}{rest}")).collect::<Vec<_>>();
    fillings.iter().flat_map(of).collect()
}

/// A number, and those next to it.
fn numbers(text: &str) -> Vec<String> {
    let mut all = [text, "0", "1", "-1000000000", "9e9"].map(str::to_owned).to_vec();
    if let Ok(number) = text.parse::<f64>()
        && number.abs() < 1e12
    {
        all.extend([-1.0, -0.0005, 0.0005, 1.0].map(|step| (number + step).to_string()));
    }
    all
}

/// A date, one second around it, and dates far from it.
fn dates(text: &str) -> Vec<String> {
    let far = ["2025-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-09-01T00:00:00Z", "2030-01-01T00:00:00Z"];
    let mut all = [&[text][..], &far].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    all.extend(["11:59:58", "11:59:59", "12:00:00", "12:00:01", "12:00:02"].map(|time| format!("2026-06-01T{time}Z")));
    all.extend(numbers(text));
    all
}

/// Addresses in a range and beside it, of either family.
fn addresses(text: &str) -> Vec<String> {
    let start = text.split('/').next().unwrap_or_default();
    let near =
        ["203.0.113.6", "203.0.113.7", "203.0.113.8", "203.0.113.9", "203.0.113.200", "198.51.100.1", "192.0.2.1"];
    let six = ["2001:db8::6", "2001:db8::7", "2001:db8::8", "2001:db8::f", "2001:db8:1::1", "2001:db9::1"];
    [&[start][..], &near, &six].concat().into_iter().map(str::to_owned).collect()
}

//! Conditions on keys that the calls carry, lack, or almost carry.

use serde_json::{Map, Value, json};

use super::{HOME, JOB, OTHER, TIME, pick};

/// Condition keys, with a value that some of the calls have and the family of operators that fits.
const KEYS: &[(&str, &str, Family)] = &[
    ("kms:ViaService", "s3.us-east-1.amazonaws.com", Family::String),
    ("aws:PrincipalArn", "arn:aws:iam::111122223333:role/caller", Family::Arn),
    ("aws:PrincipalAccount", HOME, Family::String),
    ("kms:EncryptionContext:app", "red", Family::String),
    ("kms:EncryptionContextKeys", "app", Family::Strings),
    ("aws:SourceArn", JOB, Family::Arn),
    ("aws:SourceAccount", HOME, Family::String),
    ("aws:PrincipalOrgID", "o-exampleorg1", Family::String),
    ("aws:PrincipalTag/team", "red", Family::String),
    ("aws:ResourceTag/team", "red", Family::String),
    ("kms:CallerAccount", HOME, Family::String),
    ("aws:SourceIp", "203.0.113.7", Family::Ip),
    ("aws:MultiFactorAuthPresent", "true", Family::Bool),
    ("aws:SourceVpce", "vpce-0a1b2c3d", Family::String),
    ("aws:CurrentTime", TIME, Family::Date),
    ("aws:TokenIssueTime", TIME, Family::Date),
    ("aws:PrincipalIsAWSService", "true", Family::Bool),
    ("aws:RequestedRegion", "us-east-1", Family::String),
    ("kms:ResourceAliases", "alias/app", Family::Strings),
    ("kms:GrantOperations", "Decrypt", Family::Strings),
    ("aws:PrincipalType", "AssumedRole", Family::String),
    ("aws:SecureTransport", "true", Family::Bool),
    ("aws:ViaAWSService", "true", Family::Bool),
    ("aws:username", "ann", Family::String),
    ("aws:PrincipalOrgPaths", "o-exampleorg1/root/work/", Family::Strings),
    ("aws:ResourceAccount", HOME, Family::String),
    ("kms:ScheduleKeyDeletionPendingWindowInDays", "7", Family::Numeric),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    String,
    Strings,
    Arn,
    Numeric,
    Date,
    Bool,
    Ip,
}

/// The conditions of a statement; two on one key under one operator become one.
pub(super) fn block(recipes: &[[u8; 6]], arn: &str) -> Map<String, Value> {
    let mut block: Map<String, Value> = Map::new();
    for recipe in recipes {
        let (operator, key, values) = condition(*recipe, arn);
        let under = block.entry(operator).or_insert_with(|| json!({}));
        if let Some(under) = under.as_object_mut() {
            under.entry(key).or_insert(values);
        }
    }
    block
}

fn condition([set, base, if_exists, key, value, second]: [u8; 6], arn: &str) -> (String, String, Value) {
    let (key, now, family) = pick(KEYS, key);
    let base = match (base % 16, family) {
        (0, _) => "Null",
        (15, _) => "StringLike",
        (14, _) => "StringNotEqualsIgnoreCase",
        (number, Family::String | Family::Strings) => {
            pick(&["StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase"], number)
        }
        (number, Family::Arn) => {
            pick(&["ArnLike", "ArnEquals", "StringLike", "ArnNotEquals", "ArnNotLike", "StringEquals"], number)
        }
        (number, Family::Numeric) => {
            pick(&["NumericEquals", "NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"], number)
        }
        (number, Family::Date) => pick(&["DateLessThan", "DateGreaterThan", "DateEquals", "DateNotEquals"], number),
        (_, Family::Bool) => "Bool",
        (number, Family::Ip) => pick(&["IpAddress", "NotIpAddress"], number),
    };
    if base == "Null" {
        return ("Null".to_owned(), key.to_owned(), json!(if value & 1 == 0 { "true" } else { "false" }));
    }
    let set = match (family == Family::Strings, set % 16) {
        (true, 0..6) | (false, 14) => "ForAnyValue:",
        // KMS stores no key policy with `ForAllValues` on a pair of the encryption context.
        (false, 15) if key.starts_with("kms:") => "",
        (true, 6..12) | (false, 15) => "ForAllValues:",
        (_, _) => "",
    };
    let if_exists = if if_exists % 4 == 3 { "IfExists" } else { "" };
    let mut values = vec![operand(value, now, family, arn)];
    if second % 3 == 2 {
        values.push(operand(second / 3, now, family, arn));
    }
    (format!("{set}{base}{if_exists}"), key.to_owned(), json!(values))
}

/// The value itself, or one that is near it.
fn operand(number: u8, now: &str, family: Family, arn: &str) -> String {
    if family == Family::Ip {
        return pick(&["203.0.113.0/24", "203.0.113.7", "203.0.113.8/31", "198.51.100.0/24", "2001:db8::/32"], number)
            .to_owned();
    }
    if family == Family::Date {
        return pick(&["2026-06-01T12:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01", "1780315200"], number).to_owned();
    }
    match number % 12 {
        0 | 1 | 10 | 11 => now.to_owned(),
        2 => "*".to_owned(),
        3 => format!("{}*", now.get(..now.len() / 2).unwrap_or_default()),
        4 => format!("*{}", now.get(now.len() / 2..).unwrap_or_default()),
        5 => now.to_ascii_uppercase(),
        6 => now.replace(HOME, OTHER),
        7 => format!("{now}x"),
        8 => pick(
            &[
                "${aws:PrincipalAccount}",
                "${aws:username}",
                "${aws:PrincipalTag/team, 'red'}",
                "${aws:PrincipalTag/none}",
            ],
            number / 12,
        )
        .to_owned(),
        _ => pick(&["blue", "false", "", arn, "b", "alias/blue", "Encrypt"], number / 12).to_owned(),
    }
}

/// What a call states of itself, so that no key is left open: some of it absent, some with a value.
pub(super) fn stated(number: u8, endpoint: u8, has_endpoint: bool, call: &str) -> Map<String, Value> {
    let mut context = Map::new();
    let mut state = |key: &str, value: Value| {
        context.insert(key.to_owned(), value);
    };
    state("aws:SourceIp", if number & 1 == 0 { json!("203.0.113.7") } else { Value::Null });
    state(
        "aws:MultiFactorAuthPresent",
        pick(&[json!("true"), json!("false"), Value::Null].each_ref(), number / 2).clone(),
    );
    state("aws:SecureTransport", json!("true"));
    state("aws:TokenIssueTime", pick(&[json!(TIME), json!("2026-05-01T00:00:00Z")].each_ref(), number / 3).clone());
    let through = has_endpoint && endpoint % 3 == 1;
    state("aws:SourceVpce", if through { json!("vpce-0a1b2c3d") } else { Value::Null });
    if call == "kms:CreateGrant" {
        let operations =
            pick(&[json!(["Decrypt"]), json!(["Decrypt", "Encrypt"]), json!(["DescribeKey"])].each_ref(), number / 7)
                .clone();
        state("kms:GrantOperations", operations);
    }
    if call == "kms:ScheduleKeyDeletion" {
        state("kms:ScheduleKeyDeletionPendingWindowInDays", json!(pick(&["7", "30", "8.0"], number / 5)));
    }
    context
}

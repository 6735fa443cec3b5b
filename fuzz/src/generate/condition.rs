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
    ("aws:MultiFactorAuthAge", "300", Family::Numeric),
    ("aws:CurrentTime", TIME, Family::Date),
    ("aws:EpochTime", "1780315200", Family::Numeric),
    ("kms:EncryptionContext:App", "red", Family::String),
    ("aws:CalledVia", "s3.amazonaws.com", Family::Strings),
    ("sts:ExternalId", "permitlab-7f3a", Family::String),
    ("aws:MultiFactorAuthAge", "300", Family::Numeric),
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
        // A key in two cases is one key twice.
        if let Some(under) = under.as_object_mut()
            && !under.keys().any(|known| known.eq_ignore_ascii_case(&key))
        {
            under.insert(key, values);
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
        (13, Family::String) => "BinaryEquals",
        (number, Family::String | Family::Strings) => {
            pick(&["StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase"], number)
        }
        (number, Family::Arn) => {
            pick(&["ArnLike", "ArnEquals", "StringLike", "ArnNotEquals", "ArnNotLike", "StringEquals"], number)
        }
        (number, Family::Numeric) => {
            let less = ["NumericLessThan", "NumericLessThanEquals"];
            let more = ["NumericGreaterThan", "NumericGreaterThanEquals"];
            pick(&[["NumericEquals", "NumericNotEquals"], less, more].concat(), number)
        }
        (number, Family::Date) => {
            let less = ["DateLessThan", "DateLessThanEquals"];
            let more = ["DateGreaterThan", "DateGreaterThanEquals"];
            pick(&[["DateEquals", "DateNotEquals"], less, more].concat(), number)
        }
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
    let is_binary = base == "BinaryEquals";
    let operand = |number: u8| {
        // `red`, `app`, an account and bytes that are nowhere.
        let bytes = ["cmVk", "YXBw", "MTExMTIyMjIzMzMz", "AAEC"];
        if is_binary { pick(&bytes, number).to_owned() } else { operand(number, now, family, arn) }
    };
    let mut values = vec![operand(value)];
    if second % 3 == 2 {
        values.push(operand(second / 3));
    }
    (format!("{set}{base}{if_exists}"), key.to_owned(), json!(values))
}

/// The value itself, or one that is near it.
fn operand(number: u8, now: &str, family: Family, arn: &str) -> String {
    if family == Family::Ip {
        let four = ["203.0.113.0/24", "203.0.113.7", "203.0.113.8/31", "198.51.100.0/24", "203.0.113.7/0"];
        let six = ["2001:db8::/32", "2001:db8::7", "2001:db8::8/125", "::/0", "2001:DB8:0:0::7"];
        return pick(&[four, six].concat(), number).to_owned();
    }
    if family == Family::Date {
        let near = ["2026-06-01T12:00:00Z", "2026-06-01T12:00:01Z", "2026-06-01T11:59:59Z", "1780315200"];
        return pick(&[near, [TIME, TIME, "2026-01-01T00:00:00Z", "2027-01-01"]].concat(), number).to_owned();
    }
    if family == Family::Numeric && number.is_multiple_of(2) {
        return pick(&[now, "300.0", "3e2", "299.999", "300.001", "-7", "07", "30", "1e400", "1780315199"], number / 2)
            .to_owned();
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
                "${*}",
                "re${$}*",
                "?ed",
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
    let addresses = [json!("203.0.113.7"), json!("2001:db8::7"), Value::Null, json!("203.0.113.7")];
    state("aws:SourceIp", pick(&addresses.each_ref(), number).clone());
    let ages = [json!("300"), Value::Null, json!("299.999"), json!("300.0")];
    state("aws:MultiFactorAuthAge", pick(&ages.each_ref(), number / 4).clone());
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
    if call == "sts:AssumeRole" {
        let ids = [json!("permitlab-7f3a"), json!("another"), Value::Null];
        state("sts:ExternalId", pick(&ids.each_ref(), number / 5).clone());
    }
    if call == "kms:ScheduleKeyDeletion" {
        state("kms:ScheduleKeyDeletionPendingWindowInDays", json!(pick(&["7", "30", "8.0"], number / 5)));
    }
    context
}

//! Does an operator compare something else than its key holds (R4.4, R4.26)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::catalog::KeyType;
use crate::condition::Condition;
use crate::condition::operator::Family;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "operator-type",
    level: Level::Warning,
    summary: "an operator that does not fit the type of its key",
    explanation: "A condition key has a type: text, ARN, number, date, boolean, address. An operator of another family compares the written form, or nothing. `StringEquals` on `aws:SourceIp` compares letters, so that a range such as `203.0.113.0/24` matches no address; `Bool` on a text never holds. Operators on text do work on ARNs, and numbers on dates.",
    remedy: "Take the operator of the key's family: `IpAddress` for addresses, `ArnLike` for ARNs, `Bool` for booleans, `DateLessThan` for dates.",
    bad: Example::bad(
        PolicyType::Identity,
        r"StringEquals",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "StringEquals": { "aws:SourceIp": "203.0.113.0/24" } }
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } }
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let found =
        |statement: &Statement| statement.conditions.iter().filter_map(|each| of(statement, each)).collect::<Vec<_>>();
    policy.statements.iter().flat_map(found).collect()
}

/// How well a family of operators goes with a type of keys.
enum Fit {
    /// As documented.
    Well,
    /// It compares the written form, which works for texts that are written one way only.
    AsText,
    /// It does not.
    Not,
}

fn of(_: &Statement, condition: &Condition) -> Option<Finding> {
    let kind = condition.key_type?;
    let (operator, key) = (condition.operator, condition.key.as_str());
    let level = match fit(operator.base.family(), kind, key) {
        Fit::Well => return None,
        Fit::AsText => Level::Suggestion,
        Fit::Not => Level::Warning,
    };
    let (holds, family) = of_type(kind);
    let finding = RULE.finding(condition.operator_span, format!("`{operator}` on `{key}`, which holds {holds}"));
    Some(finding.level(level).also(condition.key_span, "this key").help(format!("use an operator such as `{family}`")))
}

fn fit(family: Family, kind: KeyType, key: &str) -> Fit {
    use KeyType::{Arn, Arns, Bool, Bools, Date, Ip, Numeric, String, Strings};
    match (family, kind) {
        (Family::Null | Family::Binary, _)
        | (Family::String | Family::Arn, String | Strings | Arn | Arns)
        | (Family::Numeric | Family::Date, Date)
        | (Family::Numeric, Numeric)
        | (Family::Bool, Bool | Bools)
        | (Family::Ip, Ip) => Fit::Well,
        // `aws:EpochTime` is documented for both (R4.17).
        (Family::Date, Numeric) if key.eq_ignore_ascii_case("aws:EpochTime") => Fit::Well,
        (Family::String, Bool | Bools | Numeric) => Fit::AsText,
        (Family::String, Date | Ip)
        | (Family::Arn, Bool | Bools | Date | Ip | Numeric)
        | (Family::Numeric | Family::Date | Family::Bool | Family::Ip, _) => Fit::Not,
    }
}

/// What a key of a type holds, and the operator for it.
const fn of_type(kind: KeyType) -> (&'static str, &'static str) {
    match kind {
        KeyType::String | KeyType::Strings => ("text", "StringEquals"),
        KeyType::Arn | KeyType::Arns => ("an ARN", "ArnLike"),
        KeyType::Bool | KeyType::Bools => ("`true` or `false`", "Bool"),
        KeyType::Date => ("a date", "DateLessThan"),
        KeyType::Numeric => ("a number", "NumericEquals"),
        KeyType::Ip => ("an address", "IpAddress"),
    }
}

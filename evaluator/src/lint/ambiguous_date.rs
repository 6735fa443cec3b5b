//! Is a number in a date condition a year, or seconds (R4.17)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "ambiguous-date",
    level: Level::Warning,
    summary: "a date that could be a year or a number of seconds",
    explanation: "A date condition takes a year of four digits as well as a number of seconds since 1970. A number of four digits is read as the year.",
    remedy: "Write the whole date, as in `2025-01-01T00:00:00Z`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"2026",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "DateLessThan": { "aws:CurrentTime": "2026" } }
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
    "Condition": { "DateLessThan": { "aws:CurrentTime": "2026-01-01T00:00:00Z" } }
  }
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

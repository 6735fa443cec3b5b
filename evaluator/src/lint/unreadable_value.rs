//! Is a value not of the form its operator compares (R4.15 to R4.20)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "unreadable-value",
    level: Level::Warning,
    summary: "a value the operator cannot read",
    explanation: "Each family of operators reads its values: numbers, dates, addresses, ARNs. AWS stores a value that is none of them, and nothing ever equals it.",
    remedy: "Write a value of the form that the operator compares, or take an operator on text.",
    bad: Example::bad(
        PolicyType::Identity,
        r"203.0.113.0/33",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/33" } }
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
    check: Check::Reader,
};

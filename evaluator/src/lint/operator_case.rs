//! Is an operator written in another case than AWS writes it (R1.5)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "operator-case",
    level: Level::Suggestion,
    summary: "an operator in unusual case",
    explanation: "AWS documents its operators in one spelling and does not say that case is ignored. `stringEquals` is understood today.",
    remedy: "Write the operator as AWS does: `StringEquals`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"stringEquals",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "stringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }
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
    "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }
  }
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

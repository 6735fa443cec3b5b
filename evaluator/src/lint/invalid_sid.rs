//! Does a Sid hold characters IAM does not take (R1.7)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "invalid-sid",
    level: Level::Warning,
    summary: "a Sid with more than letters and digits",
    explanation: "IAM takes only the letters A to Z and a to z and digits in a Sid. Key policies, and most other policies of resources, take spaces and more.",
    remedy: "Leave out the spaces and signs, or the Sid.",
    bad: Example::bad(
        PolicyType::Identity,
        r"Use the key",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Sid": "Use the key",
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Sid": "UseTheKey",
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

//! Do two statements have one name (R1.7)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "duplicate-sid",
    level: Level::Warning,
    summary: "two statements with the same Sid",
    explanation: "A Sid is unique in its policy. IAM refuses a policy in which it is not, and a message or a tool that names a statement by its Sid names two.",
    remedy: "Give each statement a Sid of its own, or none.",
    bad: Example::bad(
        PolicyType::Identity,
        r"List",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "List", "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*" },
    { "Sid": "List", "Effect": "Allow", "Action": "kms:ListAliases", "Resource": "*" }
  ]
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "ListKeys", "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*" },
    { "Sid": "ListAliases", "Effect": "Allow", "Action": "kms:ListAliases", "Resource": "*" }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

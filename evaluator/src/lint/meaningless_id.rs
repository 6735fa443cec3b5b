//! Is there an `Id` where nothing reads it (R1.8)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "meaningless-id",
    level: Level::Suggestion,
    summary: "an `Id` in a policy of principals",
    explanation: "The grammar has `Id` for policies of resources. In policies that are attached to users and roles it is not part of the grammar, and some of AWS's interfaces refuse it.",
    remedy: "Remove the `Id`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"Id",
        r#"{
  "Version": "2012-10-17",
  "Id": "keys",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:ListKeys",
    "Resource": "*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:ListKeys",
    "Resource": "*"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

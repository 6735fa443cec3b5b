//! Is every action written in a form AWS does not document (R2.1)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "action-star-colon-star",
    level: Level::Warning,
    summary: "the action `*:*` instead of `*`",
    explanation: "A star alone stands for every action of every service. `*:*` is written now and then for the same, and AWS documents no wildcard in the place of the service.",
    remedy: "Write `*`, or better the actions that are meant.",
    bad: Example::bad(
        PolicyType::Identity,
        r"*:*",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "*:*",
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
    "Action": "*",
    "Resource": "*"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

//! Does a resource begin with a star and go on (R2.4)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "resource-matches-nothing",
    level: Level::Warning,
    summary: "a resource that is neither `*` nor an ARN",
    explanation: "A resource is `*`, or an ARN whose six fields are compared one by one. A star at the beginning followed by something else is neither: it matches no ARN.",
    remedy: "Write all six fields of the ARN, with wildcards inside them, or `*`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"*key/1234abcd-12ab-34cd-56ef-1234567890ab",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "*key/1234abcd-12ab-34cd-56ef-1234567890ab"
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
    "Resource": "arn:aws:kms:*:*:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

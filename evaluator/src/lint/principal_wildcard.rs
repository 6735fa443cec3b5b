//! Does a principal hold a wildcard (R3.5)?

use super::{Check, Example, Level, Rule};
use crate::policy::PolicyType;

/// Found while the policy is read.
pub(super) const RULE: Rule = Rule {
    code: "principal-wildcard",
    level: Level::Warning,
    summary: "a wildcard inside a principal",
    explanation: "A principal is `*` or the name of one account, user, role, session or service. AWS compares names in `Principal` letter by letter: `role/eval-*` names a role whose name ends in a star, which no role has, so nobody is allowed and nobody is denied.",
    remedy: "Write `\"Principal\": \"*\"` and narrow it with a condition: `ArnLike` on `aws:PrincipalArn`, with the same pattern.",
    bad: Example::bad(
        PolicyType::Key,
        r"arn:aws:iam::111122223333:role/eval-*",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EnableIAMUserPermissions",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/eval-*" },
      "Action": "kms:Decrypt",
      "Resource": "*"
    }
  ]
}"#,
    ),
    good: Example::good(
        PolicyType::Key,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EnableIAMUserPermissions",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Principal": "*",
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": { "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/eval-*" } }
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Reader,
};

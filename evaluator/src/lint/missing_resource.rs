//! Does a statement of a key policy lack `Resource` (R1.10)?

use super::subject::{called, head};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::policy::{Policy, PolicyType, ResourceElement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "missing-resource",
    level: Level::Warning,
    summary: "a statement of a key policy without `Resource`",
    explanation: "KMS stores a statement without `Resource` and ignores it: it neither allows nor denies anything.",
    remedy: "Add `\"Resource\": \"*\"`, which in a key policy means this key.",
    bad: Example::bad(
        PolicyType::Key,
        r"{",
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
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/eval" },
      "Action": "kms:Decrypt"
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
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/eval" },
      "Action": "kms:Decrypt",
      "Resource": "*"
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    if context.kind != PolicyType::Key {
        return Vec::new();
    }
    let without = policy.statements.iter().filter(|each| matches!(each.resource, ResourceElement::Missing));
    without
        .map(|statement| {
            RULE.finding(head(statement), format!("{} has no `Resource`, so KMS ignores it", called(statement)))
                .help("add `\"Resource\": \"*\"`, which means this key")
        })
        .collect()
}

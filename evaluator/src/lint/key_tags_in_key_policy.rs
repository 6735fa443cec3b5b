//! Does a key policy ask for the tags or aliases of its own key (R6.16)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::context::ConditionKey;
use crate::policy::{Policy, PolicyType};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "key-tags-in-key-policy",
    level: Level::Warning,
    summary: "a condition on tags or aliases of the key, in its key policy",
    explanation: "AWS documents `aws:ResourceTag/…` and `kms:ResourceAliases` for policies of users and roles, where one statement speaks of many keys. In a key policy they are not supported: the condition is judged as if the key had neither.",
    remedy: "Leave the condition out, since the policy is of this one key, or move the statement to an identity-based policy.",
    bad: Example::bad(
        PolicyType::Key,
        r"aws:ResourceTag/team",
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
      "Resource": "*",
      "Condition": { "StringEquals": { "aws:ResourceTag/team": "evaluation" } }
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
    let is_meant =
        |key: &ConditionKey| key.family() == Some("aws:resourcetag/") || key.folded() == "kms:resourcealiases";
    let found = policy.statements.iter().flat_map(|statement| &statement.conditions).filter(|each| is_meant(&each.key));
    found
        .map(|condition| {
            RULE.finding(condition.key_span, format!("`{}` is not supported in a key policy", condition.key.as_str()))
                .help("leave it out, or move the statement to an identity-based policy")
        })
        .collect()
}

//! Is there no condition key of this name (R1.14)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::catalog::services::{self, keys};
use crate::condition::Condition;
use crate::diagnostic::closest;
use crate::policy::{Policy, PolicyType};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "unknown-condition-key",
    level: Level::Warning,
    summary: "a condition key AWS does not have",
    explanation: "AWS stores a condition on a key it does not have, and no request carries it. A plain condition on it never holds, so the statement does nothing. A negated one always does: a Deny with `StringNotEquals` on a misspelt key denies everything.",
    remedy: "Write the key as AWS does; case does not matter.",
    bad: Example::bad(
        PolicyType::Identity,
        r"kms:ViaServce",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "StringEquals": { "kms:ViaServce": "s3.us-east-1.amazonaws.com" } }
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
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    policy.statements.iter().flat_map(|statement| &statement.conditions).filter_map(of).collect()
}

fn of(condition: &Condition) -> Option<Finding> {
    let key = &condition.key;
    // Of these the reader says so itself.
    if condition.key_type.is_some() || matches!(key.prefix(), "kms" | "aws") {
        return None;
    }
    let service = services::service(key.prefix())?;
    // A service whose keys the reference does not have may have some.
    keys::keys_of(service).next()?;
    let help = closest(key.as_str(), keys::keys_of(service)).map_or_else(
        || format!("see the condition keys of {} in the Service Authorization Reference", service.name()),
        |near| format!("did you mean `{near}`?"),
    );
    Some(RULE.finding(condition.key_span, format!("no request ever carries `{key}`")).help(help))
}

//! Is a key that holds one value compared as a set (R4.10)?

use super::subject::{allows, demands_key};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::condition::operator::SetOperator;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "unneeded-set-operator",
    level: Level::Security,
    summary: "a set operator on a key with one value",
    explanation: "A set operator on a key that holds one value compares that value. What it adds is what happens without a value: `ForAllValues` holds when the key is absent, so that in an Allow it lets calls through that do not carry the key at all. AWS calls that overly permissive.",
    remedy: "Take the operator without its prefix.",
    bad: Example::bad(
        PolicyType::Identity,
        r"ForAllValues:StringEquals",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "ForAllValues:StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }
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
    let found =
        |statement: &Statement| statement.conditions.iter().filter_map(|each| of(statement, each)).collect::<Vec<_>>();
    policy.statements.iter().flat_map(found).collect()
}

fn of(statement: &Statement, condition: &Condition) -> Option<Finding> {
    let (operator, key) = (condition.operator, &condition.key);
    let kind = condition.key_type?;
    if operator.set == SetOperator::None || kind.is_multivalued() {
        return None;
    }
    let is_open = operator.set == SetOperator::ForAllValues && allows(statement) && !demands_key(statement, key);
    let (level, message) = if is_open {
        (Level::Security, format!("`{operator}` also holds when `{key}` is absent, so calls without it are allowed"))
    } else {
        (Level::Suggestion, format!("`{key}` holds one value, and `{operator}` compares a set"))
    };
    let plain = operator.base.name();
    Some(RULE.finding(condition.operator_span, message).level(level).help(format!("write `{plain}`")))
}

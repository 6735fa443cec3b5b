//! Is a key that holds several values compared without a set operator (R4.11)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::condition::operator::{Family, SetOperator};
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "missing-set-operator",
    level: Level::Warning,
    summary: "a multivalued key without `ForAnyValue` or `ForAllValues`",
    explanation: "AWS requires a set operator for a key that holds several values, however many a request has. Without one the condition was seen not to match at all, neither plain nor negated. AWS does not document that.",
    remedy: "Write `ForAnyValue:` before the operator if one matching value is enough, `ForAllValues:` and a `Null` test if all have to match.",
    bad: Example::bad(
        PolicyType::Key,
        r"StringEquals",
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
      "Action": "kms:CreateGrant",
      "Resource": "*",
      "Condition": { "StringEquals": { "kms:GrantOperations": "Decrypt" } }
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
      "Action": "kms:CreateGrant",
      "Resource": "*",
      "Condition": { "ForAllValues:StringEquals": { "kms:GrantOperations": "Decrypt" } }
    }
  ]
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

fn of(_: &Statement, condition: &Condition) -> Option<Finding> {
    let operator = condition.operator;
    let is_set = condition.key_type.is_some_and(crate::catalog::KeyType::is_multivalued);
    if !is_set || operator.set != SetOperator::None || operator.base.family() == Family::Null {
        return None;
    }
    let key = condition.key.as_str();
    let found =
        RULE.finding(condition.operator_span, format!("`{key}` holds several values, and `{operator}` compares one"));
    Some(
        found
            .also(condition.key_span, "multivalued")
            .help(format!("write `ForAnyValue:{operator}` if one matching value is enough")),
    )
}

//! Does an Allow hold when a set of values is absent or empty (R4.9)?

use super::subject::{actions, allows, demands, demands_key};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::condition::operator::SetOperator;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "for-all-values-without-null",
    level: Level::Security,
    summary: "`ForAllValues` in an Allow, without a `Null` test",
    explanation: "`ForAllValues` asks that each value in the request matches. A request without values has none that does not, so the condition holds for calls that do not carry the key. In an Allow that lets through what the condition seems to keep out.",
    remedy: "Add `\"Null\": { \"KEY\": \"false\" }` to the same statement, if calls without the key are not meant.",
    bad: Example::bad(
        PolicyType::Identity,
        r"ForAllValues:StringEquals",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": "department" } }
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": {
      "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": "department" },
      "Null": { "kms:EncryptionContextKeys": "false" }
    }
  }
}"#,
    ),
    // A call that sets tags always names some.
    also_good: &[Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:TagResource", "kms:UntagResource"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "ForAllValues:StringEquals": { "aws:TagKeys": ["department", "stage"] } }
  }
}"#,
    )],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let found =
        |statement: &Statement| statement.conditions.iter().filter_map(|each| of(statement, each)).collect::<Vec<_>>();
    policy.statements.iter().flat_map(found).collect()
}

fn of(statement: &Statement, condition: &Condition) -> Option<Finding> {
    let (operator, key) = (condition.operator, &condition.key);
    let is_set = condition.key_type.is_some_and(crate::catalog::KeyType::is_multivalued);
    let is_meant = operator.set == SetOperator::ForAllValues && allows(statement) && is_set && !operator.if_exists;
    if !is_meant || demands_key(statement, key) || is_there_anyway(statement, condition) {
        return None;
    }
    // Which tags may be given is mostly asked of those who give some.
    let level = if key.folded() == "aws:tagkeys" { Level::Warning } else { Level::Security };
    let finding = RULE.finding(
        condition.operator_span,
        format!("`{operator}` also holds when `{key}` is absent, so calls without it are allowed"),
    );
    Some(
        finding
            .level(level)
            .also(condition.key_span, "may be absent")
            .help(format!("add `\"Null\": {{ \"{key}\": \"false\" }}`")),
    )
}

/// Whether another condition, or the action, sees to it that the key is in the request.
fn is_there_anyway(statement: &Statement, condition: &Condition) -> bool {
    let demanded = |family: &str| demands(statement).any(|other| other.key.family() == Some(family));
    match condition.key.folded() {
        "kms:encryptioncontextkeys" => demanded("kms:encryptioncontext:"),
        "aws:tagkeys" => demanded("aws:requesttag/") || only_tags(statement),
        "kms:grantoperations" => {
            let is_grant = |text: &str| text.eq_ignore_ascii_case("kms:CreateGrant");
            let actions = actions(statement);
            !actions.is_empty() && actions.iter().all(|each| is_grant(each.text.as_str()))
        }
        _ => false,
    }
}

/// Whether every action sets or removes tags, for which the call has to name one. `ec2:DeleteTags` need not.
fn only_tags(statement: &Statement) -> bool {
    const BEGINNINGS: [&str; 6] = ["tag", "untag", "createtags", "addtags", "removetags", "deletetags"];
    let tags = |text: &str| {
        let text = text.to_ascii_lowercase();
        let name = text.split_once(':').map_or("", |(_, name)| name);
        text != "ec2:deletetags" && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    let actions = actions(statement);
    !actions.is_empty() && actions.iter().all(|each| tags(each.text.as_str()))
}

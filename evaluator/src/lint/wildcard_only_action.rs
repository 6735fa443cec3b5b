//! Is an action that has no resource written with one, or in a policy of a resource (R2.8, R6.7)?

use super::subject::{actions, covered, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::catalog::services::pattern::could_allow;
use crate::policy::{Effect, Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "wildcard-only-action",
    level: Level::Warning,
    summary: "an action without a resource, under a specific resource",
    explanation: "Some actions are authorized on nothing in particular: `kms:ListKeys`, `kms:CreateKey`, `s3:ListAllMyBuckets`. A statement speaks of them only with `\"Resource\": \"*\"`; KMS takes the account's form `arn:aws:kms:us-east-1:111122223333:*` too. A key policy cannot speak of them at all, since there is no key they are called on.",
    remedy: "Put the action in a statement of its own with `\"Resource\": \"*\"`, in a policy of the caller.",
    bad: Example::bad(
        PolicyType::Identity,
        r"kms:ListKeys",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:DescribeKey", "kms:ListKeys"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "arn:aws:kms:us-east-1:111122223333:key/*" },
    { "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*" }
  ]
}"#,
    ),
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    policy.statements.iter().flat_map(|statement| in_statement(context, statement)).collect()
}

fn in_statement(context: &Context<'_>, statement: &Statement) -> Vec<Finding> {
    let is_key = context.kind == PolicyType::Key;
    let resources = resources(statement);
    let mut findings = Vec::new();
    for pattern in actions(statement) {
        let covered = covered(&pattern.value);
        if covered.is_empty() || !covered.iter().all(|action| action.is_wildcard_only()) {
            continue;
        }
        let fits = |resource: &str| covered.iter().any(|action| could_allow(*action, resource));
        if !is_key && (resources.is_empty() || resources.iter().any(|each| fits(each.text.as_str()))) {
            continue;
        }
        let name = pattern.text.as_str();
        let effect = match statement.effect {
            Effect::Allow => "allowed",
            Effect::Deny => "denied",
        };
        let (message, help) = if is_key {
            (
                format!(
                    "`{name}` is called on no key, so a key policy never {effect_s} it",
                    effect_s = verb(statement.effect)
                ),
                "put it in an identity-based policy, with `\"Resource\": \"*\"`",
            )
        } else {
            (
                format!("`{name}` has no resource, so it is not {effect} here"),
                "put it in a statement of its own with `\"Resource\": \"*\"`",
            )
        };
        findings.push(RULE.finding(pattern.text.span(), message).help(help));
    }
    findings
}

const fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allows",
        Effect::Deny => "denies",
    }
}

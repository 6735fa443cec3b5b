//! Is an action that has no resource written with one, or in a policy of a resource (R2.8, R6.7)?

use super::repeated::listed;
use super::subject::{actions, covered, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::action::ActionPattern;
use crate::catalog::services::Action;
use crate::catalog::services::pattern::could_allow;
use crate::policy::{Effect, Policy, PolicyType, Statement, Written};

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
    // The root of an application server is the whole of the account; EC2 Messages names no resource types at all.
    also_good: &[Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "emr-serverless:ListApplications", "Resource": "arn:aws:emr-serverless:us-east-1:111122223333:/*" },
    { "Effect": "Allow", "Action": "ec2messages:SendReply", "Resource": "arn:aws:ec2messages:us-east-1:111122223333:message/*" }
  ]
}"#,
    )],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    policy.statements.iter().filter_map(|statement| in_statement(context, statement)).collect()
}

fn in_statement(context: &Context<'_>, statement: &Statement) -> Option<Finding> {
    let is_key = context.kind == PolicyType::Key;
    let is_stray = |pattern: &&Written<ActionPattern>| {
        let covered = covered(&pattern.value);
        let has_none = !covered.is_empty() && covered.iter().all(|action| action.is_wildcard_only());
        has_none && (is_key || !has_place(statement, &covered))
    };
    let stray: Vec<_> = actions(statement).iter().filter(is_stray).collect();
    let first = stray.first()?;
    let names = listed(stray.iter().map(|pattern| pattern.text.as_str()));
    let is_one = stray.len() == 1;
    let message = if is_key {
        let (are, them) = if is_one { ("is", "it") } else { ("are", "them") };
        format!("{names} {are} called on no key, so a key policy never {} {them}", verb(statement.effect))
    } else {
        let (have, they) = if is_one { ("has", "it is") } else { ("have", "they are") };
        format!("{names} {have} no resource, so {they} not {} here", participle(statement.effect))
    };
    let all = stray.iter().map(|pattern| format!("`{}`", pattern.text.as_str())).collect::<Vec<_>>().join(", ");
    let help = if is_key {
        format!("put {all} in an identity-based policy, with `\"Resource\": \"*\"`")
    } else {
        format!("put {all} in a statement with `\"Resource\": \"*\"`")
    };
    Some(RULE.finding(first.text.span(), message).help(help))
}

/// Whether a resource of the statement could be what the actions are authorized on. Of a service without resource types
/// the reference says nothing that could be held against an ARN of that service.
fn has_place(statement: &Statement, covered: &[Action]) -> bool {
    let resources = resources(statement);
    let fits = |action: &Action, resource: &str| {
        let service = action.service();
        let is_beyond =
            service.resource_types().next().is_none() && resource.split(':').nth(2) == Some(service.prefix());
        is_beyond || could_allow(*action, resource)
    };
    resources.is_empty() || resources.iter().any(|each| covered.iter().any(|action| fits(action, each.text.as_str())))
}

const fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allows",
        Effect::Deny => "denies",
    }
}

const fn participle(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allowed",
        Effect::Deny => "denied",
    }
}

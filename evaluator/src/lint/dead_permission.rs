//! Is an action allowed under a condition key that its calls never carry (R6.13, R7.9, R8.5)?

use super::repair::{Split, split};
use super::repeated::{listed, once};
use super::subject::{actions, could_carry, covered, demands};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::action::ActionPattern;
use crate::catalog;
use crate::condition::Condition;
use crate::policy::{Effect, Policy, PolicyType, Statement, Written};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "dead-permission",
    level: Level::Warning,
    summary: "an action under a condition key that its calls never carry",
    explanation: "A condition on a key that is not in the request does not hold, so the statement does not apply. Each action carries the global keys and those that the service authorization reference lists for it. `kms:DescribeKey` carries no encryption context: under a condition on `kms:EncryptionContext:…` it is never allowed, though the statement names it. AWS's own example policy for Bedrock model evaluation jobs was published with this mistake.",
    remedy: "Allow the action in a statement of its own, under conditions on keys that its calls do carry, or remove it.",
    bad: Example::bad(
        PolicyType::Key,
        r"kms:DescribeKey",
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
      "Principal": { "Service": "bedrock.amazonaws.com" },
      "Action": ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"],
      "Resource": "*",
      "Condition": {
        "StringLike": {
          "kms:EncryptionContext:evaluationJobArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*",
          "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*"
        }
      }
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
      "Principal": { "Service": "bedrock.amazonaws.com" },
      "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
      "Resource": "*",
      "Condition": {
        "StringLike": {
          "kms:EncryptionContext:evaluationJobArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*",
          "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*"
        }
      }
    },
    {
      "Effect": "Allow",
      "Principal": { "Service": "bedrock.amazonaws.com" },
      "Action": "kms:DescribeKey",
      "Resource": "*",
      "Condition": { "StringLike": { "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*" } }
    }
  ]
}"#,
    ),
    // A session's tags are set by the call that assumes the role, with what that carries. Of `Subscribe` the reference
    // says nothing, and AWS Marketplace's guide that it carries the product.
    also_good: &[
        Example::good(
            PolicyType::Trust,
            r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Principal": { "Federated": "arn:aws:iam::111122223333:saml-provider/Provider" },
    "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
    "Condition": { "StringEquals": { "SAML:aud": "https://signin.aws.amazon.com/saml", "SAML:sub_type": "persistent" } }
  }
}"#,
        ),
        Example::good(
            PolicyType::Identity,
            r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "aws-marketplace:Subscribe",
    "Resource": "*",
    "Condition": { "ForAnyValue:StringEquals": { "aws-marketplace:ProductId": "prod-example" } }
  }
}"#,
        ),
    ],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    policy.statements.iter().flat_map(|statement| in_statement(context, statement)).collect()
}

fn in_statement(context: &Context<'_>, statement: &Statement) -> Vec<Finding> {
    let actions = actions(statement);
    let known: Vec<_> = demands(statement).filter(|condition| catalog::key_type(&condition.key).is_some()).collect();
    let is_whole = |condition: &&&Condition| actions.iter().all(|each| never_carries(&each.value, condition));
    let whole: Vec<_> = known.iter().filter(|_| !actions.is_empty()).filter(is_whole).collect();
    if !whole.is_empty() {
        return once(whole.into_iter().map(|condition| of_all(statement, condition)).collect());
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for action in actions {
        let without: Vec<_> = known.iter().copied().filter(|each| never_carries(&action.value, each)).collect();
        let keys: Vec<_> = without.iter().map(|each| &each.key).collect();
        let is_same = |group: &&mut Group<'_>| group.without.iter().map(|each| &each.key).eq(keys.iter().copied());
        match groups.iter_mut().find(is_same) {
            Some(group) => group.actions.push(action),
            None => groups.push(Group { actions: vec![action], without }),
        }
    }
    groups.iter().filter_map(|group| of_some(context, statement, group)).collect()
}

/// The actions of a statement that lack the same keys.
struct Group<'s> {
    actions: Vec<&'s Written<ActionPattern>>,
    without: Vec<&'s Condition>,
}

/// Whether none of the actions a pattern covers could carry the key; unknown names are another rule's.
fn never_carries(pattern: &ActionPattern, condition: &Condition) -> bool {
    let covered = covered(pattern);
    !covered.is_empty() && !covered.iter().any(|action| could_carry(*action, &condition.key))
}

/// No action of the statement carries the key.
fn of_all(statement: &Statement, condition: &Condition) -> Finding {
    let effect = effect(statement);
    let key = condition.key.as_str();
    RULE.finding(condition.key_span, format!("no action of the statement ever carries `{key}`, so it {effect} nothing"))
        .also(statement.action.span, "these actions")
        .help("take the key out, or put one in its place that the calls of these actions carry")
}

/// Some of the actions never carry a key, or several.
fn of_some(context: &Context<'_>, statement: &Statement, group: &Group<'_>) -> Option<Finding> {
    let (first, condition) = (group.actions.first()?, group.without.first()?);
    let actions: Vec<_> = group.actions.iter().map(|each| each.text.as_str()).collect();
    let mut keys: Vec<_> = group.without.iter().map(|each| each.key.as_str()).collect();
    keys.dedup();
    let rest = demands(statement).count() - group.without.len();
    let repair =
        (rest > 0).then(|| split(context, statement.index, &Split { actions: &actions, without: &keys })).flatten();
    let (names, key, effect) = (listed(actions.iter().copied()), listed(keys), effect(statement));
    let (carry, them) = if actions.len() == 1 { ("carries", "it") } else { ("carry", "them") };
    let help = if repair.is_some() {
        format!("put {names} in a statement of its own, without the condition on {key}")
    } else {
        format!("remove {names}, or put {them} in a statement of its own under a condition that the calls can meet")
    };
    let found = RULE
        .finding(first.text.span(), format!("{names} never {carry} {key}, so this statement never {effect} {them}"))
        .also(condition.key_span, "holds only where the key is in the request")
        .help(help);
    Some(found.repair(repair))
}

const fn effect(statement: &Statement) -> &'static str {
    match statement.effect {
        Effect::Allow => "allows",
        Effect::Deny => "denies",
    }
}

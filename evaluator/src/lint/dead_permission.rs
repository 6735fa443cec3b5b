//! Is an action allowed under a condition key that its calls never carry (R6.13, R7.9, R8.5)?

use super::repair::{Split, split};
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
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    policy.statements.iter().flat_map(|statement| in_statement(context, statement)).collect()
}

fn in_statement(context: &Context<'_>, statement: &Statement) -> Vec<Finding> {
    let known = demands(statement).filter(|condition| catalog::key_type(&condition.key).is_some());
    let mut findings = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for condition in known {
        let dead: Vec<_> = actions(statement).iter().filter(|each| never_carries(&each.value, condition)).collect();
        if dead.is_empty() {
            continue;
        }
        if dead.len() == actions(statement).len() {
            findings.push(whole(statement, condition));
            continue;
        }
        for action in dead {
            if !told.contains(&action.text.as_str()) {
                told.push(action.text.as_str());
                findings.push(single(context, statement, action, condition));
            }
        }
    }
    findings
}

/// Whether none of the actions a pattern covers could carry the key; unknown names are another rule's.
fn never_carries(pattern: &ActionPattern, condition: &Condition) -> bool {
    let covered = covered(pattern);
    !covered.is_empty() && !covered.iter().any(|action| could_carry(*action, &condition.key))
}

/// No action of the statement carries the key.
fn whole(statement: &Statement, condition: &Condition) -> Finding {
    let effect = effect(statement);
    let key = condition.key.as_str();
    RULE.finding(
        condition.key_span,
        format!("no action of the statement ever carries `{key}`, so it {effect}s nothing"),
    )
    .also(statement.action.span, "these actions")
    .help("take the key out, or put one in its place that the calls of these actions carry")
}

fn single(
    context: &Context<'_>,
    statement: &Statement,
    action: &Written<ActionPattern>,
    condition: &Condition,
) -> Finding {
    let (name, key, effect) = (action.text.as_str(), condition.key.as_str(), effect(statement));
    let unused: Vec<_> =
        demands(statement).filter(|each| never_carries(&action.value, each)).map(|each| each.key.as_str()).collect();
    let rest = demands(statement).count() - unused.len();
    let repair =
        (rest > 0).then(|| split(context, statement.index, &Split { action: name, without: &unused })).flatten();
    let help = if repair.is_some() {
        format!("allow `{name}` in a statement of its own, without the condition on `{key}`")
    } else {
        format!("remove `{name}`, or put it in a statement of its own under a condition that its calls can meet")
    };
    let found = RULE
        .finding(action.text.span(), format!("`{name}` never carries `{key}`, so this statement never {effect}s it"))
        .also(condition.key_span, "holds only where the key is in the request")
        .help(help);
    found.repair(repair)
}

const fn effect(statement: &Statement) -> &'static str {
    match statement.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

//! Does a condition ask for a key that calls by a service principal never carry (R7.1, R7.4)?

use super::subject::{demands, principals};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::context::ConditionKey;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "service-without-key",
    level: Level::Warning,
    summary: "a service principal under a key it never carries",
    explanation: "A service that calls as itself, `bedrock.amazonaws.com`, is no user or role: its calls carry no `aws:PrincipalOrgID`, no `aws:PrincipalTag/…` and no `aws:username`, and KMS sets `kms:ViaService` only where a service calls on behalf of somebody. A statement for a service principal that asks for one of them never applies.",
    remedy: "For the service principal use `aws:SourceArn`, `aws:SourceAccount` or `aws:SourceOrgID`. `kms:ViaService` goes into statements for the roles and users the service calls for.",
    bad: Example::bad(
        PolicyType::Key,
        r"kms:ViaService",
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
      "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
      "Resource": "*",
      "Condition": { "StringEquals": { "kms:ViaService": "bedrock.us-east-1.amazonaws.com", "aws:SourceAccount": "111122223333" } }
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
      "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
      "Resource": "*",
      "Condition": { "StringEquals": { "aws:SourceAccount": "111122223333" } }
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    policy.statements.iter().flat_map(in_statement).collect()
}

fn in_statement(statement: &Statement) -> Vec<Finding> {
    let Some(service) = principals(statement).iter().find(|each| each.value.service().is_some()) else {
        return Vec::new();
    };
    let name = service.text.as_str();
    let dead = demands(statement).filter(|condition| is_never_carried(&condition.key));
    dead.map(|condition| {
        let key = condition.key.as_str();
        RULE.finding(condition.key_span, format!("calls by `{name}` itself never carry `{key}`"))
            .also(service.text.span(), "the statement never applies to it")
            .help("use `aws:SourceArn` and `aws:SourceAccount`, in a statement of its own for the service")
    })
    .collect()
}

/// Whether a call that a service makes as itself lacks the key.
pub(super) fn is_never_carried(key: &ConditionKey) -> bool {
    const KEYS: [&str; 7] = [
        "kms:viaservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:username",
        "aws:tokenissuetime",
        "aws:multifactorauthpresent",
        "aws:multifactorauthage",
    ];
    KEYS.contains(&key.folded()) || key.family() == Some("aws:principaltag/")
}

//! May a service use the resource for anybody, not only for its owner (R7.5)?

use super::service_without_key::is_never_carried;
use super::subject::{actions, allows, arn_fields, covered, demands, limits, principals, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::account::AccountId;
use crate::catalog::services::{AccessLevel, Action};
use crate::condition::Condition;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "confused-deputy",
    level: Level::Security,
    summary: "a service principal without a condition on whom it acts for",
    explanation: "A service acts for all of its customers. A statement that allows `bedrock.amazonaws.com` without saying for whose resources lets the service use the key for a job in any account, if somebody there names the key. The service tells for whom it acts in `aws:SourceArn`, `aws:SourceAccount`, `aws:SourceOrgID` and, with KMS, often in the encryption context.",
    remedy: "Add a condition on `aws:SourceArn` or `aws:SourceAccount` with your account, or on an encryption context that holds it.",
    bad: Example::bad(
        PolicyType::Key,
        r"bedrock.amazonaws.com",
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
      "Resource": "*"
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
      "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*" } }
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    match context.kind {
        PolicyType::Key | PolicyType::Resource | PolicyType::Trust => {}
        PolicyType::Identity
        | PolicyType::Boundary
        | PolicyType::Session
        | PolicyType::VpcEndpoint
        | PolicyType::ServiceControl
        | PolicyType::ResourceControl => return Vec::new(),
    }
    // A statement that never applies to a service is another rule's.
    let is_open = |each: &&Statement| {
        allows(each) && !limits(each).any(is_bound) && !demands(each).any(|own| is_never_carried(&own.key))
    };
    let open = policy.statements.iter().filter(is_open);
    open.filter_map(|statement| in_statement(context.kind, statement)).collect()
}

fn in_statement(kind: PolicyType, statement: &Statement) -> Option<Finding> {
    let is_trust = kind == PolicyType::Trust;
    let is_meant = |name: &str| !(is_trust && runs_in_the_account(name));
    let service = principals(statement).iter().find(|each| each.value.service().is_some_and(is_meant))?;
    let name = service.text.as_str();
    let finding =
        RULE.finding(service.text.span(), format!("`{name}` may do this for a resource in any account")).help(
            "add a condition on `aws:SourceArn`, or `\"StringEquals\": { \"aws:SourceAccount\": … }` with your account",
        );
    // Who makes a service assume a role has to pass it, which IAM allows within the account only.
    let is_harmless = is_trust || only_looks(statement) || writes_by_account(statement);
    Some(if is_harmless { finding.level(Level::Suggestion) } else { finding })
}

/// Whether all that is allowed is to look at the key or bucket itself, as services do before they begin.
fn only_looks(statement: &Statement) -> bool {
    const OF_BUCKETS: [&str; 3] = ["GetBucketAcl", "GetBucketLocation", "ListBucket"];
    let looks = |action: &Action| match action.service().prefix() {
        "kms" => matches!(action.access(), AccessLevel::List | AccessLevel::Read),
        "s3" => OF_BUCKETS.contains(&action.name()),
        _ => false,
    };
    let actions: Vec<_> = actions(statement).iter().map(|each| covered(&each.value)).collect();
    !actions.is_empty() && actions.iter().all(|covered| !covered.is_empty() && covered.iter().all(looks))
}

/// Whether objects are written only below the account for which the service writes them, which is in their names:
/// `AWSLogs/111122223333/`.
fn writes_by_account(statement: &Statement) -> bool {
    let names_account = |text: &str| {
        let below = text.split_once("/AWSLogs/").and_then(|(_, below)| below.split('/').next());
        below.is_some_and(|account| AccountId::parse(account).is_ok())
    };
    let resources = resources(statement);
    !resources.is_empty() && resources.iter().all(|each| names_account(each.text.as_str()))
}

/// Whether a condition tells for whom the service acts.
fn is_bound(condition: &Condition) -> bool {
    const KEYS: [&str; 9] = [
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "kms:calleraccount",
        "sts:externalid",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:sourcevpc",
        "aws:sourcevpce",
    ];
    let key = condition.key.folded();
    let is_context = condition.key.family() == Some("kms:encryptioncontext:");
    let names_source = key.ends_with("sourcearn") || key == "aws:userid" || is_context;
    KEYS.contains(&key) || (names_source && condition.operands.iter().all(|operand| names_owner(operand.text.as_str())))
}

/// Whether a value names one owner: not an ARN of every account.
fn names_owner(value: &str) -> bool {
    arn_fields(value).is_none_or(|[_, _, _, _, account, _]| account != "*")
}

/// Services that take on a role for what the account itself runs there, and send no source.
fn runs_in_the_account(name: &str) -> bool {
    const SERVICES: [&str; 8] =
        ["ec2", "lambda", "edgelambda", "ecs-tasks", "eks", "pods.eks", "eks-fargate-pods", "ssm"];
    SERVICES.iter().any(|service| name.strip_prefix(service).is_some_and(|rest| rest.starts_with(".amazonaws.com")))
}

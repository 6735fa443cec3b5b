//! Is everyone allowed, from every account (R3.6)?

use super::subject::{allows, limits, principals};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::policy::{Policy, PolicyType, ResourceElement};
use crate::principal::PrincipalPattern;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "public-principal",
    level: Level::Security,
    summary: "`\"Principal\": \"*\"` in an Allow, without a condition on who calls",
    explanation: "`\"Principal\": \"*\"` and `{ \"AWS\": \"*\" }` mean everyone: every account, and where a service takes them, unsigned calls. A condition on something else than the caller or its network does not change that: `kms:ViaService` lets everybody in who comes through that service.",
    remedy: "Name the principals, or add a condition on `aws:PrincipalOrgID`, `aws:PrincipalArn`, `aws:PrincipalAccount` or, in a key policy, `kms:CallerAccount`.",
    bad: Example::bad(
        PolicyType::Key,
        r#""*""#,
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
      "Principal": "*",
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }
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
      "Principal": "*",
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": {
        "StringEquals": {
          "kms:ViaService": "s3.us-east-1.amazonaws.com",
          "kms:CallerAccount": "111122223333"
        }
      }
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
    let mut findings = Vec::new();
    for statement in policy.statements.iter().filter(|each| allows(each) && !limits(each).any(is_about_the_caller)) {
        // KMS ignores a statement without `Resource` (R1.10).
        let is_void = context.kind == PolicyType::Key && matches!(statement.resource, ResourceElement::Missing);
        let everyone = principals(statement).iter().find(|each| matches!(each.value, PrincipalPattern::Everyone(_)));
        if let (Some(entry), false) = (everyone, is_void) {
            let span = statement.principal.as_ref().filter(|each| each.entries.len() == 1).map(|each| each.span);
            findings.push(
                RULE.finding(span.unwrap_or(entry.text.span()), "everyone is allowed this, from every account")
                    .help("name the principals, or add a condition on `aws:PrincipalOrgID`, `aws:PrincipalArn` or `aws:PrincipalAccount`"),
            );
        }
    }
    findings
}

/// Whether a condition narrows who calls or from where.
fn is_about_the_caller(condition: &Condition) -> bool {
    const KEYS: [&str; 14] = [
        "aws:userid",
        "aws:username",
        "aws:sourceip",
        "aws:vpcsourceip",
        "aws:federatedprovider",
        "aws:sourceidentity",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:accessgrantsinstancearn",
        "sns:endpoint",
        "lambda:sourcefunctionarn",
        "ec2:sourceinstancearn",
        "ecs:cluster",
    ];
    const PREFIXES: [&str; 6] =
        ["aws:principal", "aws:sourcea", "aws:sourceorg", "aws:sourcevpc", "aws:vpce", "aws:ec2instancesource"];
    let key = condition.key.folded();
    let is_of_a_provider = condition.key.prefix().contains('.') || matches!(condition.key.prefix(), "saml" | "graph");
    let is_caller = key != "aws:principaltype" && PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    KEYS.contains(&key) || is_caller || is_of_a_provider
}

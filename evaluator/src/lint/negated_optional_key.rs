//! Does an Allow with a negated operator let calls without the key through (R4.6)?

use super::subject::{allows, demands_key, is_plain, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::context::ConditionKey;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "negated-optional-key",
    level: Level::Security,
    summary: "a negated operator in an Allow, on a key that calls may lack",
    explanation: "A negated operator such as `StringNotEquals` holds when its key is absent. In an Allow, a call that does not carry the key passes the condition: `StringNotEquals` on `kms:ViaService` allows direct calls too, and `NotIpAddress` on `aws:SourceIp` allows calls through a VPC endpoint.",
    remedy: "Name what is allowed instead of what is not, or add `\"Null\": { \"KEY\": \"false\" }` if only calls with the key are meant.",
    bad: Example::bad(
        PolicyType::Identity,
        r"StringNotEquals",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "StringNotEquals": { "kms:ViaService": "ec2.us-east-1.amazonaws.com" } }
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
    // Without the tag no resource matches.
    also_good: &[Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::eval-input/${aws:PrincipalTag/team}/*",
    "Condition": { "StringNotEquals": { "aws:PrincipalTag/team": "" } }
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
    let is_negated = operator.base.is_negated() && is_plain(condition) && !operator.if_exists;
    let is_there = demands_key(statement, key) || is_in_resource(statement, key);
    if !is_negated || !allows(statement) || is_there || !is_optional(key) {
        return None;
    }
    let level = if is_tag(key) { Level::Suggestion } else { Level::Security };
    let finding = RULE.finding(
        condition.operator_span,
        format!("`{operator}` also holds for calls without `{key}`, which are allowed"),
    );
    let help = format!(
        "name what is allowed, or add `\"Null\": {{ \"{key}\": \"false\" }}` if only calls with the key are meant"
    );
    Some(finding.level(level).also(condition.key_span, "not every call carries it").help(help))
}

/// Whether the key is a variable in each resource, so that without it the statement matches none (R2.11).
fn is_in_resource(statement: &Statement, key: &ConditionKey) -> bool {
    let variable = format!("${{{}}}", key.folded());
    let resources = resources(statement);
    !resources.is_empty() && resources.iter().all(|each| each.text.as_str().to_lowercase().contains(&variable))
}

/// The global keys and those of KMS that the table of R8 and R6.16 do not give every call. Of other services' keys it
/// is not known.
fn is_optional(key: &ConditionKey) -> bool {
    const ALWAYS: [&str; 12] = [
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:principalisawsservice",
        "aws:userid",
        "aws:viaawsservice",
        "aws:currenttime",
        "aws:epochtime",
        "aws:requestedregion",
        "aws:securetransport",
        "aws:useragent",
        "aws:resourceaccount",
    ];
    const OF_KMS: [&str; 5] = [
        "kms:viaservice",
        "kms:requestalias",
        "kms:granteeprincipal",
        "kms:retiringprincipal",
        "kms:encryptioncontextkeys",
    ];
    match key.prefix() {
        "aws" => crate::catalog::key_type(key).is_some() && !ALWAYS.contains(&key.folded()),
        "kms" => OF_KMS.contains(&key.folded()) || key.family() == Some("kms:encryptioncontext:"),
        _ => false,
    }
}

/// What has no tag is mostly meant to be among what has another one.
fn is_tag(key: &ConditionKey) -> bool {
    matches!(key.family(), Some("aws:resourcetag/" | "aws:requesttag/" | "aws:principaltag/"))
}

//! Is `aws:SourceArn` or one like it asked of callers that never carry it (R7.4)?

use super::subject::{is_of_principals, principals};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::policy::{Effect, Policy, PolicyType, Statement};
use crate::principal::PrincipalPattern;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "source-key-without-service",
    level: Level::Warning,
    summary: "`aws:SourceArn` or `aws:SourceAccount` in a statement for users and roles",
    explanation: "`aws:SourceArn`, `aws:SourceAccount`, `aws:SourceOrgID` and `aws:SourceOrgPaths` are in a request only when a service calls as itself. Calls by users and roles, also those that a service makes for them or with a role it assumed, have none of them: an Allow that asks for one never applies, and a Deny with a negated operator always does.",
    remedy: "Put the condition into the statement for the service principal, in the policy of the key, the bucket or the role. To tie a role's calls to a service use `kms:ViaService` or `aws:CalledVia`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"aws:SourceArn",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*" } }
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
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let meant = policy.statements.iter().filter(|each| is_of_principals(context.kind) || names_only_principals(each));
    meant.flat_map(|statement| statement.conditions.iter().filter_map(|each| of(statement, each))).collect()
}

const SOURCE: [&str; 4] = ["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"];

fn of(statement: &Statement, condition: &Condition) -> Option<Finding> {
    let (holds, key) = (condition.holds_when_absent(), condition.key.as_str());
    let is_null = condition.operator.base == crate::condition::operator::Base::Null;
    if !SOURCE.contains(&condition.key.folded()) || is_null || (holds && !condition.operator.base.is_negated()) {
        return None;
    }
    let effect = match statement.effect {
        Effect::Allow => "allows",
        Effect::Deny => "denies",
    };
    let message = match (holds, statement.effect) {
        (false, _) => format!("users and roles never carry `{key}`, so the statement {effect} nothing"),
        // Written for services in a policy that does not reach them, it does no harm in an Allow.
        (true, Effect::Allow) => return None,
        (true, Effect::Deny) if condition.operator.if_exists => return None,
        (true, Effect::Deny) => {
            format!("users and roles never carry `{key}`, so the statement denies them everything it names")
        }
    };
    let help = "move the condition to a statement for the service principal; to tie a role's calls to a service use `kms:ViaService` or `aws:CalledVia`";
    Some(RULE.finding(condition.key_span, message).help(help))
}

/// Whether every principal is a user, a role or an account of them.
fn names_only_principals(statement: &Statement) -> bool {
    let entries = principals(statement);
    let is_principal = |entry: &PrincipalPattern| super::subject::account_of(entry).is_some();
    !entries.is_empty() && entries.iter().all(|entry| is_principal(&entry.value))
}

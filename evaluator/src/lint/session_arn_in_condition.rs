//! Is `aws:PrincipalArn` compared with the ARN of a session (R8.2)?

use super::subject::arn_fields;
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::policy::{Policy, PolicyType};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "session-arn-in-condition",
    level: Level::Warning,
    summary: "the ARN of a role session in a condition on `aws:PrincipalArn`",
    explanation: "For a session of a role `aws:PrincipalArn` holds the ARN of the role, with its path: `arn:aws:iam::111122223333:role/eval`. It never holds the ARN of the session, `arn:aws:sts::111122223333:assumed-role/eval/name`, so a plain condition with that never holds and a negated one always does.",
    remedy: "Write the ARN of the role, with its path. To tell one session from another use `aws:userid` or `sts:RoleSessionName`.",
    bad: Example::bad(
        PolicyType::Key,
        r"arn:aws:sts::111122223333:assumed-role/eval/job",
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
      "Condition": { "ArnEquals": { "aws:PrincipalArn": "arn:aws:sts::111122223333:assumed-role/eval/job" } }
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
      "Condition": { "ArnEquals": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/eval" } }
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let conditions = policy.statements.iter().flat_map(|statement| &statement.conditions);
    conditions.filter(|condition| condition.key.folded() == "aws:principalarn").flat_map(in_condition).collect()
}

fn in_condition(condition: &Condition) -> Vec<Finding> {
    let says = if condition.operator.base.is_negated() { "always" } else { "never" };
    let is_session = |text: &str| {
        arn_fields(text)
            .is_some_and(|[_, _, service, _, _, name]| service == "sts" && name.starts_with("assumed-role/"))
    };
    let sessions = condition.operands.iter().filter(|operand| is_session(operand.text.as_str()));
    sessions
        .map(|operand| {
            let role = role_of(operand.text.as_str());
            RULE.finding(
                operand.text.span(),
                format!("`aws:PrincipalArn` never holds the ARN of a session; this {says} holds"),
            )
            .help(format!("write the ARN of the role, with its path if it has one: `{role}`"))
        })
        .collect()
}

/// The role of a session, without the path that only IAM knows.
fn role_of(session: &str) -> String {
    let Some([_, partition, _, _, account, name]) = arn_fields(session) else { return String::new() };
    let role = name.split('/').nth(1).unwrap_or_default();
    format!("arn:{partition}:iam::{account}:role/{role}")
}

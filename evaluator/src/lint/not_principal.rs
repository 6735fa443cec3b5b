//! Is a role left out of a Deny with `NotPrincipal`, but not its account and sessions (R3.10)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::policy::{Policy, PolicyType, PrincipalElement};
use crate::principal::PrincipalPattern;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "not-principal",
    level: Level::Warning,
    summary: "`NotPrincipal` that does not spare whom it names",
    explanation: "AWS checks a role session against `NotPrincipal` as the account, as the role and as the session. A Deny that spares the role alone can still hit its sessions, and it always hits callers with a permissions boundary. AWS advises against `NotPrincipal`.",
    remedy: "Write `\"Principal\": \"*\"` and spare the role with `ArnNotEquals` on `aws:PrincipalArn`.",
    bad: Example::bad(
        PolicyType::Key,
        r"arn:aws:iam::111122223333:role/eval",
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
      "Effect": "Deny",
      "NotPrincipal": { "AWS": "arn:aws:iam::111122223333:role/eval" },
      "Action": "kms:Decrypt",
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
      "Effect": "Deny",
      "Principal": "*",
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": { "ArnNotEquals": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/eval" } }
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let elements = policy.statements.iter().filter_map(|statement| statement.principal.as_ref());
    elements.filter(|element| element.negated).filter_map(in_element).collect()
}

fn in_element(element: &PrincipalElement) -> Option<Finding> {
    let has = |is: fn(&PrincipalPattern) -> bool| element.entries.iter().any(|entry| is(&entry.value));
    let has_account = has(|entry| matches!(entry, PrincipalPattern::Account(_)));
    let has_session = has(|entry| matches!(entry, PrincipalPattern::RoleSession { .. }));
    let role = element.entries.iter().find(|entry| matches!(entry.value, PrincipalPattern::Role(_)))?;
    if has_account && has_session {
        return None;
    }
    let missing = match (has_account, has_session) {
        (false, false) => "the account and the session are",
        (false, true) => "the account is",
        (true, _) => "the session is",
    };
    let name = role.text.as_str();
    Some(
        RULE.finding(
            role.text.span(),
            format!("sessions of this role may be denied all the same: {missing} not listed"),
        )
        .help(format!("write `\"Principal\": \"*\"` with `\"ArnNotEquals\": {{ \"aws:PrincipalArn\": \"{name}\" }}`")),
    )
}

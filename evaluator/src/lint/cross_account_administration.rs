//! Is another account allowed what KMS does not do across accounts (R6.6)?

use super::subject::{account_of, actions, allows, arn_fields, covered, literal, name_of, principals, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::action::ActionPattern;
use crate::catalog::kms;
use crate::policy::{Policy, PolicyType, Statement, Written};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "cross-account-administration",
    level: Level::Warning,
    summary: "another account allowed to administer the key",
    explanation: "KMS takes calls from other accounts for cryptography, grants and a few others, `kms:DescribeKey` among them. `kms:ScheduleKeyDeletion`, `kms:PutKeyPolicy` and other administration work only from the account of the key, whatever the policies say.",
    remedy: "Allow the account that owns the key, or let the other account assume a role there.",
    bad: Example::bad(
        PolicyType::Key,
        r"kms:ScheduleKeyDeletion",
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
      "Principal": { "AWS": "arn:aws:iam::444455556666:root" },
      "Action": ["kms:Decrypt", "kms:ScheduleKeyDeletion"],
      "Resource": "*"
    }
  ]
}"#,
    )
    .of_a_key_in("111122223333", "us-east-1"),
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
      "Principal": { "AWS": "arn:aws:iam::444455556666:root" },
      "Action": ["kms:Decrypt", "kms:DescribeKey"],
      "Resource": "*"
    }
  ]
}"#,
    )
    .of_a_key_in("111122223333", "us-east-1"),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let Some(own) = own_account(context, policy).filter(|_| !context.is_template) else { return Vec::new() };
    let foreign = policy.statements.iter().filter(|each| allows(each) && is_foreign(context.kind, each, &own));
    let dead = foreign.flat_map(|statement| actions(statement).iter().filter(|each| is_administration(&each.value)));
    dead.map(|action| found(action, &own)).collect()
}

fn found(action: &Written<ActionPattern>, own: &str) -> Finding {
    let name = action.text.as_str();
    RULE.finding(action.text.span(), format!("`{name}` does not work across accounts, whatever the policies say"))
        .help(format!("allow it to principals of account {own}, or remove it"))
}

/// The account on this side: of the key, or of the caller.
fn own_account(context: &Context<'_>, policy: &Policy) -> Option<String> {
    let known = context.attachment.account.map(|account| account.to_string());
    match context.kind {
        PolicyType::Key => known.or_else(|| super::account_mismatch::owner(policy)),
        PolicyType::Identity => known,
        PolicyType::Boundary
        | PolicyType::Session
        | PolicyType::Resource
        | PolicyType::Trust
        | PolicyType::VpcEndpoint
        | PolicyType::ServiceControl
        | PolicyType::ResourceControl => None,
    }
}

/// Whether everybody the statement allows, or every key it speaks of, is of another account.
fn is_foreign(kind: PolicyType, statement: &Statement, own: &str) -> bool {
    if kind == PolicyType::Key {
        let entries = principals(statement);
        return !entries.is_empty()
            && entries.iter().all(|entry| account_of(&entry.value).is_some_and(|account| account != own));
    }
    let account = |text: &str| {
        arn_fields(text)
            .filter(|[_, _, service, ..]| *service == "kms")
            .and_then(|[_, _, _, _, account, _]| literal(account).map(str::to_owned))
    };
    let resources = resources(statement);
    !resources.is_empty()
        && resources.iter().all(|each| account(each.text.as_str()).is_some_and(|account| account != own))
}

/// Whether a pattern covers only what KMS does within an account.
fn is_administration(pattern: &ActionPattern) -> bool {
    if pattern.service() != Some("kms") {
        return false;
    }
    let covered = covered(pattern);
    let within = |action: &crate::catalog::services::Action| {
        name_of(*action).and_then(|name| kms::operation(&name)).is_some_and(|operation| !operation.across_accounts)
    };
    !covered.is_empty() && covered.iter().all(within)
}

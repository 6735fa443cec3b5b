//! Does a service not have an action that the policy names (R2.1, R2.3)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::action::ActionPattern;
use crate::catalog::services::{self, Service};
use crate::diagnostic::closest;
use crate::policy::{Policy, PolicyType, Written};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "unknown-action",
    level: Level::Warning,
    summary: "an action its service does not have",
    explanation: "AWS stores a policy with a misspelt action, and the entry matches nothing: an Allow does not give the permission, a Deny does not keep it away. Names of permissions are not always those of API operations: the operation `ReEncrypt` of KMS needs `kms:ReEncryptFrom` and `kms:ReEncryptTo`, and `ListBuckets` of S3 needs `s3:ListAllMyBuckets`.",
    remedy: "Write the permission as the service authorization reference has it.",
    bad: Example::bad(
        PolicyType::Identity,
        r"kms:ReEncrypt",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:ReEncrypt"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:ReEncrypt*"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let entries = policy.statements.iter().flat_map(|statement| &statement.action.patterns);
    entries.filter_map(of).collect()
}

fn of(entry: &Written<ActionPattern>) -> Option<Finding> {
    // Of KMS the reader says so itself; a service nobody knows is another rule's.
    let service = entry.value.service().filter(|prefix| *prefix != "kms").and_then(services::service)?;
    if service.actions().any(|action| entry.value.covers_name(action.name())) {
        return None;
    }
    let (written, name) = (entry.text.as_str(), service.name());
    let found =
        RULE.finding(entry.text.span(), format!("{name} has no permission `{written}`; the entry matches nothing"));
    Some(found.help(suggestion(service, written)))
}

fn suggestion(service: Service, written: &str) -> String {
    let names: Vec<_> = service.actions().map(|action| format!("{}:{}", service.prefix(), action.name())).collect();
    match closest(written, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "see the service's page in the Service Authorization Reference".to_owned(),
    }
}

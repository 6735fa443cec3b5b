//! Does a service not have an action that the policy names (R2.1, R2.3)?

use std::collections::BTreeMap;

use super::repeated::listed;
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
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let entries = policy.statements.iter().flat_map(|statement| &statement.action.patterns);
    let mut unknown: BTreeMap<&str, (Service, Vec<&Entry>)> = BTreeMap::new();
    for (entry, service) in entries.filter_map(|entry| Some((entry, unknown_to(entry)?))) {
        unknown.entry(service.prefix()).or_insert((service, Vec::new())).1.push(entry);
    }
    unknown.values().flat_map(|(service, entries)| of_service(*service, entries)).collect()
}

type Entry = Written<ActionPattern>;

/// The service of an entry, if it does not have the action.
fn unknown_to(entry: &Entry) -> Option<Service> {
    // Of KMS the reader says so itself; a service nobody knows is another rule's.
    let service = entry.value.service().filter(|prefix| *prefix != "kms").and_then(services::service)?;
    (!service.actions().any(|action| entry.value.covers_name(action.name()))).then_some(service)
}

/// What is said of the unknown names of one service. Several are rather newer than the catalog than misspelt, except of
/// services whose operations go by other names than their permissions.
fn of_service(service: Service, entries: &[&Entry]) -> Vec<Finding> {
    const SEVERAL: usize = 3;
    let is_old = matches!(service.prefix(), "s3" | "iam" | "sts" | "ec2");
    let Some(first) = entries.first().filter(|_| entries.len() >= SEVERAL && !is_old) else {
        return entries.iter().map(|entry| misspelt(service, entry)).collect();
    };
    let names = listed(entries.iter().map(|entry| entry.text.as_str()));
    let message = format!("{} is not known to have {names}; the entries match nothing", service.name());
    let help =
        "see the service's page in the Service Authorization Reference; they may be newer than Permitlab's catalog";
    vec![RULE.finding(first.text.span(), message).level(Level::Suggestion).help(help)]
}

fn misspelt(service: Service, entry: &Entry) -> Finding {
    let written = entry.text.as_str();
    let message = format!("{} has no permission `{written}`; the entry matches nothing", service.name());
    RULE.finding(entry.text.span(), message).help(suggestion(service, entry))
}

fn suggestion(service: Service, entry: &Entry) -> String {
    let names: Vec<_> = service.actions().map(|action| format!("{}:{}", service.prefix(), action.name())).collect();
    match closest(entry.text.as_str(), names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "see the service's page in the Service Authorization Reference".to_owned(),
    }
}

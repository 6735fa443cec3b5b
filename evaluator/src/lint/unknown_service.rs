//! Is there no service of this name?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::catalog::services;
use crate::diagnostic::closest;
use crate::policy::{Policy, PolicyType};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "unknown-service",
    level: Level::Warning,
    summary: "a service AWS does not have",
    explanation: "Before the colon of an action stands the prefix of its service, which is not always its name: `logs` for CloudWatch Logs, `elasticfilesystem` for EFS, `states` for Step Functions. An entry with another prefix matches nothing. A service that is newer than Permitlab's catalog is reported too.",
    remedy: "Write the prefix as the service authorization reference has it.",
    bad: Example::bad(
        PolicyType::Identity,
        r"bedrok",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "bedrok:InvokeModel"],
    "Resource": "*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "bedrock:InvokeModel"],
    "Resource": "*"
  }
}"#,
    ),
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in policy.statements.iter().flat_map(|statement| &statement.action.patterns) {
        let Some(prefix) = entry.value.service().filter(|prefix| services::service(prefix).is_none()) else { continue };
        let help = closest(prefix, services::prefixes()).map_or_else(
            || "see the list of prefixes in the Service Authorization Reference".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let found = RULE.finding(entry.text.subspan(0..prefix.len()), format!("no service has the prefix `{prefix}`"));
        findings.push(found.help(help));
    }
    findings
}

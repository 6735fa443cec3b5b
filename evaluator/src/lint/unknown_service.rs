//! Is there no service of this name?

use super::repeated::once;
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
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in policy.statements.iter().flat_map(|statement| &statement.action.patterns) {
        let Some(prefix) = entry.value.service().filter(|prefix| services::service(prefix).is_none()) else { continue };
        let place = entry.text.subspan(0..prefix.len());
        findings.push(match ended(prefix) {
            Some(name) => RULE
                .finding(place, format!("`{prefix}` is the prefix of {name}, which AWS no longer offers"))
                .level(Level::Suggestion)
                .help("remove the entry, which matches nothing any more"),
            None => RULE.finding(place, format!("no service has the prefix `{prefix}`")).help(suggestion(prefix)),
        });
    }
    once(findings)
}

fn suggestion(prefix: &str) -> String {
    closest(prefix, services::prefixes()).map_or_else(
        || "see the list of prefixes in the Service Authorization Reference".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

/// The name of a service that ended. Entries of it were right once, and do no harm.
fn ended(prefix: &str) -> Option<&'static str> {
    const ENDED: [(&str, &str); 7] = [
        ("deeplens", "DeepLens"),
        ("elastic-inference", "Elastic Inference"),
        ("iot1click", "IoT 1-Click"),
        ("iotroborunner", "IoT RoboRunner"),
        ("macie", "Macie Classic"),
        ("mobilehub", "Mobile Hub"),
        ("zocalo", "WorkDocs"),
    ];
    ENDED.iter().find(|(ended, _)| *ended == prefix).map(|(_, name)| *name)
}

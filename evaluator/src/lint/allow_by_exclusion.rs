//! Does an Allow name what it leaves out instead of what it gives (R2.2, R2.9)?

use super::subject::{allows, grants};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::policy::{Policy, PolicyType, ResourceElement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "allow-by-exclusion",
    level: Level::Security,
    summary: "`NotAction` or `NotResource` in an Allow",
    explanation: "`NotAction` in an Allow gives every action of every service but those named, also those AWS has yet to invent; `NotResource` gives every resource but those named. What is left out is not denied either: another statement may allow it.",
    remedy: "List what is meant in `Action` and `Resource`. To keep something out, allow what is needed and deny that in a statement of its own.",
    bad: Example::bad(
        PolicyType::Identity,
        r#""iam:*""#,
        r#"{
  "Version": "2012-10-17",
  "Statement": { "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": ["kms:*", "s3:*"], "Resource": "*" },
    { "Effect": "Deny", "NotAction": ["kms:*", "s3:*"], "Resource": "*" }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    if !grants(context.kind) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for statement in policy.statements.iter().filter(|each| allows(each)) {
        if statement.action.negated {
            let found = RULE
                .finding(statement.action.span, "`NotAction` in an Allow gives every other action of every service");
            findings.push(found.help("list the actions that are meant in `Action`"));
        }
        if let ResourceElement::Listed { negated: true, span, .. } = &statement.resource {
            let found = RULE.finding(*span, "`NotResource` in an Allow gives every other resource");
            findings.push(found.help("list the resources that are meant in `Resource`"));
        }
    }
    findings
}

//! Does the policy leave the version of the language to a default of 2008 (R1.2)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::policy::document::member;
use crate::policy::{Policy, PolicyType};
use crate::source::Span;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "missing-version",
    level: Level::Suggestion,
    summary: "a policy without `Version`",
    explanation: "Without `Version` a policy is in version 2008-10-17, in which policy variables are plain text. Service and resource control policies have to say `2012-10-17`.",
    remedy: "Begin the policy with `\"Version\": \"2012-10-17\"`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"{",
        r#"{
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
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
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, _: &Policy) -> Vec<Finding> {
    // Of these the reader says so itself.
    let is_told = matches!(context.kind, PolicyType::ServiceControl | PolicyType::ResourceControl);
    let root = &context.document.root;
    if is_told || member(root, "Version").is_some() {
        return Vec::new();
    }
    let place = Span { end: root.span.start + 1, ..root.span };
    let found = RULE.finding(place, "the policy has no `Version`, so it is in 2008-10-17, without policy variables");
    vec![found.help("add `\"Version\": \"2012-10-17\"`")]
}

//! Does the policy hold characters IAM refuses (R1.11)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::policy::PolicyType;
use crate::source::Span;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "unsupported-character",
    level: Level::Warning,
    summary: "a character IAM does not take",
    explanation: "IAM takes tabs, line breaks and the characters from U+0020 to U+00FF in a policy. Typographic quotes and dashes, copied from a page or a word processor, are refused.",
    remedy: "Write the plain character in its place.",
    bad: Example::bad(
        PolicyType::Identity,
        r"–",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::reports/2026–01/*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::reports/2026-01/*"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Text(check),
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    match context.kind {
        PolicyType::Identity | PolicyType::Boundary | PolicyType::Session | PolicyType::Trust => {}
        PolicyType::Key
        | PolicyType::Resource
        | PolicyType::VpcEndpoint
        | PolicyType::ServiceControl
        | PolicyType::ResourceControl => return Vec::new(),
    }
    let whole = context.document.root.span;
    let text = context.text.get(whole.range()).unwrap_or_default();
    let Some((at, found)) = text.char_indices().find(|(_, c)| u32::from(*c) > 0xff) else { return Vec::new() };
    let start = whole.range().start + at;
    let place = Span::new(whole.source, start, start + found.len_utf8());
    let message = format!("IAM does not take `{found}` (U+{:04X}) in a policy", u32::from(found));
    vec![RULE.finding(place, message).help("write a plain character in its place")]
}

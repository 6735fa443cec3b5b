//! Is the policy longer than AWS takes (R1.11)?

use super::{Check, Context, Example, Finding, Level, Rule};
use crate::policy::PolicyType;
use crate::policy::document::member;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "policy-too-large",
    level: Level::Warning,
    summary: "a policy beyond the size AWS takes",
    explanation: "AWS limits how long a policy may be, by its type: a managed policy to 6,144 characters, a trust policy and a session policy to 2,048, a service or resource control policy to 5,120, a key policy to 32,768 bytes. IAM does not count white space; KMS and Organizations do. The inline policies of a role may have 10,240 characters together, those of a user 2,048.",
    remedy: "Shorten it: drop what repeats, use wildcards where they say the same, or split it in two.",
    bad: Example::bad(
        PolicyType::Session,
        r"Statement",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": [
      "arn:aws:kms:us-east-1:111122223333:key/1234ab00-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab01-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab02-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab03-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab04-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab05-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab06-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab07-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab08-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab09-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab0a-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab0b-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab0c-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab0d-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab0e-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab0f-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab10-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab11-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab12-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab13-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab14-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab15-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab16-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab17-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab18-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab19-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab1a-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab1b-12ab-34cd-56ef-1234567890ab"
    ]
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Session,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": [
      "arn:aws:kms:us-east-1:111122223333:key/1234ab00-12ab-34cd-56ef-1234567890ab",
      "arn:aws:kms:us-east-1:111122223333:key/1234ab01-12ab-34cd-56ef-1234567890ab"
    ]
  }
}"#,
    ),
    also_good: &[],
    check: Check::Text(check),
};

/// How long a policy of some type may be.
struct Limit {
    most: usize,
    counts_white_space: bool,
    level: Level,
    of: &'static str,
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let whole = context.text.get(context.document.root.span.range()).unwrap_or_default();
    let dense = whole.chars().filter(|c| !c.is_whitespace()).count();
    let limits = limits(context.kind);
    let is_over = |limit: &&Limit| (if limit.counts_white_space { whole.len() } else { dense }) > limit.most;
    let Some(limit) = limits.iter().filter(is_over).min_by_key(|limit| limit.level) else { return Vec::new() };
    let length = if limit.counts_white_space { whole.len() } else { dense };
    let place = member(&context.document.root, "Statement").map_or(context.document.root.span, |each| each.name.span());
    let message = format!("{length} characters, and {} may have {}", limit.of, limit.most);
    let help = if limit.counts_white_space && dense <= limit.most {
        "store it without white space, or shorten it"
    } else {
        "shorten it, or split it in two"
    };
    vec![RULE.finding(place, message).level(limit.level).help(help)]
}

fn limits(kind: PolicyType) -> Vec<Limit> {
    let limit = |most, counts_white_space, level, of| Limit { most, counts_white_space, level, of };
    match kind {
        PolicyType::Identity => vec![
            limit(6_144, false, Level::Suggestion, "a managed policy"),
            limit(10_240, false, Level::Warning, "the inline policies of a role together"),
        ],
        PolicyType::Boundary => vec![limit(6_144, false, Level::Warning, "a permissions boundary")],
        PolicyType::Session => vec![limit(2_048, false, Level::Warning, "a session policy")],
        PolicyType::Trust => vec![limit(2_048, false, Level::Warning, "a trust policy, unless the quota was raised,")],
        // The quota page that has this figure is of 2023.
        PolicyType::ServiceControl => vec![limit(5_120, true, Level::Suggestion, "a service control policy")],
        PolicyType::ResourceControl => vec![limit(5_120, true, Level::Warning, "a resource control policy")],
        PolicyType::Key => vec![limit(32_768, true, Level::Warning, "a key policy")],
        PolicyType::Resource => vec![limit(20_480, true, Level::Suggestion, "a bucket policy")],
        PolicyType::VpcEndpoint => vec![limit(20_480, true, Level::Suggestion, "a VPC endpoint policy")],
    }
}

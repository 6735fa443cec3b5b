//! Are ARNs of different partitions of AWS put together?

use super::subject::{arn_fields, limits, literal, principals, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::json::Text;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "mixed-partitions",
    level: Level::Warning,
    summary: "ARNs of two partitions that never meet",
    explanation: "AWS has partitions that share nothing: `aws`, `aws-cn` for China, `aws-us-gov` for GovCloud and others. A principal of one never calls a resource of another, and a condition on an ARN of another partition never holds.",
    remedy: "Write the partition of the account in every ARN.",
    bad: Example::bad(
        PolicyType::Key,
        r"arn:aws-cn:iam::444455556666:role/eval",
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
      "Principal": { "AWS": "arn:aws-cn:iam::444455556666:role/eval" },
      "Action": "kms:Decrypt",
      "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
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
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::444455556666:role/eval" },
      "Action": "kms:Decrypt",
      "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let home = context.attachment.partition.as_deref();
    policy.statements.iter().filter_map(|statement| in_statement(home, statement)).collect()
}

/// The first ARN that no ARN of another part of the statement could meet.
fn in_statement(home: Option<&str>, statement: &Statement) -> Option<Finding> {
    let conditions = limits(statement).filter(|condition| condition.key.folded().ends_with("arn"));
    let mut parts: Vec<Vec<&Text>> = vec![resources(statement).iter().map(|each| &each.text).collect()];
    parts.push(principals(statement).iter().map(|each| &each.text).collect());
    parts.extend(conditions.map(|condition| condition.operands.iter().map(|operand| &operand.text).collect()));
    let named: Vec<_> = parts.iter().filter_map(|texts| Some((texts, partitions(texts)?))).collect();
    let (_, first) = named.first()?;
    let expected: Vec<&str> = home.map_or_else(|| first.clone(), |home| vec![home]);
    let (texts, _) = named.iter().find(|(_, partitions)| !partitions.iter().any(|each| expected.contains(each)))?;
    let text = texts.first()?;
    let found = RULE.finding(text.span(), format!("an ARN of another partition than `{}`", expected.join("`, `")));
    Some(found.help(format!("write `arn:{}:…`", expected.first()?)))
}

/// The partitions of some ARNs; `None` if one could be of any.
fn partitions<'t>(texts: &[&'t Text]) -> Option<Vec<&'t str>> {
    let read = |text: &&'t Text| arn_fields(text.as_str()).and_then(|[_, partition, ..]| literal(partition));
    let found: Option<Vec<_>> = texts.iter().map(read).collect();
    found.filter(|found| !found.is_empty())
}

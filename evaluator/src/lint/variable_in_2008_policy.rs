//! Is a policy variable written in a version of the language that has none (R1.2)?

use super::subject::resources;
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::json::Text;
use crate::policy::{Policy, PolicyType, Version};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "variable-in-2008-policy",
    level: Level::Warning,
    summary: "a policy variable in version 2008-10-17",
    explanation: "Policy variables came with version 2012-10-17. In version 2008-10-17, which is what a policy without `Version` is in, `${aws:username}` is plain text: the resource or value is taken to hold a dollar sign and braces, which nothing does.",
    remedy: "Write `\"Version\": \"2012-10-17\"`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"${aws:username}",
        r#"{
  "Version": "2008-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::home/${aws:username}/*"
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
    "Resource": "arn:aws:s3:::home/${aws:username}/*"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    if policy.version == Version::V2012 {
        return Vec::new();
    }
    let resources = policy.statements.iter().flat_map(|statement| resources(statement).iter().map(|each| &each.text));
    let operands = policy.statements.iter().flat_map(|statement| &statement.conditions).flat_map(|each| &each.operands);
    resources.chain(operands.map(|operand| &operand.text)).filter_map(in_text).collect()
}

fn in_text(text: &Text) -> Option<Finding> {
    let written = text.as_str();
    let start = written.find("${")?;
    let end = start + written.get(start..)?.find('}')? + 1;
    let variable = written.get(start..end)?;
    let is_variable = variable.contains(':') || matches!(variable, "${*}" | "${?}" | "${$}");
    is_variable.then(|| {
        RULE.finding(text.subspan(start..end), format!("`{variable}` is plain text in version 2008-10-17"))
            .help("write `\"Version\": \"2012-10-17\"`; a policy without `Version` is in 2008-10-17")
    })
}

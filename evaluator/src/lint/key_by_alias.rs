//! Does a policy name a KMS key by an alias (R2.12)?

use super::subject::{actions, arn_fields, covered, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::catalog::services::pattern::could_allow;
use crate::policy::{Policy, PolicyType};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "key-by-alias",
    level: Level::Warning,
    summary: "a KMS key named by its alias",
    explanation: "KMS finds the key behind an alias first and asks the policies about the key's own ARN. The ARN of an alias selects the alias itself, which only matters for `kms:CreateAlias`, `kms:UpdateAlias` and `kms:DeleteAlias`.",
    remedy: "Name the key by its ARN, or allow keys by alias with a condition: `ForAnyValue:StringEquals` on `kms:ResourceAliases`, or `StringEquals` on `kms:RequestAlias`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"arn:aws:kms:us-east-1:111122223333:alias/eval",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:alias/eval"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/eval" } }
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for statement in &policy.statements {
        let covered: Vec<_> = actions(statement).iter().map(|each| covered(&each.value)).collect();
        let is_known = !covered.is_empty() && covered.iter().all(|each| !each.is_empty());
        for resource in resources(statement) {
            let text = resource.text.as_str();
            let fields = arn_fields(text);
            let is_alias =
                fields.is_some_and(|[_, _, service, _, _, name]| service == "kms" && name.starts_with("alias/"));
            if is_alias && is_known && !covered.iter().flatten().any(|action| could_allow(*action, text)) {
                findings.push(
                    RULE.finding(resource.text.span(), "no action of the statement is authorized on an alias")
                        .label("selects the alias, not its key")
                        .help(
                            "write the key's ARN, or all keys with `ForAnyValue:StringEquals` on `kms:ResourceAliases`",
                        ),
                );
            }
        }
    }
    findings
}

//! Is a policy variable written where AWS does not fill it in (R2.10, R4.12)?

use super::subject::resources;
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::catalog;
use crate::policy::pattern::Pattern;
use crate::policy::{Policy, PolicyType};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "variable-out-of-place",
    level: Level::Warning,
    summary: "a policy variable that is never filled in",
    explanation: "Policy variables work in the last field of a resource's ARN and in the values of conditions on text and ARNs. In an earlier field of an ARN AWS does not document them, and a key that holds several values, such as `aws:TagKeys`, has no one value to stand for it.",
    remedy: "Move the variable behind the fifth colon, or name the accounts and Regions; compare with a key that has one value.",
    bad: Example::bad(
        PolicyType::Identity,
        r"arn:aws:kms:us-east-1:${aws:PrincipalAccount}:key/*",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:${aws:PrincipalAccount}:key/*"
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
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key-id}"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for resource in policy.statements.iter().flat_map(resources) {
        // What has no colon is no condition key but a placeholder, which another rule names.
        let is_key = |field: &&Pattern| field.variables().any(|variable| variable.key.as_str().contains(':'));
        if resource.value.as_fields().is_some_and(|fields| fields.iter().take(5).any(|field| is_key(&field))) {
            findings
                .push(RULE.finding(resource.text.span(), "a policy variable before the fifth colon of an ARN").help(
                "AWS fills variables in behind the fifth colon only; name the account and Region, or write `*` there",
            ));
        }
    }
    for operand in policy.statements.iter().flat_map(|each| &each.conditions).flat_map(|each| &each.operands) {
        let mut variables = operand.as_pattern().into_iter().flat_map(crate::policy::pattern::Pattern::variables);
        if let Some(many) = variables.find(|variable| catalog::is_multivalued(&variable.key)) {
            let key = many.key.as_str();
            findings.push(
                RULE.finding(operand.text.span(), format!("`{key}` holds several values, so `${{{key}}}` has none"))
                    .help("take a key that holds one value"),
            );
        }
    }
    findings
}

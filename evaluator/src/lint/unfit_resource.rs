//! Is there an action for which no resource of the statement fits, or a resource no action takes (R2.7, R2.8)?

use super::subject::{actions, covered, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::catalog::services::pattern::could_allow;
use crate::catalog::services::{Action, service};
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "unfit-resource",
    level: Level::Warning,
    summary: "an action and resources that do not go together",
    explanation: "Each action is authorized on resources of certain types. An action whose statement names no resource of its types is neither allowed nor denied by it, and a resource that no action of the statement takes does nothing. `s3:ListBucket` is authorized on the bucket, `arn:aws:s3:::name`, and `s3:GetObject` on what is in it, `arn:aws:s3:::name/*`.",
    remedy: "Name a resource of a type that the action takes, or move the action to a statement with its own resources.",
    bad: Example::bad(
        PolicyType::Identity,
        r"s3:ListBucket",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": "arn:aws:s3:::eval-input/*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::eval-input", "arn:aws:s3:::eval-input/*"]
  }
}"#,
    ),
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    // What a key policy or a trust policy names is the key or role itself; a placeholder could be anything.
    let speaks_of_itself = matches!(context.kind, PolicyType::Key | PolicyType::Trust);
    if speaks_of_itself || context.is_template {
        return Vec::new();
    }
    policy.statements.iter().flat_map(in_statement).collect()
}

fn in_statement(statement: &Statement) -> Vec<Finding> {
    let resources: Vec<_> = resources(statement).iter().map(|each| each.text.as_str()).collect();
    let listed: Vec<_> = actions(statement).iter().map(|each| (each, covered(&each.value))).collect();
    let is_known = listed.iter().all(|(_, covered)| !covered.is_empty());
    if resources.is_empty() || listed.is_empty() || !is_known || resources.iter().any(|each| is_beyond(each)) {
        return Vec::new();
    }
    let fits = |covered: &[Action], resource: &str| covered.iter().any(|action| could_allow(*action, resource));
    let mut findings = Vec::new();
    for (pattern, covered) in &listed {
        let has_types = covered.iter().any(|action| !action.is_wildcard_only());
        if has_types && !is_alias_for_a_key(covered, &resources) && !resources.iter().any(|each| fits(covered, each)) {
            let action = pattern.text.as_str();
            let wanted = wanted(covered);
            findings.push(
                RULE.finding(pattern.text.span(), format!("no resource of the statement is one that `{action}` takes"))
                    .also(resource_span(statement), "these are of other types")
                    .help(format!("`{action}` takes {wanted}")),
            );
        }
    }
    // Where no action has a resource, each of them was named already.
    if findings.len() == listed.len()
        || listed.iter().any(|(_, covered)| covered.iter().all(|each| each.is_wildcard_only()))
    {
        return findings;
    }
    for resource in super::subject::resources(statement) {
        let text = resource.text.as_str();
        if !listed.iter().any(|(_, covered)| fits(covered, text)) && !is_alias(text) {
            findings.push(
                RULE.finding(resource.text.span(), format!("no action of the statement takes `{text}`"))
                    .help("remove it, or add the actions on it that are meant"),
            );
        }
    }
    findings
}

/// Whether a resource is of a service that the reference does not know, so that nothing can be said.
fn is_beyond(resource: &str) -> bool {
    let prefix = resource.split(':').nth(2).unwrap_or("*");
    // A variable in an early field matches nothing, which another rule says.
    let early = resource.split_once("${").is_some_and(|(before, _)| before.matches(':').count() < 5);
    resource != "*" && (early || prefix.contains(['*', '?', '$']) || service(prefix).is_none())
}

fn is_alias(resource: &str) -> bool {
    resource.starts_with("arn:") && resource.contains(":kms:") && resource.contains(":alias/")
}

/// A key named by an alias is another rule's.
fn is_alias_for_a_key(covered: &[Action], resources: &[&str]) -> bool {
    covered.iter().all(|action| action.service().prefix() == "kms") && resources.iter().any(|each| is_alias(each))
}

fn resource_span(statement: &Statement) -> crate::source::Span {
    match &statement.resource {
        crate::policy::ResourceElement::Listed { span, .. } => *span,
        crate::policy::ResourceElement::Missing | crate::policy::ResourceElement::Own => statement.span,
    }
}

/// The forms of the resources that some actions take.
fn wanted(covered: &[Action]) -> String {
    let mut forms: Vec<_> = covered
        .iter()
        .flat_map(|action| action.resources().flat_map(|each| each.kind.arn_patterns().collect::<Vec<_>>()))
        .map(|form| format!("`{form}`"))
        .collect();
    forms.sort();
    forms.dedup();
    if forms.len() > 3 {
        forms.truncate(3);
        forms.push("others".to_owned());
    }
    forms.join(", ")
}

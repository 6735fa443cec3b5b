//! Is there an action for which no resource of the statement fits, or a resource no action takes (R2.7, R2.8)?

use super::repeated::listed as names;
use super::subject::{actions, covered, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::action::ActionPattern;
use crate::catalog::services::pattern::could_allow;
use crate::catalog::services::{Action, service};
use crate::policy::{Policy, PolicyType, Statement, Written};

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
    // API Gateway's reference lists only some of its paths; CodeConnections goes by its former name too.
    also_good: &[Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "cloudformation:CreateChangeSet", "Resource": "arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31" },
    { "Effect": "Allow", "Action": "apigateway:GET", "Resource": ["arn:aws:apigateway:us-east-1::/restapis/*", "arn:aws:apigateway:us-east-1::/v2/apis"] },
    { "Effect": "Allow", "Action": "codestar-connections:GetConnection", "Resource": "arn:aws:codeconnections:us-east-1:111122223333:connection/*" }
  ]
}"#,
    )],
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
    let texts: Vec<_> = resources(statement).iter().map(|each| each.text.as_str()).collect();
    let listed: Vec<Asked<'_>> = actions(statement).iter().map(|each| (each, covered(&each.value))).collect();
    let is_known = listed.iter().all(|(_, covered)| !covered.is_empty());
    if texts.is_empty() || listed.is_empty() || !is_known || texts.iter().any(|each| is_beyond(each)) {
        return Vec::new();
    }
    let is_unfit = |(_, covered): &&Asked<'_>| {
        let has_types = covered.iter().any(|action| !action.is_wildcard_only());
        has_types && !is_alias_for_a_key(covered, &texts) && !texts.iter().any(|each| fits(covered, each))
    };
    let unfit: Vec<_> = listed.iter().filter(is_unfit).collect();
    // Where no action has a resource, each of them was named already.
    let has_star = listed.iter().any(|(_, covered)| covered.iter().all(|each| each.is_wildcard_only()));
    let surplus = if unfit.len() == listed.len() || has_star { None } else { surplus(statement, &listed) };
    without_resource(statement, &unfit).into_iter().chain(surplus).collect()
}

/// An entry of `Action` and the actions it covers.
type Asked<'s> = (&'s Written<ActionPattern>, Vec<Action>);

/// The actions that no resource of the statement is for: one mistake, whichever of them was meant.
fn without_resource(statement: &Statement, unfit: &[&Asked<'_>]) -> Option<Finding> {
    let (first, covered) = unfit.first()?;
    let names = names(unfit.iter().map(|(pattern, _)| pattern.text.as_str()));
    let take = if unfit.len() == 1 { "takes" } else { "take" };
    let finding = RULE.finding(first.text.span(), format!("no resource of the statement is one that {names} {take}"));
    let help = format!("`{}` takes {}", first.text.as_str(), wanted(covered));
    Some(finding.also(resource_span(statement), "these are of other types").help(help))
}

/// The resources that no action of the statement takes. They do nothing, and seldom were to do something.
fn surplus(statement: &Statement, listed: &[Asked<'_>]) -> Option<Finding> {
    let is_taken =
        |text: &str| listed.iter().any(|(_, covered)| fits(covered, text)) || is_alias(text) || is_path(text);
    let surplus: Vec<_> = resources(statement).iter().filter(|each| !is_taken(each.text.as_str())).collect();
    let names = names(surplus.iter().map(|each| each.text.as_str()));
    let finding = RULE.finding(surplus.first()?.text.span(), format!("no action of the statement takes {names}"));
    Some(finding.level(Level::Suggestion).help("remove it, or add the actions on it that are meant"))
}

fn fits(covered: &[Action], resource: &str) -> bool {
    // Actions under the service's former name are called on connections under either.
    let renamed = resource.replacen(":codeconnections:", ":codestar-connections:", 1);
    let fits = |action: &Action| could_allow(*action, resource) || could_allow(*action, &renamed);
    covered.iter().any(|action| fits(action) || is_left_open(*action, resource))
}

/// Whether AWS's reference lists too little to hold anything against the resource: two generations of Elastic Load
/// Balancing share the names of actions, and a change set is authorized on the macros of its template too.
fn is_left_open(action: Action, resource: &str) -> bool {
    let prefix = action.service().prefix();
    let is_own = resource.split(':').nth(2) == Some(prefix);
    let is_macro = prefix == "cloudformation" && resource.contains(":transform/");
    is_own && (prefix == "elasticloadbalancing" || is_macro)
}

/// The resources of API Gateway are the paths of its own interface, of which the reference lists only some.
fn is_path(resource: &str) -> bool {
    resource.split(':').nth(2) == Some("apigateway")
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

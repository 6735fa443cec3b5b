//! Is an action that has no resource written with one, or in a policy of a resource (R2.8, R6.7)?

use super::repeated::listed;
use super::subject::{actions, covered, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::action::ActionPattern;
use crate::catalog::services::Action;
use crate::catalog::services::pattern::could_allow;
use crate::policy::{Effect, Policy, PolicyType, Statement, Written};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "wildcard-only-action",
    level: Level::Warning,
    summary: "an action without a resource, under a specific resource",
    explanation: "Some actions are authorized on nothing in particular: `kms:ListKeys`, `kms:CreateKey`, `s3:ListAllMyBuckets`. A statement speaks of them only with `\"Resource\": \"*\"`; KMS takes the account's form `arn:aws:kms:us-east-1:111122223333:*` too. A key policy cannot speak of them at all, since there is no key they are called on.",
    remedy: "Put the action in a statement of its own with `\"Resource\": \"*\"`, in a policy of the caller.",
    bad: Example::bad(
        PolicyType::Identity,
        r"kms:ListKeys",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["kms:DescribeKey", "kms:ListKeys"],
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "arn:aws:kms:us-east-1:111122223333:key/*" },
    { "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*" }
  ]
}"#,
    ),
    // `/` is the whole of an account; where no action of a service has a resource, the reference is silent; a channel
    // is one of a session.
    also_good: &[Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "emr-serverless:ListApplications", "Resource": "arn:aws:emr-serverless:us-east-1:111122223333:/*" },
    { "Effect": "Allow", "Action": "opsworks-cm:DeleteServer", "Resource": "arn:aws:opsworks-cm:us-east-1:111122223333:server/*" },
    { "Effect": "Allow", "Action": "ssmmessages:OpenDataChannel", "Resource": "arn:aws:ssm:us-east-1:111122223333:session/*" },
    { "Effect": "Allow", "Action": "appsync:SetWebACL", "Resource": "arn:aws:appsync:us-east-1:111122223333:apis/*" }
  ]
}"#,
    )],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    policy.statements.iter().flat_map(|statement| in_statement(context, statement)).collect()
}

fn in_statement(context: &Context<'_>, statement: &Statement) -> Vec<Finding> {
    if context.kind == PolicyType::Key {
        return in_key_policy(statement).into_iter().collect();
    }
    let stray: Vec<_> = without_resource(statement).into_iter().filter(|each| !has_place(statement, each)).collect();
    let (open, sure): (Vec<_>, Vec<_>) = stray.into_iter().partition(|each| is_left_open(statement, each));
    let sure = misplaced(statement, &sure);
    let open = misplaced(statement, &open).map(|finding| finding.level(Level::Suggestion));
    sure.into_iter().chain(open).collect()
}

/// An entry of `Action` that covers actions without a resource only.
struct Stray<'s> {
    pattern: &'s Written<ActionPattern>,
    covered: Vec<Action>,
}

fn without_resource(statement: &Statement) -> Vec<Stray<'_>> {
    let entries = actions(statement).iter().map(|pattern| Stray { pattern, covered: covered(&pattern.value) });
    let has_none = |each: &Stray<'_>| !each.covered.is_empty() && each.covered.iter().all(|one| one.is_wildcard_only());
    entries.filter(has_none).collect()
}

fn in_key_policy(statement: &Statement) -> Option<Finding> {
    let stray = without_resource(statement);
    let names = listed(stray.iter().map(|each| each.pattern.text.as_str()));
    let (are, them) = if stray.len() == 1 { ("is", "it") } else { ("are", "them") };
    let message = format!("{names} {are} called on no key, so a key policy never {} {them}", verb(statement.effect));
    let help = format!("put {} in an identity-based policy, with `\"Resource\": \"*\"`", all(&stray));
    Some(RULE.finding(stray.first()?.pattern.text.span(), message).help(help))
}

fn misplaced(statement: &Statement, stray: &[Stray<'_>]) -> Option<Finding> {
    let names = listed(stray.iter().map(|each| each.pattern.text.as_str()));
    let (have, they) = if stray.len() == 1 { ("has", "it is") } else { ("have", "they are") };
    let message = format!("{names} {have} no resource, so {they} not {} here", participle(statement.effect));
    let help = format!("put {} in a statement with `\"Resource\": \"*\"`", all(stray));
    Some(RULE.finding(stray.first()?.pattern.text.span(), message).help(help))
}

fn all(stray: &[Stray<'_>]) -> String {
    stray.iter().map(|each| format!("`{}`", each.pattern.text.as_str())).collect::<Vec<_>>().join(", ")
}

/// Whether a resource of the statement could be what the actions are authorized on.
fn has_place(statement: &Statement, stray: &Stray<'_>) -> bool {
    let resources = resources(statement);
    let fits = |resource: &str| stray.covered.iter().any(|action| takes(*action, resource));
    resources.is_empty() || resources.iter().any(|each| fits(each.text.as_str()))
}

/// Whether an action could be authorized on a resource, or the reference lists too little to say: no action of the
/// service has a resource there, or the action is only a permission that AWS WAF asks for. Session Manager's channels
/// are those of sessions, which are of Systems Manager.
fn takes(action: Action, resource: &str) -> bool {
    let own = action.service();
    let of = resource.split(':').nth(2).unwrap_or_default();
    let is_silent = of == own.prefix() && own.actions().all(Action::is_wildcard_only);
    let is_firewall = of == own.prefix() && action.name().eq_ignore_ascii_case("SetWebACL");
    let is_channel = own.prefix() == "ssmmessages" && of == "ssm";
    is_silent || is_firewall || is_channel || could_allow(action, resource)
}

/// Whether AWS itself writes such permissions, and the reference may lack the resource: what is created, of its own
/// type, or all resources of a type. Of some services it is known that they ask for `*`.
fn is_left_open(statement: &Statement, stray: &Stray<'_>) -> bool {
    let is_own = |text: &&str| stray.covered.iter().any(|each| text.split(':').nth(2) == Some(each.service().prefix()));
    let is_known = stray.covered.iter().any(|each| matches!(each.service().prefix(), "kms" | "s3" | "ec2"));
    let creates = stray.covered.iter().all(|action| action.name().starts_with("Create"));
    let mut own = resources(statement).iter().map(|each| each.text.as_str()).filter(is_own);
    !is_known && own.any(|text| creates || is_whole_type(text))
}

/// Whether a resource is every one of a type: `role/*`.
fn is_whole_type(resource: &str) -> bool {
    let name = resource.splitn(6, ':').nth(5).and_then(|last| last.split(['/', ':']).nth(1));
    matches!(name, Some("*" | ""))
}

const fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allows",
        Effect::Deny => "denies",
    }
}

const fn participle(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allowed",
        Effect::Deny => "denied",
    }
}

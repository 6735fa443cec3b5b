//! Can nobody change the key policy any more (R6.10)?

use super::subject::{actions, limits, principals};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::action::ActionName;
use crate::policy::document::member;
use crate::policy::{Effect, Policy, PolicyType, ResourceElement, Statement};
use crate::principal::PrincipalPattern;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "key-lockout",
    level: Level::Error,
    summary: "a key policy that lets nobody change it",
    explanation: "Nobody has a permission on a KMS key that its key policy does not give or leave to IAM, the root user of the account included. A key policy under which nobody may call `kms:PutKeyPolicy` can never be changed; the key is lost to its owner except through AWS support. KMS refuses such a policy unless the caller switches the check off.",
    remedy: "Add a statement that allows the account, `arn:aws:iam::ACCOUNT:root`, or an administrator role `kms:PutKeyPolicy`.",
    bad: Example::bad(
        PolicyType::Key,
        r"Statement",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
      "Action": ["kms:Encrypt", "kms:Decrypt"],
      "Resource": "*"
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
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
      "Action": "kms:*",
      "Resource": "*"
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

pub(super) fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let Some(place) = member(&context.document.root, "Statement").filter(|_| context.kind == PolicyType::Key) else {
        return Vec::new();
    };
    let Ok(put) = ActionName::parse("kms:PutKeyPolicy") else { return Vec::new() };
    let about = |each: &&Statement| reaches(each, &put) && !matches!(each.resource, ResourceElement::Missing);
    let allowed = policy.statements.iter().filter(about).any(|each| each.effect == Effect::Allow && names_people(each));
    let denied = policy.statements.iter().filter(about).find(|each| each.effect == Effect::Deny && denies_all(each));
    let finding = match (allowed, denied) {
        (true, None) => return Vec::new(),
        (true, Some(deny)) => {
            RULE.finding(deny.action.span, "everyone is denied `kms:PutKeyPolicy`, so the policy can never be changed")
        }
        (false, _) => RULE.finding(
            place.name.span(),
            "no statement allows anybody `kms:PutKeyPolicy`, so the policy can never be changed",
        ),
    };
    vec![
        finding.help("allow the account or an administrator role `kms:PutKeyPolicy`; KMS refuses the policy otherwise"),
    ]
}

/// Whether the statement speaks of an action.
fn reaches(statement: &Statement, action: &ActionName) -> bool {
    let is_listed = statement.action.patterns.iter().any(|each| each.value.matches(action));
    is_listed != statement.action.negated
}

/// Whether somebody is named who can call it: not only services, which never do.
fn names_people(statement: &Statement) -> bool {
    let is_service =
        |entry: &PrincipalPattern| matches!(entry, PrincipalPattern::Service(_) | PrincipalPattern::Nobody);
    principals(statement).iter().any(|entry| !is_service(&entry.value))
}

fn denies_all(statement: &Statement) -> bool {
    let is_everyone = |entry: &PrincipalPattern| matches!(entry, PrincipalPattern::Everyone(_));
    statement.conditions.is_empty()
        && limits(statement).count() == 0
        && (!actions(statement).is_empty() || statement.action.negated)
        && principals(statement).iter().any(|entry| is_everyone(&entry.value))
}

//! Do identity-based policies have no say on the key (R6.2, R6.4)?

use super::subject::{allows, principals};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::policy::document::member;
use crate::policy::{Policy, PolicyType};
use crate::principal::PrincipalPattern;

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "missing-account-delegation",
    level: Level::Warning,
    summary: "a key policy that does not leave anything to the account",
    explanation: "Identity-based policies count for a KMS key only if its key policy allows the account, `arn:aws:iam::ACCOUNT:root`, the actions. Without such a statement a role with `kms:*` in its own policy may do nothing with the key, and if the principals the key policy names are deleted nobody may.",
    remedy: "Add the statement of the default key policy that allows the account `kms:*`, unless IAM is meant to have no say.",
    bad: Example::bad(
        PolicyType::Key,
        r"Statement",
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/KeyAdministrator" },
      "Action": "kms:*",
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

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    let Some(place) = member(&context.document.root, "Statement").filter(|_| context.kind == PolicyType::Key) else {
        return Vec::new();
    };
    // A policy that nobody may change lacks the same statement, and says so.
    if !super::key_lockout::check(context, policy).is_empty() {
        return Vec::new();
    }
    let own = context.attachment.account;
    let delegates = |entry: &PrincipalPattern| match entry {
        PrincipalPattern::Account(account) => own.is_none_or(|own| own == *account),
        PrincipalPattern::Everyone(_) => true,
        PrincipalPattern::User(_)
        | PrincipalPattern::Role(_)
        | PrincipalPattern::RoleSession { .. }
        | PrincipalPattern::FederatedUser { .. }
        | PrincipalPattern::Service(_)
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_)
        | PrincipalPattern::OriginAccessIdentity(_)
        | PrincipalPattern::Nobody => false,
    };
    let mut entries = policy.statements.iter().filter(|each| allows(each)).flat_map(principals);
    if entries.any(|entry| delegates(&entry.value)) {
        return Vec::new();
    }
    let account = own.map_or_else(|| "ACCOUNT".to_owned(), |own| own.to_string());
    let found = RULE.finding(
        place.name.span(),
        "no statement allows the account, so identity-based policies have no say on the key",
    );
    vec![found.help(format!(
        "add `{{ \"Effect\": \"Allow\", \"Principal\": {{ \"AWS\": \"arn:aws:iam::{account}:root\" }}, \"Action\": \"kms:*\", \"Resource\": \"*\" }}`, unless that is meant"
    ))]
}

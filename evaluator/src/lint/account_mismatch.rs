//! Do accounts that have to be the same differ (R2.13, R7.16)?

use super::subject::{account_of, actions, allows, arn_fields, limits, literal, principals, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::{Condition, Operand};
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "account-mismatch",
    level: Level::Warning,
    summary: "two accounts where there can only be one",
    explanation: "A key policy speaks of its own key: a `Resource` with the ARN of a key in another account selects nothing. In the same way a request has one `aws:SourceAccount`, which is that of its `aws:SourceArn`: a statement that asks for two different ones never applies. Samples put together from two pages are often like this.",
    remedy: "Write `\"Resource\": \"*\"` in a key policy. Where two conditions name an account, name the same one.",
    bad: Example::bad(
        PolicyType::Key,
        r"arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
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
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/eval" },
      "Action": "kms:Decrypt",
      "Resource": "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
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
      "Principal": { "AWS": "arn:aws:iam::111122223333:role/eval" },
      "Action": "kms:Decrypt",
      "Resource": "*"
    }
  ]
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    if context.is_template {
        return Vec::new();
    }
    let sources = policy.statements.iter().filter_map(sources);
    let mut findings: Vec<_> = sources.collect();
    if context.kind == PolicyType::Key {
        let own = context.attachment.account.map(|account| account.to_string()).or_else(|| owner(policy));
        let foreign = own.iter().flat_map(|own| policy.statements.iter().flat_map(|each| foreign_keys(each, own)));
        findings.extend(foreign);
    }
    findings
}

/// The account a key policy leaves everything to, if it is one: that of the key.
pub(super) fn owner(policy: &Policy) -> Option<String> {
    let all = |statement: &&Statement| {
        let is_all = |text: &str| text == "*" || text.eq_ignore_ascii_case("kms:*");
        allows(statement) && actions(statement).iter().any(|each| is_all(each.text.as_str()))
    };
    let roots = policy.statements.iter().filter(all).flat_map(principals);
    let mut accounts: Vec<_> = roots
        .filter(|entry| matches!(entry.value, crate::principal::PrincipalPattern::Account(_)))
        .filter_map(|entry| account_of(&entry.value))
        .collect();
    accounts.dedup();
    match accounts.as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    }
}

/// Keys of another account in a key policy.
fn foreign_keys(statement: &Statement, own: &str) -> Vec<Finding> {
    let other = |text: &str| match arn_fields(text) {
        Some([_, _, _, _, account, _]) => literal(account).filter(|account| *account != own).map(str::to_owned),
        None => None,
    };
    let foreign = resources(statement).iter().filter_map(|each| Some((each, other(each.text.as_str())?)));
    foreign
        .map(|(resource, account)| {
            RULE.finding(
                resource.text.span(),
                format!("a key of account {account}, in the policy of a key of account {own}"),
            )
            .help("write `\"Resource\": \"*\"`, which means this key")
        })
        .collect()
}

/// `aws:SourceAccount` and an `aws:SourceArn` of other accounts.
fn sources(statement: &Statement) -> Option<Finding> {
    let named = |name: &str| limits(statement).find(|condition| condition.key.folded() == name);
    let (account, arn) = (named("aws:sourceaccount")?, named("aws:sourcearn")?);
    let accounts = texts(account, |text| literal(text).filter(|_| text.len() == 12))?;
    let owners = texts(arn, |text| arn_fields(text).and_then(|[_, _, _, _, account, _]| literal(account)))?;
    if owners.iter().any(|owner| accounts.contains(owner)) {
        return None;
    }
    let finding = RULE.finding(account.span, "no request has this account and a source of another one");
    Some(finding.also(arn.span, "a resource of another account").help("name the account of `aws:SourceArn`"))
}

/// What each value of a condition names; `None` if one could be anything.
fn texts<'c>(condition: &'c Condition, read: impl Fn(&'c str) -> Option<&'c str>) -> Option<Vec<&'c str>> {
    condition.operands.iter().map(|operand: &Operand| read(operand.text.as_str())).collect()
}

//! Is something that should be an ARN no ARN AWS could have (R2.5, R4.15)?

use super::repeated::once;
use super::subject::{arn_fields, is_wild, literal, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::account::AccountId;
use crate::catalog::KeyType;
use crate::condition::Condition;
use crate::condition::operator::Family;
use crate::json::Text;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "malformed-arn",
    level: Level::Warning,
    summary: "an ARN with a field that cannot be",
    explanation: "An ARN has six fields: `arn:partition:service:region:account:resource`. AWS stores almost anything between the colons, and compares it as text: an account with eleven digits, a Region that does not exist or a value without colons where an ARN is compared match nothing.",
    remedy: "Write all six fields, with an account id of twelve digits; leave Region and account empty where the service does.",
    bad: Example::bad(
        PolicyType::Identity,
        r"11112222333",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:11112222333:key/*"
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
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(_: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    once(policy.statements.iter().flat_map(in_statement).collect())
}

fn in_statement(statement: &Statement) -> Vec<Finding> {
    let resources = resources(statement).iter().filter_map(|each| in_arn(&each.text));
    let conditions = statement.conditions.iter().filter(|each| each.key_type == Some(KeyType::Arn));
    resources.chain(conditions.flat_map(in_condition)).collect()
}

fn in_condition(condition: &Condition) -> Vec<Finding> {
    let is_text = condition.operator.base.family() == Family::String;
    let found = |text: &Text| in_arn(text).or_else(|| if is_text { no_arn(condition, text) } else { None });
    condition.operands.iter().filter_map(|operand| found(&operand.text)).collect()
}

/// A value that no ARN equals; operators on ARNs say so when they are read.
fn no_arn(condition: &Condition, text: &Text) -> Option<Finding> {
    let written = text.as_str();
    let could_be = written.starts_with("arn:") || is_wild(written) || written.contains(['$', '{', '[', '<']);
    // Unsigned callers and services have other values here.
    let is_word = matches!(written, "" | "anonymous" | "Anonymous") || written.ends_with(".amazonaws.com");
    if could_be || is_word {
        return None;
    }
    let message = format!("`{}` holds an ARN, which `{written}` is not", condition.key.as_str());
    Some(
        RULE.finding(text.span(), message).help("write the whole ARN: `arn:partition:service:region:account:resource`"),
    )
}

/// The first field of an ARN that cannot be.
fn in_arn(text: &Text) -> Option<Finding> {
    let [_, partition, service, region, account, _] = arn_fields(text.as_str())?;
    let is_partition = |name: &str| name == "aws" || name.starts_with("aws-");
    let is_account = |name: &str| {
        AccountId::parse(name).is_ok()
            || matches!(name, "aws" | "cloudfront" | "aws-managed" | "third-party" | "elasticbeanstalk")
    };
    let at = |before: &[&str], field: &str| {
        let start = "arn:".len() + before.iter().map(|each| each.len() + 1).sum::<usize>();
        text.subspan(start..start + field.len())
    };
    if literal(partition).is_some_and(|name| !is_partition(name)) {
        let found = RULE.finding(at(&[], partition), format!("AWS has no partition `{partition}`"));
        return Some(found.help("the partition is `aws`, `aws-cn`, `aws-us-gov` or another that begins with `aws-`"));
    }
    if literal(region).is_some_and(|name| !is_region(name)) {
        let found = RULE.finding(at(&[partition, service], region), format!("`{region}` is not the name of a Region"));
        return Some(
            found.help("write a Region such as `us-east-1`; Region and account are the fourth and fifth field"),
        );
    }
    if literal(account).is_some_and(|name| !is_account(name)) {
        let found =
            RULE.finding(at(&[partition, service, region], account), format!("`{account}` is not an account id"));
        return Some(found.help("an account id has twelve digits"));
    }
    None
}

/// Whether a text has the form of a Region: `us-gov-west-1`.
fn is_region(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    match name.split('-').collect::<Vec<_>>().as_slice() {
        ["aws", "global"] | ["global"] => true,
        [words @ .., last] => words.len() >= 2 && words.iter().all(|part| is_part(part)) && is_number(last),
        [] => false,
    }
}

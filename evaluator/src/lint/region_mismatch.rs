//! Do Regions that have to be the same differ (R6.11, R6.18)?

use super::subject::{arn_fields, limits, literal, resources};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::policy::{Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "region-mismatch",
    level: Level::Warning,
    summary: "a key in one Region, under a condition on another",
    explanation: "A KMS key is called in its own Region, and `kms:ViaService` holds the Region of the call: `s3.eu-west-1.amazonaws.com` never calls a key in us-east-1. A statement for keys of one Region that asks for a service or an `aws:RequestedRegion` of another never applies.",
    remedy: "Name one Region in both places, or a wildcard in one of them.",
    bad: Example::bad(
        PolicyType::Identity,
        r"s3.eu-west-1.amazonaws.com",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } }
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
    "Resource": "arn:aws:kms:us-east-1:111122223333:key/*",
    "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    if context.is_template {
        return Vec::new();
    }
    policy.statements.iter().flat_map(|statement| in_statement(context, statement)).collect()
}

fn in_statement(context: &Context<'_>, statement: &Statement) -> Vec<Finding> {
    let Some(regions) = key_regions(context, statement) else { return Vec::new() };
    let of = |condition: &Condition| of_condition(condition, &regions);
    limits(statement).filter_map(of).collect()
}

/// The Regions of the keys a statement speaks of; `None` if they could be any.
fn key_regions(context: &Context<'_>, statement: &Statement) -> Option<Vec<String>> {
    if context.kind == PolicyType::Key {
        return context.attachment.region.clone().map(|region| vec![region]);
    }
    let region = |text: &str| match arn_fields(text) {
        Some([_, _, "kms", region, ..]) => literal(region).map(str::to_owned),
        _ => None,
    };
    let resources = resources(statement);
    let regions: Option<Vec<_>> = resources.iter().map(|each| region(each.text.as_str())).collect();
    regions.filter(|regions| !regions.is_empty())
}

fn of_condition(condition: &Condition, keys: &[String]) -> Option<Finding> {
    let read: fn(&str) -> Option<&str> = match condition.key.folded() {
        "kms:viaservice" => |text| literal(text.strip_suffix(".amazonaws.com")?.split_once('.')?.1),
        "aws:requestedregion" => literal,
        _ => return None,
    };
    let named: Option<Vec<&str>> = condition.operands.iter().map(|operand| read(operand.text.as_str())).collect();
    let named = named?;
    if named.iter().any(|region| keys.iter().any(|key| key == region)) {
        return None;
    }
    let (first, region, key) = (condition.operands.first()?, named.first()?, keys.first()?);
    Some(
        RULE.finding(
            first.text.span(),
            format!("the keys are in {key}, and this is {region}: the condition never holds"),
        )
        .help(format!("write the Region of the key, {key}, here, or name the keys of {region}")),
    )
}

//! Does a Deny hit the calls that services forward (R4.6, R7.2)?

use super::subject::{actions, covered};
use super::{Check, Context, Example, Finding, Level, Rule};
use crate::condition::Condition;
use crate::policy::{Effect, Policy, PolicyType, Statement};

/// Found by [`check`].
pub(super) const RULE: Rule = Rule {
    code: "deny-of-forwarded-calls",
    level: Level::Warning,
    summary: "a Deny by network that also hits calls through AWS services",
    explanation: "When a service calls another for a user, as S3 calls KMS, the second call does not come through the user's VPC endpoint and does not carry `aws:SourceVpce`, `aws:SourceVpc` or `aws:VpcSourceIp`. A negated operator holds for an absent key, so a Deny written to keep out other networks denies those calls too, for the callers it was to let in. `aws:SourceIp` is not the user's with every service.",
    remedy: "Add `\"Bool\": { \"aws:ViaAWSService\": \"false\" }` to the Deny; where service principals call as well, `\"Bool\": { \"aws:PrincipalIsAWSService\": \"false\" }`.",
    bad: Example::bad(
        PolicyType::Identity,
        r"aws:SourceVpce",
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Deny",
    "Action": "kms:*",
    "Resource": "*",
    "Condition": { "StringNotEquals": { "aws:SourceVpce": "vpce-0123456789abcdef0" } }
  }
}"#,
    ),
    good: Example::good(
        PolicyType::Identity,
        r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Deny",
    "Action": "kms:*",
    "Resource": "*",
    "Condition": {
      "StringNotEquals": { "aws:SourceVpce": "vpce-0123456789abcdef0" },
      "Bool": { "aws:ViaAWSService": "false" }
    }
  }
}"#,
    ),
    also_good: &[],
    check: Check::Policy(check),
};

fn check(context: &Context<'_>, policy: &Policy) -> Vec<Finding> {
    if context.kind == PolicyType::VpcEndpoint || context.kind == PolicyType::Trust {
        return Vec::new();
    }
    policy.statements.iter().filter_map(in_statement).collect()
}

fn in_statement(statement: &Statement) -> Option<Finding> {
    if statement.effect != Effect::Deny || is_never_forwarded(statement) || statement.conditions.iter().any(exempts) {
        return None;
    }
    let is_of_network = |each: &&Condition| {
        each.operator.base.is_negated() && each.holds_when_absent() && NETWORK.contains(&each.key.folded())
    };
    // Each of several keys has to differ; the one that is certain to be absent is worth pointing at.
    let found =
        statement.conditions.iter().filter(is_of_network).min_by_key(|each| each.key.folded() == "aws:sourceip")?;
    let others = statement.conditions.iter().filter(|each| !each.holds_when_absent()).count();
    if others > 0 {
        return None;
    }
    let key = found.key.as_str();
    let message = if found.key.folded() == "aws:sourceip" {
        format!("calls that services forward may carry another `{key}`, and are denied then")
    } else {
        format!("calls that services forward carry no `{key}`, and are denied")
    };
    Some(
        RULE.finding(found.key_span, message)
            .help("add `\"Bool\": { \"aws:ViaAWSService\": \"false\" }` to the statement"),
    )
}

/// Keys that speak of the network a call comes from.
const NETWORK: [&str; 4] = ["aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip", "aws:sourceip"];

/// Whether a condition leaves out what services do, or says of whom the Deny speaks.
fn exempts(condition: &Condition) -> bool {
    const KEYS: [&str; 7] = [
        "aws:viaawsservice",
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "kms:viaservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
    ];
    KEYS.contains(&condition.key.folded())
}

/// Whether no service makes such calls for others: signing in and assuming roles.
fn is_never_forwarded(statement: &Statement) -> bool {
    let actions = actions(statement);
    let is_sts = |each: &crate::action::ActionPattern| matches!(each.service(), Some("sts" | "signin"));
    !actions.is_empty()
        && actions
            .iter()
            .all(|each| is_sts(&each.value) || covered(&each.value).is_empty() && each.value.service().is_some())
}

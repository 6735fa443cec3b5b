//! What the rules ask of a statement: which calls it could speak of, and what its conditions demand.

use crate::action::{ActionName, ActionPattern};
use crate::catalog::{kms, services};
use crate::condition::operator::{Family, SetOperator};
use crate::condition::{Condition, Operand};
use crate::context::ConditionKey;
use crate::policy::pattern::ArnPattern;
use crate::policy::{Effect, PolicyType, ResourceElement, Statement, Written};
use crate::principal::PrincipalPattern;
use crate::source::Span;

/// Whether the policy gives permissions, or only limits those that others give.
pub(super) const fn grants(kind: PolicyType) -> bool {
    match kind {
        PolicyType::Identity | PolicyType::Key | PolicyType::Resource | PolicyType::Trust => true,
        PolicyType::Boundary
        | PolicyType::Session
        | PolicyType::VpcEndpoint
        | PolicyType::ServiceControl
        | PolicyType::ResourceControl => false,
    }
}

/// Whether the policy is attached to a principal, or limits what principals may do.
pub(super) const fn is_of_principals(kind: PolicyType) -> bool {
    match kind {
        PolicyType::Identity | PolicyType::Boundary | PolicyType::Session | PolicyType::ServiceControl => true,
        PolicyType::Key
        | PolicyType::Resource
        | PolicyType::Trust
        | PolicyType::VpcEndpoint
        | PolicyType::ResourceControl => false,
    }
}

/// Whether the statement allows.
pub(super) fn allows(statement: &Statement) -> bool {
    statement.effect == Effect::Allow
}

/// The patterns of `Action`; none of `NotAction`.
pub(super) fn actions(statement: &Statement) -> &[Written<ActionPattern>] {
    if statement.action.negated { &[] } else { &statement.action.patterns }
}

/// The patterns of `Resource`; none of `NotResource`.
pub(super) fn resources(statement: &Statement) -> &[Written<ArnPattern>] {
    match &statement.resource {
        ResourceElement::Listed { negated: false, patterns, .. } => patterns,
        ResourceElement::Listed { negated: true, .. } | ResourceElement::Missing | ResourceElement::Own => &[],
    }
}

/// The entries of `Principal`; none of `NotPrincipal`.
pub(super) fn principals(statement: &Statement) -> &[Written<PrincipalPattern>] {
    statement.principal.as_ref().filter(|element| !element.negated).map_or(&[], |element| &element.entries)
}

/// Whether a text holds a wildcard.
pub(super) fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The actions of the catalog a pattern covers; none if it names no service of the catalog.
pub(super) fn covered(pattern: &ActionPattern) -> Vec<services::Action> {
    if pattern.service().and_then(services::service).is_none() {
        return Vec::new();
    }
    services::pattern::covered(pattern).collect()
}

/// The name of an action of the catalog.
pub(super) fn name_of(action: services::Action) -> Option<ActionName> {
    ActionName::parse(&format!("{}:{}", action.service().prefix(), action.name())).ok()
}

/// Whether a call of the action could carry a key: by AWS's reference, and of KMS by R6.16.
pub(super) fn could_carry(action: services::Action, key: &ConditionKey) -> bool {
    let Some(name) = name_of(action) else { return true };
    let of_kms = kms::operation(&name).is_none_or(|operation| {
        let is_context = key.folded() == "kms:encryptioncontextkeys" || key.family() == Some("kms:encryptioncontext:");
        (!is_context || operation.encryption_context) && (key.folded() != "kms:requestalias" || operation.request_alias)
    });
    of_kms && (services::keys::may_carry(&name, key) || is_left_open(action, key) || is_part_of_assuming(&name, key))
}

/// Whether AWS's reference says nothing of an action that changes something, neither a resource nor a key: it then does
/// not tell which keys of its service the action carries.
fn is_left_open(action: services::Action, key: &ConditionKey) -> bool {
    let reads = matches!(action.access(), services::AccessLevel::List | services::AccessLevel::Read);
    let is_bare = action.is_wildcard_only() && action.condition_keys().next().is_none();
    is_bare && !reads && key.prefix() == action.service().prefix()
}

/// Whether the key comes with the call that assumes the role, of which setting its tags or source identity is a part.
fn is_part_of_assuming(name: &ActionName, key: &ConditionKey) -> bool {
    const ASSUMING: [&str; 3] = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
    let is_part = ["TagSession", "SetSourceIdentity", "SetContext"].iter().any(|part| name.name() == *part);
    let carries = |assuming: &str| ActionName::parse(assuming).is_ok_and(|name| services::keys::may_carry(&name, key));
    name.service() == "sts" && is_part && ASSUMING.iter().any(|assuming| carries(assuming))
}

/// The conditions without which the statement does not apply: those that fail when their key is absent.
pub(super) fn demands(statement: &Statement) -> impl Iterator<Item = &Condition> {
    statement.conditions.iter().filter(|condition| !condition.holds_when_absent())
}

/// The conditions that hold only for some values of a key that has to be there, and so narrow whom a statement is for.
/// One that takes every value, as `"*"` does, narrows nothing.
pub(super) fn limits(statement: &Statement) -> impl Iterator<Item = &Condition> {
    let takes_all = |operand: &Operand| operand.text.as_str().chars().all(|c| c == '*');
    demands(statement).filter(move |condition| {
        condition.operator.base.family() != Family::Null
            && !condition.operator.base.is_negated()
            && !condition.operands.iter().any(takes_all)
    })
}

/// Whether a condition of the statement demands that a key is there: `"Null": { key: "false" }`, or any that fails
/// without it.
pub(super) fn demands_key(statement: &Statement, key: &ConditionKey) -> bool {
    demands(statement).any(|condition| condition.key == *key)
}

/// Whether a condition has no set operator.
pub(super) fn is_plain(condition: &Condition) -> bool {
    condition.operator.set == SetOperator::None
}

/// The six fields of a text that is an ARN or a pattern of one.
pub(super) fn arn_fields(text: &str) -> Option<[&str; 6]> {
    let mut parts = text.splitn(6, ':');
    let fields = [(); 6].map(|()| parts.next());
    let [Some("arn"), Some(partition), Some(service), Some(region), Some(account), Some(resource)] = fields else {
        return None;
    };
    Some(["arn", partition, service, region, account, resource])
}

/// A field of an ARN that says one thing: no wildcard, no variable, not empty.
pub(super) fn literal(field: &str) -> Option<&str> {
    (!field.is_empty() && !field.contains(['*', '?', '$', '{', '[', '<'])).then_some(field)
}

/// The first character of a statement: where to point when the whole of it is meant.
pub(super) fn head(statement: &Statement) -> Span {
    statement
        .sid
        .as_ref()
        .map_or(Span { end: statement.span.start + 1, ..statement.span }, super::super::json::Text::span)
}

/// What messages call a statement.
pub(super) fn called(statement: &Statement) -> String {
    match &statement.sid {
        Some(sid) => format!("the statement `{}`", sid.as_str()),
        None => format!("the statement [{}]", statement.index),
    }
}

/// The account of a principal that belongs to one.
pub(super) fn account_of(principal: &PrincipalPattern) -> Option<&str> {
    match principal {
        PrincipalPattern::Account(account)
        | PrincipalPattern::RoleSession { account, .. }
        | PrincipalPattern::FederatedUser { account, .. } => Some(account.as_str()),
        PrincipalPattern::User(identity) | PrincipalPattern::Role(identity) => Some(identity.account.as_str()),
        PrincipalPattern::Everyone(_)
        | PrincipalPattern::Service(_)
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_)
        | PrincipalPattern::OriginAccessIdentity(_)
        | PrincipalPattern::Nobody => None,
    }
}

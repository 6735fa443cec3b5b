//! How is a statement written in Cedar?
//!
//! An Allow becomes `permit`, a Deny `forbid`; every element and condition is a test on the context. An Allow of a
//! resource-based policy becomes one `permit` for each way in which it names callers, since the way decides which limits
//! apply (R5.8).

use super::condition::{any, by_field, lower as condition};
use super::text::{like, quoted};
use super::{Atom, Lowering, Way};
use crate::action::ActionPattern;
use crate::policy::pattern::ArnPattern;
use crate::policy::{
    ActionElement, Effect, Policy, PolicyType, PrincipalElement, ResourceElement, Statement, Version, Written,
};
use crate::principal::PrincipalPattern;
use crate::world::kms::{Constraint, Grant};

/// A statement's Cedar policies: the way each names the caller, and its text.
pub(super) fn statement(policy: &Policy, statement: &Statement, lowering: &mut Lowering) -> Vec<(Option<Way>, String)> {
    let mut tests = vec![action(&statement.action, lowering), resource(&statement.resource, policy.version, lowering)];
    for each in &statement.conditions {
        lowering.is_key_policy = policy.kind == PolicyType::Key;
        tests.push(condition(each, policy.version, lowering));
    }
    let head = match statement.effect {
        Effect::Allow => "permit",
        Effect::Deny => "forbid",
    };
    let written = |principal: &str| {
        let tests: Vec<&str> = std::iter::once(principal).chain(tests.iter().map(String::as_str)).collect();
        whole(head, &tests)
    };
    let has_ways = matches!(policy.kind, PolicyType::Key | PolicyType::Trust | PolicyType::Resource);
    match &statement.principal {
        None => vec![(None, written("true"))],
        Some(element) if has_ways && statement.effect == Effect::Allow && !element.negated => {
            let ways = Way::ALL.into_iter().map(|way| (way, named(element, &[way])));
            ways.filter(|(_, test)| test != "false").map(|(way, test)| (Some(way), written(&test))).collect()
        }
        Some(element) => vec![(None, written(&principal(element)))],
    }
}

/// `head(principal, action, resource) when { … };`
fn whole(head: &str, tests: &[&str]) -> String {
    let tests: Vec<&str> = tests.iter().copied().filter(|test| *test != "true").collect();
    let when = if tests.is_empty() { String::new() } else { format!("\nwhen {{\n  {}\n}}", tests.join(" &&\n  ")) };
    format!("{head} (principal, action, resource){when};")
}

/// Whether an element covers the caller. `NotPrincipal` spares only a caller of whom it lists every part: session, role
/// and account; and none with a permissions boundary (R3.10).
fn principal(element: &PrincipalElement) -> String {
    if !element.negated {
        return named(element, &Way::ALL);
    }
    let [direct, role, account] = [Way::Direct, Way::Role, Way::Account].map(|way| named(element, &[way]));
    let everyone = named(element, &[Way::Everyone]);
    let spared = format!(
        "({everyone} || (if context.caller.kind == \"session\" then ({direct} && {role} && {account}) else \
         (if context.caller.kind == \"user\" || context.caller.kind == \"federated-user\" then ({direct} && {account}) \
         else {direct})))"
    );
    format!("(context.caller.bounded || !{spared})")
}

/// Whether one of the entries names the caller in one of these ways (R3.1).
fn named(element: &PrincipalElement, ways: &[Way]) -> String {
    let entries = element.entries.iter().map(|entry| &entry.value);
    let tests: Vec<String> = entries.flat_map(|entry| ways.iter().filter_map(move |way| names(entry, *way))).collect();
    any(&tests)
}

/// How an entry names the caller in this way, if it ever does.
fn names(entry: &PrincipalPattern, way: Way) -> Option<String> {
    let is = |field: &str, value: &str| format!("context.caller.{field} == {}", quoted(value));
    let all = |tests: &[String]| Some(format!("({})", tests.join(" && ")));
    match (entry, way) {
        (PrincipalPattern::Everyone(_), Way::Everyone) => Some("true".to_owned()),
        (PrincipalPattern::Account(account), Way::Direct) => {
            all(&[is("kind", "root"), is("account", account.as_str())])
        }
        (PrincipalPattern::Account(account), Way::Account) => {
            all(&[r#"context.caller.kind != "root""#.to_owned(), is("account", account.as_str())])
        }
        (PrincipalPattern::User(user), Way::Direct) => all(&[is("kind", "user"), is("user", &user.arn("user"))]),
        (PrincipalPattern::User(user), Way::Federated) => {
            all(&[is("kind", "federated-user"), is("user", &user.arn("user"))])
        }
        (PrincipalPattern::Role(role), Way::Role) => {
            all(&[is("kind", "session"), is("account", role.account.as_str()), is("name", &role.name)])
        }
        (PrincipalPattern::RoleSession { account, role, session }, Way::Direct) => {
            all(&[is("kind", "session"), is("account", account.as_str()), is("name", role), is("session", session)])
        }
        (PrincipalPattern::FederatedUser { account, name }, Way::Direct) => {
            all(&[is("kind", "federated-user"), is("account", account.as_str()), is("name", name)])
        }
        (PrincipalPattern::Service(service), Way::Direct) => all(&[is("kind", "service"), is("name", service)]),
        (PrincipalPattern::Federated(provider), Way::Direct) => all(&[is("kind", "provider"), is("name", provider)]),
        (PrincipalPattern::UniqueId(id), Way::Direct) => all(&[is("kind", "user"), is("id", id)]),
        (PrincipalPattern::UniqueId(id), Way::Federated) => all(&[is("kind", "federated-user"), is("id", id)]),
        (PrincipalPattern::UniqueId(id), Way::Role) => all(&[is("kind", "session"), is("id", id)]),
        (
            PrincipalPattern::Everyone(_)
            | PrincipalPattern::Account(_)
            | PrincipalPattern::User(_)
            | PrincipalPattern::Role(_)
            | PrincipalPattern::RoleSession { .. }
            | PrincipalPattern::FederatedUser { .. }
            | PrincipalPattern::Service(_)
            | PrincipalPattern::Federated(_)
            | PrincipalPattern::UniqueId(_)
            | PrincipalPattern::CanonicalUser(_)
            | PrincipalPattern::OriginAccessIdentity(_)
            | PrincipalPattern::Nobody,
            _,
        ) => None,
    }
}

fn action(element: &ActionElement, lowering: &mut Lowering) -> String {
    let tests: Vec<String> = element.patterns.iter().map(|pattern| action_like(pattern, lowering)).collect();
    not(element.negated, &any(&tests))
}

/// Actions compare without case, and hold no variables (R2.1).
fn action_like(pattern: &Written<ActionPattern>, lowering: &mut Lowering) -> String {
    like("context.action", &pattern.text.as_str().to_ascii_lowercase(), Version::V2008)
        .unwrap_or_else(|| lowering.opaque(Atom::Action(pattern.clone())))
}

fn resource(element: &ResourceElement, version: Version, lowering: &mut Lowering) -> String {
    match element {
        ResourceElement::Missing => "false".to_owned(),
        ResourceElement::Own => "true".to_owned(),
        ResourceElement::Listed { negated, patterns, .. } => {
            let tests: Vec<String> = patterns.iter().map(|pattern| resource_like(pattern, version, lowering)).collect();
            not(*negated, &any(&tests))
        }
    }
}

/// A star, or field by field (R2.4). What a short ARN stands for is left to who read it (R2.5).
fn resource_like(pattern: &Written<ArnPattern>, version: Version, lowering: &mut Lowering) -> String {
    let text = pattern.text.as_str();
    if text == "*" {
        return "true".to_owned();
    }
    let fields = super::values::arn(text).filter(|_| super::text::literal(text, version).is_some());
    fields
        .and_then(|fields| by_field("context.resource", fields, version))
        .unwrap_or_else(|| lowering.opaque(Atom::Resource(pattern.clone())))
}

fn not(negated: bool, test: &str) -> String {
    match (negated, test) {
        (false, _) => test.to_owned(),
        (true, "true") => "false".to_owned(),
        (true, _) => format!("!({test})"),
    }
}

/// A grant that is used: grantee, operation, constraints (R6.22, R6.27, R6.28).
pub(super) fn grant(grant: &Grant, lowering: &mut Lowering) -> Vec<(Option<Way>, String)> {
    let operations = grant.operations.iter().map(|operation| operation.value.name.to_ascii_lowercase());
    let operations: Vec<String> = operations.map(|name| quoted(&name)).collect();
    let of_kms: Vec<String> = operations.iter().map(|name| name.replacen('"', "\"kms:", 1)).collect();
    let mut tests = vec![format!("[{}].contains(context.action)", of_kms.join(", "))];
    tests.extend(grant.constraints.iter().map(|each| constraint(each, lowering)));
    let children = lowering.project("kms:grantoperations", super::Projection::LowerSet);
    tests.push(format!(
        "(context.action != \"kms:creategrant\" || (context.k has {children} && \
         [{}].containsAll(context.k[{children}])))",
        operations.join(", ")
    ));
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    by_way(&grant.grantee.value, &tests)
}

fn by_way(entry: &PrincipalPattern, tests: &[&str]) -> Vec<(Option<Way>, String)> {
    let ways = Way::ALL.into_iter().filter_map(|way| Some((way, names(entry, way)?)));
    let written = |test: &str| whole("permit", &[&[test], tests].concat());
    ways.map(|(way, test)| (Some(way), written(&test))).collect()
}

fn constraint(constraint: &Constraint, lowering: &mut Lowering) -> String {
    let (pairs, is_exact) = match constraint {
        Constraint::SourceArn(source) => {
            lowering.is_key_policy = false;
            return condition(source, Version::V2008, lowering);
        }
        Constraint::EncryptionContextEquals(pairs) => (pairs, true),
        Constraint::EncryptionContextSubset(pairs) => (pairs, false),
    };
    let mut tests: Vec<String> = pairs
        .pairs
        .iter()
        .map(|(name, value)| format!("context.pairs.contains({})", quoted(&super::pair(name, value))))
        .collect();
    if is_exact {
        tests.push(format!("context.pairCount == {}", pairs.pairs.len()));
    }
    let kinds: &[&str] =
        if is_exact { &["EncryptionContextEquals"] } else { &["EncryptionContextEquals", "EncryptionContextSubset"] };
    let kinds: Vec<String> = kinds.iter().map(|kind| quoted(kind)).collect();
    let child = lowering.project("kms:grantconstrainttype", super::Projection::Set);
    tests.push(format!(
        "(context.action != \"kms:creategrant\" || (context.k has {child} && [{}].containsAll(context.k[{child}])))",
        kinds.join(", ")
    ));
    format!("(context.action == \"kms:describekey\" || ({}))", tests.join(" && "))
}

//! Which calls beyond those of the tables could an edited statement decide otherwise?
//!
//! A statement that takes more than it did takes a value that neither table asks: another account behind the same role
//! name, a job in another Region, a second value of a condition key that calls may carry. For each edited statement the
//! paths of the tables are asked with one thing about them different, a value near one of its conditions' values as they
//! were or as they are. Asked are only callers, keys and actions that the statement can speak of.

use std::collections::{BTreeMap, BTreeSet};

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::policy::{PolicyType, PrincipalElement, Statement};
use permitlab_evaluator::principal::{Identity, Principal};

use super::caller::caller;
use super::edit::{Attachment, Found};
use super::near::{self, is_compared};
use super::path::{Home, Path, SOURCE, VIA, Wanted, account_of, operands, pair, wanted, with};
use super::space::Space;
use crate::facts::Facts;

/// Calls that an edited statement could decide otherwise.
#[derive(Debug)]
pub(super) struct Reach {
    /// What to ask; the paths are none that the tables have.
    pub(super) space: Space,
    /// The path of the tables that each of the paths is near.
    origins: BTreeMap<Path, Path>,
}

impl Reach {
    /// What an edit could reach; nothing if it is no statement with conditions that speaks of keys.
    pub(super) fn of(found: &Found<'_>, facts: &Facts, attached: &BTreeSet<Attachment>, space: &Space) -> Option<Self> {
        let statements = found.statements.as_slice();
        let own = attached.iter().filter(|each| each.policy == found.of).collect::<Vec<_>>();
        let origins = origins(facts, statements, space);
        let paths = origins.keys().cloned().collect::<BTreeSet<_>>();
        let space = Space {
            principals: space
                .principals
                .iter()
                .filter(|name| speaks_of(facts, statements, &own, name))
                .cloned()
                .collect(),
            keys: space.keys.iter().filter(|key| is_on(&own, key)).cloned().collect(),
            actions: space.actions.iter().filter(|action| covers(statements, action)).cloned().collect(),
            paths,
            fitting: BTreeMap::new(),
        };
        let is_empty = space.principals.is_empty() || space.keys.is_empty() || space.actions.is_empty();
        (!is_empty && !space.paths.is_empty()).then_some(Self { space, origins })
    }
}

impl Reach {
    /// The path of the tables that a path is near.
    pub(super) fn origin(&self, path: &Path) -> Path {
        if path.stated.is_empty() {
            return self.origins.get(path).cloned().unwrap_or_default();
        }
        Path { stated: BTreeMap::new(), ..path.clone() }
    }
}

/// Whether one of the statements can speak of a caller: by the `Principal`, or by where the policy is attached.
fn speaks_of(facts: &Facts, statements: &[&Statement], attached: &[&Attachment], name: &str) -> bool {
    let is_at = attached.iter().any(|each| match each.kind {
        PolicyType::Identity | PolicyType::Boundary | PolicyType::Session => {
            each.to == name || is_session_of(facts, name, &each.to)
        }
        PolicyType::Key | PolicyType::ServiceControl | PolicyType::ResourceControl | PolicyType::VpcEndpoint => true,
        // They speak of no key.
        PolicyType::Trust | PolicyType::Resource => false,
    });
    let Some(caller) = caller(facts, name).filter(|_| is_at) else { return false };
    statements.iter().any(|statement| {
        let covers = |element: &PrincipalElement| {
            element.negated || element.entries.iter().any(|entry| entry.value.covers(&caller).is_some())
        };
        statement.principal.as_ref().is_none_or(covers)
    })
}

/// Whether a caller is a session of a role of the world.
fn is_session_of(facts: &Facts, name: &str, role: &str) -> bool {
    let Some(Principal::RoleSession { role: own, .. }) = caller(facts, name) else { return false };
    let same = |each: &Identity| (each.account, &each.name) == (own.account, &own.name);
    facts.identities.get(role).is_some_and(|each| role.starts_with("role/") && same(&each.identity))
}

/// Whether a policy has a say on a key: a key policy on its own.
fn is_on(attached: &[&Attachment], key: &str) -> bool {
    attached.iter().any(|each| each.kind != PolicyType::Key || each.to == key)
}

fn covers(statements: &[&Statement], action: &str) -> bool {
    let Ok(action) = ActionName::parse(action) else { return false };
    statements
        .iter()
        .map(|statement| &statement.action)
        .any(|element| element.patterns.iter().any(|pattern| pattern.value.matches(&action)) != element.negated)
}

/// Paths near those of the tables, with the path each is near.
fn origins(facts: &Facts, statements: &[&Statement], space: &Space) -> BTreeMap<Path, Path> {
    let conditions: Vec<&Condition> = statements.iter().flat_map(|statement| &statement.conditions).collect();
    let contexts: BTreeSet<Wanted> =
        statements.iter().flat_map(|statement| wanted(statement)).chain([Wanted::new()]).collect();
    let bases: BTreeSet<Path> =
        space.paths.iter().map(|path| Path { encryption_context: Wanted::new(), ..path.clone() }).collect();
    let mut near = BTreeMap::new();
    let mut add = |path: Path, origin: Path| {
        if !space.paths.contains(&path) {
            near.entry(path).or_insert(origin);
        }
    };
    let direct = Path::default();
    for other in vias(facts, &conditions).chain(sources(facts, &conditions, space)) {
        for context in &contexts {
            add(with(facts, &other, context), with(facts, &direct, context));
        }
    }
    let pairs = conditions.iter().filter_map(|condition| Some((pair(condition)?, values(facts, condition))));
    let pairs: Vec<(&str, Vec<String>)> = pairs.collect();
    let stated: BTreeSet<BTreeMap<String, String>> =
        statements.iter().flat_map(|statement| stated(facts, statement)).collect();
    for base in &bases {
        for context in &contexts {
            let origin = with(facts, base, context);
            for (name, values) in &pairs {
                for value in values {
                    let mut path = origin.clone();
                    path.encryption_context.insert((*name).to_owned(), value.clone());
                    add(path, origin.clone());
                }
            }
            for stated in &stated {
                add(Path { stated: stated.clone(), ..origin.clone() }, origin.clone());
            }
        }
    }
    near
}

fn values(facts: &Facts, condition: &Condition) -> Vec<String> {
    let home = Home::of(facts);
    near::values(condition, home.region, home.account)
}

/// Services that forward a call: those of the conditions, in another Region, and others.
fn vias(facts: &Facts, conditions: &[&Condition]) -> impl Iterator<Item = Path> {
    let region = Home::of(facts).region;
    let hosts: BTreeSet<String> = operands(conditions, VIA)
        .filter_map(|pattern| near::host(pattern, region))
        .flat_map(|host| near::other_hosts(&host).into_iter().chain([host]))
        .collect();
    hosts.into_iter().map(|via| Path { via: Some(via), ..Path::default() })
}

/// Resources that services act for: those of the conditions, others like them, and one of each service that calls.
fn sources(facts: &Facts, conditions: &[&Condition], space: &Space) -> impl Iterator<Item = Path> {
    let home = Home::of(facts);
    let named: BTreeSet<String> = operands(conditions, SOURCE).map(|pattern| home.example(pattern)).collect();
    let services = || space.principals.iter().filter_map(|name| name.strip_prefix("service/"));
    let of_services = named.iter().flat_map(|arn| {
        let account = account_of(arn).map_or_else(|| home.account.to_owned(), |account| account.to_string());
        services().map(move |host| {
            let service = host.split('.').next().unwrap_or(host);
            format!("arn:aws:{service}:{}:{account}:{}", home.region, near::of_other_type(service, ""))
        })
    });
    let around = operands(conditions, SOURCE).flat_map(|pattern| near::around(pattern, home.region, home.account));
    let all = around.chain(of_services);
    let all: BTreeSet<String> = all.filter(|arn| Arn::parse(arn).is_ok()).collect();
    all.into_iter().map(|source| Path { source: Some(source), ..Path::default() })
}

/// What a statement says of condition keys that a call may carry without anything else saying so: each as it wants it, and
/// with one of them different.
fn stated(facts: &Facts, statement: &Statement) -> Vec<BTreeMap<String, String>> {
    let is_free = |condition: &&Condition| {
        is_compared(condition) && pair(condition).is_none() && ![VIA, SOURCE].contains(&condition.key.folded())
    };
    let conditions: Vec<&Condition> = statement.conditions.iter().filter(is_free).collect();
    let name = |condition: &Condition| condition.key.as_str().to_owned();
    let own = conditions.iter().filter(|condition| !condition.operator.base.is_negated());
    let own = own.filter_map(|condition| Some((name(condition), values(facts, condition).into_iter().next()?)));
    let wanted: BTreeMap<String, String> = own.collect();
    let mut all: Vec<BTreeMap<String, String>> = Vec::new();
    for condition in &conditions {
        for value in values(facts, condition) {
            let mut other = wanted.clone();
            other.insert(name(condition), value);
            all.push(other);
        }
    }
    all
}

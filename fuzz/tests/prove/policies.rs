//! Which statements do two versions of a world differ in, and what do they say while no condition is looked at?

use std::collections::BTreeSet;
use std::sync::Arc;

use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::policy::{Effect, Policy, PolicySet, PolicyType, ResourceElement, Statement};
use permitlab_evaluator::world::World;

/// A statement of one of two versions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken<'w> {
    /// Which version: 0 is the one before.
    pub(crate) version: usize,
    /// The type of its policy.
    pub(crate) kind: PolicyType,
    /// The statement.
    pub(crate) statement: &'w Statement,
}

/// How a statement with conditions counts while nobody looks at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// An Allow applies and a Deny does not: what this denies, no values get allowed.
    Loose,
    /// A Deny applies and an Allow does not: what this allows, no values get denied.
    Strict,
}

/// The policies of a world, each with the name of its place.
fn policies(world: &World) -> Vec<(String, &Policy)> {
    let mut all: Vec<(String, &Arc<Policy>)> =
        world.keys.iter().map(|key| (format!("key {}", key.arn), &key.policy)).collect();
    let identities =
        world.roles.iter().map(|role| (role.identity.arn("role"), &role.policies, &role.boundary, &role.trust));
    let users = world.users.iter().map(|user| (user.identity.arn("user"), &user.policies, &user.boundary, &None));
    for (name, policies, boundary, trust) in identities.chain(users) {
        all.extend(policies.iter().map(|policy| (name.clone(), policy)));
        all.extend(boundary.iter().map(|policy| (format!("boundary {name}"), policy)));
        all.extend(trust.iter().map(|policy| (format!("trust {name}"), policy)));
    }
    for endpoint in &world.endpoints {
        all.extend(endpoint.policy.iter().map(|policy| (format!("endpoint {}", endpoint.id), policy)));
    }
    if let Some(organization) = &world.organization {
        let units = organization.units.iter().map(|unit| (unit.path.to_string(), &unit.controls));
        let accounts = organization.accounts.iter().map(|member| (member.account.to_string(), &member.controls));
        for (name, controls) in units.chain(accounts) {
            all.extend(controls.scps.iter().map(|policy| (format!("scp {name}"), policy)));
            all.extend(controls.rcps.iter().map(|policy| (format!("rcp {name}"), policy)));
        }
    }
    all.into_iter().map(|(place, policy)| (place, &**policy)).collect()
}

/// Every statement of a version.
pub(crate) fn statements(version: usize, world: &World) -> Vec<Spoken<'_>> {
    let all = policies(world).into_iter().flat_map(|(_, policy)| {
        policy.statements.iter().map(move |statement| Spoken { version, kind: policy.kind, statement })
    });
    all.collect()
}

/// The statements that one version has in some place and the other has not.
pub(crate) fn changed(worlds: [&World; 2]) -> Vec<Spoken<'_>> {
    let meanings = worlds.map(|world| {
        let of = |(place, policy): (String, &Policy)| {
            policy
                .statements
                .iter()
                .map(move |statement| (place.clone(), meaning(policy, statement)))
                .collect::<Vec<_>>()
        };
        policies(world).into_iter().flat_map(of).collect::<BTreeSet<_>>()
    });
    let [before, after] = &meanings;
    let mut changed = Vec::new();
    for (version, (world, other)) in worlds.into_iter().zip([after, before]).enumerate() {
        for (place, policy) in policies(world) {
            let is_new = |statement: &&Statement| !other.contains(&(place.clone(), meaning(policy, statement)));
            let kind = policy.kind;
            changed.extend(policy.statements.iter().filter(is_new).map(|statement| Spoken {
                version,
                kind,
                statement,
            }));
        }
    }
    changed
}

/// A statement as a text, without the places where its parts are written.
fn meaning(policy: &Policy, statement: &Statement) -> String {
    let principal = statement
        .principal
        .as_ref()
        .map(|element| (element.negated, element.entries.iter().map(|entry| &entry.value).collect::<Vec<_>>()));
    let action = &statement.action;
    let actions: Vec<&str> = action.patterns.iter().map(|pattern| pattern.text.as_str()).collect();
    let resource = match &statement.resource {
        ResourceElement::Listed { negated, patterns, .. } => {
            Some((*negated, patterns.iter().map(|pattern| pattern.text.as_str()).collect::<Vec<_>>()))
        }
        ResourceElement::Missing | ResourceElement::Own => None,
    };
    let conditions: Vec<_> = statement.conditions.iter().map(condition).collect();
    let version = policy.version;
    format!(
        "{version:?} {:?} {principal:?} {} {actions:?} {resource:?} {conditions:?}",
        statement.effect, action.negated
    )
}

fn condition(condition: &Condition) -> (String, &str, Vec<&str>) {
    let operands = condition.operands.iter().map(|operand| operand.text.as_str()).collect();
    (format!("{:?}", condition.operator), condition.key.folded(), operands)
}

/// The world in which statements with conditions, and grants with constraints, count in this way.
pub(crate) fn read(world: &World, reading: Reading) -> World {
    let one = |policy: &Arc<Policy>| {
        let counts = |statement: &&Statement| {
            let is_taken = (statement.effect == Effect::Allow) == (reading == Reading::Loose);
            statement.conditions.is_empty() || is_taken
        };
        let plain = |statement: &Statement| Statement { conditions: Vec::new(), ..statement.clone() };
        let statements = policy.statements.iter().filter(counts).map(plain).collect();
        Arc::new(Policy::new(policy.name.clone(), policy.kind, policy.version, statements))
    };
    let set = |policies: &PolicySet| policies.iter().map(one).collect::<PolicySet>();
    let mut world = world.clone();
    for key in &mut world.keys {
        key.policy = one(&key.policy);
        for grant in &mut key.grants {
            if reading == Reading::Strict && !grant.constraints.is_empty() {
                grant.operations.clear();
            }
            grant.constraints.clear();
        }
    }
    for role in &mut world.roles {
        role.policies = set(&role.policies);
        role.boundary = role.boundary.as_ref().map(one);
        role.trust = role.trust.as_ref().map(one);
    }
    for user in &mut world.users {
        user.policies = set(&user.policies);
        user.boundary = user.boundary.as_ref().map(one);
    }
    for endpoint in &mut world.endpoints {
        endpoint.policy = endpoint.policy.as_ref().map(one);
    }
    if let Some(organization) = &mut world.organization {
        let units = organization.units.iter_mut().map(|unit| &mut unit.controls);
        for controls in units.chain(organization.accounts.iter_mut().map(|member| &mut member.controls)) {
            controls.scps = set(&controls.scps);
            controls.rcps = set(&controls.rcps);
        }
    }
    world
}

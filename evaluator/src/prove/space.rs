//! Who could call, and on what?
//!
//! Callers are those a world knows and those its policies name; beside them a stranger for each account, one of an account
//! nobody knows, and a service nobody names. A stranger's own account allows it everything, and what is said of a stranger
//! is left open, so that it stands for all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use crate::account::AccountId;
use crate::action::ActionName;
use crate::arn::Arn;
use crate::catalog::kms::{self, Target};
use crate::json::Text;
use crate::policy::{
    ActionElement, Effect, Policies, Policy, PolicySet, PolicyType, ResourceElement, Statement, Version, Written,
};
use crate::principal::{Identity, Principal, PrincipalPattern};
use crate::request::Resource;
use crate::source::{SourceId, Span};
use crate::world::World;
use crate::world::identity::{Role, User};
use crate::world::kms::{Grant, KmsKey};
use crate::world::places::Places;

/// The name of a role that stands for everybody of its account.
pub const STRANGER: &str = "anybody";

/// An account that AWS gives nobody.
const NOBODYS_ACCOUNT: &str = "000000000000";

/// The name of a role that stands for those of its account that AWS linked to its services.
const LINKED: &str = "AWSServiceRoleForUnnamed";

/// A service that no policy names.
const UNNAMED_SERVICE: &str = "unnamed.amazonaws.com";

/// One who could call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) principal: Principal,
    /// What is left open of the caller.
    pub(super) stands_for: StandsFor,
    /// Whether a world says what its policies are.
    pub(super) is_known: bool,
}

/// Whom a caller stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StandsFor {
    /// Itself.
    Itself,
    /// Everybody of its account whom nobody names.
    Account,
    /// Everybody of accounts that nobody names.
    Accounts,
    /// Every service that nobody names.
    Services,
}

/// A resource, and the actions on it.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) resource: Resource,
    pub(super) actions: Vec<ActionName>,
}

/// The callers of either world, and those who are asked about.
pub(super) fn callers(worlds: [&World; 2], asked: &[Principal]) -> Vec<Caller> {
    let mut found: BTreeMap<String, Caller> = BTreeMap::new();
    let mut accounts: Vec<AccountId> = Vec::new();
    let mut add = |principal: Principal, stands_for: StandsFor| {
        let name = format!("{principal:?}");
        let is_known = stands_for == StandsFor::Itself && worlds.iter().any(|world| knows(world, &principal));
        found.entry(name).or_insert(Caller { principal, stands_for, is_known });
    };
    for world in worlds {
        for role in &world.roles {
            accounts.push(role.identity.account);
            add(Principal::RoleSession { role: role.identity.clone(), session: "permitlab".into() }, StandsFor::Itself);
        }
        for user in &world.users {
            accounts.push(user.identity.account);
            add(Principal::User(user.identity.clone()), StandsFor::Itself);
        }
        for session in &world.sessions {
            add(session.principal.clone(), StandsFor::Itself);
        }
        accounts.extend(world.keys.iter().map(|key| key.account));
        for pattern in named(world) {
            match pattern {
                PrincipalPattern::Account(account) => accounts.push(*account),
                PrincipalPattern::User(identity) => {
                    accounts.push(identity.account);
                    add(Principal::User(identity.clone()), StandsFor::Itself);
                }
                PrincipalPattern::Role(identity) => {
                    accounts.push(identity.account);
                    let is_known = world.role(identity.account, &identity.name).is_some();
                    if !is_known {
                        add(session(identity.clone(), "permitlab"), StandsFor::Itself);
                    }
                }
                PrincipalPattern::RoleSession { account, role, session: name } => {
                    accounts.push(*account);
                    let known = world.role(*account, role).map(|role| role.identity.clone());
                    add(session(known.unwrap_or_else(|| identity(*account, role)), name), StandsFor::Itself);
                }
                PrincipalPattern::FederatedUser { account, name } => {
                    accounts.push(*account);
                    let (account, name) = (*account, name.clone());
                    let caller = Principal::FederatedUser { account, partition: "aws".into(), name, user: None };
                    add(caller, StandsFor::Itself);
                }
                PrincipalPattern::Service(host) => add(Principal::Service(host.clone()), StandsFor::Itself),
                PrincipalPattern::Federated(provider) => add(Principal::Federated(provider.clone()), StandsFor::Itself),
                PrincipalPattern::Everyone(_)
                | PrincipalPattern::UniqueId(_)
                | PrincipalPattern::CanonicalUser(_)
                | PrincipalPattern::OriginAccessIdentity(_)
                | PrincipalPattern::Nobody => {}
            }
        }
    }
    for principal in asked {
        match principal {
            Principal::Root { account, .. } => accounts.push(*account),
            Principal::User(_)
            | Principal::RoleSession { .. }
            | Principal::FederatedUser { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => add(principal.clone(), StandsFor::Itself),
        }
    }
    accounts.sort_unstable();
    accounts.dedup();
    // Control policies do not reach roles that AWS linked to its services.
    let has_controls = worlds.iter().any(|world| world.organization.is_some());
    for account in accounts {
        add(Principal::Root { account, partition: "aws".into() }, StandsFor::Itself);
        add(stranger(account), StandsFor::Account);
        if has_controls {
            let path = "/aws-service-role/unnamed.amazonaws.com/".into();
            add(session(Identity { path, ..identity(account, LINKED) }, "permitlab"), StandsFor::Account);
        }
    }
    if let Ok(account) = AccountId::parse(NOBODYS_ACCOUNT) {
        add(stranger(account), StandsFor::Accounts);
    }
    add(Principal::Service(UNNAMED_SERVICE.into()), StandsFor::Services);
    let mut callers: Vec<Caller> = found.into_values().collect();
    // Those a world knows come first: theirs is the access that a reader looks for.
    callers.sort_by_key(|caller| (caller.stands_for != StandsFor::Itself, caller.principal.to_string()));
    callers
}

/// Somebody of an account, whom nobody names.
pub(super) fn stranger(account: AccountId) -> Principal {
    session(identity(account, STRANGER), "permitlab")
}

fn session(role: Identity, session: &str) -> Principal {
    Principal::RoleSession { role, session: session.into() }
}

fn identity(account: AccountId, name: &str) -> Identity {
    Identity { partition: "aws".into(), account, path: "/".into(), name: name.into(), unique_id: None }
}

/// Whom the policies of resources and VPC endpoints, and the grants, of a world name.
fn named(world: &World) -> impl Iterator<Item = &PrincipalPattern> {
    let policies = world.keys.iter().map(|key| &*key.policy);
    let trusts = world.roles.iter().filter_map(|role| role.trust.as_deref());
    let grants = world.keys.iter().flat_map(|key| &key.grants);
    let grantees = grants
        .flat_map(|grant| std::iter::once(&grant.grantee).chain(&grant.retiring_principal))
        .map(|each| &each.value);
    let endpoints = world.endpoints.iter().filter_map(|endpoint| endpoint.policy.as_deref());
    let statements = policies.chain(trusts).chain(endpoints).flat_map(|policy| &policy.statements);
    let entries = statements.filter_map(|statement| statement.principal.as_ref()).flat_map(|element| &element.entries);
    entries.map(|entry| &entry.value).chain(grantees)
}

/// The keys and roles of either world, and the calls there are on them.
pub(super) fn subjects(worlds: [&World; 2]) -> Vec<Subject> {
    let mut found: BTreeMap<String, Subject> = BTreeMap::new();
    for world in worlds {
        for key in &world.keys {
            let operations =
                kms::operations().filter(|each| each.target != Target::None && each.fits(&key.spec, &key.usage));
            let actions = operations.filter_map(|each| ActionName::parse(&format!("kms:{}", each.name)).ok());
            let mut resource = Resource::new(key.arn.clone());
            resource.account = Some(key.account);
            let subject = found.entry(key.arn.as_str().to_owned());
            let subject = subject.or_insert_with(|| Subject { resource, actions: Vec::new() });
            // A key of another kind takes other calls.
            subject.actions.extend(actions);
            subject.actions.sort_unstable();
            subject.actions.dedup();
        }
        for role in world.roles.iter().filter(|role| role.trust.is_some()) {
            let names =
                ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity"];
            let actions = names.iter().filter_map(|name| ActionName::parse(&format!("sts:{name}")).ok()).collect();
            if let Ok(arn) = Arn::parse(&role.identity.arn("role")) {
                let resource = Resource::new(arn);
                found.entry(resource.arn.as_str().to_owned()).or_insert(Subject { resource, actions });
            }
        }
    }
    found.into_values().collect()
}

/// Whether a world says what the policies of a caller are.
fn knows(world: &World, caller: &Principal) -> bool {
    match caller {
        Principal::RoleSession { role, .. } => world.role(role.account, &role.name).is_some(),
        Principal::User(identity) => world.user(identity).is_some(),
        Principal::FederatedUser { .. }
        | Principal::Root { .. }
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::Anonymous => true,
    }
}

/// The world, with the roles and users that it does not know and that some account gives everything, or nothing.
pub(super) fn with_unknown(world: &World, callers: &[Caller], everything: bool) -> World {
    let mut world = world.clone();
    let policy = everything.then(|| Arc::new(all_access()));
    let policies = || PolicySet::new(policy.iter().cloned().collect());
    for caller in callers.iter().filter(|caller| !caller.is_known) {
        match &caller.principal {
            Principal::RoleSession { role, .. } => {
                let (identity, policies) = (role.clone(), policies());
                world.roles.push(Role { identity, policies, boundary: None, trust: None, tags: None });
            }
            Principal::User(identity) => {
                let (identity, policies) = (identity.clone(), policies());
                world.users.push(User { identity, policies, boundary: None, tags: None });
            }
            Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => {}
        }
    }
    world.places = Places::default();
    world
}

/// An identity-based policy that allows everything.
pub(super) fn all_access() -> Policy {
    let span = Span::new(SourceId::from_index(u32::MAX), 0, 0);
    let star = || Text::new("*", span);
    let statement = Statement {
        index: 0,
        sid: None,
        effect: Effect::Allow,
        principal: None,
        action: ActionElement {
            negated: false,
            patterns: crate::action::ActionPattern::parse("*")
                .map(|value| Written { text: star(), value })
                .into_iter()
                .collect(),
            span,
        },
        resource: ResourceElement::Listed {
            negated: false,
            patterns: vec![Written { text: star(), value: crate::policy::pattern::ArnPattern::Every }],
            span,
        },
        conditions: Vec::new(),
        span,
    };
    Policy::new(STRANGER.into(), PolicyType::Identity, Version::V2012, vec![statement])
}

/// The worlds of two versions of a key policy that stand by themselves: the key that they name first, or one of the account
/// that they name first.
pub fn worlds_of_key(versions: [Arc<Policy>; 2]) -> [World; 2] {
    let example = |account: AccountId| {
        Arn::parse(&format!("arn:aws:kms:us-east-1:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab")).ok()
    };
    let named = named_key(&versions).or_else(|| example(named_account(&versions)?));
    versions.map(|policy| {
        let key = named.clone().and_then(|arn| Some(KmsKey::new(arn.clone(), arn.account()?, policy)));
        World { keys: key.into_iter().collect(), ..World::default() }
    })
}

/// The worlds of two versions of a trust policy that stand by themselves: a role of the account that they name first.
pub fn worlds_of_trust(versions: [Arc<Policy>; 2]) -> [World; 2] {
    let account = named_account(&versions);
    versions.map(|policy| {
        let role = account.map(|account| Role {
            identity: identity(account, "role"),
            policies: PolicySet::NONE,
            boundary: None,
            trust: Some(policy),
            tags: None,
        });
        World { roles: role.into_iter().collect(), ..World::default() }
    })
}

/// The key that policies name first as what they are about.
fn named_key(policies: &[Arc<Policy>; 2]) -> Option<Arn> {
    let mut patterns = policies.iter().flat_map(|policy| &policy.statements).flat_map(|each| match &each.resource {
        ResourceElement::Listed { patterns, negated: false, .. } => patterns.as_slice(),
        ResourceElement::Listed { .. } | ResourceElement::Missing | ResourceElement::Own => &[],
    });
    patterns.find_map(|pattern| {
        let text = pattern.text.as_str();
        let is_key = !text.contains(['*', '?', '$', '{']) && text.contains(":key/");
        Arn::parse(text).ok().filter(|arn| is_key && arn.service() == "kms" && arn.account().is_some())
    })
}

/// The account that policies name first, or one that documentation uses.
fn named_account(policies: &[Arc<Policy>; 2]) -> Option<AccountId> {
    const EXAMPLE: &str = "111122223333";
    let statements = policies.iter().flat_map(|policy| &policy.statements);
    let entries = statements.filter_map(|statement| statement.principal.as_ref()).flat_map(|element| &element.entries);
    let mut named = entries.filter_map(|entry| match &entry.value {
        PrincipalPattern::Account(account) => Some(*account),
        PrincipalPattern::Role(identity) | PrincipalPattern::User(identity) => Some(identity.account),
        PrincipalPattern::Everyone(_)
        | PrincipalPattern::RoleSession { .. }
        | PrincipalPattern::FederatedUser { .. }
        | PrincipalPattern::Service(_)
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_)
        | PrincipalPattern::OriginAccessIdentity(_)
        | PrincipalPattern::Nobody => None,
    });
    named.next().or(AccountId::parse(EXAMPLE).ok())
}

/// Which statements mean the same, whatever their Sid, layout and order of values?
#[derive(Debug, Clone, Default)]
pub(super) struct Meanings {
    numbers: HashMap<usize, usize, FxBuildHasher>,
}

impl Meanings {
    /// Those of some policies, which are not moved as long as anybody asks.
    pub(super) fn of<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> Self {
        let mut known: HashMap<String, usize, FxBuildHasher> = HashMap::default();
        let mut numbers = HashMap::default();
        for policy in policies {
            for statement in &policy.statements {
                let meaning = format!("{:?} {}", policy.version, statement_meaning(statement));
                let next = known.len();
                let number = *known.entry(meaning).or_insert(next);
                numbers.insert(std::ptr::from_ref(statement).addr(), number);
            }
        }
        Self { numbers }
    }

    /// The number of what a statement means; `None` of one that was not among them.
    pub(super) fn get(&self, statement: &Statement) -> Option<usize> {
        self.numbers.get(&std::ptr::from_ref(statement).addr()).copied()
    }
}

/// Every policy of a world.
pub(super) fn policies(world: &World) -> Vec<&Policy> {
    let sets = world.roles.iter().map(|role| &role.policies).chain(world.users.iter().map(|user| &user.policies));
    let controls = world.organization.iter().flat_map(|organization| {
        let units = organization.units.iter().map(|unit| &unit.controls);
        units.chain(organization.accounts.iter().map(|member| &member.controls))
    });
    let sets = sets.chain(controls.flat_map(|controls| [&controls.scps, &controls.rcps]));
    let sets = sets.chain(world.sessions.iter().filter_map(|session| session.policies.as_ref()));
    let single = world.roles.iter().flat_map(|role| role.boundary.iter().chain(&role.trust));
    let single = single.chain(world.users.iter().filter_map(|user| user.boundary.as_ref()));
    let single = single.chain(world.endpoints.iter().filter_map(|endpoint| endpoint.policy.as_ref()));
    let single = single.chain(world.keys.iter().map(|key| &key.policy));
    let single = single.chain(world.buckets.iter().filter_map(|bucket| bucket.policy.as_ref()));
    let single = single.chain(world.resources.iter().filter_map(|resource| resource.policy.as_ref()));
    sets.flat_map(|set| set.iter()).chain(single).map(|policy| &**policy).collect()
}

/// What a world says beside its policies, a text for each of its parts.
pub(super) fn beside_policies(world: &World) -> Vec<String> {
    let mut texts = vec![format!("{:?}", world.context)];
    if let Some(organization) = &world.organization {
        texts.push(format!("{} {}", organization.id, organization.management_account));
        texts.extend(organization.units.iter().map(|unit| format!("unit {}", unit.path)));
        texts.extend(organization.accounts.iter().map(|member| format!("member {} {}", member.account, member.unit)));
    }
    texts.extend(world.endpoints.iter().map(|endpoint| {
        format!("{} {} {:?} {}", endpoint.id, endpoint.account, endpoint.vpc, endpoint.policy.is_some())
    }));
    texts.extend(world.roles.iter().map(|role| {
        format!("{:?} {:?} {} {}", role.identity, role.tags, role.boundary.is_some(), role.trust.is_some())
    }));
    let users = world.users.iter();
    texts.extend(users.map(|user| format!("{:?} {:?} {}", user.identity, user.tags, user.boundary.is_some())));
    texts.extend(world.sessions.iter().map(|session| {
        let has_policies = session.policies.is_some();
        format!("{:?} {has_policies} {:?} {:?}", session.principal, session.tags, session.source_identity)
    }));
    texts.extend(world.keys.iter().map(|key| format!("{} {}", key.arn, key_text(key))));
    texts
}

/// What of a world bears on a request, as a text: the same text, the same answer.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) rest: Vec<String>,
    policies: BTreeMap<*const Policy, String>,
}

impl Facts {
    pub(super) fn of(world: &World) -> Self {
        let mut facts = Self::default();
        let mut rest = vec![format!("{:?}", world.context)];
        if let Some(organization) = &world.organization {
            rest.push(format!("{} {}", organization.id, organization.management_account));
            let units = organization.units.iter().map(|unit| (unit.path.to_string(), &unit.controls));
            let members = organization
                .accounts
                .iter()
                .map(|member| (format!("{} {}", member.account, member.unit), &member.controls));
            for (name, controls) in units.chain(members) {
                let (scps, rcps) = (facts.set(&controls.scps), facts.set(&controls.rcps));
                rest.push(format!("{name} scps {scps} rcps {rcps}"));
            }
        }
        for endpoint in &world.endpoints {
            let policy = endpoint.policy.as_deref().map(|policy| facts.policy(policy));
            rest.push(format!("{} {} {:?} {policy:?}", endpoint.id, endpoint.account, endpoint.vpc));
        }
        facts.rest = rest;
        facts
    }

    /// What bears on calls by somebody.
    pub(super) fn caller(&mut self, world: &World, caller: &Principal) -> String {
        let session = world.session(caller).map(|session| {
            let policies = session.policies.as_ref().map(|policies| self.set(policies));
            format!("{policies:?} {:?} {:?}", session.tags, session.source_identity)
        });
        let own = match caller {
            Principal::RoleSession { role, .. } => world.role(role.account, &role.name).map(|role| {
                let boundary = role.boundary.as_deref().map(|policy| self.policy(policy));
                format!("{:?} {} {boundary:?} {:?}", role.identity, self.set(&role.policies), role.tags)
            }),
            Principal::User(identity) => world.user(identity).map(|user| {
                let boundary = user.boundary.as_deref().map(|policy| self.policy(policy));
                format!("{:?} {} {boundary:?} {:?}", user.identity, self.set(&user.policies), user.tags)
            }),
            Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => None,
        };
        format!("{own:?} {session:?}")
    }

    /// What bears on calls on something.
    pub(super) fn subject(&mut self, world: &World, arn: &Arn) -> String {
        if let Some(key) = world.key(arn) {
            return format!("{} {}", self.policy(&key.policy), key_text(key));
        }
        let trust =
            world.role_of(arn).map(|role| (role.trust.as_deref().map(|policy| self.policy(policy)), &role.tags));
        format!("{trust:?}")
    }

    fn set(&mut self, policies: &PolicySet) -> String {
        let texts: Vec<String> = Policies::Set(policies).iter().map(|policy| self.policy(policy)).collect();
        texts.join(" ")
    }

    fn policy(&mut self, policy: &Policy) -> String {
        let known = self.policies.entry(std::ptr::from_ref(policy)).or_insert_with(|| meaning(policy));
        known.clone()
    }
}

/// What a key is beside its policy.
fn key_text(key: &KmsKey) -> String {
    let grant = |grant: &Grant| {
        let operations: Vec<_> = grant.operations.iter().map(|each| each.value.name).collect();
        let constraints: Vec<String> = grant.constraints.iter().map(constraint_text).collect();
        let retiring = grant.retiring_principal.as_ref().map(|each| &each.value);
        let Grant { name, grantee, issuing_account, .. } = grant;
        format!("{name} {:?} {operations:?} {constraints:?} {retiring:?} {issuing_account:?}", grantee.value)
    };
    let grants: Vec<String> = key.grants.iter().map(grant).collect();
    let KmsKey { account, aliases, tags, multi_region, is_aws_managed, spec, usage, origin, .. } = key;
    format!("{grants:?} {account} {aliases:?} {tags:?} {multi_region:?} {is_aws_managed} {spec} {usage} {origin}")
}

fn constraint_text(constraint: &crate::world::kms::Constraint) -> String {
    use crate::world::kms::Constraint;
    match constraint {
        Constraint::EncryptionContextEquals(pairs) => format!("equals {:?}", pairs.pairs),
        Constraint::EncryptionContextSubset(pairs) => format!("subset {:?}", pairs.pairs),
        Constraint::SourceArn(condition) => condition_meaning(condition),
    }
}

/// A policy without its layout, names and order.
fn meaning(policy: &Policy) -> String {
    let mut statements: Vec<String> = policy.statements.iter().map(statement_meaning).collect();
    statements.sort_unstable();
    format!("{:?} {:?} {}", policy.kind, policy.version, statements.join(" "))
}

fn statement_meaning(statement: &Statement) -> String {
    let principal = statement.principal.as_ref().map(|element| {
        let mut entries: Vec<String> = element.entries.iter().map(|entry| format!("{:?}", entry.value)).collect();
        entries.sort_unstable();
        (element.negated, entries)
    });
    let mut actions: Vec<&str> = statement.action.patterns.iter().map(|pattern| pattern.text.as_str()).collect();
    actions.sort_unstable();
    let resource = match &statement.resource {
        ResourceElement::Listed { negated, patterns, .. } => {
            let mut texts: Vec<&str> = patterns.iter().map(|pattern| pattern.text.as_str()).collect();
            texts.sort_unstable();
            format!("{negated} {texts:?}")
        }
        ResourceElement::Missing => "missing".to_owned(),
        ResourceElement::Own => "own".to_owned(),
    };
    let mut conditions: Vec<String> = statement.conditions.iter().map(condition_meaning).collect();
    conditions.sort_unstable();
    let (effect, negated) = (statement.effect, statement.action.negated);
    format!("{effect:?} {principal:?} {negated} {actions:?} {resource} {conditions:?}")
}

fn condition_meaning(condition: &crate::condition::Condition) -> String {
    let mut operands: Vec<&str> = condition.operands.iter().map(|operand| operand.text.as_str()).collect();
    operands.sort_unstable();
    format!("{} {} {operands:?}", condition.operator, condition.key.folded())
}

//! Who is asked, and what may those do whom no world knows?
//!
//! Beside the roles and users of a world, its policies name callers that it does not define: roles, users and sessions by
//! ARN, and accounts. Each such ARN is asked under itself, an account as `account/111122223333`: somebody whom that account
//! allows everything. The `outsider` is somebody of an account that nobody names. What an account that nobody wrote down
//! says of its own people is not known, so it is taken to allow them everything on the keys of others; on the keys of their
//! own account, a role or user that is named by ARN has what names it.

use std::collections::BTreeSet;
use std::sync::Arc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::arn;
use permitlab_evaluator::catalog::names;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::glob::{self, Case};
use permitlab_evaluator::policy::{self, Document, Policy, PolicyType, Statement, Written};
use permitlab_evaluator::principal::{Identity, Principal, PrincipalPattern};
use permitlab_evaluator::source::{SourceId, SourceMap, Span};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::{Role, User};

use super::near::is_compared;
use crate::facts::{FULL_ACCESS_TEXT, Facts};
use crate::file::Text;
use crate::measure::plain;
use crate::reference;

/// Somebody of an account that no world has, whom that account allows everything.
pub const OUTSIDER: &str = "outsider";

/// The account of the outsider, which AWS gives nobody.
const NOBODYS_ACCOUNT: &str = "000000000000";

/// What a caller of an account begins with, before the account's id.
const ACCOUNT: &str = "account/";

/// What somebody named by ARN is taken to be allowed: everything on what belongs to another account.
const ELSEWHERE_TEXT: &str = r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*",
  "Condition": { "StringNotEquals": { "aws:ResourceAccount": "${aws:PrincipalAccount}" } } } }"#;

/// The callers of a world: its roles and users, and whom its policies and grants name.
pub(super) fn callers(facts: &Facts, world: &World, statements: &[&Statement]) -> BTreeSet<String> {
    let elements = statements.iter().filter_map(|statement| statement.principal.as_ref());
    let named = elements.flat_map(|element| &element.entries);
    let grantees = world.keys.iter().flat_map(|key| &key.grants).map(|grant| &grant.grantee);
    let conditions = statements.iter().flat_map(|statement| &statement.conditions);
    let strangers = named
        .chain(grantees)
        .filter_map(|entry| of_entry(facts, entry))
        .chain(conditions.flat_map(|condition| of_condition(facts, condition, Extent::Unknown)));
    let strangers = strangers.filter(|name| !is_peopled(facts, name));
    facts.identities.keys().cloned().chain(strangers).chain([OUTSIDER.to_owned()]).collect()
}

/// The callers that a statement names, those of accounts that have other people in the world, too.
pub(super) fn callers_of(facts: &Facts, statement: &Statement) -> BTreeSet<String> {
    let named = statement.principal.iter().flat_map(|element| &element.entries);
    let named = named.filter_map(|entry| of_entry(facts, entry));
    named.chain(statement.conditions.iter().flat_map(|each| of_condition(facts, each, Extent::All))).collect()
}

/// Which values of a condition are worth a caller of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Those that nobody of the world has.
    Unknown,
    /// All.
    All,
}

/// Whether the name is an account's whose people are asked anyhow: it has roles or users in the world, or a key, which it
/// may let its people use as it likes.
fn is_peopled(facts: &Facts, name: &str) -> bool {
    let Some(id) = account(name) else { return false };
    facts.identities.values().any(|each| each.identity.account == id) || facts.held_keys().any(|key| key.account == id)
}

/// The name of whom an entry of a `Principal` names; none for callers that have a name in the world, and for everyone.
fn of_entry(facts: &Facts, entry: &Written<PrincipalPattern>) -> Option<String> {
    match &entry.value {
        PrincipalPattern::Account(id) => Some(format!("{ACCOUNT}{id}")),
        PrincipalPattern::Service(host) => {
            let name = host.strip_suffix(".amazonaws.com").filter(|name| names::is_principal(name)).unwrap_or(host);
            Some(format!("service/{name}"))
        }
        PrincipalPattern::User(_)
        | PrincipalPattern::Role(_)
        | PrincipalPattern::RoleSession { .. }
        | PrincipalPattern::FederatedUser { .. } => by_arn(facts, entry.text.as_str()),
        PrincipalPattern::Everyone(_)
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_)
        | PrincipalPattern::OriginAccessIdentity(_)
        | PrincipalPattern::Nobody => None,
    }
}

/// Whom an ARN names, unless it is the ARN of a role or user of the world.
fn by_arn(facts: &Facts, text: &str) -> Option<String> {
    match Principal::parse(text).ok()? {
        Principal::Root { account, .. } => Some(format!("{ACCOUNT}{account}")),
        Principal::User(user) => (!is_identity(facts, &user.arn("user"))).then(|| text.to_owned()),
        Principal::RoleSession { role, .. } if text.contains(":iam:") => {
            (!is_identity(facts, &role.arn("role"))).then(|| text.to_owned())
        }
        Principal::RoleSession { .. } | Principal::FederatedUser { .. } => Some(text.to_owned()),
        Principal::Service(_) | Principal::Federated(_) | Principal::Anonymous => None,
    }
}

fn is_identity(facts: &Facts, arn: &str) -> bool {
    arns(facts).any(|own| own == arn)
}

/// The ARNs of the roles and users of the world.
fn arns(facts: &Facts) -> impl Iterator<Item = String> {
    facts.identities.iter().filter_map(|(name, each)| Some(each.identity.arn(name.split_once('/')?.0)))
}

/// The callers that a condition names: accounts, and ARNs of callers.
fn of_condition(facts: &Facts, condition: &Condition, extent: Extent) -> Vec<String> {
    if !is_compared(condition) {
        return Vec::new();
    }
    let operands = condition.operands.iter().map(|operand| operand.text.as_str());
    match condition.key.folded() {
        "aws:principalaccount" | "kms:calleraccount" | "aws:sourceaccount" => {
            operands.filter_map(|text| AccountId::parse(text).ok()).map(|id| format!("{ACCOUNT}{id}")).collect()
        }
        "aws:principalarn" => {
            let is_known = |pattern: &str| {
                let tokens = glob::tokens(pattern);
                extent == Extent::Unknown && arns(facts).any(|own| glob::matches(&tokens, &own, Case::Sensitive))
            };
            operands
                .filter(|pattern| !is_known(pattern))
                .filter_map(|pattern| by_arn(facts, &someone(pattern)?))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// An ARN of a caller that a pattern matches.
fn someone(pattern: &str) -> Option<String> {
    let [_, partition, service, region, account, resource] = arn::split(pattern)?;
    let or =
        |field: &str, other: &str| if field.contains(['*', '?', '$']) { other.to_owned() } else { field.to_owned() };
    let (partition, service, account) = (or(partition, "aws"), or(service, "iam"), or(account, NOBODYS_ACCOUNT));
    let resource = if resource == "*" { "role/x".to_owned() } else { plain(resource) };
    Some(format!("arn:{partition}:{service}:{}:{account}:{resource}", or(region, "")))
}

/// The account of `account/111122223333`.
fn account(name: &str) -> Option<AccountId> {
    AccountId::parse(name.strip_prefix(ACCOUNT)?).ok()
}

/// The caller of a name, if the facts know it or it names somebody whom no world knows.
pub(crate) fn caller(facts: &Facts, name: &str) -> Option<Principal> {
    if let Some(role) = someone_of(name) {
        return Some(Principal::RoleSession { role, session: "permitlab".into() });
    }
    known(facts, name).or_else(|| named(name))
}

fn known(facts: &Facts, name: &str) -> Option<Principal> {
    reference::caller(facts, &nowhere(name)).ok()
}

/// Whether the world knows the caller of a name, so that a check can name it.
pub(crate) fn is_known(facts: &Facts, name: &str) -> bool {
    known(facts, name).is_some()
}

/// Whether a name of `table:` names a caller, though the world does not define it.
pub(super) fn is_stranger(name: &str) -> bool {
    someone_of(name).is_some() || named(name).is_some()
}

/// Somebody whom an ARN names.
fn named(name: &str) -> Option<Principal> {
    let is_arn = name.starts_with("arn:");
    Principal::parse(name).ok().filter(|caller| is_arn && caller.account().is_some())
}

/// The role that stands for the people of an account.
fn someone_of(name: &str) -> Option<Identity> {
    let (account, name) = match name {
        OUTSIDER => (AccountId::parse(NOBODYS_ACCOUNT).ok()?, OUTSIDER),
        name => (account(name)?, "somebody"),
    };
    Some(Identity { partition: "aws".into(), account, path: "/".into(), name: name.into(), unique_id: None })
}

/// The statement that lets a caller of another account call: its name says that it is no policy of the user's.
pub(super) const LETS_OUT: &str = "outsider#[0]";

/// The world, with those of the callers whom it does not define, and what their accounts allow them.
pub(crate) fn with_strangers<'n>(mut world: World, names: impl IntoIterator<Item = &'n String>) -> World {
    let (everything, elsewhere) = (written(FULL_ACCESS_TEXT), written(ELSEWHERE_TEXT));
    for name in names {
        let (caller, policies) = match someone_of(name) {
            Some(role) => (Principal::RoleSession { role, session: "permitlab".into() }, &everything),
            None => match named(name) {
                Some(caller) => (caller, &elsewhere),
                None => continue,
            },
        };
        let policies = policies.iter().cloned().collect::<Vec<_>>().into();
        match caller {
            Principal::RoleSession { role, .. } if world.role(role.account, &role.name).is_none() => {
                world.roles.push(Role { identity: role, policies, boundary: None, trust: None, tags: None });
            }
            Principal::User(identity) if world.user(&identity).is_none() => {
                world.users.push(User { identity, policies, boundary: None, tags: None });
            }
            Principal::RoleSession { .. }
            | Principal::User(_)
            | Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => {}
        }
    }
    world
}

fn written(text: &str) -> Option<Arc<Policy>> {
    let id = SourceMap::new().add(OUTSIDER, text).ok()?;
    let document = Document::read(OUTSIDER, id, text).ok()?;
    policy::parse(&document, PolicyType::Identity).policy.map(Arc::new)
}

/// A text that stands in no file.
fn nowhere(text: &str) -> Text {
    Text::new(text, Span::new(SourceId::from_index(u32::MAX), 0, 0))
}

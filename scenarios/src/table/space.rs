//! Which calls does an access table ask?
//!
//! Callers are the roles and users of the world, the services its policies name, and the `outsider`: somebody of an account
//! nobody knows, whom that account allows everything, so that a door left open to the world is seen. Actions are those on
//! keys that a policy's patterns cover. Calls of a service are direct or made for a resource (`aws:SourceArn`), other calls
//! direct or forwarded by a service that `kms:ViaService` names. Each is asked without an encryption context, and with each
//! that a statement wants. A world's `table:` says otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::kms::{self, Operation, Target};
use permitlab_evaluator::catalog::names;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::condition::operator::Family;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::glob::{self, Case};
use permitlab_evaluator::policy::{self, Document, PolicyType, Statement};
use permitlab_evaluator::principal::{Identity, Principal};
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::Role;

use crate::facts::Facts;
use crate::file::world::{Table as Written, TablePath};
use crate::file::{At, Text};
use crate::measure::{plain, policies};
use crate::placeholders::{Scope, fill};
use crate::reference;
use crate::replay::via_service;

/// Somebody of an account that no world has, whom that account allows everything.
pub const OUTSIDER: &str = "outsider";

/// The account of the outsider, which AWS gives nobody.
const NOBODYS_ACCOUNT: &str = "000000000000";

/// What an access table asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    /// Who calls.
    pub principals: BTreeSet<String>,
    /// The keys.
    pub keys: BTreeSet<String>,
    /// The actions.
    pub actions: BTreeSet<String>,
    /// How the calls travel.
    pub paths: BTreeSet<Path>,
    /// How many of the actions each key has.
    fitting: BTreeMap<String, usize>,
}

/// How a call travels.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The service that forwards it.
    pub via: Option<String>,
    /// The resource a service acts for.
    pub source: Option<String>,
    /// The encryption context.
    pub encryption_context: BTreeMap<String, String>,
}

impl Path {
    /// Whether a caller's calls travel so: those of services are made for a resource, and are not forwarded. A service
    /// acts for resources of its own.
    pub fn fits(&self, caller: &Principal) -> bool {
        match caller {
            Principal::Service(host) => {
                let is_own = |source: &String| {
                    Arn::parse(source).is_ok_and(|arn| host.split('.').any(|label| label == arn.service()))
                };
                self.via.is_none() && self.source.as_ref().is_none_or(is_own)
            }
            Principal::User(_)
            | Principal::RoleSession { .. }
            | Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Federated(_)
            | Principal::Anonymous => self.source.is_none(),
        }
    }

    /// The path without its encryption context, in words.
    pub fn base(&self) -> String {
        match (&self.via, &self.source) {
            (Some(via), _) => format!("via {via}"),
            (None, Some(source)) => format!("for {source}"),
            (None, None) => "directly".to_owned(),
        }
    }

    /// The path in words.
    pub fn whole(&self) -> String {
        match self.pairs() {
            Some(pairs) => format!("{} with {pairs}", self.base()),
            None => format!("{} without encryption context", self.base()),
        }
    }

    /// The encryption context, if there is one.
    fn pairs(&self) -> Option<String> {
        let pairs: Vec<_> = self.encryption_context.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join(","))
    }
}

impl Space {
    /// What there is to ask of a world.
    ///
    /// # Errors
    /// What its `table:` names and nobody knows.
    pub fn of(facts: &Facts, world: &World) -> Result<Self, Vec<Diagnostic>> {
        let policies = policies(world);
        let statements: Vec<&Statement> = policies.iter().flat_map(|policy| &policy.statements).collect();
        let mut space = Self {
            principals: principals(facts, world, &statements),
            keys: facts
                .keys
                .iter()
                .filter(|(_, key)| key.held().is_some())
                .map(|(name, _)| format!("key/{name}"))
                .collect(),
            actions: actions(world, &statements),
            paths: paths(facts, &statements),
            fitting: BTreeMap::new(),
        };
        if let Some(written) = &facts.table {
            space.as_written(facts, written)?;
        }
        space.count(facts);
        Ok(space)
    }

    /// All that either asks.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let mut space = self.clone();
        space.principals.extend(other.principals.iter().cloned());
        space.keys.extend(other.keys.iter().cloned());
        space.actions.extend(other.actions.iter().cloned());
        space.paths.extend(other.paths.iter().cloned());
        space
    }

    /// How many of the actions a key has.
    pub fn actions_of(&self, key: &str) -> usize {
        self.fitting.get(key).copied().unwrap_or_default()
    }

    fn count(&mut self, facts: &Facts) {
        let named: Vec<&Operation> = self.actions.iter().filter_map(|name| operation(name)).collect();
        for key in &self.keys {
            let held = facts.keys.get(key.trim_start_matches("key/")).and_then(crate::facts::Key::held);
            let count = held.map_or(0, |held| named.iter().filter(|each| each.fits(&held.spec, &held.usage)).count());
            self.fitting.insert(key.clone(), count);
        }
    }

    /// What was asked, a line each.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (word, values) in [("caller", &self.principals), ("key", &self.keys)] {
            for value in values {
                let _ = writeln!(text, "{word}  {value}");
            }
        }
        if self.keys.is_empty() {
            text.push_str("no key\n");
        }
        let is_all = self.actions.len() == on_keys().count();
        let named = || self.actions.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let actions = if is_all { "every action on a key".to_owned() } else { named() };
        if !actions.is_empty() {
            let _ = writeln!(text, "actions  {actions}");
        }
        let bases: BTreeSet<String> = self.paths.iter().map(Path::base).collect();
        for base in bases {
            let _ = writeln!(text, "path  {base}");
        }
        let contexts: BTreeSet<String> = self.paths.iter().filter_map(Path::pairs).collect();
        for pairs in contexts {
            let _ = writeln!(text, "encryption context  {pairs}");
        }
        text
    }

    /// Puts what a world's `table:` says in place of what there is.
    fn as_written(&mut self, facts: &Facts, written: &Written) -> Result<(), Vec<Diagnostic>> {
        let filled = |text: &Text| fill(text, &Scope::new(&facts.vars));
        if let Some(names) = &written.principals {
            self.principals = listed("principals", names)?
                .iter()
                .map(|text| {
                    let text = filled(text)?;
                    if text.as_str() != OUTSIDER {
                        reference::caller(facts, &text).map_err(|finding| vec![*finding])?;
                    }
                    Ok(text.as_str().to_owned())
                })
                .collect::<Result<_, Vec<Diagnostic>>>()?;
        }
        if let Some(names) = &written.keys {
            self.keys =
                listed("keys", names)?.iter().map(|text| key(facts, &filled(text)?)).collect::<Result<_, _>>()?;
        }
        if let Some(names) = &written.actions {
            self.actions =
                listed("actions", names)?.iter().map(|text| action(&filled(text)?)).collect::<Result<_, _>>()?;
        }
        if let Some(paths) = &written.paths {
            self.paths =
                listed("paths", paths)?.iter().map(|path| written_path(facts, path)).collect::<Result<_, _>>()?;
        }
        Ok(())
    }
}

/// The entries of a part of `table:`. Without one no call would be asked, and nothing ever seen to change.
fn listed<'l, T>(part: &str, list: &'l At<Vec<T>>) -> Result<&'l [T], Vec<Diagnostic>> {
    if list.value.is_empty() {
        let finding = Diagnostic::error("empty-list", list.span, format!("`{part}` is an empty list"));
        return Err(vec![finding.help("name at least one, or remove the part, so that all there is is asked")]);
    }
    Ok(&list.value)
}

/// The caller of a name, if the facts know it.
pub(crate) fn caller(facts: &Facts, name: &str) -> Option<Principal> {
    if name == OUTSIDER {
        return Some(Principal::RoleSession { role: outsider()?, session: "permitlab".into() });
    }
    reference::caller(facts, &nowhere(name)).ok()
}

/// The world, with the outsider and what its account allows it.
pub(crate) fn with_outsider(mut world: World) -> World {
    let mut sources = SourceMap::new();
    let policy = sources.add(OUTSIDER, crate::facts::FULL_ACCESS_TEXT).ok().and_then(|id| {
        let document = Document::read(OUTSIDER, id, crate::facts::FULL_ACCESS_TEXT).ok()?;
        policy::parse(&document, PolicyType::Identity).policy.map(Arc::new)
    });
    if let Some(identity) = outsider() {
        let policies = policy.into_iter().collect();
        world.roles.push(Role { identity, policies, boundary: None, trust: None, tags: None });
    }
    world
}

fn outsider() -> Option<Identity> {
    let account = AccountId::parse(NOBODYS_ACCOUNT).ok()?;
    Some(Identity { partition: "aws".into(), account, path: "/".into(), name: OUTSIDER.into(), unique_id: None })
}

/// A text that stands in no file.
fn nowhere(text: &str) -> Text {
    let source = permitlab_evaluator::source::SourceId::from_index(u32::MAX);
    Text::new(text, Span::new(source, 0, 0))
}

fn principals(facts: &Facts, world: &World, statements: &[&Statement]) -> BTreeSet<String> {
    let named =
        statements.iter().filter_map(|statement| statement.principal.as_ref()).flat_map(|element| &element.entries);
    let grantees = world.keys.iter().flat_map(|key| &key.grants).map(|grant| &grant.grantee);
    let services = named.chain(grantees).filter_map(|entry| entry.value.service()).map(|host| {
        let name = host.strip_suffix(".amazonaws.com").filter(|name| names::is_principal(name)).unwrap_or(host);
        format!("service/{name}")
    });
    let known = facts.identities.keys().cloned();
    known.chain(services).chain([OUTSIDER.to_owned()]).collect()
}

/// The permissions of KMS that need a key.
fn on_keys() -> impl Iterator<Item = &'static Operation> {
    kms::operations().filter(|operation| operation.target != Target::None)
}

fn operation(action: &str) -> Option<&'static Operation> {
    kms::operation(&ActionName::parse(action).ok()?)
}

fn actions(world: &World, statements: &[&Statement]) -> BTreeSet<String> {
    let granted: BTreeSet<&str> = world
        .keys
        .iter()
        .flat_map(|key| &key.grants)
        .flat_map(|grant| &grant.operations)
        .map(|each| each.value.name)
        .collect();
    let is_named = |action: &ActionName| {
        let named = |statement: &&Statement| {
            let element = &statement.action;
            element.patterns.iter().any(|pattern| pattern.value.matches(action)) != element.negated
        };
        granted.contains(action.name()) || statements.iter().any(named)
    };
    let all = on_keys().filter_map(|operation| ActionName::parse(&format!("kms:{}", operation.name)).ok());
    all.filter(is_named).map(|action| action.as_str().to_owned()).collect()
}

fn paths(facts: &Facts, statements: &[&Statement]) -> BTreeSet<Path> {
    let conditions: Vec<&Condition> = statements.iter().flat_map(|statement| &statement.conditions).collect();
    let of = |key: &'static str| {
        let own = conditions.iter().filter(move |each| each.key.folded() == key && is_compared(each));
        own.flat_map(|condition| &condition.operands).map(|operand| operand.text.as_str())
    };
    let region = facts.held_keys().map(|key| key.arn.region()).next().unwrap_or("us-east-1");
    let vias: BTreeSet<String> = of("kms:viaservice").filter_map(|host| plain_host(host, region)).collect();
    let jobs: BTreeSet<String> =
        facts.vars.iter().map(|(_, value)| value).filter(|value| is_job(value)).map(str::to_owned).collect();
    let has_job = |arn: &Arn| jobs.iter().any(|job| Arn::parse(job).is_ok_and(|job| job.service() == arn.service()));
    // What a policy names stands in where no var does.
    let named = of("aws:sourcearn").filter_map(|text| Arn::parse(&plain(text)).ok()).filter(|arn| !has_job(arn));
    let named: BTreeSet<String> = named.map(|arn| arn.as_str().to_owned()).collect();
    let bases = std::iter::once(Path::default())
        .chain(vias.into_iter().map(|via| Path { via: Some(via), ..Path::default() }))
        .chain(jobs.iter().chain(&named).map(|source| Path { source: Some(source.clone()), ..Path::default() }));
    let wanted: BTreeSet<Wanted<'_>> = statements.iter().map(|statement| wanted(statement)).collect();
    let mut paths = BTreeSet::new();
    for base in bases {
        for wanted in &wanted {
            let value = |pattern: &&str| {
                let fits = |text: &&str| glob::matches(&glob::tokens(pattern), text, Case::Sensitive);
                let own = base.source.as_deref().filter(|source| fits(source));
                let known = || facts.vars.iter().map(|(_, value)| value).find(|value| fits(value));
                own.or_else(known).map_or_else(|| plain(pattern), str::to_owned)
            };
            let encryption_context =
                wanted.iter().map(|(name, pattern)| ((*name).to_owned(), value(pattern))).collect();
            paths.insert(Path { encryption_context, ..base.clone() });
        }
        paths.insert(base);
    }
    paths
}

/// Whether the values of a condition are ones a request may have; those of `Null` are not.
fn is_compared(condition: &Condition) -> bool {
    condition.operator.base.family() != Family::Null
}

/// A resource that makes a service call: an ARN of anything but an identity or a key.
fn is_job(value: &str) -> bool {
    Arn::parse(value).is_ok_and(|arn| !["iam", "sts", "kms", "s3"].contains(&arn.service()))
}

/// An encryption context that a statement wants: the names, and a pattern of the value each.
type Wanted<'s> = BTreeMap<&'s str, &'s str>;

fn wanted(statement: &Statement) -> Wanted<'_> {
    let mut wanted = Wanted::new();
    for condition in &statement.conditions {
        let is_pair = condition.key.folded().starts_with(PAIR) && is_compared(condition);
        if !is_pair || condition.operator.base.is_negated() {
            continue;
        }
        if let (Some(name), Some(operand)) = (condition.key.as_str().get(PAIR.len()..), condition.operands.first()) {
            wanted.insert(name, operand.text.as_str());
        }
    }
    wanted
}

/// What the keys of pairs of the encryption context begin with, in lower case.
const PAIR: &str = "kms:encryptioncontext:";

/// A host of `kms:ViaService` that a pattern matches.
fn plain_host(pattern: &str, region: &str) -> Option<String> {
    match pattern.split('.').collect::<Vec<_>>().as_slice() {
        [service, own, "amazonaws", "com"] => {
            let service = if service.contains(['*', '?', '$']) { "s3" } else { service };
            let region = if own.contains(['*', '?', '$']) { region } else { own };
            Some(format!("{service}.{region}.amazonaws.com"))
        }
        [service, "*"] if !service.contains(['*', '?', '$']) => Some(format!("{service}.{region}.amazonaws.com")),
        _ => None,
    }
}

fn key(facts: &Facts, text: &Text) -> Result<String, Vec<Diagnostic>> {
    let names: Vec<String> =
        facts.keys.iter().filter(|(_, key)| key.held().is_some()).map(|(name, _)| format!("key/{name}")).collect();
    if names.iter().any(|name| name == text.as_str()) {
        return Ok(text.as_str().to_owned());
    }
    Err(vec![*reference::unknown(text, text.as_str(), names.iter().map(String::as_str))])
}

fn action(text: &Text) -> Result<String, Vec<Diagnostic>> {
    let action = reference::action(text).map_err(|finding| vec![*finding])?;
    match kms::operation(&action) {
        Some(operation) if operation.target != Target::None => Ok(format!("kms:{}", operation.name)),
        Some(_) | None => {
            let message = format!("`{text}` is called on no key");
            let finding = Diagnostic::error("wrong-resource-type", text.span(), message);
            Err(vec![finding.help("an access table is about keys: name actions such as `kms:Decrypt`")])
        }
    }
}

fn written_path(facts: &Facts, path: &At<TablePath>) -> Result<Path, Vec<Diagnostic>> {
    let scope = Scope::new(&facts.vars);
    let TablePath { via, on_behalf_of, encryption_context } = &path.value;
    if let (Some(_), Some(source)) = (via, on_behalf_of) {
        let finding = Diagnostic::error("misplaced-key", source.span(), "`for` beside `via`");
        return Err(vec![finding.help("make two paths of it: a service that acts for a resource calls directly")]);
    }
    let region = facts.held_keys().map(|key| key.arn.region()).next().unwrap_or("us-east-1");
    let host = |text: &Text| {
        let via = via_service(&fill(text, &scope)?, region).map_err(|finding| vec![*finding])?;
        Ok::<_, Vec<Diagnostic>>(via.service.to_string())
    };
    let source = |text: &Text| {
        let text = fill(text, &scope)?;
        let arn = Arn::parse(text.as_str()).map_err(|error| {
            vec![
                Diagnostic::error("invalid-arn", text.span(), format!("`{text}` is not an ARN"))
                    .help(error.to_string()),
            ]
        })?;
        Ok::<_, Vec<Diagnostic>>(arn.as_str().to_owned())
    };
    let mut pairs = BTreeMap::new();
    for (name, value) in encryption_context.iter() {
        pairs.insert(fill(name, &scope)?.as_str().to_owned(), fill(value, &scope)?.as_str().to_owned());
    }
    Ok(Path {
        via: via.as_ref().map(host).transpose()?,
        source: on_behalf_of.as_ref().map(source).transpose()?,
        encryption_context: pairs,
    })
}

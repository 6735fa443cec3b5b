//! Which calls does an access table ask?
//!
//! Callers are those that the world and its policies know (`caller`), keys those of the world, actions
//! those on keys that a policy's patterns cover, and the calls travel on the paths of [`path`](super::path). A world's
//! `table:` says otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::kms::{self, Operation, Target};
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::policy::Statement;
use permitlab_evaluator::world::World;

use super::caller::{callers, is_stranger};
use super::path::{Home, Path, paths};
use crate::facts::Facts;
use crate::file::world::{Table as Written, TablePath};
use crate::file::{At, Text};
use crate::measure::policies;
use crate::placeholders::{Scope, fill};
use crate::reference;
use crate::replay::via_service;

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
    pub(super) fitting: BTreeMap<String, usize>,
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
            principals: callers(facts, world, &statements),
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
                    if !is_stranger(text.as_str()) {
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
    let region = Home::of(facts).region;
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
        stated: BTreeMap::new(),
        encryption_context: pairs,
    })
}

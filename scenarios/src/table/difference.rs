//! Whose access does a change give or take?
//!
//! Two versions of a world are asked the same calls, all that either would ask by itself, so that a policy that names
//! fewer actions is not mistaken for one that allows fewer.

use std::collections::{BTreeMap, BTreeSet};

use permitlab_evaluator::diagnostic::Diagnostic;
use serde_json::{Value, json};

use super::answer::{Answered, Outcome, Word, answers};
use super::space::Path;
use super::{Stage, collapsed};
use crate::diff::Kind;
use crate::root::{ListError, PolicyRoot};

/// A line of the difference between two access tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// What it means for access.
    pub kind: Kind,
    /// Who calls.
    pub principal: String,
    /// On which key.
    pub key: String,
    /// The action.
    pub action: String,
    /// How the call travels, or `every path`.
    pub path: String,
    /// What came of it before; a caller or key that was not there could do nothing.
    pub before: Outcome,
    /// What comes of it after.
    pub after: Outcome,
}

/// Why two tables cannot be compared: which version is at fault, and why.
#[derive(Debug)]
pub struct Refused {
    /// Whether it is the version before.
    pub is_before: bool,
    /// What is wrong, and the texts it points into.
    pub why: super::Refused,
}

impl Differing {
    /// The line: who, on what, how, and both answers where access stays.
    pub fn line(&self) -> String {
        let Self { principal, key, action, path, before, after, .. } = self;
        let call = format!("{principal}  {key}  {action}  {path}");
        match self.kind {
            Kind::Gained => format!("{call}  {after}"),
            Kind::Lost => format!("{call}  {before}"),
            Kind::Changed => format!("{call}  {before}  now {after}"),
        }
    }

    /// The line for programs.
    pub fn json(&self) -> Value {
        let side = |outcome: &Outcome| {
            json!({ "answer": outcome.word().word(), "statement": outcome.by, "unstated": outcome.unstated,
                "unsure": outcome.unsure })
        };
        json!({ "kind": self.kind.word(), "principal": self.principal, "key": self.key, "action": self.action,
            "path": self.path, "before": side(&self.before), "after": side(&self.after) })
    }
}

/// The worlds of either root, by path.
///
/// # Errors
/// A folder that cannot be read.
pub fn worlds(before: &PolicyRoot, after: &PolicyRoot) -> Result<Vec<String>, ListError> {
    let all: BTreeSet<String> = before.world_files()?.into_iter().chain(after.world_files()?).collect();
    Ok(all.into_iter().collect())
}

/// What differs between the access tables of a world in two roots, `after` with changes applied. A world that only one of
/// them has allows nothing in the other.
///
/// # Errors
/// What is wrong with the world in either.
pub fn differences(
    before: &PolicyRoot,
    after: &PolicyRoot,
    world: &str,
    changes: &[String],
) -> Result<Vec<Differing>, Box<Refused>> {
    let stage = |root: &PolicyRoot, changes: &[String], is_before: bool| {
        let is_there = root.world_files().is_ok_and(|worlds| worlds.iter().any(|own| own == world));
        is_there
            .then(|| Stage::of(root, world, changes).map_err(|why| Box::new(Refused { is_before, why })))
            .transpose()
    };
    let (old, new) = (stage(before, &[], true)?, stage(after, changes, false)?);
    let space = match (&old, &new) {
        (Some(old), Some(new)) => old.space.joined(&new.space),
        (Some(one), None) | (None, Some(one)) => one.space.clone(),
        (None, None) => return Ok(Vec::new()),
    };
    let ask = |stage: Option<Stage>, is_before: bool| {
        let Some(Stage { facts, sources, .. }) = stage else { return Ok(Answered::new()) };
        let refused = |findings: Vec<Diagnostic>| Box::new(Refused { is_before, why: (sources, findings) });
        answers(&facts, &space).map_err(refused)
    };
    let (old, new) = (ask(old, true)?, ask(new, false)?);
    Ok(compared(&old, &new))
}

fn compared(old: &Answered, new: &Answered) -> Vec<Differing> {
    let mut found = Vec::new();
    let calls: BTreeSet<&(String, String, String)> = old.keys().chain(new.keys()).collect();
    for call in calls {
        let of = |answered: &Answered| -> BTreeMap<Path, Outcome> {
            answered.get(call).into_iter().flatten().cloned().collect()
        };
        let (before, after) = (of(old), of(new));
        let paths: BTreeSet<&Path> = before.keys().chain(after.keys()).collect();
        let both = |path: &Path| {
            let side = |own: &BTreeMap<Path, Outcome>| own.get(path).cloned().unwrap_or(Outcome::NOTHING);
            (side(&before), side(&after))
        };
        let all: Vec<_> = paths.into_iter().map(|path| (path, both(path))).collect();
        let lines = collapsed(&all);
        let (principal, key, action) = call;
        found.extend(lines.into_iter().filter_map(|(path, (before, after))| {
            let kind = kind(&before, &after)?;
            let (principal, key, action) = (principal.clone(), key.clone(), action.clone());
            Some(Differing { kind, principal, key, action, path, before, after })
        }));
    }
    found.sort_by_key(|each| each.kind);
    found
}

/// What a change of an answer means. Access that is perhaps given counts as gained, and access that is perhaps taken as
/// lost.
fn kind(before: &Outcome, after: &Outcome) -> Option<Kind> {
    let rank = |outcome: &Outcome| match outcome.word() {
        Word::Allow => 2,
        Word::Unsure => 1,
        Word::Unavailable | Word::ExplicitDeny | Word::ImplicitDeny => 0,
    };
    match rank(before).cmp(&rank(after)) {
        std::cmp::Ordering::Less => Some(Kind::Gained),
        std::cmp::Ordering::Greater => Some(Kind::Lost),
        std::cmp::Ordering::Equal if before == after => None,
        // Which doubts stand behind a denial is nothing that a reviewer looks for.
        std::cmp::Ordering::Equal if rank(after) == 0 && before.word() == after.word() && before.by == after.by => None,
        std::cmp::Ordering::Equal => Some(Kind::Changed),
    }
}

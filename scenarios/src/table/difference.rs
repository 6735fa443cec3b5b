//! Whose access does a change give or take?
//!
//! Two versions of a world are asked the same calls: all that either would ask by itself, so that a policy that names
//! fewer actions is not mistaken for one that allows fewer; whoever an edited statement names; and what such a statement
//! could decide otherwise near those calls (`reach`). An edit that explains none of the differences is
//! named, too: it may reach what nobody asked.

use std::collections::{BTreeMap, BTreeSet};

use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::world::World;
use serde_json::{Value, json};

use super::answer::{Answered, Outcome, Word, asked};
use super::caller::{callers_of, with_strangers};
use super::edit::{Attachment, Edit, Found, Version, attachments, edits};
use super::path::Path;
use super::reach::Reach;
use super::space::Space;
use super::{Stage, collapsed};
use crate::diff::Kind;
use crate::root::{ListError, PolicyRoot};

/// A line of the difference between two access tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    fn of((principal, key, action): &Call, path: String, (before, after): (Outcome, Outcome)) -> Option<Self> {
        let kind = kind(&before, &after)?;
        let (principal, key, action) = (principal.clone(), key.clone(), action.clone());
        Some(Self { kind, principal, key, action, path, before, after })
    }

    /// Which edits the line explains, by number: an edited statement decides on the side where it stands. Where an edited one
    /// denies, it is that one.
    fn explained(&self, all: &[Found<'_>]) -> BTreeSet<usize> {
        let here = || all.iter().enumerate().filter(|(_, edit)| edit.is_at(&self.principal, &self.key));
        let decides = |edit: &Found<'_>, is_denier: bool| {
            let sides = [(&edit.before, &self.before), (&edit.after, &self.after)];
            let own = sides.into_iter().filter(|(_, outcome)| !is_denier || outcome.effect == Effect::ExplicitDeny);
            own.into_iter().any(|(name, outcome)| edit.is_named(name.as_deref(), outcome.by.as_deref()))
        };
        let of = |is_denier: bool| {
            let own = here().filter(|(_, edit)| decides(edit, is_denier));
            own.map(|(number, _)| number).collect::<BTreeSet<_>>()
        };
        let deniers = of(true);
        if deniers.is_empty() { of(false) } else { deniers }
    }

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

/// What two versions of a world differ in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The calls that are answered otherwise, what is gained first.
    pub lines: Vec<Differing>,
    /// The edits of policies and grants that a line explains.
    pub explained: BTreeSet<Edit>,
    /// The edits that no line explains.
    pub unexplained: BTreeSet<Edit>,
    /// How many calls both versions were asked.
    pub calls: usize,
}

/// What differs between a world in two roots, `after` with changes applied. A world that only one of them has allows nothing
/// in the other.
///
/// # Errors
/// What is wrong with the world in either.
pub fn differences(
    before: &PolicyRoot,
    after: &PolicyRoot,
    world: &str,
    changes: &[String],
) -> Result<Comparison, Box<Refused>> {
    let stage = |root: &PolicyRoot, changes: &[String], is_before: bool| {
        let is_there = root.world_files().is_ok_and(|worlds| worlds.iter().any(|own| own == world));
        is_there
            .then(|| Stage::of(root, world, changes).map_err(|why| Box::new(Refused { is_before, why })))
            .transpose()
    };
    match (stage(before, &[], true)?, stage(after, changes, false)?) {
        (Some(old), Some(new)) => {
            let ((old, old_world), (new, new_world)) = (judged(old, true)?, judged(new, false)?);
            Ok(between(&old, &old_world, &new, &new_world))
        }
        (Some(old), None) => Ok(alone(&own_answers(old, true)?, &Answered::new())),
        (None, Some(new)) => Ok(alone(&Answered::new(), &own_answers(new, false)?)),
        (None, None) => Ok(Comparison::default()),
    }
}

/// A stage with its world.
fn judged(stage: Stage, is_before: bool) -> Result<(Stage, World), Box<Refused>> {
    match stage.facts.world() {
        Ok(world) => Ok((stage, world)),
        Err(findings) => Err(Box::new(Refused { is_before, why: (stage.sources, findings) })),
    }
}

/// What comes of the calls of one table.
fn own_answers(stage: Stage, is_before: bool) -> Result<Answered, Box<Refused>> {
    let (stage, world) = judged(stage, is_before)?;
    let world = with_strangers(world, &stage.space.principals);
    Ok(asked(&stage.facts, &world, &stage.space))
}

/// A world that only one version has.
fn alone(before: &Answered, after: &Answered) -> Comparison {
    let (mut lines, calls) = of_tables(before, after);
    lines.sort();
    Comparison { lines, calls, ..Comparison::default() }
}

/// A world that both versions have.
fn between(old: &Stage, old_world: &World, new: &Stage, new_world: &World) -> Comparison {
    let before = Version { facts: &old.facts, sources: &old.sources, world: old_world };
    let after = Version { facts: &new.facts, sources: &new.sources, world: new_world };
    let found = edits(before, after);
    let attached: BTreeSet<Attachment> = attachments(&old.facts).into_iter().chain(attachments(&new.facts)).collect();
    let (space, reaches) = spaces(old, new, &found, &attached);
    // The statements of the edits are those of the worlds as written, which strangers are no part of.
    let peopled = [old_world, new_world].map(|world| with_strangers(world.clone(), &space.principals));
    let ask = |space: &Space| {
        let [old_world, new_world] = &peopled;
        (asked(&old.facts, old_world, space), asked(&new.facts, new_world, space))
    };
    let (before, after) = ask(&space);
    let (mut lines, mut calls) = of_tables(&before, &after);
    let mut near = BTreeSet::new();
    for reach in &reaches {
        let (near_before, near_after) = ask(&reach.space);
        let told = |call: &Call, path: &Path, origin: &Path| {
            let side = |answered: &Answered| outcome(answered, call, origin).cloned().unwrap_or(Outcome::NOTHING);
            let sides = (side(&before), side(&after));
            let kind = kind(&sides.0, &sides.1)?;
            // A line that names no statement leaves open what opens the call.
            (path.stated.is_empty() || names_decider(kind, &sides)).then_some(kind)
        };
        calls += near_before.values().map(Vec::len).sum::<usize>();
        near.extend(beyond(&near_before, &near_after, reach, &told));
    }
    lines.extend(near);
    lines.sort();
    let told: BTreeSet<usize> = lines.iter().flat_map(|line| line.explained(&found)).collect();
    let edits = |is_told: bool| {
        let own = found.iter().enumerate().filter(|(number, _)| told.contains(number) == is_told);
        own.map(|(_, found)| found.edit.clone()).collect()
    };
    Comparison { explained: edits(true), unexplained: edits(false), lines, calls }
}

/// What the tables of both versions ask and whom the edits name, and what the edits could reach beyond. What a `table:` says
/// to ask is left at that.
fn spaces(old: &Stage, new: &Stage, found: &[Found<'_>], attached: &BTreeSet<Attachment>) -> (Space, Vec<Reach>) {
    let mut space = old.space.joined(&new.space);
    let tables = || [&old.facts.table, &new.facts.table].into_iter().flatten();
    if tables().all(|table| table.principals.is_none()) {
        let statements = found.iter().flat_map(|found| &found.statements);
        let named: Vec<String> = statements.flat_map(|statement| callers_of(&new.facts, statement)).collect();
        space.principals.extend(named);
    }
    let reaches = if tables().all(|table| table.paths.is_none()) {
        found.iter().filter_map(|found| Reach::of(found, &new.facts, attached, &space)).collect()
    } else {
        Vec::new()
    };
    (space, reaches)
}

/// Whether a line names the statement that gives, or gave, the access.
fn names_decider(kind: Kind, (before, after): &(Outcome, Outcome)) -> bool {
    match kind {
        Kind::Gained => after.by.is_some(),
        Kind::Lost | Kind::Changed => before.by.is_some(),
    }
}

/// Who calls, on which key, and the action.
type Call = (String, String, String);

fn outcome<'a>(answered: &'a Answered, call: &Call, path: &Path) -> Option<&'a Outcome> {
    answered.get(call)?.iter().find(|(own, _)| own == path).map(|(_, outcome)| outcome)
}

/// The lines of what the tables ask, and how many calls that is.
fn of_tables(old: &Answered, new: &Answered) -> (Vec<Differing>, usize) {
    let mut found = Vec::new();
    let mut count = 0;
    let calls: BTreeSet<&Call> = old.keys().chain(new.keys()).collect();
    for call in calls {
        let of = |answered: &Answered| -> BTreeMap<Path, Outcome> {
            answered.get(call).into_iter().flatten().cloned().collect()
        };
        let (before, after) = (of(old), of(new));
        let paths: BTreeSet<&Path> = before.keys().chain(after.keys()).collect();
        count += paths.len();
        let both = |path: &Path| {
            let side = |own: &BTreeMap<Path, Outcome>| own.get(path).cloned().unwrap_or(Outcome::NOTHING);
            (side(&before), side(&after))
        };
        let all: Vec<_> = paths.into_iter().map(|path| (path, both(path))).collect();
        let lines = collapsed(&all);
        found.extend(lines.into_iter().filter_map(|(path, sides)| Differing::of(call, path, sides)));
    }
    (found, count)
}

/// The lines of what an edit reaches beyond the tables: access that comes or goes, where the call of the tables that it is
/// near does not say so already.
fn beyond(
    old: &Answered,
    new: &Answered,
    reach: &Reach,
    told: &dyn Fn(&Call, &Path, &Path) -> Option<Kind>,
) -> Vec<Differing> {
    let mut found = Vec::new();
    for (call, before) in old {
        let after: BTreeMap<&Path, &Outcome> =
            new.get(call).into_iter().flatten().map(|(path, outcome)| (path, outcome)).collect();
        let before: BTreeMap<&Path, &Outcome> = before.iter().map(|(path, outcome)| (path, outcome)).collect();
        let mut all: Vec<(&Path, (Outcome, Outcome))> = Vec::new();
        for (path, before) in before {
            let Some(after) = after.get(path) else { continue };
            let Some(kind) = kind(before, after).filter(|kind| *kind != Kind::Changed) else { continue };
            if told(call, path, &reach.origin(path)) != Some(kind) {
                all.push((path, (before.clone(), (*after).clone())));
            }
        }
        // Where one value decides for certain, those that leave it open add nothing.
        let is_named = |(_, sides): &(&Path, (Outcome, Outcome))| {
            kind(&sides.0, &sides.1).is_some_and(|kind| names_decider(kind, sides))
        };
        if all.iter().any(is_named) {
            all.retain(is_named);
        }
        for (path, sides) in all {
            let path = if path.encryption_context.is_empty() { path.base() } else { path.whole() };
            found.extend(Differing::of(call, path, sides));
        }
    }
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

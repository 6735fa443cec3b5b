//! Who may do what with which key, and which statement says so?
//!
//! The access table of a world asks every call there is to ask: each caller the world knows and each service its policies
//! name, on each key, by each action and on each path the policies name ([`space`]). What is allowed has a line, and what
//! a Deny denies; what nothing allows is counted. A line stands for itself and moves no other, so that a change of a policy
//! is seen in review as lines gained and lost. An answer that hangs on what nobody stated, or on a rule that AWS leaves
//! open, is `unsure` and says so.

pub mod answer;
pub(crate) mod caller;
pub mod difference;
pub mod edit;
pub(crate) mod near;
pub mod path;
mod reach;
pub mod space;
mod stale;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::{SourceId, SourceMap, Span};
use serde_json::{Value, json};

pub use answer::{Answered, Outcome, Word, answers};
pub use caller::OUTSIDER;
pub use difference::{Comparison, Differing, differences};
pub use edit::Edit;
pub use path::Path;
pub use space::Space;
pub use stale::{kept, unreferenced};

use crate::change;
use crate::facts::{self, Facts};
use crate::file::{Named, Text};
use crate::root::PolicyRoot;

/// The access table of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The world: its path from the policy root.
    pub world: String,
    /// What was asked.
    pub space: Space,
    /// What is allowed, unsure or explicitly denied, in order.
    pub rows: Vec<Row>,
    /// How many calls had each answer.
    pub counts: BTreeMap<Word, usize>,
}

/// One line of an access table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Who calls: `role/eval-service`.
    pub principal: String,
    /// On which key: `key/eval`.
    pub key: String,
    /// The action, or for a Deny all that have the same answer.
    pub actions: Vec<String>,
    /// How the call travels, or `every path`.
    pub path: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What is wrong, and the texts it points into.
pub type Refused = (SourceMap, Vec<Diagnostic>);

/// A world ready to be asked.
#[derive(Debug)]
pub struct Stage {
    /// What the world states.
    pub facts: Facts,
    /// The texts it was read from.
    pub sources: SourceMap,
    /// What there is to ask.
    pub space: Space,
}

impl Stage {
    /// Reads a world by itself, with changes applied.
    ///
    /// # Errors
    /// What is wrong with the world, its `table:`, or a change.
    pub fn of(root: &PolicyRoot, world: &str, changes: &[String]) -> Result<Self, Refused> {
        let mut sources = SourceMap::new();
        match Self::read(root, &mut sources, world, changes) {
            Ok((facts, space)) => Ok(Self { facts, sources, space }),
            Err(findings) => Err((sources, findings)),
        }
    }

    fn read(
        root: &PolicyRoot,
        sources: &mut SourceMap,
        world: &str,
        changes: &[String],
    ) -> Result<(Facts, Space), Vec<Diagnostic>> {
        let name = typed(sources, "WORLD", world);
        let mut facts = facts::load(root, sources, [&name], &Named::default())?;
        for change in changes {
            let text = typed(sources, "--change", change);
            change::apply(&mut facts, root, sources, &text).map_err(|finding| vec![*finding])?;
        }
        let world = facts.world()?;
        let space = Space::of(&facts, &world)?;
        Ok((facts, space))
    }
}

/// Whether all that is wrong stands on the command line: a world that does not know what is asked about, and is as it should
/// be otherwise.
pub fn is_about_typed((sources, findings): &Refused) -> bool {
    let is_typed = |finding: &Diagnostic| {
        let source = finding.span().and_then(|span| sources.source(span.source));
        source.is_some_and(|source| TYPED.contains(&source.name()))
    };
    !findings.is_empty() && findings.iter().all(is_typed)
}

/// Of two refusals of what several worlds do not know, the one that says what may be meant.
pub fn most_telling(first: Option<Refused>, next: Refused) -> Refused {
    let is_telling = |(_, findings): &Refused| {
        findings.iter().any(|finding| finding.help.as_ref().is_some_and(|help| help.starts_with("did you mean")))
    };
    match first {
        Some(first) if is_telling(&first) || !is_telling(&next) => first,
        Some(_) | None => next,
    }
}

/// The names of texts of the command line.
const TYPED: [&str; 5] = ["CALL", "RESOURCE", "PRINCIPAL", "--change", "--never"];

/// A text of the command line, which is far shorter than what a source map refuses.
pub(crate) fn typed(sources: &mut SourceMap, name: &str, text: &str) -> Text {
    let id = sources.add(name, text).unwrap_or(SourceId::from_index(u32::MAX));
    Text::new(text, Span::new(id, 0, text.len()))
}

impl Table {
    /// The access table of a world of a policy root.
    ///
    /// # Errors
    /// What is wrong with the world or its `table:`.
    pub fn of(root: &PolicyRoot, world: &str) -> Result<Self, Refused> {
        let Stage { facts, sources, space } = Stage::of(root, world, &[])?;
        let answered = answers(&facts, &space).map_err(|findings| (sources, findings))?;
        Ok(Self::from_answers(world, space, &answered))
    }

    fn from_answers(world: &str, space: Space, answered: &Answered) -> Self {
        let mut counts: BTreeMap<Word, usize> = BTreeMap::new();
        let mut rows = BTreeSet::new();
        let mut denied: BTreeMap<(&str, &str, String, Outcome), Vec<String>> = BTreeMap::new();
        for ((principal, key, action), paths) in answered {
            for (_, outcome) in paths {
                *counts.entry(outcome.word()).or_default() += 1;
            }
            let of_paths = paths.iter().map(|(path, outcome)| (path, outcome));
            for (path, outcome) in collapsed(&of_paths.collect::<Vec<_>>()) {
                match outcome.word() {
                    Word::ImplicitDeny => {}
                    Word::ExplicitDeny => {
                        let same = (principal.as_str(), key.as_str(), path, outcome.clone());
                        denied.entry(same).or_default().push(action.clone());
                    }
                    Word::Allow | Word::Unavailable | Word::Unsure => {
                        let (principal, key) = (principal.clone(), key.clone());
                        let actions = vec![action.clone()];
                        rows.insert(Row { principal, key, actions, path, outcome: outcome.clone() });
                    }
                }
            }
        }
        for ((principal, key, path, outcome), actions) in denied {
            let (principal, key) = (principal.to_owned(), key.to_owned());
            rows.insert(Row { principal, key, actions, path, outcome });
        }
        Self { world: world.to_owned(), space, rows: rows.into_iter().collect(), counts }
    }

    /// The table as text: what was asked, the lines, and how many calls had each answer.
    pub fn text(&self) -> String {
        let mut text = self.space.text();
        text.push('\n');
        for row in &self.rows {
            let _ = writeln!(text, "{}", self.line(row));
        }
        if !self.rows.is_empty() {
            text.push('\n');
        }
        let counted = Word::ALL.iter().filter_map(|word| {
            let count = self.counts.get(word)?;
            Some(format!("{count} {}", word.word()))
        });
        let counted: Vec<String> = counted.collect();
        let counted = if counted.is_empty() { "no call".to_owned() } else { counted.join(", ") };
        let _ = writeln!(text, "calls: {counted}");
        text
    }

    fn line(&self, row: &Row) -> String {
        let of_key = self.space.actions_of(&row.key);
        let is_all = row.actions.len() > 1 && row.actions.len() == of_key;
        let actions = if is_all { "every action".to_owned() } else { row.actions.join(" ") };
        format!("{}  {}  {actions}  {}  {}", row.principal, row.key, row.path, row.outcome)
    }

    /// The table for programs.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({ "principal": row.principal, "key": row.key, "actions": row.actions, "path": row.path,
                "answer": row.outcome.word().word(), "statement": row.outcome.by,
                "unstated": row.outcome.unstated, "unsure": row.outcome.unsure, "line": self.line(row) })
        };
        let counts: BTreeMap<&str, usize> = self.counts.iter().map(|(word, count)| (word.word(), *count)).collect();
        json!({ "world": self.world, "rows": self.rows.iter().map(row).collect::<Vec<_>>(), "calls": counts })
    }
}

/// The name of the snapshot of a world's table: `bedrock-eval` for `fixtures/bedrock-eval.yaml`.
pub fn snapshot_name(world: &str) -> &str {
    let path = world.strip_prefix("fixtures/").unwrap_or(world);
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

/// The paths with what came of each, where those that do not differ are one: encryption contexts of a path first, then
/// the paths. All of them together are called `every path`.
pub(crate) fn collapsed<T: PartialEq + Clone>(all: &[(&Path, T)]) -> Vec<(String, T)> {
    let mut sorted: Vec<&(&Path, T)> = all.iter().collect();
    sorted.sort_by_key(|(path, _)| *path);
    let mut lines = Vec::new();
    let mut bases = 0;
    for paths in sorted.chunk_by(|(one, _), (other, _)| one.is_beside(other)) {
        bases += 1;
        match paths {
            [(path, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => {
                lines.push((path.base(), first.clone()));
            }
            _ => lines.extend(paths.iter().map(|(path, outcome)| (path.whole(), outcome.clone()))),
        }
    }
    match lines.as_slice() {
        [(_, first), rest @ ..]
            if bases > 1 && lines.len() == bases && rest.iter().all(|(_, other)| other == first) =>
        {
            vec![("every path".to_owned(), first.clone())]
        }
        _ => lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(via: Option<&str>, context: &[(&str, &str)]) -> Path {
        let pairs = context.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Path { via: via.map(str::to_owned), encryption_context: pairs.collect(), ..Path::default() }
    }

    #[track_caller]
    fn check(outcomes: [u8; 4], expected: &[(&str, u8)]) {
        let paths =
            [path(None, &[]), path(None, &[("a", "b")]), path(Some("s3"), &[]), path(Some("s3"), &[("a", "b")])];
        let all: Vec<_> = paths.iter().zip(outcomes).collect();
        let expected: Vec<_> = expected.iter().map(|(label, outcome)| ((*label).to_owned(), *outcome)).collect();
        assert_eq!(collapsed(&all), expected);
    }

    #[test]
    fn paths_that_do_not_differ_are_one() {
        check([1, 1, 1, 1], &[("every path", 1)]);
        check([1, 1, 2, 2], &[("directly", 1), ("via s3", 2)]);
        check([1, 2, 2, 2], &[("directly without encryption context", 1), ("directly with a=b", 2), ("via s3", 2)]);
    }

    #[test]
    fn a_snapshot_has_the_name_of_its_world() {
        assert_eq!(snapshot_name("fixtures/bedrock-eval.yaml"), "bedrock-eval");
        assert_eq!(snapshot_name("worlds/a.b.json"), "worlds/a.b");
    }
}

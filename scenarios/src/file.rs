//! What do a world, a flow and a scenario file say, and where?
//!
//! A file is read in three steps: its text becomes a tree of nodes that know their place (YAML through
//! `serde-saphyr`, JSON through the evaluator's reader), the tree becomes the derived types of [`world`], [`flow`]
//! and [`scenario`], and what no single type can say (a check asks one question, an axis has values) is checked
//! last. Placeholders and references stay as written; whoever resolves them finds the place in the value.
//!
//! ```
//! use permitlab::file;
//! use permitlab_evaluator::source::SourceMap;
//!
//! let mut sources = SourceMap::new();
//! let id = sources.add("fixtures/eval.yaml", "accounts:\n  ml: { id: 012345678901 }\n").unwrap();
//! let world = file::read_world(&sources, id).unwrap();
//! let account = world.accounts.get("ml").unwrap();
//! assert_eq!(account.id.as_str(), "012345678901");
//! assert_eq!(sources.place(account.id.span()), "fixtures/eval.yaml:2:13");
//! ```

pub mod flow;
pub mod scenario;
pub mod world;

mod deserialize;
mod node;
mod value;
pub(crate) mod write;
mod yaml;

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::{SourceId, SourceMap};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use value::{At, ContextValue, Named, PolicySource, Text};

use flow::Flow;
use scenario::Scenario;
use world::{Grant, World};

/// Reads a world: the facts requests are judged against.
///
/// # Errors
/// Everything that is wrong with the file, as far as it could be read.
pub fn read_world(sources: &SourceMap, id: SourceId) -> Result<World, Vec<Diagnostic>> {
    read(sources, id)
}

/// Reads a flow: the calls one piece of AWS work makes.
///
/// # Errors
/// Everything that is wrong with the file, as far as it could be read.
pub fn read_flow(sources: &SourceMap, id: SourceId) -> Result<Flow, Vec<Diagnostic>> {
    flow::check(read(sources, id)?)
}

/// Reads a scenario file: checks, and what they expect.
///
/// # Errors
/// Everything that is wrong with the file, as far as it could be read.
pub fn read_scenario(sources: &SourceMap, id: SourceId) -> Result<Scenario, Vec<Diagnostic>> {
    scenario::check(read(sources, id)?)
}

/// Reads a grant that stands by itself, as in a `change:`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_grant(sources: &SourceMap, id: SourceId) -> Result<At<Grant>, Vec<Diagnostic>> {
    read(sources, id)
}

/// Access that somebody looked at and lets be gained: a change of the version before, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The change, in the vocabulary of `--change`.
    pub change: Text,
    /// Why it may be.
    pub reason: Text,
}

/// Reads a file of accepted changes.
///
/// # Errors
/// Everything that is wrong with the file, as far as it could be read.
pub fn read_accepted(sources: &SourceMap, id: SourceId) -> Result<Vec<Accepted>, Vec<Diagnostic>> {
    read(sources, id)
}

fn read<T: DeserializeOwned>(sources: &SourceMap, id: SourceId) -> Result<T, Vec<Diagnostic>> {
    deserialize::from_node(&node::read(sources, id)?)
}

//! How do the policies of a world read in Cedar?
//!
//! One file of policies and one of their schema for each policy of a world, and for the grants of each key. Every Cedar
//! policy says in annotations which statement it came from and where that stands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use permitlab_evaluator::cedar::{self, Translated, Translation};
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::{SourceId, SourceMap, Span};

use crate::facts;
use crate::file::{Named, Text};
use crate::measure::policies;
use crate::root::PolicyRoot;

/// A policy in Cedar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CedarFile {
    /// The policy's name; that of a key's grants ends in `/grants`.
    pub name: String,
    /// The text of its policies.
    pub policies: String,
    /// The text of their schema.
    pub schema: String,
}

/// The policies of worlds that work together, in the order of their names.
///
/// # Errors
/// What is wrong with the worlds, and the texts that this points into.
pub fn translate(root: &PolicyRoot, worlds: &[String]) -> Result<Vec<CedarFile>, (SourceMap, Vec<Diagnostic>)> {
    let mut sources = SourceMap::new();
    let files = read(root, worlds, &mut sources);
    files.map_err(|findings| (sources, findings))
}

fn read(root: &PolicyRoot, worlds: &[String], sources: &mut SourceMap) -> Result<Vec<CedarFile>, Vec<Diagnostic>> {
    let mut texts = Vec::new();
    for world in worlds {
        // A name on the command line is far shorter than what a source map refuses.
        let Ok(id) = sources.add("WORLD", world.as_str()) else { continue };
        texts.push(Text::new(world.as_str(), Span::new(id, 0, world.len())));
    }
    let world = facts::load(root, sources, &texts, &Named::default())?.world()?;
    let mut files = BTreeMap::new();
    for policy in policies(&world) {
        let place = policy.statements.first().map_or(Span::new(SourceId::from_index(0), 0, 0), |first| first.span);
        let translation = cedar::translate(&[policy]).map_err(|error| refused(&policy.name, &error, place))?;
        files.insert(policy.name.to_string(), file(&policy.name, &translation, sources));
    }
    for key in world.keys.iter().filter(|key| !key.grants.is_empty()) {
        let Some(first) = key.grants.first() else { continue };
        let name = format!("{}/grants", first.name.split('[').next().unwrap_or_default());
        let grants: Vec<_> = key.grants.iter().collect();
        let translation = cedar::translate_grants(&grants).map_err(|error| refused(&name, &error, first.span))?;
        files.insert(name.clone(), file(&name, &translation, sources));
    }
    Ok(files.into_values().collect())
}

fn refused(name: &str, error: &cedar::Unsupported, span: Span) -> Vec<Diagnostic> {
    vec![Diagnostic::error("not-in-cedar", span, format!("`{name}` cannot be translated: {error}")).help("report it")]
}

fn file(name: &str, translation: &Translation, sources: &SourceMap) -> CedarFile {
    let mut policies = String::new();
    for Translated { name, span, way, text } in &translation.policies {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let _ = writeln!(policies, "@iam({})\n@at({})", quoted(name), quoted(&sources.place(*span)));
        if let Some(way) = way {
            let _ = writeln!(policies, "@names_caller({})", quoted(way));
        }
        let _ = writeln!(policies, "{text}\n");
    }
    for (index, atom) in translation.opaque.iter().enumerate() {
        let _ = writeln!(policies, "// context.o.atom{index}: {atom}");
    }
    CedarFile { name: name.to_owned(), policies, schema: translation.schema.clone() }
}

//! Does the project keep its own rules?
//!
//! The rules no compiler holds: which module may know which, which crate may depend on which, what the engine may
//! not touch, and what a file may not say. Each is a small function from the project's files to what breaks it.

pub(crate) mod conformance;
mod fidelity;
mod layering;
mod links;
mod manifests;
mod purity;
mod rust;
mod text;
pub(crate) mod tree;

use std::env;
use std::fmt;

use crate::exit::Exit;
use crate::output::Streams;
use tree::Tree;

/// One place where the project breaks a rule of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the top of the workspace.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Finding {
    fn new(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Checks the workspace of the current directory.
///
/// # Errors
/// Outside the workspace, and where a file cannot be read.
pub fn run(streams: &mut Streams) -> anyhow::Result<Exit> {
    let tree = Tree::read(&tree::workspace(&env::current_dir()?)?)?;
    let findings = findings(&tree);
    for finding in &findings {
        streams.err.line(finding)?;
    }
    if findings.is_empty() {
        streams.out.line(format_args!("tidy: {} files keep the project's rules", tree.len()))?;
        return Ok(Exit::Fine);
    }
    streams.err.line(format_args!("tidy: {} places break the project's rules", findings.len()))?;
    Ok(Exit::Failed)
}

/// Everything that breaks a rule, by place.
fn findings(tree: &Tree) -> Vec<Finding> {
    let (evaluator, mut findings) = rust::read(tree);
    findings.extend(layering::check(&evaluator));
    findings.extend(purity::check(&evaluator));
    findings.extend(manifests::check(tree));
    findings.extend(text::check(tree));
    findings.extend(links::check(tree));
    findings.extend(fidelity::check(tree, &evaluator));
    findings.extend(conformance::check(tree));
    findings.sort();
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `tidy` says of a made-up tree.
    #[track_caller]
    pub(super) fn check(files: &[(&str, &str)], expected: &[&str]) {
        let found: Vec<_> = findings(&Tree::of(files)).iter().map(Finding::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_tree_that_keeps_the_rules_has_no_findings() {
        check(
            &[
                ("evaluator/src/lib.rs", "pub mod arn; pub mod policy;"),
                ("evaluator/src/policy.rs", "use crate::arn::Arn; use std::collections::BTreeMap;"),
                ("README.md", "See [the licence](LICENSE-MIT)."),
                ("LICENSE-MIT", "MIT"),
            ],
            &[],
        );
    }

    #[test]
    fn findings_come_in_the_order_of_their_places() {
        check(
            &[("b.md", "[x](none.md)\n\n[y](none.md)"), ("a.md", "[z](none.md)")],
            &[
                "a.md:1: the link `none.md` leads to no file of the project",
                "b.md:1: the link `none.md` leads to no file of the project",
                "b.md:3: the link `none.md` leads to no file of the project",
            ],
        );
    }
}

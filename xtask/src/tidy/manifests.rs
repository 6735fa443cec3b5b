//! Do the crates depend on each other in one direction, and does every dependency say why it is there?

use toml::de::{DeTable, DeValue};
use toml::{Spanned, de};

use super::Finding;
use super::tree::{Tree, line};

/// A crate of the workspace and the crates of the workspace it may use.
struct Member {
    manifest: &'static str,
    package: &'static str,
    may_use: &'static [&'static str],
}

/// The direction of the crates: the engine below, the command line on top.
const MEMBERS: [Member; 5] = [
    Member { manifest: "evaluator/Cargo.toml", package: EVALUATOR, may_use: &[] },
    Member { manifest: "scenarios/Cargo.toml", package: "permitlab", may_use: &[EVALUATOR] },
    Member { manifest: "benches/Cargo.toml", package: "permitlab-benches", may_use: &[EVALUATOR, "permitlab"] },
    Member { manifest: "fuzz/Cargo.toml", package: "permitlab-fuzz", may_use: &[EVALUATOR, "permitlab"] },
    Member { manifest: "xtask/Cargo.toml", package: "xtask", may_use: &[EVALUATOR, "permitlab"] },
];

const EVALUATOR: &str = "permitlab-evaluator";

/// The tables a manifest lists dependencies in, at its top or under a `target`.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// What breaks the direction, and dependencies without a reason.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &MEMBERS {
        if let Some(text) = tree.text(member.manifest) {
            findings.extend(read(member.manifest, text, |table| against_direction(member, text, table)));
        }
    }
    if let Some(text) = tree.text("Cargo.toml") {
        findings.extend(read("Cargo.toml", text, |table| without_reason(text, table)));
    }
    findings
}

/// Reads a manifest, and reports the one that is not TOML.
fn read(file: &str, text: &str, check: impl FnOnce(&DeTable<'_>) -> Vec<Finding>) -> Vec<Finding> {
    let unreadable = |error: &de::Error| {
        let line = error.span().map_or(1, |span| line(text, span.start));
        vec![Finding::new(file, line, format!("not read as TOML: {}", error.message()))]
    };
    DeTable::parse(text).map_or_else(|error| unreadable(&error), |table| check(table.get_ref()))
}

fn against_direction(member: &Member, text: &str, manifest: &DeTable<'_>) -> Vec<Finding> {
    let targets = table(manifest, "target").into_iter().flatten();
    let of_targets = targets.filter_map(|(_, target)| target.get_ref().as_table());
    let sections = std::iter::once(manifest).chain(of_targets);
    let listed = sections.flat_map(|section| DEPENDENCIES.into_iter().filter_map(|name| table(section, name)));
    let ours = |used: &str| MEMBERS.iter().any(|other| other.package == used && other.package != member.package);
    listed
        .flatten()
        .map(|(name, value)| (name.span().start, package(name.get_ref(), value.get_ref())))
        .filter(|(_, used)| ours(used) && !member.may_use.contains(used))
        .map(|(start, used)| {
            let message = format!("`{}` depends on `{used}`, against the direction of the crates", member.package);
            Finding::new(member.manifest, line(text, start), message)
        })
        .collect()
}

/// The package a dependency names: its own name, unless it says `package`.
fn package<'t>(name: &'t str, value: &'t DeValue<'_>) -> &'t str {
    value.get("package").and_then(|package| package.get_ref().as_str()).unwrap_or(name)
}

fn without_reason(text: &str, manifest: &DeTable<'_>) -> Vec<Finding> {
    let workspace = table(manifest, "workspace");
    let dependencies = workspace.and_then(|workspace| table(workspace, "dependencies"));
    let foreign = dependencies.into_iter().flatten().filter(|(_, value)| value.get_ref().get("path").is_none());
    foreign
        .filter(|(_, value)| !has_reason(text, value))
        .map(|(name, _)| {
            let message = format!("the dependency `{}` says no reason: end its line with a comment", name.get_ref());
            Finding::new("Cargo.toml", line(text, name.span().start), message)
        })
        .collect()
}

/// Whether the line a value ends on goes on with a comment that says something.
fn has_reason(text: &str, value: &Spanned<DeValue<'_>>) -> bool {
    let after = text.get(value.span().end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    after.trim_start().strip_prefix('#').is_some_and(|reason| !reason.trim().is_empty())
}

fn table<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<&'t DeTable<'i>> {
    table.get(name).and_then(|value| value.get_ref().as_table())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn dependencies_go_one_way() {
        check(
            &[
                ("evaluator/Cargo.toml", "[dev-dependencies]\nserde.workspace = true\npermitlab = { path = \"x\" }"),
                (
                    "scenarios/Cargo.toml",
                    "[dependencies]\npermitlab-evaluator.workspace = true\nx = { package = \"xtask\" }",
                ),
                ("benches/Cargo.toml", "[target.'cfg(unix)'.build-dependencies]\nxtask.workspace = true"),
                (
                    "xtask/Cargo.toml",
                    "[dependencies]\npermitlab.workspace = true\npermitlab-evaluator.workspace = true",
                ),
            ],
            &[
                "benches/Cargo.toml:2: `permitlab-benches` depends on `xtask`, against the direction of the crates",
                "evaluator/Cargo.toml:3: `permitlab-evaluator` depends on `permitlab`, against the direction of the crates",
                "scenarios/Cargo.toml:3: `permitlab` depends on `xtask`, against the direction of the crates",
            ],
        );
    }

    #[test]
    fn a_dependency_says_why_it_is_there() {
        check(
            &[(
                "Cargo.toml",
                "[workspace.dependencies]\n\
                 permitlab = { path = \"scenarios\" }\n\
                 serde = \"1\" # shapes\n\
                 jiff = { version = \"1\" } #\n\
                 glob = \"0.3\"\n\
                 url = [\n \"#\",\n] # why\n",
            )],
            &[
                "Cargo.toml:4: the dependency `jiff` says no reason: end its line with a comment",
                "Cargo.toml:5: the dependency `glob` says no reason: end its line with a comment",
            ],
        );
    }

    #[test]
    fn a_manifest_that_is_not_toml_is_reported() {
        check(
            &[("xtask/Cargo.toml", "[package]\nname = ")],
            &["xtask/Cargo.toml:2: not read as TOML: string values must be quoted, expected literal string"],
        );
    }
}

//! A comment on a pull request: a table of the failures of each file, and the report for people folded below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::failures::Failure;
use crate::lint::markdown::{block, code, prose};

/// Writes it, below the counts.
pub(super) fn render(failures: &[Failure<'_>], closing: &str) -> String {
    let mut text = format!("### Scenarios: {closing}\n");
    let mut files: BTreeMap<&str, Vec<&Failure<'_>>> = BTreeMap::new();
    for failure in failures {
        files.entry(failure.at().map_or("", |place| place.file.as_str())).or_default().push(failure);
    }
    for (file, failures) in files {
        text.push_str(&section(file, &failures));
    }
    text
}

fn section(file: &str, failures: &[&Failure<'_>]) -> String {
    let rows: String = failures.iter().map(|failure| row(failure)).collect();
    let mut folded = String::new();
    let mut told = BTreeSet::new();
    for failure in failures {
        if told.insert(&failure.human) {
            let human = block("text", &failure.human);
            let summary = summary(failure);
            let _ = write!(folded, "\n<details><summary>{summary}</summary>\n\n{human}\n\n</details>\n");
        }
    }
    format!("\n#### {}\n\n| Place | Check | Failure |\n|:--|:--|:--|\n{rows}{folded}", code(file))
}

fn row(failure: &Failure<'_>) -> String {
    let place = failure.at().map(|place| format!("{}:{}", place.start.line, place.start.column)).unwrap_or_default();
    let mut said = vec![prose(&failure.diagnostic.message)];
    said.extend(
        failure.related().iter().map(|place| {
            prose(&format!("`{}:{}:{}` {}", place.file, place.start.line, place.start.column, place.label))
        }),
    );
    said.extend(failure.diagnostic.help.iter().map(|help| prose(help)));
    format!("| {place} | {} | {} |\n", code(failure.title()), said.join("<br>"))
}

/// A check as text in HTML.
fn summary(failure: &Failure<'_>) -> String {
    failure.title().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

//! Annotations on a pull request: a workflow command for each failure, where the scenario expects something.

use super::failures::Failure;
use crate::lint::github::{data, place, property};
use crate::lint::report::Place;

/// Writes them, one a line.
pub(super) fn render(failures: &[Failure<'_>]) -> String {
    failures.iter().map(command).collect()
}

fn command(failure: &Failure<'_>) -> String {
    let mut properties: Vec<_> = failure.at().map(place).unwrap_or_default();
    properties.push(("title", failure.title().to_owned()));
    let properties: Vec<_> = properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::error {}::{}\n", properties.join(","), data(&message(failure)))
}

fn message(failure: &Failure<'_>) -> String {
    let mut lines = vec![failure.diagnostic.message.clone()];
    lines.extend(failure.related().iter().map(related));
    lines.extend(failure.diagnostic.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(failure.diagnostic.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

fn related(place: &Place) -> String {
    format!("{}:{}:{}: {}", place.file, place.start.line, place.start.column, place.label)
}

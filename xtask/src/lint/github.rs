//! Annotations on a pull request: workflow commands that GitHub Actions reads from a step's output.
//!
//! [The page on workflow commands](https://docs.github.com/actions/reference/workflow-commands-for-github-actions) has
//! their form, and the runner's source what it unescapes. Columns go with places on one line only: GitHub takes none
//! for others.

use permitlab_evaluator::lint::Level;

use super::report::{Place, Report, Reported};

/// Writes them, one a line.
pub(super) fn render(report: &Report<'_>) -> String {
    report.findings.iter().flat_map(|finding| [command(finding), "\n".to_owned()]).collect()
}

fn command(finding: &Reported<'_>) -> String {
    let mut properties: Vec<_> = finding.at().map(place).unwrap_or_default();
    properties.push(("title", format!("{} ({})", finding.code(), finding.level)));
    let properties: Vec<_> = properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::{} {}::{}", word(finding.level), properties.join(","), data(&message(finding)))
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Security | Level::Warning => "warning",
        Level::Suggestion => "notice",
    }
}

/// The properties that say where.
pub(crate) fn place(place: &Place) -> Vec<(&'static str, String)> {
    let (start, end) = (place.start, place.end);
    let mut properties = vec![("file", place.file.clone()), ("line", start.line.to_string())];
    if start.line == end.line {
        properties.push(("col", start.column.to_string()));
    }
    properties.push(("endLine", end.line.to_string()));
    if start.line == end.line {
        properties.push(("endColumn", end.column.to_string()));
    }
    properties
}

fn message(finding: &Reported<'_>) -> String {
    let mut lines = vec![finding.diagnostic.message.clone()];
    lines.extend(finding.diagnostic.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(finding.diagnostic.help.iter().map(|help| format!("help: {help}")));
    lines.extend(finding.repair.iter().map(|repair| format!("write instead:\n{}", repair.text)));
    lines.join("\n")
}

/// What stands after the last `::`.
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands after a property's `=`.
pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_or_a_property_is_escaped() {
        assert_eq!(data("100%\r\na:b,c"), "100%25%0D%0Aa:b,c");
        assert_eq!(property("100%\na:b,c"), "100%25%0Aa%3Ab%2Cc");
    }
}

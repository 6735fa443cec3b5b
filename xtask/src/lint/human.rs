//! The report for people: each finding as a compiler draws it, then one closing line.

use permitlab::render::{Colour, report};
use permitlab_evaluator::source::SourceMap;

use super::report::{Report, Reported};

/// Writes it. The places have the names that were typed, not paths from the root of a repository.
pub(super) fn render(found: &Report<'_>, sources: &SourceMap) -> String {
    let mut text: String = found.findings.iter().map(|finding| each(finding, sources)).collect();
    text.push_str(&found.closing());
    text.push('\n');
    text
}

fn each(finding: &Reported<'_>, sources: &SourceMap) -> String {
    let repair = finding.repair.as_ref().map(|repair| format!("write instead:\n{}\n", repair.text));
    format!("{}\n{}\n", report(sources, finding.diagnostic, Colour::Always), repair.unwrap_or_default())
}

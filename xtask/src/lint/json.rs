//! The report for programs. `docs/lint.md` describes the shape, which [`VERSION`] numbers.

use permitlab_evaluator::lint::Level;
use permitlab_evaluator::source::Position;
use serde_json::{Map, Value, json};

use super::report::{Place, Repair, Report, Reported};

/// The number of the shape. It rises when a field goes or changes its meaning; that one is added is no new version.
const VERSION: u32 = 1;

/// Writes it.
pub(super) fn render(report: &Report<'_>) -> String {
    let counts: Map<_, _> =
        Level::ALL.iter().map(|level| (level.word().to_owned(), report.count(*level).into())).collect();
    let value = json!({
        "version": VERSION,
        "policies": report.policies,
        "counts": counts,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn finding(finding: &Reported<'_>) -> Value {
    json!({
        "code": finding.code(),
        "level": finding.level.word(),
        "message": finding.diagnostic.message,
        "at": finding.at().map(place),
        "related": finding.related().iter().map(place).collect::<Vec<_>>(),
        "statement": finding.statement,
        "help": finding.diagnostic.help,
        "notes": finding.diagnostic.notes,
        "repair": finding.repair.as_ref().map(repair),
        "fingerprint": finding.fingerprint,
    })
}

fn place(place: &Place) -> Value {
    let label = (!place.label.is_empty()).then_some(&place.label);
    json!({
        "file": place.file,
        "start": position(place.start),
        "end": position(place.end),
        "text": place.text,
        "label": label,
    })
}

fn position(position: Position) -> Value {
    json!({ "line": position.line, "column": position.column })
}

fn repair(repair: &Repair<'_>) -> Value {
    let edit = repair.edit.as_ref().map(|(at, inserted)| {
        json!({ "file": at.file, "start": position(at.start), "end": position(at.end), "insert": inserted })
    });
    json!({ "statement": repair.text, "edit": edit })
}

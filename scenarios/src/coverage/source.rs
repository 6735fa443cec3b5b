//! How does a policy read with its coverage in the margin?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::PolicyCoverage;
use super::parts::{Kind, Mark, Part};

/// Line and column of an offset, from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The lines of a policy: the sign of what became of the parts on each, its number, and the line. A statement's sign
/// stands at its first line, where no entry has one.
pub(super) fn view(policy: &PolicyCoverage) -> String {
    let mut text = String::new();
    let start = policy.parts.iter().map(|part| part.range.start).min().unwrap_or_default();
    let end = policy.parts.iter().map(|part| part.range.end).max().unwrap_or_default();
    let (first, _) = position(&policy.text, start);
    let (last, _) = position(&policy.text, end);
    for (number, line) in policy.text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if number < first || number > last {
            continue;
        }
        let on = |part: &&Part| position(&policy.text, part.range.start).0 == number;
        let here: Vec<&Part> = policy.parts.iter().filter(on).collect();
        let _ = writeln!(text, "{} {number:>4} | {line}", sign(&here));
    }
    text
}

/// `+` all covered, `~` some covered or seen one way, `!` nothing, `x` dead, nothing where there is no part.
fn sign(parts: &[&Part]) -> char {
    let entries: BTreeSet<Mark> =
        parts.iter().filter(|part| part.kind != Kind::Statement).map(|part| part.mark()).collect();
    let statements: BTreeSet<Mark> = parts.iter().map(|part| part.mark()).collect();
    let marks = if entries.is_empty() { statements } else { entries };
    match marks.into_iter().collect::<Vec<_>>().as_slice() {
        [] => ' ',
        [Mark::Covered] => '+',
        [Mark::Not] => '!',
        [Mark::Dead] => 'x',
        _ => '~',
    }
}

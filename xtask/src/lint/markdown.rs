//! A comment on a pull request: a table for each file, and what to paste below it.
//!
//! Policies come from pull requests, so nothing that stands in one may become markup: the user's text is in backticks
//! in every message, and everything else is escaped.

use super::report::{Report, Reported};

/// What Markdown could take for markup outside code.
const MARKUP: &str = "\\*_[]<>|&#~!@";

/// Writes it.
pub(super) fn render(report: &Report<'_>) -> String {
    let mut text = format!("### Policy lint: {}\n", report.closing());
    for (file, findings) in report.by_file() {
        text.push_str(&section(file, &findings));
    }
    text
}

fn section(file: &str, findings: &[&Reported<'_>]) -> String {
    let rows: String = findings.iter().map(|finding| row(finding)).collect();
    let repairs: String = findings.iter().map(|finding| repair(finding)).collect();
    format!("\n#### {}\n\n| Place | Level | Rule | Finding |\n|:--|:--|:--|:--|\n{rows}{repairs}", code(file))
}

fn row(finding: &Reported<'_>) -> String {
    let said = [Some(&finding.diagnostic.message), finding.diagnostic.help.as_ref()];
    let said: Vec<_> = said.into_iter().flatten().chain(&finding.diagnostic.notes).map(|text| prose(text)).collect();
    format!("| {} | {} | `{}` | {} |\n", place(finding), finding.level, finding.code(), said.join("<br>"))
}

fn place(finding: &Reported<'_>) -> String {
    finding.at().map(|place| format!("{}:{}", place.start.line, place.start.column)).unwrap_or_default()
}

/// The statement to paste, folded.
fn repair(finding: &Reported<'_>) -> String {
    let Some(repair) = &finding.repair else { return String::new() };
    let summary = format!("{}: write instead of the statement", place(finding));
    format!("\n<details><summary>{summary}</summary>\n\n{}\n\n</details>\n", block("json", repair.text))
}

/// A message as Markdown for a cell of a table: what stands between backticks as code, the rest escaped.
pub(crate) fn prose(text: &str) -> String {
    let parts: Vec<_> = text.split('`').collect();
    let mut marked = String::new();
    for (index, part) in parts.iter().enumerate() {
        match (index % 2 == 1, index + 1 == parts.len()) {
            (true, false) => marked.push_str(&code(part)),
            // A backtick that nothing closes.
            (true, true) => marked.extend(["\\`", escaped(part).as_str()]),
            // Two pieces of code in a row would share their backticks.
            (false, _) if part.is_empty() && index > 0 => marked.push(' '),
            (false, _) => marked.push_str(&escaped(part)),
        }
    }
    marked.trim_end().to_owned()
}

/// Text without backticks as code, within a table or not.
pub(crate) fn code(text: &str) -> String {
    let line = text.replace(['\r', '\n', '`'], " ").replace('|', "\\|");
    if line.trim().is_empty() { String::new() } else { format!("`{line}`") }
}

fn escaped(text: &str) -> String {
    let one = |c: char| match c {
        '\r' | '\n' => " ".to_owned(),
        _ if MARKUP.contains(c) => format!("\\{c}"),
        _ => c.to_string(),
    };
    text.chars().map(one).collect()
}

/// A text as a block of code, whatever backticks it has.
pub(crate) fn block(language: &str, text: &str) -> String {
    let run = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(run.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::code("`kms:Decrypt` never carries `a|b`", "`kms:Decrypt` never carries `a\\|b`")]
    #[case::markup("<b> and *all* of @team", "\\<b\\> and \\*all\\* of \\@team")]
    #[case::two_in_a_row("`a``b`", "`a` `b`")]
    #[case::open("a ` b", "a \\` b")]
    #[case::lines("a\nb `c\nd`", "a b `c d`")]
    fn a_message_stays_in_its_cell(#[case] message: &str, #[case] written: &str) {
        assert_eq!(prose(message), written);
    }

    #[rstest]
    #[case("`</td><img src=x>` is no action")]
    #[case("`a`<script>`b` is no action")]
    #[case("`a``<img>` b ` <img> `")]
    #[case("`![x](https://host.example/y)`[x](y)")]
    fn no_text_of_a_policy_becomes_markup(#[case] message: &str) {
        let table = format!("| a |\n|---|\n| {} |\n", prose(message));
        let is_markup = |event: &Event<'_>| {
            matches!(event, Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. }))
        };
        let found: Vec<_> = Parser::new_ext(&table, Options::ENABLE_TABLES).filter(is_markup).collect();
        assert!(found.is_empty(), "{table}{found:?}");
    }
}

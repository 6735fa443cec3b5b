//! A log of [SARIF 2.1.0](https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), which code scanning and
//! editors read.
//!
//! Nothing in it changes from one run to the next, or from one machine to another: no times, no absolute folders. The
//! rules stand in it all, found or not, so that a rule keeps its index and can be read beside its findings.

use std::collections::BTreeSet;

use permitlab_evaluator::lint::{Example, Level, REFUSALS, RULES};
use serde_json::{Map, Value, json};

use super::report::{Place, Repair, Report, Reported};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The root of the repository, which every relative path begins at.
const ROOT: &str = "%SRCROOT%";

/// How GitHub ranks what opens a door: from 7.0 on it is of high severity.
const SECURITY_SEVERITY: &str = "7.0";

/// What is under the name of the fingerprints. Its number rises when they are made differently.
pub(crate) const FINGERPRINT: &str = "permitlab/v1";

/// Writes it.
pub(super) fn render(report: &Report<'_>) -> String {
    let codes = codes(report);
    let rules: Vec<_> = codes.iter().map(|code| descriptor(code)).collect();
    let results: Vec<_> = report.findings.iter().map(|finding| result(finding, &codes)).collect();
    log(&rules, &results, report.is_complete)
}

/// A log of one run: what the codes mean, what was found, and whether everything could be looked at.
pub(crate) fn log(rules: &[Value], results: &[Value], is_complete: bool) -> String {
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "Permitlab", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "invocations": [{ "executionSuccessful": is_complete }],
            "originalUriBaseIds": { ROOT: { "description": { "text": "The root of the repository." } } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// Every code, in the order of the rules' indexes: rules, refusals, then what else is wrong with the files of this run.
fn codes(report: &Report<'_>) -> Vec<&'static str> {
    let mut codes: Vec<_> = RULES.iter().map(|rule| rule.code).chain(REFUSALS).collect();
    let others: BTreeSet<_> = report.findings.iter().map(Reported::code).filter(|code| !codes.contains(code)).collect();
    codes.extend(others);
    codes
}

/// What a code means.
struct Meaning<'r> {
    code: &'r str,
    level: Level,
    summary: String,
    explanation: &'r str,
    remedy: &'r str,
    examples: Option<(&'r Example, &'r Example)>,
}

impl<'r> Meaning<'r> {
    fn of(code: &'r str) -> Self {
        if let Some(rule) = permitlab_evaluator::lint::rule(code) {
            return Self {
                code,
                level: rule.level,
                summary: sentence(rule.summary),
                explanation: rule.explanation,
                remedy: rule.remedy,
                examples: Some((&rule.bad, &rule.good)),
            };
        }
        let words = code.replace('-', " ");
        let (summary, explanation) = if REFUSALS.contains(&code) {
            (
                format!("AWS refuses the policy: {words}."),
                "AWS checks a policy when it is stored, and refuses this one.",
            )
        } else {
            (
                format!("A file cannot be used: {words}."),
                "The file is no policy, or a setting or world of the policy root is wrong.",
            )
        };
        Self {
            code,
            level: Level::Error,
            summary,
            explanation,
            remedy: "Each finding says what to write instead.",
            examples: None,
        }
    }

    fn markdown(&self) -> String {
        let mut paragraphs = vec![self.explanation.to_owned(), self.remedy.to_owned()];
        for (heading, example) in self.examples.iter().flat_map(|(bad, good)| [("Instead of", bad), ("Write", good)]) {
            paragraphs.extend([format!("**{heading}**"), format!("```json\n{}\n```", example.text)]);
        }
        paragraphs.join("\n\n")
    }
}

fn descriptor(code: &str) -> Value {
    let meaning = Meaning::of(code);
    json!({
        "id": meaning.code,
        "name": pascal_case(meaning.code),
        "shortDescription": { "text": meaning.summary },
        "fullDescription": { "text": meaning.explanation },
        "help": { "text": format!("{}\n\n{}", meaning.explanation, meaning.remedy), "markdown": meaning.markdown() },
        "defaultConfiguration": { "level": word(meaning.level) },
        "properties": properties(meaning.level),
    })
}

fn properties(level: Level) -> Value {
    match level {
        Level::Security => json!({ "tags": ["security", "aws-iam"], "security-severity": SECURITY_SEVERITY }),
        Level::Error | Level::Warning | Level::Suggestion => json!({ "tags": ["aws-iam"] }),
    }
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Security | Level::Warning => "warning",
        Level::Suggestion => "note",
    }
}

fn result(finding: &Reported<'_>, codes: &[&str]) -> Value {
    let related = (1..).zip(finding.related()).map(|(id, place)| {
        let mut location = location(place);
        location.insert("id".to_owned(), json!(id));
        location
    });
    let fixes: Vec<_> = finding.repair.iter().filter_map(|repair| fix(finding, repair)).collect();
    json!({
        "ruleId": finding.code(),
        "ruleIndex": codes.iter().position(|code| *code == finding.code()),
        "level": word(finding.level),
        "message": { "text": message(finding) },
        "locations": finding.at().map(location).into_iter().collect::<Vec<_>>(),
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": { FINGERPRINT: finding.fingerprint },
        "fixes": fixes,
    })
}

/// What is wrong, the facts beside it and what to do, as sentences.
fn message(finding: &Reported<'_>) -> String {
    let diagnostic = finding.diagnostic;
    let said = std::iter::once(&diagnostic.message).chain(&diagnostic.notes).chain(&diagnostic.help);
    plain(&said.map(|text| sentence(text)).collect::<Vec<_>>().join(" "))
}

/// A place in a file, with what is said of it.
pub(crate) fn location(place: &Place) -> Map<String, Value> {
    let mut location = Map::new();
    let physical = json!({ "artifactLocation": artifact(&place.file), "region": region(place) });
    location.insert("physicalLocation".to_owned(), physical);
    if !place.label.is_empty() {
        location.insert("message".to_owned(), json!({ "text": plain(&sentence(&place.label)) }));
    }
    location
}

fn region(place: &Place) -> Value {
    let mut region = bare_region(place);
    region.insert("snippet".to_owned(), json!({ "text": place.text }));
    region.into()
}

fn bare_region(place: &Place) -> Map<String, Value> {
    let (start, end) = (place.start, place.end);
    let numbers =
        [("startLine", start.line), ("startColumn", start.column), ("endLine", end.line), ("endColumn", end.column)];
    numbers.into_iter().map(|(name, number)| (name.to_owned(), number.into())).collect()
}

fn artifact(file: &str) -> Value {
    if file.starts_with('/') {
        return json!({ "uri": format!("file://{}", encoded(file)) });
    }
    json!({ "uri": encoded(file), "uriBaseId": ROOT })
}

fn fix(finding: &Reported<'_>, repair: &Repair<'_>) -> Option<Value> {
    let (place, inserted) = repair.edit.as_ref()?;
    let help = finding.diagnostic.help.as_deref().unwrap_or("write the statement anew");
    let replacement = json!({ "deletedRegion": bare_region(place), "insertedContent": { "text": inserted } });
    Some(json!({
        "description": { "text": plain(&sentence(help)) },
        "artifactChanges": [{ "artifactLocation": artifact(&place.file), "replacements": [replacement] }],
    }))
}

/// A path as part of a URI.
fn encoded(path: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(one).collect()
}

/// Text that SARIF must not take for a link (§3.11.6) or a placeholder (§3.11.5). Braces that hold no number stay: the
/// standard would have them twice, and those who read logs do not undo that, so `${{aws:username}}` would mislead.
pub(crate) fn plain(text: &str) -> String {
    let mut escaped = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (written, length) = match c {
            '\\' | '[' | ']' => (format!("\\{c}"), 1),
            '{' => placeholder(rest).map_or(("{".to_owned(), 1), |found| (format!("{{{found}}}"), found.len())),
            _ => (c.to_string(), c.len_utf8()),
        };
        escaped.push_str(&written);
        rest = rest.get(length..).unwrap_or_default();
    }
    escaped
}

/// The `{0}` at the beginning of a text.
fn placeholder(text: &str) -> Option<&str> {
    let end = text.find('}')?;
    let digits = text.get(1..end)?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.get(..=end) } else { None }
}

/// A lowercase fragment as a sentence.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase()).into_iter();
    let end = if fragment.ends_with(['.', '?', '!']) { "" } else { "." };
    first.chain(letters).chain(end.chars()).collect()
}

/// A code as the name of a rule.
pub(crate) fn pascal_case(code: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    code.split('-').map(word).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("`kms:*` on [[keyId]]", "`kms:*` on \\[\\[keyId\\]\\]")]
    #[case("${aws:username} and {0} and {{12}}", "${aws:username} and {{0}} and {{{12}}}")]
    #[case("a\\b {", "a\\\\b {")]
    #[case("é{1}ü", "é{{1}}ü")]
    fn a_message_holds_no_link_and_no_placeholder(#[case] text: &str, #[case] written: &str) {
        assert_eq!(plain(text), written);
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(artifact("a b/é:c.json"), json!({ "uri": "a%20b/%C3%A9%3Ac.json", "uriBaseId": "%SRCROOT%" }));
        assert_eq!(artifact("/a/b.json"), json!({ "uri": "file:///a/b.json" }));
    }

    #[test]
    fn fragments_become_sentences() {
        assert_eq!(sentence("did you mean `a`?"), "Did you mean `a`?");
        assert_eq!(sentence("`a` is gone"), "`a` is gone.");
        assert_eq!(pascal_case("variable-in-2008-policy"), "VariableIn2008Policy");
    }
}

//! A log of SARIF 2.1.0: a failed check is a result where the scenario expects something, and the line of the policy
//! that stood in the way is related to it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::failures::Failure;
use crate::explain::{Page, page};
use crate::lint::sarif::{FINGERPRINT, location, log, pascal_case, plain, sentence};

/// Writes it.
pub(super) fn render(failures: &[Failure<'_>], is_complete: bool) -> String {
    let codes = Vec::from_iter(failures.iter().map(|failure| failure.diagnostic.code).collect::<BTreeSet<_>>());
    let rules: Vec<_> = codes.iter().map(|code| descriptor(code)).collect();
    let results: Vec<_> = failures.iter().map(|failure| result(failure, &codes)).collect();
    log(&rules, &results, is_complete)
}

/// What a code means, as its page says.
fn descriptor(code: &str) -> Value {
    let page = page(code);
    let words = || code.replace('-', " ");
    let summary = sentence(&page.map_or_else(words, |page| page.summary().replace('`', "")));
    let explanation = page.map_or_else(|| summary.clone(), Page::explanation);
    let markdown = page.map_or(explanation.as_str(), |page| page.text);
    json!({
        "id": code,
        "name": pascal_case(code),
        "shortDescription": { "text": summary },
        "fullDescription": { "text": explanation },
        "help": { "text": explanation, "markdown": markdown },
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": ["aws-iam", "scenario"] },
    })
}

fn result(failure: &Failure<'_>, codes: &[&str]) -> Value {
    let related = (1..).zip(failure.related()).map(|(id, place)| {
        let mut location = location(place);
        location.insert("id".to_owned(), json!(id));
        location
    });
    json!({
        "ruleId": failure.diagnostic.code,
        "ruleIndex": codes.iter().position(|code| *code == failure.diagnostic.code),
        "level": "error",
        "message": { "text": message(failure) },
        "locations": failure.at().map(location).into_iter().collect::<Vec<_>>(),
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": { FINGERPRINT: failure.fingerprint },
    })
}

/// Which check it is, then what is wrong, the facts beside it and what to do, as sentences.
fn message(failure: &Failure<'_>) -> String {
    let diagnostic = &failure.diagnostic;
    let said = std::iter::once(&diagnostic.message).chain(&diagnostic.notes).chain(&diagnostic.help);
    let said = said.map(|text| sentence(text)).collect::<Vec<_>>().join(" ");
    let check = failure.id.map(|id| format!("{id}: ")).unwrap_or_default();
    plain(&format!("{check}{said}"))
}

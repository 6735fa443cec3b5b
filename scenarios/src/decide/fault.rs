//! Why did a line get no decision, and where does it say so?

use permitlab_evaluator::diagnostic::{Diagnostic, abridged, closest};
use permitlab_evaluator::source::Position;
use serde::Serialize;

/// What is wrong with a line: the `error` of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Stable name of what is wrong, in kebab case.
    pub code: &'static str,
    /// What is wrong and, after a semicolon, what to do about it.
    pub message: String,
    /// The field, from the top of the line: `policies/identity/0`; `None` for the line as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Line inside the text of the field, from 1.
    pub line: usize,
    /// Column inside the text of the field, in characters, from 1.
    pub column: usize,
}

impl Fault {
    /// A fault at a byte of the text that `path` names.
    pub(super) fn new(code: &'static str, message: impl Into<String>, path: &str, text: &str, offset: usize) -> Self {
        let Position { line, column } = position(text, offset);
        let at = (!path.is_empty()).then(|| path.to_owned());
        Self { code, message: abridged(message.into()), at, line, column }
    }

    /// A finding about the text that `path` names.
    pub(super) fn of(finding: &Diagnostic, path: &str, text: &str) -> Self {
        let message = match &finding.help {
            Some(help) => format!("{}; {help}", finding.message),
            None => finding.message.clone(),
        };
        let offset = finding.span().map_or(0, |span| span.range().start);
        Self::new(finding.code, message, path, text, offset)
    }
}

/// `did you mean …`, or which names there are.
pub(super) fn suggestion<'n>(written: &str, names: impl IntoIterator<Item = &'n str> + Clone) -> String {
    if let Some(near) = closest(written, names.clone()) {
        return format!("did you mean `{near}`?");
    }
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    format!("there are {}", names.join(", "))
}

fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let last = before.rsplit('\n').next().unwrap_or(before);
    Position { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 }
}

//! What is wrong with a text, where, and what to do about it?
//!
//! A [`Diagnostic`] is data. Drawing it is the business of whoever prints it.

use crate::source::Span;

/// One finding about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name of the kind of finding, in kebab case: `duplicate-key`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: a lowercase fragment without a full stop, the user's text in backticks.
    pub message: String,
    /// The place, narrowest first. The first annotation is the primary one.
    pub annotations: Vec<Annotation>,
    /// What to do about it.
    pub help: Option<String>,
    /// Facts that belong to it but have no place of their own.
    pub notes: Vec<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// AWS would refuse it, or the file cannot be used.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
    /// Nothing is wrong: it explains.
    Note,
}

/// A place in a text and what to say about it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The place.
    pub span: Span,
    /// What to write beside the caret; may be empty.
    pub label: String,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: impl Into<String>) -> Self {
        let annotations = vec![Annotation { span, label: String::new() }];
        Self { code, severity, message: abridged(message.into()), annotations, help: None, notes: Vec::new() }
    }

    /// Writes `label` beside the caret of the primary place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        if let Some(primary) = self.annotations.first_mut() {
            primary.label = abridged(label.into());
        }
        self
    }

    /// Points at a second place.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.annotations.push(Annotation { span, label: abridged(label.into()) });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(abridged(help.into()));
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(abridged(note.into()));
        self
    }

    /// The primary place.
    pub fn span(&self) -> Option<Span> {
        self.annotations.first().map(|annotation| annotation.span)
    }

    /// Whether it stops the text from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What is said, with what it quotes cut short where it is too long to be read.
pub fn abridged(said: String) -> String {
    const WHOLE: usize = 2_000;
    const QUOTED: usize = 200;
    if said.len() <= WHOLE {
        return said;
    }
    let cut = |part: &str, most: usize| match part.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", part.get(..end).unwrap_or_default()),
        None => part.to_owned(),
    };
    let quotes = said
        .split('`')
        .enumerate()
        .map(|(number, part)| if number % 2 == 1 { cut(part, QUOTED) } else { part.to_owned() });
    cut(&quotes.collect::<Vec<_>>().join("`"), WHOLE)
}

/// The candidate most like `written`, if one is close enough to be what was meant: `did you mean …`.
///
/// Case does not count as a difference, and up to a third of the letters may be off.
pub fn closest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded = written.to_lowercase();
    let length = folded.chars().count();
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        // No distance is less than the difference in length, and comparing a text of megabytes takes as much memory.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::{abridged, closest};

    #[test]
    fn what_is_quoted_is_cut_short_where_nobody_would_read_it() {
        let said = |quoted: &str| format!("`{quoted}` is not an action; did you mean `kms:Decrypt`?");
        assert_eq!(abridged(said("kms:Decript")), said("kms:Decript"));
        assert_eq!(abridged(said(&"é".repeat(3_000))), said(&format!("{}…", "é".repeat(200))));
        assert_eq!(abridged("`a` or ".repeat(1_000)).chars().count(), 2_001);
    }

    #[test]
    fn the_closest_candidate_is_close() {
        assert_eq!(closest("StringEqual", ["StringLike", "StringEquals"]), Some("StringEquals"));
        assert_eq!(closest("kmsDescribeKey", ["kms:Decrypt", "kms:DescribeKey"]), Some("kms:DescribeKey"));
        assert_eq!(closest("zzz", ["kms:Decrypt"]), None);
        assert_eq!(closest(&"z".repeat(10_000_000), ["kms:Decrypt"]), None);
    }
}

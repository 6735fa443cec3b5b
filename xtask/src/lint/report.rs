//! What does a lint report say, whatever its form?
//!
//! The findings in the order of files and places, each with all its places, its repair fitted to the file, and a
//! fingerprint. The renderers beside this module only write that down.

use std::collections::BTreeMap;

use permitlab_evaluator::diagnostic::{Annotation, Diagnostic};
use permitlab_evaluator::lint::{Finding, Level};
use permitlab_evaluator::policy::Document;
use permitlab_evaluator::source::{Position, SourceId, SourceMap, Span};

use super::files::Files;
use super::fingerprint::{Subject, fingerprint};
use super::gathered::Gathered;
use super::mend::mend;

/// What was found.
#[derive(Debug)]
pub(super) struct Report<'g> {
    /// The findings, and why files could not be looked at, in the order of files and places.
    pub findings: Vec<Reported<'g>>,
    /// How many policies were looked at.
    pub policies: usize,
    /// Whether every file could be looked at.
    pub is_complete: bool,
}

/// A finding.
#[derive(Debug)]
pub(super) struct Reported<'g> {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub diagnostic: &'g Diagnostic,
    /// Where: the place itself, then those it is about as well.
    pub places: Vec<Place>,
    /// The statement it stands in, from 0.
    pub statement: Option<usize>,
    /// What to write instead.
    pub repair: Option<Repair<'g>>,
    /// What it is known by, though other edits move it.
    pub fingerprint: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The path of the file, from the root of the repository if it lies there.
    pub file: String,
    /// Its first character.
    pub start: Position,
    /// The character after its last.
    pub end: Position,
    /// What stands there.
    pub text: String,
    /// What to say there; may be empty.
    pub label: String,
}

impl Place {
    /// The place of an annotation.
    pub(crate) fn of(annotation: &Annotation, sources: &SourceMap, files: &Files) -> Self {
        let span = annotation.span;
        let end = Span { start: span.end, ..span };
        Self {
            file: files.path(sources.name(span.source)),
            start: sources.position(span),
            end: sources.position(end),
            text: sources.slice(span).to_owned(),
            label: annotation.label.clone(),
        }
    }
}

/// The JSON that stands better in a statement's place.
#[derive(Debug)]
pub(super) struct Repair<'g> {
    /// The statement, or several with commas between them.
    pub text: &'g str,
    /// The place it goes to and the text that fits there; `None` if the policy is not a file of its own.
    pub edit: Option<(Place, String)>,
}

/// The texts that findings point into.
struct Texts<'g> {
    sources: &'g SourceMap,
    files: &'g Files,
    documents: BTreeMap<SourceId, Option<Document>>,
}

impl<'g> Report<'g> {
    /// Everything that was gathered, in order.
    pub(super) fn of(gathered: &'g Gathered, sources: &'g SourceMap, files: &'g Files) -> Self {
        let mut texts = Texts { sources, files, documents: BTreeMap::new() };
        let unreadable = gathered.unreadable.iter().map(|diagnostic| texts.unreadable(diagnostic));
        let mut findings: Vec<_> = unreadable.collect();
        findings.extend(gathered.found.iter().map(|finding| texts.found(finding)));
        findings.sort_by(|one, other| one.order().cmp(&other.order()));
        number(&mut findings);
        Self { findings, policies: gathered.policies, is_complete: gathered.unreadable.is_empty() }
    }

    /// How many findings are of a level.
    pub(super) fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// The counts in a line: `1 error, 0 security warnings, 2 warnings, 1 suggestion in 3 policies`.
    pub(super) fn closing(&self) -> String {
        let of = |level| counted(self.count(level), noun(level));
        let policies = if self.policies == 1 { "policy" } else { "policies" };
        format!("{} in {} {policies}", Level::ALL.map(of).join(", "), self.policies)
    }

    /// The findings, file by file.
    pub(super) fn by_file(&self) -> BTreeMap<&str, Vec<&Reported<'g>>> {
        let mut files: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for finding in &self.findings {
            files.entry(finding.at().map_or("", |place| place.file.as_str())).or_default().push(finding);
        }
        files
    }
}

impl Reported<'_> {
    /// The rule's code.
    pub(super) fn code(&self) -> &'static str {
        self.diagnostic.code
    }

    /// The place itself.
    pub(super) fn at(&self) -> Option<&Place> {
        self.places.first()
    }

    /// The places it is about as well.
    pub(super) fn related(&self) -> &[Place] {
        self.places.get(1..).unwrap_or_default()
    }

    fn order(&self) -> impl Ord {
        let at = self.at().map(|place| (&place.file, place.start, place.end));
        (at, self.level, self.code(), &self.diagnostic.message)
    }
}

impl Texts<'_> {
    fn unreadable<'d>(&mut self, diagnostic: &'d Diagnostic) -> Reported<'d> {
        self.reported(Level::Error, diagnostic, None)
    }

    fn found<'d>(&mut self, finding: &'d Finding) -> Reported<'d> {
        let mut reported = self.reported(finding.level, &finding.diagnostic, finding.statement);
        reported.repair = finding.repair.as_deref().map(|text| Repair { text, edit: self.edit(finding, text) });
        reported
    }

    fn reported<'d>(&mut self, level: Level, diagnostic: &'d Diagnostic, statement: Option<usize>) -> Reported<'d> {
        let places = diagnostic.annotations.iter().map(|annotation| self.place(annotation)).collect();
        let fingerprint = self.fingerprint(diagnostic, statement);
        Reported { level, diagnostic, places, statement, repair: None, fingerprint }
    }

    fn place(&self, annotation: &Annotation) -> Place {
        Place::of(annotation, self.sources, self.files)
    }

    fn fingerprint(&mut self, diagnostic: &Diagnostic, statement: Option<usize>) -> String {
        let Some(span) = diagnostic.span() else { return String::new() };
        let text = self.text(span.source);
        let document = self.document(span.source);
        fingerprint(&Subject { code: diagnostic.code, text, document, statement, span })
    }

    fn edit(&mut self, finding: &Finding, repair: &str) -> Option<(Place, String)> {
        let source = finding.diagnostic.span()?.source;
        let text = self.text(source);
        let (span, inserted) = mend(self.document(source)?, text, finding.statement?, repair)?;
        Some((self.place(&Annotation { span, label: String::new() }), inserted))
    }
}

impl<'g> Texts<'g> {
    fn text(&self, source: SourceId) -> &'g str {
        self.sources.source(source).map_or("", |source| source.text())
    }

    /// The policy that a text is, as written; `None` for a world that holds policies, and for other files.
    fn document(&mut self, source: SourceId) -> Option<&Document> {
        let text = self.text(source);
        self.documents.entry(source).or_insert_with(|| Document::read("", source, text).ok()).as_ref()
    }
}

/// Tells apart the findings of a file that would share a fingerprint: the first, the second …
fn number(findings: &mut [Reported<'_>]) {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for finding in findings {
        let file = finding.at().map(|place| place.file.clone()).unwrap_or_default();
        let count = seen.entry((file, finding.fingerprint.clone())).or_default();
        *count += 1;
        finding.fingerprint = format!("{}:{count}", finding.fingerprint);
    }
}

/// What to call one finding of a level.
const fn noun(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Security => "security warning",
        Level::Warning => "warning",
        Level::Suggestion => "suggestion",
    }
}

fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

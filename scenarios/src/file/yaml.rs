//! How does a YAML text become nodes, and what is wrong with one that does not?
//!
//! `serde-saphyr` parses: it resolves aliases and merge keys, and stops alias bombs and deep nesting. Its untyped
//! scalars are taken back to the text that was written, through the place each came with.

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::json::next_placeholder;
use permitlab_evaluator::source::{SourceId, Span};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    DefaultMessageFormatter, DuplicateKeyPolicy, Error, Location, MessageFormatter, NonFiniteFloatPolicy, Spanned,
};

use super::node::{Kind, Member, Name, Node, add_member, empty, head, unquoted_placeholder};

/// Reads a YAML text. Findings that leave the rest readable go to `findings`.
pub(super) fn read(source: SourceId, text: &str, findings: &mut Vec<Diagnostic>) -> Result<Node, Vec<Diagnostic>> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        reject_unsupported_tags: true,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
    };
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| vec![Broken { source, text }.diagnostic(&error)])?;
    if matches!(raw.value, Raw::Nothing) {
        return Err(vec![empty(Span::new(source, 0, 0))]);
    }
    Ok(Tree { source, text, findings }.node(raw))
}

/// What the parser hands over.
#[derive(Debug)]
enum Raw {
    Nothing,
    /// A scalar YAML takes for a boolean or a number.
    Typed,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any YAML node")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Typed)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Raw::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Raw, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = mapping.next_entry()? {
            members.push(member);
        }
        Ok(Raw::Mapping(members))
    }
}

/// Turns what the parser handed over into nodes.
struct Tree<'t, 'f> {
    source: SourceId,
    text: &'t str,
    findings: &'f mut Vec<Diagnostic>,
}

impl Tree<'_, '_> {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let Spanned { value, referenced, defined } = raw;
        let span = self.span(referenced);
        match value {
            Raw::Nothing if span.range().is_empty() => Node { span, kind: Kind::Nothing },
            Raw::Nothing => Node { span, kind: Kind::Null },
            Raw::Typed => {
                let text = self.written(self.span(defined)).to_owned();
                Node { span, kind: Kind::Scalar { text, plain: true } }
            }
            Raw::Text(text) => {
                let inner = self.without_quotes(span, &text);
                Node { span: inner, kind: Kind::Scalar { text, plain: inner == span } }
            }
            Raw::List(nodes) => {
                self.refuse_placeholder(span);
                Node { span, kind: Kind::List(nodes.into_iter().map(|node| self.node(node)).collect()) }
            }
            Raw::Mapping(members) if self.refuse_placeholder(span) => {
                drop(members);
                Node { span, kind: Kind::Mapping(Vec::new()) }
            }
            Raw::Mapping(members) => {
                let members = self.members(members);
                Node { span: head(span, &members), kind: Kind::Mapping(members) }
            }
        }
    }

    fn members(&mut self, raw: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Vec<Member> {
        let mut members = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let key = self.node(key);
            let value = self.node(value);
            if let Kind::Scalar { text, .. } = key.kind {
                add_member(&mut members, Name { text, span: key.span }, value, self.findings);
            } else {
                let message = format!("a key must be one word, found {}", key.describe());
                let finding = Diagnostic::error("wrong-type", key.span, message);
                self.findings.push(finding.help("write `name: value`, and quote a name with special characters"));
            }
        }
        members
    }

    /// Reports a collection that is an unquoted placeholder, and says whether it was one.
    fn refuse_placeholder(&mut self, span: Span) -> bool {
        let start = span.range().start;
        let written = self.text.get(start..).unwrap_or_default();
        let finding = unquoted_placeholder(self.source, start, written);
        let found = finding.is_some();
        self.findings.extend(finding);
        found
    }

    fn span(&self, location: Location) -> Span {
        let start = byte_offset(self.text, location);
        let length = location.span().byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        Span::new(self.source, start, (start + length).min(self.text.len()))
    }

    fn written(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Where the characters of a text stand: inside its quotes, and before the line break that ends a block.
    fn without_quotes(&self, span: Span, text: &str) -> Span {
        let written = self.written(span);
        if written.starts_with(text) {
            return Span::new(self.source, span.range().start, span.range().start + text.len());
        }
        let quoted = ['"', '\'']
            .iter()
            .any(|quote| written.len() >= 2 && written.starts_with(*quote) && written.ends_with(*quote));
        if quoted { Span { start: span.start + 1, end: span.end - 1, ..span } } else { span }
    }
}

/// The byte a location names: its own count where it has one, else from its line and column.
fn byte_offset(text: &str, location: Location) -> usize {
    if let Some(offset) = location.span().byte_offset().and_then(|offset| usize::try_from(offset).ok()) {
        return offset.min(text.len());
    }
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let (start, line) = line_at(text, line);
    start + line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at)
}

/// A line, counted from 1, and the offset of its first byte; past the end, the end of the text.
fn line_at(text: &str, number: usize) -> (usize, &str) {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index + 1 == number {
            return (start, line.trim_end_matches(['\n', '\r']));
        }
        start += line.len();
    }
    (text.len(), "")
}

/// A YAML text the parser refused.
#[derive(Clone, Copy)]
struct Broken<'t> {
    source: SourceId,
    text: &'t str,
}

impl Broken<'_> {
    fn diagnostic(self, error: &Error) -> Diagnostic {
        let error = error.without_snippet();
        let location = error.location().unwrap_or(Location::UNKNOWN);
        let number = usize::try_from(location.line()).unwrap_or(1).max(1);
        let at = byte_offset(self.text, location);
        if is_limit(error) {
            return self.named(error, at);
        }
        // A value that runs on is reported where it begins, or on the line after it.
        self.placeholder_on(number, at)
            .or_else(|| self.placeholder_on(number.saturating_sub(1), at))
            .or_else(|| self.tab_on(number))
            .or_else(|| self.tab_on(number + 1))
            .unwrap_or_else(|| self.named(error, at))
    }

    /// An unquoted placeholder on a line that is why the parser stopped: it begins a value, or the parser stopped in
    /// it, inside a flow collection.
    fn placeholder_on(self, number: usize, stopped: usize) -> Option<Diagnostic> {
        let (start, line) = line_at(self.text, number);
        let mut from = 0;
        while let Some((range, _)) = next_placeholder(line, from) {
            let before = line.get(..range.start)?;
            let begins_a_value = before.trim_end().ends_with([':', '-', ',', '[', '{']);
            let is_code = !before.contains(['"', '\'', '#']);
            let stopped_in_it = (range.start..range.end).contains(&stopped.wrapping_sub(start));
            if (begins_a_value && is_code) || stopped_in_it {
                return unquoted_placeholder(self.source, start + range.start, line.get(range.start..)?);
            }
            from = range.end;
        }
        None
    }

    fn tab_on(self, number: usize) -> Option<Diagnostic> {
        let (start, line) = line_at(self.text, number);
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let tab = line.get(..indentation)?.find('\t')?;
        let span = Span::new(self.source, start + tab, start + tab + 1);
        let help = "indent with spaces; YAML does not allow tabs there";
        Some(Diagnostic::error("tab", span, "a tab in the indentation").help(help))
    }

    fn named(self, error: &Error, at: usize) -> Diagnostic {
        let width = self.text.get(at..).and_then(|rest| rest.chars().next()).filter(|found| *found != '\n');
        let span = Span::new(self.source, at, at + width.map_or(0, char::len_utf8));
        let said = DefaultMessageFormatter.format_message(error).into_owned();
        let (code, message, help) = if let Error::MultipleDocuments { .. } = error {
            ("several-documents", "a second YAML document".to_owned(), "keep one document a file; split it at `---`")
        } else if let Error::UnknownAnchor { .. } = error {
            ("unknown-anchor", said, "define the anchor with `&name` before it, or quote the value")
        } else if let Error::RecursiveReferencesRequireWeakTypes { .. } = error {
            ("recursive-alias", "an alias inside the value it stands for".to_owned(), "write the value out")
        } else if let Error::InvalidScalar { .. } | Error::UnsupportedTag { .. } = error {
            (
                "unknown-tag",
                "a value under a tag that does not fit it".to_owned(),
                "remove the tag; values are text here",
            )
        } else if is_limit(error) {
            ("too-large", said, "write the values out, or split the file; aliases may not multiply")
        } else {
            let help = "check the indentation, the quotes and the brackets around this place; \
                        quote a value that holds `: ` or ` #`, or begins with one of @ ` % & * ! | > { [";
            ("invalid-yaml", said, help)
        };
        Diagnostic::error(code, span, message).help(help)
    }
}

/// Whether the parser stopped to protect itself rather than at a mistake.
fn is_limit(error: &Error) -> bool {
    if let Error::AliasError { error, .. } = error {
        return is_limit(error);
    }
    let counted = matches!(
        error,
        Error::Budget { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
            | Error::AliasReplayCounterOverflow { .. }
    );
    counted || DefaultMessageFormatter.format_message(error).contains("recursion limit")
}

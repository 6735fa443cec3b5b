//! Which nodes does a file hold, and where does each stand?
//!
//! YAML and JSON end in the same tree. A scalar keeps the text that was written (`1.0`, `012345678901`, `true`),
//! whatever YAML would make of it: an account id or a condition value is text.

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::json::{self, next_placeholder};
use permitlab_evaluator::source::{SourceId, SourceMap, Span};

use super::yaml;

/// A node of a file and where it stands: a scalar without its quotes, a mapping at its first key.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// The kinds of node.
#[derive(Debug)]
pub(super) enum Kind {
    /// `null` or `~`.
    Null,
    /// A key or a dash with nothing after it.
    Nothing,
    /// One value. `plain` when it stands without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written. No two members have the same name.
    Mapping(Vec<Member>),
}

/// One member of a mapping.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Name,
    pub(super) value: Node,
}

/// The name of a member and where it stands, without its quotes.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span,
}

impl Node {
    /// What it is, with its article.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Nothing => "nothing".to_owned(),
            Kind::Scalar { text, .. } if text.is_empty() => "an empty string".to_owned(),
            Kind::Scalar { text, .. } if text.chars().count() <= 40 && !text.contains('\n') => format!("`{text}`"),
            Kind::Scalar { .. } => "a string".to_owned(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads a file into nodes: JSON when its name ends in `.json`, YAML otherwise.
pub(super) fn read(sources: &SourceMap, id: SourceId) -> Result<Node, Vec<Diagnostic>> {
    let text = sources.source(id).map_or("", |source| source.text());
    let is_json =
        sources.name(id).rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"));
    let blank = text.lines().all(|line| line.trim().is_empty() || (!is_json && line.trim_start().starts_with('#')));
    if blank {
        return Err(vec![empty(Span::new(id, 0, 0))]);
    }
    let mut findings = Vec::new();
    let node = if is_json {
        let value = json::parse(id, text).map_err(|error| vec![*error])?;
        from_json(&value, &mut findings)
    } else {
        yaml::read(id, text, &mut findings)?
    };
    if findings.is_empty() { Ok(node) } else { Err(findings) }
}

/// The finding about a file that says nothing.
pub(super) fn empty(span: Span) -> Diagnostic {
    Diagnostic::error("empty-file", span, "the file says nothing")
        .help("write a world, a flow or a scenario here, or remove the file")
}

/// Adds a member, unless its name was taken.
pub(super) fn add_member(members: &mut Vec<Member>, name: Name, value: Node, findings: &mut Vec<Diagnostic>) {
    if let Some(first) = members.iter().find(|member| member.name.text == name.text) {
        findings.push(
            Diagnostic::error("duplicate-key", name.span, format!("the key `{}` is written twice", name.text))
                .label("written again here")
                .also(first.name.span, "first written here")
                .help("keep one of the two; a mapping holds each key once"),
        );
        return;
    }
    let span = if matches!(value.kind, Kind::Nothing) { name.span } else { value.span };
    members.push(Member { name, value: Node { span, ..value } });
}

/// The finding about a placeholder that YAML reads as a mapping or a list, if `written` begins with one.
pub(super) fn unquoted_placeholder(source: SourceId, start: usize, written: &str) -> Option<Diagnostic> {
    let (range, _) = next_placeholder(written, 0).filter(|(range, _)| range.start == 0)?;
    let placeholder = written.get(range.clone())?;
    let message = format!("`{placeholder}` without quotes is a YAML collection, not a value");
    let span = Span::new(source, start, start + range.end);
    let help = format!("put the whole value in double quotes: \"{placeholder}…\"");
    Some(Diagnostic::error("unquoted-placeholder", span, message).help(help))
}

fn from_json(value: &json::Value, findings: &mut Vec<Diagnostic>) -> Node {
    let plain = |text: &str| Kind::Scalar { text: text.to_owned(), plain: true };
    let (span, kind) = match &value.kind {
        json::Kind::Null => (value.span, Kind::Null),
        json::Kind::Bool(word) => (value.span, plain(if *word { "true" } else { "false" })),
        json::Kind::Number(digits) => (value.span, plain(digits)),
        json::Kind::String(text) => (text.span(), Kind::Scalar { text: text.as_str().to_owned(), plain: false }),
        json::Kind::Array(values) => {
            (value.span, Kind::List(values.iter().map(|value| from_json(value, findings)).collect()))
        }
        json::Kind::Object(members) => {
            let mut read = Vec::with_capacity(members.len());
            for member in members {
                let name = Name { text: member.name.as_str().to_owned(), span: member.name.span() };
                let value = from_json(&member.value, findings);
                add_member(&mut read, name, value, findings);
            }
            (head(value.span, &read), Kind::Mapping(read))
        }
    };
    Node { span, kind }
}

/// Where to point at a mapping: its first key, since the whole of it may be many lines.
pub(super) fn head(span: Span, members: &[Member]) -> Span {
    members.first().map_or(span, |member| member.name.span)
}

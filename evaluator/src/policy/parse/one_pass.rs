//! What does a policy mean of which nothing is to be said?
//!
//! Most policies are read without a finding. Such a one needs no document: each statement is checked as soon as it was
//! read, and its tree makes room for the next. Whatever is out of the ordinary is read once more, as a document.

use smallvec::SmallVec;

use super::{Document, Element, POLICY_ELEMENTS, Parsed, Parser, parse};
use crate::diagnostic::Diagnostic;
use crate::json::{Reader, Value};
use crate::policy::grammar::Presence;
use crate::policy::{Policy, PolicyType, Statement, Version};
use crate::source::SourceId;

/// Reads and checks the text of a policy: the same as [`Document::read`] and [`parse`], at less cost where there is
/// nothing to report.
///
/// # Errors
/// The first syntax error.
pub fn read(name: &str, source: SourceId, text: &str, kind: PolicyType) -> Result<Parsed, Box<Diagnostic>> {
    match in_one_pass(name, source, text, kind) {
        Some(policy) => Ok(Parsed { policy: Some(policy), diagnostics: Vec::new() }),
        None => Ok(parse(&Document::read(name, source, text)?, kind)),
    }
}

/// The policy of a text; `None` where there is something to report, or an order of elements that needs a second look.
fn in_one_pass(name: &str, source: SourceId, text: &str, kind: PolicyType) -> Option<Policy> {
    // Which resource control policy may allow is told by the whole of it.
    if kind == PolicyType::ResourceControl {
        return None;
    }
    let mut parser = Parser::new(kind);
    let mut reader = Reader::new(source, text);
    let mut seen: SmallVec<[Element; POLICY_ELEMENTS.len()]> = SmallVec::new();
    let mut statements = Vec::new();
    let mut more = reader.enter(b'{')?;
    while more {
        let element = Element::of(reader.name()?.as_str())?;
        let has = |element| seen.contains(&element);
        // What a statement means depends on the version.
        if has(element) || !POLICY_ELEMENTS.contains(&element) {
            return None;
        } else if element == Element::Statement && has(Element::Version) {
            statements = read_statements(&mut parser, &mut reader)?;
        } else if element == Element::Version && !has(Element::Statement) {
            parser.version = version(&reader.value().ok()?, kind)?;
        } else if element == Element::Id && parser.grammar.id != Presence::Forbidden {
            reader.value().ok()?.as_text()?;
        } else {
            return None;
        }
        seen.push(element);
        more = reader.next(b'}')?;
    }
    if !reader.is_at_end() || statements.is_empty() {
        return None;
    }
    parser.check_sids(&statements);
    let policy = Policy::new(name.into(), kind, parser.version, statements);
    parser.diagnostics.is_empty().then_some(policy)
}

fn version(value: &Value, kind: PolicyType) -> Option<Version> {
    match value.as_text()?.as_str() {
        "2012-10-17" => Some(Version::V2012),
        "2008-10-17" if kind != PolicyType::ServiceControl => Some(Version::V2008),
        _ => None,
    }
}

fn read_statements(parser: &mut Parser, reader: &mut Reader<'_>) -> Option<Vec<Statement>> {
    let mut statements = Vec::new();
    let mut more = reader.enter(b'[')?;
    while more {
        let value = reader.value().ok()?;
        statements.push(parser.statement(statements.len(), &value)?);
        if !parser.diagnostics.is_empty() {
            return None;
        }
        reader.reuse(value);
        more = reader.next(b']')?;
    }
    Some(statements)
}

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
    let mut statements = Vec::with_capacity(2);
    let mut more = reader.enter(b'[')?;
    while more {
        let value = reader.value().ok()?;
        statements.push(parser.statement(statements.len(), &value)?);
        if !parser.diagnostics.is_empty() {
            return None;
        }
        more = reader.next(b']')?;
        if more {
            reader.reuse(value);
        }
    }
    Some(statements)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::SourceMap;

    const STATEMENT: &str = r#"{"Effect":"Allow","Action":["kms:Decrypt","kms:Get*"],"Resource":"*","Condition":{"StringLike":{"aws:PrincipalTag/team":["a","b*"]}}}"#;

    /// Whether one pass was enough; what is read is the same in any case.
    #[track_caller]
    fn is_enough(text: &str, kind: PolicyType) -> bool {
        let id = SourceMap::new().add("p", text).unwrap();
        let twice = Document::read("p", id, text).map(|document| parse(&document, kind));
        assert_eq!(format!("{:?}", read("p", id, text, kind)), format!("{twice:?}"));
        in_one_pass("p", id, text, kind).is_some()
    }

    #[rstest]
    #[case::usual(r#"{"Version":"2012-10-17","Statement":[%,%]}"#, true)]
    #[case::spaces(" {\n \"Version\" : \"2012-10-17\" ,\t\"Statement\" : [ % , % ] } \n", true)]
    #[case::meaningless_id(r#"{"Id":"mine","Version":"2012-10-17","Statement":[%]}"#, false)]
    #[case::version_behind(r#"{"Statement":[%],"Version":"2012-10-17"}"#, false)]
    #[case::without_version(r#"{"Statement":[%]}"#, false)]
    #[case::unknown_version(r#"{"Version":"2012-10-18","Statement":[%]}"#, false)]
    #[case::statement_alone(r#"{"Version":"2012-10-17","Statement":%}"#, false)]
    #[case::no_statement(r#"{"Version":"2012-10-17","Statement":[]}"#, false)]
    #[case::missing_statement(r#"{"Version":"2012-10-17"}"#, false)]
    #[case::statements_twice(r#"{"Version":"2012-10-17","Statement":[%],"Statement":[%]}"#, false)]
    #[case::version_twice(r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":[%]}"#, false)]
    #[case::unknown_element(r#"{"Version":"2012-10-17","Statement":[%],"Sid":"a"}"#, false)]
    #[case::unknown_operator(r#"{"Version":"2012-10-17","Statement":[%,{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Is":{"a:b":"c"}}}]}"#, false)]
    #[case::warning(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decript","Resource":"*"},%]}"#,
        false
    )]
    #[case::sid_twice(r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","Action":"a:b","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"a:b","Resource":"*"}]}"#, false)]
    #[case::text_behind(r#"{"Version":"2012-10-17","Statement":[%]} x"#, false)]
    #[case::comma_behind(r#"{"Version":"2012-10-17","Statement":[%],}"#, false)]
    #[case::comma_in_statements(r#"{"Version":"2012-10-17","Statement":[%,]}"#, false)]
    #[case::cut_off(r#"{"Version":"2012-10-17","Statement":[%"#, false)]
    #[case::byte_order_mark("\u{feff}{\"Version\":\"2012-10-17\",\"Statement\":[%]}", false)]
    #[case::array("[%]", false)]
    #[case::nothing("", false)]
    fn one_pass_reads_what_two_do(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_enough(&text.replace('%', STATEMENT), PolicyType::Identity), expected, "{text}");
    }

    #[test]
    fn what_the_type_of_a_policy_asks_for_counts() {
        let text = |version: &str| format!(r#"{{"Version":"{version}","Statement":[{STATEMENT}]}}"#);
        assert!(is_enough(&text("2012-10-17"), PolicyType::ServiceControl));
        assert!(!is_enough(&text("2008-10-17"), PolicyType::ServiceControl));
        assert!(!is_enough(&text("2012-10-17"), PolicyType::Key));
        let full =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
        assert!(!is_enough(full, PolicyType::ResourceControl));
        assert!(is_enough(full, PolicyType::Key));
        let with_id = full.replace("2012-10-17\"", "2008-10-17\",\"Id\":\"key-default-1\"");
        assert!(is_enough(&with_id, PolicyType::Key));
        assert!(!is_enough(&with_id.replace("\"key-default-1\"", "1"), PolicyType::Key));
    }

    /// What one statement leaves behind does not reach the next.
    #[test]
    fn lists_are_used_again_and_come_empty() {
        let other = r#"{"Effect":"Deny","NotAction":"s3:*","Resource":[],"Condition":{}}"#;
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{STATEMENT},{other},{STATEMENT}]}}"#);
        is_enough(&text, PolicyType::Identity);
        let text = text.replace("[]", "\"*\"");
        assert!(is_enough(&text, PolicyType::Identity));
    }
}

//! Is this the finding that was there before?
//!
//! Code scanning keeps what people decided of a finding for as long as its fingerprint stays. So it is made of what
//! the finding is about, and of nothing that other edits move: not the line, not the spaces, not the order of
//! statements, not their number. It holds the rule, the statement's `Sid` (or whom the statement is about, where it has
//! none), the names that lead to the place, and the text there, unless that is a whole object or list.

use permitlab_evaluator::json::{Kind, Value};
use permitlab_evaluator::policy::Document;
use permitlab_evaluator::policy::document::member;
use permitlab_evaluator::source::Span;

/// What a finding is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'s> {
    /// The rule's code.
    pub code: &'s str,
    /// The text of the file.
    pub text: &'s str,
    /// The policy, if the file is one.
    pub document: Option<&'s Document>,
    /// The statement, from 0.
    pub statement: Option<usize>,
    /// The place.
    pub span: Span,
}

/// Sixteen hexadecimal digits, the same for the same subject in every build and on every machine.
pub(super) fn fingerprint(subject: &Subject<'_>) -> String {
    let statement = subject.statement.and_then(|index| subject.document?.statements().get(index));
    let root = subject.document.map(|document| &document.root);
    let mut parts = vec![subject.code.to_owned()];
    parts.push(statement.map(|statement| called(statement, subject.text)).unwrap_or_default());
    parts.extend(root.map(|root| names(root, subject.span).join("/")));
    parts.push(squeezed(subject.text, subject.span).filter(|text| !is_composite(text)).unwrap_or_default());
    format!("{:016x}", hash(&parts.join("\0")))
}

/// The statement's Sid; without one, its effect and principals.
fn called(statement: &Value, text: &str) -> String {
    let written = |name: &str| member(statement, name).and_then(|member| squeezed(text, member.value.span));
    written("Sid").unwrap_or_else(|| ["Effect", "Principal", "NotPrincipal"].into_iter().filter_map(written).collect())
}

fn squeezed(text: &str, span: Span) -> Option<String> {
    text.get(span.range()).map(|text| text.split_whitespace().collect())
}

fn is_composite(text: &str) -> bool {
    text.starts_with(['{', '['])
}

/// The names of the members a place lies in, from the outermost.
fn names(value: &Value, span: Span) -> Vec<&str> {
    let holds = |whole: Span| whole.start <= span.start && span.end <= whole.end;
    match &value.kind {
        Kind::Object(members) => {
            let inside = members.iter().find(|member| holds(member.name.span()) || holds(member.value.span));
            let rest = |value| names(value, span).into_iter();
            inside.map(|member| std::iter::once(member.name.as_str()).chain(rest(&member.value)).collect())
        }
        Kind::Array(values) => values.iter().find(|value| holds(value.span)).map(|value| names(value, span)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => None,
    }
    .unwrap_or_default()
}

/// FNV-1a over 64 bits: the standard library's hash may change from one release of Rust to the next.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use permitlab_evaluator::source::SourceId;

    use super::*;

    /// The fingerprint of the first place a text stands at, in the statement with an index.
    fn of(text: &str, statement: usize, at: &str) -> String {
        let source = SourceId::from_index(0);
        let document = Document::read("p", source, text).unwrap();
        let start = text.find(at).unwrap();
        let span = Span::new(source, start, start + at.len());
        fingerprint(&Subject { code: "a-rule", text, document: Some(&document), statement: Some(statement), span })
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn other_edits_leave_a_fingerprint_and_its_own_change_it() {
        let before =
            of(r#"{"Statement":[{"Sid":"A","Action":["kms:Decrypt","kms:DescribeKey"]}]}"#, 0, "kms:DescribeKey");
        let moved = r#"{
  "Statement": [
    { "Effect": "Deny", "Action": "s3:*" },
    { "Action": [ "kms:DescribeKey", "kms:Encrypt" ], "Sid": "A" }
  ]
}"#;
        assert_eq!(of(moved, 1, "kms:DescribeKey"), before);
        assert_ne!(of(moved, 1, "kms:Encrypt"), before);
        assert_ne!(of(&moved.replace("\"A\"", "\"B\""), 1, "kms:DescribeKey"), before);
        assert_ne!(of(&moved.replace("\"Action\": [", "\"NotAction\": ["), 1, "kms:DescribeKey"), before);
    }

    #[test]
    fn a_finding_about_a_whole_statement_outlives_an_edit_inside() {
        let (short, long) =
            (r#"{"Statement":[{"Sid":"A","Action":"s3:*"}]}"#, r#"{"Statement":[{"Sid":"A","Action":"*"}]}"#);
        let whole = |text: &str| of(text, 0, text.get(14..text.len() - 2).unwrap());
        assert_eq!(whole(short), whole(long));
    }
}

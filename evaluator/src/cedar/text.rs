//! How are IAM's texts and patterns written in Cedar?

use crate::policy::Version;

/// A piece of a pattern that Cedar can express.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(char),
    AnyRun,
}

/// A string literal.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// `subject like "pattern"`, or `==` where the pattern holds no star; `None` where Cedar has no form for it: a `?`, or a
/// policy variable.
pub(super) fn like(subject: &str, pattern: &str, version: Version) -> Option<String> {
    let pieces = pieces(pattern, version)?;
    if pieces == [Piece::AnyRun] {
        return Some("true".to_owned());
    }
    let is_literal = pieces.iter().all(|piece| *piece != Piece::AnyRun);
    let written: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::AnyRun => "*".to_owned(),
            Piece::Literal('*') if !is_literal => "\\*".to_owned(),
            Piece::Literal(character) => character.escape_debug().to_string(),
        })
        .collect();
    Some(if is_literal { format!("{subject} == \"{written}\"") } else { format!("{subject} like \"{written}\"") })
}

/// A value that is compared as it is; `None` where a policy variable stands in it.
pub(super) fn literal(text: &str, version: Version) -> Option<String> {
    if version == Version::V2008 {
        return Some(text.to_owned());
    }
    let plain = text.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$");
    // What is left of a dollar and a brace may be a variable.
    (!text.replace("${*}", "").replace("${?}", "").replace("${$}", "").contains("${")).then_some(plain)
}

fn pieces(pattern: &str, version: Version) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let escapes = [("${*}", '*'), ("${?}", '?'), ("${$}", '$')];
        let escape = escapes.into_iter().find(|(written, _)| version == Version::V2012 && rest.starts_with(written));
        let (piece, length) = match (escape, first) {
            (Some((written, meant)), _) => (Piece::Literal(meant), written.len()),
            (None, '?') => return None,
            (None, '*') => (Piece::AnyRun, 1),
            (None, '$') if version == Version::V2012 && rest.starts_with("${") => return None,
            (None, other) => (Piece::Literal(other), other.len_utf8()),
        };
        if !(piece == Piece::AnyRun && pieces.last() == Some(&Piece::AnyRun)) {
            pieces.push(piece);
        }
        rest = rest.get(length..)?;
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("kms:*", Some(r#"x like "kms:*""#))]
    #[case("*", Some("true"))]
    #[case("***", Some("true"))]
    #[case("a${*}b", Some(r#"x == "a*b""#))]
    #[case("a${*}*", Some(r#"x like "a\**""#))]
    #[case("a?", None)]
    #[case("${aws:username}", None)]
    #[case("it's \"so\"", Some(r#"x == "it\'s \"so\"""#))]
    fn patterns_in_cedar(#[case] pattern: &str, #[case] expected: Option<&str>) {
        assert_eq!(like("x", pattern, Version::V2012).as_deref(), expected);
    }

    #[test]
    fn policies_of_2008_have_no_variables() {
        assert_eq!(like("x", "${a}", Version::V2008).as_deref(), Some(r#"x == "${a}""#));
        assert_eq!(literal("${a}", Version::V2008).as_deref(), Some("${a}"));
        assert_eq!(literal("${a}", Version::V2012), None);
        assert_eq!(literal("${$}{a}", Version::V2012).as_deref(), Some("${a}"));
    }
}

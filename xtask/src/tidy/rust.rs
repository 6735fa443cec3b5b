//! Which paths and which strings does Rust text hold, outside comments and tests?

use std::str::FromStr as _;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::Finding;
use super::tree::Tree;

/// Where the engine's modules stand.
const SOURCES: &str = "evaluator/src/";

/// A file of the engine.
#[derive(Debug)]
pub(super) struct Module {
    /// Its path from the top of the workspace.
    pub(super) file: String,
    /// Its path among the modules: `["policy", "parse"]`; empty for the crate's root.
    pub(super) path: Vec<String>,
    /// What it says.
    pub(super) code: Code,
}

/// What Rust text holds that the rules speak of. What is under `#[cfg(test)]` is left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Code {
    /// Every path of two segments or more, those of `use` trees written out.
    pub(super) paths: Vec<Written<Vec<String>>>,
    /// Every literal as written, quotes included.
    pub(super) literals: Vec<Written<String>>,
    /// The modules in files of their own that only tests have.
    test_modules: Vec<String>,
}

/// Something and where it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written<T> {
    /// What was written.
    pub(super) what: T,
    /// The inline modules it stands in.
    pub(super) inside: Vec<String>,
    /// Its line, from 1.
    pub(super) line: usize,
}

/// Reads the engine's modules, but for those that only tests have.
pub(super) fn read(tree: &Tree) -> (Vec<Module>, Vec<Finding>) {
    let (mut modules, mut findings) = (Vec::new(), Vec::new());
    for (file, text) in tree.files() {
        let Some(path) = file.strip_prefix(SOURCES).and_then(module_path) else { continue };
        match scan(text) {
            Ok(code) => modules.push(Module { file: file.to_owned(), path, code }),
            Err((line, error)) => findings.push(Finding::new(file, line, format!("not read as Rust: {error}"))),
        }
    }
    let tested: Vec<_> = modules.iter().flat_map(Module::test_modules).collect();
    modules.retain(|module| !tested.iter().any(|path| module.path.starts_with(path)));
    (modules, findings)
}

fn module_path(file: &str) -> Option<Vec<String>> {
    let name = file.strip_suffix(".rs")?;
    let name = name.strip_suffix("/mod").unwrap_or(name);
    Some(if name == "lib" { Vec::new() } else { name.split('/').map(str::to_owned).collect() })
}

impl Module {
    fn test_modules(&self) -> impl Iterator<Item = Vec<String>> {
        self.code.test_modules.iter().map(|name| self.path.iter().chain([name]).cloned().collect())
    }
}

/// Reads Rust text.
///
/// # Errors
/// The line and the reason where the text is not made of Rust's tokens.
fn scan(text: &str) -> Result<Code, (usize, String)> {
    let tokens = TokenStream::from_str(text).map_err(|error| (error.span().start().line.max(1), error.to_string()))?;
    let mut scanner = Scanner::default();
    scanner.stream(tokens);
    Ok(scanner.code)
}

#[derive(Default)]
struct Scanner {
    code: Code,
    inside: Vec<String>,
}

impl Scanner {
    fn stream(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while !rest.is_empty() {
            rest = self.next(rest);
        }
    }

    /// Takes in what `tokens` begin with, and gives those after it.
    fn next<'t>(&mut self, tokens: &'t [TokenTree]) -> &'t [TokenTree] {
        match tokens {
            [TokenTree::Punct(hash), TokenTree::Punct(bang), TokenTree::Group(attribute), ..]
                if hash.as_char() == '#' && bang.as_char() == '!' && is_for_tests(attribute) =>
            {
                &[]
            }
            [TokenTree::Punct(hash), TokenTree::Group(attribute), rest @ ..]
                if hash.as_char() == '#' && is_for_tests(attribute) =>
            {
                self.skip_item(rest)
            }
            [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Group(body), rest @ ..]
                if keyword == "mod" && body.delimiter() == Delimiter::Brace =>
            {
                self.inside.push(name.to_string());
                self.stream(body.stream());
                self.inside.pop();
                rest
            }
            [TokenTree::Ident(first), rest @ ..] => self.path(Vec::new(), first, rest),
            [TokenTree::Group(group), rest @ ..] => {
                self.stream(group.stream());
                rest
            }
            [TokenTree::Literal(literal), rest @ ..] => {
                let literal = self.written(literal.to_string(), literal.span().start().line);
                self.code.literals.push(literal);
                rest
            }
            [TokenTree::Punct(_), rest @ ..] => rest,
            [] => tokens,
        }
    }

    /// Passes over one item: up to its body or its semicolon.
    fn skip_item<'t>(&mut self, tokens: &'t [TokenTree]) -> &'t [TokenTree] {
        let mut rest = tokens;
        loop {
            rest = match rest {
                [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Punct(_), rest @ ..]
                    if keyword == "mod" =>
                {
                    self.code.test_modules.push(name.to_string());
                    return rest;
                }
                [TokenTree::Group(body), rest @ ..] if body.delimiter() == Delimiter::Brace => return rest,
                [TokenTree::Punct(end), rest @ ..] if end.as_char() == ';' => return rest,
                [_, rest @ ..] => rest,
                [] => return rest,
            };
        }
    }

    /// Takes in a path that goes on with `segment`, and what a `use` tree puts behind it.
    fn path<'t>(&mut self, mut path: Vec<String>, segment: &Ident, rest: &'t [TokenTree]) -> &'t [TokenTree] {
        path.push(segment.to_string());
        let line = segment.span().start().line;
        match after_colons(rest) {
            Some([TokenTree::Ident(next), rest @ ..]) => self.path(path, next, rest),
            Some([TokenTree::Group(group), rest @ ..]) if group.delimiter() == Delimiter::Brace => {
                self.branches(&path, group);
                rest
            }
            Some([TokenTree::Punct(star), rest @ ..]) if star.as_char() == '*' => {
                path.push("*".to_owned());
                self.record(path, line);
                rest
            }
            Some(_) | None => {
                self.record(path, line);
                rest
            }
        }
    }

    /// Takes in each branch of a `use` tree.
    fn branches(&mut self, path: &[String], group: &Group) {
        let tokens: Vec<_> = group.stream().into_iter().collect();
        let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
        for branch in tokens.split(is_comma) {
            match branch {
                [TokenTree::Ident(first), rest @ ..] => {
                    self.path(path.to_vec(), first, rest);
                }
                [token, ..] => self.record(path.to_vec(), token.span().start().line),
                [] => {}
            }
        }
    }

    fn record(&mut self, path: Vec<String>, line: usize) {
        if path.len() > 1 {
            let path = self.written(path, line);
            self.code.paths.push(path);
        }
    }

    fn written<T>(&self, what: T, line: usize) -> Written<T> {
        Written { what, inside: self.inside.clone(), line }
    }
}

/// What follows a `::`.
fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [TokenTree::Punct(first), TokenTree::Punct(second), rest @ ..]
            if first.as_char() == ':' && second.as_char() == ':' =>
        {
            Some(rest)
        }
        _ => None,
    }
}

/// Whether an attribute is `cfg(test)`, or a `cfg(all(…))` that asks for it.
fn is_for_tests(attribute: &Group) -> bool {
    let tokens: Vec<_> = attribute.stream().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(cfg), TokenTree::Group(condition)] if cfg == "cfg" => asks_for_tests(condition),
        _ => false,
    }
}

fn asks_for_tests(condition: &Group) -> bool {
    let tokens: Vec<_> = condition.stream().into_iter().collect();
    tokens.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')).any(|part| match part {
        [TokenTree::Ident(test)] => test == "test",
        [TokenTree::Ident(all), TokenTree::Group(parts)] if all == "all" => asks_for_tests(parts),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn paths(text: &str) -> Vec<String> {
        scan(text).unwrap().paths.iter().map(|path| format!("{} {}", path.line, path.what.join("::"))).collect()
    }

    #[rstest]
    #[case::uses("use crate::{a::{B, C as D}, e::*,\n f::{self, *}};",
        &["1 crate::a::B", "1 crate::a::C", "1 crate::e::*", "2 crate::f::self", "2 crate::f"])]
    #[case::expressions("fn f() -> super::T { if x { crate::a::b::<u8>() } }", &["1 super::T", "1 crate::a::b"])]
    #[case::leading_colons("let x: ::std::fs::File;", &["1 std::fs::File"])]
    #[case::macros("m! { $crate::a::B }\nvec![crate::c::D]", &["1 crate::a::B", "2 crate::c::D"])]
    #[case::attributes("#[derive(std::fmt::Debug)] struct S;", &["1 std::fmt::Debug"])]
    #[case::comments("// crate::a\n/* crate::b */ /// crate::c\n\"crate::d\"; r#\"crate::e\"#; '\"'; crate::f;", &["3 crate::f"])]
    #[case::single_names("pub(crate) fn f(a: u8) {}", &[])]
    #[case::tests("#[cfg(test)]\nmod tests { use crate::a::B; }\n#[cfg(test)] use crate::{c, d}; use crate::e::F;", &["3 crate::e::F"])]
    #[case::tests_and_more("#[cfg(all(test, unix))] fn f() -> [u8; 2] { crate::a::B } crate::c", &["1 crate::c"])]
    #[case::not_tests("#[cfg(not(test))] use crate::a::B;", &["1 crate::a::B"])]
    #[case::whole_file("#![cfg(test)] use crate::a::B;", &[])]
    fn paths_are_found_in_code(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(paths(text), expected);
    }

    #[test]
    fn inline_modules_are_remembered() {
        let code = scan("mod a { mod b { use super::c::D; } }").unwrap();
        assert_eq!(code.paths.first().unwrap().inside, ["a", "b"]);
    }

    #[test]
    fn a_module_that_only_tests_have_is_left_out() {
        let tree = Tree::of(&[
            ("evaluator/src/lib.rs", "pub mod arn; #[cfg(test)] mod made;"),
            ("evaluator/src/arn.rs", ""),
            ("evaluator/src/made.rs", ""),
            ("evaluator/src/made/up.rs", ""),
            ("xtask/src/lib.rs", ""),
        ]);
        let (modules, findings) = read(&tree);
        let files: Vec<_> = modules.iter().map(|module| module.file.as_str()).collect();
        assert_eq!(
            (files.as_slice(), findings.len()),
            (["evaluator/src/arn.rs", "evaluator/src/lib.rs"].as_slice(), 0)
        );
    }

    #[test]
    fn text_that_is_not_rust_is_reported_at_its_line() {
        let (modules, findings) = read(&Tree::of(&[("evaluator/src/arn.rs", "fn f() {\n  }\n}")]));
        assert!(modules.is_empty());
        let found: Vec<_> = findings.iter().map(|finding| (finding.file.as_str(), finding.line)).collect();
        assert_eq!(found, [("evaluator/src/arn.rs", 3)]);
    }
}

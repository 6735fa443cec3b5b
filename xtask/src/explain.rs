//! What does a code mean?
//!
//! Every finding and every refusal has a code, and every code a page in `docs/codes/`. The pages are part of the
//! command, so they say what this version does and need no network.

mod pages;

use permitlab_evaluator::diagnostic::closest;
use permitlab_evaluator::lint;

pub use pages::PAGES;

use crate::cli::ExplainArguments;
use crate::exit::{Exit, Refusal};
use crate::output::Streams;

/// What there is to say of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The code: `dead-permission`.
    pub code: &'static str,
    /// The page, as Markdown. Its first line is a heading: the code, a colon, and what it means in a few words.
    pub text: &'static str,
}

impl Page {
    /// What the code means, in a few words.
    pub fn summary(&self) -> &'static str {
        let heading = self.text.lines().next().unwrap_or_default();
        heading.split_once("`: ").map_or("", |(_, summary)| summary)
    }

    /// The first paragraph below the heading, on one line.
    pub fn explanation(&self) -> String {
        let lines = self.text.lines().skip(2).take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }
}

/// The page of a code.
pub fn page(code: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.code == code)
}

/// Answers `permitlab explain`.
///
/// # Errors
/// A code that there is not, and output that cannot be written.
pub fn run(arguments: &ExplainArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let Some(code) = &arguments.code else {
        streams.out.text(list())?;
        return Ok(Exit::Fine);
    };
    // As it is printed, `error[CODE]`, it is pasted.
    let bare = code.split_once('[').map_or(code.as_str(), |(_, rest)| rest.trim_end_matches([']', ':']));
    let page = page(&bare.to_ascii_lowercase()).ok_or_else(|| unknown(bare))?;
    streams.out.text(page.text)?;
    Ok(Exit::Fine)
}

fn unknown(code: &str) -> Refusal {
    let near = closest(code, PAGES.iter().map(|page| page.code));
    let help =
        near.map_or_else(|| "`permitlab explain` lists all".to_owned(), |near| format!("did you mean `{near}`?"));
    Refusal::new(Exit::Usage, format!("there is no code `{code}`")).help(help)
}

/// Every code and what it means, those of the linter's rules first.
fn list() -> String {
    let (rules, others): (Vec<&Page>, Vec<&Page>) = PAGES.iter().partition(|page| lint::rule(page.code).is_some());
    let width = PAGES.iter().map(|page| page.code.len()).max().unwrap_or_default();
    let lines = |pages: &[&Page]| {
        let lines = pages.iter().map(|page| format!("  {:width$}  {}", page.code, page.summary()));
        lines.collect::<Vec<_>>().join("\n")
    };
    format!(
        "What the linter finds in policies:\n{}\n\nWhat is wrong with a policy, a file, a question or an expectation:\n{}\n",
        lines(&rules),
        lines(&others)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_heading_of_its_code_and_says_what_it_means() {
        assert!(PAGES.is_sorted_by(|one, other| one.code < other.code), "pages are sorted by code");
        for page in PAGES {
            assert!(page.text.starts_with(&format!("# `{}`: ", page.code)), "{}: its heading", page.code);
            assert!(!page.summary().is_empty() && !page.summary().ends_with('.'), "{}: its summary", page.code);
            assert!(page.explanation().ends_with(['.', ':']), "{}: its explanation: {}", page.code, page.explanation());
        }
    }

    #[test]
    fn a_code_is_found_as_it_is_printed() {
        let explain = |code: &str| {
            let (mut streams, out, err) = Streams::kept("");
            let exit = crate::run(["permitlab", "explain", code].map(Into::into), &mut streams);
            (exit, out.text(), err.text())
        };
        let (exit, text, _) = explain("dead-permission");
        assert_eq!(exit, Exit::Fine);
        assert!(text.starts_with("# `dead-permission`: "), "{text}");
        for other in ["warning[dead-permission]", "warning[dead-permission]:", "Dead-Permission"] {
            assert_eq!(explain(other).1, text, "{other}");
        }
        let (exit, text, error) = explain("dead-permision");
        assert_eq!((exit, text.as_str()), (Exit::Usage, ""));
        assert_eq!(error, "error: there is no code `dead-permision`\n  help: did you mean `dead-permission`?\n");
    }

    #[test]
    fn all_codes_are_listed() {
        let list = list();
        for page in PAGES {
            let line = list.lines().find(|line| line.split_whitespace().next() == Some(page.code));
            assert!(line.is_some_and(|line| line.ends_with(page.summary())), "{} in {list}", page.code);
        }
    }
}

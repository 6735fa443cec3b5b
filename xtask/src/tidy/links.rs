//! Do the links of Markdown files lead somewhere?

use pulldown_cmark::{Event, Parser, Tag};

use super::Finding;
use super::tree::{Tree, line};

/// Every link from a Markdown file to a file of the project that is not there. Links to elsewhere are not followed.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let pages = tree.files().filter(|(file, _)| is_page(file));
    pages.flat_map(|(file, text)| dangling(tree, file, text)).collect()
}

fn is_page(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("md"))
}

fn dangling(tree: &Tree, file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (event, range) in Parser::new(text).into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else {
            continue;
        };
        if !is_elsewhere(&dest_url) && !target(file, &dest_url).is_some_and(|target| tree.has(&target)) {
            let message = format!("the link `{dest_url}` leads to no file of the project");
            findings.push(Finding::new(file, line(text, range.start), message));
        }
    }
    findings
}

/// Whether a link leaves the project, or stays on its page.
fn is_elsewhere(link: &str) -> bool {
    let scheme = link.split_once(':').map(|(scheme, _)| scheme);
    link.starts_with('#') || scheme.is_some_and(|scheme| !scheme.contains('/'))
}

/// The path a link of `file` leads to, from the top of the project; `None` where it leads out of it.
fn target(file: &str, link: &str) -> Option<String> {
    let path = link.split(['#', '?']).next()?;
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut target: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(target.pop()?),
            name => target.push(name),
        }
    }
    Some(target.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use rstest::rstest;

    const PAGE: &str = "docs/guide.md";

    #[rstest]
    #[case::file("[a](other.md)")]
    #[case::part_of_a_file("[a](other.md#part)")]
    #[case::up("[a](../README.md)")]
    #[case::folder("[a](../docs/)")]
    #[case::top("[a](..)")]
    #[case::reference("[a][b]\n\n[b]: other.md")]
    #[case::elsewhere("[a](https://docs.aws.amazon.com/x.html) <mailto:a@example.com>")]
    #[case::same_page("[a](#part)")]
    #[case::code("`[a](none.md)`\n\n```\n[a](none.md)\n```")]
    fn these_links_lead_somewhere(#[case] text: &str) {
        check(&[(PAGE, text), ("docs/other.md", ""), ("README.md", "")], &[]);
    }

    #[rstest]
    #[case::file("x\n[a](none.md)", "2: the link `none.md` leads to no file of the project")]
    #[case::image("![a](none.png)", "1: the link `none.png` leads to no file of the project")]
    #[case::reference("[a][b]\n\n[b]: none.md", "1: the link `none.md` leads to no file of the project")]
    #[case::part("[a](none.md#part)", "1: the link `none.md#part` leads to no file of the project")]
    #[case::outside("[a](../../README.md)", "1: the link `../../README.md` leads to no file of the project")]
    fn these_do_not(#[case] text: &str, #[case] expected: &str) {
        check(&[(PAGE, text), ("README.md", "")], &[&format!("{PAGE}:{expected}")]);
    }
}

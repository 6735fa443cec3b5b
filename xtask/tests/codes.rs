//! Does every page of `docs/codes/` show what the tool says?
//!
//! The page of a linter's rule is written from the rule. Every other page is written by hand and shows files and
//! commands: the files are laid over the policy root `docs/codes/root`, the commands are run there, and what they print
//! is compared. `UPDATE_CODES=1 cargo test -p xtask --test codes` writes the rules' pages, what is printed today, the
//! list of pages that the command embeds and the index; read what changed.

#![expect(clippy::unwrap_used, reason = "a page that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use permitlab::render::{Colour, report};
use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::lint::{self, Attachment, Context, Example, RULES, Rule};
use permitlab_evaluator::policy::{Document, PolicyType};
use permitlab_evaluator::source::SourceMap;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> PathBuf {
    workspace().join("docs/codes")
}

fn is_update() -> bool {
    env::var_os("UPDATE_CODES").is_some()
}

/// The codes that have a page, in order.
fn codes() -> Vec<String> {
    let files = fs::read_dir(pages()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut codes: Vec<_> =
        files.filter_map(|file| Some(file.strip_suffix(".md")?.to_owned())).filter(|code| code != "README").collect();
    codes.sort();
    codes
}

/// Compares a file with what it should be, or writes it.
fn hold(file: &Path, wanted: &str, differing: &mut Vec<String>) {
    let is = fs::read_to_string(file).unwrap_or_default();
    if is == wanted {
        return;
    }
    if is_update() {
        fs::write(file, wanted).unwrap();
        return;
    }
    let first = is.lines().chain([""]).zip(wanted.lines().chain([""])).find(|(is, wanted)| is != wanted);
    differing.push(format!("{}: {first:?}", file.display()));
}

/// What the linter says of an example under a rule's code, as it is drawn.
fn said(rule: &Rule, example: &Example) -> String {
    let mut sources = SourceMap::new();
    let source = sources.add("policy.json", example.text).unwrap();
    let document = Document::read("policy", source, example.text).unwrap();
    let attachment = example.place.map_or_else(Attachment::default, |(account, region)| Attachment {
        account: Some(AccountId::parse(account).unwrap()),
        region: Some(region.to_owned()),
        partition: Some("aws".to_owned()),
    });
    let context = Context {
        document: &document,
        text: example.text,
        kind: example.kind,
        attachment: &attachment,
        is_template: false,
    };
    let findings = lint::check(&context);
    let own = findings.iter().filter(|finding| finding.diagnostic.code == rule.code);
    own.map(|finding| report(&sources, &finding.diagnostic, Colour::Never)).collect::<Vec<_>>().join("\n\n")
}

fn attached_as(example: &Example) -> String {
    let kind = match example.kind {
        PolicyType::Identity => "an identity-based policy",
        PolicyType::Key => "a key policy",
        PolicyType::Trust => "a trust policy",
        PolicyType::Resource => "a resource-based policy",
        PolicyType::VpcEndpoint => "a VPC endpoint policy",
        PolicyType::Boundary => "a permissions boundary",
        PolicyType::Session => "a session policy",
        PolicyType::ServiceControl => "a service control policy",
        PolicyType::ResourceControl => "a resource control policy",
    };
    let place = example.place.map(|(account, region)| format!(" in account `{account}`, Region `{region}`"));
    format!("{kind}{}", place.unwrap_or_default())
}

/// The page of a rule.
fn rule_page(rule: &Rule) -> String {
    let Rule { code, summary, explanation, remedy, bad, good, .. } = rule;
    let mut page = format!("# `{code}`: {summary}\n\n{explanation}\n\n{remedy}\n\n");
    writeln!(page, "Level: {}. In {}:\n\n```json\n{}\n```\n", rule.level.word(), attached_as(bad), bad.text).unwrap();
    writeln!(page, "```text\n{}\n```\n\nInstead:\n\n```json\n{}\n```", said(rule, bad), good.text).unwrap();
    if !rule.also_good.is_empty() {
        page.push_str("\nNot found in these, which do what they say:\n");
        for example in rule.also_good {
            write!(page, "\n```json\n{}\n```\n", example.text).unwrap();
        }
    }
    write!(
        page,
        "\nWhere it is meant, allow it with a reason in `permitlab.toml`:\n\n```toml\n[[lint.allow]]\nrule = \"{code}\"\n\
         policy = \"policies/NAME.json\"\nreason = \"…\"\n```\n"
    )
    .unwrap();
    page
}

#[test]
fn the_page_of_a_rule_says_what_the_rule_says() {
    let mut differing = Vec::new();
    for rule in RULES {
        hold(&pages().join(format!("{}.md", rule.code)), &rule_page(rule), &mut differing);
    }
    assert!(differing.is_empty(), "UPDATE_CODES=1 writes these: {differing:#?}");
}

/// Codes that no example brings about: a file of many megabytes, a folder without permission, a fault in an engine of ours,
/// and guards behind checks that speak first.
const UNSHOWN: [&str; 8] = [
    "engines-differ",
    "invalid-key",
    "invalid-policy",
    "no-second-opinion",
    "not-in-cedar",
    "not-proved",
    "too-large",
    "unreadable-folder",
];

/// Texts of the sources that look like codes and are none.
const NO_CODES: [&str; 34] = [
    "add-everyone",
    "add-root",
    "ap-south-1",
    "assumed-role",
    "aws-cn",
    "aws-managed",
    "aws-us-gov",
    "drop-condition",
    "drop-statement",
    "ecs-tasks",
    "eks-fargate-pods",
    "elastic-inference",
    "encryption-context",
    "eu-west-1",
    "example-bucket",
    "explicit-deny",
    "federated-user",
    "flip-effect",
    "implicit-deny",
    "kebab-case",
    "not-evaluated",
    "o-otherorg11",
    "oidc-provider",
    "permitlab-bench",
    "prod-example",
    "rename-key",
    "saml-provider",
    "servicecatalog-appregistry",
    "swap-operator",
    "third-party",
    "us-east-1",
    "vpce-0123456789abcdef0",
    "widen-account",
    "widen-region",
];

/// Every text in kebab case that a source says outside its tests.
fn texts_in_kebab_case(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The names of AWS's services are no codes.
        if path.is_dir() && path.file_name().is_some_and(|name| name != "catalog") {
            texts_in_kebab_case(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let said = text.split("#[cfg(test)]").next().unwrap();
            let lines = said.lines().filter(|line| !line.trim_start().starts_with("//"));
            let texts = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
            found.extend(texts.filter(|text| is_kebab_case(text)).map(str::to_owned));
        }
    }
}

fn is_kebab_case(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.contains('-') && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split('-').all(is_word)
}

#[test]
fn every_code_of_the_sources_has_a_page() {
    let mut found = BTreeSet::new();
    for sources in ["evaluator/src", "scenarios/src"] {
        texts_in_kebab_case(&workspace().join(sources), &mut found);
    }
    let pages: BTreeSet<_> = codes().into_iter().collect();
    let without: Vec<_> = found.difference(&pages).map(String::as_str).collect();
    assert_eq!(without, NO_CODES, "each of these is a code without a page, or no code");
}

/// A policy root of its own, gone when it is dropped.
struct Root(PathBuf);

impl Root {
    fn new(code: &str) -> Self {
        let folder = env::temp_dir().join(format!("permitlab-codes-{}-{code}", std::process::id()));
        copy(&pages().join("root"), &folder);
        Self(folder)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a command prints here, standard error included.
    fn run(&self, command: &str) -> String {
        let binary = format!("'{}'", env!("CARGO_BIN_EXE_permitlab"));
        let line = command.replace("permitlab ", &format!("{binary} "));
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{{ {line}\n}} 2>&1")]).current_dir(&self.0).env("NO_COLOR", "1");
        let output = shell.stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // What is left of a temporary folder harms nobody.
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn joined(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// A page with what its commands print today, and whether one of them says its code.
fn replayed(code: &str, page: &str) -> (String, bool) {
    let root = Root::new(code);
    let (mut written, mut is_said) = (String::new(), false);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        writeln!(written, "{line}").unwrap();
        let Some(fence) = line.strip_prefix("```").filter(|fence| !fence.is_empty()) else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        if fence == "console" {
            for command in block.iter().filter_map(|line| line.strip_prefix("$ ")) {
                let output = root.run(command);
                is_said |= output.contains(&format!("[{code}]")) || output.contains(&format!("\"code\":\"{code}\""));
                writeln!(written, "$ {command}").unwrap();
                written.push_str(&joined(&output.lines().collect::<Vec<_>>()));
            }
        } else {
            let text = joined(&block);
            written.push_str(&text);
            if let Some((_, file)) = fence.split_once(' ') {
                root.write(file, &text);
            }
        }
        written.push_str("```\n");
    }
    (written, is_said)
}

#[test]
fn the_examples_of_every_other_page_show_its_code() {
    let (mut differing, mut unsaid) = (Vec::new(), Vec::new());
    for code in codes().iter().filter(|code| lint::rule(code).is_none()) {
        let file = pages().join(format!("{code}.md"));
        let (written, is_said) = replayed(code, &fs::read_to_string(&file).unwrap());
        hold(&file, &written, &mut differing);
        if is_said == UNSHOWN.contains(&code.as_str()) {
            unsaid.push(code.clone());
        }
    }
    assert!(unsaid.is_empty(), "these show their code where UNSHOWN says they cannot, or do not show it: {unsaid:?}");
    assert!(differing.is_empty(), "UPDATE_CODES=1 writes these: {differing:#?}");
}

/// What a code means, in a few words, and whether it is that of a rule of the linter.
fn summary(code: &str) -> (String, bool) {
    if let Some(rule) = lint::rule(code) {
        return (rule.summary.to_owned(), true);
    }
    let page = fs::read_to_string(pages().join(format!("{code}.md"))).unwrap();
    (page.lines().next().unwrap().split_once("`: ").unwrap().1.to_owned(), false)
}

#[test]
fn every_page_is_embedded_and_in_the_index() {
    let codes: BTreeSet<_> = codes().into_iter().chain(RULES.iter().map(|rule| rule.code.to_owned())).collect();
    let mut differing = Vec::new();
    let mut list = String::from(LIST);
    for code in &codes {
        writeln!(list, "    \"{code}\"").unwrap();
    }
    list.push_str("];\n");
    hold(&workspace().join("xtask/src/explain/pages.rs"), &list, &mut differing);

    let readme = fs::read_to_string(pages().join("README.md")).unwrap();
    let mut index = readme.split_inclusive("\n## ").next().unwrap().trim_end_matches("\n## ").trim_end().to_owned();
    for (heading, wanted) in
        [("policies, found by the linter", true), ("policies, files, questions and answers", false)]
    {
        write!(index, "\n\n## Of {heading}\n").unwrap();
        for code in &codes {
            let (summary, is_rule) = summary(code);
            if is_rule == wanted {
                write!(index, "\n- [{code}]({code}.md): {summary}").unwrap();
            }
        }
    }
    hold(&pages().join("README.md"), &format!("{index}\n"), &mut differing);
    assert!(differing.is_empty(), "UPDATE_CODES=1 writes these: {differing:#?}");
}

/// How the list of the embedded pages begins.
const LIST: &str = r#"//! Which codes are there? Written by the test `codes` from the files in `docs/codes/`.

use super::Page;

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(Page { code: $code, text: include_str!(concat!("../../../docs/codes/", $code, ".md")) }),*]
    };
}

/// The page of every code, in the order of the codes.
#[rustfmt::skip]
pub const PAGES: &[Page] = pages![
"#;

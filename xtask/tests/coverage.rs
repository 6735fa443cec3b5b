//! `coverage` and `mutate` from the command line.

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use std::path::PathBuf;
use std::{env, fs};

use permitlab::mutate::Counts;
use xtask::exit::Exit;
use xtask::output::Streams;

const FILES: [(&str, &str); 5] = [
    ("permitlab.toml", ""),
    (
        "fixtures/teams/w.yml",
        "accounts: { ml: { id: \"111122223333\" } }
keys:
  eval: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json }
roles:
  eval: { account: ml, policies: [policies/role.json] }
",
    ),
    (
        "policies/key.json",
        r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Account", "Effect": "Allow",
  "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" } }"#,
    ),
    (
        "policies/role.json",
        r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Use", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" } }"#,
    ),
    ("cases/a.yaml", CASE),
];
const CASE: &str = "scenario: A role uses a key
use: [fixtures/teams/w.yml]
source: test
checks:
  - { name: decrypts, by: role/eval, call: kms:Decrypt, resource: key/eval, expect: allow }
";

/// A policy root, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, more: &[(&str, &str)]) -> Self {
        let folder = Self(env::temp_dir().join(format!("permitlab-coverage-{}-{name}", std::process::id())));
        for (path, text) in FILES.iter().chain(more) {
            let file = folder.0.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    fn run(&self, line: &[&str]) -> (Exit, String, String) {
        let (mut streams, out, err) = Streams::kept("");
        let root = ["--root", self.0.to_str().unwrap()];
        let line = ["permitlab"].into_iter().chain(line.iter().copied()).chain(root);
        (xtask::run(line.map(Into::into), &mut streams), out.text(), err.text())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_invalid_policy_is_told_once_and_nothing_is_counted() {
    let folder = Folder::new("invalid", &[("cases/b.yaml", CASE), ("policies/role.json", "{ \"Version\"")]);
    for line in [&["coverage"][..], &["coverage", "--format", "json"], &["mutate"]] {
        let (exit, out, err) = folder.run(line);
        assert_eq!((exit, out.as_str()), (Exit::Invalid, ""), "{err}");
        assert_eq!(err.matches("--> policies/role.json:1:12").count(), 1, "{err}");
    }
}

#[test]
fn worlds_in_folders_have_tables_coverage_and_faults() {
    let folder = Folder::new("nested", &[]);
    let (exit, out, _) = folder.run(&["table"]);
    assert!(exit == Exit::Fine && out.contains("role/eval  key/eval  kms:Decrypt"), "{out}");
    let (exit, out, _) = folder.run(&["who-can", "kms:Decrypt", "key/eval"]);
    assert!(exit == Exit::Fine && out.contains("role/eval"), "{out}");
    let (exit, out, _) = folder.run(&["coverage"]);
    assert!(exit == Exit::Fine && out.contains("(2 policies)"), "{out}");
    let (exit, out, _) = folder.run(&["mutate"]);
    assert!(exit == Exit::Fine && out.contains(" % killed: "), "{out}");
}

#[test]
fn where_nothing_was_killed_or_survived_there_is_no_share() {
    let none = Counts { equivalent: 3, unknown: 1, ..Counts::default() };
    assert_eq!(none.percent(), None);
    assert_eq!(Counts { killed: 3, survived: 1, ..none }.percent(), Some(75.0));
}

//! `simulate --base` against a repository of its own.

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::exit::Exit;
use xtask::output::Streams;

/// A Git repository with a policy root in it, gone with the test.
struct Repository(PathBuf);

const WORLD: &str = "accounts: { ml: { id: \"111122223333\" } }
keys:
  eval: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json }
roles:
  eval: { account: ml, policies: [policies/role.json] }
";
const KEY: &str = r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Account", "Effect": "Allow",
  "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" } }"#;
const ROLE: &str = r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Use", "Effect": "Allow",
  "Action": ["kms:Decrypt"], "Resource": "*" } }"#;

impl Repository {
    fn new(name: &str) -> Self {
        let repository = Self(std::env::temp_dir().join(format!("permitlab-base-{}-{name}", std::process::id())));
        repository.write("policies/permitlab.toml", "");
        repository.write("policies/fixtures/eval.yaml", WORLD);
        repository.write("policies/policies/key.json", KEY);
        repository.write("policies/policies/role.json", ROLE);
        repository.git(&["init", "--quiet"]);
        repository.commit();
        repository
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        let who = ["-c", "user.name=permitlab", "-c", "user.email=permitlab@example.com"];
        self.git(&[&who[..], &["commit", "--quiet", "--message", "policies"]].concat());
    }

    fn prove(&self, arguments: &[&str]) -> (Exit, String, String) {
        ran("prove", &self.0.join("policies"), arguments)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git").arg("-C").arg(&self.0).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn simulate(&self, arguments: &[&str]) -> (Exit, String, String) {
        simulate(&self.0.join("policies"), arguments)
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn simulate(root: &Path, arguments: &[&str]) -> (Exit, String, String) {
    ran("simulate", root, arguments)
}

fn ran(verb: &str, root: &Path, arguments: &[&str]) -> (Exit, String, String) {
    let (mut streams, out, err) = Streams::kept("");
    let line = ["permitlab", verb, "--root", root.to_str().unwrap()];
    let exit = xtask::run(line.iter().chain(arguments).map(OsString::from), &mut streams);
    (exit, out.text(), err.text())
}

#[test]
fn what_a_policy_gives_and_takes_is_told_by_line() {
    let repository = Repository::new("lines");
    assert_eq!(
        repository.simulate(&["--base", "HEAD"]),
        (
            Exit::Fine,
            "0 gained, 0 lost, 0 changed; 78 calls compared; proved: nobody may do more than before, and nobody less\n"
                .into(),
            String::new()
        )
    );
    repository.write("policies/policies/role.json", &ROLE.replace("kms:Decrypt", "kms:Encrypt"));
    let told = "fixtures/eval.yaml
  GAINED   role/eval  key/eval  kms:Encrypt  directly  allow  role#Use
  LOST     role/eval  key/eval  kms:Decrypt  directly  allow  role#Use
  proved: nobody else gains or loses access, by no other action, on no other key or role of the world
1 gained, 1 lost, 0 changed; 78 calls compared
";
    let (exit, out, err) = repository.simulate(&["--base", "HEAD"]);
    assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Failed, told, ""));
    assert_eq!(repository.git(&["status", "--porcelain"]).trim(), "M policies/policies/role.json");
}

/// The lines are samples on keys; what they do not show is known by proof, and fails the run as well.
#[test]
fn what_no_line_shows_is_told_by_proof() {
    let repository = Repository::new("proof");
    let trusting = |who: &str| {
        let trust = r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Assume", "Effect": "Allow",
          "Principal": { "AWS": "WHO" }, "Action": "sts:AssumeRole" } }"#;
        repository.write("policies/policies/trust.json", &trust.replace("WHO", who));
    };
    let world = WORLD.replace("[policies/role.json]", "[policies/role.json], trust: policies/trust.json");
    repository.write("policies/fixtures/eval.yaml", &world);
    trusting("arn:aws:iam::111122223333:role/eval");
    repository.commit();
    trusting("arn:aws:iam::444455556666:role/partner");
    let told = "fixtures/eval.yaml
  GAINED   arn:aws:iam::444455556666:role/partner  role/eval  sts:AssumeRole  directly or through any service, if its own policies allow it  allow  trust#Assume
  LOST     role/eval  role/eval  sts:AssumeRole  directly or through any service  allow  trust#Assume
  proved: nobody else gains or loses access, by no other action, on no other key or role of the world (some lines are known by that proof alone)
";
    let (exit, out, err) = repository.simulate(&["--base", "HEAD"]);
    assert_eq!((exit, err.as_str()), (Exit::Failed, ""), "{out}");
    assert!(out.starts_with(told), "{out}");
    let (_, json, _) = repository.simulate(&["--base", "HEAD", "--format", "json"]);
    assert!(json.contains("\"verdict\": \"incomparable\""), "{json}");
    let (_, markdown, _) = repository.simulate(&["--base", "HEAD", "--format", "markdown"]);
    assert!(
        markdown.contains("| `arn:aws:iam::444455556666:role/partner` | `role/eval` | `sts:AssumeRole` |"),
        "{markdown}"
    );
}

#[test]
fn an_overlay_is_compared_as_a_change() {
    let repository = Repository::new("overlay");
    repository.write("policies/what-if/no-policies.yaml", "roles: { eval: { account: ml, policies: [] } }\n");
    let with = ["--with", "what-if/no-policies.yaml"];
    let lost = "LOST     role/eval  key/eval  kms:Decrypt";
    let (exit, out, err) = repository.simulate(&[&["--base", "HEAD", "--fail-on", "lost"][..], &with].concat());
    assert_eq!(exit, Exit::Failed, "{err}");
    assert!(out.contains(lost), "{out}");
    let (exit, out, _) = repository.prove(&with);
    assert_eq!(exit, Exit::Fine);
    assert!(out.starts_with("fixtures/eval.yaml: narrower\n  LOST    role/eval  key/eval  kms:Decrypt\n"), "{out}");
    let who = ["kms:Decrypt", "key/eval"];
    let of = |more: &[&str]| ran("who-can", &repository.0.join("policies"), &[&who[..], more].concat()).1;
    assert!(of(&[]).contains("role/eval  key/eval") && !of(&with).contains("role/eval  key/eval"), "{}", of(&with));
    assert!(!of(&["--change", "remove role#Use/Action/kms:Decrypt"]).contains("role/eval  key/eval"));
    let call = ["--by", "role/eval", "--call", "kms:Decrypt", "--resource", "key/eval"];
    let (exit, out, err) = repository.simulate(&[&call[..], &with].concat());
    assert_eq!(exit, Exit::Fine, "{err}");
    assert!(out.contains("LOST") && out.contains("+ implicit-deny"), "{out}");

    repository.write("policies/what-if/misspelt.yaml", "rols: {}\n");
    let (exit, _, err) = repository.prove(&["--with", "what-if/misspelt.yaml"]);
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("what-if/misspelt.yaml:1:1") && err.contains("did you mean `roles`?"), "{err}");
    let (exit, _, err) = repository.prove(&["--with", "what-if/missing.yaml"]);
    assert_eq!(exit, Exit::Usage, "{err}");
}

#[test]
fn what_fails_the_run_is_chosen() {
    let repository = Repository::new("fail-on");
    repository.write("policies/policies/role.json", &ROLE.replace("[\"kms:Decrypt\"]", "[]"));
    repository.write(
        "policies/policies/role.json",
        &ROLE.replace("\"*\"", "\"arn:aws:kms:us-east-1:111122223333:key/other\""),
    );
    let exit = |kind: &str| repository.simulate(&["--base", "HEAD", "--fail-on", kind]).0;
    assert_eq!((exit("gained"), exit("lost"), exit("any")), (Exit::Fine, Exit::Failed, Exit::Failed));
    repository.write("policies/policies/role.json", &ROLE.replace("\"Use\"", "\"Uses\""));
    assert_eq!((exit("gained"), exit("lost"), exit("any")), (Exit::Fine, Exit::Fine, Exit::Failed));
}

#[test]
fn a_change_is_compared_with_the_other_version() {
    let repository = Repository::new("change");
    let (exit, out, _) = repository.simulate(&["--base", "HEAD", "--change", "add to role#Use/Action kms:Encrypt"]);
    assert_eq!(exit, Exit::Failed);
    assert!(out.contains("GAINED   role/eval  key/eval  kms:Encrypt"), "{out}");
    let (exit, _, err) = repository.simulate(&["--base", "HEAD", "--change", "remove role#Missing"]);
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("unknown-statement"), "{err}");
}

#[test]
fn a_comment_and_a_report_hold_the_same() {
    let repository = Repository::new("formats");
    repository
        .write("policies/policies/role.json", &ROLE.replace("\"kms:Decrypt\"", "\"kms:Decrypt\", \"kms:Encrypt\""));
    let (_, markdown, _) = repository.simulate(&["--base", "HEAD", "--format", "markdown"]);
    let line = "| `role/eval` | `key/eval` | `kms:Encrypt` | `directly` | `implicit-deny` | `allow  role#Use` |";
    assert!(markdown.contains("#### Gained in `fixtures/eval.yaml`") && markdown.contains(line), "{markdown}");
    let (_, json, _) = repository.simulate(&["--base", "HEAD", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let difference = &json["worlds"][0]["differences"][0];
    assert_eq!(difference["kind"], "gained");
    assert_eq!(difference["after"]["statement"], "role#Use");
}

#[test]
fn an_edit_that_no_line_explains_is_named_in_every_form() {
    let repository = Repository::new("unexplained");
    let listing = KEY.replace("\"Action\": \"kms:*\"", "\"Action\": [\"kms:*\", \"s3:*\"]");
    repository.write("policies/policies/key.json", &listing);
    let run = |arguments: &[&str]| repository.simulate(&[&["--base", "HEAD"], arguments].concat());
    let told = "edited, and no line says what for: what it changes is none of the calls compared
  EDITED   key#Account  changed  policies/key.json:1:41
0 gained, 0 lost, 0 changed, 1 not explained; ";
    let (exit, out, _) = run(&[]);
    assert_eq!(exit, Exit::Fine);
    assert!(out.starts_with(told), "{out}");
    assert_eq!(run(&["--fail-on", "lost"]).0, Exit::Fine);
    assert_eq!(run(&["--fail-on", "any"]).0, Exit::Failed);
    let (_, markdown, _) = run(&["--format", "markdown"]);
    assert!(markdown.contains("| `key#Account` | changed | `policies/key.json:1:41` |"), "{markdown}");
    let (_, json, _) = run(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["unexplained"][0]["what"], "key#Account");
    assert!(json["calls"].as_u64().unwrap() > 100);
    repository.write("policies/policies/key.json", &KEY.replace("\"Account\"", "\"Accounts\""));
    assert_eq!(run(&["--fail-on", "any"]).0, Exit::Fine);
}

#[test]
fn a_world_that_is_new_or_broken_is_told_apart() {
    let repository = Repository::new("worlds");
    repository.write("policies/fixtures/more.yaml", WORLD);
    let (exit, out, _) = repository.simulate(&["--base", "HEAD"]);
    assert_eq!(exit, Exit::Failed);
    assert!(out.starts_with("fixtures/more.yaml\n  GAINED   role/eval  key/eval  kms:Decrypt"), "{out}");
    repository.write("policies/policies/role.json", "{");
    let (exit, _, err) = repository.simulate(&["--base", "HEAD"]);
    assert_eq!(exit, Exit::Invalid);
    assert!(err.starts_with("in the work tree:") && err.contains("policies/role.json:1:2"), "{err}");
}

#[test]
fn what_is_missing_is_a_matter_of_usage() {
    let repository = Repository::new("missing");
    let (exit, _, err) = repository.simulate(&["--base", "nowhere"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("no revision `nowhere`") && err.contains("git fetch"), "{err}");
    fs::remove_dir_all(repository.0.join(".git")).unwrap();
    let (exit, _, err) = repository.simulate(&["--base", "HEAD"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("in no Git repository"), "{err}");
}

/// A repository whose first commit is before its policies.
fn grown(name: &str) -> Repository {
    let repository = Repository(std::env::temp_dir().join(format!("permitlab-base-{}-{name}", std::process::id())));
    repository.write("README.md", "");
    repository.git(&["init", "--quiet"]);
    repository.commit();
    repository.write("policies/permitlab.toml", "");
    repository.write("policies/fixtures/eval.yaml", WORLD);
    repository.write("policies/policies/key.json", KEY);
    repository.write("policies/policies/role.json", ROLE);
    repository
}

#[test]
fn policies_that_are_new_are_compared_with_nothing() {
    let repository = grown("first");
    let note = "note: `HEAD` has no policy root: all access is new, and none of it fails the run\n";
    let (exit, out, err) = repository.simulate(&["--base", "HEAD"]);
    assert_eq!((exit, err.as_str()), (Exit::Fine, note));
    assert!(out.contains("GAINED   role/eval  key/eval  kms:Decrypt"), "{out}");
    let (exit, out, err) = repository.prove(&["--from", "HEAD"]);
    assert_eq!((exit, err.as_str()), (Exit::Fine, note));
    assert!(out.starts_with("fixtures/eval.yaml: wider"), "{out}");
    let (exit, _, err) = repository.prove(&["--from", "HEAD", "--to", "HEAD"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("`HEAD` has no policy root"), "{err}");
}

/// Otherwise a folder that is renamed would pass whatever it gives.
#[test]
fn policies_that_moved_are_not_new() {
    let repository = Repository::new("moved");
    fs::rename(repository.0.join("policies"), repository.0.join("rules")).unwrap();
    let (exit, _, err) = simulate(&repository.0.join("rules"), &["--base", "HEAD"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("`HEAD` has no policy root here") && err.contains("it stood in `policies`"), "{err}");
    // Another root beside it is new.
    repository.write("policies/permitlab.toml", "");
    assert_eq!(simulate(&repository.0.join("rules"), &["--base", "HEAD"]).0, Exit::Fine);
}

#[test]
fn what_git_refuses_is_told_in_its_words() {
    let repository = Repository::new("refused");
    repository.write(".git/config", "[core\n");
    let (exit, _, err) = repository.simulate(&["--base", "HEAD"]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("Git does not read the repository of `") && err.contains("bad config line 1"), "{err}");
}

#[test]
fn worlds_in_folders_are_compared() {
    let repository = Repository::new("nested");
    repository.write("policies/fixtures/teams/more.yml", WORLD);
    repository.commit();
    repository.write("policies/policies/role.json", &ROLE.replace("kms:Decrypt", "kms:Encrypt"));
    let (_, out, _) = repository.simulate(&["--base", "HEAD"]);
    assert!(out.contains("fixtures/eval.yaml\n") && out.contains("fixtures/teams/more.yml\n"), "{out}");
    let (_, out, _) = repository.prove(&["--from", "HEAD"]);
    assert!(out.contains("fixtures/teams/more.yml: incomparable"), "{out}");
}

#[test]
fn reports_of_checks_are_not_for_two_versions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    for format in ["junit", "sarif", "github"] {
        let (exit, _, err) = simulate(&root, &["--base", "HEAD", "--format", format]);
        assert_eq!(exit, Exit::Usage);
        assert!(err.contains(&format!("`--format {format}`")) && err.contains("--base"), "{err}");
    }
}

#[test]
fn a_folder_without_snapshots_is_no_success() {
    let repository = Repository::new("unreferenced");
    let look = |folder: &str| {
        let (mut streams, _, err) = Streams::kept("");
        let root = repository.0.join("policies").to_str().unwrap().to_owned();
        let folder = repository.0.join(folder).to_str().unwrap().to_owned();
        let line = ["permitlab", "table", "--root", &root, "--unreferenced", &folder].map(OsString::from);
        (xtask::run(line, &mut streams), err.text())
    };
    let (exit, err) = look("snapshots");
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("there is no folder"), "{err}");
    repository.write("snapshots/notes.txt", "");
    let (exit, err) = look("snapshots");
    assert_eq!(exit, Exit::NothingMatched);
    assert!(err.contains("no snapshot is below"), "{err}");
    repository.write("snapshots/tables/eval.snap", "");
    assert_eq!(look("snapshots").0, Exit::Fine);
}

//! `permitlab prove` in a repository of its own, and on policy files.

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use xtask::exit::Exit;
use xtask::output::Streams;

const JOB: &str = "arn:aws:bedrock:{{region}}:{{accountId}}:evaluation-job/*";

/// A Git repository that `permitlab init` made, with all of it committed.
struct Repository(PathBuf);

impl Repository {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prove").join(name);
        let _ = fs::remove_dir_all(&folder);
        let (exit, _, err) = permitlab(&["init", folder.to_str().unwrap()]);
        assert_eq!(exit, Exit::Fine, "{err}");
        let repository = Self(folder);
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.commit();
        repository.git(&["checkout", "--quiet", "-b", "change"]);
        repository
    }

    fn git(&self, arguments: &[&str]) {
        let output = Command::new("git").arg("-C").arg(&self.0).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        let who = ["-c", "user.name=permitlab", "-c", "user.email=permitlab@example.com"];
        self.git(&[&who[..], &["commit", "--quiet", "--message", "policies"]].concat());
    }

    /// Writes a policy anew, with one text in place of another.
    fn edit(&self, policy: &str, from: &str, to: &str) {
        let file = self.0.join("policies").join(policy);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    fn run(&self, verb: &str, arguments: &[&str]) -> (Exit, String, String) {
        permitlab(&[&[verb, "--root", self.0.to_str().unwrap()], arguments].concat())
    }
}

fn permitlab(arguments: &[&str]) -> (Exit, String, String) {
    let (mut streams, out, err) = Streams::kept("");
    let exit = xtask::run(std::iter::once(&"permitlab").chain(arguments).map(OsString::from), &mut streams);
    (exit, out.text(), err.text())
}

#[test]
fn a_branch_that_widens_a_policy_fails_and_its_counterexample_is_a_scenario() {
    let repository = Repository::new("widens");
    let (exit, out, err) = repository.run("prove", &["--from", "main"]);
    assert_eq!((exit, err.as_str()), (Exit::Fine, ""), "{out}");
    assert!(out.contains("proved: nobody may do more than before, and nobody less"), "{out}");

    repository.edit("key-eval-repaired.json", JOB, &JOB.replace("evaluation-job/", ""));
    repository.commit();
    let (exit, out, err) = repository.run("prove", &["--from", "main", "--save", "cases/gained"]);
    assert_eq!(exit, Exit::Failed, "{out}{err}");
    assert!(out.contains("GAINED  service/bedrock  key/eval"), "{out}");
    assert!(out.contains("for arn:aws:bedrock:us-east-1:111122223333:custom-model/example"), "{out}");
    assert!(out.contains("at policies/key-eval-repaired.json:"), "{out}");

    let (exit, out, _) = repository.run("simulate", &["cases/gained"]);
    assert_eq!(exit, Exit::Failed, "{out}");
    assert!(out.contains("is: allow") || out.contains("allow"), "{out}");

    repository.edit("key-eval-repaired.json", &JOB.replace("evaluation-job/", ""), JOB);
    repository.commit();
    let (exit, out, _) = repository.run("simulate", &["cases/gained"]);
    assert_eq!(exit, Exit::Fine, "{out}");
    let (exit, out, _) = repository.run("prove", &["--from", "main"]);
    assert_eq!(exit, Exit::Fine, "{out}");
    let (exit, _, err) = repository.run("prove", &["--from", "main", "--to", "nowhere"]);
    assert_eq!(exit, Exit::Usage, "{err}");
}

#[test]
fn what_was_accepted_is_no_news() {
    let repository = Repository::new("accepted");
    let second = JOB.replace("{{region}}", "eu-west-1");
    repository.edit(
        "role-eval-kms.json",
        "\"s3.{{region}}.amazonaws.com\"",
        "[\"s3.{{region}}.amazonaws.com\", \"s3.eu-west-1.amazonaws.com\"]",
    );
    let (exit, out, _) = repository.run("prove", &["--from", "main"]);
    assert_eq!(exit, Exit::Failed, "{out}");
    assert!(out.contains("in all: through S3 in eu-west-1\n"), "{out}");

    let accept = repository.0.join("accept.yaml");
    let change = "add to role-eval-kms#CustomKMSKeyProvidedToBedrock/Condition/StringEquals/kms:ViaService s3.eu-west-1.amazonaws.com";
    fs::write(&accept, format!("- change: {change:?}\n  reason: the jobs of the second Region\n")).unwrap();
    let accepted = ["--from", "main", "--accept", accept.to_str().unwrap()];
    let (exit, out, err) = repository.run("prove", &accepted);
    assert_eq!(exit, Exit::Fine, "{out}{err}");

    // What nobody looked at still fails.
    repository.edit("key-eval-repaired.json", JOB, &second);
    let (exit, out, _) = repository.run("prove", &accepted);
    assert_eq!(exit, Exit::Failed, "{out}");
    assert!(out.contains("service/bedrock") && !out.contains("role/eval-service"), "{out}");

    fs::write(&accept, "- change: remove nothing-of-that-name\n  reason: a mistake\n").unwrap();
    let (exit, _, err) = repository.run("prove", &accepted);
    assert_eq!(exit, Exit::Invalid, "{err}");
    fs::write(&accept, "- chang: remove x\n  reason: a mistake\n").unwrap();
    let (exit, _, err) = repository.run("prove", &accepted);
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("did you mean `change`?") && err.contains("accept.yaml:1:3"), "{err}");
}

#[test]
fn policy_files_are_compared_by_themselves() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prove-files");
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, statements: &str| {
        let file = folder.join(name);
        fs::write(&file, format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let read = r#"{"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"}"#;
    let deny = r#"{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::reports/secret/*"}"#;
    let one = write("one.json", &format!("{read}, {deny}"));
    let same =
        write("same.json", &format!("{deny}, {}", read.replace("\"s3:Get*\"", "[\"s3:GetObject\", \"s3:Get*\"]")));
    let wider = write("wider.json", &format!("{}, {deny}", read.replace("reports/", "reports")));
    let prove = |from: &str, to: &str| permitlab(&["prove", "--from", from, "--to", to]);
    assert_eq!(prove(&one, &same).0, Exit::Fine, "{}", prove(&one, &same).1);
    let (exit, out, _) = prove(&one, &wider);
    assert_eq!(exit, Exit::Failed);
    assert!(out.contains("arn:aws:s3:::reportsexample") && out.contains("wider.json#Read"), "{out}");
    let (exit, out, _) = prove(&wider, &one);
    assert_eq!(exit, Exit::Fine);
    assert!(out.contains("one.json: narrower"), "{out}");
    let (exit, _, err) =
        prove(&one, &write("broken.json", r#"{"Effect": "Allow", "Action": "s3Get", "Resource": "*"}"#));
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("broken.json:1:"), "{err}");
    // Whom a bucket policy names is not compared, so nothing is said.
    let bucket = r#"{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}"#;
    let bucket = write("bucket.json", bucket);
    let (exit, _, err) = prove(&bucket, &bucket);
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("bucket.json:1:") && err.contains("key or trust policies"), "{err}");
}

#[test]
fn what_a_change_would_give_is_saved_with_the_change() {
    let repository = Repository::new("saved-change");
    let change = "remove key-eval-repaired#[1]/Condition/StringLike/aws:SourceArn";
    let (exit, out, err) = repository.run("prove", &["--change", change, "--save", "cases/what-if"]);
    assert_eq!(exit, Exit::Failed, "{out}{err}");
    assert!(err.contains("wrote"), "{err}");
    let (exit, out, _) = repository.run("simulate", &["cases/what-if"]);
    assert_eq!(exit, Exit::Failed, "{out}");
    assert!(out.contains("0 passed"), "{out}");
    // Without the change the same calls fail, as the scenario wants.
    for file in fs::read_dir(repository.0.join("cases/what-if")).unwrap() {
        let file = file.unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().starts_with("change:")).collect();
        assert!(lines.len() < text.lines().count(), "{text}");
        fs::write(&file, lines.join("\n") + "\n").unwrap();
    }
    let (exit, out, _) = repository.run("simulate", &["cases/what-if"]);
    assert_eq!(exit, Exit::Fine, "{out}");
}

#[test]
fn a_sentence_says_what_must_never_be() {
    let repository = Repository::new("never");
    let never = |sentence: &str| repository.run("prove", &["--never", sentence]);
    let (exit, out, _) = never(
        "service/bedrock may call kms:Decrypt on key/eval unless aws:SourceArn is arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*",
    );
    assert_eq!(exit, Exit::Fine, "{out}");
    assert!(out.ends_with("  proved: no call does, whoever makes it and however\n"), "{out}");
    let (exit, out, _) = never(
        "anybody except service/bedrock may call kms:Decrypt on key/eval unless kms:ViaService is s3.eu-west-1.amazonaws.com",
    );
    assert_eq!(exit, Exit::Failed);
    assert!(
        out.contains(
            "BROKEN   role/eval-service may call kms:Decrypt on `key/eval`: through s3.us-east-1.amazonaws.com"
        ),
        "{out}"
    );
    let (exit, _, err) = never("anybody may call kms:Decrypt on key/evel");
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("--never:1:33") && err.contains("did you mean `key/eval`?"), "{err}");
    let (exit, _, err) = never("anybody calls kms:Decrypt on key/eval");
    assert_eq!(exit, Exit::Invalid);
    assert!(err.contains("invalid-never"), "{err}");
}

/// What is gained is told under all its conditions, once for whoever gains it.
#[rstest]
#[case::source_arn_dropped(
    "remove key-eval#[1]/Condition/StringLike/aws:SourceArn",
    "in all: directly, on behalf of anything but arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*, with encryption context evaluationJobArn=arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*\n"
)]
#[case::second_region(
    "add to role-eval-kms#CustomKMSKeyProvidedToBedrock/Condition/StringEquals/kms:ViaService s3.eu-west-1.amazonaws.com",
    "in all: through S3 in eu-west-1\n"
)]
#[case::delegation_removed(
    "remove key-eval#EnableIAMUserPermissions",
    "anybody of the account whose own policies allow it, shown by account/ml\n          in all: directly or through any service, if its own policies allow it\n"
)]
fn what_is_gained_is_told_in_a_sentence(#[case] change: &str, #[case] expected: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let world = "fixtures/bedrock-eval.yaml";
    let (_, out, err) = permitlab(&["prove", "--root", root.to_str().unwrap(), "--all", "--change", change, world]);
    assert!(out.contains(expected), "{out}{err}");
}

/// What a policy by itself denies no more is gained, and what the key that stands for a key policy cannot show is not proved.
#[rstest]
#[case::deny_dropped(
    r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}, {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}"#,
    r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
    "scp",
    "wider"
)]
#[case::deny_added(
    r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
    r#"{"Effect": "Deny", "Action": ["s3:*", "kms:*"], "Resource": "*"}"#,
    "scp",
    "narrower"
)]
#[case::sign(
    r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}"#,
    r#"{"Effect": "Allow", "Principal": "*", "Action": ["kms:Decrypt", "kms:Sign"], "Resource": "*"}"#,
    "key",
    "inconclusive"
)]
#[case::of_its_own_arn(
    r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-west-1:444455556666:key/5678efab-56ef-78ab-9acd-567890abcdef"}"#,
    r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "arn:aws:kms:eu-west-1:444455556666:key/5678efab-56ef-78ab-9acd-567890abcdef"}"#,
    "key",
    "wider"
)]
fn policies_by_themselves(#[case] before: &str, #[case] after: &str, #[case] kind: &str, #[case] verdict: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prove-alone").join(kind).join(verdict);
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, statements: &str| {
        let file = folder.join(name);
        fs::write(&file, format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (from, to) = (write("before.json", before), write("after.json", after));
    let (_, out, err) = permitlab(&["prove", "--from", &from, "--to", &to, "--type", kind]);
    assert!(out.contains(&format!("after.json: {verdict}\n")), "{out}{err}");
}

//! Is what `permitlab cedar` prints Cedar, and does the second engine agree on the command line?

#![expect(clippy::unwrap_used, reason = "what a test cannot run or read fails it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::str::FromStr as _;
use std::{env, fs};

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};

fn permitlab(line: &str) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut command = Command::new(env!("CARGO_BIN_EXE_permitlab"));
    command.args(line.split_whitespace()).current_dir(root).env("NO_COLOR", "1").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The `.cedar` files below a folder.
fn policies(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            policies(&path, found);
        } else if path.extension().is_some_and(|end| end == "cedar") {
            found.push(path);
        }
    }
}

#[test]
fn cedars_own_validator_accepts_every_bundled_world() {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cedar");
    let worlds = ["access", "app", "bedrock-eval", "bedrock-features", "callers", "grants", "guardrails", "objects"];
    for world in worlds {
        let ran = permitlab(&format!("cedar fixtures/{world}.yaml --output {}", output.join(world).display()));
        assert!(ran.status.success(), "{world}: {}", text(&ran.stderr));
    }
    let mut files = Vec::new();
    policies(&output, &mut files);
    assert!(files.len() > 50, "{} files", files.len());
    let mut count = 0;
    for file in files {
        let set = PolicySet::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let schema = Schema::from_str(&fs::read_to_string(file.with_extension("cedarschema")).unwrap()).unwrap();
        let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
        assert!(result.validation_passed(), "{}: {result}", file.display());
        for policy in set.policies() {
            assert!(policy.annotation("iam").is_some_and(|name| name.contains(['#', '['])), "{policy}");
            assert!(policy.annotation("at").is_some_and(|place| place.contains(".json:") || place.contains(':')));
            count += 1;
        }
    }
    assert!(count > 100, "{count} policies");
}

#[test]
fn a_translation_names_the_statement_it_came_from() {
    let ran = permitlab("cedar fixtures/bedrock-eval.yaml");
    let told = text(&ran.stdout);
    let expected = r#"@iam("key-eval#EnableIAMUserPermissions")
@at("policies/key-eval.json:5:5")
@names_caller("account")
permit (principal, action, resource)
when {
  (context.caller.kind != "root" && context.caller.account == "111122223333") &&
  context.action like "kms:*"
};"#;
    assert!(told.contains(expected), "{told}");
}

#[test]
fn both_engines_agree_on_a_question_and_on_scenarios() {
    let question = "simulate --by role/eval-service --call kms:Decrypt --resource key/eval --via s3 --engine both";
    let ran = permitlab(question);
    assert!(ran.status.success() && text(&ran.stdout).contains("\nCedar decides the same\n"), "{ran:?}");
    let ran = permitlab("simulate cases/grants cases/layers --engine both");
    assert!(ran.status.success() && text(&ran.stdout).contains(" 0 failed"), "{ran:?}");
    assert!(text(&ran.stdout).contains(" calls have two opinions"), "{ran:?}");
    let ran = permitlab("simulate cases/conditions --engine both");
    let told = text(&ran.stdout);
    assert!(told.contains(" opaque atoms, which the evaluator's operators decide for both:\n"), "{told}");
    let ran = permitlab("simulate cases/layers --engine cedar");
    assert!(ran.status.success() && text(&ran.stdout).contains(" 0 failed"), "{ran:?}");
}

#[test]
fn a_world_that_is_none_is_an_error_at_its_line() {
    let ran = permitlab("cedar fixtures/none.yaml");
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(3), &b""[..]));
    assert!(text(&ran.stderr).contains("fixtures/none.yaml"), "{ran:?}");
}

//! Does `permitlab init` make a policy repository that works at once, and says so when a policy breaks?
//!
//! The last test builds and tests one with Cargo, in a target folder of its own that it keeps from run to run.
//! `UPDATE_TEMPLATE=1 cargo test -p xtask --test init` writes the snapshots of the template anew; read what changed.

#![expect(clippy::unwrap_used, reason = "a repository that cannot be made or read fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use serde_json::Value;
use xtask::exit::Exit;
use xtask::output::Streams;

/// A path of the test's own that nothing stands at.
fn free(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("init").join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn permitlab(arguments: &[&str]) -> (Exit, String, String) {
    let (mut streams, out, err) = Streams::kept("");
    let exit = xtask::run(std::iter::once(&"permitlab").chain(arguments).map(Into::into), &mut streams);
    (exit, out.text(), err.text())
}

#[track_caller]
fn repository(name: &str) -> PathBuf {
    let folder = free(name);
    let (exit, out, err) = permitlab(&["init", folder.to_str().unwrap()]);
    assert_eq!((exit, err.as_str()), (Exit::Fine, ""), "{out}");
    folder
}

/// Every file below a folder, from there.
fn files(folder: &Path) -> BTreeSet<String> {
    fn below(top: &Path, folder: &Path, files: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(top, &path, files);
            } else {
                files.insert(path.strip_prefix(top).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    below(folder, folder, &mut found);
    found
}

#[test]
fn the_files_are_there_and_leave_nothing_to_fill_in() {
    let folder = repository("files");
    let found = files(&folder);
    for file in [
        ".cargo/config.toml",
        ".github/workflows/policies.yml",
        ".gitignore",
        "Cargo.lock",
        "Cargo.toml",
        "README.md",
        "build.rs",
        "flows/bedrock-model-evaluation-job.yaml",
        "permitlab.toml",
        "policies/key-eval-repaired.json",
        "policies/role-eval-kms.json",
        "tests/policies.rs",
        "xtask/src/main.rs",
    ] {
        assert!(found.contains(file), "{file} in {found:?}");
    }
    for file in &found {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let blanks = ["@permitlab@", "@xtask@", "@insta@", "@rstest@", "@home@"];
        assert!(blanks.iter().all(|blank| !text.contains(blank)), "{file}:\n{text}");
    }
}

#[test]
fn every_yaml_file_names_its_schema_which_is_there() {
    let folder = repository("schemas");
    let found = files(&folder);
    let yaml = found.iter().filter(|file| Path::new(file).extension().is_some_and(|ending| ending == "yaml"));
    for file in yaml.clone() {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let named = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=");
        let schema = folder.join(file).parent().unwrap().join(named.unwrap_or_else(|| panic!("{file}")));
        let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
        assert!(schema.get("$schema").is_some(), "{file}");
    }
    assert_eq!(yaml.count(), 5);
}

#[test]
fn the_scenarios_hold_and_the_linter_finds_nothing() {
    let folder = repository("holds");
    let folder = folder.to_str().unwrap();
    assert_eq!(
        permitlab(&["simulate", "--root", folder]),
        (Exit::Fine, "8 passed, 0 failed (3 files)\n".into(), String::new())
    );
    let (exit, out, _) = permitlab(&["lint", "--root", folder]);
    assert_eq!(exit, Exit::Fine);
    assert!(out.ends_with("0 errors, 0 security warnings, 0 warnings, 0 suggestions in 3 policies\n"), "{out}");
}

#[test]
fn the_snapshots_of_the_template_are_those_of_its_scenarios() {
    let folder = repository("snapshots");
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/init/template");
    for file in files(&folder).iter().filter(|file| file.starts_with("cases/")) {
        let held = permitlab::check(folder.join(file)).unwrap_or_else(|broken| panic!("{broken}"));
        let snapshot = format!("---\nsource: tests/policies.rs\n---\n{}\n", held.snapshot().trim_end());
        let name = format!("snapshots/cases/{}.snap", held.topic());
        if env::var_os("UPDATE_TEMPLATE").is_some() {
            fs::write(template.join(&name), &snapshot).unwrap();
        } else {
            assert_eq!(fs::read_to_string(folder.join(&name)).unwrap(), snapshot, "{name}");
        }
    }
    let table = permitlab::harness::access_table(folder.join("fixtures/bedrock.yaml")).unwrap();
    let (name, text) =
        ("snapshots/tables/bedrock.snap", format!("---\nsource: tests/policies.rs\n---\n{}\n", table.text.trim_end()));
    if env::var_os("UPDATE_TEMPLATE").is_some() {
        fs::write(template.join(name), &text).unwrap();
    } else {
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text, "{name}");
    }
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let folder = free("taken");
    fs::create_dir_all(&folder).unwrap();
    let named = folder.to_str().unwrap();
    assert_eq!(permitlab(&["init", named]).0, Exit::Fine, "an empty folder is as good as none");

    let taken = free("taken");
    fs::create_dir_all(&taken).unwrap();
    fs::write(taken.join("notes.txt"), "mine").unwrap();
    let (exit, out, err) = permitlab(&["init", named]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    assert!(err.contains("is not empty: it holds `notes.txt`") && err.contains("help: name a new folder"), "{err}");
    assert_eq!(files(&taken), BTreeSet::from(["notes.txt".to_owned()]));

    let (exit, _, err) = permitlab(&["init", taken.join("notes.txt").to_str().unwrap()]);
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("is a file"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_made_is_a_matter_of_usage() {
    let folder = free("nowhere");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&folder);
    std::os::unix::fs::symlink("/nowhere/at/all", &folder).unwrap();
    for (name, said) in [(folder.to_str().unwrap(), "leads nowhere"), ("/dev/null/policies", "cannot be")] {
        let (exit, out, err) = permitlab(&["init", name]);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{err}");
        assert!(err.contains(said) && err.contains("help: name a"), "{err}");
    }
    fs::remove_file(&folder).unwrap();
}

#[cfg(unix)]
#[test]
fn a_source_may_have_quotes_in_its_path() {
    let source = free("quo\"ted 'source'");
    fs::create_dir_all(&source).unwrap();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    for member in ["scenarios", "xtask"] {
        std::os::unix::fs::symlink(top.join(member), source.join(member)).unwrap();
    }
    let folder = free("quoted");
    permitlab(&["init", folder.to_str().unwrap(), "--source", source.to_str().unwrap()]);
    for (file, table, name) in
        [("Cargo.toml", "dev-dependencies", "permitlab"), ("xtask/Cargo.toml", "dependencies", "xtask")]
    {
        let manifest: toml::Table = toml::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap();
        let path = manifest[table][name]["path"].as_str().unwrap();
        assert_eq!(Path::new(path).parent(), Some(source.canonicalize().unwrap().as_path()), "{file}");
    }
}

/// GitHub reads workflows at the top of a repository alone, and no runner has this machine's paths.
#[test]
fn what_keeps_the_workflow_from_running_is_said() {
    let top = free("home");
    fs::create_dir_all(top.join(".git")).unwrap();
    let folder = top.join("teams/policies");
    let (exit, out, _) = permitlab(&["init", folder.to_str().unwrap()]);
    assert_eq!(exit, Exit::Fine);
    let shown = top.canonicalize().unwrap();
    let workflow = ".github/workflows/policies.yml";
    assert!(
        out.contains(&format!("  move `{}/{workflow}` to `{}/{workflow}`\n", folder.display(), shown.display())),
        "{out}"
    );
    let read = |folder: &Path, file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let text = read(&folder, workflow);
    assert!(text.contains("        working-directory: \"teams/policies\"\n"), "{text}");
    assert!(text.contains("# This cannot run as it is") && text.contains("cargo xtask prove --from"), "{text}");
    let readme = read(&folder, "README.md");
    assert!(
        readme.contains("is `teams/policies` of another repository") && readme.contains("write `git ="),
        "{readme}"
    );

    let alone = free("alone-of-git");
    fs::create_dir_all(alone.join(".git")).unwrap();
    let alone = alone.join("own");
    fs::create_dir_all(&alone).unwrap();
    let (_, out, _) =
        permitlab(&["init", alone.to_str().unwrap(), "--source", "https://git.example.com/permitlab.git"]);
    assert!(out.contains("GitHub reads workflows at its top alone") && !out.contains("this machine"), "{out}");
    let text = read(&alone, workflow);
    assert!(text.contains("working-directory") && !text.contains("# This cannot run"), "{text}");
}

#[test]
fn a_source_is_a_checkout_or_a_url() {
    let manifest = |source: &str| {
        let folder = free("source");
        let (exit, _, err) = permitlab(&["init", folder.to_str().unwrap(), "--source", source]);
        (exit, fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default(), err)
    };
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let (_, text, _) = manifest(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    assert!(text.contains(&format!("permitlab = {{ path = \"{}/scenarios\" }}", top.display())), "{text}");
    let (_, text, _) = manifest("https://git.example.com/permitlab.git");
    assert!(text.contains("permitlab = { git = \"https://git.example.com/permitlab.git\" }"), "{text}");
    for (source, said) in [
        ("/nowhere", "`/nowhere` is no checkout of Permitlab"),
        ("git@git.example.com:permitlab.git", "write it as `ssh://git@git.example.com/permitlab.git`"),
    ] {
        let (exit, text, err) = manifest(source);
        assert_eq!((exit, text.as_str()), (Exit::Usage, ""), "nothing is written");
        assert!(err.contains(said), "{err}");
    }
}

/// The versions are ours, and of a git source Cargo finds the commit itself.
#[test]
fn the_lock_is_ours_without_our_tests() {
    let names = |lock: &str| {
        let lines =
            lock.lines().filter_map(|line| Some(line.strip_prefix("name = \"")?.trim_end_matches('"').to_owned()));
        lines.collect::<BTreeSet<_>>()
    };
    let lock = fs::read_to_string(repository("lock").join("Cargo.lock")).unwrap();
    let own = names(&lock);
    for name in ["policies", "policies-xtask", "permitlab", "permitlab-evaluator", "xtask", "insta", "rstest", "rayon"]
    {
        assert!(own.contains(name), "{name} in {own:?}");
    }
    for name in ["cedar-policy", "proptest", "criterion", "jsonschema", "permitlab-benches"] {
        assert!(!own.contains(name), "{name} is of our tests or an optional feature");
    }
    let folder = free("lock-of-git");
    permitlab(&["init", folder.to_str().unwrap(), "--source", "https://git.example.com/permitlab.git"]);
    let of_git = names(&fs::read_to_string(folder.join("Cargo.lock")).unwrap());
    let ours = ["policies", "policies-xtask", "permitlab", "permitlab-evaluator", "xtask"].map(str::to_owned);
    assert_eq!(own.difference(&of_git).cloned().collect::<BTreeSet<_>>(), BTreeSet::from(ours));
}

/// As Cargo writes it, so that the first build may be `--locked`.
#[test]
fn the_lock_of_the_template_is_what_cargo_makes_of_ours() {
    let folder = repository("locked");
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let written = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    let resolve = || {
        let resolved = cargo(&folder, &["metadata", "--offline", "--format-version", "1"]);
        assert!(resolved.status.success(), "{}", text(&resolved));
        fs::read_to_string(folder.join("Cargo.lock")).unwrap()
    };
    fs::copy(top.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let made = resolve();
    if env::var_os("UPDATE_TEMPLATE").is_some() {
        fs::write(top.join("xtask/src/init/template/lock.toml"), &made).unwrap();
    } else {
        assert!(
            made == written,
            "`UPDATE_TEMPLATE=1 cargo test -p xtask --test init` writes the lock of the template anew"
        );
    }
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("init/target"));
    // What is compiled once and run for a moment need not be fast.
    command.envs([("CARGO_PROFILE_DEV_OPT_LEVEL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_INCREMENTAL", "0")]);
    command.envs([("INSTA_UPDATE", "no"), ("INSTA_FORCE_PASS", "0"), ("CARGO_TERM_COLOR", "never")]);
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The verdicts that tests print, `passed  topic/behaviour::check`.
fn verdicts(printed: &str) -> BTreeSet<String> {
    let is_verdict = |line: &&str| ["passed  ", "failed  ", "skipped  "].iter().any(|word| line.starts_with(word));
    printed.lines().filter(is_verdict).map(str::to_owned).collect()
}

/// The same, as `simulate` reports them.
fn simulated(folder: &Path) -> (Exit, BTreeSet<String>) {
    let (exit, out, _) = permitlab(&["simulate", "--format", "json", "--root", folder.to_str().unwrap()]);
    let report: Value = serde_json::from_str(&out).unwrap();
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).unwrap().clone();
    let text = |check: &Value, name: &str| check.get(name).and_then(Value::as_str).unwrap().to_owned();
    let checks = list(&report, "files").into_iter().flat_map(|file| list(&file, "checks"));
    (exit, checks.map(|check| format!("{}  {}", text(&check, "outcome"), text(&check, "id"))).collect())
}

#[test]
fn cargo_test_passes_says_what_simulate_says_and_fails_where_a_policy_breaks() {
    let folder = repository("built");
    let passing = cargo(&folder, &["test", "--offline", "--locked", "--", "--show-output"]);
    let printed = text(&passing);
    assert!(passing.status.success(), "{printed}");
    assert!(printed.contains("test result: ok. 6 passed; 0 failed"), "{printed}");
    let (exit, of_simulate) = simulated(&folder);
    assert_eq!((exit, of_simulate.len()), (Exit::Fine, 8));
    assert_eq!(verdicts(&printed), of_simulate);
    let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"policies-xtask\""), "Cargo took the lock as it is: {lock}");

    let policy = folder.join("policies/role-eval-kms.json");
    let text_of_policy = fs::read_to_string(&policy).unwrap();
    let wrong = text_of_policy.replace("s3.{{region}}.amazonaws.com", "s3.us-west-2.amazonaws.com");
    assert_ne!(wrong, text_of_policy);
    fs::write(&policy, wrong).unwrap();
    let failing = cargo(&folder, &["test", "--offline"]);
    let printed = text(&failing);
    assert!(!failing.status.success(), "{printed}");
    for part in [
        "cases/bedrock/whole-job.yaml does not hold: 1 of 1 checks fail",
        "FAIL  bedrock/whole-job::the whole job",
        "--> policies/role-eval-kms.json:10:46",
        "s3.us-west-2.amazonaws.com",
        "-role/eval-service  key/eval  kms:Decrypt  via s3.us-east-1.amazonaws.com  allow  role-eval-kms#",
        "+role/eval-service  key/eval  kms:Decrypt  via s3.us-west-2.amazonaws.com  allow  role-eval-kms#",
    ] {
        assert!(printed.contains(part), "`{part}` is missing in {printed}");
    }
    let (exit, of_simulate) = simulated(&folder);
    let failed =
        |verdicts: &BTreeSet<String>| verdicts.iter().filter(|line| line.starts_with("failed")).cloned().collect();
    let failed: BTreeSet<String> = failed(&of_simulate);
    assert_eq!((exit, failed.len()), (Exit::Failed, 3));
    assert!(failed.is_subset(&verdicts(&printed)), "{failed:?} in {printed}");
}

//! What programs read of `permitlab lint`: each form of the report, over the bundled policies and those of the rules.

#![expect(clippy::unwrap_used, reason = "a report that is none fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use permitlab_evaluator::lint::{RULES, Rule};
use permitlab_evaluator::policy::PolicyType;
use rstest::rstest;
use serde_json::{Value, json};
use xtask::exit::Exit;

/// Runs the command at the top of the workspace, which the paths of a report begin at.
fn lint(arguments: &[&str]) -> (Exit, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_permitlab"));
    command.arg("lint").args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let exits = [Exit::Fine, Exit::Failed, Exit::Usage, Exit::Invalid, Exit::Internal, Exit::NothingMatched];
    let exit = exits.into_iter().find(|exit| output.status.code() == Some(*exit as i32));
    (exit.unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn bundled(file: &str) -> String {
    format!("scenarios/policies/{file}")
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

const fn type_of(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::Identity => "identity",
        PolicyType::Key => "key",
        PolicyType::Trust => "trust",
        PolicyType::Resource => "resource",
        PolicyType::VpcEndpoint => "vpc-endpoint",
        PolicyType::Boundary => "boundary",
        PolicyType::Session => "session",
        PolicyType::ServiceControl => "scp",
        PolicyType::ResourceControl => "rcp",
    }
}

/// What is found in the bad example of a rule, in a form.
fn of_bad_example(rule: &Rule, folder: &str, format: &str) -> (PathBuf, String) {
    let file = self::folder(folder).join(format!("{}.json", rule.code));
    fs::write(&file, rule.bad.text).unwrap();
    let text = found_in(&file, rule.bad.kind, format);
    (file, text)
}

fn found_in(file: &Path, kind: PolicyType, format: &str) -> String {
    lint(&["--type", type_of(kind), "--format", format, file.to_str().unwrap()]).1
}

/// The official schema. A pattern of it has a bracket that opens nothing, which ECMAScript takes for itself and
/// stricter readers refuse; it is written so that both read the same.
fn schema() -> jsonschema::Validator {
    let text = include_str!("data/sarif-schema-2.1.0.json").replace("{2}]?$", r"{2}\\]?$");
    let schema = serde_json::from_str(&text).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// The log, once the schema of SARIF takes it.
#[track_caller]
fn sarif(schema: &jsonschema::Validator, text: &str) -> Value {
    let log = serde_json::from_str(text).unwrap();
    let errors: Vec<_> = schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    log
}

#[test]
fn the_schema_refuses_what_is_no_log() {
    let (_, text) = lint(&["--all", "--format", "sarif", &bundled("key-eval.json")]);
    for (place, wrong) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/results/0/level", json!("security")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/tool/driver/rules/0/helpUri", json!(7)),
        ("/runs/0/results/0/fixes/0/artifactChanges", json!([])),
    ] {
        let mut log: Value = serde_json::from_str(&text).unwrap();
        let (above, name) = place.rsplit_once('/').unwrap();
        log.pointer_mut(above).unwrap()[name] = wrong;
        assert!(!schema().is_valid(&log), "{place}");
    }
}

#[test]
fn every_rule_gives_a_sarif_log_that_points_where_the_finding_is() {
    let schema = schema();
    for rule in RULES.iter().filter(|rule| rule.bad.place.is_none()) {
        let log = sarif(&schema, &of_bad_example(rule, "sarif", "sarif").1);
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        let own = results.iter().find(|result| result["ruleId"] == rule.code);
        let own = own.unwrap_or_else(|| panic!("{} is not in {results:#?}", rule.code));
        let index = usize::try_from(own["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], rule.code);
        assert_eq!(own["locations"][0]["physicalLocation"]["region"]["snippet"]["text"], rule.bad.at);
        assert_eq!(own["partialFingerprints"].as_object().unwrap().len(), 1, "{own}");
    }
}

/// Findings, worlds that hold policies, and files that cannot be read.
#[test]
fn the_log_of_a_whole_root_and_of_broken_files_is_sarif() {
    let schema = schema();
    let log = sarif(&schema, &lint(&["--all", "--format", "sarif", "--root", "scenarios"]).1);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 10);
    let uri = |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"].clone();
    assert!(results.iter().all(|result| uri(result)["uriBaseId"] == "%SRCROOT%"), "{results:#?}");
    let files: BTreeSet<_> = results.iter().map(|result| uri(result)["uri"].as_str().unwrap().to_owned()).collect();
    assert!(files.contains("scenarios/policies/key-eval.json"), "{files:?}");
    assert!(files.iter().any(|file| file.starts_with("scenarios/fixtures/")), "{files:?}");

    let file = folder("broken").join("cut short.json");
    fs::write(&file, "{ \"Statement\": [").unwrap();
    let (exit, text) = lint(&["--format", "sarif", file.to_str().unwrap()]);
    assert_eq!(exit, Exit::Invalid);
    let run = &sarif(&schema, &text)["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(uri.as_str().unwrap().ends_with("/cut%20short.json"), "{uri}");
}

#[test]
fn rules_say_in_sarif_what_they_are_and_how_much_they_matter() {
    let log: Value = serde_json::from_str(&lint(&["--format", "sarif", &bundled("key-eval.json")]).1).unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let rule = |code: &str| rules.iter().find(|rule| rule["id"] == code).unwrap();
    for rule in rules {
        for text in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
            assert!(rule.pointer(text).unwrap().as_str().unwrap().ends_with(['.', '`']), "{text} of {rule}");
        }
    }
    let deputy = rule("confused-deputy");
    assert_eq!(deputy["properties"]["security-severity"], "7.0");
    assert_eq!(deputy["defaultConfiguration"]["level"], "warning");
    let dead = rule("dead-permission");
    assert_eq!(dead["properties"].get("security-severity"), None);
    assert!(dead["help"]["markdown"].as_str().unwrap().contains("\"Sid\": \"EnableIAMUserPermissions\""));
    assert_eq!(rule("key-lockout")["defaultConfiguration"]["level"], "error");
}

/// R7.9. The repair of each rule that has one, written where the log says, leaves nothing to find.
#[test]
fn fixes_mend_what_they_are_of() {
    let mut mended = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.bad.place.is_none()) {
        let (file, text) = of_bad_example(rule, "fixes", "sarif");
        let log: Value = serde_json::from_str(&text).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let Some(fix) = results.iter().find_map(|result| result.pointer("/fixes/0")) else { continue };
        let change = &fix["artifactChanges"][0]["replacements"][0];
        fs::write(&file, replaced(rule.bad.text, change)).unwrap();
        let left = found_in(&file, rule.bad.kind, "json");
        assert_eq!(serde_json::from_str::<Value>(&left).unwrap()["findings"], json!([]), "{}", rule.code);
        mended.push(rule.code);
    }
    assert!(mended.contains(&"dead-permission"), "{mended:?}");
}

/// A text with a replacement of SARIF's in it.
fn replaced(text: &str, change: &Value) -> String {
    let number = |name: &str| {
        let number = change.pointer(&format!("/deletedRegion/{name}")).and_then(Value::as_u64);
        usize::try_from(number.unwrap()).unwrap()
    };
    let offset = |line: &str, column: &str| {
        let before: usize = text.split_inclusive('\n').take(number(line) - 1).map(str::len).sum();
        before + text.get(before..).unwrap().chars().take(number(column) - 1).map(char::len_utf8).sum::<usize>()
    };
    let mut result = text.to_owned();
    let inserted = change.pointer("/insertedContent/text").unwrap().as_str().unwrap();
    result.replace_range(offset("startLine", "startColumn")..offset("endLine", "endColumn"), inserted);
    result
}

#[rstest]
fn the_same_policies_give_the_same_bytes(#[values("human", "json", "sarif", "github", "markdown")] format: &str) {
    let report = || lint(&["--all", "--format", format, "--root", "scenarios"]).1;
    let text = report();
    assert!(text.contains("dead-permission"), "{text}");
    assert_eq!(report(), text);
    // Folders are those of the repository, not those of a machine.
    assert!(!text.contains(concat!(env!("CARGO_MANIFEST_DIR"), "/")), "{text}");
}

#[test]
fn a_finding_keeps_its_fingerprint_when_others_come() {
    let key = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/policies/key-eval.json")).unwrap();
    let more = key.replacen(
        "\"Statement\": [",
        "\"Statement\": [\n\n    { \"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"kms:Encrypt\", \"Resource\": \"*\" },",
        1,
    );
    assert_ne!(more, key);
    let fingerprint = |text: &str| {
        let file = folder("fingerprint").join("key.json");
        fs::write(&file, text).unwrap();
        let report: Value = serde_json::from_str(&found_in(&file, PolicyType::Key, "json")).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let dead = findings.iter().find(|finding| finding["code"] == "dead-permission").unwrap();
        (dead["fingerprint"].clone(), dead["at"]["start"]["line"].clone())
    };
    let (before, after) = (fingerprint(&key), fingerprint(&more));
    assert_eq!(before.0, after.0);
    assert_ne!(before.1, after.1);
}

#[test]
fn an_annotation_is_one_line_that_github_reads() {
    let (exit, text) = lint(&["--all", "--format", "github", &bundled("samples/key-with-misspelt-action.json")]);
    assert_eq!(exit, Exit::Failed);
    assert_eq!(
        text,
        "::error file=scenarios/policies/samples/key-with-misspelt-action.json,line=19,col=10,endLine=19,endColumn=24,\
         title=unknown-action-form (error)::`kmsDescribeKey` is not an action%0Ahelp: did you mean `kms:DescribeKey`?\n"
    );
    let (_, text) = lint(&["--all", "--format", "github", &bundled("key-eval.json")]);
    assert!(text.contains("%0Awrite instead:%0A{%0A  \"Effect\": \"Allow\",%0A"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// Nothing found in a file is nothing to annotate.
#[test]
fn a_clean_policy_has_no_annotation() {
    assert_eq!(lint(&["--format", "github", &bundled("key-eval.json")]), (Exit::Fine, String::new()));
}

#[test]
fn a_comment_has_a_table_for_each_file() {
    let (_, text) = lint(&[
        "--all",
        "--format",
        "markdown",
        &bundled("key-eval.json"),
        &bundled("samples/key-with-misspelt-action.json"),
    ]);
    let start = "\
### Policy lint: 1 error, 0 security warnings, 1 warning, 0 suggestions in 2 policies

#### `scenarios/policies/key-eval.json`

| Place | Level | Rule | Finding |
|:--|:--|:--|:--|
| 15:57 | warning | `dead-permission` | `kms:DescribeKey` never carries `kms:EncryptionContext:evaluationJobArn`, so this statement never allows it<br>put ";
    assert!(text.starts_with(start), "{text}");
    let end = "
#### `scenarios/policies/samples/key-with-misspelt-action.json`

| Place | Level | Rule | Finding |
|:--|:--|:--|:--|
| 19:10 | error | `unknown-action-form` | `kmsDescribeKey` is not an action<br>did you mean `kms:DescribeKey`? |
";
    assert!(text.ends_with(end), "{text}");
    assert!(
        text.contains("<details><summary>15:57: write instead of the statement</summary>\n\n```json\n{\n"),
        "{text}"
    );
}

#[test]
fn the_page_shows_what_is_reported() {
    let page = include_str!("../../docs/lint.md");
    let shown = page.split_once("```json report\n").unwrap().1.split_once("```").unwrap().0;
    let (_, report) = lint(&["--all", "--format", "json", &bundled("samples/key-with-misspelt-action.json")]);
    assert_eq!(report, shown);
    let version = serde_json::from_str::<Value>(&report).unwrap()["version"].clone();
    assert!(page.contains(&format!("This is version {version} of the shape")));
}

#[test]
fn each_output_holds_its_own_form() {
    let folder = folder("outputs");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (log, comment, key) = (file("lint.sarif"), file("comment.md"), bundled("key-eval.json"));
    let line = ["--all", "--format", "json", "--format", "sarif", "--output", &log, "--format", "markdown", "--output"];
    let (exit, text) = lint(&[&line[..], &[&comment, &key]].concat());
    assert_eq!(exit, Exit::Fine);
    assert_eq!(text, lint(&["--all", "--format", "json", &key]).1);
    assert_eq!(fs::read_to_string(&log).unwrap(), lint(&["--all", "--format", "sarif", &key]).1);
    assert_eq!(fs::read_to_string(&comment).unwrap(), lint(&["--all", "--format", "markdown", &key]).1);
}

#[rstest]
fn the_exit_code_is_that_of_the_findings(#[values("json", "sarif", "github", "markdown")] format: &str) {
    let exit = |level: &str, file: &str| lint(&["--all", "--format", format, "--level", level, &bundled(file)]).0;
    assert_eq!(exit("security", "key-eval.json"), Exit::Fine);
    assert_eq!(exit("warning", "key-eval.json"), Exit::Failed);
    assert_eq!(exit("error", "samples/key-with-misspelt-action.json"), Exit::Failed);
}

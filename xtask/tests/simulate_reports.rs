//! What programs read of `permitlab simulate`: each form of the report, over a repository with checks that pass, fail and
//! are skipped and a file that cannot be replayed; and which checks `--filter` and `--tag` leave in it.

#![expect(clippy::unwrap_used, reason = "a report that is none fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag};
use rstest::rstest;
use serde_json::{Value, json};
use xtask::exit::Exit;
use xtask::output::Streams;

const SKIPPED: &str = "\
scenario: A check that waits, and one whose name could be taken for markup
use: [fixtures/bedrock.yaml]
checks:
  - name: later
    skip: { reason: \"the key <comes> & goes\" }
    by: role/eval-service
    call: kms:Decrypt
    resource: key/eval
    expect: deny
  - name: \"<b>a|b</b> & `c`, 100%\"
    by: role/eval-service
    call: kms:Decrypt
    resource: key/eval
    expect: allow
";

fn permitlab(arguments: &[&str]) -> (Exit, String, String) {
    let (mut streams, out, err) = Streams::kept("");
    let exit = xtask::run(std::iter::once(&"permitlab").chain(arguments).map(Into::into), &mut streams);
    (exit, out.text(), err.text())
}

fn simulate(root: &Path, arguments: &[&str]) -> (Exit, String) {
    let (exit, out, err) = permitlab(&[&["simulate", "--root", root.to_str().unwrap()], arguments].concat());
    assert_eq!(err, "");
    (exit, out)
}

/// A new repository whose role uses the key in another Region, with a scenario more.
fn failing(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name);
    let _ = fs::remove_dir_all(&root);
    assert_eq!(permitlab(&["init", root.to_str().unwrap()]).0, Exit::Fine);
    let policy = root.join("policies/role-eval-kms.json");
    let text = fs::read_to_string(&policy).unwrap().replace("s3.{{region}}", "s3.us-west-2");
    fs::write(policy, text).unwrap();
    fs::write(root.join("cases/skipped.yaml"), SKIPPED).unwrap();
    root
}

/// The same, with a file that cannot be replayed.
fn invalid(name: &str) -> PathBuf {
    let root = failing(name);
    fs::write(root.join("cases/broken.yaml"), SKIPPED.replace("checks:", "cheks:")).unwrap();
    root
}

/// The ids and outcomes of the JSON report.
fn outcomes(root: &Path, arguments: &[&str]) -> Vec<(String, String)> {
    let (_, out) = simulate(root, &[&["--format", "json"], arguments].concat());
    let report: Value = serde_json::from_str(&out).unwrap();
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).unwrap().clone();
    let text = |check: &Value, name: &str| check.get(name).and_then(Value::as_str).unwrap().to_owned();
    let checks = list(&report, "files").into_iter().flat_map(|file| list(&file, "checks"));
    checks.map(|check| (text(&check, "id"), text(&check, "outcome"))).collect()
}

#[test]
fn a_reader_that_is_not_ours_finds_every_check_in_the_junit_report() {
    let root = invalid("junit");
    let (exit, text) = simulate(&root, &["--format", "junit"]);
    assert_eq!(exit, Exit::Invalid);
    let report = junit_parser::from_reader(text.as_bytes()).unwrap();
    assert_eq!((report.tests, report.failures, report.errors, report.skipped), (11, 4, 1, 1));
    let suites: Vec<_> = report.suites.iter().map(|suite| suite.name.as_str()).collect();
    let files = ["bedrock/other-job-type", "bedrock/whole-job", "bedrock/wrong-region", "broken", "skipped"];
    assert_eq!(suites, files.map(|file| format!("cases/{file}.yaml")));
    let outcome = |case: &junit_parser::TestCase| {
        let outcome = match (case.status.is_failure(), case.status.is_skipped()) {
            (true, false) => "failed",
            (false, true) => "skipped",
            (false, false) => "passed",
            (true, true) => "both",
        };
        (case.original_name.clone(), outcome.to_owned())
    };
    let cases = report.suites.iter().flat_map(|suite| &suite.cases).filter(|case| !case.status.is_error());
    assert_eq!(cases.map(outcome).collect::<Vec<_>>(), outcomes(&root, &[]));

    let case = |name: &str| report.suites.iter().flat_map(|suite| &suite.cases).find(|case| case.original_name == name);
    let failure = case("bedrock/whole-job::the whole job").unwrap().status.failure_as_ref();
    assert_eq!(failure.failure_type, "wrong-decision");
    assert!(failure.message.starts_with("expected allow of `role-reads-input`, got implicit-deny"), "{failure:?}");
    // The reader drops characters that are written as entities, such as the `>` before the path.
    assert!(failure.text.contains("policies/role-eval-kms.json:10:46"), "{}", failure.text);
    let skipped = case("skipped::later").unwrap().status.skipped_as_ref();
    assert_eq!(skipped.message, "the key <comes> & goes");
    let error = case("cases/broken.yaml").unwrap().status.error_as_ref();
    assert!(error.text.contains("did you mean `checks`?"), "{}", error.text);
}

/// The official schema, as `lint_reports` reads it.
fn schema() -> jsonschema::Validator {
    let text = include_str!("data/sarif-schema-2.1.0.json").replace("{2}]?$", r"{2}\\]?$");
    let schema = serde_json::from_str(&text).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[test]
fn the_log_is_sarif_and_points_at_the_scenario_and_the_policy() {
    let root = invalid("sarif");
    let (exit, text) = simulate(&root, &["--format", "sarif"]);
    assert_eq!(exit, Exit::Invalid);
    let mut log: Value = serde_json::from_str(&text).unwrap();
    let schema = schema();
    let errors: Vec<_> = schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let results = run["results"].as_array().unwrap();
    let of_check = |id: &str| {
        let is_of = |result: &&Value| result["message"]["text"].as_str().unwrap().starts_with(id);
        results.iter().find(is_of).unwrap_or_else(|| panic!("{id} in {results:#?}"))
    };
    let uri = |location: &Value| location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap().to_owned();
    let result =
        of_check("bedrock/wrong-region::kms:Decrypt through S3 in us-east-1: Expected allow, got implicit-deny.");
    assert!(uri(&result["locations"][0]).ends_with("cases/bedrock/wrong-region.yaml"), "{result:#}");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["snippet"]["text"], "allow");
    let policy = &result["relatedLocations"][0];
    assert!(uri(policy).ends_with("policies/role-eval-kms.json"), "{result:#}");
    assert_eq!(policy["physicalLocation"]["region"]["startLine"], 10);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    let fingerprints: BTreeSet<_> = results.iter().map(|result| result["partialFingerprints"].to_string()).collect();
    assert_eq!(fingerprints.len(), results.len());

    log["runs"][0]["results"][0]["level"] = json!("failed");
    assert!(!schema.is_valid(&log));
}

#[test]
fn annotations_stand_on_one_line_each_with_the_place_in_the_scenario() {
    let root = failing("github");
    let (exit, text) = simulate(&root, &["--format", "github"]);
    assert_eq!(exit, Exit::Failed);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() >= 4 && lines.iter().all(|line| line.starts_with("::error file=")), "{text}");
    let line = lines.iter().find(|line| line.contains("title=skipped%3A%3A")).unwrap();
    assert!(line.contains("skipped.yaml,line=14,col=13,endLine=14,endColumn=18,title="), "{line}");
    assert!(
        line.contains("title=skipped%3A%3A<b>a|b</b> & `c`%2C 100%25::expected allow, got implicit-deny%0A"),
        "{line}"
    );
    assert!(line.contains("policies/role-eval-kms.json:10:46: the request has no `kms:ViaService`"), "{line}");
}

#[test]
fn no_name_of_a_check_becomes_markup_in_a_comment() {
    let root = failing("markdown");
    let (exit, text) = simulate(&root, &["--format", "markdown"]);
    assert_eq!(exit, Exit::Failed);
    assert!(text.starts_with("### Scenarios: 5 passed, 4 failed, 1 skipped (4 files)\n"), "{text}");
    let ours = ["<details>", "</details>", "<summary>", "</summary>", "<br>"];
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        if let Event::Html(html) | Event::InlineHtml(html) = &event {
            let rest = ours.iter().fold(html.to_string(), |rest, ours| rest.replace(ours, ""));
            assert!(!rest.contains('<'), "{html}");
        }
        assert!(!matches!(event, Event::Start(Tag::Link { .. } | Tag::Image { .. })), "a link in {text}");
    }
    assert!(
        text.contains("| 14:13 | `skipped::<b>a\\|b</b> &  c , 100%` | expected allow, got implicit-deny<br>"),
        "{text}"
    );
}

#[rstest]
fn the_same_files_give_the_same_bytes(#[values("human", "json", "junit", "sarif", "github", "markdown")] format: &str) {
    let root = invalid(&format!("bytes-{format}"));
    let report = || simulate(&root, &["--format", format]).1;
    let text = report();
    assert!(text.contains("expected allow"), "{text}");
    for _ in 0..5 {
        assert_eq!(report(), text);
    }
}

#[test]
fn each_format_goes_to_its_file() {
    let root = failing("files");
    let file = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let (junit, sarif) = (file("junit.xml"), file("log.sarif"));
    let (exit, out) =
        simulate(&root, &["--format", "junit", "--output", &junit, "--format", "sarif", "--output", &sarif]);
    assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
    assert!(fs::read_to_string(junit).unwrap().starts_with("<?xml"));
    assert!(serde_json::from_str::<Value>(&fs::read_to_string(sarif).unwrap()).is_ok());
}

#[rstest]
fn what_asks_for_no_check_has_no_report_of_checks(
    #[values("junit", "sarif", "github", "markdown")] format: &str,
    #[values("--change=set key/eval state Disabled", "--call=kms:ListKeys")] asks: &str,
) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    let mut arguments = vec!["simulate", "--root", root, "--format", format, asks];
    if asks.starts_with("--call") {
        arguments.push("--by=role/eval-service");
    }
    let (exit, out, err) = permitlab(&arguments);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    assert!(err.starts_with(&format!("error: `--format {format}` reports which scenarios hold")), "{err}");
}

#[rstest]
#[case::all(&[], 10)]
#[case::prefix(&["--filter", "bedrock/*"], 8)]
#[case::cell_of_a_matrix(&["--filter", "*kms:Decrypt through S3 in eu-west-?"], 1)]
#[case::one_or_the_other(&["--filter", "skipped::*", "--filter", "bedrock/whole-job::*"], 3)]
#[case::tag(&["--tag", "via-service"], 4)]
#[case::one_tag_or_the_other(&["--tag", "via-service", "--tag", "flow"], 5)]
#[case::filter_and_tag(&["--tag", "via-service", "--filter", "*us-east-1"], 2)]
fn filters_and_tags_choose_checks(#[case] arguments: &[&str], #[case] count: usize) {
    let root = failing(&format!("filter-{}", arguments.join("").replace(|c: char| !c.is_alphanumeric(), "-")));
    assert_eq!(outcomes(&root, arguments).len(), count);
}

#[test]
fn what_is_not_chosen_does_not_count() {
    let root = failing("chosen");
    let (exit, out) = simulate(&root, &["--tag", "source-arn"]);
    assert_eq!((exit, out.as_str()), (Exit::Fine, "3 passed, 0 failed (1 file)\n"));
    let (_, text) = simulate(&root, &["--tag", "source-arn", "--format", "junit"]);
    assert_eq!(junit_parser::from_reader(text.as_bytes()).unwrap().suites.len(), 1);
}

#[rstest]
#[case(&["--filter", "bedrock"], "no check matches `--filter bedrock`")]
#[case(&["--tag", "Flow"], "no check matches `--tag Flow`")]
#[case(&["--filter", "skipped::*", "--tag", "flow"], "no check matches `--filter skipped::* --tag flow`")]
fn nothing_chosen_is_no_success(#[case] arguments: &[&str], #[case] said: &str) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    let (exit, out, err) = permitlab(&[&["simulate", "--root", root], arguments].concat());
    assert_eq!((exit, out.as_str()), (Exit::NothingMatched, ""));
    assert!(err.contains(said) && err.contains("help: "), "{err}");
}

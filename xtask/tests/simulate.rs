//! What does `permitlab simulate` tell a user, and the shell?
//!
//! The built binary is run in folders of its own, made of the small files below.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up or read fails it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, process};

use rstest::rstest;
use serde_json::Value;

const KEY_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Delegate",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::{{account}}:root" },
      "Action": "kms:*",
      "Resource": "*"
    }
  ]
}
"#;

const ROLE_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ThroughS3",
      "Effect": "Allow",
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": { "StringEquals": { "kms:ViaService": "s3.{{region}}.amazonaws.com" } }
    },
    { "Sid": "Describe", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*" }
  ]
}
"#;

const WORLD: &str = r#"vars: { region: us-east-1, account: "111122223333" }
accounts:
  ml: { id: "{{account}}" }
keys:
  data:
    account: ml
    region: "{{region}}"
    id: 1234abcd-12ab-34cd-56ef-1234567890ab
    policy: policies/key.json
roles:
  reader:
    account: ml
    policies: [policies/role.json]
"#;

const READING: &str = r#"scenario: The reader decrypts through S3 only
use: [fixtures/world.yaml]
checks:
  - name: through S3
    by: role/reader
    via: s3
    call: kms:Decrypt
    resource: key/data
    expect: { is: allow, because: "role#ThroughS3" }
  - name: directly
    by: role/reader
    call: kms:Decrypt
    resource: key/data
    expect: implicit-deny
"#;

const DESCRIBING: &str = r#"scenario: The reader describes the key
use: [fixtures/world.yaml]
checks:
  - name: directly
    by: role/reader
    call: kms:DescribeKey
    resource: key/data
    expect: { is: allow, because: "role#Describe" }
"#;

const DIRECTLY: &str = "--by role/reader --call kms:Decrypt --resource key/data";
const THROUGH_S3: &str = "--by role/reader --call kms:Decrypt --resource key/data --via s3";
const BARE: &str = "--by arn:aws:iam::111122223333:role/reader --call kms:Decrypt \
    --resource arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab \
    --identity-policy policies/role.json";

/// A folder that only one test knows, gone when the test ends.
struct Folder(PathBuf);

/// What a run left behind.
#[derive(Debug, PartialEq)]
struct Run {
    exit: i32,
    out: String,
    err: String,
}

impl Folder {
    fn empty(test: &str) -> Self {
        let folder = env::temp_dir().join(format!("permitlab-simulate-{}-{test}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder.canonicalize().unwrap())
    }

    /// A policy root with one key, one role and two scenarios that pass.
    fn root(test: &str) -> Self {
        Self::empty(test)
            .with("permitlab.toml", "")
            .with("policies/key.json", KEY_POLICY)
            .with("policies/role.json", ROLE_POLICY)
            .with("fixtures/world.yaml", WORLD)
            .with("cases/s3/reading.yaml", READING)
            .with("cases/describing.yaml", DESCRIBING)
    }

    fn with(self, path: &str, text: &str) -> Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The same file with one thing written otherwise.
    fn with_edit(self, path: &str, old: &str, new: &str) -> Self {
        let text = self.text(path);
        assert_eq!(text.matches(old).count(), 1, "`{old}` stands once in {path}");
        self.with(path, &text.replace(old, new))
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn simulate(&self, line: &str) -> Run {
        simulate(&self.0, line.split_whitespace())
    }

    /// Runs with arguments that may hold spaces behind those of the line.
    fn simulate_and<'a>(&self, line: &'a str, more: &[&'a str]) -> Run {
        simulate(&self.0, line.split_whitespace().chain(more.iter().copied()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary folder does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Run {
    /// Asserts the exit code, and that every part is told on standard output.
    #[track_caller]
    fn tells(self, exit: i32, parts: &[&str]) -> Self {
        assert_eq!(self.exit, exit, "{self:#?}");
        for part in parts {
            assert!(self.out.contains(part), "`{part}` is missing in:\n{}\n{}", self.out, self.err);
        }
        self
    }

    /// Asserts the exit code, that standard output is empty, and that every part is told on standard error.
    #[track_caller]
    fn refuses(self, exit: i32, parts: &[&str]) {
        assert_eq!((self.exit, self.out.as_str()), (exit, ""), "{self:#?}");
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is missing in:\n{}", self.err);
        }
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

fn simulate<'a>(folder: &Path, arguments: impl Iterator<Item = &'a str>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_permitlab"));
    let Output { status, stdout, stderr } =
        command.arg("simulate").args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

#[rstest]
#[case::workspace("", "")]
#[case::root_itself("scenarios", "")]
#[case::below_the_root("scenarios/cases/kms", "")]
#[case::beside_the_root("xtask", "")]
#[case::root_by_name("xtask/src", "--root ../../scenarios")]
fn bundled_scenarios_pass_from(#[case] folder: &str, #[case] line: &str) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let run = simulate(&workspace.join(folder), line.split_whitespace()).tells(0, &[" passed, 0 failed ("]);
    assert_eq!(run.err, "");
}

#[rstest]
#[case::all("", "3 passed, 0 failed (2 files)\n")]
#[case::file("cases/describing.yaml", "1 passed, 0 failed (1 file)\n")]
#[case::glob("cases/**/*.yaml", "3 passed, 0 failed (2 files)\n")]
#[case::glob_of_one_level("cases/*.yaml", "1 passed, 0 failed (1 file)\n")]
#[case::twice("cases/describing.yaml cases/*.yaml", "1 passed, 0 failed (1 file)\n")]
#[case::folder("cases/s3", "2 passed, 0 failed (1 file)\n")]
#[case::folder_with_a_slash("cases/s3/", "2 passed, 0 failed (1 file)\n")]
#[case::folder_and_all_below_it("cases", "3 passed, 0 failed (2 files)\n")]
#[case::folder_and_its_file("cases/s3 cases/s3/reading.yaml", "2 passed, 0 failed (1 file)\n")]
#[case::folders_of_a_glob("cases/*", "3 passed, 0 failed (2 files)\n")]
#[case::the_root(".", "3 passed, 0 failed (2 files)\n")]
fn files_folders_and_globs_choose_scenarios(#[case] line: &str, #[case] closing: &str) {
    let folder = Folder::root(&format!("choose-{}", line.replace(|c: char| !c.is_alphanumeric(), "-")));
    assert_eq!(folder.simulate(line).tells(0, &[]).out, closing);
}

#[test]
fn a_file_is_named_from_the_current_folder_or_from_the_root() {
    let folder = Folder::root("from-where");
    for name in ["reading.yaml", "cases/s3/reading.yaml", ".", "../s3", "cases/s3"] {
        simulate(&folder.0.join("cases/s3"), [name].into_iter()).tells(0, &["2 passed, 0 failed (1 file)"]);
    }
}

#[test]
fn nothing_matched_is_no_success() {
    let folder = Folder::root("nothing");
    folder.simulate("cases/describin.yaml").refuses(
        5,
        &["error: no scenario file matches `cases/describin.yaml`", "help: did you mean `cases/describing.yaml`?"],
    );
    folder.simulate("cases/s4").refuses(5, &["no scenario file matches `cases/s4`", "did you mean `cases/s3`?"]);
    let empty = Folder::empty("no-cases").with("permitlab.toml", "");
    empty.simulate("").refuses(5, &["there is no scenario file", "add one under `cases/`"]);
}

#[rstest]
#[case::empty(
    "cases/none",
    5,
    "error: no scenario file is below `cases/none`\n  help: scenario files stand under `cases/`"
)]
#[case::beside_a_full_one("cases/s3 cases/none", 5, "no scenario file is below `cases/none`")]
#[case::without_scenarios("policies", 5, "no scenario file is below `policies`")]
#[case::outside_of_the_root("/usr", 2, "`/usr` is outside the policy root")]
fn a_folder_without_scenarios_is_no_success(#[case] line: &str, #[case] exit: i32, #[case] told: &str) {
    let folder = Folder::root(&format!("folder-{}", line.replace(|c: char| !c.is_alphanumeric(), "-")));
    folder.with("cases/none/notes.txt", "").simulate(line).refuses(exit, &[told]);
}

#[test]
fn a_change_is_tried_on_a_folder() {
    let folder = Folder::root("change-of-a-folder");
    folder.simulate_and("cases/s3", &["--change", "set key/data state Disabled"]).tells(0, &["0 gained, 1 lost"]);
}

#[test]
fn a_world_that_is_not_there_has_a_suggestion() {
    let folder = Folder::root("world-misspelt");
    let line = format!("{DIRECTLY} --world fixtures/wrld.yaml");
    folder.simulate(&line).refuses(2, &["no world `fixtures/wrld.yaml`", "did you mean `fixtures/world.yaml`?"]);
}

#[test]
fn a_world_used_twice_is_told_once_where_it_is_used() {
    let edit = ("use: [fixtures/world.yaml]", "use: [fixtures/world.yaml, fixtures/world.yaml]");
    let run =
        Folder::root("used-twice").with_edit("cases/describing.yaml", edit.0, edit.1).simulate("cases/describing.yaml");
    let run = run.tells(3, &["the world `fixtures/world.yaml` is used twice", "cases/describing.yaml:2:28"]);
    assert_eq!(run.out.matches("error[").count(), 1, "{}", run.out);
}

#[test]
fn a_group_reaches_the_users_of_another_world() {
    let folder = Folder::root("groups")
        .with("fixtures/groups.yaml", "groups: { team: { account: ml, policies: [policies/role.json] } }\n")
        .with("fixtures/users.yaml", "users: { ann: { account: ml, groups: [team] } }\n");
    let line = "--by user/ann --call kms:Decrypt --resource key/data --via s3 \
        --world fixtures/world.yaml fixtures/users.yaml fixtures/groups.yaml";
    folder.simulate(line).tells(0, &["allow  identity  role#ThroughS3"]);
}

#[test]
fn where_nothing_failed_a_reason_says_so() {
    let folder = Folder::root("nothing-failed").with_edit(
        "cases/s3/reading.yaml",
        "expect: { is: allow, because: \"role#ThroughS3\" }",
        "expect: { is: allow, because: { failed: \"kms:ViaService\" } }",
    );
    folder.simulate("cases/s3").tells(1, &["expected `kms:ViaService` to fail, but nothing failed"]);
}

#[test]
fn each_pair_of_a_question_is_looked_at_in_its_place() {
    let folder = Folder::root("pairs");
    folder.simulate(&format!("{DIRECTLY} --encryption-context a=b a=c")).refuses(
        3,
        &["error[duplicate-key]: the encryption context has `a` twice", "first written here", "remove one of the two"],
    );
    folder.simulate(&format!("{DIRECTLY} --context aws:SourceVpc=vpc-1 s3:prefx=y")).refuses(
        3,
        &[
            "error[unknown-condition-key]: AWS has no condition key `s3:prefx`",
            "line:1:97",
            "did you mean `s3:prefix`?",
        ],
    );
}

#[test]
fn a_report_that_cannot_be_written_is_a_matter_of_the_arguments() {
    let folder = Folder::root("unwritable");
    let run = folder.simulate("--format json --output nowhere/report.json");
    assert_eq!(run.exit, 2, "{run:#?}");
    assert!(run.err.contains("error: `nowhere/report.json` cannot be written"), "{}", run.err);
    assert!(run.err.contains("help: name a file in a folder that is there"), "{}", run.err);
}

#[test]
fn without_a_root_the_ways_out_are_named() {
    let parts = ["there is no policy root here", "`permitlab.toml`", "`--root DIR`", "`--key-policy`"];
    let folder = Folder::empty("no-root");
    folder.simulate("").refuses(2, &parts);
    folder.simulate(DIRECTLY).refuses(2, &parts);
    folder.simulate("--root .").refuses(2, &["`.` is no policy root: it holds no `permitlab.toml`"]);
}

#[test]
fn a_root_beside_the_current_folder_is_somebody_elses() {
    let folder = Folder::empty("beside").with("theirs/permitlab.toml", "").with("mine/notes.txt", "");
    simulate(&folder.0.join("mine"), std::iter::empty()).refuses(2, &["there is no policy root here"]);
    let folder = folder.with(".git/HEAD", "ref: refs/heads/main\n");
    simulate(&folder.0.join("mine"), std::iter::empty()).refuses(5, &["there is no scenario file"]);
}

#[test]
fn a_failing_check_points_at_the_expectation_and_the_policy() {
    let folder = Folder::root("failing").with_edit("cases/s3/reading.yaml", "expect: implicit-deny", "expect: allow");
    folder.simulate("").tells(
        1,
        &[
            "FAIL",
            "s3/reading::directly",
            "expected allow, got implicit-deny",
            "policies/role.json:9:59",
            "the request has no `kms:ViaService`",
            "cases/s3/reading.yaml:14:13",
            "with `{{region}}` = `us-east-1`",
            "2 passed, 1 failed (2 files)",
        ],
    );
}

#[rstest]
#[case::world_key("fixtures/world.yaml", "roles:", "rols:", &["fixtures/world.yaml:10:1", "did you mean `roles`?"])]
#[case::check_key("cases/s3/reading.yaml", "via:", "vai:", &["cases/s3/reading.yaml:6:5", "did you mean `via`?"])]
#[case::word("cases/s3/reading.yaml", "implicit-deny", "implicit-dney",
    &["cases/s3/reading.yaml:14:13", "did you mean `implicit-deny`?"])]
#[case::action("cases/describing.yaml", "kms:DescribeKey", "kms:DescribeKy",
    &["cases/describing.yaml:6:11", "did you mean `kms:DescribeKey`?"])]
#[case::role("cases/describing.yaml", "role/reader", "role/raeder",
    &["cases/describing.yaml:5:9", "did you mean `role/reader`?"])]
#[case::key("cases/describing.yaml", "key/data", "key/dat",
    &["cases/describing.yaml:7:15", "did you mean `key/data`?"])]
#[case::world_file("cases/describing.yaml", "fixtures/world.yaml", "fixtures/wold.yaml",
    &["cases/describing.yaml:2:7", "fixtures/wold.yaml"])]
#[case::placeholder("policies/role.json", "{{region}}", "{{regon}}",
    &["policies/role.json:9:62", "did you mean `region`?"])]
#[case::truncated_policy("policies/key.json", "    }\n  ]\n}\n", "", &["policies/key.json:"])]
#[case::effect("policies/key.json", "\"Allow\"", "\"Alow\"", &["policies/key.json:6:18", "`Allow`"])]
fn an_invalid_file_is_refused_at_its_place(
    #[case] file: &str,
    #[case] old: &str,
    #[case] new: &str,
    #[case] parts: &[&str],
) {
    let test = format!("invalid-{}", new.replace(|c: char| !c.is_alphanumeric(), "-"));
    let folder = Folder::root(&test).with_edit(file, old, new);
    let run = folder.simulate("").tells(3, parts).tells(3, &["error[", "= help: ", "cannot be replayed (2 files)"]);
    assert_eq!(run.out.matches("error[").count(), 1, "{}", run.out);
}

#[test]
fn one_question_of_a_world_exits_as_it_is_decided() {
    let folder = Folder::root("question");
    folder.simulate(THROUGH_S3).tells(0, &["allow  identity  role#ThroughS3\n", "policies/role.json:5:15"]);
    folder.simulate(DIRECTLY).tells(
        1,
        &["implicit-deny  identity  nearest role#ThroughS3\n", "policies/role.json:9:59", "help: if the call is meant"],
    );
    folder.simulate(&format!("{DIRECTLY} --context kms:ViaService=s3.us-east-1.amazonaws.com")).tells(0, &["allow"]);
}

#[test]
fn why_shows_every_layer_and_statement() {
    let layers = [
        "resource     delegated",
        "✓ Allow key#Delegate (policies/key.json:4:5)",
        "decided ✓ Allow role#ThroughS3 (policies/role.json:4:5)",
        "✓ StringEquals kms:ViaService wants `s3.us-east-1.amazonaws.com`: the request has `s3.us-east-1.amazonaws.com`",
        "other   ✗ about other actions: role#Describe\n",
    ];
    let folder = Folder::root("why");
    folder.simulate(&format!("{THROUGH_S3} --why")).tells(0, &layers);
    folder.simulate("--why").tells(0, &layers).tells(0, &["s3/reading::through S3\n", "3 passed, 0 failed"]);
}

#[rstest]
#[case::role("role/raeder", "kms:Decrypt", "key/data", &["command line:1:6", "did you mean `role/reader`?"])]
#[case::action("role/reader", "kms:Decrpt", "key/data", &["command line:1:25", "did you mean `kms:Decrypt`?"])]
#[case::resource("role/reader", "kms:Decrypt", "key/dat", &["command line:1:48", "did you mean `key/data`?"])]
#[case::calling_service("service/bedrok", "kms:Decrypt", "key/data", &["command line:1:6", "did you mean `service/bedrock`?"])]
#[case::service("role/reader", "kmz:Decrypt", "key/data", &["command line:1:25", "did you mean `kms:Decrypt`?"])]
#[case::resource_type(
    "role/reader", "s3:ListBucket", "arn:aws:s3:::b/k",
    &["error[wrong-resource-type]", "command line:1:50", "`arn:${Partition}:s3:::${BucketName}`"]
)]
fn a_question_that_names_nothing_is_refused(
    #[case] by: &str,
    #[case] call: &str,
    #[case] resource: &str,
    #[case] parts: &[&str],
) {
    let folder = Folder::root(&format!("names-nothing-{}", [by, call, resource].concat().replace(['/', ':'], "-")));
    folder.simulate(&format!("--by {by} --call {call} --resource {resource}")).refuses(3, parts);
}

#[test]
fn several_worlds_must_be_told_apart() {
    let folder = Folder::root("worlds").with("fixtures/other.yaml", WORLD);
    folder
        .simulate(DIRECTLY)
        .refuses(2, &["2 of the 2 worlds know", "`--world`: fixtures/other.yaml, fixtures/world.yaml"]);
    folder.simulate(&format!("{THROUGH_S3} --world fixtures/other.yaml")).tells(0, &["allow"]);
    folder.simulate(&format!("{DIRECTLY} --world fixtures/none.yaml")).refuses(2, &["no world `fixtures/none.yaml`"]);
}

#[test]
fn bare_policies_answer_without_a_root() {
    let folder = Folder::empty("bare").with("policies/key.json", KEY_POLICY).with("policies/role.json", ROLE_POLICY);
    let line = format!("{BARE} --key-policy policies/key.json --var region=us-east-1 account=111122223333");
    folder.simulate(&format!("{line} --via s3")).tells(0, &["allow  identity  role#ThroughS3"]);
    folder.simulate(&line).tells(1, &["implicit-deny", "policies/role.json:9:59"]);
}

#[test]
fn bare_policies_say_what_they_lack() {
    let folder = Folder::root("bare-lacks");
    folder
        .simulate(&format!("{BARE} --key-policy policies/key.json --var region=us-east-1"))
        .refuses(3, &["nothing is bound to `account`", "policies/key.json:7:43", "`--var account=…`"]);
    folder
        .simulate(&format!("{BARE} --var region=us-east-1"))
        .refuses(3, &["error[missing-key-policy]", "command line:1:", "`--key-policy FILE`"]);
    folder.simulate(&format!("{BARE} --key-policy none.json")).refuses(3, &["`none.json` cannot be read"]);
}

#[rstest]
#[case::gained("remove role#ThroughS3/Condition", 1, "GAINED", "1 gained, 0 lost, 0 changed\n")]
#[case::lost("remove role#ThroughS3", 0, "LOST", "0 gained, 1 lost, 1 changed\n")]
#[case::changed("detach role from role/reader", 0, "LOST", "0 gained, 2 lost, 1 changed\n")]
fn a_change_shows_the_decisions_it_turns(
    #[case] change: &str,
    #[case] exit: i32,
    #[case] kind: &str,
    #[case] closing: &str,
) {
    let folder = Folder::root(&format!("change-{}", change.replace(['#', '/', ' '], "-")));
    folder.simulate_and("", &["--change", change]).tells(exit, &[kind, "s3/reading::", closing]);
}

#[test]
fn a_change_turns_one_question() {
    let folder = Folder::root("change-question");
    let lost = ["LOST    kms:Decrypt by role/reader", "+ unavailable (DisabledException)", "0 gained, 1 lost"];
    folder.simulate_and(THROUGH_S3, &["--change", "set key/data state Disabled"]).tells(0, &lost);
    let changed = ["CHANGED kms:Decrypt by role/reader", "0 gained, 0 lost, 1 changed"];
    folder.simulate_and(DIRECTLY, &["--change", "remove role#ThroughS3"]).tells(0, &changed);
}

#[rstest]
#[case::statement("remove role#ThroughS4", &["--change:1:1", "no statement `ThroughS4`", "did you mean `role#ThroughS3`?"])]
#[case::policy("remove rol#ThroughS3", &["--change:1:1", "did you mean `role`?"])]
#[case::verb("rmove role#ThroughS3", &["`rmove` is no change", "`remove REF`"])]
#[case::no_effect("set key/data state Enabled", &["error[unchanged]"])]
fn a_change_that_names_nothing_is_refused(#[case] change: &str, #[case] parts: &[&str]) {
    let folder = Folder::root(&format!("no-change-{}", change.replace(['#', '/', ' '], "-")));
    folder.simulate_and("", &["--change", change]).refuses(3, parts);
    folder.simulate_and(DIRECTLY, &["--change", change]).refuses(3, parts);
}

#[test]
fn a_saved_question_replays_and_is_never_written_over() {
    let folder = Folder::root("save");
    let line = format!("{DIRECTLY} --save-scenario cases/kept.yaml");
    folder.simulate(&line).tells(1, &["implicit-deny"]);
    folder.simulate("cases/kept.yaml").tells(0, &["1 passed, 0 failed (1 file)"]);
    let kept = folder.text("cases/kept.yaml");
    folder.simulate(&line.replace(DIRECTLY, THROUGH_S3)).refuses(2, &["kept.yaml` exists already"]);
    assert_eq!(folder.text("cases/kept.yaml"), kept);
}

#[test]
fn a_question_is_kept_where_scenarios_are_replayed() {
    let folder = Folder::root("keep-where");
    for path in ["kept.yaml", "cases/../kept.yaml", "../kept.yaml"] {
        folder.simulate(&format!("{DIRECTLY} --save-scenario {path}")).refuses(2, &[path, "is not under the `cases/`"]);
    }
    let deep = folder.0.join("cases/s3");
    simulate(&deep, format!("{DIRECTLY} --save-scenario ../here.yaml").split_whitespace()).tells(1, &[]);
    simulate(&deep, format!("{DIRECTLY} --save-scenario cases/new/there.yaml").split_whitespace()).tells(1, &[]);
    folder.simulate("cases/here.yaml cases/new/there.yaml").tells(0, &["2 passed, 0 failed (2 files)"]);
}

#[test]
fn a_saved_question_of_bare_policies_brings_its_world() {
    let folder = Folder::root("save-bare");
    let line = format!("{BARE} --key-policy policies/key.json --via s3 --var region=us-east-1 account=111122223333");
    folder.simulate(&format!("{line} --save-scenario cases/kept.yaml")).tells(0, &["allow"]);
    folder.simulate("cases/kept.yaml").tells(0, &["1 passed, 0 failed (1 file)"]);
    assert!(folder.text("fixtures/kept.yaml").contains("policies/role.json"));
    folder.simulate(&format!("{line} --save-scenario cases/kept.yaml")).refuses(2, &["exists already"]);
    folder.simulate(&format!("{line} --save-scenario cases/describing.yaml")).refuses(2, &["exists already"]);
    assert!(!folder.0.join("fixtures/describing.yaml").exists(), "no world is left of a scenario that was not kept");
    folder.simulate(&format!("{line} --save-scenario ../kept.yaml")).refuses(2, &["is in no policy root"]);
}

#[test]
fn json_holds_ids_decisions_and_places() {
    let folder = Folder::root("json");
    let run = folder.simulate("cases/s3/reading.yaml --format json").tells(0, &[]);
    let report = run.json();
    let check = |index: usize| &report["files"][0]["checks"][index];
    assert_eq!(report["passed"], 2);
    assert_eq!(check(0)["id"], "s3/reading::through S3");
    assert_eq!(check(0)["calls"][0]["decision"], "allow");
    assert_eq!(check(0)["calls"][0]["statement"]["at"]["line"], 4);
    let failed = &check(1)["calls"][0]["nearest"]["failed"][0];
    assert_eq!(check(1)["calls"][0]["decision"], "implicit-deny");
    assert_eq!(failed["element"], "kms:ViaService");
    assert_eq!(failed["at"], serde_json::json!({ "file": "policies/role.json", "line": 9, "column": 59 }));
}

#[test]
fn json_holds_answers_differences_and_findings() {
    let folder = Folder::root("json-else");
    let answer = folder.simulate(&format!("{THROUGH_S3} --format json")).tells(0, &[]).json();
    assert_eq!((&answer["decision"], &answer["statement"]["name"]), (&"allow".into(), &"role#ThroughS3".into()));

    let changes = folder.simulate_and("--format json", &["--change", "remove role#ThroughS3/Condition"]);
    let difference = &changes.tells(1, &[]).json()["differences"][0];
    assert_eq!((&difference["id"], &difference["kind"]), (&"s3/reading::directly".into(), &"gained".into()));

    let folder = folder.with_edit("fixtures/world.yaml", "roles:", "rols:");
    let report = folder.simulate("--format json").tells(3, &[]).json();
    assert_eq!(report["invalid_files"], 2);
    for file in [0, 1] {
        let at = &report["files"][file]["findings"][0]["at"];
        assert_eq!(at, &serde_json::json!({ "file": "fixtures/world.yaml", "line": 10, "column": 1 }));
    }
}

#[test]
fn reports_go_to_files_and_exit_codes_stay() {
    let folder = Folder::root("output").with_edit("cases/s3/reading.yaml", "expect: implicit-deny", "expect: allow");
    let run = folder.simulate("--format human --format json --output report.json").tells(1, &["2 passed, 1 failed"]);
    let report: Value = serde_json::from_str(&folder.text("report.json")).unwrap();
    assert_eq!(report["failed"], 1);
    let only_file = folder.simulate("--output report.txt").tells(1, &[]);
    assert_eq!((only_file.out.as_str(), folder.text("report.txt")), ("", run.out));
}

#[rstest]
#[case::human("--why")]
#[case::json("--format json")]
#[case::question(THROUGH_S3)]
fn two_runs_give_the_same_bytes(#[case] line: &str) {
    let folder = Folder::root(&format!("same-{}", line.replace(['/', ':', ' '], "-")));
    let first = folder.simulate(line).tells(0, &[]);
    assert!(!first.out.is_empty());
    assert_eq!(first, folder.simulate(line));
}

#[test]
fn a_suggestion_pasted_into_its_check_lets_the_call_pass() {
    let folder = Folder::root("suggest");
    let run = folder.simulate("cases/s3/reading.yaml --suggest").tells(0, &["# s3/reading::directly\n", "2 passed"]);
    let block: String = run
        .out
        .lines()
        .filter(|line| line.starts_with("change:") || line.starts_with("  - "))
        .fold(String::new(), |block, line| format!("{block}    {line}\n"));
    assert_eq!(block.matches("change:").count(), 1, "{}", run.out);
    let pasted = folder.with_edit(
        "cases/s3/reading.yaml",
        "    expect: implicit-deny\n",
        &format!("{block}    expect: {{ is: allow, because: {{ layer: identity }} }}\n"),
    );
    pasted.simulate("cases/s3/reading.yaml").tells(0, &["2 passed, 0 failed"]);
}

#[test]
fn a_question_is_answered_with_what_to_change() {
    let folder = Folder::root("suggest-question");
    folder
        .simulate(&format!("{DIRECTLY} --suggest"))
        .tells(1, &["change:\n  - 'add statement to role {", "kms:Decrypt"]);
    folder.simulate(&format!("{THROUGH_S3} --suggest")).tells(0, &["nothing to suggest"]);
}

#[test]
fn json_holds_what_every_statement_said() {
    let folder = Folder::root("tree");
    let answer = folder.simulate(&format!("{DIRECTLY} --format json")).tells(1, &[]).json();
    let said = |layer: usize, statement: usize, element: usize| {
        &answer["tree"][layer]["statements"][statement]["elements"][element]
    };
    assert_eq!(answer["tree"][1]["layer"], "identity");
    assert_eq!(said(1, 0, 2)["element"], "kms:ViaService");
    assert_eq!(said(1, 0, 2)["wanted"], serde_json::json!(["s3.us-east-1.amazonaws.com"]));
    assert_eq!((&said(1, 0, 2)["matches"], &said(1, 0, 2)["absent"]), (&Value::from(false), &Value::from(true)));
    assert_eq!((&said(1, 1, 1)["element"], &said(1, 1, 1)["matches"]), (&Value::from("action"), &Value::from(false)));
}

/// The linter's word on the policies comes before the count, and is no part of the JSON.
#[test]
fn serious_findings_of_the_linter_are_counted_in_one_line() {
    let service = r#"    },
    { "Effect": "Allow", "Principal": { "Service": "bedrock.amazonaws.com" }, "Action": "kms:Decrypt", "Resource": "*" }
  ]"#;
    let folder = Folder::root("linted").with_edit("policies/key.json", "    }\n  ]", service);
    let line = "note: 1 finding of level error or security in these policies; `permitlab lint` shows it\n";
    let run = folder.simulate("");
    assert!(run.out.contains(line), "{}", run.out);
    assert_eq!(run.out, folder.simulate("").out);
    assert!(!folder.simulate("--format json").out.contains("permitlab lint"));
    let allowed = "[[lint.allow]]\nrule = \"confused-deputy\"\npolicy = \"policies/key.json\"\nreason = \"a test\"\n";
    let folder = folder.with("permitlab.toml", allowed);
    let run = folder.simulate("");
    assert_eq!(run.out, "3 passed, 0 failed (2 files)\n");
    let folder = folder.with("permitlab.toml", "lint = 1\n");
    assert!(folder.simulate("").out.contains("`permitlab.toml` is invalid"));
}

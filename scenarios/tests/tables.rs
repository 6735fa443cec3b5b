//! The access table of every world is the reviewed one, and no snapshot outlives what it was taken of.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test is not about may end it")]

use std::fs;
use std::path::{Path, PathBuf};

use permitlab::root::PolicyRoot;
use permitlab::table::{self, Table, differences, unreferenced};
use rstest::rstest;

fn root() -> PolicyRoot {
    PolicyRoot::at(env!("CARGO_MANIFEST_DIR"))
}

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots")
}

#[rstest]
fn the_table_is_the_reviewed_one(
    #[files("fixtures/**/*.yaml")]
    #[files("fixtures/**/*.yml")]
    #[files("fixtures/**/*.json")]
    file: PathBuf,
) {
    let table = permitlab::assert_access_table!(file);
    insta::with_settings!({
        snapshot_path => snapshots().join("tables").join(&table.folder),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(table.name, table.text);
    });
}

#[test]
fn no_snapshot_outlives_its_case_or_world() {
    let stale = unreferenced(&root(), &snapshots()).unwrap();
    assert!(stale.is_empty(), "nothing makes these snapshots any more; remove them: {stale:#?}");
}

/// A world with one key and one role, which uses the key through S3 in its Region; `more` stands at the world's end.
fn small(more: &str) -> PolicyRoot {
    let world = format!(
        r#"vars: {{ jobArn: "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456" }}
accounts: {{ ml: {{ id: "111122223333" }} }}
keys:
  eval: {{ account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json }}
roles:
  eval: {{ account: ml, policies: [policies/role.json] }}
{more}"#
    );
    let files = [("fixtures/w.yaml", world.as_str()), ("policies/key.json", KEY), ("policies/role.json", ROLE)];
    PolicyRoot::of_files("/nowhere", files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())))
}

const KEY: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" },
  { "Sid": "Bedrock", "Effect": "Allow", "Principal": { "Service": "bedrock.amazonaws.com" }, "Action": "kms:Decrypt", "Resource": "*",
    "Condition": { "StringLike": { "kms:EncryptionContext:evaluationJobArn": "arn:aws:bedrock:*:111122223333:evaluation-job/*" } } }
] }"#;

const ROLE: &str = r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Use", "Effect": "Allow",
  "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*",
  "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } } } }"#;

/// The lines of the table that say what may be done.
fn lines(root: &PolicyRoot) -> Vec<String> {
    let table = Table::of(root, "fixtures/w.yaml").map_err(|(_, findings)| format!("{findings:?}")).unwrap();
    let text = table.text();
    text.lines()
        .skip_while(|line| !line.is_empty())
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn refused(more: &str) -> (&'static str, String) {
    let (sources, findings) = Table::of(&small(more), "fixtures/w.yaml").unwrap_err();
    (findings[0].code, sources.place(findings[0].span().unwrap()))
}

#[test]
fn a_line_names_who_what_how_and_why() {
    let job = "evaluationJobArn=arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456";
    let by_job = "for arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456";
    assert_eq!(
        lines(&small("")),
        [
            "role/eval  key/eval  kms:Decrypt  via s3.us-east-1.amazonaws.com  allow  role#Use".to_owned(),
            "role/eval  key/eval  kms:DescribeKey  via s3.us-east-1.amazonaws.com  allow  role#Use".to_owned(),
            format!("service/bedrock  key/eval  kms:Decrypt  directly with {job}  allow  key#Bedrock"),
            format!("service/bedrock  key/eval  kms:Decrypt  {by_job} with {job}  allow  key#Bedrock"),
        ]
    );
}

#[test]
fn a_wider_policy_gains_lines_and_moves_no_other() {
    let wider = ROLE.replace("\"kms:DescribeKey\"", "\"kms:DescribeKey\", \"kms:Encrypt\"");
    let (before, after) = (lines(&small("")), lines(&small("").with_file("policies/role.json", &wider)));
    let gained: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert_eq!(gained, ["role/eval  key/eval  kms:Encrypt  via s3.us-east-1.amazonaws.com  allow  role#Use"]);
    assert!(before.iter().all(|line| after.contains(line)), "{after:#?}");
}

#[test]
fn a_door_open_to_the_world_is_seen() {
    let open = KEY.replace(r#"{ "Service": "bedrock.amazonaws.com" }"#, "\"*\"");
    let lines = lines(&small("").with_file("policies/key.json", &open));
    assert!(
        lines.iter().any(|line| line.starts_with("outsider") && line.ends_with("allow  key#Bedrock")),
        "{lines:#?}"
    );
}

#[test]
fn whoever_a_policy_names_is_asked_though_no_world_knows_them() {
    let named = |principal: &str| {
        let key = KEY.replace(r#"{ "Service": "bedrock.amazonaws.com" }"#, &format!("{{ \"AWS\": \"{principal}\" }}"));
        let all = lines(&small("").with_file("policies/key.json", &key));
        all.into_iter().filter(|line| !line.starts_with("role/")).collect::<Vec<_>>()
    };
    let job = "kms:Decrypt  directly with evaluationJobArn=arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456";
    for (principal, name) in [
        ("444455556666", "account/444455556666"),
        ("arn:aws:iam::444455556666:root", "account/444455556666"),
        ("arn:aws:iam::444455556666:role/x/partner", "arn:aws:iam::444455556666:role/x/partner"),
        ("arn:aws:iam::444455556666:user/ann", "arn:aws:iam::444455556666:user/ann"),
        ("arn:aws:sts::111122223333:assumed-role/eval/nightly", "arn:aws:sts::111122223333:assumed-role/eval/nightly"),
        ("arn:aws:iam::111122223333:role/unheard-of", "arn:aws:iam::111122223333:role/unheard-of"),
    ] {
        let lines = named(principal);
        let wanted = format!("{name}  key/eval  {job}  allow  key#Bedrock");
        assert!(lines.contains(&wanted), "{wanted}: {lines:#?}");
    }
    // The role of the key's own account has what names it, and not all that the account could give it.
    let own = named("arn:aws:iam::111122223333:role/unheard-of");
    assert!(own.iter().all(|line| line.contains("kms:Decrypt")), "{own:#?}");
}

#[test]
fn accounts_and_callers_of_conditions_are_asked() {
    for (key, value, name) in [
        ("aws:PrincipalAccount", "444455556666", "account/444455556666"),
        ("kms:CallerAccount", "444455556666", "account/444455556666"),
        ("aws:PrincipalArn", "arn:aws:iam::444455556666:role/team-*", "arn:aws:iam::444455556666:role/team-x"),
    ] {
        let condition = format!(r#""Condition": {{ "StringLike": {{ "{key}": "{value}" }} }} }} ] }}"#);
        let (before, _) = KEY.rsplit_once("\"Condition\"").unwrap();
        let policy = format!("{}{condition}", before.replace(r#"{ "Service": "bedrock.amazonaws.com" }"#, "\"*\""));
        let lines = lines(&small("").with_file("policies/key.json", &policy));
        let wanted = format!("{name}  key/eval  kms:Decrypt  every path  allow  key#Bedrock");
        assert!(lines.contains(&wanted), "{wanted}: {lines:#?}");
    }
}

#[test]
fn a_table_block_names_strangers() {
    let block = "table: { principals: [account/444455556666, 'arn:aws:iam::444455556666:role/partner', outsider] }";
    let open = KEY.replace(r#"{ "Service": "bedrock.amazonaws.com" }"#, r#"{ "AWS": "444455556666" }"#);
    let lines = lines(&small(block).with_file("policies/key.json", &open));
    let mut who: Vec<_> = lines.iter().filter_map(|line| line.split_once("  ").map(|(who, _)| who)).collect();
    who.dedup();
    assert_eq!(who, ["account/444455556666", "arn:aws:iam::444455556666:role/partner"], "{lines:#?}");
}

#[test]
fn each_value_of_a_condition_is_asked() {
    let two = KEY.replace("\"arn:aws:bedrock:*:111122223333:evaluation-job/*\"", r#"["first", "second"]"#);
    let lines = lines(&small("").with_file("policies/key.json", &two));
    for value in ["first", "second"] {
        assert!(
            lines.iter().any(|line| line.contains(&format!("directly with evaluationJobArn={value}"))),
            "{lines:#?}"
        );
    }
    let anything = |pair: &str| {
        let open = KEY.replace(
            "evaluationJobArn\": \"arn:aws:bedrock:*:111122223333:evaluation-job/*",
            &format!("{pair}\": \"*"),
        );
        let table = Table::of(&small("").with_file("policies/key.json", &open), "fixtures/w.yaml").unwrap();
        table.text().lines().find_map(|line| line.strip_prefix("encryption context  ").map(str::to_owned)).unwrap()
    };
    let job = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456";
    assert_eq!(anything("evaluationJobArn"), format!("evaluationJobArn={job}"));
    assert_eq!(anything("SecretARN"), format!("SecretARN={job}"));
    assert_eq!(anything("user"), "user=x");
}

#[test]
fn a_source_that_no_var_is_stands_for_itself() {
    let sources = r#""ArnLike": { "aws:SourceArn": ["arn:aws:bedrock:*:111122223333:evaluation-job/*", "arn:aws:bedrock:*:*:agent/*"] } } }"#;
    let (before, _) = KEY.rsplit_once("\"StringLike\"").unwrap();
    let root = small("").with_file("policies/key.json", &format!("{before}{sources} ] }}"));
    let paths: Vec<String> =
        Table::of(&root, "fixtures/w.yaml").unwrap().space.paths.iter().map(table::Path::base).collect();
    let mut sources: Vec<_> = paths.iter().filter(|path| path.starts_with("for ")).collect();
    sources.dedup();
    assert_eq!(
        sources,
        [
            "for arn:aws:bedrock:us-east-1:111122223333:agent/x",
            "for arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456"
        ]
    );
}

#[test]
fn an_answer_that_hangs_on_what_nobody_stated_is_never_certain() {
    let ticket =
        ROLE.replace("\"kms:ViaService\": \"s3.us-east-1.amazonaws.com\"", "\"aws:PrincipalTag/team\": \"ml\"");
    let lines = lines(&small("").with_file("policies/role.json", &ticket));
    let own: Vec<_> = lines.iter().filter(|line| line.starts_with("role/eval")).collect();
    assert!(!own.is_empty());
    for line in own {
        assert!(line.contains("unsure  implicit-deny  or allow: nobody stated aws:PrincipalTag/team"), "{line}");
    }
}

#[test]
fn explicit_denies_of_many_actions_are_one_line() {
    let denied = ROLE.replace("\"Allow\"", "\"Deny\"").replace("[\"kms:Decrypt\", \"kms:DescribeKey\"]", "\"kms:*\"");
    let lines = lines(&small("").with_file("policies/role.json", &denied));
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("role/eval")).collect::<Vec<_>>(),
        ["role/eval  key/eval  every action  via s3.us-east-1.amazonaws.com  explicit-deny  role#Use"]
    );
}

#[test]
fn a_table_block_stands_in_place_of_all_there_is() {
    let block = "table:\n  principals: [role/eval]\n  keys: [key/eval]\n  actions: [kms:Decrypt]\n  paths: [{}, { via: s3 }, { via: sqs }]\n";
    assert_eq!(
        lines(&small(block)),
        ["role/eval  key/eval  kms:Decrypt  via s3.us-east-1.amazonaws.com  allow  role#Use"]
    );
    let table = Table::of(&small(block), "fixtures/w.yaml").unwrap();
    assert_eq!(table.counts.values().sum::<usize>(), 3);
}

#[rstest]
#[case::unknown_part("table: { principal: [role/eval] }", "unknown-key", "fixtures/w.yaml:7:10")]
#[case::unknown_caller("table: { principals: [role/evil] }", "unknown-name", "fixtures/w.yaml:7:23")]
#[case::unknown_key("table: { keys: [key/evil] }", "unknown-name", "fixtures/w.yaml:7:17")]
#[case::unknown_action("table: { actions: ['kms:Decript'] }", "unknown-action", "fixtures/w.yaml:7:21")]
#[case::action_on_no_key("table: { actions: ['kms:ListKeys'] }", "wrong-resource-type", "fixtures/w.yaml:7:21")]
#[case::two_ways("table: { paths: [{ via: s3, for: \"{{jobArn}}\" }] }", "misplaced-key", "fixtures/w.yaml:7:35")]
#[case::no_callers("table: { principals: [] }", "empty-list", "fixtures/w.yaml:7:22")]
#[case::no_keys("table: { keys: [] }", "empty-list", "fixtures/w.yaml:7:16")]
#[case::no_actions("table: { actions: [] }", "empty-list", "fixtures/w.yaml:7:19")]
#[case::no_paths("table:\n  paths: []", "empty-list", "fixtures/w.yaml:8:10")]
#[case::no_arn("table: { paths: [{ for: job }] }", "invalid-arn", "fixtures/w.yaml:7:25")]
fn what_a_table_block_cannot_mean_is_told_at_its_place(#[case] more: &str, #[case] code: &str, #[case] place: &str) {
    assert_eq!(refused(more), (code, place.to_owned()));
}

#[test]
fn versions_are_asked_the_same_calls() {
    let narrower = ROLE.replace("[\"kms:Decrypt\", \"kms:DescribeKey\"]", "\"kms:Decrypt\"").replace("s3.us", "sqs.us");
    let (before, after) = (small(""), small("").with_file("policies/role.json", &narrower));
    let found = |before: &PolicyRoot, after: &PolicyRoot, changes: &[&str]| -> Vec<String> {
        let changes: Vec<_> = changes.iter().map(|change| (*change).to_owned()).collect();
        let found = differences(before, after, "fixtures/w.yaml", &changes).unwrap();
        found.lines.iter().map(|each| format!("{} {}", each.kind.word(), each.line())).collect()
    };
    assert_eq!(
        found(&before, &after, &[]),
        [
            "gained role/eval  key/eval  kms:Decrypt  via sqs.us-east-1.amazonaws.com  allow  role#Use",
            "lost role/eval  key/eval  kms:Decrypt  via s3.us-east-1.amazonaws.com  allow  role#Use",
            "lost role/eval  key/eval  kms:DescribeKey  via s3.us-east-1.amazonaws.com  allow  role#Use",
        ]
    );
    assert_eq!(found(&before, &before, &[]), [""; 0]);
    assert_eq!(found(&before, &before, &["detach role from role/eval"]).len(), 2);
    let renamed = small("").with_file("policies/role.json", &ROLE.replace("\"Use\"", "\"Uses\""));
    assert!(found(&before, &renamed, &[]).iter().all(|line| line.starts_with("changed ") && line.contains("now")));
}

#[test]
fn snapshots_of_what_is_gone_are_found() {
    let folder = std::env::temp_dir().join(format!("permitlab-stale-{}", std::process::id()));
    for name in
        ["cases/bedrock/flow.snap", "cases/bedrock/gone.snap", "tables/app.snap", "tables/gone.snap", "notes.txt"]
    {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let stale = unreferenced(&root(), &folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(stale, ["cases/bedrock/gone.snap", "tables/gone.snap"]);
    assert_eq!(unreferenced(&root(), &folder).unwrap(), [""; 0]);
}

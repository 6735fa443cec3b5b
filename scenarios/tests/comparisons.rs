//! Does a comparison of two versions show every gain, or name what it cannot show?

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use permitlab::root::PolicyRoot;
use permitlab::table::differences;
use rstest::rstest;

const WORLD: &str = r#"vars: { jobArn: "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc123def456" }
accounts: { ml: { id: "111122223333" } }
keys:
  eval: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json }
roles:
  eval: { account: ml, trust: policies/trust.json, policies: [policies/role.json, policies/s3.json] }
buckets:
  data: { account: ml, region: us-east-1 }
"#;
const KEY: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" },
  { "Sid": "Bedrock", "Effect": "Allow", "Principal": { "Service": "bedrock.amazonaws.com" }, "Action": "kms:Decrypt", "Resource": "*",
    "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*" } } } ] }"#;
const ROLE: &str = r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Use", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
  "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } } } }"#;
const S3: &str = r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*" } }"#;
const TRUST: &str = r#"{ "Version": "2012-10-17", "Statement": { "Sid": "Trust", "Effect": "Allow", "Principal": { "Service": "bedrock.amazonaws.com" },
  "Action": "sts:AssumeRole" } }"#;

fn root() -> PolicyRoot {
    let files = [
        ("fixtures/w.yaml", WORLD),
        ("policies/key.json", KEY),
        ("policies/role.json", ROLE),
        ("policies/s3.json", S3),
        ("policies/trust.json", TRUST),
    ];
    PolicyRoot::of_files("/nowhere", files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())))
}

/// The lines and what they do not explain.
fn compared(before: &PolicyRoot, after: &PolicyRoot, changes: &[&str]) -> (Vec<String>, Vec<String>) {
    let changes: Vec<_> = changes.iter().map(|change| (*change).to_owned()).collect();
    let found = differences(before, after, "fixtures/w.yaml", &changes).unwrap();
    assert!(found.calls > 0);
    (
        found.lines.iter().map(|each| format!("{} {}", each.kind.word(), each.line())).collect(),
        found.unexplained.iter().map(permitlab::table::Edit::line).collect(),
    )
}

/// A file with a part of it replaced, compared with the file as it stands.
fn edited(file: &str, text: &str, part: &str, by: &str) -> (Vec<String>, Vec<String>) {
    assert!(text.contains(part), "{part}");
    compared(&root(), &root().with_file(file, &text.replace(part, by)), &[])
}

#[track_caller]
fn shows((lines, unexplained): &(Vec<String>, Vec<String>), line: &str) {
    assert!(lines.iter().any(|each| each == line), "{line}: {lines:#?}");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

#[rstest]
#[case::account("444455556666", "account/444455556666")]
#[case::role("arn:aws:iam::444455556666:role/partner", "arn:aws:iam::444455556666:role/partner")]
#[case::user("arn:aws:iam::444455556666:user/ann", "arn:aws:iam::444455556666:user/ann")]
#[case::session(
    "arn:aws:sts::444455556666:assumed-role/partner/nightly",
    "arn:aws:sts::444455556666:assumed-role/partner/nightly"
)]
fn a_principal_that_is_added_gains(#[case] principal: &str, #[case] name: &str) {
    let own = "\"arn:aws:iam::111122223333:root\"";
    let found = edited("policies/key.json", KEY, own, &format!("[{own}, \"{principal}\"]"));
    shows(&found, &format!("gained {name}  key/eval  kms:Decrypt  every path  allow  key#Account"));
    assert!(found.0.iter().all(|line| line.starts_with(&format!("gained {name}  "))), "{:#?}", found.0);
}

#[rstest]
#[case::region(
    "us-east-1:111122223333:evaluation-job/*",
    "*:111122223333:evaluation-job/*",
    "ap-south-1:111122223333:evaluation-job/x"
)]
#[case::account("111122223333:evaluation-job/*", "*:evaluation-job/*", "us-east-1:999999999999:evaluation-job/x")]
#[case::kind("evaluation-job/*", "*", "us-east-1:111122223333:x/x")]
#[case::second(
    "\"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*\"",
    "[\"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*\", \"arn:aws:bedrock:us-east-1:444455556666:agent/*\"]",
    "us-east-1:444455556666:agent/x"
)]
fn a_wider_source_gains_though_a_var_holds_a_job(#[case] part: &str, #[case] by: &str, #[case] source: &str) {
    let found = edited("policies/key.json", KEY, part, by);
    let line =
        format!("gained service/bedrock  key/eval  kms:Decrypt  for arn:aws:bedrock:{source}  allow  key#Bedrock");
    let (lines, unexplained) = &found;
    assert!(lines.iter().any(|each| each.replace("every path", "") == line), "{line}: {lines:#?}");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

#[rstest]
#[case::region("s3.*.amazonaws.com", "s3.ap-south-1.amazonaws.com")]
#[case::service("*.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com")]
fn a_host_with_a_wildcard_gains(#[case] by: &str, #[case] host: &str) {
    let like = ROLE.replace("StringEquals", "StringLike");
    let before = root().with_file("policies/role.json", &like);
    let after = root().with_file("policies/role.json", &like.replace("s3.us-east-1.amazonaws.com", by));
    let found = compared(&before, &after, &[]);
    shows(&found, &format!("gained role/eval  key/eval  kms:Decrypt  via {host}  allow  role#Use"));
}

#[rstest]
#[case::second(
    "\"kms:ViaService\": \"s3.us-east-1.amazonaws.com\"",
    "\"kms:EncryptionContext:team\": \"a\"",
    "[\"a\", \"b\"]",
    "directly with team=b"
)]
#[case::open(
    "\"kms:ViaService\": \"s3.us-east-1.amazonaws.com\"",
    "\"kms:EncryptionContext:team\": \"a\"",
    "\"*\"",
    "directly with team=other"
)]
fn a_wider_encryption_context_gains(#[case] part: &str, #[case] by: &str, #[case] wider: &str, #[case] path: &str) {
    let like = ROLE.replace("StringEquals", "StringLike").replace(part, by);
    let before = root().with_file("policies/role.json", &like);
    let after = root().with_file("policies/role.json", &like.replace("\"a\"", wider));
    let found = compared(&before, &after, &[]);
    let wanted = format!("gained role/eval  key/eval  kms:Decrypt  {path}  allow  role#Use");
    shows(&found, &wanted);
}

#[rstest]
#[case::organization(
    "\"aws:PrincipalOrgID\": \"o-one\"",
    "\"o-one\"",
    "[\"o-one\", \"o-two\"]",
    "aws:PrincipalOrgID=o-two"
)]
#[case::tag("\"aws:PrincipalTag/team\": \"ml\"", "\"ml\"", "\"*\"", "aws:PrincipalTag/team=other")]
#[case::address("\"aws:PrincipalTag/team\": \"ml\"", "\"ml\"", "\"m*\"", "aws:PrincipalTag/team=mx")]
fn a_key_that_nobody_stated_is_stated(
    #[case] condition: &str,
    #[case] part: &str,
    #[case] by: &str,
    #[case] stated: &str,
) {
    let like = ROLE
        .replace("StringEquals", "StringLike")
        .replace("\"kms:ViaService\": \"s3.us-east-1.amazonaws.com\"", condition);
    let before = root().with_file("policies/role.json", &like);
    let after = root().with_file("policies/role.json", &like.replace(part, by));
    let found = compared(&before, &after, &[]);
    shows(&found, &format!("gained role/eval  key/eval  kms:Decrypt  directly where {stated}  allow  role#Use"));
}

#[test]
fn a_statement_that_hangs_on_a_key_names_a_value_that_opens_it() {
    let tag = ROLE.replace("\"kms:ViaService\": \"s3.us-east-1.amazonaws.com\"", "\"aws:PrincipalTag/team\": \"ml\"");
    let (lines, unexplained) = compared(&root(), &root().with_file("policies/role.json", &tag), &[]);
    for line in [
        "gained role/eval  key/eval  kms:Decrypt  directly  unsure  implicit-deny  or allow: nobody stated aws:PrincipalTag/team",
        "gained role/eval  key/eval  kms:Decrypt  directly where aws:PrincipalTag/team=ml  allow  role#Use",
        "lost role/eval  key/eval  kms:Decrypt  via s3.us-east-1.amazonaws.com  allow  role#Use",
    ] {
        assert!(lines.iter().any(|each| each == line), "{line}: {lines:#?}");
    }
    assert_eq!(unexplained, [""; 0]);
}

#[test]
fn addresses_and_source_accounts_are_stated() {
    let ip = ROLE
        .replace("StringEquals", "IpAddress")
        .replace("\"kms:ViaService\": \"s3.us-east-1.amazonaws.com\"", "\"aws:SourceIp\": \"10.1.2.0/24\"");
    let before = root().with_file("policies/role.json", &ip);
    let after = root().with_file("policies/role.json", &ip.replace("/24", "/16"));
    shows(
        &compared(&before, &after, &[]),
        "gained role/eval  key/eval  kms:Decrypt  directly where aws:SourceIp=10.1.0.0  allow  role#Use",
    );
    let account = KEY.replace("ArnLike", "StringEquals").replace(
        "aws:SourceArn\": \"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*",
        "aws:SourceAccount\": \"111122223333",
    );
    let before = root().with_file("policies/key.json", &account);
    let wider = account.replace(
        "\"aws:SourceAccount\": \"111122223333\"",
        "\"aws:SourceAccount\": [\"111122223333\", \"444455556666\"]",
    );
    shows(
        &compared(&before, &root().with_file("policies/key.json", &wider), &[]),
        "gained service/bedrock  key/eval  kms:Decrypt  directly where aws:SourceAccount=444455556666  allow  key#Bedrock",
    );
}

#[test]
fn an_account_that_a_statement_newly_trusts_has_people() {
    let found = edited(
        "policies/key.json",
        KEY,
        "\"arn:aws:iam::111122223333:root\"",
        "\"arn:aws:iam::111122223333:role/eval\"",
    );
    let line = "lost account/111122223333  key/eval  kms:Encrypt  every path  allow  key#Account";
    assert!(found.0.iter().any(|each| each == line), "{:#?}", found.0);
}

#[rstest]
#[case::s3("policies/s3.json", S3, "s3:GetObject", "s3:*", "s3#[0]  changed  policies/s3.json:1:41")]
#[case::trust(
    "policies/trust.json",
    TRUST,
    "\"bedrock.amazonaws.com\"",
    "[\"bedrock.amazonaws.com\", \"ec2.amazonaws.com\"]",
    "trust#Trust  changed  policies/trust.json:1:41"
)]
#[case::condition_no_call_meets(
    "policies/role.json",
    ROLE,
    "\"Resource\": \"*\"",
    "\"Resource\": [\"*\", \"arn:aws:kms:eu-west-1:111122223333:key/*\"]",
    "role#Use  changed  policies/role.json:1:41"
)]
fn what_no_line_explains_is_named(
    #[case] file: &str,
    #[case] text: &str,
    #[case] part: &str,
    #[case] by: &str,
    #[case] edit: &str,
) {
    let (lines, unexplained) = edited(file, text, part, by);
    assert_eq!(lines, [""; 0]);
    assert_eq!(unexplained, [edit]);
}

#[test]
fn statements_that_come_and_go_are_named() {
    let more = r#"{ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*" },
  { "Sid": "Lists", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data" }] }"#;
    let after = root().with_file("policies/s3.json", more);
    assert_eq!(compared(&root(), &after, &[]), (vec![], vec!["s3#Lists  added  policies/s3.json:2:3".to_owned()]));
    assert_eq!(compared(&after, &root(), &[]), (vec![], vec!["s3#Lists  removed  policies/s3.json:2:3".to_owned()]));
    let (lines, unexplained) = compared(&root(), &root(), &["detach s3 from role/eval"]);
    assert_eq!((lines, unexplained), (vec![], vec!["s3#[0]  removed  policies/s3.json:1:41".to_owned()]));
    let source = "arn:aws:bedrock:us-east-1:111122223333:agent/none";
    let grant = format!(
        "add grant to key/eval {{ \"grantee_service_principal\": \"service/bedrock\", \"operations\": [\"Encrypt\"], \"retiring_principal\": \"role/eval\", \
         \"constraints\": {{ \"source_arn\": \"{source}\" }} }}"
    );
    let (lines, unexplained) = compared(&root(), &root(), &[&grant]);
    assert!(lines.iter().any(|line| line.contains("key/eval[0]")), "{lines:#?}");
    assert_eq!(unexplained, [""; 0]);
}

#[test]
fn a_policy_that_is_attached_elsewhere_is_named() {
    let world = format!("{WORLD}users:\n  ann: {{ account: ml, policies: [] }}\n");
    let with = world.replace("ann: { account: ml, policies: []", "ann: { account: ml, policies: [policies/s3.json]");
    let (before, after) = (root().with_file("fixtures/w.yaml", &world), root().with_file("fixtures/w.yaml", &with));
    assert_eq!(compared(&before, &after, &[]), (vec![], vec!["s3 at user/ann  attached".to_owned()]));
    assert_eq!(compared(&after, &before, &[]), (vec![], vec!["s3 at user/ann  detached".to_owned()]));
    let uses = world.replace("ann: { account: ml, policies: []", "ann: { account: ml, policies: [policies/role.json]");
    let (lines, unexplained) = compared(&before, &root().with_file("fixtures/w.yaml", &uses), &[]);
    assert_eq!(lines, ["gained user/ann  key/eval  kms:Decrypt  via s3.us-east-1.amazonaws.com  allow  role#Use"]);
    assert_eq!(unexplained, [""; 0]);
}

#[rstest]
#[case::sid("\"Sid\": \"Trust\"", "\"Sid\": \"Takers\"")]
#[case::list("\"sts:AssumeRole\"", "[\"sts:assumerole\", \"sts:AssumeRole\"]")]
#[case::order(
    "\"Effect\": \"Allow\", \"Principal\": { \"Service\": \"bedrock.amazonaws.com\" }",
    "\"Principal\": { \"Service\": [\"bedrock.amazonaws.com\"] }, \"Effect\": \"Allow\""
)]
fn what_means_the_same_is_not_named(#[case] part: &str, #[case] by: &str) {
    assert_eq!(edited("policies/trust.json", TRUST, part, by), (vec![], vec![]));
}

#[test]
fn statements_in_another_order_mean_the_same() {
    let (head, rest) = KEY.split_once("[\n").unwrap();
    let (first, second) = rest.split_once(",\n  { \"Sid\": \"Bedrock\"").unwrap();
    let second = second.strip_suffix(" ] }").unwrap();
    let turned = format!("{head}[\n  {{ \"Sid\": \"Bedrock\"{second},\n{first} ] }}");
    assert_eq!(compared(&root(), &root().with_file("policies/key.json", &turned), &[]), (vec![], vec![]));
}

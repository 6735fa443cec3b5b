//! What checks exercise of policies, on a root of its own and on the bundled one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test is not about may end it")]

use permitlab::coverage::{Coverage, Kind, Mark, Part, cover};
use permitlab::replay::Options;
use permitlab::root::PolicyRoot;

const WORLD: &str = r#"accounts: { ml: { id: "111122223333" } }
keys:
  eval: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json }
roles:
  eval: { account: ml, policies: [policies/role.json] }
"#;
const KEY: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" },
  { "Sid": "Bedrock", "Effect": "Allow", "Principal": { "Service": "bedrock.amazonaws.com" },
    "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*",
    "Condition": { "StringEquals": { "kms:EncryptionContext:job": "a" } } }
] }"#;
const ROLE: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Use", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": "*",
    "Condition": { "StringEquals": { "kms:ViaService": ["s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"] } } },
  { "Sid": "Look", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*" }
] }"#;

fn covered(checks: &str) -> Coverage {
    let case = format!("scenario: A role uses a key\nuse: [fixtures/w.yaml]\nsource: test\nchecks:\n{checks}");
    let files = [
        ("permitlab.toml", ""),
        ("fixtures/w.yaml", WORLD),
        ("policies/key.json", KEY),
        ("policies/role.json", ROLE),
        ("cases/a.yaml", case.as_str()),
    ];
    let root = PolicyRoot::of_files("/nowhere", files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    let coverage = cover(&root, &["cases/a.yaml".to_owned()], &Options::default()).unwrap();
    assert!(coverage.invalid.is_empty(), "{:?}", coverage.invalid);
    coverage
}

fn parts(coverage: &Coverage) -> impl Iterator<Item = &Part> {
    coverage.policies.iter().flat_map(|policy| &policy.parts)
}

#[track_caller]
fn mark(coverage: &Coverage, kind: Kind, text: &str) -> Mark {
    let found: Vec<_> = parts(coverage).filter(|part| part.kind == kind && part.text == text).map(Part::mark).collect();
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found[0]
}

const THROUGH_S3: &str =
    "  - { name: s3, by: role/eval, via: s3, call: kms:Decrypt, resource: key/eval, expect: allow }\n";
const DIRECT: &str =
    "  - { name: direct, by: role/eval, call: kms:Decrypt, resource: key/eval, expect: implicit-deny }\n";

#[test]
fn an_operand_is_covered_when_it_was_seen_both_ways() {
    let one_way = covered(THROUGH_S3);
    assert_eq!(mark(&one_way, Kind::Operand, "s3.us-east-1.amazonaws.com"), Mark::Partly);
    assert_eq!(mark(&one_way, Kind::Operand, "sqs.us-east-1.amazonaws.com"), Mark::Partly);
    let both = covered(&format!("{THROUGH_S3}{DIRECT}"));
    assert_eq!(mark(&both, Kind::Operand, "s3.us-east-1.amazonaws.com"), Mark::Covered);
    assert_eq!(mark(&both, Kind::Operand, "sqs.us-east-1.amazonaws.com"), Mark::Partly);
    let sqs = parts(&both).find(|part| part.text.starts_with("sqs")).unwrap();
    assert_eq!(sqs.missing(), "never matches");
}

#[test]
fn a_statement_is_covered_when_it_decided_or_let_pass() {
    let coverage = covered(THROUGH_S3);
    assert_eq!(mark(&coverage, Kind::Statement, "Use"), Mark::Covered);
    assert_eq!(mark(&coverage, Kind::Statement, "Account"), Mark::Covered);
    assert_eq!(mark(&coverage, Kind::Statement, "Look"), Mark::Not);
    // What matches every action of a key cannot be seen failing.
    assert_eq!(mark(&coverage, Kind::Action, "kms:*"), Mark::Covered);
    assert_eq!(mark(&coverage, Kind::Action, "kms:Encrypt"), Mark::Partly);
}

#[test]
fn what_the_linter_proves_dead_counts_apart_by_name() {
    let coverage = covered(THROUGH_S3);
    let dead: Vec<_> =
        parts(&coverage).filter_map(|part| Some((part.text.as_str(), part.statement.as_str(), part.dead?))).collect();
    assert_eq!(dead, [("kms:DescribeKey", "key#Bedrock", "dead-permission")]);
    assert_eq!(coverage.counts().dead, 1);
}

#[test]
fn a_statement_that_a_change_edited_is_another() {
    let coverage = covered(
        "  - { name: direct, change: ['remove role#Use/Condition'], by: role/eval, call: kms:Decrypt, resource: key/eval, expect: allow }\n",
    );
    assert_eq!(mark(&coverage, Kind::Statement, "Use"), Mark::Not);
    assert_eq!(mark(&coverage, Kind::Statement, "Account"), Mark::Covered);
}

#[test]
fn checks_that_fail_cover_nothing() {
    let coverage = covered(&DIRECT.replace("implicit-deny", "allow"));
    assert_eq!(coverage.failed, ["a::direct"]);
    assert_eq!(coverage.counts().covered, 0);
}

#[test]
fn the_margin_says_what_became_of_each_line() {
    let service =
        "  - { name: service, by: service/bedrock, call: kms:Decrypt, resource: key/eval, expect: implicit-deny }\n";
    let coverage = covered(&format!("{THROUGH_S3}{service}"));
    let key = &coverage.policies[0];
    let margin: Vec<String> = key.source().lines().map(|line| line.chars().take(1).collect()).collect();
    assert_eq!(
        (key.file.as_str(), margin.as_slice()),
        ("policies/key.json", ["+", "+", "~", "~"].map(str::to_owned).as_slice())
    );
    assert_eq!(key.place(&key.parts[0]), "policies/key.json:2:3");
}

#[test]
fn every_bundled_statement_and_operand_is_exercised() {
    let root = PolicyRoot::at(env!("CARGO_MANIFEST_DIR"));
    let coverage = cover(&root, &root.case_files().unwrap(), &Options::default()).unwrap();
    assert!(coverage.failed.is_empty() && coverage.invalid.is_empty(), "{:?}", coverage.failed);
    let is_asked_for = |part: &&Part| matches!(part.kind, Kind::Statement | Kind::Operand);
    let is_missing = |part: &&Part| matches!(part.mark(), Mark::Partly | Mark::Not);
    let missing = coverage.policies.iter().flat_map(|policy| {
        let missing = policy.parts.iter().filter(is_asked_for).filter(is_missing);
        missing.map(|part| format!("{} {} {}: {}", policy.place(part), part.statement, part.text, part.missing()))
    });
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "write checks that exercise these:\n{}", missing.join("\n"));
}

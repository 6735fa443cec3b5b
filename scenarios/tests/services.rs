//! Which checks and worlds of STS, S3, IAM and other services are refused, since their answer would be a guess?

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use std::fs;
use std::path::Path;

use permitlab::replay::{Options, replay};
use permitlab::root::PolicyRoot;
use rstest::rstest;

const WORLD: &str = r#"
accounts: { app: { id: "111122223333" } }
keys:
  data:
    account: app
    region: us-east-1
    id: 1111aaaa-11aa-22bb-33cc-111111aaaaaa
    policy: |
      { "Statement": { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "kms:Decrypt", "Resource": "*" } }
roles:
  app: { account: app, policies: [] }
  vague: { account: app, policies: [] }
  trusting:
    account: app
    trust: |
      { "Statement": { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:*" } }
users: { bob: { account: app } }
buckets: { logs: { account: app, region: us-east-1, key: key/data } }
resources: { queue: { arn: "arn:aws:sqs:us-east-1:111122223333:stated" } }
"#;

/// What is wrong with a check in a world: codes and the text each points at.
fn findings(name: &str, world: &str, check: &str) -> Vec<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("services-{name}"));
    fs::create_dir_all(folder.join("cases")).unwrap();
    fs::write(folder.join("permitlab.toml"), "").unwrap();
    fs::write(folder.join("world.yaml"), world).unwrap();
    let text = format!("scenario: s\nuse: [world.yaml]\nchecks:\n  - {{ name: n, {check}, expect: implicit-deny }}\n");
    fs::write(folder.join("cases/case.yaml"), text).unwrap();
    let replayed = replay(&PolicyRoot::at(&folder), "cases/case.yaml", &Options::default());
    let slice = |span| replayed.sources.slice(span).to_owned();
    assert!(replayed.findings.iter().all(|finding| finding.help.is_some()));
    replayed.findings.iter().map(|finding| (finding.code, finding.span().map(slice).unwrap_or_default())).collect()
}

#[rstest]
#[case::queue_nobody_spoke_of(
    "by: role/app, call: sqs:SendMessage, resource: arn:aws:sqs:us-east-1:111122223333:jobs",
    Some(("unsupported-resource-policy", "arn:aws:sqs:us-east-1:111122223333:jobs"))
)]
#[case::queue_without_a_policy("by: role/app, call: sqs:SendMessage, resource: resource/queue", None)]
#[case::queue_by_its_arn(
    "by: role/app, call: sqs:SendMessage, resource: arn:aws:sqs:us-east-1:111122223333:stated",
    None
)]
#[case::queue_of_another_account(
    "by: role/app, call: sqs:SendMessage, resource: arn:aws:sqs:us-east-1:444455556666:jobs",
    None
)]
#[case::service_and_a_queue(
    "by: service/s3, call: sqs:SendMessage, resource: arn:aws:sqs:us-east-1:111122223333:jobs",
    Some(("unsupported-resource-policy", "arn:aws:sqs:us-east-1:111122223333:jobs"))
)]
#[case::volume("by: role/app, call: ec2:DeleteVolume, resource: arn:aws:ec2:us-east-1:111122223333:volume/vol-1", None)]
#[case::bucket("by: role/app, call: s3:GetObject, resource: bucket/logs/a", None)]
#[case::unknown_bucket(
    "by: role/app, call: s3:GetObject, resource: bucket/log/a",
    Some(("unknown-name", "bucket/log/a"))
)]
#[case::unknown_bucket_by_arn(
    "by: role/app, call: s3:GetObject, resource: \"arn:aws:s3:::log/a\"",
    Some(("unknown-bucket", "arn:aws:s3:::log/a"))
)]
#[case::bucket_that_is_made("by: role/app, call: s3:CreateBucket, resource: \"arn:aws:s3:::new\"", None)]
#[case::role_in_place_of_a_bucket(
    "by: role/app, call: s3:GetObject, resource: role/app",
    Some(("wrong-resource-type", "role/app"))
)]
#[case::trust_policy_nobody_stated(
    "by: role/app, call: sts:AssumeRole, resource: role/vague",
    Some(("missing-trust-policy", "role/vague"))
)]
#[case::role_nobody_knows(
    "by: role/app, call: sts:AssumeRole, resource: arn:aws:iam::111122223333:role/other",
    Some(("unknown-role", "arn:aws:iam::111122223333:role/other"))
)]
#[case::no_role("by: role/app, call: sts:AssumeRole", Some(("missing-key", "sts:AssumeRole")))]
#[case::bucket_in_place_of_a_role(
    "by: role/app, call: sts:AssumeRole, resource: bucket/logs",
    Some(("wrong-resource-type", "bucket/logs"))
)]
#[case::signed_call_with_a_token(
    "by: role/app, call: sts:AssumeRoleWithWebIdentity, resource: role/trusting",
    Some(("wrong-caller", "role/app"))
)]
#[case::token_for_another_call(
    "by: federated/accounts.google.com, call: s3:GetObject, resource: bucket/logs/a",
    Some(("wrong-caller", "federated/accounts.google.com"))
)]
#[case::federated_user_of_nobody(
    "by: federated-user/alice/s, call: s3:GetObject, resource: bucket/logs/a",
    Some(("unknown-name", "federated-user/alice/s"))
)]
#[case::federated_user_without_a_session(
    "by: federated-user/bob, call: s3:GetObject, resource: bucket/logs/a",
    Some(("invalid-caller", "federated-user/bob"))
)]
#[case::federated_user("by: federated-user/bob/s, call: s3:GetObject, resource: bucket/logs/a", None)]
#[case::list_of_queues_without_a_region("by: role/app, call: sqs:ListQueues", Some(("missing-key", "sqs:ListQueues")))]
#[case::encryption_context_of_another_service(
    "by: role/app, call: s3:GetObject, resource: bucket/logs/a, encryption_context: { a: b }",
    Some(("needless-encryption-context", "a"))
)]
fn checks(#[case] check: &str, #[case] expected: Option<(&'static str, &str)>) {
    let name: String = check.chars().filter(char::is_ascii_alphanumeric).collect();
    let found = findings(&name, WORLD, check);
    let found: Vec<_> = found.iter().map(|(code, place)| (*code, place.as_str())).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
}

#[rstest]
#[case::key_of_a_bucket("key: key/data }", "key: key/date }", ("unknown-name", "key/date"))]
#[case::name_of_a_bucket("region: us-east-1, key", "region: us-east-1, name: logs/a, key", ("invalid-bucket", "logs/a"))]
#[case::unique_id("roles:\n  app: { account: app,", "roles:\n  app: { account: app, unique_id: AIDAEXAMPLE1111111111,", ("invalid-unique-id", "AIDAEXAMPLE1111111111"))]
#[case::bucket_as_a_resource("arn:aws:sqs:us-east-1:111122223333:stated", "arn:aws:s3:::b", ("misplaced-resource", "arn:aws:s3:::b"))]
#[case::resource_without_an_account("arn:aws:sqs:us-east-1:111122223333:stated", "arn:aws:apigateway:us-east-1::/restapis/a", ("missing-key", "arn:aws:apigateway:us-east-1::/restapis/a"))]
#[case::canonical_id_twice(
    "{ app: { id: \"111122223333\" } }",
    "{ app: { id: \"111122223333\", canonical_user_id: c1 }, b: { id: \"444455556666\", canonical_user_id: c1 } }",
    ("duplicate-name", "c1")
)]
fn worlds(#[case] text: &str, #[case] instead: &str, #[case] expected: (&'static str, &str)) {
    let world = WORLD.replace(text, instead);
    assert_ne!(world, WORLD);
    let found = findings(expected.0, &world, "by: role/app, call: s3:GetObject, resource: bucket/logs/a");
    let found: Vec<_> = found.iter().map(|(code, place)| (*code, place.as_str())).collect();
    assert_eq!(found.first(), Some(&expected), "{found:?}");
}

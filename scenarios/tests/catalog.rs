//! What does a check or a flow hear of a service, action or resource type that AWS does not have?

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot prepare its files fails")]

use permitlab::replay::{Options, replay};
use permitlab::root::PolicyRoot;
use permitlab_evaluator::source::Position;
use rstest::rstest;

const WORLD: &str = r#"
accounts: { a: { id: "111122223333" } }
keys:
  k:
    account: a
    region: us-east-1
    id: 1234abcd-12ab-34cd-56ef-1234567890ab
    policy: |
      {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}
roles: { r: { account: a, policies: [] } }
"#;

/// The finding about a check of these members, which are in lines of their own from the fifth on: its code, line,
/// column and help.
#[track_caller]
fn finding(test: &str, members: &[&str], flow: &str) -> Option<(&'static str, usize, usize, String)> {
    let folder = std::env::temp_dir().join(format!("permitlab-catalog-{}-{test}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("fixtures/w.yaml", WORLD);
    write("flows/f.yaml", flow);
    let members = members.join("\n    ");
    write("cases/c.yaml", &format!("scenario: s\nuse: [fixtures/w.yaml]\nchecks:\n  - name: c\n    {members}\n"));
    let replayed = replay(&PolicyRoot::at(&folder), "cases/c.yaml", &Options::default());
    std::fs::remove_dir_all(&folder).unwrap();
    match replayed.findings.as_slice() {
        [] => None,
        [finding] => {
            let Position { line, column } = replayed.sources.position(finding.span().unwrap());
            Some((finding.code, line, column, finding.help.clone().unwrap_or_default()))
        }
        findings => panic!("{findings:#?}"),
    }
}

#[track_caller]
fn check(test: &str, members: &[&str], expected: Option<(&str, usize, usize, &str)>) {
    let members: Vec<_> = members.iter().copied().chain(["expect: allow"]).collect();
    let found = finding(test, &members, "flow: f\nsource: none\nneeds: {}\nsteps: []\n");
    let found = found.as_ref().map(|(code, line, column, help)| (*code, *line, *column, help.as_str()));
    assert_eq!(found, expected);
}

#[rstest]
#[case::service("kmz:Decrypt", ("unknown-service", 6, 11, "did you mean `kms:Decrypt`?"))]
#[case::service_like_nothing(
    "teleportation:Beam",
    ("unknown-service", 6, 11, "write the service prefix of AWS's Service Authorization Reference, as in `kms:Decrypt`")
)]
#[case::action("s3:GetObjekt", ("unknown-action", 6, 11, "did you mean `s3:GetObject`?"))]
#[case::action_like_nothing(
    "s3:Teleport",
    ("unknown-action", 6, 11, "AWS's Service Authorization Reference lists the actions of Amazon S3")
)]
#[case::api_operation_of_kms("kms:ReEncrypt", ("unknown-action", 6, 11, "check the flow `kms.re-encrypt`, which asks for both permissions, or `kms:ReEncryptFrom` and `kms:ReEncryptTo` one by one"))]
#[case::form("kmsDecrypt", ("unknown-action-form", 6, 11, "did you mean `kms:Decrypt`?"))]
fn names_of_calls(#[case] call: &str, #[case] expected: (&str, usize, usize, &str)) {
    check(&call.replace(':', "-"), &["by: role/r", &format!("call: {call}")], Some(expected));
}

#[rstest]
#[case::bucket(
    "s3:GetObject",
    "arn:aws:s3:::bucket",
    "it is called on a resource of type `accesspointobject`, `arn:${Partition}:s3:${Region}:${Account}:accesspoint/${AccessPointName}/\
     object/${ObjectName}`, or a resource of type `object`, `arn:${Partition}:s3:::${BucketName}/${ObjectName}`"
)]
#[case::key(
    "sts:AssumeRole",
    "key/k",
    "it is called on a resource of type `role`, `arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}`"
)]
#[case::role(
    "kms:DescribeKey",
    "role/r",
    "it is called on a resource of type `key`, `arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}`"
)]
#[case::nothing("s3:ListAllMyBuckets", "arn:aws:s3:::bucket", "remove `resource:`; policies must allow it on `*`")]
fn resources_of_calls(#[case] call: &str, #[case] resource: &str, #[case] help: &str) {
    let lines = ["by: role/r", &format!("call: {call}"), &format!("resource: {resource}")];
    check(&format!("resource-{}", call.replace(':', "-")), &lines, Some(("wrong-resource-type", 7, 15, help)));
}

#[rstest]
#[case::prefix("s3", None)]
#[case::no_prefix("directoryservice", None)]
#[case::host_of_its_own("someday.us-east-1.amazonaws.com", None)]
#[case::unknown(
    "bedrok",
    Some(("unknown-service", 8, 10, "did you mean `bedrock`? A whole host name is taken as it stands"))
)]
#[case::like_nothing(
    "teleportation",
    Some((
        "unknown-service",
        8,
        10,
        "write the whole host name, `teleportation.us-east-1.amazonaws.com`, if AWS has such a service"
    ))
)]
fn services_that_forward(#[case] via: &str, #[case] expected: Option<(&str, usize, usize, &str)>) {
    let lines = ["by: role/r", "call: kms:Decrypt", "resource: key/k", &format!("via: {via}")];
    check(&format!("via-{via}"), &lines, expected);
}

#[rstest]
#[case::prefix("bedrock", None)]
#[case::with_a_dot("delivery.logs", None)]
#[case::host_of_its_own("someday.us-east-1.amazonaws.com", None)]
#[case::unknown(
    "bedrok",
    Some(("unknown-service", 5, 9, "did you mean `service/bedrock`? A whole host name is taken as it stands"))
)]
#[case::like_nothing(
    "teleportation",
    Some((
        "unknown-service", 5, 9,
        "write the whole host name, `service/teleportation.amazonaws.com`, if AWS has such a service"
    ))
)]
fn services_that_call(#[case] name: &str, #[case] expected: Option<(&str, usize, usize, &str)>) {
    let lines = [&format!("by: service/{name}"), "call: kms:Decrypt", "resource: key/k"];
    check(&format!("by-{name}"), &lines, expected);
}

#[rstest]
#[case::service("by: service/bedrok", "call: kms:Decrypt", ("unknown-service", 5))]
#[case::action("by: role/r", "call: s3:GetObjekt", ("unknown-action", 5))]
fn steps_of_flows(#[case] by: &str, #[case] call: &str, #[case] expected: (&str, usize)) {
    let flow = format!(
        "flow: f\nsource: none\nneeds: {{}}\nsteps:\n  - {{ id: one, {by}, {call}, resource: key/k, evidence: documented }}\n"
    );
    let found = finding(&format!("flow-{}", expected.0), &["flow: f", "with: {}", "expect: allow"], &flow);
    assert_eq!(found.map(|(code, line, _, _)| (code, line)), Some(expected));
}

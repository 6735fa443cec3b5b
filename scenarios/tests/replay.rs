//! What a replay says of a file as a whole, beyond its checks.

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use std::fs;
use std::path::Path;

use permitlab::replay::{Options, Outcome, Replayed, replay};
use permitlab::root::PolicyRoot;
use rstest::rstest;

const WORLD: &str = r#"
accounts: { app: { id: "111122223333" } }
keys:
  app:
    account: app
    region: us-east-1
    id: 1111aaaa-11aa-22bb-33cc-111111aaaaaa
    policy: |
      { "Statement": { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "kms:Decrypt", "Resource": "*" } }
roles: { app: { account: app, policies: [] } }
buckets: { b: { account: app, region: us-east-1 } }
"#;

const FLOW: &str = r#"
flow: f
needs:
  caller: caller
  role: { type: role, default: role/app }
  key: { type: key, default: key/app }
  alias: { type: alias, default: alias/new }
  bucket: { type: bucket, default: "arn:aws:s3:::b" }
  job: { type: arn, default: "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/a" }
  account: { type: account, default: account/app }
  service: { type: service, default: service/bedrock }
steps:
  - { id: s, by: "{{caller}}", call: "kms:Decrypt", resource: "{{key}}", evidence: documented }
"#;

const OPTIONAL: &str = "caller: { type: caller, optional: true }";

/// The codes and places of what is wrong with a file of one check.
fn findings(name: &str, check: &str, options: &Options) -> Vec<(&'static str, usize)> {
    let replayed = replayed(name, check, options);
    let place = |span| replayed.sources.position(span).line;
    replayed.findings.iter().map(|finding| (finding.code, finding.span().map_or(0, place))).collect()
}

/// The codes of what is wrong with the one check of a file; none where it passed, `skipped` where it was not asked.
fn problems(name: &str, check: &str, options: &Options) -> Vec<&'static str> {
    let replayed = replayed(name, check, options);
    assert!(replayed.findings.is_empty(), "{:?}", replayed.findings);
    assert_eq!(replayed.checks.len(), 1);
    match &replayed.checks.first().unwrap().outcome {
        Outcome::Passed => Vec::new(),
        Outcome::Failed(problems) => problems.iter().map(|problem| problem.code).collect(),
        Outcome::Skipped(_) => vec!["skipped"],
    }
}

fn replayed(name: &str, check: &str, options: &Options) -> Replayed {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("cases")).unwrap();
    fs::write(folder.join("permitlab.toml"), "").unwrap();
    fs::write(folder.join("world.yaml"), WORLD).unwrap();
    fs::create_dir_all(folder.join("flows")).unwrap();
    fs::write(folder.join("flows/f.yaml"), FLOW).unwrap();
    fs::write(folder.join("flows/g.yaml"), FLOW.replace("flow: f", "flow: g").replace("caller: caller", OPTIONAL))
        .unwrap();
    let text = format!("scenario: s\nuse: [world.yaml]\nchecks:\n  - name: n\n{check}");
    fs::write(folder.join("cases/case.yaml"), text).unwrap();
    replay(&PolicyRoot::at(&folder), "cases/case.yaml", options)
}

/// `{"AWS": "*"}` covers a service unsurely (R3.6) and a role for certain.
#[rstest]
#[case::needed("needed", "by: service/bedrock", &[])]
#[case::needless("needless", "by: role/app", &[("needless-accept", 8)])]
#[case::needed_in_one_cell("one-cell", "matrix: { caller: [role/app, service/bedrock] }, by: \"{{caller}}\"", &[])]
fn an_accepted_rule_is_needed(#[case] name: &str, #[case] by: &str, #[case] expected: &[(&str, usize)]) {
    let by = by.replace(", by:", "\n    by:");
    let check =
        format!("    call: kms:Decrypt\n    resource: key/app\n    expect: allow\n    accept: [R3.6]\n    {by}\n");
    assert_eq!(findings(name, &check, &Options::default()), expected);
}

/// A change from outside may well settle what the rule left open.
#[test]
fn an_accepted_rule_may_be_needless_after_a_change_of_every_check() {
    let check = "    by: role/app\n    call: kms:Decrypt\n    resource: key/app\n    expect: explicit-deny\n    accept: [R3.6]\n";
    let deny = r#"add statement to key/app { "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*" }"#;
    let options = Options { changes: vec![deny.to_owned()], ..Options::default() };
    assert_eq!(findings("changed", check, &options), []);
}

/// A finding about a value of the matrix stands where the value is written.
#[rstest]
#[case::whole("[kms:Decrypt, kms:Decript]", "call: \"{{action}}\"", (5, 37))]
#[case::part("[Decrypt, Decript]", "call: \"kms:{{action}}\"", (6, 12))]
fn an_unknown_action_of_the_matrix_is_told_by_its_value(
    #[case] values: &str,
    #[case] call: &str,
    #[case] place: (usize, usize),
) {
    let check = format!(
        "    matrix: {{ action: {values} }}\n    {call}\n    by: role/app\n    resource: key/app\n    expect: allow\n"
    );
    let replayed = replayed(&format!("matrix-value-{}", place.0), &check, &Options::default());
    let [finding] = replayed.findings.as_slice() else { panic!("{:?}", replayed.findings) };
    let position = |span| {
        let at = replayed.sources.position(span);
        (at.line, at.column)
    };
    assert_eq!((finding.code, position(finding.span().unwrap())), ("unknown-action", place));
    assert_eq!(finding.annotations.len(), 2, "the placeholder and its value");
}

/// What `CreateGrant` would refuse is refused (R6.22, R6.23, R6.27).
#[rstest]
#[case::wildcard(
    r#"{"grantee_principal": "arn:aws:iam::111122223333:role/*", "operations": ["Decrypt"]}"#,
    "invalid-grant"
)]
#[case::everyone(r#"{"grantee_principal": "*", "operations": ["Decrypt"]}"#, "invalid-grant")]
#[case::group(
    r#"{"grantee_principal": "arn:aws:iam::111122223333:group/g", "operations": ["Decrypt"]}"#,
    "invalid-grant"
)]
#[case::unknown_role(r#"{"grantee_principal": "role/ap", "operations": ["Decrypt"]}"#, "unknown-name")]
#[case::no_operation(r#"{"grantee_principal": "role/app", "operations": []}"#, "invalid-grant")]
#[case::unknown_operation(r#"{"grantee_principal": "role/app", "operations": ["PutKeyPolicy"]}"#, "unknown-value")]
#[case::operation_with_prefix(r#"{"grantee_principal": "role/app", "operations": ["kms:Decrypt"]}"#, "unknown-value")]
#[case::operation_of_another_kind_of_key(
    r#"{"grantee_principal": "role/app", "operations": ["Sign"]}"#,
    "invalid-grant"
)]
#[case::service_without_source(
    r#"{"grantee_service_principal": "service/bedrock", "operations": ["Decrypt"], "retiring_principal": "service/bedrock"}"#,
    "invalid-grant"
)]
#[case::role_as_service(
    r#"{"grantee_service_principal": "role/app", "operations": ["Decrypt"], "retiring_principal": "role/app", "constraints": {"source_arn": "arn:aws:s3:::b"}}"#,
    "invalid-grant"
)]
#[case::empty_constraint(
    r#"{"grantee_principal": "role/app", "operations": ["Decrypt"], "constraints": {"encryption_context_equals": {}}}"#,
    "invalid-grant"
)]
#[case::source_that_is_no_arn(
    r#"{"grantee_principal": "role/app", "operations": ["Decrypt"], "constraints": {"source_arn": "job"}}"#,
    "invalid-arn"
)]
#[case::unknown_account(
    r#"{"grantee_principal": "role/app", "operations": ["Decrypt"], "issuing_account": "ap"}"#,
    "unknown-name"
)]
#[case::no_grantee(r#"{"operations": ["Decrypt"]}"#, "invalid-value")]
fn a_grant_that_kms_refuses(#[case] grant: &str, #[case] code: &str) {
    let sum = grant.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let name = format!("grant-{sum}");
    let check = format!(
        "    change: ['add grant to key/app {grant}']\n    by: role/app\n    call: kms:Decrypt\n    resource: key/app\n    expect: allow\n"
    );
    let found = findings(&name, &check, &Options::default());
    assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [code]);
}

/// What a check binds to a flow is of the kind the flow needs.
#[rstest]
#[case::fits("", None)]
#[case::key_for_a_role("role: key/app", Some("wrong-kind"))]
#[case::service_for_a_role("role: service/bedrock", Some("wrong-kind"))]
#[case::role_nobody_defined("role: role/ap", Some("unknown-name"))]
#[case::role_for_a_key("key: role/app", Some("wrong-kind"))]
#[case::bucket_for_a_key("key: \"arn:aws:s3:::b\"", Some("wrong-kind"))]
#[case::key_nobody_defined("key: key/ap", Some("unknown-name"))]
#[case::key_for_an_alias("alias: key/app", Some("wrong-kind"))]
#[case::object_for_a_bucket("bucket: \"arn:aws:s3:::b/x\"", Some("wrong-kind"))]
#[case::name_for_an_arn("job: abc", Some("wrong-kind"))]
#[case::role_for_an_account("account: role/app", Some("wrong-kind"))]
#[case::role_for_a_service("service: role/app", Some("wrong-kind"))]
fn a_need_is_of_its_kind(#[case] binding: &str, #[case] expected: Option<&'static str>) {
    let check = format!("    flow: f\n    with:\n      caller: role/app\n      {binding}\n    expect: allow\n");
    let expected: Vec<_> = expected.map(|code| (code, 8)).into_iter().collect();
    assert_eq!(
        findings(
            &format!("kind-{}", binding.replace(|c: char| !c.is_alphanumeric(), "-")),
            &check,
            &Options::default()
        ),
        expected
    );
}

/// A flow of which no step is asked about holds nothing.
#[test]
fn a_flow_without_what_its_steps_need_asks_nothing() {
    let check = "    flow: g\n    expect: allow\n";
    assert_eq!(findings("nothing-asked", check, &Options::default()), [("nothing-asked", 4)]);
}

/// `calls` and `resources` are axes that an expectation may name.
#[test]
fn an_expectation_may_name_a_call() {
    let check = "    by: role/app\n    calls: [kms:Decrypt, kms:Encrypt]\n    resource: key/app\n    \
        expect: [{ when: { call: kms:Decrypt }, is: allow }, { is: implicit-deny }]\n";
    assert_eq!(findings("axis-of-calls", check, &Options::default()), []);
}

/// The day under `until` is the last on which the check is skipped.
#[rstest]
#[case::day_before("2026-01-30", "skipped")]
#[case::last_day("2026-01-31", "skipped")]
#[case::day_after("2026-02-01", "expired-skip")]
fn a_skip_expires_after_its_last_day(#[case] today: &str, #[case] expected: &'static str) {
    let check = "    by: role/app\n    call: kms:Decrypt\n    resource: key/app\n    \
        skip: { reason: r, until: 2026-01-31 }\n    expect: allow\n";
    let options = Options { today: Some(today.to_owned()), ..Options::default() };
    assert_eq!(problems(&format!("skip-{today}"), check, &options), [expected]);
}

/// A key that a call carries with another value fails, and is not absent.
#[rstest]
#[case::absent("absent", "", &[])]
#[case::another_value("absent", "kms:ViaService: ec2.us-east-1.amazonaws.com", &["wrong-reason"])]
#[case::another_value_fails("failed", "kms:ViaService: ec2.us-east-1.amazonaws.com", &[])]
#[case::absent_fails("failed", "", &[])]
fn an_absent_key_is_one_that_the_call_does_not_carry(
    #[case] because: &str,
    #[case] context: &str,
    #[case] expected: &[&str],
) {
    let check = format!(
        "    by: role/app\n    call: kms:Decrypt\n    resource: key/app\n    context: {{ {context} }}\n    \
        change: ['set key/app#[0]/Condition {{ \"StringEquals\": {{ \"kms:ViaService\": \"s3.us-east-1.amazonaws.com\" }} }}']\n    \
        expect: {{ is: implicit-deny, because: {{ {because}: \"kms:ViaService\" }} }}\n"
    );
    assert_eq!(problems(&format!("{because}-{}", context.len()), &check, &Options::default()), expected);
}

//! Checks about all calls at once: `ask` with `exactly`, and `never`.

use permitlab::replay::{Options, Outcome, Problem, replay};
use permitlab::root::PolicyRoot;
use rstest::rstest;

const WORLD: &str = r#"
accounts: { ml: { id: "111122223333" }, other: { id: "444455556666" } }
keys:
  eval: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json }
buckets: { data: { account: ml, region: us-east-1 } }
roles:
  reader: { account: ml, policies: [policies/reader.json] }
"#;
const KEY: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "kms:*", "Resource": "*" },
  { "Sid": "Other", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::444455556666:role/app" }, "Action": "kms:Decrypt", "Resource": "*",
    "Condition": { "StringEquals": { "aws:PrincipalOrgID": ["o-one", "o-two"] } } },
  { "Sid": "Jobs", "Effect": "Allow", "Principal": { "Service": "bedrock.amazonaws.com" }, "Action": "kms:Decrypt", "Resource": "*",
    "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*" } } }] }"#;
const READER: &str = r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
  "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } } } }"#;

/// What is wrong with the one check of a scenario: each code with its message.
fn problems(check: &str) -> Vec<(String, String)> {
    let lines: Vec<String> = check.lines().map(|line| format!("    {line}")).collect();
    let lines = lines.join("\n");
    let scenario = format!("scenario: s\nuse: [fixtures/w.yaml]\nchecks:\n  - name: c\n{lines}\n");
    let files = [
        ("permitlab.toml", ""),
        ("fixtures/w.yaml", WORLD),
        ("policies/key.json", KEY),
        ("policies/reader.json", READER),
        ("cases/c.yaml", scenario.as_str()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let replayed = replay(&PolicyRoot::of_files("/nowhere", files), "cases/c.yaml", &Options::default());
    let findings = replayed.findings.iter().map(|finding| (finding.code.to_owned(), finding.message.clone()));
    let problem = |problem: &Problem| (problem.code.to_owned(), problem.message.clone());
    let failed = replayed.checks.iter().flat_map(|check| match &check.outcome {
        Outcome::Failed(problems) => problems.iter().map(problem).collect(),
        Outcome::Passed | Outcome::Skipped(_) => Vec::new(),
    });
    findings.chain(failed).collect()
}

#[rstest]
#[case::who(
    "ask: { who_can: kms:Decrypt, resource: key/eval }\nexactly: [account/ml, account/ml/*, role/reader, arn:aws:iam::444455556666:role/app, service/bedrock]"
)]
#[case::what("ask: { what_can: role/reader }\nexactly: [kms:Decrypt key/eval]")]
#[case::what_of_a_session_that_nothing_names("ask: { what_can: role/reader@nightly }\nexactly: [kms:Decrypt key/eval]")]
#[case::nothing("ask: { who_can: kms:Encrypt, resource: key/eval }\nexactly: [account/ml, account/ml/*]")]
#[case::never_outside_the_account(
    "never: { call: kms:Encrypt, resource: key/eval, except: [account/ml, account/ml/*] }"
)]
#[case::never_outside_the_organization(
    "never: { call: kms:Decrypt, resource: key/eval, except: [account/ml, account/ml/*, role/reader, service/bedrock], unless: { aws:PrincipalOrgID: o-* } }"
)]
#[case::never_another_job(
    "never: { call: kms:Decrypt, resource: key/eval, by: [service/bedrock], unless: { aws:SourceArn: \"arn:aws:bedrock:us-east-1:*:evaluation-job/*\" } }"
)]
fn these_hold(#[case] check: &str) {
    assert_eq!(problems(check), []);
}

#[rstest]
#[case::one_too_few(
    "ask: { who_can: kms:Decrypt, resource: key/eval }\nexactly: [account/ml, account/ml/*, arn:aws:iam::444455556666:role/app, service/bedrock]",
    "unexpected-access",
    "`role/reader` is allowed, and not expected: through S3 in us-east-1"
)]
#[case::one_too_many(
    "ask: { what_can: role/reader }\nexactly: [kms:Decrypt key/eval, kms:Encrypt key/eval]",
    "missing-access",
    "`kms:Encrypt key/eval` is expected, and not allowed"
)]
#[case::organization(
    "never: { call: kms:Decrypt, resource: key/eval, except: [account/ml, account/ml/*, role/reader, service/bedrock], unless: { aws:PrincipalOrgID: o-one } }",
    "never-allowed",
    "arn:aws:iam::444455556666:role/app may call kms:Decrypt on `key/eval`: with aws:PrincipalOrgID `o-two`"
)]
#[case::job(
    "never: { call: kms:Decrypt, resource: key/eval, by: [service/bedrock], unless: { aws:SourceArn: \"arn:aws:bedrock:us-east-1:111122223333:evaluation-job/a*\" } }",
    "never-allowed",
    "service/bedrock may call kms:Decrypt on `key/eval`: for arn:aws:bedrock:us-east-1:111122223333:evaluation-job/example"
)]
#[case::changed(
    "change: ['remove reader#[0]/Condition/StringEquals/kms:ViaService']\nnever: { call: kms:Decrypt, resource: key/eval, by: [role/reader], unless: { kms:ViaService: \"*\" } }",
    "never-allowed",
    "role/reader may call kms:Decrypt on `key/eval`: directly"
)]
#[case::a_session_that_nothing_names(
    "never: { call: kms:Decrypt, resource: key/eval, by: [role/reader@nightly] }",
    "never-allowed",
    "role/reader@nightly may call kms:Decrypt on `key/eval`: through s3.us-east-1.amazonaws.com"
)]
#[case::a_service_that_nothing_names(
    "change: ['set key#Jobs/Principal \"*\"']\nnever: { call: kms:Decrypt, resource: key/eval, by: [service/lambda] }",
    "never-allowed",
    "service/lambda may call kms:Decrypt on `key/eval`: for arn:aws:bedrock:us-east-1:111122223333:evaluation-job/example"
)]
#[case::nobody("never: { call: kms:Decrypt, resource: key/eval, by: [role/readr] }", "unknown-name", "")]
#[case::no_key("never: { call: kms:Decrypt, resource: key/evil }", "unknown-name", "")]
#[case::no_resource_that_is_compared(
    "never: { call: s3:GetObject, resource: bucket/data/a }",
    "wrong-resource-type",
    "of `s3:GetObject` on `bucket/data/a` nothing can be said over all calls"
)]
#[case::no_trust_policy("never: { call: sts:AssumeRole, resource: role/reader }", "wrong-resource-type", "")]
#[case::no_call_on_it("ask: { who_can: s3:GetObject, resource: key/eval }\nexactly: []", "wrong-resource-type", "")]
#[case::no_action("never: { call: kms:Decript, resource: key/eval }", "unknown-action", "")]
#[case::no_condition_key(
    "never: { call: kms:Decrypt, resource: key/eval, unless: { aws:PrincipalOrgId2: x } }",
    "unknown-condition-key",
    ""
)]
fn these_do_not(#[case] check: &str, #[case] code: &str, #[case] message: &str) {
    let found = problems(check);
    assert_eq!(found.first().map(|(code, _)| code.as_str()), Some(code), "{found:?}");
    assert!(message.is_empty() || found.iter().any(|(_, own)| own == message), "{found:?}");
}

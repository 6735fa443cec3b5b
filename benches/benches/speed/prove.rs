//! What does it cost to prove that a change gives nobody access, or to find who gains some?

use std::hint::black_box;

use criterion::Criterion;
use permitlab::prove::{Verdict, prove_policies};
use permitlab_benches::workload::{Family, KEY_ID, documented, filled};
use permitlab_evaluator::policy::PolicyType;
use permitlab_evaluator::prove::Budget;

/// The key policy with a DescribeKey that Bedrock can use.
const REPAIRED: &str = include_str!("../../../scenarios/policies/key-eval-repaired.json");

const JOB: &str = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/*";

/// The documented key policy with one thing changed, and how that stands to it.
fn changes(key: &str) -> Vec<(&'static str, String, Verdict)> {
    let (root, rest) = key.split_once("},\n    {").expect("two statements");
    let (head, root) = root.split_once("\"Statement\": [").expect("a list of statements");
    let bedrock = rest.rsplit_once(']').map_or(rest, |(bedrock, _)| bedrock);
    let deny = r#"{ "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:SourceAccount": "111122223333" } } }"#;
    let of = |statements: &[&str]| format!("{head}\"Statement\": [{}]}}", statements.join(","));
    let (root, bedrock) = (format!("{root}}}"), format!("{{{bedrock}"));
    let one = bedrock.replace(r#"["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"]"#, r#""kms:Decrypt""#);
    let two = bedrock.replace(r#", "kms:Decrypt""#, "");
    let dropped = bedrock.replace(&format!(",\n          \"aws:SourceArn\": \"{JOB}\""), "");
    let second = format!("[\"{JOB}\", \"{}\"]", JOB.replace("us-east-1", "eu-west-1"));
    vec![
        ("reordered and split", of(&[&two, &root, &one]), Verdict::Equal),
        ("job type widened", key.replace("evaluation-job/*", "*"), Verdict::Wider),
        ("SourceArn dropped", of(&[&root, &dropped]), Verdict::Wider),
        ("second Region", key.replace(&format!("\"{JOB}\""), &second), Verdict::Wider),
        ("Deny added", of(&[&root, &bedrock, deny]), Verdict::Narrower),
        ("StringLike made StringEquals", key.replace("StringLike", "StringEquals"), Verdict::Narrower),
        ("repaired", filled(REPAIRED, KEY_ID), Verdict::Wider),
        ("delegation removed", of(&[&bedrock]), Verdict::Narrower),
    ]
}

/// One policy of all statements of some.
fn together(policies: &[String]) -> (String, Vec<String>) {
    let mut statements = Vec::new();
    for policy in policies {
        let value: serde_json::Value = serde_json::from_str(policy).expect("a policy");
        let own = value.get("Statement").and_then(serde_json::Value::as_array).expect("a list of statements");
        statements.extend(own.iter().map(ToString::to_string));
    }
    (joined(&statements), statements)
}

fn joined(statements: &[String]) -> String {
    format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", statements.join(",\n"))
}

pub(super) fn prove(criterion: &mut Criterion) {
    let verdict = |before: &str, after: &str, kind: PolicyType| {
        let proof = prove_policies(("before", before), ("after", after), Some(kind), Budget::default());
        proof.expect("both are valid").verdict
    };
    let mut group = criterion.benchmark_group("prove");
    let (_, key) = documented(KEY_ID);
    for (name, changed, expected) in changes(&key) {
        assert_ne!(changed, key, "{name}");
        group.bench_function(name, |bench| {
            bench.iter(|| assert_eq!(verdict(black_box(&key), black_box(&changed), PolicyType::Key), expected));
        });
    }
    for size in [100, 1_000] {
        let (whole, mut statements) = together(&Family::W2.of(size).policies.identity);
        statements.reverse();
        let turned = joined(&statements);
        statements.push(r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#.to_owned());
        let wider = joined(&statements);
        for (name, other, expected) in [("reversed", turned, Verdict::Equal), ("one more", wider, Verdict::Wider)] {
            group.bench_function(format!("{size} statements, {name}"), |bench| {
                bench
                    .iter(|| assert_eq!(verdict(black_box(&whole), black_box(&other), PolicyType::Identity), expected));
            });
        }
    }
    group.finish();
}

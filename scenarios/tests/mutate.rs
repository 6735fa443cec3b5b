//! Which faults checks catch, on a root of its own and on the bundled one.

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use permitlab::mutate::{Fate, Fault, Mutated, Refused, Report, mutate};
use permitlab::root::PolicyRoot;

const WORLD: &str = r#"accounts: { ml: { id: "111122223333" } }
keys:
  eval: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json }
roles:
  eval: { account: ml, policies: [policies/role.json] }
"#;
const KEY: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" }
] }"#;
const ROLE: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Use", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
    "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } } }
] }"#;
const CASE: &str = "scenario: A role uses a key through S3
use: [fixtures/w.yaml]
source: test
checks:
  - { name: through S3, by: role/eval, via: s3, call: kms:Decrypt, resource: key/eval, expect: allow }
";

fn root(more: &[(&str, &str)]) -> PolicyRoot {
    let files = [
        ("permitlab.toml", ""),
        ("fixtures/w.yaml", WORLD),
        ("policies/key.json", KEY),
        ("policies/role.json", ROLE),
        ("cases/a.yaml", CASE),
    ];
    let root = PolicyRoot::of_files("/nowhere", files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    more.iter().fold(root, |root, (path, text)| root.with_file(path, text))
}

fn report(root: &PolicyRoot) -> Report {
    mutate(root, &root.case_files().unwrap(), &[]).unwrap()
}

#[track_caller]
fn of(report: &Report, file: &str, fault: Fault) -> Vec<Fate> {
    let is_it = |each: &&Mutated| each.mutant.file == file && each.mutant.fault == fault;
    report.results.iter().filter(is_it).map(|each| each.fate.clone()).collect()
}

#[test]
fn a_fault_that_a_check_sees_is_killed_by_it() {
    let report = report(&root(&[]));
    assert_eq!(of(&report, "policies/role.json", Fault::FlipEffect), [Fate::Killed("a::through S3".to_owned())]);
    assert_eq!(of(&report, "policies/role.json", Fault::RenameKey), [Fate::Killed("a::through S3".to_owned())]);
    let flip = report
        .results
        .iter()
        .find(|each| each.mutant.file == "policies/role.json" && each.mutant.fault == Fault::FlipEffect);
    assert_eq!(flip.unwrap().place(), "policies/role.json:2:30");
}

#[test]
fn a_survivor_comes_with_the_check_that_kills_it() {
    let before = root(&[]);
    let fates = of(&report(&before), "policies/role.json", Fault::DropCondition);
    let [Fate::Survived(scenario)] = fates.as_slice() else { panic!("{fates:?}") };
    assert!(scenario.contains("expect: { is: implicit-deny }"), "{scenario}");
    let after = report(&root(&[("cases/b.yaml", scenario)]));
    let fates = of(&after, "policies/role.json", Fault::DropCondition);
    assert!(matches!(fates.as_slice(), [Fate::Killed(check)] if check.starts_with("b::")), "{fates:?}\n{scenario}");
    assert!(after.counts().survived < report(&before).counts().survived);
}

#[test]
fn edits_that_mean_the_same_are_nobodys_blame() {
    let fates = of(&report(&root(&[])), "policies/role.json", Fault::SwapOperator);
    assert!(matches!(fates.as_slice(), [Fate::Equivalent(why)] if why.contains("wildcard")), "{fates:?}");
    let open = ROLE.replace("StringEquals", "StringLike").replace("s3.us-east-1", "s3.*");
    let fates = of(&report(&root(&[("policies/role.json", &open)])), "policies/role.json", Fault::SwapOperator);
    assert_eq!(fates, [Fate::Killed("a::through S3".to_owned())]);
}

/// The role's trust policy, a statement that no check asks about, and a Deny beside which nothing is allowed.
const TRUST: &str = r#"{ "Version": "2012-10-17", "Statement": [
  { "Sid": "Deploy", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::444455556666:role/deploy" }, "Action": "sts:AssumeRole",
    "Condition": { "StringEquals": { "sts:ExternalId": "x" } } }
] }"#;

#[test]
fn who_may_assume_a_role_is_asked() {
    let world =
        WORLD.replace("policies: [policies/role.json]", "policies: [policies/role.json], trust: policies/trust.json");
    let more = [("fixtures/w.yaml", world.as_str()), ("policies/trust.json", TRUST)];
    let before = root(&more);
    let fates = of(&report(&before), "policies/trust.json", Fault::DropCondition);
    let told = "# the world does not define the caller";
    assert!(matches!(fates.as_slice(), [Fate::Survived(scenario)] if scenario.contains(told)), "{fates:?}");
    let world = world.replace("accounts: {", "accounts: { other: { id: \"444455556666\" },")
        + "  deploy: { account: other, policies: [policies/deploy.json] }\n";
    let deploy = ROLE
        .replace("kms:Decrypt", "sts:AssumeRole")
        .replace("kms:ViaService", "aws:RequestedRegion")
        .replace("s3.us-east-1.amazonaws.com", "*")
        .replace("StringEquals", "StringLike");
    let more = [("fixtures/w.yaml", world.as_str()), ("policies/trust.json", TRUST), ("policies/deploy.json", &deploy)];
    let before = root(&more);
    for fault in [Fault::DropCondition, Fault::FlipEffect, Fault::AddEveryone] {
        let fates = of(&report(&before), "policies/trust.json", fault);
        let [Fate::Survived(scenario)] = fates.as_slice() else { panic!("{fault:?}: {fates:?}") };
        assert!(scenario.contains("call: sts:AssumeRole") && scenario.contains("resource: role/eval"), "{scenario}");
        let after = report(&before.with_file("cases/b.yaml", scenario));
        let fates = of(&after, "policies/trust.json", fault);
        assert!(matches!(fates.as_slice(), [Fate::Killed(check)] if check.starts_with("b::")), "{fates:?}\n{scenario}");
    }
}

#[test]
fn a_statement_about_other_services_has_survivors_with_checks() {
    let reading = ROLE.replace(
        "\n] }",
        r#",
  { "Sid": "Read", "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*",
    "Condition": { "StringEquals": { "aws:RequestedRegion": "us-east-1" } } },
  { "Sid": "None", "Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*",
    "Condition": { "StringEquals": { "aws:RequestedRegion": "us-east-1" }, "StringNotEquals": { "aws:RequestedRegion": "us-east-1" } } },
  { "Sid": "Yes", "Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*",
    "Condition": { "StringEquals": { "aws:SecureTransport": "yes" } } }
] }"#,
    );
    let report = report(&root(&[("policies/role.json", &reading)]));
    let fate = |statement: &str, fault: Fault| {
        let is_it = |each: &&Mutated| each.mutant.statement == statement && each.mutant.fault == fault;
        report.results.iter().rev().find(is_it).map(|each| each.fate.clone()).unwrap()
    };
    let Fate::Survived(scenario) = fate("role#Read", Fault::DropStatement) else {
        panic!("{:?}", fate("role#Read", Fault::DropStatement))
    };
    assert!(scenario.contains("call: s3:ListAllMyBuckets") && scenario.contains("by: role/eval"), "{scenario}");
    let fates = [fate("role#None", Fault::RenameKey), fate("role#None", Fault::DropStatement)];
    let [Fate::Survived(scenario), Fate::Equivalent(why)] = &fates else { panic!("{fates:#?}") };
    assert!(
        scenario.contains("call: ec2:RunInstances") && scenario.contains("expect: { is: implicit-deny }"),
        "{scenario}"
    );
    assert_eq!(why, "the part is dead: shadowed-statement");
    let Fate::Equivalent(why) = fate("role#Yes", Fault::DropStatement) else { panic!("{:#?}", report.results) };
    assert_eq!(why, "proved over all calls: nobody may do more or less");
}

#[test]
fn where_no_check_could_catch_anything_there_is_no_share() {
    assert_eq!(permitlab::mutate::Counts::default().percent(), None);
    assert_eq!(permitlab::mutate::Counts { killed: 1, survived: 3, ..Default::default() }.percent(), Some(25.0));
}

#[test]
fn a_fault_in_a_list_of_principals_shows_what_it_becomes() {
    let named = KEY.replace("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/eval");
    let report = report(&root(&[("policies/key.json", &named), ("cases/a.yaml", CASE)]));
    let added = report.results.iter().find(|each| each.mutant.fault == Fault::AddRoot).unwrap();
    let after = r#"{ "AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/eval"] }"#;
    assert_eq!(added.mutant.after, after);
}

#[test]
fn a_fault_in_a_dead_part_is_equivalent() {
    let twice = ROLE.replace(
        "\n] }",
        ",\n  { \"Sid\": \"Again\", \"Effect\": \"Allow\", \"Action\": \"kms:Encrypt\", \"Resource\": \"*\" },\n  \
         { \"Sid\": \"All\", \"Effect\": \"Allow\", \"Action\": \"kms:Encrypt*\", \"Resource\": \"*\" }\n] }",
    );
    let report = report(&root(&[("policies/role.json", &twice)]));
    let again = report
        .results
        .iter()
        .find(|each| each.mutant.statement == "role#Again" && each.mutant.fault == Fault::DropStatement);
    assert!(matches!(&again.unwrap().fate, Fate::Equivalent(why) if why.contains("shadowed-statement")), "{again:?}");
}

#[test]
fn checks_that_fail_before_anything_is_changed_are_told() {
    let failing = root(&[("cases/a.yaml", &CASE.replace("expect: allow", "expect: implicit-deny"))]);
    let refused = mutate(&failing, &failing.case_files().unwrap(), &[]).unwrap_err();
    assert!(matches!(&refused, Refused::Failing(checks) if *checks == ["a::through S3"]), "{refused:?}");
    let invalid = root(&[("cases/a.yaml", "scenario: [")]);
    assert!(matches!(mutate(&invalid, &invalid.case_files().unwrap(), &[]), Err(Refused::Invalid(_))));
}

#[test]
fn the_same_root_gives_the_same_report() {
    let one = report(&root(&[])).json().to_string();
    assert_eq!(one, report(&root(&[])).json().to_string());
}

#[test]
fn a_policy_that_stands_in_a_world_is_edited_there() {
    let block = KEY.replace('\n', "\n      ");
    let world = WORLD.replace("policy: policies/key.json }", "policy: x }").replace(
        "  eval: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: x }",
        &format!("  eval:\n    account: ml\n    region: us-east-1\n    id: 1234abcd-12ab-34cd-56ef-1234567890ab\n    policy: |\n      {block}"),
    );
    let report = report(&root(&[("fixtures/w.yaml", &world)]));
    let fates = of(&report, "fixtures/w.yaml", Fault::FlipEffect);
    assert_eq!(fates, [Fate::Killed("a::through S3".to_owned())]);
}

/// The faults of a few documented policies; `permitlab mutate --threshold 95` looks at all of them.
#[test]
fn faults_of_the_documented_policies_are_caught() {
    let root = PolicyRoot::at(env!("CARGO_MANIFEST_DIR"));
    let policies = ["policies/key-eval.json", "policies/role-eval-kms.json", "policies/key-eval-repaired.json"];
    let report = mutate(&root, &root.case_files().unwrap(), &policies.map(str::to_owned)).unwrap();
    let survivors: Vec<_> = report.results.iter().filter(|each| matches!(each.fate, Fate::Survived(_))).collect();
    assert!(report.counts().killed > 30 && survivors.is_empty(), "{survivors:#?}");
}

#[test]
fn what_a_covered_statement_could_become_is_looked_at() {
    let role = ROLE.replace(
        "\n] }",
        ",\n  { \"Sid\": \"Never\", \"Effect\": \"Allow\", \"Action\": \"s3:ListAllMyBuckets\", \"Resource\": \"*\", \
         \"Condition\": { \"Null\": { \"aws:userid\": \"true\" }, \"StringEquals\": { \"aws:userid\": \"a\" } } }\n] }",
    );
    let report = report(&root(&[("policies/role.json", &role)]));
    let fates = |fault: Fault| {
        let own =
            report.results.iter().filter(|each| each.mutant.statement == "role#Never" && each.mutant.fault == fault);
        own.map(|each| format!("{:?}", each.fate)).collect::<Vec<_>>()
    };
    let dropped = fates(Fault::DropStatement);
    assert!(dropped.iter().all(|fate| fate.contains("shadowed-statement")) && !dropped.is_empty(), "{dropped:?}");
    let widened = fates(Fault::DropCondition);
    assert!(widened.iter().any(|fate| fate.starts_with("Survived")), "{widened:?}");
}

//! Does a flow that is expected to fail pass on a guess? The first step turns on `aws:SourceIp`, which nobody states.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot prepare its files fails")]

use permitlab::replay::{Options, Outcome, replay};
use permitlab::root::PolicyRoot;

const WORLD: &str = r#"
accounts: { a: { id: "111122223333" } }
keys:
  k:
    account: a
    region: us-east-1
    id: 1234abcd-12ab-34cd-56ef-1234567890ab
    policy: |
      {"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
         "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
        {"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
         "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]}
roles: { r: { account: a, policies: [] } }
"#;

/// The codes of the problems of a check on a flow of these calls.
fn codes(test: &str, calls: &[&str], expect: &str) -> Vec<&'static str> {
    let folder = std::env::temp_dir().join(format!("permitlab-guesses-{}-{test}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let step = |call: &&str| {
        format!("  - {{ id: {call}, by: role/r, call: \"kms:{call}\", resource: key/k, evidence: documented }}\n")
    };
    write("fixtures/w.yaml", WORLD);
    let steps: String = calls.iter().map(step).collect();
    write("flows/f.yaml", &format!("flow: f\nsource: none\nneeds: {{}}\nsteps:\n{steps}"));
    let check = format!("checks:\n  - {{ name: c, flow: f, with: {{}}, expect: {expect} }}\n");
    write("cases/c.yaml", &format!("scenario: s\nuse: [fixtures/w.yaml]\n{check}"));
    let replayed = replay(&PolicyRoot::at(&folder), "cases/c.yaml", &Options::default());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(replayed.findings.is_empty(), "{:?}", replayed.findings);
    let [check] = replayed.checks.as_slice() else { panic!("{:?}", replayed.checks) };
    match &check.outcome {
        Outcome::Failed(problems) => problems.iter().map(|problem| problem.code).collect(),
        Outcome::Passed | Outcome::Skipped(_) => Vec::new(),
    }
}

#[test]
fn a_flow_is_not_denied_on_a_guess() {
    assert_eq!(codes("denied", &["Decrypt"], "{ is: deny }"), ["unstated-key"]);
}

#[test]
fn a_flow_is_not_blocked_at_a_step_that_a_guess_lets_it_reach() {
    assert_eq!(codes("reached", &["Encrypt", "GenerateMac"], "{ blocked_at: GenerateMac }"), ["unstated-key"]);
    assert_eq!(codes("either", &["Encrypt", "GenerateMac"], "{ is: implicit-deny }"), Vec::<&str>::new());
}

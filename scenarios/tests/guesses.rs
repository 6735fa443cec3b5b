//! Does a check pass on a guess? Flows whose first step, and key policies whose next change, turn on `aws:SourceIp`,
//! which nobody states.

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
  open:
    account: a
    region: us-east-1
    id: 2345bcde-23bc-45de-67fa-234567890abc
    policy: |
      {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}
roles: { r: { account: a, policies: [] } }
"#;

/// The codes of the problems of a check on a flow of these calls.
fn codes(test: &str, calls: &[&str], expect: &str) -> Vec<&'static str> {
    let step = |call: &&str| {
        format!("  - {{ id: {call}, by: role/r, call: \"kms:{call}\", resource: key/k, evidence: documented }}\n")
    };
    let steps: String = calls.iter().map(step).collect();
    problems(test, &format!("flow: f, with: {{}}, expect: {expect}"), &steps)
}

/// The codes of the problems of a check, beside a flow of these steps.
fn problems(test: &str, check: &str, steps: &str) -> Vec<&'static str> {
    let folder = std::env::temp_dir().join(format!("permitlab-guesses-{}-{test}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("fixtures/w.yaml", WORLD);
    write("flows/f.yaml", &format!("flow: f\nsource: none\nneeds: {{}}\nsteps:\n{steps}"));
    let check = format!("checks:\n  - {{ name: c, {check} }}\n");
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

/// Whether the caller could change the key policy again hangs on the address it calls from.
#[test]
fn a_key_policy_does_not_pass_the_lockout_check_on_a_guess() {
    let proposed = |operator: &str, expect: &str| {
        let policy = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
            "Condition": {{"{operator}": {{"aws:SourceIp": "203.0.113.0/24"}}}}}}}}"#
        );
        let call = "by: role/r, call: \"kms:PutKeyPolicy\", resource: key/open";
        problems(&format!("lockout-{expect}"), &format!("{call}, new_policy: '{policy}', expect: {expect}"), "  []")
    };
    assert_eq!(proposed("NotIpAddress", "allow"), ["unstated-key"]);
    assert_eq!(proposed("IpAddress", "unavailable"), ["unstated-key"]);
}

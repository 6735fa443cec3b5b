//! What a replay says of a file as a whole, beyond its checks.

#![expect(clippy::unwrap_used, reason = "what a test is not about may end it")]

use std::fs;
use std::path::Path;

use permitlab::replay::{Options, replay};
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
"#;

/// The codes and places of what is wrong with a file of one check.
fn findings(name: &str, check: &str, options: &Options) -> Vec<(&'static str, usize)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("cases")).unwrap();
    fs::write(folder.join("permitlab.toml"), "").unwrap();
    fs::write(folder.join("world.yaml"), WORLD).unwrap();
    let text = format!("scenario: s\nuse: [world.yaml]\nchecks:\n  - name: n\n{check}");
    fs::write(folder.join("cases/case.yaml"), text).unwrap();
    let replayed = replay(&PolicyRoot::at(&folder), "cases/case.yaml", options);
    let place = |span| replayed.sources.position(span).line;
    replayed.findings.iter().map(|finding| (finding.code, finding.span().map_or(0, place))).collect()
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

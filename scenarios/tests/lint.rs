//! What the linter says of a policy root: of the bundled one nothing, and of others what their worlds bring out.
#![cfg(test)]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use permitlab::file::Named;
use permitlab::lint::allow::AllowList;
use permitlab::lint::attached::{Attached, serious};
use permitlab::render::{Colour, report};
use permitlab::root::PolicyRoot;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::lint::Finding;
use permitlab_evaluator::source::SourceMap;
use rstest::rstest;

fn bundled() -> PolicyRoot {
    PolicyRoot::at(env!("CARGO_MANIFEST_DIR"))
}

/// Every policy of a root that worlds attach or that stands below `policies/`, and what is found there.
fn all(root: &PolicyRoot, sources: &mut SourceMap) -> (usize, Vec<Finding>) {
    let mut attached = Attached::everywhere(root, sources).unwrap();
    let (mut count, mut found) = attached.inline(sources);
    let pattern = format!("{}/policies/**/*.json", root.folder().display());
    for file in glob::glob(&pattern).unwrap() {
        let file = file.unwrap();
        let path = file.strip_prefix(root.folder()).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        found.extend(attached.file(sources, path, path, &text).unwrap());
        count += 1;
    }
    found.extend(attached.unused());
    (count, found)
}

#[test]
fn the_bundled_policies_show_only_what_is_allowed_with_a_reason() {
    let mut sources = SourceMap::new();
    let (count, found) = all(&bundled(), &mut sources);
    let said: Vec<_> = found.iter().map(|finding| report(&sources, &finding.diagnostic, Colour::Never)).collect();
    assert!(said.is_empty(), "mend the policy, or allow it in permitlab.toml:\n{}", said.join("\n\n"));
    assert!(count > 70, "only {count} policies were looked at");
}

/// A folder that only one test knows, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("permitlab-lint-{}-{number}", std::process::id()));
        for (path, text) in files {
            let file = folder.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(folder)
    }

    fn root(&self) -> PolicyRoot {
        PolicyRoot::at(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const WORLD: &str = r#"vars: { region: us-east-1, accountId: "111122223333" }
accounts: { ml: { id: "{{accountId}}" } }
keys:
  eval:
    account: ml
    region: "{{region}}"
    id: 1234abcd-12ab-34cd-56ef-1234567890ab
    policy: policies/key.json
"#;

const KEY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Account",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::{{accountId}}:root" },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Sid": "Reader",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::{{accountId}}:role/reader" },
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": { "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } }
    },
    {
      "Sid": "Service",
      "Effect": "Allow",
      "Principal": { "Service": "bedrock.amazonaws.com" },
      "Action": "kms:Decrypt",
      "Resource": "*"
    }
  ]
}"#;

const ALLOW_SERVICE: &str = r#"[[lint.allow]]
rule = "confused-deputy"
policy = "policies/key.json"
sid = "Service"
reason = "one account only"
"#;

fn found(folder: &Folder) -> Vec<(&'static str, String)> {
    let mut sources = SourceMap::new();
    let (_, found) = all(&folder.root(), &mut sources);
    found.iter().map(|own| (own.diagnostic.code, sources.place(own.diagnostic.span().unwrap()))).collect()
}

/// R6.18: the Region of the key is known from the world, which a file alone does not tell.
#[test]
fn a_world_tells_the_region_and_the_account_of_its_keys() {
    let files = [("permitlab.toml", ""), ("fixtures/world.yaml", WORLD), ("policies/key.json", KEY)];
    let folder = Folder::new(&files);
    let found = found(&folder);
    let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["region-mismatch", "confused-deputy"], "{found:?}");
    assert_eq!(found[0].1, "policies/key.json:17:59");
    let mut sources = SourceMap::new();
    let (_, alone) = permitlab::lint::lint(&mut sources, "key.json", KEY, None).unwrap();
    assert_eq!(alone.iter().map(|own| own.diagnostic.code).collect::<Vec<_>>(), ["confused-deputy"]);
}

#[test]
fn what_is_allowed_is_left_out_and_what_is_not_stays() {
    let files = [("permitlab.toml", ALLOW_SERVICE), ("fixtures/world.yaml", WORLD), ("policies/key.json", KEY)];
    let codes: Vec<_> = found(&Folder::new(&files)).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["region-mismatch"]);
}

#[rstest]
#[case::of_another_statement("sid = \"Reader\"\n")]
#[case::of_a_statement_that_is_not_there("sid = \"Nobody\"\n")]
fn an_entry_that_allows_nothing_is_told(#[case] sid: &str) {
    let settings = ALLOW_SERVICE.replace("sid = \"Service\"\n", sid);
    let files = [("permitlab.toml", settings.as_str()), ("fixtures/world.yaml", WORLD), ("policies/key.json", KEY)];
    let found = found(&Folder::new(&files));
    let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["region-mismatch", "confused-deputy", "unused-allow"]);
    assert_eq!(found[2].1, "permitlab.toml:2:9");
}

/// An entry about a policy that this run did not look at may well be needed.
#[test]
fn an_entry_about_another_policy_is_not_called_unused() {
    let files = [("permitlab.toml", ALLOW_SERVICE), ("policies/key.json", KEY), ("policies/other.json", KEY)];
    let folder = Folder::new(&files);
    let mut sources = SourceMap::new();
    let mut attached = Attached::everywhere(&folder.root(), &mut sources).unwrap();
    let other = attached.file(&mut sources, "policies/other.json", "policies/other.json", KEY).unwrap();
    assert_eq!(other.len(), 1);
    assert_eq!(attached.unused(), []);
}

fn refused(settings: &str) -> Vec<(Diagnostic, String)> {
    let folder = Folder::new(&[("permitlab.toml", settings), ("policies/key.json", KEY)]);
    let mut sources = SourceMap::new();
    let findings = AllowList::read(&folder.root(), &mut sources).unwrap_err();
    findings.into_iter().map(|finding| (finding.clone(), sources.slice(finding.span().unwrap()).to_owned())).collect()
}

#[rstest]
#[case::no_reason("reason = \"one account only\"\n", "", "missing-key", "the entry has no `reason`")]
#[case::an_empty_reason("one account only", " ", "invalid-settings", "the reason is empty")]
#[case::no_rule("rule = \"confused-deputy\"\n", "", "missing-key", "the entry has no `rule`")]
#[case::an_unknown_rule("confused-deputy", "confused-deputies", "unknown-rule", "there is no rule `confused-deputies`")]
#[case::an_unknown_policy("policies/key.json", "policies/kee.json", "missing-file", "no file `policies/kee.json`")]
#[case::a_number("\"Service\"", "2", "invalid-settings", "this is no text")]
#[case::an_unknown_key("sid =", "sidd =", "unknown-setting", "there is no `sidd` here")]
#[case::another_table("[[lint.allow]]", "[[lint.alow]]", "unknown-setting", "there is no `alow` here")]
#[case::a_table_of_its_own("[[lint.allow]]", "[lint.allow]", "invalid-settings", "`allow` is no list of entries")]
#[case::no_toml("rule =", "rule", "invalid-settings", "")]
fn settings_that_mean_nothing_are_refused(
    #[case] from: &str,
    #[case] to: &str,
    #[case] code: &str,
    #[case] message: &str,
) {
    let settings = ALLOW_SERVICE.replacen(from, to, 1);
    assert_ne!(settings, ALLOW_SERVICE);
    let found = refused(&settings);
    let (finding, _) = &found[0];
    assert_eq!(finding.code, code, "{found:?}");
    assert!(finding.message.contains(message), "{}", finding.message);
    assert!(finding.help.is_some());
}

#[test]
fn an_unknown_rule_is_shown_with_the_one_that_was_meant() {
    let found = refused(&ALLOW_SERVICE.replace("confused-deputy", "confused-deputi"));
    assert_eq!(found[0].0.help.as_deref(), Some("did you mean `confused-deputy`?"));
    assert!(found[0].1.contains("confused-deputi"));
}

#[test]
fn settings_of_the_bundled_root_give_a_reason_each() {
    let allow = AllowList::read(&bundled(), &mut SourceMap::new()).unwrap();
    assert!(!allow.entries().is_empty());
    assert!(allow.entries().iter().all(|entry| entry.reason.as_str().len() > 20));
}

/// What matters is counted, each policy once, however many files load it.
#[test]
fn what_matters_is_counted_once() {
    let files = [("permitlab.toml", ""), ("fixtures/world.yaml", WORLD), ("policies/key.json", KEY)];
    let folder = Folder::new(&files);
    let mut sources = SourceMap::new();
    let id = sources.add("use", "fixtures/world.yaml").unwrap();
    let span = permitlab_evaluator::source::Span::new(id, 0, 19);
    let world = permitlab::file::Text::new("fixtures/world.yaml", span);
    let uses = permitlab::lint::attached::Uses { worlds: vec![world], vars: Named::default() };
    assert_eq!(serious(&folder.root(), [&uses, &uses]).unwrap(), 1);
}

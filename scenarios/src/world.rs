//! Will a call be allowed, asked from Rust?
//!
//! For those who would rather write a table of `rstest` cases than YAML. A [`World`] is a fixture of a policy root, or a few
//! texts; a [`Call`] is what a check asks. Each is put to the same replay as a scenario file and held to the same: an answer
//! that hangs on a key nobody stated, or on a rule AWS leaves open, passes neither as allowed nor as denied.
//!
//! ```
//! use permitlab::{Call, World, assert_allowed, assert_denied};
//!
//! let world = World::at(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bedrock-eval.yaml"));
//! let decrypt = Call::new("role/eval-service", "kms:Decrypt").on("key/eval");
//! assert_allowed!(world, decrypt.via("s3"), because "role-eval-kms#CustomKMSKeyProvidedToBedrock");
//! assert_denied!(world, decrypt.via("s3.eu-west-1.amazonaws.com"), because "kms:ViaService");
//! assert_denied!(world, decrypt);
//! ```
//!
//! As a table, where each row is a test:
//!
//! ```
//! use permitlab::{Call, World, assert_allowed, assert_denied};
//! # use rstest::rstest;
//!
//! #[rstest]
//! #[case::decrypt("kms:Decrypt")]
//! #[case::data_key("kms:GenerateDataKey")]
//! fn the_key_is_used_in_its_own_region(#[case] action: &str) {
//!     let world = World::at(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bedrock-eval.yaml"));
//!     let call = Call::new("role/eval-service", action).on("key/eval");
//!     assert_allowed!(world, call.via("s3.us-east-1.amazonaws.com"));
//!     assert_denied!(world, call.via("s3.us-west-2.amazonaws.com"), because "identity");
//! }
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use permitlab_evaluator::decision::Effect;

use crate::file::write::{list, object, quoted};
use crate::judge::{Judgement, Verdicts};
use crate::render::Colour;
use crate::replay::{Asked, Options, Replayed, replay_text};
use crate::report::{failures, findings, why};
use crate::root::{MARKER, PolicyRoot};

/// What messages call the text that a call is written down in.
const NAME: &str = "assertion";

/// What calls are judged against. What is wrong with it is told by the calls.
#[derive(Debug, Clone)]
pub struct World {
    root: Result<PolicyRoot, String>,
    fixtures: Vec<String>,
}

/// A call and how it is made, in the words of a check.
#[derive(Debug, Clone, Default)]
pub struct Call {
    fields: BTreeMap<&'static str, String>,
    encryption_context: BTreeMap<String, String>,
    context: BTreeMap<String, Option<Vec<String>>>,
    accept: Vec<String>,
}

/// What came of a call.
#[derive(Debug)]
pub struct Answer {
    replayed: Replayed,
}

/// Whether a call is to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is.
    Allowed,
    /// It is not, by an explicit Deny or for want of an Allow. That KMS would not answer is no denial.
    Denied,
}

/// Why an assertion does not hold, or a call cannot be judged: drawn, with the line of the policy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refuted(String);

impl World {
    /// A world file, by its whole path. Its policies are those of the nearest folder above that holds `permitlab.toml`.
    pub fn at(fixture: impl AsRef<Path>) -> Self {
        let fixture = fixture.as_ref();
        let shown = fixture.display();
        if fixture.is_relative() {
            let why = format!("`{shown}` is a relative path, which means another file in another folder");
            let help = "begin it with `env!(\"CARGO_MANIFEST_DIR\")`";
            return Self { root: Err(format!("{why}\n  help: {help}")), fixtures: Vec::new() };
        }
        let Some(root) = fixture.parent().and_then(PolicyRoot::discover) else {
            let why =
                format!("`{shown}` is in no policy root\n  help: add an empty `{MARKER}` to the folder of `fixtures/`");
            return Self { root: Err(why), fixtures: Vec::new() };
        };
        match root.name(fixture) {
            Ok(name) => Self { root: Ok(root), fixtures: vec![name] },
            Err(error) => Self { root: Err(error.to_string()), fixtures: Vec::new() },
        }
    }

    /// A policy root of texts alone, by their paths from it; the worlds are those under `fixtures/`.
    ///
    /// ```
    /// use permitlab::{Call, World, assert_denied};
    ///
    /// let key = r#"{ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
    ///     "Principal": { "AWS": "arn:aws:iam::111122223333:role/admin" }, "Action": "kms:*", "Resource": "*" }] }"#;
    /// let world = "accounts: { ml: { id: '111122223333' } }
    /// keys: { data: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json } }
    /// roles: { reader: { account: ml, policies: [] } }";
    /// let world = World::of([("fixtures/world.yaml", world), ("policies/key.json", key)]);
    /// assert_denied!(world, Call::new("role/reader", "kms:Decrypt").on("key/data"), because "principal");
    /// ```
    pub fn of<P: Into<String>, T: Into<String>>(texts: impl IntoIterator<Item = (P, T)>) -> Self {
        let texts: BTreeMap<String, String> =
            texts.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        let fixtures = texts.keys().filter(|path| path.starts_with("fixtures/")).cloned().collect();
        let files = texts.into_iter().map(|(path, text)| (path, text.into_bytes()));
        Self { root: Ok(PolicyRoot::of_files("", files)), fixtures }
    }

    /// The same, merged with another world of the root: `fixtures/partner.yaml`.
    #[must_use]
    pub fn and(mut self, fixture: &str) -> Self {
        self.fixtures.push(fixture.to_owned());
        self
    }

    /// Judges a call.
    ///
    /// ```
    /// use permitlab::{Call, World};
    ///
    /// let world = World::at(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bedrock-eval.yaml"));
    /// let answer = world.decide(&Call::new("role/eval-service", "kms:DescribeKey").on("key/eval")).unwrap();
    /// assert_eq!((answer.is_allowed(), answer.decision()), (true, "allow"));
    /// assert!(answer.explanation().contains("role-eval-kms#CustomKMSDescribeKeyProvidedToBedrock"));
    /// assert!(world.decide(&Call::new("role/eval-servce", "kms:DescribeKey").on("key/eval")).is_err());
    /// ```
    ///
    /// # Errors
    /// What is wrong with the world or the call.
    pub fn decide(&self, call: &Call) -> Result<Answer, Refuted> {
        let options = Options { only_decide: true, suggest: true, ..Options::default() };
        let answer = Answer { replayed: self.replay(call, "allow", &options)? };
        // A file without findings has its one call; what has none is told as what it is.
        if answer.asked().is_some() { Ok(answer) } else { Err(Refuted("no call was judged".to_owned())) }
    }

    /// Judges a call and compares the answer, as the assertions do. The reason is a statement (`policy#Sid`), a layer, or
    /// what failed: `action`, `resource`, `principal` or a condition key.
    ///
    /// # Errors
    /// The explanation of another answer, of another reason, or of an answer that is a guess.
    pub fn expect(&self, call: &Call, expected: Expected, because: Option<&str>) -> Result<(), Refuted> {
        let decided = self.decide(call)?;
        let because =
            because.map(|reason| format!(", because: {}", part(reason, decided.judgement()))).unwrap_or_default();
        let word = match expected {
            Expected::Allowed => "allow",
            Expected::Denied => "deny",
        };
        let options = Options { suggest: true, ..Options::default() };
        let replayed = self.replay(call, &format!("{{ is: {word}{because} }}"), &options)?;
        if replayed.passed() {
            return Ok(());
        }
        Err(Refuted(format!("{}\n{}", failures(&replayed, Colour::Never).trim_end(), decided.explanation())))
    }

    fn replay(&self, call: &Call, expect: &str, options: &Options) -> Result<Replayed, Refuted> {
        let root = self.root.as_ref().map_err(|why| Refuted(why.clone()))?;
        let replayed = replay_text(root, NAME, &call.scenario(&self.fixtures, expect), options);
        if replayed.findings.is_empty() {
            return Ok(replayed);
        }
        Err(Refuted(findings(&replayed, Colour::Never).join("\n\n")))
    }
}

/// A reason as a member of `because`.
fn part(reason: &str, judgement: Option<&Judgement>) -> String {
    const LAYERS: [&str; 8] = ["rcp", "scp", "vpc_endpoint", "resource", "grant", "identity", "boundary", "session"];
    let has_decided = judgement.is_some_and(|judgement| judgement.statement.is_some());
    let key = match (reason.contains('#'), LAYERS.contains(&reason)) {
        (true, _) if has_decided => "statement",
        (true, _) => "nearest",
        // `resource` is a layer and an element of a statement.
        (false, true) if reason != "resource" || !has_failed(judgement, reason) => "layer",
        (false, _) => "failed",
    };
    format!("{{ {key}: {} }}", quoted(reason))
}

fn has_failed(judgement: Option<&Judgement>, element: &str) -> bool {
    let statement = judgement.and_then(Judgement::key_statement);
    statement.is_some_and(|statement| statement.failures.iter().any(|failure| failure.name == element))
}

impl Call {
    /// Who calls what: `role/NAME`, `service/NAME`, an ARN or `anonymous`, and an action.
    pub fn new(by: &str, action: &str) -> Self {
        Self::default().with("by", by).with("call", action)
    }

    /// What is called on: `key/NAME`, or an ARN.
    #[must_use]
    pub fn on(&self, resource: &str) -> Self {
        self.with("resource", resource)
    }

    /// The service that forwards the call: `s3`, or `s3.us-east-1.amazonaws.com`.
    #[must_use]
    pub fn via(&self, service: &str) -> Self {
        self.with("via", service)
    }

    /// The resource a service acts for, which becomes `aws:SourceArn`.
    #[must_use]
    pub fn on_behalf_of(&self, arn: &str) -> Self {
        self.with("for", arn)
    }

    /// The Region whose endpoint is called.
    #[must_use]
    pub fn region(&self, region: &str) -> Self {
        self.with("region", region)
    }

    /// When the call is made: `2026-01-31T12:00:00Z`.
    #[must_use]
    pub fn now(&self, time: &str) -> Self {
        self.with("now", time)
    }

    /// A pair of the encryption context.
    #[must_use]
    pub fn encryption_context(&self, name: &str, value: &str) -> Self {
        let mut call = self.clone();
        call.encryption_context.insert(name.to_owned(), value.to_owned());
        call
    }

    /// A condition key that the call carries; with several values, if it is given several times.
    #[must_use]
    pub fn context(&self, key: &str, value: &str) -> Self {
        let mut call = self.clone();
        call.context.entry(key.to_owned()).or_default().get_or_insert_default().push(value.to_owned());
        call
    }

    /// A condition key that the call does not carry.
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        let mut call = self.clone();
        call.context.insert(key.to_owned(), None);
        call
    }

    /// A rule of FIDELITY.md whose reading there is good enough for this call: `R5.8`.
    #[must_use]
    pub fn accept(&self, rule: &str) -> Self {
        let mut call = self.clone();
        call.accept.push(rule.to_owned());
        call
    }

    fn with(&self, key: &'static str, value: &str) -> Self {
        let mut call = self.clone();
        call.fields.insert(key, value.to_owned());
        call
    }

    /// The call as a scenario of one check.
    fn scenario(&self, fixtures: &[String], expect: &str) -> String {
        let field = |key: &str| self.fields.get(key).map_or("", String::as_str);
        let name = format!("{} by {}", field("call"), field("by"));
        let mut text = format!("scenario: {}\nuse: {}\n", quoted(&name), list(fixtures));
        let _ = writeln!(text, "checks:\n  - name: {}", quoted(&name));
        for (key, value) in &self.fields {
            let _ = writeln!(text, "    {key}: {}", quoted(value));
        }
        if !self.encryption_context.is_empty() {
            let pairs = self.encryption_context.iter().map(|(name, value)| (name, quoted(value)));
            let _ = writeln!(text, "    encryption_context: {}", object(pairs));
        }
        if !self.context.is_empty() {
            let value = |values: &Option<Vec<String>>| match values.as_deref() {
                None => "null".to_owned(),
                Some([one]) => quoted(one),
                Some(several) => list(several),
            };
            let keys = self.context.iter().map(|(key, values)| (key, value(values)));
            let _ = writeln!(text, "    context: {}", object(keys));
        }
        if !self.accept.is_empty() {
            let _ = writeln!(text, "    accept: [{}]", self.accept.join(", "));
        }
        let _ = writeln!(text, "    expect: {expect}");
        text
    }
}

impl Answer {
    /// Whether the call is allowed, and would be whatever is not known: never on a guess.
    pub fn is_allowed(&self) -> bool {
        self.judgement().is_some_and(|judgement| {
            judgement.answer == Verdicts::Decided(Effect::Allow) && judgement.otherwise.is_empty()
        })
    }

    /// The decision as a check would expect it: `allow`, `implicit-deny`, `explicit-deny`, `unavailable`, `not-evaluated`.
    pub fn decision(&self) -> &'static str {
        self.judgement().map_or("", Judgement::word)
    }

    /// What every layer said, with its statements, and what would let a denied call pass.
    pub fn explanation(&self) -> String {
        self.asked().map(|asked| why(&self.replayed.sources, asked, Colour::Never)).unwrap_or_default()
    }

    /// The whole answer.
    pub fn judgement(&self) -> Option<&Judgement> {
        self.asked().map(|asked| &asked.judgement)
    }

    fn asked(&self) -> Option<&Asked> {
        self.replayed.checks.first()?.asked.first()
    }
}

/// Asserts that a world allows a call, and `because` of what: a statement (`policy#Sid`) or a layer. Otherwise, and where the
/// answer is a guess, panics with the whole explanation.
#[macro_export]
macro_rules! assert_allowed {
    ($world:expr, $call:expr $(, because $reason:expr)? $(,)?) => {
        $crate::assert_decided!($world, $call, $crate::world::Expected::Allowed $(, $reason)?)
    };
}

/// Asserts that a world denies a call, and `because` of what: a statement, a layer, or the condition key, `action`, `resource`
/// or `principal` that failed. Otherwise, and where the answer is a guess, panics with the whole explanation.
#[macro_export]
macro_rules! assert_denied {
    ($world:expr, $call:expr $(, because $reason:expr)? $(,)?) => {
        $crate::assert_decided!($world, $call, $crate::world::Expected::Denied $(, $reason)?)
    };
}

/// What [`assert_allowed!`](crate::assert_allowed) and [`assert_denied!`](crate::assert_denied) have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! assert_decided {
    ($world:expr, $call:expr, $expected:expr) => {
        if let Err(refuted) = $world.expect(&$call, $expected, None) {
            panic!("{refuted}");
        }
    };
    ($world:expr, $call:expr, $expected:expr, $reason:expr) => {
        if let Err(refuted) = $world.expect(&$call, $expected, Some($reason)) {
            panic!("{refuted}");
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "Delegate", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" },
    { "Sid": "NoReader", "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*" }
  ]
}"#;
    const ROLE: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "FromOffice", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
      "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } } },
    { "Sid": "Describe", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*" }
  ]
}"#;
    const WORLD: &str = "\
accounts: { ml: { id: '111122223333' } }
keys: { data: { account: ml, region: us-east-1, id: 1234abcd-12ab-34cd-56ef-1234567890ab, policy: policies/key.json } }
roles: { reader: { account: ml, policies: [policies/role.json] } }
";

    fn world() -> World {
        World::of([("fixtures/world.yaml", WORLD), ("policies/key.json", KEY), ("policies/role.json", ROLE)])
    }

    fn call(action: &str) -> Call {
        Call::new("role/reader", action).on("key/data")
    }

    #[track_caller]
    fn refuted(call: &Call, expected: Expected, because: Option<&str>, parts: &[&str]) {
        let text = world().expect(call, expected, because).unwrap_err().to_string();
        for part in parts {
            assert!(text.contains(part), "`{part}` is missing in\n{text}");
        }
    }

    #[test]
    fn reasons_are_statements_layers_and_what_failed() {
        let decrypt = call("kms:Decrypt").context("aws:SourceIp", "198.51.100.7");
        assert_allowed!(world(), call("kms:DescribeKey"));
        assert_allowed!(world(), call("kms:DescribeKey"), because "role#Describe");
        assert_allowed!(world(), call("kms:DescribeKey"), because "identity");
        assert_denied!(world(), decrypt, because "role#FromOffice");
        assert_denied!(world(), decrypt, because "aws:SourceIp");
        assert_denied!(world(), call("kms:Encrypt"), because "key#NoReader");
        assert_denied!(world(), call("kms:Encrypt"), because "resource");
    }

    #[test]
    fn another_answer_is_explained_with_the_line_of_the_policy() {
        let decrypt = call("kms:Decrypt").context("aws:SourceIp", "198.51.100.7");
        let parts = ["expected allow, got implicit-deny", "--> policies/role.json:5:54", "implicit-deny  identity"];
        refuted(&decrypt, Expected::Allowed, None, &parts);
        refuted(&call("kms:DescribeKey"), Expected::Denied, None, &["expected deny, got allow", "role#Describe"]);
    }

    #[test]
    fn another_reason_does_not_pass() {
        refuted(&call("kms:DescribeKey"), Expected::Allowed, Some("key#Delegate"), &["wrong-statement"]);
        refuted(&call("kms:Encrypt"), Expected::Denied, Some("scp"), &["wrong-layer"]);
        refuted(&call("kms:Encrypt"), Expected::Denied, Some("aws:SourceIp"), &["wrong-reason"]);
    }

    #[test]
    fn a_guess_passes_neither_way() {
        let decrypt = call("kms:Decrypt");
        refuted(&decrypt, Expected::Denied, None, &["unstated-key", "`aws:SourceIp`"]);
        assert!(!world().decide(&decrypt).unwrap().is_allowed());
        assert_denied!(world(), decrypt.without("aws:SourceIp"));
        assert_allowed!(world(), decrypt.context("aws:SourceIp", "203.0.113.9"));
    }

    #[test]
    fn what_is_wrong_with_a_world_or_a_call_is_told() {
        refuted(&call("kms:Decypt"), Expected::Denied, None, &["did you mean"]);
        refuted(&Call::new("role/raeder", "kms:Decrypt").on("key/data"), Expected::Denied, None, &["`role/reader`"]);
        let told = |world: World| world.decide(&call("kms:Decrypt")).unwrap_err().to_string();
        assert!(told(World::at("fixtures/world.yaml")).contains("relative path"));
        assert!(told(World::at("/world.yaml")).contains("in no policy root"));
        let missing = told(World::of([("fixtures/world.yaml", WORLD), ("policies/key.json", KEY)]));
        assert!(missing.contains("there is no file `policies/role.json`"), "{missing}");
        assert!(told(world().and("fixtures/world.yaml")).contains("used twice"));
    }
}

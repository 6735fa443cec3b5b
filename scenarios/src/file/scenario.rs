//! Which questions does a scenario file ask, and which answers does it expect?
//!
//! A scenario (`cases/<topic>/<behaviour>.yaml`) is read as its schema has it, then each check becomes one
//! [`Question`] with expectations that fit it: a call expects a decision, a flow a first blocked step, a policy an
//! answer from AWS's grammar.

mod check;
mod expect;
mod sweep;

use std::fmt;

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::Span;
use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{At, ContextValue, Named, PolicySource, Text};
use super::world::Grant;

pub(super) use check::check;
use expect::ExpectShape;
pub use expect::{Because, Case, FlowOutcome, FlowVerdict, Layer, Outcome, PolicyOutcome, Word};
pub use sweep::{Ask, Never};
use sweep::{AskEntry, NeverEntry};

/// A scenario file: checks of one behaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// What the file shows, as a sentence.
    pub scenario: Text,
    /// The worlds it is played in, in order: paths from the policy root.
    pub worlds: Vec<Text>,
    /// Values for placeholders, beside those of the worlds.
    pub vars: Named<Text>,
    /// Words to select it by.
    pub tags: Vec<Text>,
    /// Where AWS describes the behaviour.
    pub source: Option<Text>,
    /// What every call of the file carries, unless a check says otherwise.
    pub context: Named<ContextValue>,
    /// The checks, at least one.
    pub checks: Vec<Check>,
}

/// One check: a question, asked in every cell of its matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, unique in the file as written.
    pub name: Text,
    /// The axes of its matrix, each with at least one value. Empty: the check is one cell.
    pub matrix: Named<Vec<Text>>,
    /// What it asks, and what it expects.
    pub question: Question,
    /// Changes to the world before it asks, in the vocabulary of `--change`.
    pub changes: Vec<Text>,
    /// Condition keys its calls carry, or lack.
    pub context: Named<ContextValue>,
    /// The Region of the endpoint called. Absent: the key's.
    pub region: Option<Text>,
    /// What the session of the calling role carries.
    pub session: Option<At<Session>>,
    /// The moment it plays at. Absent: the replay's own.
    pub now: Option<Text>,
    /// Unsure rules whose reading it accepts: `R5.8`.
    pub accepted_rules: Vec<Text>,
    /// Words to select it by, beside those of the file.
    pub tags: Vec<Text>,
    /// Why it is not to be replayed.
    pub skip: Option<At<Skip>>,
}

/// What a check asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// How is a call decided?
    Call(Box<CallQuestion>),
    /// How far does a flow get?
    Flow {
        /// The flow's name.
        flow: Text,
        /// What its needs are bound to.
        with: Named<Text>,
        /// What is expected, the first case that covers a cell.
        expect: Vec<Case<FlowOutcome>>,
    },
    /// Would AWS store a policy?
    Policy {
        /// The policy.
        policy: PolicySource,
        /// Its type, which says what grammar it follows.
        policy_type: At<PolicyType>,
        /// What is expected, the first case that covers a cell.
        expect: Vec<Case<PolicyOutcome>>,
    },
    /// Who may make a call, or what may somebody do?
    Ask {
        /// What is asked.
        ask: Ask,
        /// The whole answer, as `who-can` and `what-can` name callers, and actions and resources.
        exactly: At<Vec<Text>>,
    },
    /// Is there a call that must never be allowed?
    Never(Box<Never>),
}

/// A call, or one call for each of several actions and resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallQuestion {
    /// Who calls: a reference, an ARN or `anonymous`.
    pub by: Text,
    /// The service that forwards the call.
    pub via: Option<Text>,
    /// The resource a service acts for.
    pub on_behalf_of: Option<Text>,
    /// The actions, at least one.
    pub calls: Vec<Text>,
    /// What they are called on. Empty: operations that are not tied to a resource.
    pub resources: Vec<Text>,
    /// The encryption context the call carries.
    pub encryption_context: Named<Text>,
    /// The key policy the call brings.
    pub new_policy: Option<PolicySource>,
    /// The grant the call makes or retires.
    pub grant: Option<At<GrantQuestion>>,
    /// What is expected, the first case that covers a cell.
    pub expect: Vec<Case<Outcome>>,
}

/// The grant a call is about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    rename = "permitlab::ByKind",
    expecting = "a grant; write the grant that `kms:CreateGrant` makes, or the name `key/NAME[0]` of the one that `kms:RetireGrant` retires"
)]
#[schemars(rename = "GrantQuestion", untagged)]
pub enum GrantQuestion {
    /// The name of the grant that is retired: `key/eval[0]`.
    #[serde(rename = "scalar")]
    Retired(Text),
    /// The grant that is made.
    #[serde(rename = "mapping")]
    Made(Box<Grant>),
}

/// What the session of the calling role carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a session; write a mapping with `policies`, `tags` or `source_identity`"
)]
pub struct Session {
    /// Session policies.
    pub policies: Vec<PolicySource>,
    /// Session tags.
    pub tags: Named<Text>,
    /// The source identity.
    pub source_identity: Option<Text>,
}

/// Why a check is not to be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a reason to skip; write `{ reason: …, until: 2026-01-31 }`")]
pub struct Skip {
    /// Why.
    pub reason: Text,
    /// The last day it may be skipped, as `YYYY-MM-DD`. Absent: for as long as it is written.
    pub until: Option<Text>,
}

/// The type of a policy, which says what grammar it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyType {
    /// An identity-based policy.
    Identity,
    /// A KMS key policy.
    Key,
    /// A bucket policy.
    Bucket,
    /// A role's trust policy.
    Trust,
    /// Another resource-based policy.
    Resource,
    /// A VPC endpoint policy.
    VpcEndpoint,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
}

/// A scenario file: checks of one behaviour.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a scenario; write `scenario:`, `use:` and `checks:` at the left margin")]
#[schemars(rename = "Scenario")]
pub(crate) struct ScenarioEntry {
    /// What the file shows, as a sentence.
    scenario: Text,
    /// The worlds it is played in, merged in order: paths from the policy root.
    #[serde(default)]
    r#use: Vec<Text>,
    /// Values for placeholders, beside those of the worlds.
    #[serde(default)]
    vars: Named<Text>,
    /// Words to select it by.
    #[serde(default)]
    tags: Vec<Text>,
    /// Where AWS describes the behaviour.
    source: Option<Text>,
    /// What every call of the file carries: condition keys and their values.
    #[serde(default)]
    context: Named<ContextValue>,
    /// The checks.
    checks: Vec<At<CheckEntry>>,
}

/// One check. It asks one question: a `call` (or `calls`), a `flow`, a `policy`, `ask` with `exactly`, or `never`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a check; write a mapping with `name`, a `call`, a `flow` or a `policy`, and `expect`"
)]
#[schemars(rename = "Check")]
struct CheckEntry {
    /// Its name, as a sentence; may use the matrix: `"{{action}} through S3"`.
    name: Text,
    /// Axes and their values. The check is asked for every combination.
    #[serde(default)]
    matrix: Named<Vec<Text>>,
    /// Who calls: `role/NAME`, `role/NAME@SESSION`, `user/NAME`, `service/NAME`, an ARN or `anonymous`.
    by: Option<Text>,
    /// The service that forwards the call: `s3`, or `s3.us-east-1.amazonaws.com`.
    via: Option<Text>,
    /// The resource a service acts for: sets `aws:SourceArn` and what goes with it.
    #[serde(rename = "for")]
    on_behalf_of: Option<Text>,
    /// The action: `kms:Decrypt`.
    call: Option<Text>,
    /// Several actions, each of which must be decided as expected.
    calls: Option<At<Vec<Text>>>,
    /// What is called on: `key/NAME` or an ARN.
    resource: Option<Text>,
    /// Several resources, each of which must be decided as expected.
    resources: Option<At<Vec<Text>>>,
    /// The Region of the endpoint called. Default: the key's.
    region: Option<Text>,
    /// The encryption context the call carries.
    #[serde(default)]
    encryption_context: Named<Text>,
    /// The key policy that `kms:PutKeyPolicy` or `kms:CreateKey` brings: a path from the policy root, or the JSON itself
    /// in a block scalar.
    new_policy: Option<PolicySource>,
    /// The grant that `kms:CreateGrant` makes, or the name of the one that `kms:RetireGrant` retires.
    grant: Option<At<GrantQuestion>>,
    /// Condition keys the calls carry, or lack (`null`).
    #[serde(default)]
    context: Named<ContextValue>,
    /// What the session of the calling role carries.
    session: Option<At<Session>>,
    /// The moment the check plays at: `2026-01-31T12:00:00Z`.
    now: Option<Text>,
    /// Changes to the world first: `remove POLICY#Sid`.
    #[serde(default)]
    change: Vec<Text>,
    /// The name of a flow.
    flow: Option<Text>,
    /// What the flow's needs are bound to.
    #[serde(default)]
    with: Named<Text>,
    /// A policy AWS is asked to store: a path, or the JSON itself in a block scalar.
    policy: Option<PolicySource>,
    /// The type of that policy.
    r#type: Option<At<PolicyType>>,
    /// Who may make a call, or what somebody may do: `{ who_can: kms:Decrypt, resource: key/NAME }`.
    ask: Option<At<AskEntry>>,
    /// The whole answer to `ask`: callers as `who-can` names them, or `ACTION RESOURCE` as `what-can` does.
    exactly: Option<At<Vec<Text>>>,
    /// Calls that must never be allowed, whoever makes them and however.
    never: Option<At<NeverEntry>>,
    /// What is expected: a word, a mapping, or a list of mappings of which the first that covers a cell counts.
    #[serde(default, deserialize_with = "there")]
    expect: Option<ExpectShape>,
    /// Unsure rules whose reading the check accepts: `R5.8`.
    #[serde(default)]
    accept: Vec<Text>,
    /// Words to select it by.
    #[serde(default)]
    tags: Vec<Text>,
    /// Why it is not to be replayed.
    skip: Option<At<Skip>>,
}

/// Reads a value that may be left out, and that is never null.
fn there<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The kinds of question, as a check's keys name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Flow,
    Policy,
    Ask,
    Never,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "call",
            Self::Flow => "flow",
            Self::Policy => "policy",
            Self::Ask => "question",
            Self::Never => "never",
        })
    }
}

/// A key of a check and where it is used.
type Used = (&'static str, Option<Span>);

impl CheckEntry {
    /// What asks a question, and where.
    fn asked(&self) -> Vec<(Kind, &'static str, Span)> {
        let list = |list: &Option<At<Vec<Text>>>| list.as_ref().map(|list| list.span);
        let text = |text: &Option<Text>| text.as_ref().map(Text::span);
        [
            (Kind::Call, "call", text(&self.call)),
            (Kind::Call, "calls", list(&self.calls)),
            (Kind::Flow, "flow", text(&self.flow)),
            (Kind::Policy, "policy", self.policy.as_ref().map(PolicySource::span)),
            (Kind::Ask, "ask", self.ask.as_ref().map(|ask| ask.span)),
            (Kind::Never, "never", self.never.as_ref().map(|never| never.span)),
        ]
        .into_iter()
        .filter_map(|(kind, key, span)| Some((kind, key, span?)))
        .collect()
    }

    /// The keys that mean nothing to a kind of question, each with where it is used.
    fn strangers_to(&self, kind: Kind) -> Vec<Used> {
        let text = |text: &Option<Text>| text.as_ref().map(Text::span);
        let call = [
            ("by", text(&self.by)),
            ("via", text(&self.via)),
            ("for", text(&self.on_behalf_of)),
            ("resource", text(&self.resource)),
            ("resources", self.resources.as_ref().map(|list| list.span)),
            ("encryption_context", self.encryption_context.span()),
            ("new_policy", self.new_policy.as_ref().map(PolicySource::span)),
            ("grant", self.grant.as_ref().map(|grant| grant.span)),
        ];
        let decision = [
            ("region", text(&self.region)),
            ("context", self.context.span()),
            ("session", self.session.as_ref().map(|session| session.span)),
            ("now", text(&self.now)),
            ("change", self.change.first().map(Text::span)),
            ("accept", self.accept.first().map(Text::span)),
        ];
        let flow = ("with", self.with.span());
        let policy = ("type", self.r#type.map(|kind| kind.span));
        let exactly = ("exactly", self.exactly.as_ref().map(|exactly| exactly.span));
        let expect = ("expect", self.expect.as_ref().map(ExpectShape::span));
        match kind {
            Kind::Call => vec![flow, policy, exactly],
            Kind::Flow => call.into_iter().chain([policy, exactly]).collect(),
            Kind::Policy => call.into_iter().chain(decision).chain([flow, exactly]).collect(),
            Kind::Ask | Kind::Never => {
                let own = decision.into_iter().filter(|(key, _)| *key != "change");
                let exactly = (kind == Kind::Never).then_some(exactly);
                call.into_iter().chain(own).chain([flow, policy, expect]).chain(exactly).collect()
            }
        }
    }
}

/// The finding about two keys of which only one may be there.
fn both(code: &'static str, kept: (&str, Span), other: (&str, Span), help: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, other.1, format!("`{}` beside `{}`", other.0, kept.0))
        .also(kept.1, format!("`{}` is written here", kept.0))
        .help(help)
}

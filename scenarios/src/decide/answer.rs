//! How is a line answered?
//!
//! The shapes of answers, field by field in the order they are written. A field without a value is left out.

use permitlab_evaluator::context::{ConditionKey, RequestContext};
use permitlab_evaluator::decision::{Decision, Effect, Unavailable};
use permitlab_evaluator::explain::absent;
use permitlab_evaluator::gather::Applicable;
use permitlab_evaluator::layer::{Layer, StatementRef, Verdict};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::truth::Rule;
use serde::{Serialize, Serializer};

use super::fault::Fault;

/// The answer to a case.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<DecidedBy>,
    layers: Layers,
    unsure: Vec<&'static str>,
    #[serde(serialize_with = "names")]
    absent_keys: Vec<ConditionKey>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aws_errors: &'static [&'static str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The answer to a line that is no case.
#[derive(Debug, Serialize)]
pub(super) struct Refused<'f> {
    /// Its number, from 1.
    pub(super) input_line: usize,
    /// What is wrong with it.
    pub(super) error: &'f Fault,
}

#[derive(Debug, Serialize)]
struct DecidedBy {
    layer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<DecidingStatement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<usize>,
}

#[derive(Debug, Serialize)]
struct DecidingStatement {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

impl Answer {
    /// IAM decided.
    pub(super) fn decided(
        applicable: &Applicable<'_>,
        request: &Request,
        context: &RequestContext,
        decision: &Decision,
    ) -> Self {
        Self {
            decision: match decision.effect {
                Effect::Allow => "allowed",
                Effect::ImplicitDeny => "implicitDeny",
                Effect::ExplicitDeny => "explicitDeny",
            },
            decided_by: Some(DecidedBy::of(applicable, decision)),
            layers: Layers(decision.verdicts),
            unsure: decision.doubts.rules.iter().map(Rule::number).collect(),
            absent_keys: absent::keys(applicable, request, context, decision),
            aws_errors: &[],
            warnings: Vec::new(),
        }
    }

    /// KMS answers with an error before it looks at any policy.
    pub(super) fn before_policies(unavailable: Unavailable) -> Self {
        Self {
            decision: "unavailable",
            decided_by: None,
            layers: Layers([Verdict::NotApplicable; 8]),
            unsure: Vec::new(),
            absent_keys: Vec::new(),
            aws_errors: unavailable.errors(),
            warnings: Vec::new(),
        }
    }

    /// The same, but that KMS refuses what was allowed.
    #[must_use]
    pub(super) fn refused_by(self, unavailable: Unavailable) -> Self {
        Self { decision: "unavailable", aws_errors: unavailable.errors(), ..self }
    }

    /// The same, with warnings.
    #[must_use]
    pub(super) fn warn(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}

/// What each layer says, in AWS's order.
#[derive(Debug)]
struct Layers([Verdict; 8]);

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Layer::ALL.iter().zip(&self.0).map(|(layer, verdict)| (layer.word(), verdict.word())))
    }
}

fn names<S: Serializer>(keys: &[ConditionKey], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(ConditionKey::as_str))
}

impl DecidedBy {
    fn of(applicable: &Applicable<'_>, decision: &Decision) -> Self {
        let (grant, by) = match decision.decided_by {
            Some(by) if by.layer == Layer::Grant => (Some(by.index.policy()), None),
            by => (None, by),
        };
        Self {
            grant,
            layer: decision.layer.word(),
            level: by.and_then(level),
            policy: by.map(|by| by.index.policy()),
            statement: by.map(|by| DecidingStatement {
                index: by.index.statement(),
                sid: applicable
                    .statement(by)
                    .and_then(|(_, statement)| statement.sid.as_ref())
                    .map(|sid| sid.as_str().to_owned()),
            }),
        }
    }
}

/// Only hierarchies have levels.
fn level(by: StatementRef) -> Option<usize> {
    match by.layer {
        Layer::Rcp | Layer::Scp => Some(by.level),
        Layer::VpcEndpoint | Layer::Resource | Layer::Grant | Layer::Identity | Layer::Boundary | Layer::Session => {
            None
        }
    }
}

/// As many bytes as few answers exceed.
const USUAL: usize = 640;

/// The line to write: the answer with the case's id, as written, in front.
pub(super) fn line(id: Option<&str>, answer: &impl Serialize) -> String {
    let mut line = Vec::with_capacity(USUAL);
    if let Some(id) = id {
        line.extend_from_slice(b"{\"id\":");
        line.extend(id.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        line.push(b',');
    }
    let start = line.len();
    // Strings, numbers and names of our own always make JSON.
    let written = serde_json::to_writer(&mut line, answer);
    debug_assert!(written.is_ok(), "{written:?}");
    if id.is_some() && line.get(start) == Some(&b'{') {
        line.remove(start);
    }
    String::from_utf8(line).unwrap_or_default()
}

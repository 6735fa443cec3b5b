//! What does a check expect?
//!
//! `expect` is written as a word, a mapping, or a list of mappings; it is read as a list of [`Case`]s, the first of
//! which that covers a matrix cell counts. Which keys a mapping may hold follows from what its check asks.

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::{Position, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Kind, Used, both};
use crate::file::value::{At, Named, Text, schema_as_written};

/// What is expected in the cells a condition covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case<O> {
    /// The values of the axes it covers; an axis it does not name, and so an empty condition, covers all.
    pub when: Named<Text>,
    /// What is expected there.
    pub outcome: O,
    /// Where it is written.
    pub span: Span,
}

/// How a call is expected to be decided.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "OutcomeShape")]
pub struct Outcome {
    /// The decision.
    pub is: At<Word>,
    /// Why; what is not stated is not compared.
    pub because: Option<Because>,
    /// The error KMS answers with, where the decision is `unavailable`.
    pub error: Option<Text>,
}

/// How far a flow is expected to get, and how its single steps are decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowOutcome {
    /// Whether it gets through. Absent: only single steps are asserted.
    pub verdict: Option<FlowVerdict>,
    /// Steps by their ids.
    pub steps: Named<Outcome>,
}

/// Whether a flow is expected to get through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowVerdict {
    /// The decision of the flow: `allow` when every required step is.
    Is(At<Word>),
    /// A required step is the first that is not allowed.
    BlockedAt {
        /// The step's id.
        step: Text,
        /// What the other required steps are.
        others: Option<At<Word>>,
    },
}

/// What AWS is expected to say about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyOutcome {
    /// It stores it.
    Accepted(Span),
    /// It refuses it.
    Refused {
        /// The code of the finding.
        code: Text,
        /// Where in the policy the finding points.
        at: Option<At<Position>>,
    },
}

/// The words for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Allowed.
    Allow,
    /// Denied because nothing allows it.
    ImplicitDeny,
    /// Denied by a statement.
    ExplicitDeny,
    /// Denied, one way or the other.
    Deny,
    /// Refused by KMS for the key's state or Region, whatever the policies say.
    Unavailable,
    /// Not a question of policies: an AWS owned key.
    NotEvaluated,
}

/// The layers of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Resource control policies.
    Rcp,
    /// Service control policies.
    Scp,
    /// The VPC endpoint's policy.
    VpcEndpoint,
    /// The resource-based policy: for a KMS key its key policy.
    Resource,
    /// Grants.
    Grant,
    /// Identity-based policies.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// Session policies.
    Session,
}

/// Why a call is expected to be decided as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BecauseShape")]
pub struct Because {
    /// The layer that decides.
    pub layer: Option<At<Layer>>,
    /// The statement that decides: `policy#Sid` or `policy#[n]`.
    pub statement: Option<Text>,
    /// The statement that comes closest to deciding otherwise.
    pub nearest: Option<Text>,
    /// What fails in it: a condition key, `action`, `resource` or `principal`.
    pub failed: Option<Text>,
    /// What is absent from the request: the same words.
    pub absent: Option<Text>,
}

/// Why a call is decided as it is: the statement that decides, or what else is known of it.
#[derive(Deserialize, JsonSchema)]
#[serde(
    rename = "permitlab::ByKind",
    expecting = "a reason; write a statement reference such as policy#Sid, \
                 or `{ layer: …, statement: …, nearest: …, failed: …, absent: … }`"
)]
#[schemars(rename = "Because", untagged)]
enum BecauseShape {
    #[serde(rename = "scalar")]
    Statement(Text),
    #[serde(rename = "mapping")]
    Entry(Box<BecauseEntry>),
}

/// Why a call is decided as it is. What is not stated is not compared.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Reason")]
struct BecauseEntry {
    /// The layer that decides.
    layer: Option<At<Layer>>,
    /// The statement that decides: `policy#Sid` or `policy#[n]`.
    statement: Option<Text>,
    /// The statement that comes closest to deciding otherwise.
    nearest: Option<Text>,
    /// What fails in it: a condition key, `action`, `resource` or `principal`.
    failed: Option<Text>,
    /// What is absent from the request: a condition key, `action`, `resource` or `principal`.
    absent: Option<Text>,
}

schema_as_written!(Because, BecauseShape);

impl TryFrom<BecauseShape> for Because {
    type Error = &'static str;

    fn try_from(shape: BecauseShape) -> Result<Self, &'static str> {
        let entry = match shape {
            BecauseShape::Statement(statement) => return Ok(Self { statement: Some(statement), ..Self::default() }),
            BecauseShape::Entry(entry) => *entry,
        };
        let BecauseEntry { layer, statement, nearest, failed, absent } = entry;
        let because = Self { layer, statement, nearest, failed, absent };
        if because == Self::default() {
            return Err("a reason that says nothing; add `layer`, `statement`, `nearest`, `failed` or `absent`");
        }
        Ok(because)
    }
}

/// How a step of a flow is decided: a word, or a word with a reason.
#[derive(Deserialize, JsonSchema)]
#[serde(
    rename = "permitlab::ByKind",
    expecting = "a decision; write a word such as `deny`, or `{ is: deny, because: … }`"
)]
#[schemars(rename = "Outcome", untagged)]
enum OutcomeShape {
    #[serde(rename = "scalar")]
    Word(At<Word>),
    #[serde(rename = "mapping")]
    Entry(Box<OutcomeEntry>),
}

/// How a step of a flow is decided.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Decision")]
struct OutcomeEntry {
    /// The decision.
    is: At<Word>,
    /// Why: a statement reference, or what else is known of it.
    because: Option<Because>,
    /// The error KMS answers with, where the decision is `unavailable`.
    error: Option<Text>,
}

schema_as_written!(Outcome, OutcomeShape);

impl From<OutcomeShape> for Outcome {
    fn from(shape: OutcomeShape) -> Self {
        match shape {
            OutcomeShape::Word(is) => Self { is, because: None, error: None },
            OutcomeShape::Entry(entry) => {
                let OutcomeEntry { is, because, error } = *entry;
                Self { is, because, error }
            }
        }
    }
}

/// What a check expects: a word, a mapping, or a list of mappings of which the first that covers a cell counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    rename = "permitlab::ByKind",
    expecting = "an expectation; write a word such as `allow`, a mapping such as `{ is: allow, because: … }`, \
                 or a list of `{ when: …, is: … }`"
)]
#[schemars(rename = "Expect", untagged)]
pub(super) enum ExpectShape {
    #[serde(rename = "scalar")]
    Word(At<Word>),
    #[serde(rename = "mapping")]
    Mapping(Box<At<CaseEntry>>),
    #[serde(rename = "list")]
    List(At<Vec<At<CaseEntry>>>),
}

/// What is expected in the cells `when` covers. A call says `is`; a flow says `is`, or `blocked_at`, or `steps`; a
/// policy says `refused` or `accepted`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a case; write a mapping such as `{ when: { axis: value }, is: allow }`"
)]
#[schemars(rename = "Case")]
pub(super) struct CaseEntry {
    /// Values of matrix axes. Absent: every cell no earlier case covers.
    when: Named<Text>,
    /// The decision.
    is: Option<At<Word>>,
    /// Why: a statement reference, or what else is known of it.
    because: Option<At<Because>>,
    /// The error KMS answers with, where the decision is `unavailable`.
    error: Option<Text>,
    /// The first required step of a flow that is not allowed.
    blocked_at: Option<Text>,
    /// What the other required steps of the flow are.
    others: Option<At<Word>>,
    /// How single steps of a flow are decided, by id.
    steps: Named<Outcome>,
    /// The code of the finding for which AWS refuses the policy.
    refused: Option<Text>,
    /// Where in the policy that finding points: `"LINE:COLUMN"`.
    at: Option<Text>,
    /// AWS stores the policy.
    accepted: Option<At<bool>>,
}

impl ExpectShape {
    /// Where it is written.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Word(word) => word.span,
            Self::Mapping(entry) => entry.span,
            Self::List(entries) => entries.span,
        }
    }

    /// Its cases, none of them read for a kind of question yet.
    fn cases(self) -> Vec<At<CaseEntry>> {
        match self {
            Self::Word(is) => vec![At { value: CaseEntry { is: Some(is), ..CaseEntry::default() }, span: is.span }],
            Self::Mapping(entry) => vec![*entry],
            Self::List(entries) => entries.value,
        }
    }
}

/// Reads the cases of a check's expectation for what the check asks.
pub(super) fn cases<O>(
    expect: ExpectShape,
    matrix: &Named<Vec<Text>>,
    read: fn(At<CaseEntry>, &mut Vec<Diagnostic>) -> Option<O>,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Case<O>> {
    let span = expect.span();
    let entries = expect.cases();
    if entries.is_empty() {
        let finding = Diagnostic::error("nothing-expected", span, "an expectation without cases");
        findings.push(finding.help("write a word such as `allow`, or a list of `{ when: …, is: … }`"));
    }
    let mut cases = Vec::with_capacity(entries.len());
    let mut conditions: Vec<(Named<Text>, Span)> = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let when = std::mem::take(&mut entry.value.when);
        let strangers = when.iter().filter_map(|(axis, value)| {
            unknown_axis(axis, matrix).or_else(|| unknown_axis_value(value, matrix.get(axis.as_str())?))
        });
        findings.extend(strangers);
        let span = entry.span;
        findings.extend(conditions.iter().find_map(|earlier| unreachable(&when, span, earlier)));
        conditions.push((when.clone(), span));
        cases.extend(read(entry, findings).map(|outcome| Case { when, outcome, span }));
    }
    cases
}

/// A value that no cell has, and that no call will ever be compared for.
fn unknown_axis_value(value: &Text, values: &[Text]) -> Option<Diagnostic> {
    if values.iter().any(|known| known.as_str() == value.as_str()) {
        return None;
    }
    let help = permitlab_evaluator::diagnostic::closest(value.as_str(), values.iter().map(Text::as_str)).map_or_else(
        || format!("its values are: {}", values.iter().map(Text::as_str).collect::<Vec<_>>().join(", ")),
        |meant| format!("did you mean `{meant}`?"),
    );
    let message = format!("no cell of the matrix has the value `{value}`");
    Some(Diagnostic::error("unknown-axis-value", value.span(), message).help(help))
}

/// A case whose every cell an earlier one covers: the first that fits counts, so it would never be compared.
fn unreachable(when: &Named<Text>, span: Span, (earlier, place): &(Named<Text>, Span)) -> Option<Diagnostic> {
    let asks_for =
        |axis: &Text, value: &Text| when.get(axis.as_str()).is_some_and(|own| own.as_str() == value.as_str());
    if !earlier.iter().all(|(axis, value)| asks_for(axis, value)) {
        return None;
    }
    let finding = Diagnostic::error("unreachable-case", span, "an earlier case covers every cell of this one");
    Some(
        finding
            .also(*place, "the earlier case")
            .help("the first case that fits counts: remove one, or put the narrower one first"),
    )
}

fn unknown_axis(axis: &Text, matrix: &Named<Vec<Text>>) -> Option<Diagnostic> {
    if matrix.get(axis.as_str()).is_some() {
        return None;
    }
    let help = match permitlab_evaluator::diagnostic::closest(axis.as_str(), matrix.names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if matrix.is_empty() => "the check has no `matrix`; remove `when`, or add the axis".to_owned(),
        None => format!("the axes are: {}", matrix.names().collect::<Vec<_>>().join(", ")),
    };
    Some(Diagnostic::error("unknown-axis", axis.span(), format!("no axis of the matrix is called `{axis}`")).help(help))
}

/// What a call is expected to be decided as.
pub(super) fn call_outcome(entry: At<CaseEntry>, findings: &mut Vec<Diagnostic>) -> Option<Outcome> {
    if has_strangers(&entry.value, Kind::Call, findings) {
        return None;
    }
    let At { value: entry, span } = entry;
    let Some(is) = entry.is else {
        findings.push(nothing_expected(span, "a call", "add `is: allow`, or another word for the decision"));
        return None;
    };
    let outcome = Outcome { is, because: entry.because.map(|because| because.value), error: entry.error };
    findings.extend(needless_error(&outcome));
    Some(outcome)
}

/// How far a flow is expected to get.
pub(super) fn flow_outcome(entry: At<CaseEntry>, findings: &mut Vec<Diagnostic>) -> Option<FlowOutcome> {
    if has_strangers(&entry.value, Kind::Flow, findings) {
        return None;
    }
    let At { value: CaseEntry { is, blocked_at, others, steps, .. }, span } = entry;
    findings.extend(steps.iter().filter_map(|(_, outcome)| needless_error(outcome)));
    let verdict = match (is, blocked_at) {
        (Some(is), Some(step)) => {
            let help = "keep `blocked_at`: a blocked flow is not allowed";
            findings.push(both("asked-twice", ("is", is.span), ("blocked_at", step.span()), help));
            return None;
        }
        (Some(is), None) => Some(FlowVerdict::Is(is)),
        (None, Some(step)) => {
            return Some(FlowOutcome { verdict: Some(FlowVerdict::BlockedAt { step, others }), steps });
        }
        (None, None) => None,
    };
    if let Some(others) = others {
        let finding = Diagnostic::error("misplaced-key", others.span, "`others` without `blocked_at`");
        findings.push(finding.help("say which step is the first blocked one: `blocked_at: STEP`"));
    }
    if verdict.is_none() && steps.is_empty() {
        findings.push(nothing_expected(span, "a flow", "add `is: allow`, `blocked_at: STEP` or `steps: { STEP: … }`"));
    }
    Some(FlowOutcome { verdict, steps })
}

/// What AWS is expected to say about a policy.
pub(super) fn policy_outcome(entry: At<CaseEntry>, findings: &mut Vec<Diagnostic>) -> Option<PolicyOutcome> {
    if has_strangers(&entry.value, Kind::Policy, findings) {
        return None;
    }
    let At { value: CaseEntry { refused, at, accepted, .. }, span } = entry;
    let accepted = accepted.filter(|accepted| {
        if !accepted.value {
            let finding = Diagnostic::error("invalid-value", accepted.span, "`accepted: false` does not say why");
            findings.push(finding.help("say for which finding AWS refuses the policy: `refused: CODE`"));
        }
        accepted.value
    });
    match (accepted, refused) {
        (Some(accepted), Some(code)) => {
            let help = "keep one of the two: AWS stores a policy or refuses it";
            findings.push(both("asked-twice", ("accepted", accepted.span), ("refused", code.span()), help));
            None
        }
        (Some(accepted), None) => {
            if let Some(at) = at {
                let finding = Diagnostic::error("misplaced-key", at.span(), "`at` without `refused`");
                findings.push(finding.help("an accepted policy has no place to point at; remove `at`"));
            }
            Some(PolicyOutcome::Accepted(accepted.span))
        }
        (None, Some(code)) => {
            let at = at.and_then(|at| position(&at).map_err(|finding| findings.push(finding)).ok());
            Some(PolicyOutcome::Refused { code, at })
        }
        (None, None) => {
            findings.push(nothing_expected(span, "a policy", "add `refused: CODE` or `accepted: true`"));
            None
        }
    }
}

impl CaseEntry {
    /// The keys that mean nothing to a kind of question, each with where it is used.
    fn strangers_to(&self, kind: Kind) -> Vec<Used> {
        let word = |word: &Option<At<Word>>| word.map(|word| word.span);
        let text = |text: &Option<Text>| text.as_ref().map(Text::span);
        let is = ("is", word(&self.is));
        let reason = [("because", self.because.as_ref().map(|because| because.span)), ("error", text(&self.error))];
        let flow =
            [("blocked_at", text(&self.blocked_at)), ("others", word(&self.others)), ("steps", self.steps.span())];
        let policy = [
            ("refused", text(&self.refused)),
            ("at", text(&self.at)),
            ("accepted", self.accepted.map(|accepted| accepted.span)),
        ];
        match kind {
            Kind::Call => flow.into_iter().chain(policy).collect(),
            Kind::Flow => reason.into_iter().chain(policy).collect(),
            Kind::Policy => [is].into_iter().chain(reason).chain(flow).collect(),
            // Neither has an expectation.
            Kind::Ask | Kind::Never => Vec::new(),
        }
    }
}

/// Reports the keys that mean nothing to a kind of question, and says whether there are any.
fn has_strangers(entry: &CaseEntry, kind: Kind, findings: &mut Vec<Diagnostic>) -> bool {
    let before = findings.len();
    findings.extend(entry.strangers_to(kind).into_iter().filter_map(|used| stranger(used, kind)));
    findings.len() > before
}

fn stranger((key, span): Used, kind: Kind) -> Option<Diagnostic> {
    let help = match kind {
        Kind::Call => "a call expects `is`, with `because` and `error`",
        Kind::Flow => "a flow expects `is`, or `blocked_at` and `others`, or `steps: { STEP: { is: …, because: … } }`",
        Kind::Policy => "a policy expects `refused: CODE` with `at: \"LINE:COLUMN\"`, or `accepted: true`",
        Kind::Ask | Kind::Never => "it has no `expect`",
    };
    Some(Diagnostic::error("misplaced-key", span?, format!("`{key}` in the expectation of a {kind}")).help(help))
}

fn nothing_expected(span: Span, of: &str, help: &str) -> Diagnostic {
    Diagnostic::error("nothing-expected", span, format!("{of} with nothing expected of it")).help(help)
}

fn needless_error(outcome: &Outcome) -> Option<Diagnostic> {
    let error = outcome.error.as_ref().filter(|_| outcome.is.value != Word::Unavailable)?;
    Some(
        Diagnostic::error(
            "misplaced-key",
            error.span(),
            format!("the error `{error}` of a call that is not `unavailable`"),
        )
        .also(outcome.is.span, "the decision")
        .help("write `is: unavailable`, or remove `error`"),
    )
}

fn position(at: &Text) -> Result<At<Position>, Diagnostic> {
    let number = |digits: &str| digits.parse().ok().filter(|number| *number > 0);
    let parts = at.as_str().split_once(':').and_then(|(line, column)| Some((number(line)?, number(column)?)));
    match parts {
        Some((line, column)) => Ok(At { value: Position { line, column }, span: at.span() }),
        None => Err(Diagnostic::error("invalid-value", at.span(), format!("`{at}` is no place in a policy"))
            .help("write line and column, each counted from 1: at: \"9:21\"")),
    }
}

//! Which calls does one piece of AWS work make?
//!
//! A flow (`flows/*.yaml`) is data: AWS does not publish exact call lists, so each step says how we know of it.

use std::fmt;

use permitlab_evaluator::diagnostic::Diagnostic;
use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{At, ContextValue, Named, Text, schema_as_written};

/// A flow: the calls one piece of AWS work makes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a flow; write `flow:`, `needs:` and `steps:` at the left margin")]
pub struct Flow {
    /// Its name, as checks call it: `bedrock.model-evaluation-job`.
    pub flow: Text,
    /// Where AWS describes the work.
    pub source: Option<Text>,
    /// What a check must bind with `with:`. The steps use them as `{{name}}`.
    #[serde(default)]
    pub needs: Named<Need>,
    /// The calls, in order. Each is judged alone.
    pub steps: Vec<Step>,
}

/// What a flow needs: a kind, or a kind with a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "NeedShape")]
pub struct Need {
    /// What it is a reference to.
    pub kind: At<NeedKind>,
    /// What stands for it when a check binds nothing; may use the other needs.
    pub default: Option<Text>,
    /// Whether steps that use it are left out when a check binds nothing.
    pub is_optional: bool,
}

/// What a flow needs: a kind, or a kind with a default.
#[derive(Deserialize, JsonSchema)]
#[serde(
    rename = "permitlab::ByKind",
    expecting = "what the flow needs; write a kind such as `key`, or `{ type: key, default: …, optional: … }`"
)]
#[schemars(rename = "Need", untagged)]
enum NeedShape {
    #[serde(rename = "scalar")]
    Kind(At<NeedKind>),
    #[serde(rename = "mapping")]
    Entry(NeedEntry),
}

/// What a flow needs, with a default.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NeedWithDefault")]
struct NeedEntry {
    /// What it is a reference to.
    r#type: At<NeedKind>,
    /// What stands for it when a check binds nothing; may use the other needs.
    default: Option<Text>,
    /// Whether steps that use it are left out when a check binds nothing. Default: false.
    optional: Option<bool>,
}

schema_as_written!(Need, NeedShape);

impl From<NeedShape> for Need {
    fn from(shape: NeedShape) -> Self {
        match shape {
            NeedShape::Kind(kind) => Self { kind, default: None, is_optional: false },
            NeedShape::Entry(entry) => {
                Self { kind: entry.r#type, default: entry.default, is_optional: entry.optional.unwrap_or(false) }
            }
        }
    }
}

/// The kinds of thing a flow may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// An IAM role.
    Role,
    /// An IAM user.
    User,
    /// Whoever may call: a role, a user, an account's root user, a service or `anonymous`.
    Caller,
    /// A KMS key.
    Key,
    /// A KMS alias. It need not exist yet.
    Alias,
    /// An S3 bucket.
    Bucket,
    /// An AWS account.
    Account,
    /// An AWS service principal.
    Service,
    /// An ARN.
    Arn,
    /// Any text.
    Text,
}

impl fmt::Display for NeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Role => "role",
            Self::User => "user",
            Self::Caller => "caller",
            Self::Key => "key",
            Self::Alias => "alias",
            Self::Bucket => "bucket",
            Self::Account => "account",
            Self::Service => "service",
            Self::Arn => "ARN",
            Self::Text => "text",
        })
    }
}

/// One call of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a step; write a mapping with `id`, `by`, `call` and `evidence`")]
pub struct Step {
    /// Its name, as expectations call it.
    pub id: Text,
    /// Who calls: a reference, an ARN or `anonymous`.
    pub by: Text,
    /// The service that forwards the call: `s3`, or `s3.us-east-1.amazonaws.com`.
    pub via: Option<Text>,
    /// The resource a service acts for: sets `aws:SourceArn` and what goes with it.
    #[serde(rename = "for")]
    pub on_behalf_of: Option<Text>,
    /// The action: `kms:Decrypt`.
    pub call: Text,
    /// What it is called on. Absent: an operation that is not tied to a resource.
    pub resource: Option<Text>,
    /// The Region of the endpoint called. Default: the key's.
    pub region: Option<Text>,
    /// The encryption context the call carries.
    #[serde(default)]
    pub encryption_context: Named<Text>,
    /// Condition keys the call carries, or lacks (`null`).
    #[serde(default)]
    pub context: Named<ContextValue>,
    /// How we know that AWS makes this call.
    pub evidence: At<Evidence>,
    /// Whether the work fails when the call is denied. Default: true for a documented call; an inferred one never is.
    pub required: Option<At<bool>>,
}

/// How we know that AWS makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// AWS documents it.
    Documented,
    /// It follows from what AWS documents.
    Inferred,
}

impl Step {
    /// Whether the work fails when the call is denied.
    pub fn is_required(&self) -> bool {
        self.evidence.value == Evidence::Documented && self.required.is_none_or(|required| required.value)
    }
}

/// Checks what no single type can say: there are steps, their ids differ, no inferred one is required.
pub(super) fn check(flow: Flow) -> Result<Flow, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    if flow.steps.is_empty() {
        let finding = Diagnostic::error("no-steps", flow.flow.span(), format!("the flow `{}` has no steps", flow.flow));
        findings.push(finding.help("add the calls the work makes under `steps:`"));
    }
    for (index, step) in flow.steps.iter().enumerate() {
        findings.extend(repeated_id(&flow, index, step));
        findings.extend(required_guess(step));
    }
    if findings.is_empty() { Ok(flow) } else { Err(findings) }
}

fn repeated_id(flow: &Flow, index: usize, step: &Step) -> Option<Diagnostic> {
    let first = flow.steps.iter().take(index).find(|other| other.id.as_str() == step.id.as_str())?;
    Some(
        Diagnostic::error("duplicate-name", step.id.span(), format!("two steps are called `{}`", step.id))
            .also(first.id.span(), "first used here")
            .help("give each step an id of its own: expectations name steps by it"),
    )
}

fn required_guess(step: &Step) -> Option<Diagnostic> {
    let required = step.required.filter(|required| required.value && step.evidence.value == Evidence::Inferred)?;
    Some(
        Diagnostic::error("required-guess", required.span, format!("the inferred step `{}` is required", step.id))
            .also(step.evidence.span, "nobody documents this call")
            .help("remove `required: true`, or say where AWS documents the call and write `evidence: documented`"),
    )
}

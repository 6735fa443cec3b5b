//! Questions about all calls at once: who may make one, what somebody may do, and what must never be.

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::Span;
use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{missing, one_or_more};
use super::{At, ContextValue, Named, Text, both};

/// Who may make a call, or what may somebody do?
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a question; write `{ who_can: kms:Decrypt, resource: key/NAME }` or `{ what_can: role/NAME }`"
)]
#[schemars(rename = "Ask")]
pub(super) struct AskEntry {
    /// The action of which is asked who may call it.
    who_can: Option<Text>,
    /// On what.
    resource: Option<Text>,
    /// The caller of whom is asked what it may do.
    what_can: Option<Text>,
}

/// What is asked of all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Who may make this call?
    Who {
        /// The action.
        call: Text,
        /// The resource.
        resource: Text,
    },
    /// What may this caller do?
    What {
        /// The caller.
        principal: Text,
    },
}

/// Calls that must never be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "what must never be; write `{ call: kms:Decrypt, resource: key/NAME, except: [role/NAME] }`"
)]
#[schemars(rename = "Never")]
pub(super) struct NeverEntry {
    /// The action: `kms:Decrypt`.
    call: Option<Text>,
    /// Several actions.
    calls: Option<At<Vec<Text>>>,
    /// On what: `key/NAME`, `role/NAME` or an ARN.
    resource: Text,
    /// Those who must not. Default: everybody.
    #[serde(default)]
    by: Vec<Text>,
    /// Those who may: `role/NAME`, `account/NAME`, and `account/NAME/*` for everybody else of an account.
    #[serde(default)]
    except: Vec<Text>,
    /// Condition keys and values with which anybody may; one is enough. `*` and `?` are wildcards.
    #[serde(default)]
    unless: Named<ContextValue>,
}

/// Calls that must never be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Never {
    /// The actions, at least one.
    pub calls: Vec<Text>,
    /// On what.
    pub resource: Text,
    /// Those who must not. Empty: everybody.
    pub by: Vec<Text>,
    /// Those who may.
    pub except: Vec<Text>,
    /// Condition keys and values with which anybody may.
    pub unless: Named<ContextValue>,
}

/// What a question asks, if it asks one thing.
pub(super) fn ask(At { value: entry, span }: At<AskEntry>, findings: &mut Vec<Diagnostic>) -> Option<Ask> {
    match entry {
        AskEntry { who_can: Some(call), resource: Some(resource), what_can: None } => Some(Ask::Who { call, resource }),
        AskEntry { who_can: None, resource: None, what_can: Some(principal) } => Some(Ask::What { principal }),
        AskEntry { who_can: Some(one), what_can: Some(other), .. } => {
            let help = "a check asks one thing: make the other a check of its own";
            findings.push(both("asked-twice", ("who_can", one.span()), ("what_can", other.span()), help));
            None
        }
        AskEntry { who_can: Some(_), resource: None, what_can: None } => {
            findings.push(missing("resource", span, "say on what: `resource: key/NAME`"));
            None
        }
        AskEntry { resource: Some(resource), what_can: Some(_), .. } => {
            let finding = Diagnostic::error("misplaced-key", resource.span(), "`resource` beside `what_can`");
            findings.push(finding.help("remove it: the answer names every resource"));
            None
        }
        AskEntry { who_can: None, what_can: None, .. } => {
            findings.push(missing("who_can", span, "ask `who_can: kms:Decrypt` or `what_can: role/NAME`"));
            None
        }
    }
}

/// What must never be.
pub(super) fn never(At { value: entry, span }: At<NeverEntry>, findings: &mut Vec<Diagnostic>) -> Option<Never> {
    let NeverEntry { call, calls, resource, by, except, unless } = entry;
    if (&call, &calls) == (&None, &None) {
        findings.push(missing("call", span, "say which call: `call: kms:Decrypt`"));
    }
    let calls = one_or_more(("call", call), ("calls", calls), findings);
    findings.extend(unless.iter().filter(|(_, value)| value.texts().is_empty()).map(|(key, _)| nothing(key.span())));
    Some(Never { calls, resource, by, except, unless })
}

fn nothing(span: Span) -> Diagnostic {
    let finding = Diagnostic::error("empty-list", span, "a key without a value");
    finding.help("give it a value, or several; `\"*\"` is any")
}

//! What comes of one call, in words and places?
//!
//! A [`Judgement`] is a decision with its explanation, free of the world it was made in: names of statements, the
//! elements that failed with the place of each, what the request had there and where that came from.

use std::sync::Arc;

use permitlab_evaluator::authorize::{Answer, answer, decide, hangs_on_resource_policy};
use permitlab_evaluator::context::{Entry, Origin, Presence, RequestContext, Values};
use permitlab_evaluator::decision::{Decision, Effect, Unavailable};
use permitlab_evaluator::derive;
use permitlab_evaluator::eval::statement::Element;
use permitlab_evaluator::explain::{ElementExplanation, Explanation, Found, StatementExplanation, explain};
use permitlab_evaluator::gather::{Applicable, gather};
use permitlab_evaluator::layer::{Layer, Verdict};
use permitlab_evaluator::policy::{self, Policy, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::Request;
use permitlab_evaluator::service::kms::lockout;
use permitlab_evaluator::service::{self, Held, Service, Sharing, held};
use permitlab_evaluator::source::Span;
use permitlab_evaluator::truth::{Rule, Rules};
use permitlab_evaluator::world::World;

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The answer.
    pub answer: Verdicts,
    /// The layer that decided; none where no layer did.
    pub layer: Option<Layer>,
    /// The statement that decided.
    pub statement: Option<Statement>,
    /// For an implicit deny, the Allow statement that came nearest.
    pub nearest: Option<Statement>,
    /// Condition keys nobody stated that could change the answer.
    pub unstated: Vec<String>,
    /// Rules the reference is unsure of that could change the answer.
    pub unsure: Vec<&'static str>,
    /// Rules that would stand there too, had the check not accepted their reading.
    pub accepted: Vec<&'static str>,
    /// The other answers those leave open.
    pub otherwise: Vec<Effect>,
    /// What each layer said, with its statements.
    pub layers: Vec<LayerView>,
    /// The call, for people.
    pub call: String,
    /// What the caller is called, where it is one without policies in IAM: a service, somebody with a token, nobody.
    pub without_policies: Option<&'static str>,
    /// Whether the key policy that spoke is AWS's, which nobody changes (R6.32).
    pub is_under_aws_policy: bool,
    /// How the resource's policy and identity policies combine, and what the policy is called.
    pub resource_policy: (Sharing, &'static str),
    /// What refuses the call whatever the policies say.
    pub closed: Option<&'static str>,
    /// Whether a resource-based policy that the world does not hold could turn the answer into an Allow.
    pub hangs_on_resource_policy: bool,
}

/// The answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdicts {
    /// IAM decided.
    Decided(Effect),
    /// KMS answers with an error, for this reason.
    Unavailable(Unavailable),
    /// No policy of a customer has a say (R6.33).
    NotEvaluated,
}

/// What one layer said.
#[derive(Debug, Clone)]
pub struct LayerView {
    /// The layer.
    pub layer: Layer,
    /// What it said by itself.
    pub verdict: Verdict,
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// A statement and how it met the call.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its reference: `key-eval#[1]`.
    pub name: String,
    /// Allow or Deny.
    pub effect: policy::Effect,
    /// Where it stands.
    pub span: Span,
    /// Where its Sid stands, if it has one.
    pub sid: Option<Span>,
    /// Whether it is a grant, which has no statement.
    pub is_grant: bool,
    /// Whether it applies.
    pub applies: bool,
    /// Its elements that do not match.
    pub failures: Vec<Failure>,
    /// The values of its elements that match, for the long explanation.
    pub matches: Vec<Failure>,
}

/// An element of a statement and what the call had there.
#[derive(Debug, Clone)]
pub struct Failure {
    /// `principal`, `action`, `resource` or the condition key.
    pub name: String,
    /// The operator of a condition.
    pub operator: Option<String>,
    /// The value in the policy.
    pub span: Span,
    /// What the call had: `the request has …`.
    pub found: String,
    /// The values the policy compares a condition key with.
    pub wanted: Vec<String>,
    /// The single value of a condition key in the request.
    pub value: Option<String>,
    /// Whether a condition key is absent, or nobody stated it.
    pub is_absent: bool,
    /// What the value of a condition key came from.
    pub origin: Option<Origin>,
    /// Placeholders in the policy's value, with what they stand for.
    pub fills: Vec<(String, String)>,
    /// Policy variables in it, with what they stand for in this call; `None` is unresolved.
    pub variables: Vec<(String, Option<String>)>,
}

/// Judges a call that brings a key policy: once it is allowed, its caller must be able to change that policy again by
/// its own next `PutKeyPolicy` (R6.10). What stood in the way of that is the explanation.
pub fn judge_with_policy(world: &World, request: &Request, policy: &Arc<Policy>, settled: Rules) -> Judgement {
    let mut judgement = judge(world, request, settled);
    let context = derive::context(world, request);
    let next = lockout::next_call(world, request, &context, policy);
    let (Verdicts::Decided(Effect::Allow), Some((world, next))) = (judgement.answer, next) else { return judgement };
    let mut after = judge(&world, &next, settled);
    let is_shut_out = matches!(after.answer, Verdicts::Decided(effect) if effect.is_deny());
    if is_shut_out {
        after.answer = Verdicts::Unavailable(Unavailable::Lockout);
        let again = format!("{} on {}", next.action, next.resource.arn);
        after.call = format!("{}, and would next call {again} under the policy it brings", judgement.call);
        after.otherwise.retain(|effect| *effect == Effect::Allow);
    } else {
        std::mem::swap(&mut after, &mut judgement);
    }
    join(&mut after.otherwise, &mut judgement.otherwise);
    join(&mut after.unstated, &mut judgement.unstated);
    join(&mut after.unsure, &mut judgement.unsure);
    join(&mut after.accepted, &mut judgement.accepted);
    after
}

/// Adds what is not there yet.
fn join<T: Ord>(own: &mut Vec<T>, others: &mut Vec<T>) {
    own.append(others);
    own.sort();
    own.dedup();
}

/// Judges a call in a world. The reference's reading of `settled` rules counts as certain.
pub fn judge(world: &World, request: &Request, settled: Rules) -> Judgement {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    let applicable = gather(world, request, endpoint.as_deref());
    let call = describe(request);
    let mut judgement = match answer(world, &applicable, request, &context, settled) {
        Answer::Decided(decision) => decided(&applicable, request, &context, &decision, call),
        Answer::Unavailable(why, decision) => {
            let mut judgement = match &decision {
                Some(decision) => decided(&applicable, request, &context, decision, call),
                None => Judgement::bare(Verdicts::NotEvaluated, call),
            };
            judgement.answer = Verdicts::Unavailable(why);
            judgement
        }
    };
    judgement.accepted = accepted(&applicable, request, &context, settled);
    judgement.is_under_aws_policy = judgement.layer == Some(Layer::Resource)
        && world.key(&request.resource.arn).is_some_and(|key| key.is_aws_managed);
    judgement.resource_policy = (Service::of(&request.action).sharing(request), policy_word(request));
    judgement.closed = closed(&applicable, request);
    if judgement.closed.is_some() {
        judgement.nearest = None;
    }
    judgement.hangs_on_resource_policy = matches!(held(world, request), Held::Unseen)
        && hangs_on_resource_policy(&applicable, request, &context, settled);
    judgement
}

/// Those of the `settled` rules that the answer hangs on.
fn accepted(
    applicable: &Applicable<'_>,
    request: &Request,
    context: &RequestContext,
    settled: Rules,
) -> Vec<&'static str> {
    if settled.is_empty() {
        return Vec::new();
    }
    let unsettled = decide(applicable, request, context, Rules::NONE).doubts.rules;
    settled.iter().filter(|rule| unsettled.contains(*rule)).map(Rule::number).collect()
}

/// What people call the resource-based policy of a call's resource.
fn policy_word(request: &Request) -> &'static str {
    match service::resource_policy_type(&request.action) {
        PolicyType::Key => "key policy",
        PolicyType::Trust => "trust policy",
        _ if Service::of(&request.action) == Service::S3 => "bucket policy",
        PolicyType::Resource
        | PolicyType::Identity
        | PolicyType::Boundary
        | PolicyType::Session
        | PolicyType::VpcEndpoint
        | PolicyType::ServiceControl
        | PolicyType::ResourceControl => "resource-based policy",
    }
}

fn closed(applicable: &Applicable<'_>, request: &Request) -> Option<&'static str> {
    let owner = applicable.resource_account.or(request.resource.account);
    let caller = request.principal.account();
    let crosses = owner.is_some() && caller.is_some() && owner != caller;
    let service = Service::of(&request.action);
    if !service.serves(request) {
        Some("the service does not answer such a caller, whatever the policies say")
    } else if crosses && !service.works_across_accounts(&request.action) {
        Some("the action works on nothing of another account, whatever the policies say")
    } else {
        None
    }
}

/// A call that no policy has a say in.
pub fn not_evaluated(call: String) -> Judgement {
    Judgement::bare(Verdicts::NotEvaluated, call)
}

/// The call in words.
pub fn describe(request: &Request) -> String {
    let via = request.via.as_ref().map(|via| format!(" through {}", via.service)).unwrap_or_default();
    let source = request.source.as_ref().map(|source| format!(" for {}", source.arn)).unwrap_or_default();
    format!("{} calls {} on {}{via}{source}", request.principal, request.action, request.resource.arn)
}

fn decided(
    applicable: &Applicable<'_>,
    request: &Request,
    context: &RequestContext,
    decision: &Decision,
    call: String,
) -> Judgement {
    let explanation = explain(applicable, request, context, decision);
    let key = explanation.key_statement.as_ref().map(Statement::of);
    let (statement, nearest) = match decision.effect {
        Effect::ImplicitDeny => (None, key),
        Effect::Allow | Effect::ExplicitDeny => (key, None),
    };
    Judgement {
        answer: Verdicts::Decided(decision.effect),
        layer: Some(decision.layer),
        statement,
        nearest,
        unstated: decision.doubts.keys.iter().map(ToString::to_string).collect(),
        unsure: decision.doubts.rules.iter().map(Rule::number).collect(),
        accepted: Vec::new(),
        otherwise: decision.otherwise.iter().collect(),
        layers: layers(&explanation),
        call,
        without_policies: match request.principal {
            Principal::Service(_) => Some("service"),
            Principal::Federated(_) | Principal::Anonymous => Some("caller"),
            Principal::User(_)
            | Principal::RoleSession { .. }
            | Principal::FederatedUser { .. }
            | Principal::Root { .. } => None,
        },
        is_under_aws_policy: false,
        resource_policy: (Sharing::IdentityOnly, ""),
        closed: None,
        hangs_on_resource_policy: false,
    }
}

fn layers(explanation: &Explanation<'_>) -> Vec<LayerView> {
    let view = |layer: &permitlab_evaluator::explain::LayerExplanation<'_>| LayerView {
        layer: layer.layer,
        verdict: layer.verdict,
        statements: layer.statements.iter().map(Statement::of).collect(),
    };
    explanation.layers.iter().map(view).collect()
}

impl Judgement {
    fn bare(answer: Verdicts, call: String) -> Self {
        Self {
            answer,
            layer: None,
            statement: None,
            nearest: None,
            unstated: Vec::new(),
            unsure: Vec::new(),
            accepted: Vec::new(),
            otherwise: Vec::new(),
            layers: Vec::new(),
            call,
            without_policies: None,
            is_under_aws_policy: false,
            resource_policy: (Sharing::IdentityOnly, ""),
            closed: None,
            hangs_on_resource_policy: false,
        }
    }

    /// The answer in the words of scenario files.
    pub fn word(&self) -> &'static str {
        match self.answer {
            Verdicts::Decided(effect) => effect.word(),
            Verdicts::Unavailable(_) => "unavailable",
            Verdicts::NotEvaluated => "not-evaluated",
        }
    }

    /// The statement the answer turns on: the one that decided, or came nearest to allowing.
    pub fn key_statement(&self) -> Option<&Statement> {
        self.statement.as_ref().or(self.nearest.as_ref())
    }
}

impl Statement {
    fn of(explained: &StatementExplanation<'_>) -> Self {
        let (matches, failures): (Vec<_>, Vec<_>) =
            explained.elements.iter().partition(|element| element.truth.holds());
        let view = |element: &ElementExplanation| Failure::of(element, explained);
        Self {
            name: explained.name(),
            effect: explained.subject.effect(),
            span: explained.subject.span(),
            sid: explained.subject.sid(),
            is_grant: explained.reference.layer == Layer::Grant,
            applies: explained.applies.holds(),
            failures: failures.into_iter().map(view).collect(),
            matches: matches.into_iter().map(view).collect(),
        }
    }
}

impl Failure {
    fn of(element: &ElementExplanation, explained: &StatementExplanation<'_>) -> Self {
        let condition = explained.condition(element);
        let entry = match &element.found {
            Found::Key(_, entry) => Some(entry),
            Found::Caller(_) | Found::Name(_) | Found::EncryptionContext(_) => None,
        };
        let lacks_resource = explained.lacks_resource() && element.element == Element::Resource;
        Self {
            name: element.name(),
            operator: condition.map(|condition| condition.operator.to_string()),
            span: element.near.as_ref().map_or(element.span, |(span, _)| *span),
            found: if lacks_resource { LACKS_RESOURCE.to_owned() } else { found(element, entry) },
            wanted: condition
                .map(|condition| condition.operands.iter().map(|each| each.text.as_str().to_owned()).collect())
                .unwrap_or_default(),
            value: entry.and_then(|entry| match &entry.presence {
                Presence::Present(Values::One(value)) => Some(value.clone()),
                Presence::Present(Values::Many(_)) | Presence::Absent | Presence::Unstated => None,
            }),
            is_absent: entry.is_some_and(|entry| !matches!(entry.presence, Presence::Present(_))),
            origin: entry.map(|entry| entry.origin),
            fills: explained.fills(element),
            variables: element.variables.clone(),
        }
    }
}

/// KMS stores such a statement in a key policy, and never uses it (R1.10).
const LACKS_RESOURCE: &str = "the statement has no `Resource`, so it is about nothing";

fn found(element: &ElementExplanation, entry: Option<&Entry>) -> String {
    match (&element.found, entry.map(|entry| &entry.presence)) {
        (Found::Caller(caller), _) => match &element.near {
            Some((_, near)) => format!("the caller is `{caller}`; {near}"),
            None => format!("the caller is `{caller}`"),
        },
        (Found::Name(name), _) => match element.name().as_str() {
            "action" => format!("the call is `{name}`"),
            _ => format!("the resource is `{name}`"),
        },
        (Found::EncryptionContext(pairs), _) if pairs.is_empty() => "the request has no encryption context".to_owned(),
        (Found::EncryptionContext(pairs), _) => {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("`{name}` = `{value}`")).collect();
            format!("the encryption context is {}", pairs.join(", "))
        }
        (Found::Key(key, _), Some(Presence::Present(Values::Many(values)))) if values.is_empty() => {
            format!("the request has no value of `{key}`")
        }
        (Found::Key(_, _), Some(Presence::Present(values))) => {
            format!("the request has {values}{}", of_set(element, values))
        }
        (Found::Key(key, _), Some(Presence::Unstated)) => format!("nobody stated `{key}`, so it counts as absent"),
        (Found::Key(key, _), Some(Presence::Absent) | None) => format!("the request has no `{key}`"),
    }
}

/// Why a set of values does not do, where its members do not say so.
fn of_set(element: &ElementExplanation, values: &Values) -> String {
    let rejected: Vec<_> = element.rejected.iter().map(|value| format!("`{value}`")).collect();
    match values {
        Values::Many(all) if !rejected.is_empty() && rejected.len() < all.len() => {
            format!(", of which {} does not fit", rejected.join(", "))
        }
        Values::Many(_) | Values::One(_) => String::new(),
    }
}

//! Which call does a check or a step of a flow ask about?

use std::collections::BTreeMap;
use std::sync::Arc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::catalog::{kms, names, services};
use permitlab_evaluator::condition::date::Instant;
use permitlab_evaluator::context::{ConditionKey, Origin, Values};
use permitlab_evaluator::diagnostic::{Diagnostic, closest};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource, Source, Via};
use permitlab_evaluator::service::kms::lockout;
use permitlab_evaluator::service::{Service, s3, sts};
use permitlab_evaluator::source::{SourceId, Span};
use permitlab_evaluator::truth::{Rule, Rules};
use permitlab_evaluator::world::World;

use super::{Asked, Cell, Found, Step};
use crate::facts::Facts;
use crate::file::flow::{Flow, Step as FlowStep};
use crate::file::scenario::{CallQuestion, Check, GrantQuestion};
use crate::file::{At, ContextValue, Named, PolicySource, Text};
use crate::grants::asked_grant;
use crate::judge::{self, judge, judge_with_policy};
use crate::oracle::Engine;
use crate::placeholders::{Scope, fill};
use crate::reference::{self, Target};

/// Where the parts of a call are written, to say what a condition key was derived from.
#[derive(Debug, Clone)]
pub struct Places {
    /// The check or step itself.
    pub whole: Span,
    /// `by:`
    pub by: Text,
    /// `via:`
    pub via: Option<Text>,
    /// `for:`
    pub on_behalf_of: Option<Text>,
    /// `resource:`
    pub resource: Option<Text>,
    /// `region:`
    pub region: Option<Text>,
    /// `call:`
    pub call: Text,
    /// `now:`
    pub now: Option<Text>,
    /// Where `encryption_context:` begins.
    pub encryption_context: Option<Span>,
    /// Where `context:` begins.
    pub context: Option<Span>,
}

impl Places {
    /// The places of a call that stands in no text.
    pub(crate) fn nowhere(by: &str, call: &str) -> Self {
        let span = Span::new(SourceId::from_index(u32::MAX), 0, 0);
        let text = |value: &str| Text::new(value, span);
        Self {
            whole: span,
            by: text(by),
            via: None,
            on_behalf_of: None,
            resource: None,
            region: None,
            call: text(call),
            now: None,
            encryption_context: None,
            context: None,
        }
    }

    /// What a derived value came from: the key of the file, its text if it has one, and the place.
    pub fn origin(&self, origin: Origin) -> Option<(&'static str, Option<&Text>, Span)> {
        let (key, found) = match origin {
            Origin::Principal => ("by", Some(&self.by)),
            Origin::Via => ("via", self.via.as_ref()),
            Origin::For => ("for", self.on_behalf_of.as_ref()),
            Origin::Resource => ("resource", self.resource.as_ref()),
            Origin::Region => ("region", self.region.as_ref().or(self.resource.as_ref())),
            Origin::Operation => ("call", Some(&self.call)),
            Origin::Clock => ("now", self.now.as_ref()),
            Origin::EncryptionContext => return self.encryption_context.map(|span| ("encryption_context", None, span)),
            Origin::Stated => return self.context.map(|span| ("context", None, span)),
            Origin::Endpoint => return self.context.map(|span| ("context", None, span)),
            Origin::World | Origin::Session => return None,
        };
        found.map(|text| (key, Some(text), text.span()))
    }
}

/// The parts of a call as written.
struct Written<'w> {
    whole: Span,
    by: &'w Text,
    via: Option<&'w Text>,
    on_behalf_of: Option<&'w Text>,
    call: &'w Text,
    resource: Option<&'w Text>,
    region: Option<&'w Text>,
    encryption_context: &'w Named<Text>,
    grant: Option<&'w At<GrantQuestion>>,
    context: Option<&'w Named<ContextValue>>,
}

/// Builds the calls of one check in one cell.
pub(super) struct Asking<'a> {
    facts: &'a Facts,
    check: &'a Check,
    cell: &'a Cell,
    context: BTreeMap<ConditionKey, Option<Values>>,
    settled: Rules,
    now: Option<Text>,
    engine: Engine,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        facts: &'a Facts,
        check: &'a Check,
        cell: &'a Cell,
        file: &Named<ContextValue>,
        engine: Engine,
    ) -> Found<Self> {
        let scope = Scope::new(&facts.vars).with(cell);
        let mut context = Facts::context_values(file, &scope)?;
        context.extend(Facts::context_values(&check.context, &scope)?);
        let settled = settled(&check.accepted_rules)?;
        let now = check.now.as_ref().map(|now| fill(now, &scope)).transpose()?;
        Ok(Self { facts, check, cell, context, settled, now, engine })
    }

    /// What placeholders stand for in this cell.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope::new(&self.facts.vars).with(self.cell)
    }

    /// Asks about the call of a check.
    pub(super) fn call(&self, world: &Arc<World>, call: &CallQuestion) -> Found<Asked> {
        let chosen = |axis: &str, texts: &[Text]| {
            let value = self.cell.get(axis).filter(|_| texts.len() > 1);
            match value {
                Some(value) => texts.iter().find(|text| text.as_str() == value).cloned(),
                None => texts.first().cloned(),
            }
        };
        let (action, resource) = (chosen("call", &call.calls), chosen("resource", &call.resources));
        let Some(action) = action else {
            return Err(vec![
                Diagnostic::error("empty-list", self.check.name.span(), "the check calls nothing")
                    .help("name an action under `calls:`"),
            ]);
        };
        let written = Written {
            whole: self.check.name.span(),
            by: &call.by,
            via: call.via.as_ref(),
            on_behalf_of: call.on_behalf_of.as_ref(),
            call: &action,
            resource: resource.as_ref(),
            region: self.check.region.as_ref(),
            encryption_context: &call.encryption_context,
            grant: call.grant.as_ref(),
            context: None,
        };
        let scope = self.scope();
        call.new_policy.as_ref().map_or(Ok(()), |policy| brings_policy(&fill(&action, &scope)?, policy))?;
        self.ask(world, &written, &scope, None)
    }

    /// Asks about every step of a flow whose needs are bound, each by itself.
    pub(super) fn flow(&self, world: &Arc<World>, flow: &Flow, bindings: &Cell) -> Found<Vec<Asked>> {
        let scope = self.scope().with(bindings);
        let unbound: Vec<&str> = flow.needs.names().filter(|name| !bindings.contains_key(*name)).collect();
        let mut asked = Vec::new();
        if flow.steps.iter().all(|step| uses(step, &unbound)) {
            let message = format!("nothing is asked: every step of `{}` needs what is not bound", flow.flow);
            let finding = Diagnostic::error("nothing-asked", self.check.name.span(), message);
            return Err(vec![finding.help(format!("bind some of {} under `with:`", unbound.join(", ")))]);
        }
        for step in flow.steps.iter().filter(|step| !uses(step, &unbound)) {
            let written = Written {
                whole: step.id.span(),
                by: &step.by,
                via: step.via.as_ref(),
                on_behalf_of: step.on_behalf_of.as_ref(),
                call: &step.call,
                resource: step.resource.as_ref(),
                region: step.region.as_ref().or(self.check.region.as_ref()),
                encryption_context: &step.encryption_context,
                grant: None,
                context: Some(&step.context),
            };
            let named = Step { id: step.id.as_str().to_owned(), required: step.is_required() };
            asked.push(self.ask(world, &written, &scope, Some(named))?);
        }
        Ok(asked)
    }

    fn ask(&self, world: &Arc<World>, written: &Written<'_>, scope: &Scope<'_>, step: Option<Step>) -> Found<Asked> {
        let filled = |text: Option<&Text>| text.map(|text| fill(text, scope)).transpose();
        let places = Places {
            whole: written.whole,
            by: fill(written.by, scope)?,
            via: filled(written.via)?,
            on_behalf_of: filled(written.on_behalf_of)?,
            resource: filled(written.resource)?,
            region: filled(written.region)?,
            call: fill(written.call, scope)?,
            now: self.now.clone(),
            encryption_context: written.encryption_context.span(),
            context: self.check.context.span().or(written.context.and_then(Named::span)),
        };
        let own = written.context.map(|own| Facts::context_values(own, scope)).transpose()?;
        let mut context = own.unwrap_or_default();
        context.extend(self.context.clone());
        let mut encryption_context = BTreeMap::new();
        for (name, value) in written.encryption_context.iter() {
            encryption_context.insert(fill(name, scope)?.as_str().to_owned(), fill(value, scope)?.as_str().to_owned());
        }
        let mut grant = None;
        if let Some(written) = written.grant {
            let asked = asked_grant(self.facts, written, &places, scope)?;
            check_grant_is_all(&encryption_context, places.encryption_context)?;
            let stated = std::mem::replace(&mut context, asked.context);
            context.extend(stated);
            encryption_context = asked.encryption_context;
            grant = asked.retires;
        }
        let (mut call, mut second) = (None, None);
        let judgement =
            match resolve(self.facts, &places, encryption_context, context).map_err(|finding| vec![*finding])? {
                Resolved::Request(request) => {
                    let request = Request { retires: grant, ..*request };
                    let mut judgement = match self.facts.proposed_policy() {
                        Some(policy) => judge_with_policy(world, &request, &policy, self.settled),
                        None => judge(world, &request, self.settled),
                    };
                    check_resource_policy(&judgement, &places).map_err(|finding| vec![*finding])?;
                    second = self.engine.second(world, &request);
                    self.engine.settle(&mut judgement, second.as_ref());
                    call = Some(Box::new(request));
                    judgement
                }
                Resolved::AwsOwned(call) => judge::not_evaluated(call),
            };
        let world = Some(world.clone());
        Ok(Asked { step, judgement, places, request: call, suggestion: None, second, world, is_asserted: true })
    }
}

/// The constraint of the grant says which encryption context the call carries.
fn check_grant_is_all(encryption_context: &BTreeMap<String, String>, span: Option<Span>) -> Found<()> {
    match span {
        Some(span) if !encryption_context.is_empty() => {
            let message = "an encryption context beside a grant";
            let help = "write it under `constraints:` of the grant: the call carries none of its own";
            Err(vec![Diagnostic::error("misplaced-key", span, message).help(help)])
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether a step uses a need that is not bound.
fn uses(step: &FlowStep, unbound: &[&str]) -> bool {
    let texts =
        [Some(&step.by), step.via.as_ref(), step.on_behalf_of.as_ref(), step.resource.as_ref(), step.region.as_ref()];
    let pairs = step.encryption_context.iter().map(|(_, value)| value);
    let stated = step.context.iter().flat_map(|(_, value)| value.texts());
    let mentions = |text: &Text| unbound.iter().any(|name| text.as_str().contains(&format!("{{{{{name}}}}}")));
    texts.into_iter().flatten().chain(pairs).chain(stated).any(mentions)
}

fn settled(accepted: &[Text]) -> Found<Rules> {
    let parse = |text: &Text| {
        Rule::parse(text.as_str()).ok_or_else(|| {
            let numbers: Vec<_> = Rule::ALL.iter().map(|rule| rule.number()).collect();
            let message = format!("`{text}` is not a rule the reference is unsure of");
            vec![
                Diagnostic::error("unknown-rule", text.span(), message)
                    .help(format!("those are {}", numbers.join(", "))),
            ]
        })
    };
    accepted.iter().map(parse).collect()
}

/// A call with everything in it resolved.
pub(crate) enum Resolved {
    /// One for the evaluator.
    Request(Box<Request>),
    /// One on a key that AWS owns, in words.
    AwsOwned(String),
}

/// Resolves the parts of a call.
pub(crate) fn resolve(
    facts: &Facts,
    places: &Places,
    encryption_context: BTreeMap<String, String>,
    context: BTreeMap<ConditionKey, Option<Values>>,
) -> Result<Resolved, Box<Diagnostic>> {
    let principal = reference::caller(facts, &places.by)?;
    let action = reference::action(&places.call)?;
    check_caller(&principal, &action, places)?;
    check_context(&context, places)?;
    places.region.as_ref().map_or(Ok(()), reference::check_region)?;
    let region = places.region.as_ref().map(Text::as_str);
    let own_region = |resource: &Resource| reference::bucket_of(facts, &resource.arn)?.region.clone();
    let resource = match target(facts, places, &principal, &action, region)? {
        Target::Resource(resource) => resource,
        Target::AwsOwned => {
            return Ok(Resolved::AwsOwned(format!("{principal} calls {action} on a key that AWS owns")));
        }
    };
    let mut request = Request::new(principal, action, resource);
    request.region = region.map(Into::into).or_else(|| own_region(&request.resource).map(Into::into));
    let endpoint = request.endpoint_region().to_owned();
    request.via = places.via.as_ref().map(|via| via_service(via, &endpoint)).transpose()?;
    request.source = places.on_behalf_of.as_ref().map(|source| source_of(source, &request.principal)).transpose()?;
    request.now = places.now.as_ref().map(instant).transpose()?;
    request.encryption_context = encryption_context;
    request.context = context;
    check_encryption_context(facts, &request, places)?;
    Ok(Resolved::Request(Box::new(request)))
}

/// The time of a call: one that conditions on dates can read.
fn instant(text: &Text) -> Result<Box<str>, Box<Diagnostic>> {
    Instant::parse(text.as_str()).map(|_| text.as_str().into()).map_err(|error| {
        let finding = Diagnostic::error("invalid-time", text.span(), format!("`{text}` is no time: {error}"));
        Box::new(finding.help("write a time such as `2026-01-31T12:00:00Z`"))
    })
}

/// A key that is stated is one that AWS knows: a misspelt one would be carried by no call, and looked at by no policy.
fn check_context(context: &BTreeMap<ConditionKey, Option<Values>>, places: &Places) -> Result<(), Box<Diagnostic>> {
    let span = places.context.unwrap_or(places.whole);
    context
        .keys()
        .find_map(|key| reference::unknown_context_key(key.as_str(), span))
        .map_or(Ok(()), |finding| Err(Box::new(finding)))
}

/// Whether the policy of the resource, which the world does not hold, could turn the answer into an Allow: then the
/// answer is none.
///
/// # Errors
/// `unsupported-resource-policy`.
pub(crate) fn check_resource_policy(judgement: &judge::Judgement, places: &Places) -> Result<(), Box<Diagnostic>> {
    if !judgement.hangs_on_resource_policy {
        return Ok(());
    }
    let place = places.resource.as_ref().unwrap_or(&places.call);
    let message = format!("`{place}` may have a resource-based policy that allows this, and the world does not say");
    Err(Box::new(Diagnostic::error("unsupported-resource-policy", place.span(), message).help(
        "define the resource under `resources:` with its `arn:` and its `policy:`, or without `policy:` if it has none",
    )))
}

/// A token in place of a signature goes with the calls that are made with one, and with no other.
fn check_caller(principal: &Principal, action: &ActionName, places: &Places) -> Result<(), Box<Diagnostic>> {
    let is_federated = matches!(principal, Principal::Federated(_));
    let (message, help) = if sts::is_for_federated(action) && !is_federated {
        (
            format!("`{action}` is called with the token of an identity provider, whoever signs it"),
            "write `by: federated/PROVIDER`, with the ARN of the provider or the host name of a built-in one",
        )
    } else if is_federated && !sts::serves(principal, action) {
        (
            format!("`{action}` is not called with the token of an identity provider"),
            "ask about `sts:AssumeRoleWithWebIdentity` or `sts:AssumeRoleWithSAML`; after that the caller is a role session",
        )
    } else {
        return Ok(());
    };
    Err(Box::new(Diagnostic::error("wrong-caller", places.by.span(), message).help(help)))
}

/// The resource of a call: the one named, or the account form for operations without one (R2.8, R6.7).
fn target(
    facts: &Facts,
    places: &Places,
    principal: &Principal,
    action: &ActionName,
    region: Option<&str>,
) -> Result<Target, Box<Diagnostic>> {
    let service = Service::of(action);
    if let Some(text) = &places.resource
        && let Ok(arn) = Arn::parse(text.as_str())
        && service != Service::Kms
    {
        reference::check_type(action, &arn, text)?;
    }
    let target = match (&places.resource, service) {
        (_, Service::Kms) => return kms_target(facts, places, principal, action, region),
        (None, Service::Sts) if sts::is_judged_by_trust(action) => {
            let finding =
                Diagnostic::error("missing-key", places.call.span(), format!("`{action}` is called on a role"));
            return Err(Box::new(finding.help("add `resource: role/NAME`")));
        }
        (None, Service::Sts | Service::Iam | Service::S3 | Service::Other) => {
            check_needs_none(places, action)?;
            return wide(places, principal, action, region).map(Target::Resource);
        }
        (Some(text), Service::S3) if s3::makes_bucket(action) => new_bucket(text, principal),
        (Some(text), Service::Sts | Service::Iam | Service::S3 | Service::Other) => reference::target(facts, text),
    }?;
    match &target {
        Target::Resource(resource) => check_resource(facts, places, action, resource)?,
        Target::AwsOwned => {}
    }
    Ok(target)
}

/// Whether an action can do without a resource; left out by mistake, only policies for `*` would match.
fn check_needs_none(places: &Places, action: &ActionName) -> Result<(), Box<Diagnostic>> {
    let is_needed = services::action(action).is_some_and(|known| known.resources().any(|each| each.is_required));
    if !is_needed {
        return Ok(());
    }
    let finding = Diagnostic::error("missing-key", places.call.span(), format!("`{action}` is called on a resource"));
    Err(Box::new(finding.help("add `resource:` with its name in the world, or its ARN")))
}

/// A bucket that is not there yet is its maker's.
fn new_bucket(text: &Text, principal: &Principal) -> Result<Target, Box<Diagnostic>> {
    let arn = Arn::parse(text.as_str()).map_err(|error| {
        let finding = Diagnostic::error("invalid-resource", text.span(), format!("`{text}` is not an ARN"));
        Box::new(finding.help(format!("write `arn:aws:s3:::NAME`: {error}")))
    })?;
    Ok(Target::Resource(Resource { account: principal.account(), ..Resource::new(arn) }))
}

/// An action is called on resources of its types, and a role that is assumed has a trust policy.
fn check_resource(
    facts: &Facts,
    places: &Places,
    action: &ActionName,
    resource: &Resource,
) -> Result<(), Box<Diagnostic>> {
    let Some(text) = &places.resource else { return Ok(()) };
    let finding = |code, message: String, help: &str| {
        Err(Box::new(Diagnostic::error(code, text.span(), message).help(help.to_owned())))
    };
    let arn = &resource.arn;
    reference::check_type(action, arn, text)?;
    if !sts::is_judged_by_trust(action) {
        return Ok(());
    }
    match facts.identities.values().find(|each| each.identity.is_role_of(arn)) {
        Some(role) if role.trust.is_some() => Ok(()),
        Some(_) => {
            let help = "add `trust:` to the role; every role has one, and it decides who may assume it";
            finding("missing-trust-policy", format!("nobody stated the trust policy of `{text}`"), help)
        }
        None => {
            let help = "define it under `roles:`, so that its trust policy is known";
            finding("unknown-role", format!("no role of the world is `{text}`"), help)
        }
    }
}

/// An operation on aliases is authorized twice, on the alias and on the key; which of the two a check asks about, its
/// `resource:` says (R6.12).
fn kms_target(
    facts: &Facts,
    places: &Places,
    principal: &Principal,
    action: &ActionName,
    region: Option<&str>,
) -> Result<Target, Box<Diagnostic>> {
    let on = kms::operation(action).map_or(kms::Target::None, |operation| operation.target);
    let needs_key = on != kms::Target::None;
    match (&places.resource, needs_key) {
        (Some(resource), true) if on == kms::Target::AliasAndKey && reference::is_alias(resource) => {
            reference::alias_itself(facts, resource, principal.account(), region)
        }
        (Some(resource), true) => {
            let target = reference::target(facts, resource)?;
            if let Target::Resource(found) = &target {
                reference::check_type(action, &found.arn, resource)?;
            }
            Ok(target)
        }
        (Some(resource), false) => Err(Box::new(
            Diagnostic::error("needless-resource", resource.span(), format!("`{action}` has no resource"))
                .help("remove `resource:`; policies must allow it on `*`"),
        )),
        (None, true) => Err(Box::new(
            Diagnostic::error("missing-key", places.call.span(), format!("`{action}` is called on a key"))
                .help("add `resource: key/NAME`"),
        )),
        (None, false) => wide(places, principal, action, region).map(Target::Resource),
    }
}

fn wide(
    places: &Places,
    principal: &Principal,
    action: &ActionName,
    region: Option<&str>,
) -> Result<Resource, Box<Diagnostic>> {
    let missing = |what: &str, help: &str| {
        Box::new(Diagnostic::error("missing-key", places.call.span(), what.to_owned()).help(help))
    };
    let is_regional = matches!(Service::of(action), Service::Kms | Service::Other);
    let region = match region {
        None if is_regional => {
            return Err(missing("a call without a resource needs a Region", "add `region: us-east-1`"));
        }
        region => region.unwrap_or_default(),
    };
    let account = principal.account().ok_or_else(|| {
        missing("a call without a resource needs a caller with an account", "name a role or user in `by:`")
    })?;
    reference::wide(action.service(), region, Some(account))
        .ok_or_else(|| missing("the Region makes no ARN", "write a Region such as `us-east-1`"))
}

/// `s3` takes the Region of the call; a whole host name says its own (DESIGN: Region).
pub(crate) fn via_service(text: &Text, region: &str) -> Result<Via, Box<Diagnostic>> {
    let written = text.as_str();
    let is_word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let parts: Vec<&str> = written.split('.').collect();
    let service = match parts.as_slice() {
        [service] if names::is_forwarding(service) => format!("{service}.{region}.amazonaws.com"),
        [service] if is_word(service) => {
            let near = closest(service, names::forwarding()).map(str::to_owned);
            let host = format!("{service}.{region}.amazonaws.com");
            return Err(reference::unknown_service(text, service, near, &host));
        }
        [service, region, "amazonaws", "com"] if is_word(service) && is_word(region) => written.to_owned(),
        _ => {
            let finding =
                Diagnostic::error("invalid-via", text.span(), format!("`{written}` names no forwarding service"));
            return Err(Box::new(finding.help("write `s3`, or `s3.us-east-1.amazonaws.com` with its Region")));
        }
    };
    Ok(Via { service: service.into() })
}

/// The resource a service acts for. Only calls by a service principal carry one (R7.4).
fn source_of(text: &Text, principal: &Principal) -> Result<Source, Box<Diagnostic>> {
    if !matches!(principal, Principal::Service(_)) {
        let finding = Diagnostic::error("needless-for", text.span(), "only a service principal acts for a resource");
        return Err(Box::new(finding.help("remove `for:`: calls by users and roles carry no `aws:SourceArn`")));
    }
    let arn = Arn::parse(text.as_str()).map_err(|error| {
        Box::new(
            Diagnostic::error("invalid-arn", text.span(), format!("`{text}` is not an ARN")).help(error.to_string()),
        )
    })?;
    let account: Option<AccountId> = arn.account();
    Ok(Source { arn: arn.as_str().into(), account })
}

/// Only two operations bring a key policy (R6.10).
fn brings_policy(call: &Text, policy: &PolicySource) -> Result<(), Vec<Diagnostic>> {
    let name = call.as_str().strip_prefix("kms:").unwrap_or_default();
    if lockout::OPERATIONS.iter().any(|operation| operation.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    let finding = Diagnostic::error("misplaced-key", policy.span(), format!("`new_policy` of a call of `{call}`"));
    Err(vec![finding.help("only `kms:PutKeyPolicy` and `kms:CreateKey` bring a key policy")])
}

/// An operation, or a key, that takes no encryption context cannot be given one (R6.20).
fn check_encryption_context(facts: &Facts, request: &Request, places: &Places) -> Result<(), Box<Diagnostic>> {
    if request.encryption_context.is_empty() {
        return Ok(());
    }
    let span = places.encryption_context.unwrap_or(places.call.span());
    if kms::operation(&request.action).is_some_and(|operation| operation.encryption_context) {
        let key = facts.held_keys().find(|key| key.arn == request.resource.arn && key.spec != "SYMMETRIC_DEFAULT");
        return key.map_or(Ok(()), |key| {
            let message = format!("a key of spec `{}` takes no encryption context", key.spec);
            let finding = Diagnostic::error("encryption-context-not-taken", span, message);
            Err(Box::new(finding.help("remove `encryption_context:`; only symmetric encryption keys take one")))
        });
    }
    Err(Box::new(
        Diagnostic::error(
            "needless-encryption-context",
            span,
            format!("`{}` takes no encryption context", request.action),
        )
        .help("remove `encryption_context:`; KMS would not accept it"),
    ))
}

#[cfg(test)]
mod tests {
    use permitlab_evaluator::source::SourceMap;

    use super::*;

    #[test]
    fn a_time_that_no_condition_could_read_is_refused() {
        let mut sources = SourceMap::new();
        let mut read = |text: &str| {
            let file = format!("vars: {{ now: \"{text}\" }}");
            let id = sources.add("fixtures/w.yaml", file).unwrap();
            let vars = crate::file::read_world(&sources, id).unwrap().vars;
            instant(vars.get("now").unwrap()).map_err(|finding| finding.code)
        };
        assert_eq!(read("2026-01-31T12:00:00Z").as_deref(), Ok("2026-01-31T12:00:00Z"));
        assert_eq!(read("yesterday"), Err("invalid-time"));
        assert_eq!(read("2026-02-30T12:00:00Z"), Err("invalid-time"));
        assert_eq!(read("2026-01-31T12:00:00"), Err("invalid-time"));
    }
}

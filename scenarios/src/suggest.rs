//! What is the smallest change of the policies that would let a denied call pass?
//!
//! A suggestion is a list of changes in the words of `change:`. Each step adds one statement, to the layer that AWS's
//! message names, for this caller, this action and this resource, under the conditions the call meets: a fix that
//! grants what was asked for and nothing else. After each step the evaluator decides again; a suggestion is shown only
//! if the call then passes. An explicit deny is named and never worked around. What else the changes let happen on keys
//! and roles is looked for over all calls ([`Grants`]).

mod grants;

use permitlab_evaluator::catalog::{self, KeyType, kms};
use permitlab_evaluator::context::{ConditionKey, Values};
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::layer::Layer;
use permitlab_evaluator::policy::{self, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;
use serde_json::{Map, Value, json};

use crate::change;
use crate::facts::{Facts, Key};
use crate::file::Text;
use crate::judge::{Judgement, Verdicts, judge};
use crate::root::PolicyRoot;

pub use grants::Grants;

/// More steps than there are layers mean that the steps lead nowhere.
const MOST_STEPS: usize = 8;

/// Changes that together let a call pass, in the words of `change:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The changes, in the order they apply.
    pub changes: Vec<String>,
    /// What they grant; `None` where nobody asked, and for a call on what is neither key nor role.
    pub grants: Option<Grants>,
}

/// The narrowest changes that let an implicitly denied call pass; `None` where there are none to make in the policies
/// of this world. What they grant is a matter of milliseconds in a small world, and looked for where `with_grants` says so.
pub fn suggest(
    facts: &Facts,
    sources: &mut SourceMap,
    request: &Request,
    judgement: &Judgement,
    with_grants: bool,
) -> Option<Suggestion> {
    // No change that is suggested reads a file.
    let root = PolicyRoot::at("");
    let before = facts;
    let mut world = None;
    let mut facts = facts.clone();
    let mut judgement = judgement.clone();
    let mut changes = Vec::new();
    while changes.len() < MOST_STEPS {
        match judgement.answer {
            // What the key's state refuses, the policies allow.
            Verdicts::Decided(Effect::Allow) | Verdicts::Unavailable(_) if !changes.is_empty() => {
                let after = world.as_ref()?;
                let grants = |before_it: World| Grants::of(before, &before_it, after, request);
                let grants = with_grants.then(|| before.world().ok()).flatten().and_then(grants);
                return Some(Suggestion { changes, grants });
            }
            Verdicts::Decided(Effect::ImplicitDeny) => {}
            Verdicts::Decided(Effect::Allow | Effect::ExplicitDeny)
            | Verdicts::Unavailable(_)
            | Verdicts::NotEvaluated => return None,
        }
        let change = Step { facts: &facts, request, judgement: &judgement }.change()?;
        let id = sources.add("suggestion", change.as_str()).ok()?;
        let text = Text::new(change.as_str(), Span::new(id, 0, change.len()));
        change::apply(&mut facts, &root, sources, &text).ok()?;
        changes.push(change);
        judgement = judge(world.insert(facts.world().ok()?), request, Rules::NONE);
    }
    None
}

/// One layer's part of a suggestion.
struct Step<'s> {
    facts: &'s Facts,
    request: &'s Request,
    judgement: &'s Judgement,
}

impl Step<'_> {
    fn change(&self) -> Option<String> {
        match self.judgement.layer? {
            Layer::Identity => self.identity(),
            Layer::Resource => self.resource(),
            Layer::Boundary => self.limit(Layer::Boundary, PolicyType::Boundary),
            Layer::Session => self.limit(Layer::Session, PolicyType::Session),
            Layer::Scp => self.service_control(),
            Layer::VpcEndpoint => self.endpoint(),
            // An RCP never lacks an Allow, and a grant cannot be changed.
            Layer::Rcp | Layer::Grant => None,
        }
    }

    /// A statement in a policy that only this identity has, or a policy of its own.
    fn identity(&self) -> Option<String> {
        let (name, attached) = self.facts.identities.iter().find(|(name, each)| match &self.request.principal {
            Principal::User(user) => name.starts_with("user/") && each.identity == *user,
            Principal::RoleSession { role, .. } => name.starts_with("role/") && each.identity == *role,
            Principal::FederatedUser { .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => false,
        })?;
        let statement = self.statement(&[("Resource", json!(self.resource_pattern()))]);
        let nearest = self.judgement.nearest.as_ref().and_then(|nearest| nearest.name.split_once('#'));
        let own = |policy: &&String| self.is_only_of(policy, name);
        let near = attached.policies.iter().filter(own).find(|policy| nearest.is_some_and(|(near, _)| near == *policy));
        if let Some(policy) = near.or_else(|| attached.policies.iter().find(own)) {
            return Some(add(policy, &statement));
        }
        let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
        Some(format!("attach {document} to {name}"))
    }

    /// Whether nothing but this identity has the policy.
    fn is_only_of(&self, policy: &str, owner: &str) -> bool {
        let is_identity = self.facts.documents.get(policy).is_some_and(|entry| entry.kinds.len() == 1);
        let others = self.facts.identities.iter().filter(|(name, _)| *name != owner);
        is_identity && others.flat_map(|(_, each)| &each.policies).all(|other| other != policy)
    }

    /// A statement in the resource's own policy that names the caller.
    fn resource(&self) -> Option<String> {
        let arn = &self.request.resource.arn;
        let key = self.facts.keys.values().filter_map(Key::held).find(|key| key.arn == *arn);
        if let Some(key) = key {
            let held = self.facts.keys.values().filter_map(Key::held);
            let is_shared = held.filter(|other| other.policy == key.policy).count() > 1;
            let resource = if is_shared { arn.as_str() } else { "*" };
            return self.named("Principal", &key.policy, &[("Resource", json!(resource))]);
        }
        let role = self.facts.identities.values().find(|each| each.identity.arn("role") == arn.as_str());
        if let Some(trust) = role.and_then(|role| role.trust.as_ref()) {
            return self.named("Principal", trust, &[]);
        }
        let is_of =
            |own: &str| arn.as_str() == own || arn.as_str().strip_prefix(own).is_some_and(|rest| rest.starts_with('/'));
        let bucket = self.facts.buckets.values().find(|bucket| is_of(bucket.arn.as_str()));
        let bucket = bucket.and_then(|bucket| bucket.policy.as_ref());
        let other = self.facts.resources.values().find(|each| each.arn == *arn).and_then(|each| each.policy.as_ref());
        self.named("Principal", bucket.or(other)?, &[("Resource", json!(arn.as_str()))])
    }

    fn named(&self, element: &str, policy: &str, rest: &[(&str, Value)]) -> Option<String> {
        let mut elements = vec![(element, self.principal()?)];
        elements.extend(rest.iter().cloned());
        Some(add(policy, &self.statement(&elements)))
    }

    /// A statement in the policy that limits the caller: the one that came nearest to allowing.
    fn limit(&self, layer: Layer, kind: PolicyType) -> Option<String> {
        let policy = self.policy_of(layer).filter(|policy| {
            self.facts.documents.get(policy.as_str()).is_some_and(|entry| entry.kinds.contains(&kind))
        })?;
        Some(add(&policy, &self.for_caller(&[("Resource", json!(self.resource_pattern()))])))
    }

    fn endpoint(&self) -> Option<String> {
        let policy = self.policy_of(Layer::VpcEndpoint)?;
        let resource = ("Resource", json!(self.resource_pattern()));
        self.named("Principal", &policy, &[resource])
    }

    /// A statement at the first level of the hierarchy that does not allow.
    fn service_control(&self) -> Option<String> {
        let organization = self.facts.organization.as_ref()?;
        let (unit, own) = organization.members.get(&self.request.principal.account()?)?;
        let above = organization.units.iter().filter(|(path, _)| {
            unit == *path || unit.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'))
        });
        let mut levels = above.map(|(_, controls)| controls).chain([own]);
        let level = levels.find(|level| !level.scps.iter().any(|policy| self.allows(Layer::Scp, policy)))?;
        Some(add(level.scps.first()?, &self.for_caller(&[("Resource", json!(self.resource_pattern()))])))
    }

    /// Whether a statement of the policy allows the call.
    fn allows(&self, layer: Layer, policy: &str) -> bool {
        let statements =
            self.judgement.layers.iter().filter(|each| each.layer == layer).flat_map(|each| &each.statements);
        let mut own = statements.filter(|each| each.name.split_once('#').is_some_and(|(name, _)| name == policy));
        own.any(|each| each.applies && each.effect == policy::Effect::Allow)
    }

    /// The policy of the layer that came nearest, or its first.
    fn policy_of(&self, layer: Layer) -> Option<String> {
        let mut statements =
            self.judgement.layers.iter().filter(|each| each.layer == layer).flat_map(|each| &each.statements);
        let nearest =
            self.judgement.nearest.as_ref().filter(|nearest| statements.any(|each| each.name == nearest.name));
        let mut first =
            self.judgement.layers.iter().filter(|each| each.layer == layer).flat_map(|each| &each.statements);
        let name = nearest.or_else(|| first.next())?.name.split_once('#')?.0;
        Some(name.to_owned())
    }

    /// A statement of a policy that others may share: it speaks of this caller only.
    fn for_caller(&self, elements: &[(&str, Value)]) -> Value {
        let mut statement = self.statement(elements);
        if let (Some(arn), Some(statement)) = (self.request.principal.principal_arn(), statement.as_object_mut()) {
            let conditions = statement.entry("Condition").or_insert_with(|| json!({}));
            put(conditions, "ArnEquals", "aws:PrincipalArn", json!(arn));
        }
        statement
    }

    fn statement(&self, elements: &[(&str, Value)]) -> Value {
        let mut statement = Map::new();
        statement.insert("Effect".to_owned(), json!("Allow"));
        for (name, value) in elements.iter().filter(|(name, _)| *name == "Principal") {
            statement.insert((*name).to_owned(), value.clone());
        }
        statement.insert("Action".to_owned(), json!(self.request.action.to_string()));
        for (name, value) in elements.iter().filter(|(name, _)| *name != "Principal") {
            statement.insert((*name).to_owned(), value.clone());
        }
        let conditions = self.conditions();
        if conditions.as_object().is_some_and(|conditions| !conditions.is_empty()) {
            statement.insert("Condition".to_owned(), conditions);
        }
        Value::Object(statement)
    }

    fn resource_pattern(&self) -> &str {
        if self.request.resource.is_wide { "*" } else { self.request.resource.arn.as_str() }
    }

    fn principal(&self) -> Option<Value> {
        match &self.request.principal {
            Principal::Service(name) => Some(json!({ "Service": &**name })),
            Principal::Federated(provider) => Some(json!({ "Federated": &**provider })),
            Principal::Anonymous => None,
            caller @ (Principal::User(_)
            | Principal::RoleSession { .. }
            | Principal::FederatedUser { .. }
            | Principal::Root { .. }) => Some(json!({ "AWS": caller.principal_arn()? })),
        }
    }

    /// The conditions that hold for this call and, as far as the call says, for no other: how it travels, its encryption
    /// context, for whom a service acts, and each key the nearest statement looked at.
    fn conditions(&self) -> Value {
        let mut conditions = json!({});
        self.travel(&mut conditions);
        self.encryption_context(&mut conditions);
        if let Some(source) = &self.request.source {
            put(&mut conditions, "ArnEquals", "aws:SourceArn", json!(literal(&source.arn)));
        }
        for (key, values) in &self.request.context {
            stated(&mut conditions, key, values.as_ref());
        }
        self.looked_at(&mut conditions);
        conditions
    }

    fn travel(&self, conditions: &mut Value) {
        let is_on_key =
            kms::operation(&self.request.action).is_some_and(|operation| operation.target != kms::Target::None);
        if !is_on_key || self.request.resource.is_alias() {
            return;
        }
        match (&self.request.via, &self.request.principal) {
            (Some(via), _) => put(conditions, "StringEquals", "kms:ViaService", json!(literal(&via.service))),
            (None, Principal::Service(_)) => {}
            (None, _) => put(conditions, "Null", "kms:ViaService", json!("true")),
        }
        if let Some(alias) = &self.request.resource.alias {
            put(conditions, "StringEquals", "kms:RequestAlias", json!(literal(alias)));
        }
    }

    fn encryption_context(&self, conditions: &mut Value) {
        let takes_one = kms::operation(&self.request.action).is_some_and(|operation| operation.encryption_context);
        let key = self.facts.keys.values().filter_map(Key::held).find(|key| key.arn == self.request.resource.arn);
        let is_symmetric = key.is_none_or(|key| key.spec == "SYMMETRIC_DEFAULT");
        if !takes_one || !is_symmetric {
            return;
        }
        if self.request.encryption_context.is_empty() {
            put(conditions, "Null", "kms:EncryptionContextKeys", json!("true"));
            return;
        }
        for (name, value) in &self.request.encryption_context {
            put(conditions, "StringEquals", &format!("kms:EncryptionContext:{name}"), json!(literal(value)));
        }
        // A name in a key is compared without case, and says nothing of other names beside it.
        let names: Vec<&String> = self.request.encryption_context.keys().collect();
        put(conditions, "ForAllValues:StringEquals", "kms:EncryptionContextKeys", json!(names));
    }

    /// What the nearest statement asked of the call, answered as the call has it.
    fn looked_at(&self, conditions: &mut Value) {
        for failure in self.judgement.nearest.iter().flat_map(|nearest| &nearest.failures) {
            if failure.operator.is_none() || mentions(conditions, &failure.name) || failure.name == "SourceArn" {
                continue;
            }
            match &failure.value {
                Some(value) => put(conditions, "StringEquals", &failure.name, json!(literal(value))),
                None if failure.is_absent => put(conditions, "Null", &failure.name, json!("true")),
                None => {}
            }
        }
    }
}

/// What was stated of the call is part of what is asked for. A set cannot be held to more than its members.
fn stated(conditions: &mut Value, key: &ConditionKey, values: Option<&Values>) {
    let operator = match catalog::key_type(key) {
        Some(KeyType::Bool) => "Bool",
        Some(KeyType::Arn) => "ArnEquals",
        Some(KeyType::Numeric) => "NumericEquals",
        Some(KeyType::Date) => "DateEquals",
        Some(KeyType::Ip) => "IpAddress",
        Some(KeyType::String | KeyType::Strings | KeyType::Arns | KeyType::Bools) | None => "StringEquals",
    };
    match values {
        Some(Values::One(value)) => put(conditions, operator, key.as_str(), json!(literal(value))),
        Some(Values::Many(values)) => {
            put(conditions, &format!("ForAllValues:{operator}"), key.as_str(), json!(values));
            put(conditions, "Null", key.as_str(), json!("false"));
        }
        None => {}
    }
}

/// Text that means itself in a policy of version 2012-10-17.
fn literal(text: &str) -> String {
    text.replace("${", "${$}{")
}

fn put(conditions: &mut Value, operator: &str, key: &str, value: Value) {
    let Some(conditions) = conditions.as_object_mut() else { return };
    let block = conditions.entry(operator).or_insert_with(|| json!({}));
    if let Some(block) = block.as_object_mut() {
        block.insert(key.to_owned(), value);
    }
}

fn mentions(conditions: &Value, key: &str) -> bool {
    let blocks = conditions.as_object().into_iter().flat_map(|conditions| conditions.values());
    blocks.filter_map(Value::as_object).flat_map(Map::keys).any(|known| known.eq_ignore_ascii_case(key))
}

fn add(policy: &str, statement: &Value) -> String {
    format!("add statement to {policy} {statement}")
}

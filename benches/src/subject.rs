//! How is the engine called?
//!
//! Every bench comes through here, so that a change of the engine's interface is a change of this file alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::authorize;
use permitlab_evaluator::context::{ConditionKey, RequestContext, Values};
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::derive::bare_context;
use permitlab_evaluator::explain;
use permitlab_evaluator::gather::Applicable;
use permitlab_evaluator::glob::Case;
use permitlab_evaluator::policy::pattern::{Pattern, Wildcards};
use permitlab_evaluator::policy::{self, Policies as Attached, Policy, PolicySet, PolicyType, Version};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world;
use permitlab_evaluator::world::identity::Role;
use permitlab_evaluator::world::kms::KmsKey;
use permitlab_evaluator::world::organization::{Controls, Member, Organization as InWorld, Unit};

use crate::organization::{self, FULL_ACCESS, MANAGEMENT_ACCOUNT, Organization};
use crate::workload::{Answer, Call, Policies, Workload};

/// Policies that were read and checked.
#[derive(Debug)]
pub struct Read {
    identity: Vec<Arc<Policy>>,
    key: Option<Arc<Policy>>,
    boundary: Option<Arc<Policy>>,
    session: Vec<Arc<Policy>>,
    service_control: Vec<Vec<Arc<Policy>>>,
    resource_control: Vec<Vec<Arc<Policy>>>,
    vpc_endpoint: Option<Arc<Policy>>,
}

/// Policies that are ready to decide any number of calls.
#[derive(Debug)]
pub struct Compiled {
    identity: PolicySet,
    key: Option<Arc<Policy>>,
    boundary: Option<Arc<Policy>>,
    session: Option<PolicySet>,
    service_control: Vec<PolicySet>,
    resource_control: Vec<PolicySet>,
    vpc_endpoint: Option<Arc<Policy>>,
}

/// A call that is ready to be decided.
#[derive(Debug)]
pub struct Asked {
    request: Request,
    context: RequestContext,
}

/// Reads and checks policies; `None` if one is refused.
pub fn read(policies: &Policies) -> Option<Read> {
    let levels = |levels: &[Vec<String>], kind| levels.iter().map(|texts| all(texts, kind)).collect::<Option<Vec<_>>>();
    let one = |text: &Option<String>, kind: PolicyType| match text {
        Some(text) => checked(text, kind).map(Arc::new).map(Some),
        None => Some(None),
    };
    Some(Read {
        identity: all(&policies.identity, PolicyType::Identity)?,
        key: one(&policies.key, PolicyType::Key)?,
        boundary: one(&policies.boundary, PolicyType::Boundary)?,
        session: all(&policies.session, PolicyType::Session)?,
        service_control: levels(&policies.service_control, PolicyType::ServiceControl)?,
        resource_control: levels(&policies.resource_control, PolicyType::ResourceControl)?,
        vpc_endpoint: one(&policies.vpc_endpoint, PolicyType::VpcEndpoint)?,
    })
}

/// A policy with the places of everything in it, as messages need them.
pub(crate) fn checked(text: &str, kind: PolicyType) -> Option<Policy> {
    let mut sources = SourceMap::new();
    let id = sources.add("policy", text).ok()?;
    policy::read("policy", id, text, kind).ok()?.policy
}

/// A pattern of `StringLike` that was read.
#[derive(Debug)]
pub struct Like(Pattern);

impl Like {
    /// Reads a pattern.
    pub fn read(pattern: &str) -> Self {
        Self(Pattern::parse(pattern, Version::V2012, Wildcards::Yes))
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text, Case::Sensitive, &RequestContext::closed()).holds()
    }
}

/// Makes policies ready to decide any number of calls.
pub fn compile(read: &Read) -> Compiled {
    let compiled = together(read);
    compiled.prepare();
    compiled
}

/// Puts policies together to decide a call or two.
fn together(read: &Read) -> Compiled {
    let set = |policies: &Vec<Arc<Policy>>| PolicySet::new(policies.clone());
    Compiled {
        identity: set(&read.identity),
        key: read.key.clone(),
        boundary: read.boundary.clone(),
        session: (!read.session.is_empty()).then(|| set(&read.session)),
        service_control: read.service_control.iter().map(set).collect(),
        resource_control: read.resource_control.iter().map(set).collect(),
        vpc_endpoint: read.vpc_endpoint.clone(),
    }
}

/// A call from its strings; `None` if one is not what it should be.
pub fn ask(call: &Call) -> Option<Asked> {
    let resource = Resource::new(Arn::parse(&call.resource).ok()?);
    let mut request =
        Request::new(Principal::parse(&call.principal).ok()?, ActionName::parse(&call.action).ok()?, resource);
    for (key, value) in &call.context {
        request.context.insert(ConditionKey::new(key), Some(Values::One(value.clone())));
    }
    let context = bare_context(&request);
    Some(Asked { request, context })
}

impl Compiled {
    fn prepare(&self) {
        self.identity.prepare();
        self.service_control.iter().chain(&self.resource_control).chain(&self.session).for_each(PolicySet::prepare);
        self.key.iter().chain(&self.boundary).chain(&self.vpc_endpoint).for_each(|policy| policy.prepare());
    }

    fn applicable(&self) -> Applicable<'_> {
        let levels = |levels: &'_ [PolicySet]| (!levels.is_empty()).then_some(());
        Applicable {
            identity: Some(Attached::Set(&self.identity)),
            resource: self.key.as_deref(),
            boundary: self.boundary.as_deref().map(Attached::One),
            session: self.session.as_ref().map(Attached::Set),
            scp: levels(&self.service_control).map(|()| self.service_control.iter().map(Attached::Set).collect()),
            rcp: levels(&self.resource_control).map(|()| self.resource_control.iter().map(Attached::Set).collect()),
            vpc_endpoint: self.vpc_endpoint.as_deref().map(Attached::One),
            ..Applicable::default()
        }
    }

    fn decision(&self, asked: &Asked) -> Decision {
        authorize::decide(&self.applicable(), &asked.request, &asked.context, Rules::NONE)
    }

    /// Decides a call.
    pub fn decide(&self, asked: &Asked) -> Answer {
        self.decision(asked).effect.into()
    }

    /// The answer, and the id of the statement that decided.
    pub fn judge(&self, asked: &Asked) -> (Answer, Option<String>) {
        let decision = self.decision(asked);
        let applicable = self.applicable();
        let statement = decision.decided_by.and_then(|reference| applicable.statement(reference));
        let sid = statement.and_then(|(_, statement)| statement.sid.as_ref()).map(|sid| sid.as_str().to_owned());
        (decision.effect.into(), sid)
    }

    /// Decides a call and explains the decision. How many statements the explanation saw.
    pub fn explain(&self, asked: &Asked) -> (Answer, usize) {
        let decision = self.decision(asked);
        let explanation = explain::explain(&self.applicable(), &asked.request, &asked.context, &decision);
        (decision.effect.into(), explanation.layers.iter().map(|layer| layer.statements.len()).sum())
    }
}

/// From text to decision; `None` if a policy or the call is refused.
pub fn cold(policies: &Policies, call: &Call) -> Option<Answer> {
    let read = read(policies)?;
    Some(together(&read).decide(&ask(call)?))
}

/// What a workload comes to.
pub fn judge(workload: &Workload) -> Option<(Answer, Option<String>)> {
    let read = read(&workload.policies)?;
    Some(compile(&read).judge(&ask(&workload.call)?))
}

/// Answers the lines of `permitlab decide` on so many threads; `None` where it cannot run on that many.
pub fn bulk(lines: &[u8], threads: usize) -> Option<Vec<u8>> {
    let mut answers = Vec::new();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()?;
    pool.install(|| permitlab::decide::decide(lines, &mut answers)).ok()?;
    Some(answers)
}

/// A world with its callers and resources ready.
#[derive(Debug)]
pub struct World {
    facts: world::World,
    callers: Vec<Principal>,
    keys: Vec<Resource>,
    action: ActionName,
}

impl World {
    /// Reads and checks the policies of an organization, and puts its world together.
    pub fn read(organization: &Organization) -> Option<Self> {
        let principal = |role: &organization::Role| Principal::parse(&role.arn).ok();
        let resource = |key: &organization::Key| Arn::parse(&key.arn).ok().map(Resource::new);
        Some(Self {
            facts: world::World {
                roles: organization.roles.iter().map(role).collect::<Option<_>>()?,
                keys: organization.keys.iter().map(key).collect::<Option<_>>()?,
                organization: Some(in_world(organization)?),
                ..world::World::default()
            },
            callers: organization.roles.iter().map(principal).collect::<Option<_>>()?,
            keys: organization.keys.iter().map(resource).collect::<Option<_>>()?,
            action: ActionName::parse("kms:Decrypt").ok()?,
        })
    }

    /// What comes of `kms:Decrypt` by the role of a number on the key of a number.
    pub fn authorize(&self, role: usize, key: usize) -> Option<Answer> {
        let request = Request::new(self.callers.get(role)?.clone(), self.action.clone(), self.keys.get(key)?.clone());
        match authorize::authorize(&self.facts, &request, Rules::NONE) {
            authorize::Answer::Decided(decision) => Some(decision.effect.into()),
            authorize::Answer::Unavailable(..) => None,
        }
    }
}

fn all(texts: &[String], kind: PolicyType) -> Option<Vec<Arc<Policy>>> {
    texts.iter().map(|text| checked(text, kind).map(Arc::new)).collect()
}

fn role(role: &organization::Role) -> Option<Role> {
    let Principal::RoleSession { role: identity, .. } = Principal::parse(&role.arn).ok()? else { return None };
    let policies = all(&role.policies, PolicyType::Identity)?.into();
    let tags = BTreeMap::from([("team".to_owned(), role.team.clone())]);
    Some(Role { identity, policies, boundary: None, trust: None, tags: Some(tags) })
}

fn key(key: &organization::Key) -> Option<KmsKey> {
    let account = AccountId::parse(&key.account_id).ok()?;
    let policy = Arc::new(checked(&key.policy, PolicyType::Key)?);
    Some(KmsKey { aliases: None, tags: None, ..KmsKey::new(Arn::parse(&key.arn).ok()?, account, policy) })
}

fn in_world(organization: &Organization) -> Option<InWorld> {
    let controls = |scps: &[String]| {
        let full_access = checked(FULL_ACCESS, PolicyType::ServiceControl).map(Arc::new);
        let scps = full_access.into_iter().chain(all(scps, PolicyType::ServiceControl)?).collect();
        Some(Controls { scps, rcps: PolicySet::NONE })
    };
    let unit = |(path, scps): &(&str, Vec<String>)| Some(Unit { path: (*path).into(), controls: controls(scps)? });
    let member = |(account, unit): &(String, &str)| {
        let account = AccountId::parse(account).ok()?;
        Some(Member { account, unit: (*unit).into(), controls: controls(&[])? })
    };
    Some(InWorld {
        id: "o-exampleorg1".into(),
        management_account: AccountId::parse(MANAGEMENT_ACCOUNT).ok()?,
        units: organization.units.iter().map(unit).collect::<Option<_>>()?,
        accounts: organization.accounts.iter().map(member).collect::<Option<_>>()?,
    })
}

impl From<Effect> for Answer {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::ImplicitDeny => Self::ImplicitDeny,
            Effect::ExplicitDeny => Self::ExplicitDeny,
        }
    }
}

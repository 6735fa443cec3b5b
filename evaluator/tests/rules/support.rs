//! How does a test ask a question in a few lines?
//!
//! A [`Call`] starts as session `s` of role `R` decrypting with key `K`, both of account A, with an empty context and
//! no policies. A policy is JSON text: a whole policy, or statements alone.

use std::collections::BTreeMap;
use std::sync::Arc as Shared;

use permitlab_evaluator::account::AccountId;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::Arn;
use permitlab_evaluator::authorize::decide;
use permitlab_evaluator::catalog::kms;
use permitlab_evaluator::context::{ConditionKey, RequestContext, Values};
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::derive;
use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::gather::gather;
use permitlab_evaluator::json::Text;
use permitlab_evaluator::layer::{Layer, StatementRef};
use permitlab_evaluator::policy::parse::Parsed;
use permitlab_evaluator::policy::{self, Document, Policies, Policy, PolicyType, Written};
use permitlab_evaluator::principal::{Principal, PrincipalPattern};
use permitlab_evaluator::request::{Request, Resource, Source, Via};
use permitlab_evaluator::service;
use permitlab_evaluator::source::{SourceId, SourceMap, Span};
use permitlab_evaluator::truth::{Rule, Rules};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::{Role, User};
use permitlab_evaluator::world::kms::{Grant, KmsKey, MultiRegion, Pairs};

/// The key, in account A.
pub(crate) const K: &str = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// A key in account B.
pub(crate) const K_OF_B: &str = "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// The role, in account A.
pub(crate) const R: &str = "arn:aws:iam::111111111111:role/app/r";
/// Its session.
pub(crate) const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/r/s";
/// A user of account A.
pub(crate) const U: &str = "arn:aws:iam::111111111111:user/bob";
/// The service principal.
pub(crate) const S: &str = "bedrock.amazonaws.com";

/// The statement that delegates to account A.
pub(crate) const ROOT: &str = r#"{"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "111111111111"},
    "Action": "kms:*", "Resource": "*"}"#;
/// An identity policy that allows everything.
pub(crate) const ALLOW_ALL: &str = r#"{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}"#;

/// A request and the policies it meets.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    request: Request,
    key: String,
    identity: Vec<String>,
    boundary: Option<String>,
    session: Option<String>,
    vpc_endpoint: Option<String>,
    scp: Option<Vec<String>>,
    rcp: Option<Vec<String>>,
    bucket: Option<String>,
    caller_in_management_account: bool,
    resource_in_management_account: bool,
    tags: BTreeMap<String, String>,
    key_spec: Option<String>,
    multi_region: MultiRegion,
    grants: Vec<Grant>,
    world_context: BTreeMap<ConditionKey, Option<Values>>,
}

/// What a call should come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    effect: Effect,
    layer: Layer,
    statement: Option<String>,
    unsure: Vec<(Rule, Effect)>,
}

/// Allowed by this statement: its `Sid`, or `[0]`.
pub(crate) fn allowed(layer: Layer, statement: &str) -> Answer {
    Answer { effect: Effect::Allow, layer, statement: Some(statement.to_owned()), unsure: Vec::new() }
}

/// Allowed without any statement: what the root user does in its own account.
pub(crate) fn allowed_by_nature(layer: Layer) -> Answer {
    Answer { statement: None, ..allowed(layer, "") }
}

/// Denied by this statement.
pub(crate) fn denied(layer: Layer, statement: &str) -> Answer {
    Answer { effect: Effect::ExplicitDeny, ..allowed(layer, statement) }
}

/// Denied since nothing in this layer allows.
pub(crate) fn not_allowed(layer: Layer) -> Answer {
    Answer { effect: Effect::ImplicitDeny, layer, statement: None, unsure: Vec::new() }
}

impl Answer {
    /// The answer rests on an unsure rule, whose other reading gives `otherwise`.
    pub(crate) fn unless(mut self, rule: Rule, otherwise: Effect) -> Self {
        self.unsure.push((rule, otherwise));
        self
    }
}

impl Call {
    /// Session `s` of `R` calls `action` on `K`.
    pub(crate) fn new(action: &str) -> Self {
        let resource = Resource::new(Arn::parse(K).unwrap());
        let request = Request::new(session("s"), ActionName::parse(action).unwrap(), resource);
        Self {
            request,
            key: String::new(),
            identity: Vec::new(),
            boundary: None,
            session: None,
            vpc_endpoint: None,
            scp: None,
            rcp: None,
            bucket: None,
            caller_in_management_account: false,
            resource_in_management_account: false,
            tags: BTreeMap::new(),
            key_spec: None,
            multi_region: MultiRegion::No,
            grants: Vec::new(),
            world_context: BTreeMap::new(),
        }
    }

    /// Session `s` of `R` calls `kms:Decrypt` on `K`.
    pub(crate) fn decrypt() -> Self {
        Self::new("kms:Decrypt")
    }

    /// The key policy, or its statements; without any, the resource is no key that is known.
    pub(crate) fn key_policy(mut self, statements: &[&str]) -> Self {
        self.key = match statements {
            [] => String::new(),
            [text] => (*text).to_owned(),
            several => format!("[{}]", several.join(",")),
        };
        self
    }

    /// The policy of a resource that is no key, of the type the action asks for.
    pub(crate) fn bucket_policy(mut self, text: &str) -> Self {
        self.bucket = Some(text.to_owned());
        self
    }

    /// One more identity policy.
    pub(crate) fn identity_policy(mut self, text: &str) -> Self {
        self.identity.push(text.to_owned());
        self
    }

    /// The permissions boundary.
    pub(crate) fn boundary(mut self, text: &str) -> Self {
        self.boundary = Some(text.to_owned());
        self
    }

    /// The session policy.
    pub(crate) fn session_policy(mut self, text: &str) -> Self {
        self.session = Some(text.to_owned());
        self
    }

    /// The policy of the endpoint the call goes through.
    pub(crate) fn vpc_endpoint(mut self, text: &str) -> Self {
        self.vpc_endpoint = Some(text.to_owned());
        self
    }

    /// The SCPs, one a level from the root down.
    pub(crate) fn scp(mut self, levels: &[&str]) -> Self {
        self.scp = Some(levels.iter().map(ToString::to_string).collect());
        self
    }

    /// The RCPs, one a level from the root down.
    pub(crate) fn rcp(mut self, levels: &[&str]) -> Self {
        self.rcp = Some(levels.iter().map(ToString::to_string).collect());
        self
    }

    /// The caller belongs to the management account.
    pub(crate) fn by_management_account(mut self) -> Self {
        self.caller_in_management_account = true;
        self
    }

    /// The resource belongs to the management account.
    pub(crate) fn on_management_account(mut self) -> Self {
        self.resource_in_management_account = true;
        self
    }

    /// Another caller.
    pub(crate) fn by(self, caller: &str) -> Self {
        self.by_principal(Principal::parse(caller).unwrap())
    }

    /// Another caller, with what its ARN does not say.
    pub(crate) fn by_principal(mut self, caller: Principal) -> Self {
        self.request.principal = caller;
        self
    }

    /// Another resource.
    pub(crate) fn on(mut self, arn: &str) -> Self {
        self.request.resource = Resource::new(Arn::parse(arn).unwrap());
        self
    }

    /// The account that owns the resource, which its ARN does not say.
    pub(crate) fn owned_by(mut self, account: &str) -> Self {
        self.request.resource.account = Some(AccountId::parse(account).unwrap());
        self
    }

    /// No resource (R2.8).
    pub(crate) fn on_nothing(mut self) -> Self {
        self.request.resource = Resource::wide(Arn::parse("arn:aws:kms:us-east-1:111111111111:*").unwrap());
        self
    }

    /// The caller names the key by an alias.
    pub(crate) fn by_alias(mut self, alias: &str) -> Self {
        self.request.resource.alias = Some(alias.into());
        self
    }

    /// A service forwards the call.
    pub(crate) fn via(mut self, service: &str) -> Self {
        self.request.via = Some(Via { service: service.into() });
        self
    }

    /// The resource a service principal acts for.
    pub(crate) fn source(mut self, arn: &str) -> Self {
        let account = Arn::parse(arn).unwrap().account();
        self.request.source = Some(Source { arn: arn.into(), account });
        self
    }

    /// One pair of the encryption context.
    pub(crate) fn encryption_context(mut self, name: &str, value: &str) -> Self {
        self.request.encryption_context.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A single-valued condition key.
    pub(crate) fn context(mut self, key: &str, value: &str) -> Self {
        self.request.context.insert(ConditionKey::new(key), Some(Values::One(value.to_owned())));
        self
    }

    /// A multivalued condition key.
    pub(crate) fn context_set(mut self, key: &str, values: &[&str]) -> Self {
        let values = values.iter().map(ToString::to_string).collect();
        self.request.context.insert(ConditionKey::new(key), Some(Values::Many(values)));
        self
    }

    /// A condition key that is stated to be absent.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.request.context.insert(ConditionKey::new(key), None);
        self
    }

    /// A tag of the caller.
    pub(crate) fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The kind of the key.
    pub(crate) fn key_spec(mut self, spec: &str) -> Self {
        self.key_spec = Some(spec.to_owned());
        self
    }

    /// Whether the key is a multi-Region key.
    pub(crate) fn multi_region(mut self, kind: MultiRegion) -> Self {
        self.multi_region = kind;
        self
    }

    /// One more grant on the key.
    pub(crate) fn grant(mut self, grant: Grant) -> Self {
        self.grants.push(Grant { name: format!("grant {}", self.grants.len()).into(), ..grant });
        self
    }

    /// The grant that a `RetireGrant` call retires, by number.
    pub(crate) fn retires(mut self, grant: usize) -> Self {
        self.request.retires = Some(format!("grant {grant}").into());
        self
    }

    /// A condition key that the world states of every call.
    pub(crate) fn world_context(mut self, key: &str, value: &str) -> Self {
        self.world_context.insert(ConditionKey::new(key), Some(Values::One(value.to_owned())));
        self
    }

    /// No service forwards the call.
    pub(crate) fn direct(mut self) -> Self {
        self.request.via = None;
        self
    }

    /// Decides the call.
    pub(crate) fn decide(&self) -> Decision {
        self.with_policies(|decision, _| decision)
    }

    /// Compares effect, layer and deciding statement; nothing may be left open but the rules the answer names.
    #[track_caller]
    pub(crate) fn check(&self, expected: &Answer) {
        let found = self.with_policies(|decision, statement| {
            assert!(decision.doubts.keys.is_empty(), "left open: {:?}", decision.doubts.keys);
            let otherwise = decision.otherwise.iter();
            let unsure = decision.doubts.rules.iter().flat_map(|rule| otherwise.clone().map(move |o| (rule, o)));
            let unsure = unsure.collect();
            Answer { effect: decision.effect, layer: decision.layer, statement, unsure }
        });
        assert_eq!(found, *expected);
    }

    /// The world of the caller and the key, and the call in it.
    pub(crate) fn asked(&self) -> (World, Request) {
        (self.world(), self.request.clone())
    }

    /// The context that follows from the call.
    pub(crate) fn derived(&self) -> RequestContext {
        derive::context(&self.world(), &self.request)
    }

    /// Decides, and hands over the label of the deciding statement.
    #[track_caller]
    fn with_policies<T>(&self, read: impl FnOnce(Decision, Option<String>) -> T) -> T {
        let world = self.world();
        let one = |text: &Option<String>, kind| text.as_ref().map(|text| policy(text, kind));
        let levels = |texts: &Option<Vec<String>>, kind| {
            texts.as_ref().map(|texts| texts.iter().map(|text| policy(text, kind)).collect::<Vec<_>>())
        };
        let boundary = one(&self.boundary, PolicyType::Boundary);
        let session = one(&self.session, PolicyType::Session);
        let vpc_endpoint = one(&self.vpc_endpoint, PolicyType::VpcEndpoint);
        let bucket = one(&self.bucket, service::resource_policy_type(&self.request.action));
        let scp = levels(&self.scp, PolicyType::ServiceControl);
        let rcp = levels(&self.rcp, PolicyType::ResourceControl);
        let mut applicable = gather(&world, &self.request, None);
        applicable.resource = applicable.resource.or(bucket.as_ref());
        applicable.boundary = boundary.as_ref().map(Policies::One);
        applicable.session = session.as_ref().map(Policies::One);
        applicable.vpc_endpoint = vpc_endpoint.as_ref().map(Policies::One);
        applicable.scp = scp.as_ref().map(|levels| levels.iter().map(Policies::One).collect());
        applicable.rcp = rcp.as_ref().map(|levels| levels.iter().map(Policies::One).collect());
        applicable.principal_in_management_account = self.caller_in_management_account;
        applicable.resource_in_management_account = self.resource_in_management_account;
        let context = derive::context(&world, &self.request);
        let decision = decide(&applicable, &self.request, &context, Rules::NONE);
        let label = |by: StatementRef| {
            let grant = || applicable.grants[by.index.policy()].name.to_string();
            applicable.statement(by).map_or_else(grant, |(_, statement)| statement.label())
        };
        let statement = decision.decided_by.map(label);
        read(decision, statement)
    }

    /// The caller and the key, with no tags and aliases but those of the test.
    #[track_caller]
    fn world(&self) -> World {
        let mut world = World { context: self.world_context.clone(), ..World::default() };
        let policies = || self.identity.iter().map(|text| Shared::new(policy(text, PolicyType::Identity))).collect();
        match &self.request.principal {
            Principal::RoleSession { role, .. } => {
                world.roles.push(Role {
                    identity: role.clone(),
                    policies: policies(),
                    boundary: None,
                    trust: None,
                    tags: Some(self.tags.clone()),
                });
            }
            Principal::User(user) | Principal::FederatedUser { user: Some(user), .. } => {
                world.users.push(User {
                    identity: user.clone(),
                    policies: policies(),
                    boundary: None,
                    tags: Some(self.tags.clone()),
                });
            }
            Principal::FederatedUser { user: None, .. }
            | Principal::Root { .. }
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Anonymous => {}
        }
        if !self.key.is_empty() {
            let mut key = key(&self.request.resource.arn, policy(&self.key, PolicyType::Key));
            key.spec = self.key_spec.as_deref().unwrap_or(&key.spec).into();
            key.multi_region = self.multi_region;
            key.grants.clone_from(&self.grants);
            world.keys.push(key);
        }
        world
    }
}

/// The keys that a decision leaves open.
pub(crate) fn open(decision: &Decision) -> Vec<&str> {
    decision.doubts.keys.iter().map(ConditionKey::as_str).collect()
}

fn key(arn: &Arn, policy: Policy) -> KmsKey {
    KmsKey::new(arn.clone(), arn.account().unwrap(), Shared::new(policy))
}

/// A grant to a principal, by ARN or service name, issued under the key's account.
pub(crate) fn grant(grantee: &str, operations: &[&str]) -> Grant {
    let operation = |name: &&str| {
        let action = ActionName::parse(&format!("kms:{name}")).unwrap();
        written(name, kms::operation(&action).unwrap())
    };
    Grant {
        name: "".into(),
        span: nowhere(),
        grantee: grantee_pattern(grantee),
        operations: operations.iter().map(operation).collect(),
        constraints: Vec::new(),
        retiring_principal: None,
        issuing_account: None,
    }
}

/// The pairs of a constraint.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Pairs { pairs, span: nowhere() }
}

/// Whom a grant names.
pub(crate) fn grantee_pattern(text: &str) -> Written<PrincipalPattern> {
    let value = if text.ends_with(".amazonaws.com") {
        PrincipalPattern::parse_service(text).unwrap()
    } else {
        PrincipalPattern::parse_aws(text).unwrap()
    };
    written(text, value)
}

fn written<T>(text: &str, value: T) -> Written<T> {
    Written { text: Text::new(text, nowhere()), value }
}

fn nowhere() -> Span {
    Span::new(SourceId::from_index(0), 0, 0)
}

/// A session of `R`.
pub(crate) fn session(name: &str) -> Principal {
    let Principal::RoleSession { role, .. } = Principal::parse(R).unwrap() else { panic!("R is a role") };
    Principal::RoleSession { role, session: name.into() }
}

/// A federated session that `U` made.
pub(crate) fn federated_session() -> Principal {
    let Principal::User(user) = Principal::parse(U).unwrap() else { panic!("U is a user") };
    Principal::FederatedUser {
        account: AccountId::parse("111111111111").unwrap(),
        partition: "aws".into(),
        name: "fed".into(),
        user: Some(user),
    }
}

/// What reading a policy as written reports, each as `error code: the text it points at`; then whether it is stored.
pub(crate) fn report(text: &str, kind: PolicyType) -> (Vec<String>, bool) {
    let mut sources = SourceMap::new();
    let source = sources.add("policy.json", text).unwrap();
    let parsed = match Document::read("policy", source, text) {
        Ok(document) => policy::parse(&document, kind),
        Err(diagnostic) => Parsed { policy: None, diagnostics: vec![*diagnostic] },
    };
    let line = |diagnostic: &Diagnostic| {
        let severity = if diagnostic.is_error() { "error" } else { "warning" };
        format!("{severity} {}: {}", diagnostic.code, sources.slice(diagnostic.span().unwrap()))
    };
    (parsed.diagnostics.iter().map(line).collect(), parsed.policy.is_some())
}

/// A policy AWS would store: a whole one, or statements of version 2012.
#[track_caller]
pub(crate) fn policy(text: &str, kind: PolicyType) -> Policy {
    let whole = text.contains("\"Statement\"");
    let text = if whole { text.to_owned() } else { format!(r#"{{"Version": "2012-10-17", "Statement": {text}}}"#) };
    let mut sources = SourceMap::new();
    let source = sources.add("policy.json", text.clone()).unwrap();
    let parsed = policy::parse(&Document::read("policy", source, &text).unwrap(), kind);
    parsed.policy.unwrap_or_else(|| panic!("{text} is refused: {:#?}", parsed.diagnostics))
}

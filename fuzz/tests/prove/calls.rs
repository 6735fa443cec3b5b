//! Which calls could anybody make?
//!
//! A request is one that AWS could see: what follows from its caller, action and route is not stated otherwise, keys that
//! every call carries are there, and what is not said is absent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::arn::{self, Arn};
use permitlab_evaluator::catalog::{self, KeyType, kms};
use permitlab_evaluator::condition::date;
use permitlab_evaluator::condition::ip::Address;
use permitlab_evaluator::condition::numeric::Decimal;
use permitlab_evaluator::context::{ConditionKey, Entry, Origin, Presence, Values};
use permitlab_evaluator::derive;
use permitlab_evaluator::policy::{self, Document, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::request::{Request, Resource};
use permitlab_evaluator::source::SourceMap;
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::Role;
use permitlab_evaluator::world::places::Places;

/// The accounts of the callers: three that worlds name, and one that none does.
const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "999988887777", "555566667777"];

/// Keys that every call carries, and a value of each.
const ALWAYS: [(&str, &str); 5] = [
    ("aws:CurrentTime", "2026-06-01T12:00:00Z"),
    ("aws:EpochTime", "1780315200"),
    ("aws:RequestedRegion", "us-east-1"),
    ("aws:SecureTransport", "true"),
    ("aws:UserAgent", "permitlab"),
];

/// What the policies of callers allow whom no world knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Everything,
    Nothing,
}

/// The paths and names of their roles.
const STRANGERS: [(&str, &str); 3] =
    [("", "anybody"), ("", "Caller"), ("aws-service-role/unnamed.amazonaws.com/", "linked")];

/// The world, with callers that it does not know.
pub(crate) fn with_strangers(world: &World, access: Access) -> World {
    let mut world = world.clone();
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let mut sources = SourceMap::new();
    let id = sources.add("everything", text).unwrap();
    let document = Document::read("everything", id, text).unwrap();
    let policy = Arc::new(policy::parse(&document, PolicyType::Identity).policy.unwrap());
    for (account, (path, name)) in ACCOUNTS.iter().flat_map(|account| STRANGERS.map(|name| (account, name))) {
        let Ok(Principal::RoleSession { role: identity, .. }) =
            Principal::parse(&format!("arn:aws:iam::{account}:role/{path}{name}"))
        else {
            continue;
        };
        let policies = (access == Access::Everything).then(|| policy.clone()).into_iter().collect();
        world.roles.push(Role { identity, policies, boundary: None, trust: None, tags: None });
    }
    world.places = Places::default();
    world
}

/// Whether somebody is one of those callers.
pub(crate) fn is_stranger(caller: &Principal) -> bool {
    match caller {
        Principal::RoleSession { role, .. } => STRANGERS.iter().any(|(_, name)| *name == &*role.name),
        Principal::User(_)
        | Principal::FederatedUser { .. }
        | Principal::Root { .. }
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::Anonymous => false,
    }
}

/// Everybody who calls in such a world.
pub(crate) fn callers(world: &World) -> Vec<Principal> {
    let parse = |text: &str| Principal::parse(text).unwrap();
    let session =
        |role: &Role, session: &str| Principal::RoleSession { role: role.identity.clone(), session: session.into() };
    let roles = world.roles.iter().map(|role| session(role, "permitlab"));
    let mut callers: Vec<Principal> =
        roles.chain(world.users.iter().map(|user| Principal::User(user.identity.clone()))).collect();
    callers.extend(
        world.roles.iter().filter(|role| &*role.identity.name == "caller").map(|role| session(role, "nightly")),
    );
    callers.extend(["bedrock.amazonaws.com", "s3.amazonaws.com", "sqs.amazonaws.com", "*"].map(parse));
    callers.extend(ACCOUNTS.map(|account| parse(&format!("arn:aws:iam::{account}:root"))));
    callers.push(parse("arn:aws:sts::111122223333:federated-user/fed"));
    callers.push(parse("arn:aws:sts::111122223333:federated-user/other"));
    callers
}

/// What is called, on what, and which grant it retires, as requests of anybody.
pub(crate) fn calls(world: &World, caller: &Principal) -> Vec<Request> {
    let mut calls = Vec::new();
    let call = |action: String, resource: &Resource, retires: Option<Box<str>>| Request {
        retires,
        ..Request::new(caller.clone(), ActionName::parse(&action).unwrap(), resource.clone())
    };
    for key in &world.keys {
        let resource = Resource { account: Some(key.account), ..Resource::new(key.arn.clone()) };
        for operation in kms::operations() {
            if operation.target == kms::Target::None || !operation.fits(&key.spec, &key.usage) {
                continue;
            }
            let retired: Vec<_> = key.grants.iter().map(|grant| Some(grant.name.clone())).collect();
            let retired = if operation.name == "RetireGrant" && !retired.is_empty() { retired } else { vec![None] };
            calls.extend(retired.into_iter().map(|grant| call(format!("kms:{}", operation.name), &resource, grant)));
        }
    }
    for role in world.roles.iter().filter(|role| role.trust.is_some()) {
        let resource = Resource::new(Arn::parse(&role.identity.arn("role")).unwrap());
        let assumed = ["AssumeRole", "TagSession", "SetSourceIdentity"];
        calls.extend(assumed.map(|name| call(format!("sts:{name}"), &resource, None)));
    }
    calls
}

/// What turns a draft of a request into one that a call could make.
pub(crate) struct Form<'w> {
    worlds: [&'w World; 2],
    keys: BTreeSet<ConditionKey>,
}

impl<'w> Form<'w> {
    /// For worlds whose conditions look at these keys.
    pub(crate) fn new(worlds: [&'w World; 2], keys: impl IntoIterator<Item = ConditionKey>) -> Self {
        Self { worlds, keys: keys.into_iter().collect() }
    }

    /// The request without what no call says, and with what every call does; what it does not say is absent.
    pub(crate) fn made(&self, mut request: Request) -> Request {
        let is_signed = !matches!(request.principal, Principal::Anonymous | Principal::Federated(_));
        let is_service = matches!(request.principal, Principal::Service(_));
        request.via = request.via.filter(|_| is_signed && !is_service);
        request.source = request.source.filter(|_| is_service);
        // An operation without an encryption context has none.
        if !kms::operation(&request.action).is_some_and(|operation| operation.encryption_context) {
            request.encryption_context.clear();
        }
        let action = request.action.clone();
        let follows = |request: &Request, context: BTreeMap<ConditionKey, Option<Values>>| {
            let request = Request { context, ..request.clone() };
            self.worlds.map(|world| derive::context(world, &request))
        };
        // A call through an endpoint says less of where it comes from.
        let endpoint = ConditionKey::new("aws:SourceVpce");
        let bare = follows(&request, BTreeMap::new());
        if !bare.iter().all(|context| may_be_stated(&endpoint, &action, context.recorded(&endpoint))) {
            request.context.remove(&endpoint);
        }
        let through = request.context.get_key_value(&endpoint).map(|(key, id)| (key.clone(), id.clone()));
        let contexts = follows(&request, through.into_iter().collect());
        for (key, value) in ALWAYS {
            let stated = request.context.entry(ConditionKey::new(key)).or_insert(None);
            if stated.is_none() {
                *stated = Some(Values::One(value.to_owned()));
            }
        }
        for key in &self.keys {
            request.context.entry(key.clone()).or_insert(None);
        }
        request.context.retain(|key, values| {
            values.as_ref().is_none_or(|values| has_form(key, values))
                && !is_said_elsewhere(key.folded())
                && (*key == endpoint
                    || contexts.iter().all(|context| may_be_stated(key, &action, context.recorded(key))))
        });
        request
    }
}

/// Whether a request says of a key in a place of its own what it is.
fn is_said_elsewhere(key: &str) -> bool {
    key.starts_with("kms:encryptioncontext") || key == "kms:viaservice"
}

/// Whether AWS sends such values of the key.
pub(crate) fn has_form(key: &ConditionKey, values: &Values) -> bool {
    values.as_slice().iter().all(|value| match catalog::key_type(key) {
        Some(KeyType::Arn | KeyType::Arns) => arn::split(value).is_some(),
        Some(KeyType::Bool | KeyType::Bools) => ["true", "false"].contains(&value.as_str()),
        Some(KeyType::Numeric) => Decimal::parse(value).is_ok(),
        Some(KeyType::Date) => date::numeric_value(value).is_ok(),
        Some(KeyType::Ip) => Address::parse(value).is_ok(),
        Some(KeyType::String | KeyType::Strings) | None => true,
    })
}

/// Whether a call may say what a key is.
fn may_be_stated(key: &ConditionKey, action: &ActionName, entry: Option<&Entry>) -> bool {
    match entry {
        None => catalog::may_be_sent(key, action),
        Some(entry) => {
            let is_parameter = entry.origin == Origin::Operation
                && matches!(entry.presence, Presence::Present(_))
                && key.folded() != "kms:encryptionalgorithm";
            entry.presence == Presence::Unstated || is_parameter
        }
    }
}

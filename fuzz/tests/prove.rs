//! Is what the prover says so?
//!
//! Worlds are generated, and one thing about each is changed. Every request that the prover shows is decided as it says, by
//! both engines; and where it says that nobody gains, requests made of what the conditions name look for somebody who does.
//! `PERMITLAB_CASES` asks for another number of worlds, `PERMITLAB_SEED` for another start.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test cannot set up or read fails it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use permitlab::facts;
use permitlab::file::{Named, Text};
use permitlab::root::PolicyRoot;
use permitlab_evaluator::action::ActionName;
use permitlab_evaluator::authorize::decide;
use permitlab_evaluator::catalog::{self, KeyType, kms};
use permitlab_evaluator::cedar;
use permitlab_evaluator::condition::Condition;
use permitlab_evaluator::condition::date;
use permitlab_evaluator::condition::ip::Address;
use permitlab_evaluator::condition::numeric::Decimal;
use permitlab_evaluator::context::{ConditionKey, Origin, Presence, Values};
use permitlab_evaluator::decision::{Decision, Effect};
use permitlab_evaluator::derive;
use permitlab_evaluator::gather::gather;
use permitlab_evaluator::policy::{self, Document, PolicyType};
use permitlab_evaluator::principal::Principal;
use permitlab_evaluator::prove::{Budget, Comparison, Gains};
use permitlab_evaluator::request::{Request, Resource, Source, Via};
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::Role;
use permitlab_evaluator::world::places::Places;
use permitlab_fuzz::generate::{Recipe, StatementRecipe, recipes};
use permitlab_fuzz::mutate::Numbers;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Worlds that are changed.
const CASES: usize = 60;

/// Requests that look for a gain, a world.
const TRIES: usize = 4_000;

fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn world(recipe: &Recipe) -> World {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("prove-{}", number("PERMITLAB_SEED", 0)));
    fs::create_dir_all(folder.join("fixtures")).unwrap();
    fs::write(folder.join("permitlab.toml"), "").unwrap();
    fs::write(folder.join("fixtures/world.yaml"), recipe.world()).unwrap();
    let root = PolicyRoot::at(&folder);
    let mut sources = SourceMap::new();
    let name = "fixtures/world.yaml";
    let id = sources.add("use", name).unwrap();
    let text = Text::new(name, Span::new(id, 0, name.len()));
    facts::load(&root, &mut sources, [&text], &Named::default()).unwrap().world().unwrap()
}

/// The lists of statements of a world that bear on keys and roles.
fn lists(recipe: &mut Recipe) -> Vec<&mut Vec<StatementRecipe>> {
    let Recipe { key, identity, boundary, scps, rcps, endpoint, others, .. } = recipe;
    let [.., trust] = others;
    let optional = [boundary, endpoint].into_iter().flatten();
    [key, identity, trust].into_iter().chain(optional).chain(scps).chain(rcps).collect()
}

/// The recipe with one thing changed: a statement more or less, a condition less, or another number in one.
fn edited(recipe: &Recipe, other: &Recipe, numbers: &mut Numbers) -> Recipe {
    let mut edited = recipe.clone();
    let statement = {
        let mut other = other.clone();
        let mut all: Vec<StatementRecipe> = lists(&mut other).into_iter().flat_map(|list| list.drain(..)).collect();
        if all.is_empty() { None } else { Some(all.swap_remove(numbers.below(all.len()))) }
    };
    let mut lists = lists(&mut edited);
    let count = lists.len();
    let start = numbers.below(count);
    let kind = numbers.below(6);
    let at =
        (0..count).map(|step| (start + step) % count).find(|at| kind == 0 || !lists[*at].is_empty()).unwrap_or(start);
    let list = &mut *lists[at];
    if kind == 0 || list.is_empty() {
        list.extend(statement);
        return edited;
    }
    let which = numbers.below(list.len());
    let one = &mut list[which];
    let conditions = one.conditions.len();
    match kind {
        1 => {
            list.remove(which);
        }
        2 | 3 if conditions > 0 => {
            one.conditions.remove(numbers.below(conditions));
        }
        4 if conditions > 0 => {
            let condition = &mut one.conditions[numbers.below(conditions)];
            condition[numbers.below(6)] = u8::try_from(numbers.below(256)).unwrap();
        }
        _ => one.head[numbers.below(5)] = u8::try_from(numbers.below(256)).unwrap(),
    }
    edited
}

fn decided(world: &World, request: &Request) -> Decision {
    let context = derive::context(world, request);
    let endpoint = derive::endpoint(request, &context);
    decide(&gather(world, request, endpoint.as_deref()), request, &context, Rules::NONE)
}

/// Every condition in the policies and grants of a world.
fn conditions(world: &World) -> Vec<&Condition> {
    let keys = world.keys.iter().map(|key| &*key.policy);
    let roles = world.roles.iter().flat_map(|role| {
        role.policies.iter().map(|policy| &**policy).chain(role.boundary.as_deref()).chain(role.trust.as_deref())
    });
    let users = world
        .users
        .iter()
        .flat_map(|user| user.policies.iter().map(|policy| &**policy).chain(user.boundary.as_deref()));
    let endpoints = world.endpoints.iter().filter_map(|endpoint| endpoint.policy.as_deref());
    let controls = world.organization.iter().flat_map(|organization| {
        let units = organization.units.iter().map(|unit| &unit.controls);
        units.chain(organization.accounts.iter().map(|member| &member.controls))
    });
    let controls = controls.flat_map(|each| each.scps.iter().chain(each.rcps.iter())).map(|policy| &**policy);
    let all = keys.chain(roles).chain(users).chain(endpoints).chain(controls);
    all.flat_map(|policy| &policy.statements).flat_map(|statement| &statement.conditions).collect()
}

/// A value that an operand names, or one that is close to it.
fn value(text: &str, numbers: &mut Numbers) -> String {
    let plain = text.replace('*', ["", "x", "red"][numbers.below(3)]).replace('?', "a");
    match numbers.below(6) {
        0 => format!("{plain}x"),
        1 => plain.to_uppercase(),
        2 => plain.replace("us-east-1", "eu-west-1").replace("111122223333", "444455556666"),
        _ => plain,
    }
}

/// The world, with callers that it does not know: with everything allowed them, and with nothing.
fn with_strangers(world: &World) -> World {
    let mut world = world.clone();
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let mut sources = SourceMap::new();
    let id = sources.add("everything", text).unwrap();
    let document = Document::read("everything", id, text).unwrap();
    let policy = Arc::new(policy::parse(&document, PolicyType::Identity).policy.unwrap());
    for account in ["111122223333", "444455556666", "999988887777", "555566667777"] {
        for (path, name, policies) in [
            ("", "anybody", vec![policy.clone()]),
            ("", "nobody", Vec::new()),
            ("", "Caller", vec![policy.clone()]),
            ("aws-service-role/unnamed.amazonaws.com/", "linked", vec![policy.clone()]),
        ] {
            let arn = format!("arn:aws:iam::{account}:role/{path}{name}");
            let Principal::RoleSession { role: identity, .. } = Principal::parse(&arn).unwrap() else { continue };
            world.roles.push(Role { identity, policies: policies.into(), boundary: None, trust: None, tags: None });
        }
    }
    world.places = Places::default();
    world
}

/// Somebody's call on a key or role, with values that conditions of either world name.
fn request(worlds: [&World; 2], at: usize, numbers: &mut Numbers) -> Request {
    let parse = |text: &str| Principal::parse(text).unwrap();
    let [one, _] = worlds;
    let mut callers: Vec<Principal> = one
        .roles
        .iter()
        .map(|role| Principal::RoleSession { role: role.identity.clone(), session: "permitlab".into() })
        .chain(one.users.iter().map(|user| Principal::User(user.identity.clone())))
        .collect();
    callers.extend(one.users.iter().map(|user| Principal::User(user.identity.clone())));
    let role = |name: &str| one.roles.iter().find(|role| &*role.identity.name == name).unwrap().identity.clone();
    callers.push(Principal::RoleSession { role: role("caller"), session: "nightly".into() });
    callers.push(Principal::RoleSession { role: role("caller"), session: "nightly".into() });
    callers.extend(["bedrock.amazonaws.com", "s3.amazonaws.com", "sqs.amazonaws.com"].map(parse));
    callers.extend(
        ["111122223333", "444455556666", "999988887777", "555566667777"]
            .map(|account| parse(&format!("arn:aws:iam::{account}:root"))),
    );
    callers.push(parse("arn:aws:sts::111122223333:federated-user/fed"));
    // Every caller by every action, again and again, under other circumstances each time.
    let (caller, at) = (callers[at % callers.len()].clone(), at / callers.len());
    let key = &one.keys[0];
    let target = role("target");
    let usual = ["Decrypt", "GenerateDataKey", "DescribeKey", "Encrypt", "CreateGrant", "RetireGrant"];
    let all: Vec<&str> = kms::operations()
        .filter(|each| each.target != kms::Target::None && each.fits(&key.spec, &key.usage))
        .map(|each| each.name)
        .collect();
    let actions: Vec<&str> = [&usual[..], &all].concat();
    let assumed = ["AssumeRole", "TagSession", "SetSourceIdentity"];
    let at = at % (actions.len() + assumed.len());
    let is_assumed = at >= actions.len();
    let (action, arn) = if is_assumed {
        let name = assumed[at - actions.len()];
        (format!("sts:{name}"), permitlab_evaluator::arn::Arn::parse(&target.arn("role")).unwrap())
    } else {
        (format!("kms:{}", actions[at]), key.arn.clone())
    };
    let mut resource = Resource::new(arn);
    if !is_assumed {
        resource.account = Some(key.account);
    }
    let mut request = Request::new(caller, ActionName::parse(&action).unwrap(), resource);
    if action == "kms:RetireGrant" && !key.grants.is_empty() {
        request.retires = Some(key.grants[numbers.below(key.grants.len())].name.clone());
    }
    let has_account = request.principal.account().is_some();
    if has_account && !is_assumed && numbers.below(3) == 0 {
        request.via = Some(Via { service: "s3.us-east-1.amazonaws.com".into() });
    }
    let named: Vec<&Condition> = worlds.iter().flat_map(|world| conditions(world)).collect();
    let most = numbers.below(4);
    for condition in named {
        if condition.operands.is_empty() || numbers.below(3) >= most {
            continue;
        }
        let text = condition.operands[numbers.below(condition.operands.len())].text.as_str();
        let text = if condition.operator.base == permitlab_evaluator::condition::operator::Base::Null {
            "x".to_owned()
        } else {
            value(text, numbers)
        };
        let name = condition.key.folded();
        if name.starts_with("kms:encryptioncontext:") {
            let pair = condition.key.as_str().get("kms:EncryptionContext:".len()..).unwrap().to_owned();
            request.encryption_context.insert(pair, text);
        } else if name == "kms:encryptioncontextkeys" {
            request.encryption_context.entry(text).or_insert_with(|| "red".to_owned());
        } else if name == "kms:viaservice" {
            if request.via.is_some() && text.ends_with(".amazonaws.com") && text.matches('.').count() >= 3 {
                request.via = Some(Via { service: text.into() });
            }
        } else if name == "aws:sourcearn" {
            if permitlab_evaluator::arn::split(&text).is_some() {
                request.source = Some(Source { arn: text.into(), account: None });
            }
        } else {
            let values = if condition.is_multivalued() { Values::Many(vec![text]) } else { Values::One(text) };
            request.context.insert(condition.key.clone(), Some(values));
        }
    }
    if request.principal.account().is_some() {
        request.source = None;
    }
    // An operation without an encryption context has none, and what follows from a call is not stated otherwise.
    let operation = permitlab_evaluator::catalog::kms::operation(&request.action);
    if !operation.is_some_and(|operation| operation.encryption_context) {
        request.encryption_context.clear();
    }
    let bare = Request { context: BTreeMap::new(), ..request.clone() };
    let contexts = worlds.map(|world| derive::context(world, &bare));
    // Every call has these.
    for (key, value) in ALWAYS {
        let value = Values::One(value.to_owned());
        request.context.entry(ConditionKey::new(key)).or_insert(Some(value));
    }
    // What is not said is not there.
    for condition in worlds.iter().flat_map(|world| conditions(world)) {
        if !is_said_elsewhere(condition.key.folded()) {
            request.context.entry(condition.key.clone()).or_insert(None);
        }
    }
    request.context.retain(|key, values| values.as_ref().is_none_or(|values| has_form(key, values)));
    let action = request.action.clone();
    request.context.retain(|key, _| contexts.iter().all(|context| may_be_stated(key, &action, context.recorded(key))));
    request
}

/// Keys that every call carries, and a value of each.
const ALWAYS: [(&str, &str); 5] = [
    ("aws:CurrentTime", "2026-06-01T12:00:00Z"),
    ("aws:EpochTime", "1780315200"),
    ("aws:RequestedRegion", "us-east-1"),
    ("aws:SecureTransport", "true"),
    ("aws:UserAgent", "permitlab"),
];

/// Whether a request says of a key in a place of its own what it is.
fn is_said_elsewhere(key: &str) -> bool {
    key.starts_with("kms:encryptioncontext") || ["kms:viaservice", "aws:sourcearn"].contains(&key)
}

/// Whether AWS sends such values of the key.
fn has_form(key: &ConditionKey, values: &Values) -> bool {
    values.as_slice().iter().all(|value| match catalog::key_type(key) {
        Some(KeyType::Arn | KeyType::Arns) => permitlab_evaluator::arn::split(value).is_some(),
        Some(KeyType::Bool | KeyType::Bools) => ["true", "false"].contains(&value.as_str()),
        Some(KeyType::Numeric) => Decimal::parse(value).is_ok(),
        Some(KeyType::Date) => date::numeric_value(value).is_ok(),
        Some(KeyType::Ip) => Address::parse(value).is_ok(),
        Some(KeyType::String | KeyType::Strings) | None => true,
    })
}

/// Whether a call may say what a key is.
fn may_be_stated(key: &ConditionKey, action: &ActionName, entry: Option<&permitlab_evaluator::context::Entry>) -> bool {
    let is_open = |presence: &Presence| *presence == Presence::Unstated;
    match entry {
        None => catalog::may_be_sent(key, action),
        Some(entry) => {
            let is_parameter = entry.origin == Origin::Operation
                && matches!(entry.presence, Presence::Present(_))
                && key.folded() != "kms:encryptionalgorithm";
            is_open(&entry.presence) || is_parameter
        }
    }
}

fn show(gains: &Gains) -> String {
    let requests: Vec<String> = gains.witnesses.iter().take(3).map(|each| format!("{:?}", each.request)).collect();
    requests.join("\n")
}

fn tell(text: &str) {
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}

#[test]
fn what_is_shown_is_so_and_what_is_proved_holds() {
    let mut start = [0; 32];
    start[..8].copy_from_slice(&(number("PERMITLAB_SEED", 0) as u64).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &start));
    let mut numbers = Numbers::from(number("PERMITLAB_SEED", 0) as u64 + 7);
    let (mut proved, mut shown, mut unknown, mut found, mut missed) = (0, 0, 0, 0, 0);
    let mut why: BTreeMap<String, usize> = BTreeMap::new();
    for case in 0..number("PERMITLAB_CASES", CASES) {
        let [recipe, other] = [(); 2].map(|()| recipes(1).new_tree(&mut runner).unwrap().current());
        let edited = edited(&recipe, &other, &mut numbers);
        let (before, after) = (world(&recipe), world(&edited));
        let comparison = Comparison::new(&before, &after, Budget::default());
        let gains = comparison.all();
        for witness in &gains.witnesses {
            let worlds = comparison.worlds(witness);
            let certain = witness.rests_on.is_empty();
            for (world, is_allowed) in worlds.iter().zip([false, true]) {
                let own = decided(world, &witness.request);
                assert!(!certain || (own.effect == Effect::Allow) == is_allowed, "{case}: {:?}", witness.request);
                if certain && let Ok(second) = cedar::Engine::new(world).decide(&witness.request) {
                    let judged = permitlab::judge::judge(world, &witness.request, Rules::NONE);
                    if let Some(said) = judged.differs_from(&second.into()) {
                        panic!("{case}: the engines differ on {:?}: {said}", witness.request);
                    }
                }
            }
        }
        for each in &gains.unknown {
            *why.entry(format!("{:?}", each.why)).or_default() += 1;
        }
        let certain = gains.witnesses.iter().any(|witness| witness.rests_on.is_empty());
        let mut falsified = None;
        let with = [&before, &after].map(with_strangers);
        for at in 0..TRIES {
            let request = request([&with[0], &with[1]], at, &mut numbers);
            let (old, new) = (decided(&with[0], &request), decided(&with[1], &request));
            if old.effect.is_deny()
                && new.effect == Effect::Allow
                && old.otherwise.is_empty()
                && new.otherwise.is_empty()
            {
                falsified = Some(request);
                break;
            }
        }
        match (certain, gains.unknown.is_empty(), falsified) {
            (false, true, Some(request)) => {
                let old = decided(&with[0], &request);
                panic!(
                    "case {case}: said to be proved, and is not: {request:?}\n{old:?}\n{}\n---\n{}\n{}",
                    recipe.world(),
                    edited.world(),
                    show(&gains)
                );
            }
            (true, _, Some(_)) => {
                shown += 1;
                found += 1;
            }
            (true, _, None) => {
                shown += 1;
                missed += 1;
                if env::var_os("PERMITLAB_SHOW").is_some() {
                    tell(&format!("{case} missed: {}\n", show(&gains)));
                }
            }
            (false, true, None) => proved += 1,
            (false, false, _) => unknown += 1,
        }
    }
    tell(&format!(
        "{proved} proved, {shown} shown, {unknown} unknown {why:?}; the falsifier found {found} and missed {missed}\n"
    ));
    assert!(proved > 0 && shown > 0, "worlds of either kind are met");
    assert!(found * 4 >= shown * 3, "who looks for gains finds most: {found} of {shown}");
}

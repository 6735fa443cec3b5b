//! What holds for every world, whatever its policies say?
//!
//! Worlds are generated from a fixed start, the same in every run; `PERMITLAB_CASES` asks for another number of them,
//! `PERMITLAB_CALLS` for another number of calls in each at most, and `PERMITLAB_SEED` for another start. A failing one
//! is shrunk and written as a world and a scenario, ready to be committed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test cannot set up or read fails it")]
#![expect(clippy::panic, reason = "a property that does not hold fails its test")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use permitlab::facts;
use permitlab::file::{Named, Text};
use permitlab::judge::{Judgement, Verdicts};
use permitlab::replay::{Options, Outcome, replay};
use permitlab::root::PolicyRoot;
use permitlab_evaluator::cedar;
use permitlab_evaluator::condition::operator::Base;
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::policy::{self, Document, PolicyType};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::world::World;
use permitlab_evaluator::world::identity::Session;
use permitlab_fuzz::generate::{Kept, Recipe, StatementRecipe, recipes};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Worlds a property is tried on.
const CASES: u32 = 120;

/// Worlds on which the engines are compared.
const ENGINES: u32 = 400;

/// Calls in each, at most.
const CALLS: usize = 40;

fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn seed() -> u64 {
    number("PERMITLAB_SEED", 0)
}

/// A policy root for one property.
struct Folder {
    folder: PathBuf,
    root: PolicyRoot,
}

impl Folder {
    fn new(property: &str) -> Self {
        // Runs from several starts at once do not meet.
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{property}-{}", seed()));
        for part in ["cases", "fixtures"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        fs::write(folder.join("permitlab.toml"), "").unwrap();
        Self { root: PolicyRoot::at(&folder), folder }
    }

    /// The world of the recipe that was judged last.
    fn world(&self) -> World {
        let mut sources = SourceMap::new();
        let name = "fixtures/world.yaml";
        let id = sources.add("use", name).unwrap();
        let text = Text::new(name, Span::new(id, 0, name.len()));
        let facts = facts::load(&self.root, &mut sources, [&text], &Named::default()).unwrap();
        facts.world().unwrap()
    }

    /// The judgements of a recipe's calls, in their order.
    fn judge(&self, recipe: &Recipe) -> Result<Vec<Judged>, String> {
        self.judge_texts(&recipe.world(), &recipe.scenario("fixtures/world.yaml"))
    }

    fn judge_texts(&self, world: &str, scenario: &str) -> Result<Vec<Judged>, String> {
        fs::write(self.folder.join("fixtures/world.yaml"), world).unwrap();
        fs::write(self.folder.join("cases/case.yaml"), scenario).unwrap();
        let replayed = replay(&self.root, "cases/case.yaml", &Options { only_decide: true, ..Options::default() });
        if !replayed.findings.is_empty() {
            return Err(permitlab::report::findings(&replayed, permitlab::render::Colour::Never).join("\n"));
        }
        let asked = replayed.checks.into_iter().flat_map(|check| check.asked);
        Ok(asked.map(|asked| (asked.judgement, *asked.request.unwrap())).collect())
    }
}

/// A call as it was judged.
type Judged = (Judgement, Request);

/// The world in which the callers of these calls have the session policy of the recipe.
fn with_sessions(world: &World, recipe: &Recipe, requests: &[&Request]) -> World {
    let Some(text) = recipe.session_policy() else { return world.clone() };
    let mut sources = SourceMap::new();
    let id = sources.add("session", text.as_str()).unwrap();
    let document = Document::read("session/0", id, &text).unwrap();
    let policy = Arc::new(policy::parse(&document, PolicyType::Session).policy.unwrap());
    let mut world = world.clone();
    for request in requests {
        let principal = request.principal.clone();
        if world.session(&principal).is_none() {
            let tags = [("stage".to_owned(), "dev".to_owned())].into();
            world.sessions.push(Session {
                principal,
                policies: Some(vec![Arc::clone(&policy)].into()),
                tags,
                source_identity: None,
            });
        }
    }
    world
}

#[test]
fn the_engines_agree() {
    let asked = std::cell::Cell::new(0_usize);
    let opaque = std::cell::RefCell::new(std::collections::BTreeMap::new());
    holds_for(ENGINES, "engines", |folder, recipe, judged| {
        let world = folder.world();
        for in_session in [false, true] {
            let calls = judged.iter().enumerate().filter(|(index, _)| recipe.has_session(*index) == in_session);
            let calls: Vec<&Judged> = calls.map(|(_, call)| call).collect();
            let requests: Vec<&Request> = calls.iter().map(|(_, request)| request).collect();
            let world = if in_session { with_sessions(&world, recipe, &requests) } else { world.clone() };
            let engine = cedar::Engine::new(&world);
            for (judgement, request) in calls {
                let answer = engine.decide(request).map_err(|why| format!("{}: no opinion: {why}", judgement.call))?;
                if let Some(said) = judgement.differs_from(&answer.into()) {
                    return Err(format!("the engines differ on {}: {said}", judgement.call));
                }
            }
            asked.set(asked.get() + requests.len());
            for atom in engine.opaque() {
                *opaque.borrow_mut().entry(atom).or_insert(0_usize) += 1;
            }
        }
        Ok(())
    });
    let (asked, opaque) = (asked.get(), opaque.into_inner());
    assert!(asked > 10, "{asked} calls have two opinions");
    if env::var_os("PERMITLAB_CASES").is_some() {
        let told = format!("{asked} calls with two opinions; opaque atoms: {opaque:#?}\n");
        std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).unwrap();
    }
}

/// Tries a property on every recipe of a run.
#[track_caller]
fn holds(property: &str, check: impl Fn(&Folder, &Recipe, &[Judged]) -> Result<(), String>) {
    holds_for(CASES, property, check);
}

#[track_caller]
fn holds_for(cases: u32, property: &str, check: impl Fn(&Folder, &Recipe, &[Judged]) -> Result<(), String>) {
    let folder = Folder::new(property);
    let mut start = [0; 32];
    start[..8].copy_from_slice(&seed().to_le_bytes());
    let config = Config {
        cases: number("PERMITLAB_CASES", cases),
        failure_persistence: None,
        max_shrink_iters: 4_096,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &start));
    let ran = runner.run(&recipes(number("PERMITLAB_CALLS", CALLS)), |recipe| {
        let outcome = folder.judge(&recipe).and_then(|judged| {
            assert_eq!(judged.len(), recipe.calls.len(), "every call is judged");
            check(&folder, &recipe, &judged)
        });
        outcome.map_err(|said| {
            TestCaseError::fail(format!("{said}\n{}\n{}", recipe.world(), recipe.scenario("fixtures/world.yaml")))
        })
    });
    let Err(error) = ran else { return };
    let kept = match &error {
        TestError::Fail(_, recipe) => keep(&folder, recipe),
        TestError::Abort(_) => String::new(),
    };
    panic!("{property}: {error}\n{kept}");
}

/// Writes what is left of a failing recipe as a world and a scenario that expects the evaluator's answers, and says
/// where. Which of the engines is right, the rules decide.
fn keep(folder: &Folder, recipe: &Recipe) -> String {
    let judged = match folder.judge(recipe) {
        Ok(judged) => judged,
        Err(said) => return format!("it is no scenario: {said}"),
    };
    let (world, case) = (folder.folder.join("fixtures/found.yaml"), folder.folder.join("cases/found.yaml"));
    let (facts, scenario) = kept(recipe, &judged, "fixtures/found.yaml");
    fs::write(&world, facts).unwrap();
    fs::write(&case, scenario).unwrap();
    format!("kept, with the evaluator's answers, as {} and {}", world.display(), case.display())
}

fn kept(recipe: &Recipe, judged: &[Judged], world: &str) -> (String, String) {
    let answers: Vec<Kept> = judged
        .iter()
        .map(|(judgement, _)| Kept {
            expect: judgement.word(),
            accept: judgement.unsure.clone(),
            unstated: judgement.unstated.clone(),
        })
        .collect();
    recipe.kept("What two engines decided differently", world, &answers)
}

fn is_allowed((judgement, _): &Judged) -> bool {
    matches!(judgement.answer, Verdicts::Decided(Effect::Allow) | Verdicts::Unavailable(_))
}

/// What two runs of the same calls have to agree on.
fn answers(judged: &[Judged]) -> Vec<String> {
    judged.iter().map(|(judgement, _)| permitlab::report::summary(judgement)).collect()
}

/// A statement of zeros: the plainest of its effect.
fn plain(effect: u8) -> StatementRecipe {
    // Any action on any resource, by anyone where it names a principal.
    StatementRecipe { head: [effect, 13, 2, 1, 0], conditions: Vec::new() }
}

/// Every list of statements of a world.
fn lists(recipe: &mut Recipe) -> Vec<&mut Vec<StatementRecipe>> {
    let Recipe { key, identity, boundary, session, scps, rcps, endpoint, others, .. } = recipe;
    let optional = [boundary, session, endpoint].into_iter().flatten();
    [key, identity].into_iter().chain(others).chain(optional).chain(scps).chain(rcps).collect()
}

/// The lists to which an Allow may be added: an RCP has none, and where there was no statement, there was no policy
/// that limits or was asked.
fn lists_that_allow(recipe: &mut Recipe) -> Vec<&mut Vec<StatementRecipe>> {
    let Recipe { key, identity, boundary, session, scps, endpoint, others, .. } = recipe;
    let optional = [boundary, session, endpoint].into_iter().flatten();
    let scps = scps.iter_mut().filter(|level| !level.is_empty());
    [key, identity].into_iter().chain(others).chain(optional).chain(scps).collect()
}

#[test]
fn a_recipe_is_kept_as_a_scenario_that_passes() {
    let folder = Folder::new("kept");
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let tree = proptest::strategy::Strategy::new_tree(&recipes(3), &mut runner).unwrap();
        let recipe = proptest::strategy::ValueTree::current(&tree);
        let judged = folder.judge(&recipe).unwrap();
        let (world, scenario) = kept(&recipe, &judged, "fixtures/world.yaml");
        fs::write(folder.folder.join("fixtures/world.yaml"), &world).unwrap();
        fs::write(folder.folder.join("cases/case.yaml"), &scenario).unwrap();
        let replayed = replay(&folder.root, "cases/case.yaml", &Options::default());
        let told = || {
            let drawn = [
                permitlab::report::findings(&replayed, permitlab::render::Colour::Never),
                vec![permitlab::report::failures(&replayed, permitlab::render::Colour::Never)],
            ];
            format!("{}\n{world}\n{scenario}", drawn.concat().join("\n"))
        };
        assert_eq!(replayed.checks.len(), recipe.calls.len(), "{}", told());
        assert!(replayed.findings.is_empty(), "{}", told());
        assert!(replayed.checks.iter().all(|check| matches!(check.outcome, Outcome::Passed)), "{}", told());
    }
}

#[test]
fn a_generated_world_is_worth_asking() {
    let folder = Folder::new("worth");
    let mut counts = std::collections::BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let tree = proptest::strategy::Strategy::new_tree(&recipes(CALLS), &mut runner).unwrap();
        let recipe = proptest::strategy::ValueTree::current(&tree);
        for (judgement, _) in folder.judge(&recipe).unwrap() {
            *counts.entry(judgement.word()).or_insert(0) += 1;
        }
    }
    let of = |word: &str| counts.get(word).copied().unwrap_or(0);
    let asked: usize = counts.values().sum();
    for word in ["allow", "implicit-deny", "explicit-deny", "unavailable"] {
        assert!(of(word) * 100 > asked, "{word} is one in a hundred at least: {counts:?}");
    }
}

/// A statement of the recipe, turned to this effect, or the plainest one.
fn borrowed(recipe: &Recipe, effect: u8) -> StatementRecipe {
    let shape = recipe.shape;
    let mut statements = recipe.clone();
    let mut all: Vec<StatementRecipe> = lists(&mut statements).into_iter().flat_map(|list| list.drain(..)).collect();
    if all.is_empty() || shape[3].is_multiple_of(3) {
        return plain(effect);
    }
    let mut statement = all.swap_remove(usize::from(shape[2]) % all.len());
    statement.head[0] = effect;
    statement
}

#[test]
fn generated_worlds_hold_every_operator_and_layer() {
    let mut runner = TestRunner::deterministic();
    let (mut operators, mut layers) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..400 {
        let tree = proptest::strategy::Strategy::new_tree(&recipes(1), &mut runner).unwrap();
        let recipe = proptest::strategy::ValueTree::current(&tree);
        let mut world: serde_json::Value = serde_json::from_str(&recipe.world()).unwrap();
        each_policy(&mut world, &mut |policy| {
            let document: serde_json::Value = serde_json::from_str(policy).unwrap();
            for statement in document["Statement"].as_array().unwrap() {
                let block = statement.get("Condition").and_then(serde_json::Value::as_object);
                operators.extend(block.into_iter().flat_map(|block| block.keys().cloned()));
            }
        });
        let text = world.to_string();
        let words = ["scps", "rcps", "boundary", "endpoints", "grants", "trust", "buckets", "resources", "full_access"];
        layers.extend(words.into_iter().filter(|word| text.contains(&format!("\"{word}\":"))));
        layers.extend(recipe.session.as_ref().map(|_| "session"));
    }
    for base in Base::ALL {
        assert!(operators.contains(base.name()), "no {}: {operators:?}", base.name());
    }
    for part in ["ForAllValues:StringLike", "ForAnyValue:StringEquals", "StringEqualsIfExists", "DateLessThanIfExists"]
    {
        assert!(operators.contains(part), "no {part}: {operators:?}");
    }
    assert_eq!(layers.len(), 10, "{layers:?}");
}

#[test]
fn a_deny_more_never_allows_more() {
    holds("deny", |folder, recipe, before| {
        let mut narrowed = recipe.clone();
        let deny = borrowed(recipe, 255);
        let mut lists = lists(&mut narrowed);
        let at = usize::from(recipe.shape[1]) % lists.len();
        // The first statement of a level that had none attaches a policy: in an SCP without full access, a Deny alone.
        lists[at].push(deny);
        let after = folder.judge(&narrowed)?;
        let gained = before.iter().zip(&after).find(|(before, after)| !is_allowed(before) && is_allowed(after));
        gained.map_or(Ok(()), |(_, (after, _))| Err(format!("a Deny more allows {}", after.call)))
    });
}

#[test]
fn an_allow_more_never_denies_more() {
    holds("allow", |folder, recipe, before| {
        let mut widened = recipe.clone();
        let allow = borrowed(recipe, 0);
        let mut lists = lists_that_allow(&mut widened);
        let at = usize::from(recipe.shape[1]) % lists.len();
        lists[at].push(allow);
        let after = folder.judge(&widened)?;
        let lost = before.iter().zip(&after).find(|(before, after)| is_allowed(before) && !is_allowed(after));
        lost.map_or(Ok(()), |((before, _), _)| Err(format!("an Allow more denies {}", before.call)))
    });
}

#[test]
fn the_order_of_statements_never_matters() {
    holds("order", |folder, recipe, before| {
        let mut turned = recipe.clone();
        for list in lists(&mut turned) {
            list.reverse();
        }
        let after = folder.judge(&turned)?;
        let word = |judged: &[Judged]| judged.iter().map(|(each, _)| (each.word(), each.layer)).collect::<Vec<_>>();
        same(&word(before), &word(&after))
    });
}

#[test]
fn the_order_of_members_and_the_case_of_actions_and_keys_never_matter() {
    holds("spelling", |folder, recipe, before| {
        let scenario = recipe.scenario("fixtures/world.yaml");
        let world = respelled(&recipe.world());
        same(&answers(before), &answers(&folder.judge_texts(&world, &scenario)?))
    });
}

/// The world with the members of each statement turned round, and actions and condition keys in another case.
fn respelled(world: &str) -> String {
    let mut world: serde_json::Value = serde_json::from_str(world).unwrap();
    each_policy(&mut world, &mut |policy| {
        let mut document: serde_json::Value = serde_json::from_str(policy).unwrap();
        for statement in document["Statement"].as_array_mut().unwrap() {
            let members = statement.as_object().unwrap().clone();
            let turned = members.into_iter().rev().map(|(name, value)| match name.as_str() {
                "Action" | "NotAction" => (name, other_case(&value)),
                "Condition" => (name, with_other_keys(&value)),
                _ => (name, value),
            });
            *statement = serde_json::Value::Object(turned.collect());
        }
        *policy = document.to_string();
    });
    world.to_string()
}

fn other_case(value: &serde_json::Value) -> serde_json::Value {
    let texts = value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_uppercase());
    serde_json::Value::from(texts.collect::<Vec<_>>())
}

fn with_other_keys(value: &serde_json::Value) -> serde_json::Value {
    let blocks = value.as_object().unwrap().iter().rev().map(|(operator, keys)| {
        // What follows the slash or the second colon of a key is a name people chose, whose case AWS compares or not.
        let keys = keys.as_object().unwrap().iter().map(|(key, values)| {
            let service = key.split(':').next().unwrap();
            (key.replacen(service, &service.to_uppercase(), 1), values.clone())
        });
        (operator.clone(), serde_json::Value::Object(keys.collect()))
    });
    serde_json::Value::Object(blocks.collect())
}

/// Every policy of a world, which is a text that holds JSON.
fn each_policy(value: &mut serde_json::Value, edit: &mut impl FnMut(&mut String)) {
    match value {
        serde_json::Value::String(text) if text.starts_with('{') => edit(text),
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| each_policy(value, edit)),
        serde_json::Value::Object(members) => members.values_mut().for_each(|value| each_policy(value, edit)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

#[test]
fn an_explanation_says_what_was_decided() {
    holds("explanation", |_, _, judged| {
        for (judgement, _) in judged {
            let Verdicts::Decided(effect) = judgement.answer else { continue };
            let statement = judgement.statement.as_ref();
            let applies = statement.is_none_or(|statement| statement.applies);
            let fits = match effect {
                Effect::Allow => statement.is_none_or(|each| each.effect == permitlab_evaluator::policy::Effect::Allow),
                Effect::ExplicitDeny => {
                    statement.is_some_and(|each| each.effect == permitlab_evaluator::policy::Effect::Deny)
                }
                Effect::ImplicitDeny => statement.is_none(),
            };
            let nearest = judgement.nearest.as_ref();
            let stands_off = nearest.is_none_or(|nearest| !nearest.applies && !nearest.failures.is_empty());
            if !(applies && fits && stands_off) {
                return Err(format!("{}: {}", judgement.call, permitlab::report::summary(judgement)));
            }
        }
        Ok(())
    });
}

#[test]
fn a_policy_printed_and_read_again_decides_the_same() {
    holds("print", |folder, recipe, before| {
        let mut world: serde_json::Value = serde_json::from_str(&recipe.world()).unwrap();
        each_policy(&mut world, &mut |policy| {
            let document: serde_json::Value = serde_json::from_str(policy).unwrap();
            *policy = format!("{document:#}");
        });
        let after = folder.judge_texts(&world.to_string(), &recipe.scenario("fixtures/world.yaml"))?;
        same(&answers(before), &answers(&after))
    });
}

fn same<T: PartialEq + std::fmt::Debug>(before: &[T], after: &[T]) -> Result<(), String> {
    let differs = before.iter().zip(after).enumerate().find(|(_, (before, after))| before != after);
    differs.map_or(Ok(()), |(call, (before, after))| Err(format!("call {call}: {before:?}, then {after:?}")))
}

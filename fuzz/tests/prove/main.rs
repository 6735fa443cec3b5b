//! Is what the prover says so?
//!
//! Worlds are generated, and one thing about each is changed. Every request that the prover shows is decided as it says, by
//! both engines; and where it says that nobody gains, a search that knows nothing of the prover ([`falsifier`]) looks for
//! somebody who does. What such a search is worth is told by the worlds where somebody gains: it has to find 19 in 20 of them.
//! `PERMITLAB_CASES` asks for another number of worlds, `PERMITLAB_SEED` for another start.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test cannot set up or read fails it")]

mod calls;
mod falsifier;
mod policies;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use permitlab::facts;
use permitlab::file::{Named, Text};
use permitlab::root::PolicyRoot;
use permitlab_evaluator::cedar;
use permitlab_evaluator::decision::Effect;
use permitlab_evaluator::prove::{Budget, Comparison, Gains};
use permitlab_evaluator::request::Request;
use permitlab_evaluator::source::{SourceMap, Span};
use permitlab_evaluator::truth::Rules;
use permitlab_evaluator::world::World;
use permitlab_fuzz::generate::{Recipe, StatementRecipe, recipes};
use permitlab_fuzz::mutate::Numbers;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use calls::{Access, with_strangers};
use falsifier::{Falsifier, decided};

/// Worlds that are changed.
const CASES: usize = 60;

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

/// A request that shows a gain: of those a world knows and of others, whose own policies allow them everything, or nothing.
fn falsified(before: &World, after: &World, start: u64) -> Option<Request> {
    let mut numbers = Numbers::from(start);
    [Access::Everything, Access::Nothing].into_iter().find_map(|access| {
        let [before, after] = [before, after].map(|world| with_strangers(world, access));
        let mut callers = calls::callers(&before);
        if access == Access::Nothing {
            // Everybody else has been met.
            callers.retain(calls::is_stranger);
        }
        Falsifier::new([&before, &after], callers).search(&mut numbers)
    })
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
        let falsified = falsified(&before, &after, case as u64);
        match (certain, gains.unknown.is_empty(), falsified) {
            (false, true, Some(request)) => {
                panic!(
                    "case {case}: said to be proved, and is not: {request:?}\n{}\n---\n{}\n{}",
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
    // One in twenty, or a single one where there are fewer.
    assert!(missed * 20 <= shown.max(20), "who looks for gains finds them: {found} of {shown}");
}

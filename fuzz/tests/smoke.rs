//! Does every target hold for its seeds, and for inputs near them?

#![expect(clippy::unwrap_used, reason = "seeds that cannot be read fail the test")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use permitlab_fuzz::TARGETS;
use permitlab_fuzz::mutate::{Numbers, near};
use rstest::rstest;

/// Inputs a target is run on, besides its seeds; `PERMITLAB_FUZZ_INPUTS` asks for another number.
const INPUTS: usize = 1_500;

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in &entries {
            files(entry, found);
        }
    } else {
        found.push(path.to_owned());
    }
}

fn inputs(places: &[&str]) -> Vec<Vec<u8>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for place in places {
        files(&workspace.join(place), &mut found);
    }
    found.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[rstest]
fn holds_for_seeds_and_what_lies_near_them(
    #[values("json", "policy", "glob", "arn", "values", "condition", "world", "flow", "scenario", "change", "decide")]
    name: &str,
) {
    let target = permitlab_fuzz::target(name).unwrap();
    let seeds = inputs(&permitlab_fuzz::seeds(name));
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for seed in &seeds {
        (target.run)(seed);
    }
    let asked = env::var("PERMITLAB_FUZZ_INPUTS").ok().map(|number| number.parse().unwrap());
    // Replaying a whole file costs as much as a hundred lines of another target.
    let inputs = asked.unwrap_or(if matches!(name, "world" | "scenario") { INPUTS / 10 } else { INPUTS });
    let mut numbers = Numbers::from(0);
    for _ in 0..inputs {
        let input = near(&seeds, &mut numbers);
        let shown = String::from_utf8_lossy(&input).into_owned();
        let held = std::panic::catch_unwind(|| (target.run)(&input));
        assert!(held.is_ok(), "{name} does not hold for {shown:?}");
    }
}

#[test]
fn every_target_is_run_above() {
    let source = include_str!("smoke.rs");
    for target in TARGETS {
        assert!(source.contains(&format!("\"{}\"", target.name)), "{} is not run", target.name);
    }
}

//! What must hold for any input, however broken?
//!
//! Each [`Target`] hands bytes to one reader, or to the whole way from a line or a file to its answer, and asserts what
//! holds for every input: no panic, spans inside the text, answers that can be read again, and agreement with a slow
//! and plain second way where there is one. `cargo test` runs each target over its seeds and over inputs derived from
//! them by a generator with a fixed start; `cargo xtask fuzz` lets a coverage-guided fuzzer look for more.

#![expect(clippy::panic, reason = "what does not hold for an input ends the run")]
#![expect(clippy::expect_used, reason = "the folder the loaders read from is this crate's own")]

pub mod mutate;
mod targets;

/// Something that must hold for any input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Runs one input; panics where something does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "json", run: targets::json },
    Target { name: "policy", run: targets::policy },
    Target { name: "glob", run: targets::glob },
    Target { name: "arn", run: targets::arn },
    Target { name: "values", run: targets::values },
    Target { name: "condition", run: targets::condition },
    Target { name: "world", run: targets::world },
    Target { name: "flow", run: targets::flow },
    Target { name: "scenario", run: targets::scenario },
    Target { name: "change", run: targets::change },
    Target { name: "decide", run: targets::decide },
];

/// Where the seeds of each target stand, from the top of the workspace: files, or all files of a folder.
const SEEDS: &str = include_str!("../targets.txt");

/// Where the seeds of a target stand.
pub fn seeds(name: &str) -> Vec<&'static str> {
    let lines = SEEDS.lines().map(|line| line.split(' '));
    lines.filter_map(|mut words| (words.next() == Some(name)).then_some(words)).flatten().collect()
}

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

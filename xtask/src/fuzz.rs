//! Is there an input that breaks a reader?
//!
//! Builds the targets of `fuzz/` with the coverage instrumentation of the stable compiler and lets libFuzzer look for
//! inputs, one process a target. What it learns stays in cargo's target folder, and the next run goes on from there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, thread};

use anyhow::Context as _;
use permitlab_evaluator::diagnostic::closest;

use crate::cli::FuzzArguments;
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::tidy::tree;

/// What libFuzzer needs of the compiler, all of it in the stable one: counters at every edge, comparisons traced, and
/// the checks of a debug build.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=on -Coverflow-checks=on -Ccodegen-units=1";

/// Seconds an input may take, and megabytes a process may hold.
const LIMITS: [&str; 4] = ["-timeout=10", "-rss_limit_mb=512", "-max_len=8192", "-detect_leaks=0"];

/// The targets and their seeds, a line each.
const TARGETS: &str = include_str!("../../fuzz/targets.txt");

/// What a run of one target came to.
struct Ran {
    name: &'static str,
    executions: String,
    peak: String,
    corpus: String,
    failed: Option<String>,
}

/// Runs the targets, some at a time.
///
/// # Errors
/// An unknown target, and a compiler or a fuzzer that does not run.
pub fn run(arguments: &FuzzArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let chosen = chosen(&arguments.targets)?;
    let workspace = tree::workspace(&env::current_dir()?)?;
    let binary = build(&workspace)?;
    if let Some(input) = &arguments.input {
        let [(name, _)] = chosen.as_slice() else {
            return Err(Refusal::new(Exit::Usage, "`--input` runs one target").help("name it with `--target`").into());
        };
        let status = Command::new(&binary).env("PERMITLAB_FUZZ_TARGET", name).arg(input).status()?;
        return Ok(if status.success() { Exit::Fine } else { Exit::Failed });
    }
    let mut exit = Exit::Fine;
    for batch in chosen.chunks(arguments.jobs.max(1)) {
        let started: Vec<_> = batch
            .iter()
            .map(|(name, seeds)| {
                let (workspace, binary, seeds, time) = (workspace.clone(), binary.clone(), *seeds, arguments.time);
                let name = *name;
                thread::spawn(move || fuzz(&workspace, &binary, name, seeds, time))
            })
            .collect();
        for handle in started {
            let Ok(ran) = handle.join() else { anyhow::bail!("a run ended without a result") };
            let ran = ran?;
            let Ran { name, executions, peak, corpus, failed } = &ran;
            streams.out.line(format_args!(
                "{name:<10} {executions:>11} executions, {corpus:>6} inputs kept, {peak:>4} MB at most{}",
                if failed.is_some() { "  FAILED" } else { "" }
            ))?;
            if let Some(said) = failed {
                exit = Exit::Failed;
                streams.err.line(said)?;
            }
        }
    }
    Ok(exit)
}

/// The targets asked for, or all, with their seeds.
fn chosen(names: &[String]) -> anyhow::Result<Vec<(&'static str, &'static str)>> {
    let all: Vec<(&str, &str)> = TARGETS.lines().filter_map(|line| line.split_once(' ')).collect();
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        all.iter().find(|(known, _)| known == name).copied().ok_or_else(|| {
            let known = || all.iter().map(|(known, _)| *known);
            let help = closest(name, known()).map_or_else(
                || format!("the targets are {}", known().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            anyhow::Error::from(Refusal::new(Exit::Usage, format!("there is no target `{name}`")).help(help))
        })
    };
    names.iter().map(find).collect()
}

/// Builds the instrumented binary, apart from everything else that cargo builds.
fn build(workspace: &Path) -> anyhow::Result<PathBuf> {
    let folder = folder(workspace);
    let host = host()?;
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--locked", "--package", "permitlab-fuzz", "--features", "libfuzzer"])
        .args(["--bin", "fuzz", "--target", &host, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", FLAGS)
        .current_dir(workspace)
        .status()
        .context("running cargo")?;
    if !status.success() {
        return Err(Refusal::new(Exit::Failed, "the fuzz targets do not build")
            .help("libFuzzer is C++: install a C++ compiler such as g++")
            .into());
    }
    Ok(folder.join(host).join("release").join("fuzz"))
}

fn folder(workspace: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from).join("fuzz")
}

/// The triple of this machine. It must be named, or the flags would apply to build scripts too.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("running rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    Ok(host.to_owned())
}

fn fuzz(workspace: &Path, binary: &Path, name: &'static str, seeds: &str, time: u64) -> anyhow::Result<Ran> {
    let corpus = folder(workspace).join("corpus").join(name);
    let found = folder(workspace).join("found");
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&found)?;
    let output = Command::new(binary)
        .env("PERMITLAB_FUZZ_TARGET", name)
        .arg(&corpus)
        .args(seeds.split(' ').map(|place| workspace.join(place)))
        .args(LIMITS)
        .args([format!("-max_total_time={time}"), "-print_final_stats=1".to_owned()])
        .arg(format!("-artifact_prefix={}/{name}-", found.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .with_context(|| format!("running `{}`", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let number = |name: &str| {
        let line = said.lines().rev().find_map(|line| line.strip_prefix(&format!("stat::{name}:")));
        line.map_or_else(|| "?".to_owned(), |line| line.trim().to_owned())
    };
    let kept = fs::read_dir(&corpus)?.count();
    Ok(Ran {
        name,
        executions: number("number_of_executed_units"),
        peak: number("peak_rss_mb"),
        corpus: kept.to_string(),
        failed: (!output.status.success()).then(|| told(name, &said)),
    })
}

/// The end of what libFuzzer said, and how to see it again.
fn told(name: &str, said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("stat::")).collect();
    let last = lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n");
    format!(
        "{last}\n  help: run it again with `cargo xtask fuzz --target {name} --input FILE`, and keep FILE in fuzz/seeds"
    )
}

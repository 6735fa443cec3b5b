//! What does deciding by the user's own policies cost?
//!
//! Which calls are asked is [`permitlab::measure`]'s; here is the clock. A call is decided several times in a row and the
//! time divided, since one decision takes about as long as looking at the clock. What the policies cost in memory is told
//! where the system says so, which is on Linux.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use permitlab::measure::{Call, Refused, Subject, Walked};
use permitlab::render::{Colour, report};
use permitlab::root::PolicyRoot;
use serde::Serialize;

use crate::cli::{BenchArguments, BenchFormat};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;

/// How often a call is decided for one reading of the clock.
const IN_A_ROW: u32 = 8;
/// How often everything is read from the files.
const COLD_RUNS: usize = 3;
/// How many walks of statements a pass times, so that a large world takes seconds.
const WALKS: usize = 1_000_000;
/// How often each statement is walked against all calls.
const PASSES: usize = 3;

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    /// How many policies there are.
    policies: usize,
    /// How many statements they have.
    statements: usize,
    /// How many calls were asked, of how many the policies name.
    calls: usize,
    calls_named: usize,
    decisions_per_second: f64,
    decision: Spread,
    /// From files to the first decision.
    cold_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
    /// The statements that take longest to judge, the slowest first.
    slowest_statements: Vec<Slow>,
}

/// The seconds that calls take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Spread {
    p50_seconds: f64,
    p99_seconds: f64,
}

/// What the process holds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Memory {
    /// What reading the policies added.
    policies_bytes: u64,
    /// The most it ever held.
    peak_bytes: u64,
}

/// A statement and what judging it takes.
#[derive(Debug, Serialize)]
struct Slow {
    statement: String,
    at: String,
    /// The mean over calls.
    seconds: f64,
    /// The share of calls whose action it lists, so that a decision has to look further.
    candidate_share: f64,
}

/// Answers `permitlab bench`.
///
/// # Errors
/// A debug build, policies or worlds that cannot be read, policies that name no call.
pub fn run(arguments: &BenchArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    refuse_debug(cfg!(debug_assertions))?;
    let files = Files::of(&arguments.paths, arguments.root.as_deref())?;
    let before = Held::now();
    let subject = match files.read() {
        Ok(subject) => subject,
        Err((sources, findings)) => {
            for finding in &findings {
                streams.err.line(format_args!("{}\n", report(&sources, finding, Colour::Always)))?;
            }
            return Ok(Exit::Invalid);
        }
    };
    let memory = before.zip(Held::now()).map(|(before, after)| after.resident.saturating_sub(before.resident));
    if subject.is_empty() {
        return Err(Refusal::new(Exit::NothingMatched, "the policies name no call that somebody could make")
            .help("name a world, or policies with actions and resources")
            .into());
    }
    let mut measured = measure(&subject, arguments);
    measured.cold_seconds = cold(&files);
    measured.memory =
        memory.zip(Held::now()).map(|(policies_bytes, held)| Memory { policies_bytes, peak_bytes: held.peak });
    arguments.reports.write(streams, |format| match format {
        BenchFormat::Human => human(&measured),
        BenchFormat::Json => json(&measured),
    })?;
    Ok(Exit::Fine)
}

/// A debug build is tens of times slower, in other places: its figures would mislead.
fn refuse_debug(is_debug: bool) -> anyhow::Result<()> {
    if !is_debug {
        return Ok(());
    }
    Err(Refusal::new(Exit::Usage, "this is a debug build, whose times say nothing of a release build's")
        .help("measure with `cargo run --release --package PACKAGE -- bench WORLD`, where `PACKAGE` is what `.cargo/config.toml` runs for `cargo xtask`")
        .into())
}

/// What is measured, as files.
enum Files {
    Worlds { root: PolicyRoot, worlds: Vec<String> },
    Policies(Vec<PathBuf>),
}

impl Files {
    fn of(paths: &[PathBuf], root: Option<&Path>) -> anyhow::Result<Self> {
        let (policies, worlds): (Vec<&PathBuf>, Vec<_>) = paths.iter().partition(|path| are_policies(path, root));
        if !policies.is_empty() && !worlds.is_empty() {
            let message = "these are worlds and policies; a world brings its own policies";
            return Err(Refusal::new(Exit::Usage, message).help("name either worlds or policies").into());
        }
        if worlds.is_empty() {
            let named: Vec<PathBuf> = policies.into_iter().cloned().collect();
            return Ok(Self::Policies(crate::lint::files(&named)?));
        }
        let inside: Vec<_> = worlds.iter().filter_map(|world| in_root(world)).collect();
        if let (None, Some((found, _)), true) = (root, inside.first(), inside.len() == worlds.len()) {
            let root = PolicyRoot::at(found.folder());
            return Ok(Self::Worlds { root, worlds: inside.into_iter().map(|(_, path)| path).collect() });
        }
        let worlds = worlds.iter().map(|world| world.to_string_lossy().into_owned()).collect();
        Ok(Self::Worlds { root: crate::simulate::root(root)?, worlds })
    }

    fn read(&self) -> Result<Subject, Refused> {
        match self {
            Self::Worlds { root, worlds } => Subject::of_worlds(root, worlds),
            Self::Policies(files) => {
                let text = |file: &PathBuf| {
                    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                    (file.to_string_lossy().into_owned(), text.unwrap_or_default())
                };
                Subject::of_policies(&files.iter().map(text).collect::<Vec<_>>())
            }
        }
    }
}

/// Whether a path holds policies: a folder, or a JSON file with statements. Everything else is a world.
fn are_policies(path: &Path, root: Option<&Path>) -> bool {
    let path = root.map_or_else(|| path.to_owned(), |root| root.join(path));
    let has_statements = |text: String| {
        let value = serde_json::from_str::<serde_json::Value>(&text);
        value.is_ok_and(|value| value.get("Statement").is_some())
    };
    path.is_dir() || fs::read_to_string(path).is_ok_and(has_statements)
}

/// The policy root a file lies in, and its path from there.
fn in_root(file: &Path) -> Option<(PolicyRoot, String)> {
    let whole = file.canonicalize().ok()?;
    let root = PolicyRoot::discover(whole.parent()?)?;
    let inside = whole.strip_prefix(root.folder()).ok()?.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");
    Some((root, inside))
}

fn measure(subject: &Subject, arguments: &BenchArguments) -> Measured {
    let calls = subject.calls(arguments.calls);
    let decide = |call: &Call| {
        black_box(subject.decide(black_box(call)));
    };
    calls.iter().for_each(decide);
    let each: Vec<Duration> = calls
        .iter()
        .map(|call| {
            let began = Instant::now();
            (0..IN_A_ROW).for_each(|_| decide(call));
            began.elapsed() / IN_A_ROW
        })
        .collect();
    let total: Duration = each.iter().sum();
    let statements = subject.statements();
    Measured {
        policies: subject.policies(),
        statements: statements.len(),
        calls: calls.len(),
        calls_named: subject.len(),
        decisions_per_second: per_second(each.len(), total),
        decision: Spread::of(each),
        cold_seconds: 0.0,
        memory: None,
        slowest_statements: slowest(subject, &statements, &calls, arguments.slowest),
    }
}

/// How many there are in a second.
#[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
fn per_second(count: usize, in_all: Duration) -> f64 {
    count as f64 / in_all.as_secs_f64().max(f64::MIN_POSITIVE)
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self { p50_seconds: percentile(&times, 50), p99_seconds: percentile(&times, 99) }
    }
}

/// The seconds that so many percent of sorted times do not exceed: one of the times, none in between.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default().as_secs_f64()
}

/// The median time from the files to the first decision.
fn cold(files: &Files) -> f64 {
    let mut times: Vec<Duration> = (0..COLD_RUNS)
        .map(|_| {
            let began = Instant::now();
            if let Ok(subject) = files.read() {
                subject.calls(1).iter().for_each(|call| {
                    black_box(subject.decide(call));
                });
            }
            began.elapsed()
        })
        .collect();
    times.sort();
    percentile(&times, 50)
}

/// The statements that take longest to judge, each against the same calls.
fn slowest(subject: &Subject, statements: &[Walked<'_>], calls: &[Call], count: usize) -> Vec<Slow> {
    let some = (WALKS / statements.len().max(1)).clamp(10, 200);
    let step = calls.len().div_ceil(some).max(1);
    let calls: Vec<&Call> = calls.iter().step_by(step).collect();
    let walk = |statement: &Walked<'_>| {
        let began = Instant::now();
        for call in &calls {
            black_box(black_box(statement).applies(black_box(call)));
        }
        began.elapsed()
    };
    // The fastest pass is the one that nothing else interrupted.
    let fastest = |statement| (0..PASSES).map(|_| walk(statement)).min().unwrap_or_default();
    let mut timed: Vec<(f64, &Walked<'_>)> =
        statements.iter().map(|statement| (1.0 / per_second(calls.len(), fastest(statement)), statement)).collect();
    timed.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    timed.truncate(count);
    let slow = |(seconds, statement): (f64, &Walked<'_>)| {
        let candidates = calls.iter().filter(|call| statement.is_candidate(call)).count();
        let candidate_share = share(candidates, calls.len());
        Slow { statement: statement.reference(), at: statement.place(&subject.sources), seconds, candidate_share }
    };
    timed.into_iter().map(slow).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share is no exact number")]
fn share(some: usize, all: usize) -> f64 {
    some as f64 / all.max(1) as f64
}

/// What the process holds now, and the most it ever held, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    resident: u64,
    peak: u64,
}

impl Held {
    fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/status").ok()?)
    }

    /// Reads what Linux says of a process.
    fn parse(status: &str) -> Option<Self> {
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
        };
        Some(Self { resident: kilobytes("VmRSS:")? * 1024, peak: kilobytes("VmHWM:")? * 1024 })
    }
}

fn human(measured: &Measured) -> String {
    let Measured { policies, statements, calls, calls_named, decisions_per_second, decision, cold_seconds, .. } =
        measured;
    let mut text = format!(
        "{policies} policies, {statements} statements; asked {calls} of the {calls_named} calls they name\n\
         decisions  {decisions_per_second:.0} a second\n\
         decision   p50 {}, p99 {}\n\
         cold       {} from files to the first decision\n",
        time(decision.p50_seconds),
        time(decision.p99_seconds),
        time(*cold_seconds)
    );
    if let Some(Memory { policies_bytes, peak_bytes }) = measured.memory {
        let _ = writeln!(text, "memory     {} for the policies, {} at most", size(policies_bytes), size(peak_bytes));
    }
    if !measured.slowest_statements.is_empty() {
        text.push_str("slowest statements, and the share of calls whose action they list\n");
    }
    for Slow { statement, at, seconds, candidate_share } in &measured.slowest_statements {
        let _ = writeln!(text, "  {:>9} {:>4.0} %  {statement}  {at}", time(*seconds), candidate_share * 100.0);
    }
    text
}

/// A time in the unit that suits it.
fn time(seconds: f64) -> String {
    let units = [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)];
    let unit = units.into_iter().find(|(_, unit)| seconds >= *unit);
    let (name, unit) = unit.unwrap_or(("ns", 1e-9));
    format!("{:.3} {name}", seconds / unit)
}

#[expect(clippy::cast_precision_loss, reason = "megabytes with one digit")]
fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn json(measured: &Measured) -> String {
    serde_json::to_string_pretty(measured).map_or_else(|error| format!("{error}\n"), |text| format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Reports;

    #[test]
    fn a_debug_build_is_refused_with_the_command_of_a_release_build() {
        let (mut streams, _, err) = Streams::kept("");
        let exit = crate::run(["permitlab", "bench", "fixtures/bedrock-eval.yaml"].map(Into::into), &mut streams);
        assert_eq!((exit, cfg!(debug_assertions)), (Exit::Usage, true));
        assert!(err.text().contains("  help: measure with `cargo run --release "), "{}", err.text());
        assert!(refuse_debug(false).is_ok());
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let seconds = |count: u64| (1..=count).map(Duration::from_secs).collect::<Vec<_>>();
        let of = |count: u64, percent: usize| time(percentile(&seconds(count), percent));
        assert_eq!([of(100, 50), of(100, 99), of(1_000, 99)], ["50.000 s", "99.000 s", "990.000 s"]);
        assert_eq!([of(1, 50), of(1, 99), of(2, 50), of(2, 99)], ["1.000 s", "1.000 s", "1.000 s", "2.000 s"]);
        assert_eq!(of(0, 99), "0.000 ns");
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        assert_eq!([2.5, 0.25, 4e-6, 3e-8].map(time), ["2.500 s", "250.000 ms", "4.000 µs", "30.000 ns"]);
    }

    #[test]
    fn what_linux_says_of_memory_is_read() {
        let status = "Name:\tpermitlab\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(Held::parse(status), Some(Held { resident: 1 << 20, peak: 2 << 20 }));
        assert_eq!(Held::parse("Name:\tpermitlab\n"), None);
    }

    #[test]
    fn a_report_says_everything() {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let arguments =
            BenchArguments { paths: Vec::new(), root: None, calls: 20, slowest: usize::MAX, reports: reports() };
        for paths in [
            vec![scenarios.join("fixtures/bedrock-eval.yaml")],
            vec![scenarios.join("policies/key-eval.json"), scenarios.join("policies/role-eval-kms.json")],
        ] {
            let files = Files::of(&paths, None).unwrap();
            let subject = files.read().map_err(|(_, findings)| findings).unwrap();
            let mut measured = measure(&subject, &arguments);
            measured.memory = Some(Memory { policies_bytes: 1_000_000, peak_bytes: 20_000_000 });
            let human = human(&measured);
            assert!(human.contains(" a second\n") && human.contains("1.0 MB for the policies, 20.0 MB at most\n"));
            assert!(human.contains("key-eval.json:"), "{human}");
            let json: serde_json::Value = serde_json::from_str(&json(&measured)).unwrap();
            let slowest = json["slowest_statements"].as_array().map(|slowest| slowest.len() as u64);
            assert_eq!(slowest, json["statements"].as_u64(), "{json}");
            assert!(json["decision"]["p99_seconds"].is_number() && json["statements"].as_u64() >= Some(4), "{json}");
        }
    }

    #[test]
    fn worlds_and_policies_do_not_go_together() {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let paths = [scenarios.join("fixtures/bedrock-eval.yaml"), scenarios.join("policies/key-eval.json")];
        let refusal = Files::of(&paths, None).err().and_then(|error| error.downcast::<Refusal>().ok());
        assert_eq!(refusal.map(|refusal| refusal.exit), Some(Exit::Usage));
    }

    fn reports() -> Reports<BenchFormat> {
        Reports { standard: None, files: Vec::new() }
    }
}

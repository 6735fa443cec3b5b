//! How many instructions does a step take?
//!
//! A step runs a few times under callgrind and then a few times more; the difference is what the rounds cost, without
//! reading the workload first. Counts move little between runs and not at all with the load of the machine, so that a
//! change shows in the diff of `benches/instructions.txt` where a time would drown in noise.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::str::FromStr;
use std::{env, fs};

use anyhow::{Context as _, ensure};

use crate::lines::{self, PoliciesOf};
use crate::subject;
use crate::workload::{Family, Workload, w1, w1_with_every_layer};

/// The command that writes the file.
const COMMAND: &str = "cargo run --release -p permitlab-benches -- counts";

/// A step that is counted: what is done, on which workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    step: Step,
    on: On,
}

/// What is done once a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The policies are read and checked.
    Parse,
    /// Policies that were read are made ready.
    Compile,
    /// A call that was read is decided.
    Decide,
    /// A call is read from strings and decided.
    Strings,
    /// A call is decided, and the decision explained.
    Explain,
    /// Everything from the text of the policies to the decision.
    Cold,
    /// A line of `permitlab decide` is answered.
    Line,
}

/// The workload of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    W1,
    W1EveryLayer,
    Family(Family, usize),
    Lines(PoliciesOf),
}

/// Every step, in the order of the file.
const ALL: [Measured; 20] = {
    const fn of(step: Step, on: On) -> Measured {
        Measured { step, on }
    }
    [
        of(Step::Parse, On::W1),
        of(Step::Parse, On::Family(Family::W2, 1_000)),
        of(Step::Compile, On::W1),
        of(Step::Compile, On::Family(Family::W2, 1_000)),
        of(Step::Decide, On::W1),
        of(Step::Decide, On::W1EveryLayer),
        of(Step::Decide, On::Family(Family::W2, 10)),
        of(Step::Decide, On::Family(Family::W2, 1_000)),
        of(Step::Decide, On::Family(Family::W2, 10_000)),
        of(Step::Decide, On::Family(Family::W3, 1_000)),
        of(Step::Decide, On::Family(Family::W3, 10_000)),
        of(Step::Decide, On::Family(Family::W4, 1_000)),
        of(Step::Decide, On::Family(Family::W4, 10_000)),
        of(Step::Strings, On::W1),
        of(Step::Strings, On::Family(Family::W2, 10_000)),
        of(Step::Explain, On::W1),
        of(Step::Cold, On::W1),
        of(Step::Cold, On::Family(Family::W2, 1_000)),
        of(Step::Line, On::Lines(PoliciesOf::Sets)),
        of(Step::Line, On::Lines(PoliciesOf::EachLine)),
    ]
};

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Compile => "compile",
            Self::Decide => "decide",
            Self::Strings => "strings",
            Self::Explain => "explain",
            Self::Cold => "cold",
            Self::Line => "line",
        }
    }
}

impl Measured {
    /// What the file calls it.
    fn name(self) -> String {
        let step = self.step.name();
        match self.on {
            On::W1 => format!("{step} W1"),
            On::W1EveryLayer => format!("{step} W1-every-layer"),
            On::Family(family, size) => format!("{step} {}-{size}", family.name()),
            On::Lines(PoliciesOf::Sets) => format!("{step} policies-by-define"),
            On::Lines(PoliciesOf::EachLine) => format!("{step} policies-in-line"),
        }
    }

    fn workload(self) -> Workload {
        match self.on {
            On::W1 | On::Lines(_) => w1(),
            On::W1EveryLayer => w1_with_every_layer(),
            On::Family(family, size) => family.of(size),
        }
    }

    /// How many rounds are counted: few of what takes long.
    const fn rounds(self) -> usize {
        match (self.step, self.on) {
            (Step::Parse | Step::Cold, On::Family(..)) => 5,
            (Step::Decide | Step::Strings, On::Family(_, 10_000..)) => 20,
            (Step::Parse | Step::Compile | Step::Explain | Step::Cold | Step::Line, _) | (_, On::Family(..)) => 100,
            (Step::Decide | Step::Strings, _) => 1_000,
        }
    }

    /// Takes the step so many times, and looks at each answer.
    ///
    /// # Errors
    /// The engine refuses the workload, or answers wrong.
    pub fn run(self, rounds: usize) -> anyhow::Result<()> {
        let Workload { policies, call, answer, .. } = self.workload();
        let refused = "the engine refuses the workload";
        let read = subject::read(&policies).context(refused)?;
        let (compiled, asked) = (subject::compile(&read), subject::ask(&call).context(refused)?);
        if let On::Lines(policies) = self.on {
            let mut text = Vec::new();
            lines::write(&mut text, rounds, policies)?;
            let answers = subject::bulk(black_box(&text), 1).context(refused)?;
            ensure!(lines::are_right(&answers, rounds), "an answer is wrong");
            return Ok(());
        }
        for _ in 0..rounds {
            let is_right = match self.step {
                Step::Parse => subject::read(black_box(&policies)).is_some(),
                Step::Compile => {
                    black_box(subject::compile(black_box(&read)));
                    true
                }
                Step::Decide => black_box(&compiled).decide(black_box(&asked)) == answer,
                Step::Strings => subject::ask(black_box(&call)).map(|asked| compiled.decide(&asked)) == Some(answer),
                Step::Explain => compiled.explain(black_box(&asked)).0 == answer,
                Step::Cold => subject::cold(black_box(&policies), black_box(&call)) == Some(answer),
                Step::Line => true,
            };
            ensure!(is_right, "the answer of `{}` is wrong", self.name());
        }
        Ok(())
    }

    /// What a round costs.
    fn count(self) -> anyhow::Result<Events> {
        let few = callgrind(&self.name(), 2)?;
        let many = callgrind(&self.name(), 2 + self.rounds())?;
        Ok(many.less(few).each(self.rounds() as u64))
    }
}

impl FromStr for Measured {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        ALL.into_iter().find(|step| step.name() == name).ok_or_else(|| {
            let names: Vec<String> = ALL.into_iter().map(Measured::name).collect();
            format!("the steps are {}", names.join(", "))
        })
    }
}

/// What callgrind counts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Events {
    instructions: u64,
    reads: u64,
    writes: u64,
    /// Lines of 64 bytes that were not in the first cache.
    misses: u64,
}

impl Events {
    /// The totals in a file of callgrind's.
    fn parse(text: &str) -> Option<Self> {
        let names = text.lines().find_map(|line| line.strip_prefix("events: "))?;
        let counts = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")))?;
        let of = |wanted: &str| {
            let mut pairs = names.split_whitespace().zip(counts.split_whitespace());
            pairs.find(|(name, _)| *name == wanted)?.1.parse::<u64>().ok()
        };
        Some(Self { instructions: of("Ir")?, reads: of("Dr")?, writes: of("Dw")?, misses: of("D1mr")? + of("D1mw")? })
    }

    fn less(self, other: Self) -> Self {
        Self {
            instructions: self.instructions.saturating_sub(other.instructions),
            reads: self.reads.saturating_sub(other.reads),
            writes: self.writes.saturating_sub(other.writes),
            misses: self.misses.saturating_sub(other.misses),
        }
    }

    fn each(self, rounds: u64) -> Self {
        let each = |count: u64| count / rounds.max(1);
        Self {
            instructions: each(self.instructions),
            reads: each(self.reads),
            writes: each(self.writes),
            misses: each(self.misses),
        }
    }
}

/// Three digits, so that a diff shows what changed and not what trembled.
fn rounded(count: u64) -> u64 {
    let unit = 10_u64.pow(count.checked_ilog10().unwrap_or_default().saturating_sub(2));
    (count + unit / 2) / unit * unit
}

fn with_commas(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Runs this program under callgrind, with caches of a size that does not depend on the machine.
fn callgrind(step: &str, rounds: usize) -> anyhow::Result<Events> {
    let file = env::temp_dir().join(format!("permitlab-callgrind-{}", std::process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe()?)
        .args(["run", step, "--rounds", &rounds.to_string()])
        .output()
        .context("running valgrind")?;
    ensure!(output.status.success(), "`{step}`: {}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
    fs::remove_file(&file)?;
    Events::parse(&text).context("callgrind's totals are not in its file")
}

/// Counts every step and writes the file: `benches/instructions.txt`, unless another is named. Without valgrind it says
/// so and is content.
///
/// # Errors
/// A debug build, a step that fails, and a file that cannot be written.
pub fn write(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    ensure!(!cfg!(debug_assertions), "a debug build counts for nothing; run `{COMMAND}`");
    if Command::new("valgrind").arg("--version").output().is_err() {
        writeln!(io::stderr(), "nothing counted: valgrind is not installed")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!(
        "# What a round of each step costs, as callgrind counts it, rounded to three digits.\n\
         # `{COMMAND}` writes this file.\n\
         # Misses are of a first data cache of 32 KiB, in lines of 64 bytes.\n\n\
         {:<28}{:>16}{:>14}{:>14}{:>12}\n",
        "step", "instructions", "reads", "writes", "misses"
    );
    for step in ALL {
        let Events { instructions, reads, writes, misses } = step.count()?;
        let [instructions, reads, writes, misses] =
            [instructions, reads, writes, misses].map(|count| with_commas(rounded(count)));
        let line = format!("{:<28}{instructions:>16}{reads:>14}{writes:>14}{misses:>12}", step.name());
        writeln!(io::stderr(), "{line}")?;
        writeln!(text, "{line}")?;
    }
    let default = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt"));
    let file = file.unwrap_or(default);
    fs::write(file, text).with_context(|| format!("writing `{}`", file.display()))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_totals_of_a_run_are_read() {
        let text = "version: 1\nevents: Ir Dr Dw I1mr D1mr D1mw\nfn=(1)\n1 2 3\nsummary: 900 300 200 1 20 30\n";
        let events = Events { instructions: 900, reads: 300, writes: 200, misses: 50 };
        assert_eq!(Events::parse(text), Some(events));
        assert_eq!(events.less(events.each(3)), Events { instructions: 600, reads: 200, writes: 134, misses: 34 });
    }

    #[test]
    fn three_digits_are_kept() {
        let rounds_to = |count: u64| with_commas(rounded(count));
        assert_eq!(
            [0, 7, 999, 1_234, 1_235, 9_999, 1_234_567].map(rounds_to),
            ["0", "7", "999", "1,230", "1,240", "10,000", "1,230,000"]
        );
    }

    #[test]
    fn every_step_runs_and_is_found_by_its_name() {
        for step in ALL {
            assert_eq!(step.name().parse(), Ok(step));
            let On::Family(_, 10_000..) = step.on else {
                step.run(1).unwrap();
                continue;
            };
        }
    }
}

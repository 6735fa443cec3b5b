//! Writes the work of the benches to files, and counts the instructions it takes.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use permitlab_benches::counts::{self, Measured};
use permitlab_benches::lines::{self, PoliciesOf};
use permitlab_benches::organization::organization;
use permitlab_benches::workload::{Family, Policies, w1};

/// The work of Permitlab's benches
#[derive(Debug, Parser)]
#[command(name = "workload")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a policy set, a file for each policy
    Policies {
        /// Which set
        set: Set,
        /// How many statements it has
        #[arg(long, default_value_t = 1_000)]
        size: usize,
        /// The folder to write into
        folder: PathBuf,
    },
    /// Write an organization of roles and keys as a policy root, for `permitlab bench fixtures/organization.json`
    World {
        /// How many roles there are
        #[arg(long, default_value_t = 1_000)]
        roles: usize,
        /// How many keys there are
        #[arg(long, default_value_t = 200)]
        keys: usize,
        /// The folder to write into
        folder: PathBuf,
    },
    /// Print lines for `permitlab decide`
    Lines {
        /// How many calls they ask
        #[arg(long, default_value_t = 1_000_000)]
        count: usize,
        /// Let each line bring its policies instead of sharing those of `define` lines
        #[arg(long)]
        inline: bool,
    },
    /// Look at the answers of `permitlab decide` to such lines, on standard input
    Check {
        /// How many calls the lines asked
        #[arg(long, default_value_t = 1_000_000)]
        count: usize,
    },
    /// Count the instructions of each step by callgrind, and write them to benches/instructions.txt
    Counts {
        /// Where to write instead
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Take one step so many times, for callgrind or a profiler
    Run {
        /// The step, as benches/instructions.txt calls it: `decide W1`
        step: Measured,
        /// How many times
        #[arg(long)]
        rounds: usize,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Set {
    /// The documented policies of a role and a key
    W1,
    /// Varied statements
    W2,
    /// The same action in every statement
    W3,
    /// A pattern for an action in every statement
    W4,
}

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            let _unwritable = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Policies { set, size, folder } => write_policies(&policies(set, size), &folder)?,
        Verb::World { roles, keys, folder } => {
            for (path, text) in organization(roles, keys).files() {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))?;
            }
        }
        Verb::Lines { count, inline } => {
            let policies = if inline { PoliciesOf::EachLine } else { PoliciesOf::Sets };
            lines::write(&mut BufWriter::new(io::stdout().lock()), count, policies)?;
        }
        Verb::Check { count } => {
            let answers = io::read_to_string(io::stdin().lock())?;
            anyhow::ensure!(lines::are_right(answers.as_bytes(), count), "an answer is missing, wrong or out of order");
            writeln!(io::stdout(), "{count} answers, right and in order")?;
        }
        Verb::Counts { output } => return counts::write(output.as_deref()),
        Verb::Run { step, rounds } => step.run(rounds)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn policies(set: Set, size: usize) -> Policies {
    match set {
        Set::W1 => w1().policies,
        Set::W2 => Family::W2.of(size).policies,
        Set::W3 => Family::W3.of(size).policies,
        Set::W4 => Family::W4.of(size).policies,
    }
}

fn write_policies(policies: &Policies, folder: &std::path::Path) -> anyhow::Result<()> {
    let identity = policies.identity.iter().enumerate().map(|(number, text)| (format!("{number:05}.json"), text));
    let key = policies.key.iter().map(|text| ("key.json".to_owned(), text));
    fs::create_dir_all(folder)?;
    for (name, text) in identity.chain(key) {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))?;
    }
    Ok(())
}

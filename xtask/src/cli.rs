//! What may people type?
//!
//! The verbs, their arguments, and which of them go together. What does not go together is refused here, with exit
//! code 2, so that the verbs meet only requests that make sense.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, CommandFactory as _, FromArgMatches, Parser, Subcommand, ValueEnum};

/// Rehearses AWS authorization before AWS performs it: offline, deterministic, with reasons.
#[derive(Debug, Parser)]
#[command(name = "permitlab", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What the command line can do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Replay scenarios, or ask whether one call would be allowed
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(Box<SimulateArguments>),
    /// Decide self-contained cases: JSON Lines in, JSON Lines out
    #[command(after_help = DECIDE_EXAMPLES)]
    Decide,
    /// Find what policies say that their authors did not mean: dead permissions, open doors, slips
    #[command(after_help = LINT_EXAMPLES)]
    Lint(Box<LintArguments>),
    /// Make a policy repository: policies, a world and scenarios that pass `cargo test` at once
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArguments),
    /// List who may do what with the keys of a world, and which statement says so
    #[command(after_help = TABLE_EXAMPLES)]
    Table(Box<TableArguments>),
    /// Prove that a change lets nobody do more than before, or show a request that it newly allows
    #[command(after_help = PROVE_EXAMPLES)]
    Prove(Box<ProveArguments>),
    /// List everybody who may make a call, with the conditions under which
    #[command(after_help = WHO_CAN_EXAMPLES)]
    WhoCan(Box<WhoCanArguments>),
    /// List every call on keys and roles that somebody may make, with the conditions under which
    #[command(after_help = WHAT_CAN_EXAMPLES)]
    WhatCan(Box<WhatCanArguments>),
    /// Find the statements, actions, principals and conditions that no check exercises
    #[command(after_help = COVERAGE_EXAMPLES)]
    Coverage(Box<CoverageArguments>),
    /// Make the faults people make in policies, one at a time, and find those that no check catches
    #[command(after_help = MUTATE_EXAMPLES)]
    Mutate(Box<MutateArguments>),
    /// Say what a code means, what causes it and what to do about it, with an example
    Explain(ExplainArguments),
    /// Measure what deciding by your own policies costs
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchArguments),
    /// Print the script by which a shell completes this command
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArguments),
    /// Print the policies of worlds as Cedar policies, with a schema
    Cedar(CedarArguments),
    /// Check the project's own rules: layering, manifests, links
    #[command(hide = true)]
    Tidy,
    /// Write the table of the rules and the scenarios that show them
    #[command(hide = true)]
    Conformance,
    /// Write the JSON Schemas that editors use
    #[command(hide = true)]
    Schema(SchemaArguments),
    /// Write the facts of AWS services that the engine embeds
    #[command(hide = true)]
    Catalog(CatalogArguments),
    /// Look for inputs that break a reader, guided by coverage
    #[command(hide = true)]
    Fuzz(FuzzArguments),
}

/// The arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The folder to make; one that is there must be empty
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Where the repository takes Permitlab from: a checkout on this machine, or the URL of a git repository [default: the
    /// checkout this program was built from]
    #[arg(long, value_name = "PATH|GIT")]
    pub source: Option<String>,
}

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The code, as it stands in a message: `dead-permission`; without one, all codes are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// The arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// Worlds that work together; or policy files, and folders that hold some
    #[arg(value_name = "WORLD|POLICIES", required = true)]
    pub paths: Vec<PathBuf>,

    /// The policy root: the folder that holds `permitlab.toml` [default: that of the world, or the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// How many of the calls that the policies name are asked
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub calls: usize,

    /// How many of the slowest statements are shown
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub slowest: usize,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports<BenchFormat>,
}

/// The arguments of `table`.
#[derive(Debug, Args)]
pub struct TableArguments {
    /// Worlds, each with a table of its own; all of the policy root by default
    #[arg(value_name = "WORLD")]
    pub worlds: Vec<String>,

    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Print the snapshots whose scenario or world is gone, and nothing else; fail if there is one
    #[arg(long, value_name = "DIR", conflicts_with = "worlds")]
    pub unreferenced: Option<PathBuf>,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports<TableFormat>,
}

/// The arguments of `prove`.
#[derive(Debug, Args)]
pub struct ProveArguments {
    /// The version to compare with: a branch, a tag or a commit, of which nothing in the work tree is touched; or a policy file
    #[arg(long, value_name = "REV|FILE", required_unless_present_any = ["changes", "overlays", "never"])]
    pub from: Option<String>,

    /// The version that is looked at [default: the files as they are]
    #[arg(long, value_name = "REV|FILE", requires = "from", conflicts_with_all = ["changes", "overlays"])]
    pub to: Option<String>,

    /// What policy files are attached as; otherwise their shape says so
    #[arg(long = "type", value_name = "TYPE", requires = "to", conflicts_with_all = ["worlds", "save"])]
    pub kind: Option<LintType>,

    /// Change something first, in the words of a scenario's `change:`; repeatable. Without `--from`, the files as they are are
    /// compared with themselves, changed
    #[arg(long = "change", value_name = "CHANGE")]
    pub changes: Vec<String>,

    /// Lay a file of the policy root over every world first, as a change: what it defines stands in place of what a world
    /// defines under the same name, or beside it; repeatable
    #[arg(long = "with", value_name = "FILE", conflicts_with = "save")]
    pub overlays: Vec<String>,

    /// Prove of a world as it is that a call must never be allowed and is not: `anybody except service/bedrock may call
    /// kms:Decrypt on key/eval unless kms:ViaService is s3.us-east-1.amazonaws.com`; repeatable. Scenarios hold it as `never:`
    #[arg(long, value_name = "SENTENCE", conflicts_with_all = ["from", "save", "accept", "all", "steps"])]
    pub never: Vec<String>,

    /// Worlds to compare; all of the policy root by default
    #[arg(value_name = "WORLD")]
    pub worlds: Vec<String>,

    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Write each request that is newly allowed as a scenario that says it must fail, into this folder of the policy root
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// Access that may be gained, as it was reviewed: YAML, as docs/prove.md describes it
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,

    /// Show everything that is gained and lost, under every condition, rather than the first twenty of each
    #[arg(long)]
    pub all: bool,

    /// How many steps one call may take before nothing is said of it
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub steps: usize,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports<ProveFormat>,
}

/// The arguments of `who-can`.
#[derive(Debug, Args)]
pub struct WhoCanArguments {
    /// The action: `kms:Decrypt`
    #[arg(value_name = "CALL")]
    pub call: String,

    /// What is called upon: `key/NAME`, `role/NAME`, or an ARN
    #[arg(value_name = "RESOURCE")]
    pub resource: String,

    /// What is asked, and where the reports go.
    #[command(flatten)]
    pub access: AccessArguments,
}

/// The arguments of `what-can`.
#[derive(Debug, Args)]
pub struct WhatCanArguments {
    /// Who calls: `role/NAME`, `service/bedrock`, or an ARN
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,

    /// What is asked, and where the reports go.
    #[command(flatten)]
    pub access: AccessArguments,
}

/// What `who-can` and `what-can` have in common.
#[derive(Debug, Args)]
pub struct AccessArguments {
    /// The worlds that are asked [default: those that know what is asked about]
    #[arg(long = "world", value_name = "WORLD")]
    pub worlds: Vec<String>,

    /// Change something first, in the words of a scenario's `change:`; repeatable
    #[arg(long = "change", value_name = "CHANGE")]
    pub changes: Vec<String>,

    /// Lay a file of the policy root over every world first: what it defines stands in place of what a world defines under the
    /// same name, or beside it; repeatable
    #[arg(long = "with", value_name = "FILE")]
    pub overlays: Vec<String>,

    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports<TableFormat>,
}

/// What a report of `prove` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProveFormat {
    /// For people: what is gained and lost in each world, and what is proved
    Human,
    /// For programs: everything, as one JSON value
    Json,
    /// For a comment on a pull request
    Markdown,
}

impl Formats for ProveFormat {
    const VERB: &'static str = "prove";
    const DEFAULT: Self = Self::Human;
}

/// The arguments of `coverage`.
#[derive(Debug, Args)]
pub struct CoverageArguments {
    /// Scenario files, folders of them, or glob patterns; all cases of the policy root by default
    #[arg(value_name = "FILES")]
    pub files: Vec<String>,

    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Print the policies with a sign before each line: `+` covered, `~` partly, `!` not, `x` dead
    #[arg(long)]
    pub source: bool,

    /// Fail when fewer of the parts that are not dead are covered
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub threshold: Option<u8>,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports<TableFormat>,
}

/// The arguments of `mutate`.
#[derive(Debug, Args)]
pub struct MutateArguments {
    /// Policies to change; all that the worlds of scenarios attach by default
    #[arg(value_name = "POLICIES")]
    pub policies: Vec<String>,

    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Print also the faults that are caught, with the check that catches each, those that change nothing, and those of
    /// which nothing is known
    #[arg(long)]
    pub all: bool,

    /// Fail when checks catch fewer of the faults that change something
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub threshold: Option<u8>,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports<TableFormat>,
}

/// What a report of `table`, `coverage` or `mutate` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people
    Human,
    /// For programs: everything, as one JSON value
    Json,
}

/// Which differences make `simulate --base` fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Somebody may do more, or perhaps more
    #[default]
    Gained,
    /// Somebody may do less, or perhaps less
    Lost,
    /// Any difference, also of the statement that decides, and an edit that no difference explains
    Any,
}

/// The arguments of `cedar`.
#[derive(Debug, Args)]
pub struct CedarArguments {
    /// The worlds, one after another
    #[arg(value_name = "WORLD", required = true)]
    pub worlds: Vec<String>,

    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Write a `.cedar` and a `.cedarschema` file for each policy into this folder instead of printing them
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Who decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The evaluator
    #[default]
    Evaluator,
    /// The translation of the policies to Cedar; explanations stay the evaluator's
    Cedar,
    /// Both: a call on which they differ fails
    Both,
}

/// The arguments of `fuzz`.
#[derive(Debug, Args)]
pub struct FuzzArguments {
    /// Seconds to look, for each target
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub time: u64,

    /// A target; repeatable, all by default
    #[arg(long = "target", value_name = "NAME")]
    pub targets: Vec<String>,

    /// How many targets run at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,

    /// Run a target on this file and on nothing else
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// The arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// Scenario files, folders of them, or glob patterns; all cases of the policy root by default
    #[arg(value_name = "FILES", conflicts_with_all = ["world", "call", "identity_policies", "key_policy"])]
    pub files: Vec<String>,

    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Only the checks whose id matches: `bedrock/*`, `*through S3 in eu-west-1`; repeatable, `*` and `?` are wildcards
    #[arg(long = "filter", value_name = "GLOB", conflicts_with_all = ["world", "call"])]
    pub filters: Vec<String>,

    /// Only the checks with this tag, of their own or of their file; repeatable
    #[arg(long = "tag", value_name = "NAME", conflicts_with_all = ["world", "call"])]
    pub tags: Vec<String>,

    /// Explain every call, not only what failed
    #[arg(long)]
    pub why: bool,

    /// Print, for each call that is implicitly denied, the smallest changes of the policies that would let it pass and
    /// nothing else, as a `change:` to paste; each was decided again before it is shown
    #[arg(long, conflicts_with_all = ["why", "changes", "overlays"])]
    pub suggest: bool,

    /// Who decides
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["changes", "overlays"])]
    pub engine: Engine,

    /// Change something first, and show the decisions that differ; repeatable
    #[arg(
        long = "change",
        value_name = "CHANGE",
        help_heading = "What if",
        long_help = "Change something first, and show the decisions that differ; repeatable. For example\n\
            `remove key-eval#AllowBedrock`, `set key/eval state Disabled`,\n\
            `remove role-eval-kms#Use/Condition/StringEquals/kms:ViaService`"
    )]
    pub changes: Vec<String>,

    /// Lay a file of the policy root over every world first, and show the decisions that differ: what it defines stands in
    /// place of what a world defines under the same name, or beside it; repeatable
    #[arg(long = "with", value_name = "FILE", help_heading = "What if",
        conflicts_with_all = ["identity_policies", "key_policy", "save_scenario"])]
    pub overlays: Vec<String>,

    /// Compare the access tables of all worlds, calls on keys, with those of another version: a branch, a tag or a commit;
    /// nothing in the work tree is touched
    #[arg(long, value_name = "REV", help_heading = "What if",
        conflicts_with_all = ["files", "filters", "tags", "call", "why", "suggest", "engine"])]
    pub base: Option<String>,

    /// Which differences make the run fail
    #[arg(long, value_enum, value_name = "KIND", default_value_t, help_heading = "What if", requires = "base")]
    pub fail_on: FailOn,

    /// The call to decide, where one question is asked.
    #[command(flatten)]
    pub question: QuestionArguments,

    /// Policies without a world.
    #[command(flatten)]
    pub bare: BareArguments,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports,
}

/// One call: who does what to which key, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "One question")]
pub struct QuestionArguments {
    /// The world the call is made in [default: the only one that knows the caller and the resource]
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "call",
        conflicts_with_all = ["identity_policies", "key_policy"])]
    pub world: Vec<PathBuf>,

    /// Who calls: `role/NAME`, `service/bedrock`, `anonymous`, or an ARN
    #[arg(long, value_name = "PRINCIPAL", requires = "call")]
    pub by: Option<String>,

    /// The action: `kms:Decrypt`
    #[arg(long, value_name = "ACTION", requires = "by")]
    pub call: Option<String>,

    /// What is called upon: `key/NAME`, or an ARN; left out for actions that name no resource
    #[arg(long, value_name = "RESOURCE", requires = "call")]
    pub resource: Option<String>,

    /// The service that forwards the call: `s3`, or `s3.eu-west-1.amazonaws.com`
    #[arg(long, value_name = "SERVICE", requires = "call")]
    pub via: Option<String>,

    /// The resource a service acts for, which becomes `aws:SourceArn`
    #[arg(long = "for", value_name = "ARN", requires = "call")]
    pub acts_for: Option<String>,

    /// The Region whose endpoint is called [default: the key's]
    #[arg(long, value_name = "REGION", requires = "call")]
    pub region: Option<String>,

    /// A pair of the encryption context; repeatable
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., requires = "call")]
    pub encryption_context: Vec<Pair>,

    /// A condition key the request carries; repeatable, a key given twice has several values
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., requires = "call")]
    pub context: Vec<Pair>,

    /// When the call is made: `2026-01-31T12:00:00Z`
    #[arg(long, value_name = "TIME", requires = "call")]
    pub now: Option<String>,

    /// Keep the question and its answer as a scenario
    #[arg(long, value_name = "FILE", requires = "call")]
    pub save_scenario: Option<PathBuf>,
}

/// Policies given by hand, where there is no world.
#[derive(Debug, Args)]
#[command(next_help_heading = "One question of policies without a world")]
pub struct BareArguments {
    /// The caller's identity-based policies
    #[arg(long = "identity-policy", value_name = "FILE", num_args = 1.., requires = "call", conflicts_with = "root")]
    pub identity_policies: Vec<PathBuf>,

    /// The key's policy
    #[arg(long, value_name = "FILE", requires = "call", conflicts_with = "root")]
    pub key_policy: Option<PathBuf>,

    /// A value for `{{name}}` in the policies; repeatable
    #[arg(long = "var", value_name = "NAME=VALUE", num_args = 1.., requires = "call", conflicts_with = "world")]
    pub vars: Vec<Pair>,
}

/// The arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Write nothing; fail if a schema differs from what would be written
    #[arg(long)]
    pub check: bool,
}

/// The arguments of `catalog`.
#[derive(Debug, Args)]
pub struct CatalogArguments {
    /// The service reference, as JSON
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,

    /// Write nothing; fail if the facts differ from what would be written
    #[arg(long)]
    pub check: bool,
}

/// `key=value`, cut at the first `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What stands before the `=`.
    pub key: String,
    /// What stands after it; may be empty.
    pub value: String,
}

/// What a report of `simulate` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: what failed, then one closing line
    Human,
    /// For programs: everything, as one JSON value
    Json,
    /// For build servers: `JUnit` XML, a suite for each file and a case for each check
    Junit,
    /// For code scanning: a log of SARIF 2.1.0, a result for each check that fails
    Sarif,
    /// For GitHub Actions: commands that annotate the lines of a pull request
    Github,
    /// For a comment on a pull request: a table for each file
    Markdown,
}

/// What a report of `lint` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people: each finding with an excerpt, then one closing line
    Human,
    /// For programs: everything, as one JSON value, whose shape docs/lint.md describes
    Json,
    /// For code scanning: a log of SARIF 2.1.0, with the rules, the findings and their repairs
    Sarif,
    /// For GitHub Actions: commands that annotate the lines of a pull request
    Github,
    /// For a comment on a pull request: a table for each file
    Markdown,
}

/// What a report of `bench` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchFormat {
    /// For people
    Human,
    /// For programs: the same as one JSON value, with times in seconds
    Json,
}

/// The formats in which a verb reports.
pub trait Formats: ValueEnum + Clone + Copy + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The verb.
    const VERB: &'static str;
    /// The one that is used where none is asked for.
    const DEFAULT: Self;
}

impl Formats for Format {
    const VERB: &'static str = "simulate";
    const DEFAULT: Self = Self::Human;
}

impl Formats for BenchFormat {
    const VERB: &'static str = "bench";
    const DEFAULT: Self = Self::Human;
}

impl Formats for TableFormat {
    const VERB: &'static str = "table";
    const DEFAULT: Self = Self::Human;
}

impl Formats for LintFormat {
    const VERB: &'static str = "lint";
    const DEFAULT: Self = Self::Human;
}

/// The reports asked for: `--format FORMAT` goes to standard output, or to the `--output FILE` that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports<F = Format> {
    /// The format of standard output, if a report goes there.
    pub standard: Option<F>,
    /// The files and what each holds.
    pub files: Vec<(PathBuf, F)>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 fine, 1 a check failed, 2 usage, 3 a policy, world or scenario is invalid, 4 internal, 5 nothing matched";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  Replay all scenarios of the policy root, or some, with reasons
    permitlab simulate
    permitlab simulate --why cases/bedrock 'cases/kms/*-alias*.yaml'
    permitlab simulate --tag via-service --filter '*through S3 in eu-west-1'

  Ask one question of the world in fixtures/
    permitlab simulate --by role/eval-service --call kms:Decrypt --resource key/eval --via s3

  Ask it of two policy files, without a world
    permitlab simulate --identity-policy role.json --key-policy key.json --var region=us-east-1 \\
      --by arn:aws:iam::111122223333:role/eval --call kms:Decrypt --via s3 \\
      --resource arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab

  See what a change would do
    permitlab simulate --change 'set key/eval state Disabled'

  See who may do more or less than on another branch, as a comment on a pull request
    permitlab simulate --base origin/main
    permitlab simulate --base origin/main --fail-on any --format markdown --output comment.md

  Print for people, and keep reports for programs
    permitlab simulate --format human --format json --output report.json --format junit --output junit.xml";

const LINT_EXAMPLES: &str = "\
Examples:
  Look at all policies of the policy root, or at some files
    permitlab lint
    permitlab lint --type key key-policy.json

  Annotate a pull request, and keep a log for code scanning
    permitlab lint --format github --format sarif --output lint.sarif";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  permitlab completions bash > ~/.local/share/bash-completion/completions/permitlab
  permitlab completions fish > ~/.config/fish/completions/permitlab.fish";

const INIT_EXAMPLES: &str = "\
Needs no network and asks nothing.

Examples:
  permitlab init policies && cd policies && cargo test
  permitlab init policies --source https://git.example.com/permitlab.git";
const TABLE_EXAMPLES: &str = "\
Every caller of the world and every service its policies name, on every key, by every action and path the policies name: \
what is allowed has a line, and what a Deny denies; the rest is counted. An answer that hangs on what nobody stated is \
`unsure`. A `table:` block in the world says what else to ask.

Examples:
  permitlab table
  permitlab table fixtures/bedrock-eval.yaml --format json
  permitlab table --unreferenced snapshots";

const WHO_CAN_EXAMPLES: &str = "\
Asked are those a world or its policies name, and strangers, who stand for everybody else of an account. Exit code 5 says that \
nobody may.

Examples:
  permitlab who-can kms:Decrypt key/eval
  permitlab who-can sts:AssumeRole role/eval-service --format json";

const WHAT_CAN_EXAMPLES: &str = "\
Exit code 5 says that there is nothing.

Examples:
  permitlab what-can role/eval-service
  permitlab what-can service/bedrock --world fixtures/bedrock-eval.yaml";

const PROVE_EXAMPLES: &str = "\
Compared are all calls on the keys and roles of the worlds: by everybody a world or policy names, and by strangers; with every \
value of every condition key. A request that is shown was decided in both versions. Exit code 1 says that somebody gains access, \
or that nothing could be proved.

Examples:
  permitlab prove --from origin/main
  permitlab prove --from origin/main --save cases/gained
  permitlab prove --change 'remove key-eval#[1]/Condition/StringLike/aws:SourceArn'
  permitlab prove --from v1 --to v2 --format markdown --output comment.md
  permitlab prove --from old.json --to new.json
  permitlab prove --with what-if/second-region.yaml
  permitlab prove --never 'anybody except account/ml, account/ml/* may call kms:ScheduleKeyDeletion on key/eval'";

const COVERAGE_EXAMPLES: &str = "\
An entry is covered when checks that say what has to come of a call saw it match and saw it not match; a statement when it \
decided one. What the linter proves dead counts apart.

Examples:
  permitlab coverage
  permitlab coverage cases/bedrock --source
  permitlab coverage --threshold 100 --format json --output coverage.json";

const MUTATE_EXAMPLES: &str = "\
Statements and conditions are dropped, effects flipped, Regions and accounts widened, principals added, keys misspelt. A fault \
is caught when a check fails; for one that is not, the check that is missing is printed, ready to paste.

Examples:
  permitlab mutate
  permitlab mutate policies/key-eval.json --all
  permitlab mutate --threshold 95 --format json --output mutants.json";

const BENCH_EXAMPLES: &str = "\
Who calls what comes from the policies: those who exist, with the actions and resources that statements name. Policies \
without a world are given to one role, key policies a key each.

Examples:
  permitlab bench fixtures/bedrock-eval.yaml
  permitlab bench policies/ --format json --output bench.json";

const DECIDE_EXAMPLES: &str = "\
Reads one case a line from standard input and answers each with one line, in order. A line that is no case gets an \
answer that says so, and never stops the lines after it. docs/decide.md describes the lines and the answers.

Examples:
  permitlab decide < cases.jsonl > decisions.jsonl";

impl Cli {
    /// An error in the arguments of `verb` that the parser could not see, to be reported as it reports its own.
    fn refused(verb: &str, message: &str) -> clap::Error {
        let mut command = Self::command();
        command.build();
        let command = command.find_subcommand_mut(verb).map_or_else(Self::command, |found| found.clone());
        command.clone().error(ErrorKind::ArgumentConflict, message)
    }
}

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some(("", _)) => Err("nothing stands before the `=`"),
            Some((key, value)) => Ok(Self { key: key.to_owned(), value: value.to_owned() }),
            None => Err("no `=` parts it into a key and a value"),
        }
    }
}

/// The two arguments as they are declared. Which `--output` belongs to which `--format` is in their order, which
/// only the matches know.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
struct ReportArguments<F: Formats> {
    /// How to report; repeatable
    #[arg(long, value_enum, value_name = "FORMAT", action = clap::ArgAction::Append)]
    format: Vec<F>,

    /// Write the report of the `--format` before it to a file [default: standard output]
    #[arg(long, value_name = "FILE", action = clap::ArgAction::Append)]
    output: Vec<PathBuf>,
}

impl<F: Formats> Args for Reports<F> {
    fn augment_args(command: Command) -> Command {
        ReportArguments::<F>::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        ReportArguments::<F>::augment_args_for_update(command)
    }
}

impl<F: Formats> FromArgMatches for Reports<F> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut formats = placed::<F>(matches, "format");
        let mut files = Vec::new();
        for (place, file) in placed::<PathBuf>(matches, "output") {
            let format = formats.range(..place).next_back().map(|(place, format)| (*place, *format));
            files.push((file, format.map_or(F::DEFAULT, |(_, format)| format)));
            format.and_then(|(place, _)| formats.remove(&place));
        }
        let mut unplaced = formats.into_values();
        match (unplaced.next(), unplaced.next()) {
            (standard, None) if files.is_empty() => Ok(Self { standard: standard.or(Some(F::DEFAULT)), files }),
            (standard, None) => Ok(Self { standard, files }),
            (_, Some(_)) => Err(Cli::refused(
                F::VERB,
                "only one report goes to standard output: give each other `--format` an `--output` after it",
            )),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The values of an argument by their place on the command line.
fn placed<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, argument: &str) -> BTreeMap<usize, T> {
    let places = matches.indices_of(argument).into_iter().flatten();
    places.zip(matches.get_many::<T>(argument).into_iter().flatten().cloned()).collect()
}

/// Arguments of `lint`.
#[derive(Debug, clap::Args)]
pub struct LintArguments {
    /// Policy files, or folders that hold some; all policies of the policy root by default
    pub paths: Vec<PathBuf>,
    /// The policy root: the folder that holds `permitlab.toml` [default: the nearest one]
    #[arg(long, value_name = "DIR", conflicts_with = "paths")]
    pub root: Option<PathBuf>,
    /// Show also what `permitlab.toml` allows
    #[arg(long)]
    pub all: bool,
    /// What the policies are attached as; otherwise their shape says so
    #[arg(long = "type", value_name = "TYPE", requires = "paths")]
    pub kind: Option<LintType>,
    /// The least level of a finding that makes the run fail
    #[arg(long, value_name = "LEVEL", default_value = "security")]
    pub level: LintLevel,
    /// Where the reports go.
    #[command(flatten)]
    pub reports: Reports<LintFormat>,
}

/// What a policy is attached as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LintType {
    /// An identity-based policy
    Identity,
    /// A KMS key policy
    Key,
    /// A role's trust policy
    Trust,
    /// Another resource-based policy
    Resource,
    /// A VPC endpoint policy
    VpcEndpoint,
    /// A permissions boundary
    Boundary,
    /// A session policy
    Session,
    /// A service control policy
    Scp,
    /// A resource control policy
    Rcp,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LintLevel {
    /// AWS would refuse the policy, or it makes what it is attached to unusable
    Error,
    /// The policy allows more than it seems to
    Security,
    /// A part of the policy does something else than it says
    Warning,
    /// The policy works, and would be clearer otherwise
    Suggestion,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ASK: &str = "simulate --by role/eval-service --call kms:Decrypt --resource key/eval";

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("permitlab").chain(line.split_whitespace()))
    }

    #[track_caller]
    fn simulate(line: &str) -> SimulateArguments {
        match parse(line).unwrap().verb {
            Verb::Simulate(arguments) => *arguments,
            other @ (Verb::Decide
            | Verb::Lint(_)
            | Verb::Init(_)
            | Verb::Completions(_)
            | Verb::Explain(_)
            | Verb::Table(_)
            | Verb::Prove(_)
            | Verb::WhoCan(_)
            | Verb::WhatCan(_)
            | Verb::Coverage(_)
            | Verb::Mutate(_)
            | Verb::Bench(_)
            | Verb::Cedar(_)
            | Verb::Tidy
            | Verb::Conformance
            | Verb::Schema(_)
            | Verb::Catalog(_)
            | Verb::Fuzz(_)) => {
                panic!("{other:?}")
            }
        }
    }

    #[test]
    fn the_declaration_holds_together() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case::files("simulate cases/a.yaml cases/**/b.yaml --why --root scenarios")]
    #[case::default_world("simulate --by role/a --call kms:ListKeys")]
    #[case::worlds("simulate --by role/a --call kms:ListKeys --world a.yaml b.yaml")]
    #[case::bare(
        "simulate --by anonymous --call kms:Decrypt --key-policy k.json --identity-policy a.json b.json --var a=b c=d"
    )]
    #[case::change_of_scenarios("simulate cases/a.yaml --change x --change y")]
    #[case::base("simulate --base origin/main --fail-on any --format markdown --change x")]
    #[case::table("table fixtures/a.yaml --format json")]
    #[case::coverage("coverage cases/a.yaml --threshold 100 --source --format json")]
    #[case::mutate("mutate policies/a.json --threshold 95 --all --format json")]
    #[case::decide("decide")]
    #[case::schema("schema --check")]
    #[case::bench("bench fixtures/a.yaml b.yaml --calls 100 --slowest 3 --format json")]
    fn these_are_understood(#[case] line: &str) {
        parse(line).unwrap();
    }

    #[rstest]
    #[case::files_and_question("simulate a.yaml --by role/a --call kms:ListKeys", ErrorKind::ArgumentConflict)]
    #[case::base_and_question("simulate --base main --by r --call c", ErrorKind::ArgumentConflict)]
    #[case::fail_on_without_base("simulate --fail-on any", ErrorKind::MissingRequiredArgument)]
    #[case::files_and_bare("simulate --key-policy k.json -- a.yaml", ErrorKind::ArgumentConflict)]
    #[case::world_and_bare("simulate --by r --call c --world w --key-policy k", ErrorKind::ArgumentConflict)]
    #[case::world_and_identity("simulate --by r --call c --world w --identity-policy k", ErrorKind::ArgumentConflict)]
    #[case::root_and_bare("simulate --by r --call c --root d --key-policy k", ErrorKind::ArgumentConflict)]
    #[case::caller_without_call("simulate --by role/a", ErrorKind::MissingRequiredArgument)]
    #[case::call_without_caller("simulate --call kms:Decrypt", ErrorKind::MissingRequiredArgument)]
    #[case::world_without_call("simulate --world w.yaml", ErrorKind::MissingRequiredArgument)]
    #[case::policy_without_call("simulate --key-policy k.json", ErrorKind::MissingRequiredArgument)]
    #[case::save_without_call("simulate --save-scenario s.yaml", ErrorKind::MissingRequiredArgument)]
    #[case::no_pair("simulate --by r --call c --context aws:SourceArn", ErrorKind::ValueValidation)]
    #[case::no_key("simulate --by r --call c --var =x", ErrorKind::ValueValidation)]
    #[case::unknown_format("simulate --format yaml", ErrorKind::InvalidValue)]
    #[case::format_of_another_verb("lint --format junit", ErrorKind::InvalidValue)]
    #[case::filter_and_question("simulate --filter a --by role/a --call kms:ListKeys", ErrorKind::ArgumentConflict)]
    #[case::tag_and_question("simulate --tag a --by role/a --call kms:ListKeys", ErrorKind::ArgumentConflict)]
    #[case::two_standard_reports("simulate --format json --format human", ErrorKind::ArgumentConflict)]
    #[case::two_standard_reports_of_lint("lint --format json --format sarif", ErrorKind::ArgumentConflict)]
    #[case::no_verb("--why", ErrorKind::UnknownArgument)]
    fn these_are_refused_as_usage(#[case] line: &str, #[case] kind: ErrorKind) {
        let error = parse(line).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn pairs_are_cut_at_the_first_equals_sign() {
        let arguments = simulate(&format!("{ASK} --encryption-context a=b=c aws:s3:arn= --context k=v"));
        let pair = |key: &str, value: &str| Pair { key: key.to_owned(), value: value.to_owned() };
        assert_eq!(arguments.question.encryption_context, [pair("a", "b=c"), pair("aws:s3:arn", "")]);
        assert_eq!(arguments.question.context, [pair("k", "v")]);
    }

    #[rstest]
    #[case::neither("", Some(Format::Human), &[])]
    #[case::format("--format json", Some(Format::Json), &[])]
    #[case::output("--output a", None, &[("a", Format::Human)])]
    #[case::both("--format json --output a", None, &[("a", Format::Json)])]
    #[case::output_first("--output a --format json", Some(Format::Json), &[("a", Format::Human)])]
    #[case::one_of_each("--format human --format json --output a", Some(Format::Human), &[("a", Format::Json)])]
    #[case::two_files("--format json --output a --format human --output b", None,
        &[("a", Format::Json), ("b", Format::Human)])]
    fn an_output_takes_the_format_before_it(
        #[case] line: &str,
        #[case] standard: Option<Format>,
        #[case] files: &[(&str, Format)],
    ) {
        let files = files.iter().map(|(file, format)| (PathBuf::from(file), *format)).collect();
        assert_eq!(simulate(&format!("simulate {line}")).reports, Reports { standard, files });
    }
}

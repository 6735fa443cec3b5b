//! The command line as a library, so that a policy repository's own `xtask` is three lines:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     xtask::main()
//! }
//! ```
//!
//! [`cli`] holds what people may type, [`exit`] what the process answers, [`output`] where text goes. Each verb is
//! a module with a `run` function: a few lines over a library call.

pub mod access;
pub mod bench;
pub mod catalog;
pub mod cedar;
pub mod cli;
pub mod completions;
pub mod conformance;
pub mod coverage;
pub mod decide;
pub mod exit;
pub mod explain;
pub mod fuzz;
pub mod git;
pub mod init;
pub mod lint;
pub mod mutate;
pub mod output;
mod progress;
pub mod prove;
pub mod schema;
pub mod simulate;
pub mod table;
pub mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Verb};
use exit::{Exit, Refusal};
use output::Streams;

/// Runs the command line on the process's arguments and streams.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os(), &mut Streams::standard()).into()
}

/// Runs the command line on the arguments and streams given; the first argument is the command's own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams) -> Exit {
    let exit = match Cli::try_parse_from(arguments) {
        Ok(cli) => dispatch(cli.verb, streams).unwrap_or_else(|error| report(&error, streams)),
        Err(error) => usage(&error, streams),
    };
    if streams.flush().is_ok() { exit } else { Exit::Internal }
}

fn dispatch(verb: Verb, streams: &mut Streams) -> anyhow::Result<Exit> {
    match verb {
        Verb::Simulate(arguments) => simulate::run(&arguments, streams),
        Verb::Decide => decide::run(streams),
        Verb::Lint(arguments) => lint::run(&arguments, streams),
        Verb::Init(arguments) => init::run(&arguments, streams),
        Verb::Table(arguments) => table::run(&arguments, streams),
        Verb::Prove(arguments) => prove::run(&arguments, streams),
        Verb::WhoCan(arguments) => access::who_can(&arguments, streams),
        Verb::WhatCan(arguments) => access::what_can(&arguments, streams),
        Verb::Coverage(arguments) => coverage::run(&arguments, streams),
        Verb::Mutate(arguments) => mutate::run(&arguments, streams),
        Verb::Explain(arguments) => explain::run(&arguments, streams),
        Verb::Bench(arguments) => bench::run(&arguments, streams),
        Verb::Cedar(arguments) => cedar::run(&arguments, streams),
        Verb::Completions(arguments) => completions::run(&arguments, streams),
        Verb::Tidy => tidy::run(streams),
        Verb::Conformance => conformance::run(streams),
        Verb::Schema(arguments) => schema::run(&arguments, streams),
        Verb::Catalog(arguments) => catalog::run(&arguments, streams),
        Verb::Fuzz(arguments) => fuzz::run(&arguments, streams),
    }
}

/// Says what stopped a verb. An error that is no [`Refusal`] is nobody's mistake but ours.
fn report(error: &anyhow::Error, streams: &mut Streams) -> Exit {
    let refusal = error.downcast_ref::<Refusal>();
    let help = refusal.and_then(|refusal| refusal.help.as_deref());
    let told = streams.error(&format!("{error:#}"), help);
    match (refusal, told) {
        (Some(refusal), Ok(())) => refusal.exit,
        (None, _) | (_, Err(_)) => Exit::Internal,
    }
}

/// Prints help where it was asked for, and what is wrong with the arguments otherwise.
fn usage(error: &clap::Error, streams: &mut Streams) -> Exit {
    let (stream, exit) =
        if error.use_stderr() { (&mut streams.err, Exit::Usage) } else { (&mut streams.out, Exit::Fine) };
    if stream.text(error.render().ansi()).is_ok() { exit } else { Exit::Internal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Kept;

    fn run_on(arguments: &[&str]) -> (Exit, Kept, Kept) {
        let (mut streams, out, err) = Streams::kept("");
        let exit = run(std::iter::once(&"permitlab").chain(arguments).map(OsString::from), &mut streams);
        (exit, out, err)
    }

    #[test]
    fn help_is_an_answer_and_a_wrong_argument_is_not() {
        let (exit, out, err) = run_on(&["simulate", "--help"]);
        assert_eq!((exit, err.text().as_str()), (Exit::Fine, ""));
        assert!(out.text().contains("Usage: permitlab simulate"), "{}", out.text());

        let (exit, out, err) = run_on(&["simulat"]);
        assert_eq!((exit, out.text().as_str()), (Exit::Usage, ""));
        assert!(err.text().contains("'simulate'"), "{}", err.text());
    }

    #[test]
    fn an_error_exits_as_its_refusal_says() {
        let (mut streams, _, err) = Streams::kept("");
        let refusal = Refusal::new(Exit::Invalid, "the world is not one").help("write another");
        assert_eq!(report(&refusal.into(), &mut streams), Exit::Invalid);
        assert_eq!(err.text(), "error: the world is not one\n  help: write another\n");
    }

    #[test]
    fn an_unexpected_error_is_internal_and_names_its_causes() {
        let (mut streams, _, err) = Streams::kept("");
        let error = anyhow::anyhow!("disk on fire").context("reading `a.json`");
        assert_eq!(report(&error, &mut streams), Exit::Internal);
        assert_eq!(err.text(), "error: reading `a.json`: disk on fire\n");
    }
}

//! Which faults of a policy would no check catch?

use std::fmt::Write as _;

use permitlab::mutate::{Fate, Mutated, Refused, Report, mutate};

use crate::cli::{MutateArguments, TableFormat};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::simulate::{case_files, named_files, root};
use crate::table::all_invalid;

/// Answers `permitlab mutate`.
///
/// # Errors
/// Arguments that name nothing, and files that cannot be read or written.
pub fn run(arguments: &MutateArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let root = root(arguments.root.as_deref())?;
    let files = case_files(&root, &[])?;
    let mut policies = Vec::new();
    for name in &arguments.policies {
        let found = named_files(&root, name)?;
        if found.is_empty() {
            let message = format!("no policy is `{name}`");
            return Err(Refusal::new(Exit::NothingMatched, message).help("policies stand under `policies/`").into());
        }
        policies.extend(found);
    }
    let report = match mutate(&root, &files, &policies) {
        Ok(report) => report,
        Err(Refused::Invalid(all)) => return all_invalid(&all, streams),
        Err(Refused::Failing(checks)) => {
            let message =
                format!("{} checks do not hold before anything is changed: {}", checks.len(), checks.join(", "));
            return Err(Refusal::new(Exit::Failed, message).help("see why with `permitlab simulate`").into());
        }
    };
    if report.results.is_empty() {
        let refusal = Refusal::new(Exit::NothingMatched, "no policy that a scenario uses can be changed");
        return Err(refusal.help("name a policy that the worlds of a scenario attach").into());
    }
    arguments.reports.write(streams, |format| match format {
        TableFormat::Human => human(&report, arguments.all),
        TableFormat::Json => format!("{:#}\n", report.json()),
    })?;
    let percent = report.counts().percent();
    if arguments.threshold.is_some() && percent.is_none() {
        let refusal = Refusal::new(
            Exit::NothingMatched,
            "no check could catch any of these faults, so no share of them is caught",
        );
        return Err(refusal.help("`--all` lists them; write scenarios for the policy").into());
    }
    let is_enough = match (arguments.threshold, percent) {
        (Some(threshold), Some(percent)) => percent >= f64::from(threshold),
        (None, _) | (Some(_), None) => true,
    };
    Ok(if is_enough { Exit::Fine } else { Exit::Failed })
}

/// The survivors with the checks that are missing; with `--all` the others too.
fn human(report: &Report, is_all: bool) -> String {
    let mut text = String::new();
    for mutated in &report.results {
        match &mutated.fate {
            Fate::Survived(check) => {
                let _ = writeln!(text, "SURVIVED    {}\n  a check that would catch it:", line(mutated));
                for line in check.lines() {
                    let _ = writeln!(text, "    {line}");
                }
            }
            Fate::Unknown if is_all => {
                let _ = writeln!(text, "UNKNOWN     {}", line(mutated));
            }
            Fate::Equivalent(why) if is_all => {
                let _ = writeln!(text, "EQUIVALENT  {}: {why}", line(mutated));
            }
            Fate::Killed(check) if is_all => {
                let _ = writeln!(text, "KILLED      {} by {check}", line(mutated));
            }
            Fate::Equivalent(_) | Fate::Killed(_) | Fate::Unknown => {}
        }
    }
    let counts = report.counts();
    let share = counts.percent().map_or_else(
        || "no check could catch any of these".to_owned(),
        |percent| format!("{:.1} % killed", (percent * 10.0).floor() / 10.0),
    );
    let _ = writeln!(
        text,
        "{share}: {} killed, {} survived; {} equivalent, {} unknown, {} that AWS would refuse",
        counts.killed, counts.survived, counts.equivalent, counts.unknown, report.refused
    );
    text
}

fn line(mutated: &Mutated) -> String {
    let mutant = &mutated.mutant;
    let change = if mutant.after.is_empty() {
        format!("without `{}`", mutant.before)
    } else {
        format!("`{}` becomes `{}`", mutant.before, mutant.after)
    };
    format!("{} {} in `{}`: {change}", mutated.place(), mutant.fault.word(), mutant.statement)
}

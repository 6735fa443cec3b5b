//! Which parts of the policies does no check exercise?

use std::fmt::Write as _;

use permitlab::coverage::{Counts, Coverage, Kind, Mark, PolicyCoverage, cover};
use permitlab::replay::{Detail, Options};

use crate::cli::{CoverageArguments, TableFormat};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::simulate::{case_files, root};
use crate::table::{all_invalid, invalid};

/// Answers `permitlab coverage`.
///
/// # Errors
/// Arguments that name nothing, and files that cannot be read or written.
pub fn run(arguments: &CoverageArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let root = root(arguments.root.as_deref())?;
    let files = case_files(&root, &arguments.files)?;
    let coverage = match cover(&root, &files, &Options { detail: Detail::Brief, ..Options::default() }) {
        Ok(coverage) => coverage,
        Err(refused) => return invalid(&refused, streams),
    };
    if !coverage.invalid.is_empty() {
        return all_invalid(&coverage.invalid, streams);
    }
    if coverage.policies.is_empty() {
        let refusal = Refusal::new(Exit::NothingMatched, "no policy is used by these scenarios");
        return Err(refusal.help("name scenarios whose worlds attach policies").into());
    }
    arguments.reports.write(streams, |format| match format {
        TableFormat::Human => human(&coverage, arguments.source),
        TableFormat::Json => format!("{:#}\n", coverage.json()),
    })?;
    let is_enough = arguments.threshold.is_none_or(|threshold| coverage.counts().percent() >= f64::from(threshold));
    Ok(if is_enough { Exit::Fine } else { Exit::Failed })
}

fn human(coverage: &Coverage, is_source: bool) -> String {
    let mut text = String::new();
    for policy in &coverage.policies {
        if is_source {
            let _ = writeln!(text, "{}  {}", policy.file, told(policy.counts()));
            let _ = writeln!(text, "{}", policy.source());
        } else {
            text.push_str(&missing(policy));
        }
    }
    if is_source {
        text.push_str("+ covered, ~ partly, ! not covered, x dead\n");
    }
    let failed = coverage.failed.len();
    if failed > 0 {
        let _ = writeln!(
            text,
            "note: {failed} checks do not hold, and what they saw does not count: {}",
            coverage.failed.join(", ")
        );
    }
    let count = coverage.policies.len();
    let _ = writeln!(text, "{} ({count} policies)", told(coverage.counts()));
    text
}

/// What no check exercises, a line each; nothing where nothing is missing.
fn missing(policy: &PolicyCoverage) -> String {
    let mut text = String::new();
    for part in &policy.parts {
        let why = match (part.mark(), part.dead) {
            (Mark::Covered, _) => continue,
            (Mark::Dead, Some(code)) => format!("dead: {code}"),
            (Mark::Dead | Mark::Partly | Mark::Not, _) => part.missing().to_owned(),
        };
        let what = match part.kind {
            Kind::Statement => format!("`{}`", part.statement),
            Kind::Principal | Kind::Action | Kind::Operand => {
                format!("{} `{}` of `{}`", part.kind.word(), part.text, part.statement)
            }
        };
        let _ = writeln!(text, "{}: {what}: {why}", policy.place(part));
    }
    text
}

fn told(counts: Counts) -> String {
    let Counts { covered, partly, not, dead } = counts;
    format!("{:.1} % covered: {covered} covered, {partly} partly, {not} not, {dead} dead", floor(counts.percent()))
}

/// One digit after the point, never rounded up to what was not reached.
fn floor(percent: f64) -> f64 {
    (percent * 10.0).floor() / 10.0
}

//! What do policy files say that their authors did not mean?

mod gathered;

use std::path::{Path, PathBuf};

use permitlab::render::{Colour, report};
use permitlab_evaluator::lint::Level;
use permitlab_evaluator::policy::PolicyType;
use permitlab_evaluator::source::SourceMap;

use crate::cli::{LintArguments, LintLevel, LintType};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use gathered::Gathered;

/// Answers `permitlab lint`.
///
/// # Errors
/// A path that cannot be read, a file that is no policy document, no policy at all.
pub fn run(arguments: &LintArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let mut sources = SourceMap::new();
    let Gathered { found, unreadable, policies } = gathered::gather(arguments, &mut sources)?;
    for finding in &unreadable {
        streams.out.line(report(&sources, finding, Colour::Never))?;
    }
    for finding in &found {
        streams.out.line(report(&sources, &finding.diagnostic, Colour::Never))?;
        if let Some(repair) = &finding.repair {
            streams.out.line(format!("write instead:\n{repair}"))?;
        }
        streams.out.line("")?;
    }
    let count = |level: Level| found.iter().filter(|finding| finding.level == level).count();
    let counts: Vec<_> = Level::ALL.map(|level| format!("{} {}", count(level), plural(level))).into();
    streams.out.line(format!("{} in {} policies", counts.join(", "), policies))?;
    let limit = level(arguments.level);
    let is_bad = found.iter().any(|finding| finding.level <= limit);
    Ok(match (unreadable.len(), is_bad) {
        (0, false) => Exit::Fine,
        (0, true) => Exit::Failed,
        (_, _) => Exit::Invalid,
    })
}

const fn plural(level: Level) -> &'static str {
    match level {
        Level::Error => "errors",
        Level::Security => "security warnings",
        Level::Warning => "warnings",
        Level::Suggestion => "suggestions",
    }
}

const fn level(level: LintLevel) -> Level {
    match level {
        LintLevel::Error => Level::Error,
        LintLevel::Security => Level::Security,
        LintLevel::Warning => Level::Warning,
        LintLevel::Suggestion => Level::Suggestion,
    }
}

const fn kind(kind: LintType) -> PolicyType {
    match kind {
        LintType::Identity => PolicyType::Identity,
        LintType::Key => PolicyType::Key,
        LintType::Trust => PolicyType::Trust,
        LintType::Resource => PolicyType::Resource,
        LintType::VpcEndpoint => PolicyType::VpcEndpoint,
        LintType::Boundary => PolicyType::Boundary,
        LintType::Session => PolicyType::Session,
        LintType::Scp => PolicyType::ServiceControl,
        LintType::Rcp => PolicyType::ResourceControl,
    }
}

/// The files that paths name: files as they are, and the JSON files anywhere below folders, in order.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, &mut files)?;
        } else if path.exists() {
            files.push(path.clone());
        } else {
            return Err(Refusal::new(Exit::NothingMatched, format!("there is no `{}`", path.display())).into());
        }
    }
    Ok(files)
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let pattern = format!("{}/**/*.json", glob::Pattern::escape(&folder.to_string_lossy()));
    for file in glob::glob(&pattern)? {
        files.push(file?);
    }
    Ok(())
}

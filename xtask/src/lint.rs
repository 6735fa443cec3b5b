//! What do policy files say that their authors did not mean?

pub(crate) mod files;
pub(crate) mod fingerprint;
mod gathered;
pub(crate) mod github;
mod human;
mod json;
pub(crate) mod markdown;
mod mend;
pub(crate) mod report;
pub(crate) mod sarif;

use std::path::{Path, PathBuf};

use permitlab_evaluator::lint::Level;
use permitlab_evaluator::policy::PolicyType;
use permitlab_evaluator::source::SourceMap;

use crate::cli::{LintArguments, LintFormat, LintLevel, LintType};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use files::Files;
use report::Report;

/// Answers `permitlab lint`.
///
/// # Errors
/// A path that cannot be read, a file that is no policy document, no policy at all, a report that cannot be written.
pub fn run(arguments: &LintArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let mut sources = SourceMap::new();
    let gathered = gathered::gather(arguments, &mut sources)?;
    let files = Files::of(gathered.named.clone(), gathered.roots.clone(), &std::env::current_dir()?);
    let report = Report::of(&gathered, &sources, &files);
    arguments.reports.write(streams, |format| match format {
        LintFormat::Human => human::render(&report, &sources),
        LintFormat::Json => json::render(&report),
        LintFormat::Sarif => sarif::render(&report),
        LintFormat::Github => github::render(&report),
        LintFormat::Markdown => markdown::render(&report),
    })?;
    let limit = level(arguments.level);
    let is_bad = gathered.found.iter().any(|finding| finding.level <= limit);
    Ok(match (gathered.unreadable.len(), is_bad) {
        (0, false) => Exit::Fine,
        (0, true) => Exit::Failed,
        (_, _) => Exit::Invalid,
    })
}

const fn level(level: LintLevel) -> Level {
    match level {
        LintLevel::Error => Level::Error,
        LintLevel::Security => Level::Security,
        LintLevel::Warning => Level::Warning,
        LintLevel::Suggestion => Level::Suggestion,
    }
}

pub(crate) const fn kind(kind: LintType) -> PolicyType {
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
pub(crate) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
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

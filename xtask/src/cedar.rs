//! How do the policies of a world read in Cedar?

use permitlab::oracle::Engine;

use crate::cli::CedarArguments;
use crate::exit::{Exit, Refusal};
use crate::output::Streams;

/// Refuses what needs the second engine in a build without it.
pub(crate) fn is_built() -> anyhow::Result<()> {
    if Engine::HAS_CEDAR {
        return Ok(());
    }
    let help = "build it in: `cargo run --package xtask --features cedar -- simulate --engine both`";
    Err(Refusal::new(Exit::Usage, "this build does not hold the second engine, Cedar").help(help).into())
}

/// Answers `permitlab cedar`.
///
/// # Errors
/// A build without Cedar, worlds that cannot be read, and files that cannot be written.
#[cfg(not(feature = "cedar"))]
pub fn run(_arguments: &CedarArguments, _streams: &mut Streams) -> anyhow::Result<Exit> {
    is_built()?;
    Ok(Exit::Internal)
}

/// Answers `permitlab cedar`.
///
/// # Errors
/// A build without Cedar, worlds that cannot be read, and files that cannot be written.
#[cfg(feature = "cedar")]
pub fn run(arguments: &CedarArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    translated::run(arguments, streams)
}

#[cfg(feature = "cedar")]
mod translated {
    use std::fs;

    use anyhow::Context as _;
    use permitlab::cedar::{CedarFile, translate};
    use permitlab::render::{Colour, report};

    use super::{CedarArguments, Exit, Streams};
    use crate::simulate::root;

    pub(super) fn run(arguments: &CedarArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
        let root = root(arguments.root.as_deref())?;
        let files = match translate(&root, &arguments.worlds) {
            Ok(files) => files,
            Err((sources, findings)) => {
                for finding in &findings {
                    streams.err.line(format_args!("{}\n", report(&sources, finding, Colour::Always)))?;
                }
                return Ok(Exit::Invalid);
            }
        };
        for CedarFile { name, policies, schema } in &files {
            let Some(folder) = &arguments.output else {
                streams.out.text(format!("// {name}.cedarschema\n{schema}\n// {name}.cedar\n{policies}\n"))?;
                continue;
            };
            for (end, text) in [("cedar", policies), ("cedarschema", schema)] {
                let path = folder.join(format!("{name}.{end}"));
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).with_context(|| format!("making `{}`", parent.display()))?;
                }
                fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))?;
            }
        }
        Ok(Exit::Fine)
    }
}

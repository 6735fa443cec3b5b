//! Who may do what with which key?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use permitlab::render::{Colour, report};
use permitlab::table::{Refused, Table, kept, unreferenced};
use serde_json::{Value, json};

use crate::cli::{TableArguments, TableFormat};
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::simulate::{named_files, root};

/// Answers `permitlab table`.
///
/// # Errors
/// Arguments that name nothing, and files that cannot be read or written.
pub fn run(arguments: &TableArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let root = root(arguments.root.as_deref())?;
    if let Some(folder) = &arguments.unreferenced {
        if !folder.is_dir() {
            let message = format!("there is no folder `{}`", folder.display());
            return Err(Refusal::new(Exit::Usage, message).help("name the folder that holds the snapshots").into());
        }
        if kept(folder)?.is_empty() {
            let message = format!("no snapshot is below `{}`", folder.display());
            return Err(Refusal::new(Exit::NothingMatched, message)
                .help("name the folder that holds `cases/` and `tables/`")
                .into());
        }
        let stale = unreferenced(&root, folder)?;
        for name in &stale {
            streams.out.line(folder.join(name).display())?;
        }
        return Ok(if stale.is_empty() { Exit::Fine } else { Exit::Failed });
    }
    let mut worlds = Vec::new();
    for name in &arguments.worlds {
        let found = named_files(&root, name)?;
        if found.is_empty() {
            let message = format!("no world is `{name}`");
            return Err(Refusal::new(Exit::NothingMatched, message).help("worlds stand under `fixtures/`").into());
        }
        worlds.extend(found);
    }
    if worlds.is_empty() {
        worlds = root.world_files()?;
    }
    if worlds.is_empty() {
        let refusal = Refusal::new(Exit::NothingMatched, "there is no world");
        return Err(refusal.help("add one under `fixtures/`").into());
    }
    let mut tables = Vec::new();
    for world in &worlds {
        match Table::of(&root, world) {
            Ok(table) => tables.push(table),
            Err(refused) => return invalid(&refused, streams),
        }
    }
    arguments.reports.write(streams, |format| match format {
        TableFormat::Human => human(&tables),
        TableFormat::Json => {
            format!("{:#}\n", json!({ "tables": tables.iter().map(Table::json).collect::<Vec<Value>>() }))
        }
    })?;
    Ok(Exit::Fine)
}

/// One table stands as its snapshot has it; several have the name of their world above.
fn human(tables: &[Table]) -> String {
    match tables {
        [table] => table.text(),
        tables => {
            let mut text = String::new();
            for table in tables {
                let _ = writeln!(text, "# {}\n{}", table.world, table.text());
            }
            text
        }
    }
}

/// Says what is wrong with a world.
pub(crate) fn invalid(refused: &Refused, streams: &mut Streams) -> anyhow::Result<Exit> {
    all_invalid(std::slice::from_ref(refused), streams)
}

/// Says what is wrong with several files, once where several meet it.
pub(crate) fn all_invalid(all: &[Refused], streams: &mut Streams) -> anyhow::Result<Exit> {
    let mut told = BTreeSet::new();
    for (sources, findings) in all {
        for finding in findings {
            let drawn = report(sources, finding, Colour::Always);
            if told.insert(drawn.clone()) {
                streams.err.line(format_args!("{drawn}\n"))?;
            }
        }
    }
    Ok(Exit::Invalid)
}

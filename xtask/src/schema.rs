//! Do the JSON Schemas that editors use say what the types say?

use std::io::ErrorKind;
use std::path::Path;
use std::{env, fs};

use anyhow::Context as _;

use crate::cli::SchemaArguments;
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::tidy::tree;

/// Where the schemas stand, from the top of the workspace.
const FOLDER: &str = "scenarios/schema";

/// A schema as the types have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its file in the folder of schemas.
    pub file: String,
    /// Its text, up to the final line break.
    pub text: String,
}

/// Writes every schema whose file differs from the types, or only names it under `--check`.
///
/// # Errors
/// Outside the workspace, and where a file cannot be read or written.
pub fn run(arguments: &SchemaArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let folder = tree::workspace(&env::current_dir()?)?.join(FOLDER);
    bring_up_to_date(&folder, &schemas(), arguments.check, streams)
}

/// The schemas of everything people write.
fn schemas() -> Vec<Schema> {
    permitlab::schema::schemas().into_iter().map(|(file, text)| Schema { file: file.to_owned(), text }).collect()
}

fn bring_up_to_date(folder: &Path, schemas: &[Schema], check: bool, streams: &mut Streams) -> anyhow::Result<Exit> {
    if schemas.is_empty() {
        return Err(Refusal::new(Exit::NothingMatched, "there is no schema to write").into());
    }
    let mut exit = Exit::Fine;
    for schema in schemas {
        let path = folder.join(&schema.file);
        if read(&path)?.as_deref() == Some(schema.text.as_str()) {
            continue;
        }
        if check {
            streams.err.line(format_args!("{FOLDER}/{} is not what the types say", schema.file))?;
            exit = Exit::Failed;
        } else {
            fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
            fs::write(&path, &schema.text).with_context(|| format!("writing `{}`", path.display()))?;
            streams.out.line(format_args!("{FOLDER}/{} written", schema.file))?;
        }
    }
    if exit == Exit::Failed {
        streams.err.line("  help: run `cargo xtask schema`, and commit what it writes")?;
    }
    Ok(exit)
}

/// The text of a file; `None` where there is none.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading `{}`", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(folder: &Path, text: &str, check: bool, expected: Exit) {
        let schemas = [Schema { file: "world.json".to_owned(), text: text.to_owned() }];
        let (mut streams, ..) = Streams::kept("");
        assert_eq!(bring_up_to_date(folder, &schemas, check, &mut streams).unwrap(), expected);
    }

    #[test]
    fn a_schema_that_differs_fails_the_check_until_it_is_written() {
        let folder = env::temp_dir().join(format!("permitlab-schema-{}", std::process::id()));
        check(&folder, "{}\n", true, Exit::Failed);
        assert!(!folder.exists());
        check(&folder, "{}\n", false, Exit::Fine);
        check(&folder, "{}\n", true, Exit::Fine);
        check(&folder, "true\n", true, Exit::Failed);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn no_schema_at_all_is_no_success() {
        let (mut streams, ..) = Streams::kept("");
        let error = bring_up_to_date(Path::new("."), &[], true, &mut streams).unwrap_err();
        assert_eq!(error.downcast_ref::<Refusal>().unwrap().exit, Exit::NothingMatched);
    }
}

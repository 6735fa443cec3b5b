//! Writes the table that says which scenario shows which rule.

use std::{env, fs};

use anyhow::Context as _;

use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::tidy::conformance::{PAGE, up_to_date};
use crate::tidy::tree::{self, Tree};

/// Brings the conformance table of `scenarios/README.md` up to date; `tidy` is what fails when it is not.
///
/// # Errors
/// Outside the workspace, where a file cannot be read or written, and where the page has no marks for the table.
pub fn run(streams: &mut Streams) -> anyhow::Result<Exit> {
    let top = tree::workspace(&env::current_dir()?)?;
    let tree = Tree::read(&top)?;
    let Some(page) = up_to_date(&tree) else {
        let refusal = Refusal::new(Exit::Invalid, format!("`{PAGE}` has no marks for the conformance table"));
        return Err(refusal.help("put the two comments that open and close the table back").into());
    };
    if tree.text(PAGE) == Some(page.as_str()) {
        return Ok(Exit::Fine);
    }
    let path = top.join(PAGE);
    fs::write(&path, page).with_context(|| format!("writing `{}`", path.display()))?;
    streams.out.line(format_args!("{PAGE} written"))?;
    Ok(Exit::Fine)
}

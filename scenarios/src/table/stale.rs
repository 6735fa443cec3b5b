//! Which snapshots hold what nothing makes any more?

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use super::snapshot_name;
use crate::replay::topic;
use crate::root::{ListError, PolicyRoot};

/// The snapshots under a folder whose scenario or world is gone, as paths from the folder, sorted:
/// `cases/<topic>/<behaviour>.snap` belongs to a scenario, `tables/<world>.snap` to a world. A folder that is not there
/// holds none.
///
/// # Errors
/// A folder that cannot be read.
pub fn unreferenced(root: &PolicyRoot, snapshots: &Path) -> Result<Vec<String>, ListError> {
    let cases = root.case_files()?;
    let worlds = root.world_files()?;
    let cases = cases.iter().map(|file| format!("cases/{}.snap", topic(file)));
    let known: BTreeSet<String> =
        cases.chain(worlds.iter().map(|world| format!("tables/{}.snap", snapshot_name(world)))).collect();
    let mut found = kept(snapshots)?;
    found.retain(|name| !known.contains(name));
    Ok(found)
}

/// Every snapshot under a folder, as paths from the folder, sorted. A folder that is not there holds none.
///
/// # Errors
/// A folder that cannot be read.
pub fn kept(snapshots: &Path) -> Result<Vec<String>, ListError> {
    let mut found = Vec::new();
    list(snapshots, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn list(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), ListError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && prefix.is_empty() => return Ok(()),
        entries => entries.map_err(ListError::Snapshots)?,
    };
    for entry in entries {
        let path = entry.map_err(ListError::Snapshots)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Err(ListError::Name(path)) };
        let inside = format!("{prefix}{name}");
        if path.is_dir() {
            list(&path, &format!("{inside}/"), found)?;
        } else if path.extension().is_some_and(|extension| extension == "snap") {
            found.push(inside);
        }
    }
    Ok(())
}

//! Which files does the project have, and what is in them?

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::{Exit, Refusal};

/// The files of the project by their path from its top, `/` between folders. The text of a file that is not UTF-8
/// is empty: no rule speaks of it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads everything under a folder but Git's own files and what is marked as a cache, as Cargo marks `target`.
    pub(crate) fn read(top: &Path) -> anyhow::Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(top, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> anyhow::Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("reading `{}`", folder.display()))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if kind.is_dir() && entry.file_name() != ".git" && !path.join("CACHEDIR.TAG").exists() {
                self.read_folder(&path, &format!("{name}/"))?;
            } else if kind.is_file() && name != ".git" {
                let bytes = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
                self.files.insert(name, String::from_utf8(bytes).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// A made-up tree.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self { files: files.iter().map(owned).collect() }
    }

    /// Every file and its text, in the order of the paths.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is such a file, or a folder with files in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        path.is_empty() || self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

/// The top of the workspace a folder is in: its nearest ancestor with a manifest that says `[workspace]`.
///
/// # Errors
/// [`Refusal`] where there is none.
pub(crate) fn workspace(from: &Path) -> Result<PathBuf, Refusal> {
    let is_top = |folder: &Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim_end() == "[workspace]")
    };
    from.ancestors().find(|folder| is_top(folder)).map(Path::to_path_buf).ok_or_else(|| {
        Refusal::new(Exit::Usage, format!("`{}` is in no Cargo workspace", from.display()))
            .help("run it in a clone of the project")
    })
}

/// The line of a byte offset, from 1.
pub(super) fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_found_and_read() {
        let top = workspace(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let tree = Tree::read(&top).unwrap();
        assert!(tree.has("xtask/src/tidy/tree.rs") && tree.has("evaluator/src") && tree.has("evaluator/"));
        assert!(!tree.has("evaluator/sr") && !tree.has(".git") && !tree.has("target/CACHEDIR.TAG"));
    }

    #[test]
    fn outside_a_workspace_is_a_matter_of_usage() {
        assert_eq!(workspace(Path::new("/")).unwrap_err().exit, Exit::Usage);
    }
}

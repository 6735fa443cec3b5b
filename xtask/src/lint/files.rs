//! What do programs call a file?
//!
//! People read the name they typed, or the path from the policy root. A log that is uploaded and an annotation on a
//! pull request need the path from the root of the repository, wherever the run was started.

use std::collections::BTreeMap;
use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

/// Turns the names that messages use into paths from the root of the repository.
#[derive(Debug)]
pub(crate) struct Files {
    named: BTreeMap<String, PathBuf>,
    roots: Vec<PathBuf>,
    started: PathBuf,
    base: PathBuf,
}

impl Files {
    /// The files of a run that was started in a folder: those that were named, and those in policy roots.
    pub(crate) fn of(named: BTreeMap<String, PathBuf>, roots: Vec<PathBuf>, started: &Path) -> Self {
        Self { named, roots, started: started.to_owned(), base: repository(started) }
    }

    /// The path of a file from the root of the repository, parted by `/`; the whole path of one that lies elsewhere.
    pub(crate) fn path(&self, name: &str) -> String {
        let whole = whole(&self.started.join(self.written(name)));
        let inside = whole.strip_prefix(&self.base).unwrap_or(&whole);
        inside.to_string_lossy().replace(MAIN_SEPARATOR, "/")
    }

    fn written(&self, name: &str) -> PathBuf {
        let in_roots = || self.roots.iter().map(|root| root.join(name)).find(|path| path.is_file());
        self.named.get(name).cloned().or_else(in_roots).unwrap_or_else(|| PathBuf::from(name))
    }
}

/// The nearest folder above that git knows as a repository; without one, the folder itself.
fn repository(started: &Path) -> PathBuf {
    let found = started.ancestors().find(|folder| folder.join(".git").exists());
    found.unwrap_or(started).to_owned()
}

/// A path without `..` and without links among its folders. The file itself may be a link: git knows it by its place.
fn whole(path: &Path) -> PathBuf {
    let (folder, name) = (path.parent().and_then(|folder| folder.canonicalize().ok()), path.file_name());
    match (folder, name) {
        (Some(folder), Some(name)) => folder.join(name),
        (_, _) => path.components().filter(|part| *part != Component::CurDir).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = env!("CARGO_MANIFEST_DIR");

    #[test]
    fn a_path_begins_at_the_root_of_the_repository() {
        let named = BTreeMap::from([("../scenarios/permitlab.toml".to_owned(), "../scenarios/permitlab.toml".into())]);
        let roots = vec![Path::new(HERE).join("../scenarios")];
        let files = Files { named, roots, started: HERE.into(), base: whole(Path::new(HERE).parent().unwrap()) };
        assert_eq!(files.path("../scenarios/permitlab.toml"), "scenarios/permitlab.toml");
        assert_eq!(files.path("policies/key-eval.json"), "scenarios/policies/key-eval.json");
        assert_eq!(files.path("src/lint/files.rs"), "xtask/src/lint/files.rs");
        assert_eq!(files.path("not-there.json"), "xtask/not-there.json");
    }

    #[test]
    fn a_file_outside_the_repository_keeps_its_whole_path() {
        let files = Files {
            named: BTreeMap::new(),
            roots: Vec::new(),
            started: HERE.into(),
            base: Path::new(HERE).join("src"),
        };
        let path = files.path("Cargo.toml");
        assert!(path.starts_with('/') && path.ends_with("xtask/Cargo.toml"), "{path}");
    }
}

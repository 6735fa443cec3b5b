//! Does a scenario file hold, as one test?
//!
//! What a policy repository's `tests/policies.rs` calls. The unit is the file: a test for each, which `cargo test` and
//! `cargo nextest` run side by side, since nothing here looks at the current folder or keeps anything between calls.
//! The policy root is the nearest folder above the file that holds `permitlab.toml`.
//!
//! ```
//! let held = permitlab::assert_scenario!("cases/bedrock/whole-job.yaml");
//! assert_eq!((held.folder(), held.name()), ("bedrock", "whole-job"));
//! assert!(held.verdicts().lines().all(|line| line.starts_with("passed  bedrock/whole-job::")));
//! ```
//!
//! With `rstest`, every file is a test, and with `insta` its decisions are reviewed once and compared from then on:
//!
//! ```
//! # use rstest::rstest;
//! #[rstest]
//! fn checks_hold(#[files("cases/**/*.yaml")] file: std::path::PathBuf) {
//!     let held = permitlab::assert_scenario!(file);
//!     let snapshots = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(held.folder());
//!     insta::with_settings!({ snapshot_path => snapshots, prepend_module_to_snapshot => false }, {
//!         insta::assert_snapshot!(held.name(), held.snapshot());
//!     });
//! }
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use permitlab_evaluator::diagnostic::Diagnostic;
use permitlab_evaluator::source::SourceMap;

use crate::render::{Colour, report};
use crate::replay::{Options, Outcome, Replayed, replay, topic};
use crate::report::{failures, findings, snapshot};
use crate::root::{ListError, MARKER, PolicyRoot};
use crate::table::{Table, snapshot_name, unreferenced};
use crate::today::today;

/// A scenario file whose checks hold.
#[derive(Debug)]
pub struct Held {
    replayed: Replayed,
}

/// Who may do what with the keys of a world, for a reviewed snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTable {
    /// The folder its snapshot goes to: `teams` for `fixtures/teams/bedrock.yaml`; empty for a world that stands in none.
    pub folder: String,
    /// What its snapshot is called: `bedrock`.
    pub name: String,
    /// A line for each call that is allowed, with the statement that says so.
    pub text: String,
}

/// Why a scenario file is no test that passes.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It is named by a path that means another file in another folder.
    #[error(
        "`{0}` is a relative path\n  help: name the whole path, or use `permitlab::assert_scenario!`, where it begins at the package"
    )]
    Relative(PathBuf),
    /// It is in no policy root.
    #[error("`{file}` is in no policy root\n  help: add an empty `{MARKER}` to the folder that holds `cases/`", file = .0.display())]
    Rootless(PathBuf),
    /// Its name is no text.
    #[error("the file name {0:?} is not UTF-8\n  help: rename it")]
    Name(PathBuf),
    /// A check does not hold, or the file cannot be replayed: the checks by their ids, and why.
    #[error("{0}")]
    Fails(String),
}

/// Why the tests that were compiled are not those of the scenario files.
#[derive(Debug, thiserror::Error)]
pub enum Missed {
    /// There is none.
    #[error("there is no scenario file under `cases/` of `{0}`, so nothing was checked")]
    None(PathBuf),
    /// The tests do not know some, or know some that are gone.
    #[error("{}since the tests were compiled: run `cargo test` again", changed(.came, .went))]
    Changed {
        /// Files that no test knows.
        came: Vec<String>,
        /// Files that only the tests know.
        went: Vec<String>,
    },
    /// They cannot be listed.
    #[error(transparent)]
    Unlisted(#[from] ListError),
}

fn changed(came: &[String], went: &[String]) -> String {
    let part = |files: &[String], verb: &str| {
        if files.is_empty() { String::new() } else { format!("{} {verb} ", files.join(", ")) }
    };
    format!("{}{}", part(came, "came"), part(went, "went"))
}

/// Replays a scenario file, whose path is whole. Skips that have expired fail.
///
/// ```
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/bedrock/via-service.yaml");
/// assert!(permitlab::check(file).is_ok());
/// assert!(permitlab::check("cases/bedrock/via-service.yaml").unwrap_err().to_string().contains("relative"));
/// ```
///
/// # Errors
/// [`Broken`], which as text lists the checks by their ids and explains those that fail.
pub fn check(file: impl AsRef<Path>) -> Result<Held, Broken> {
    let (root, inside) = placed(file.as_ref())?;
    let options = Options { today: Some(today()), suggest: true, ..Options::default() };
    let held = Held { replayed: replay(&root, &inside, &options) };
    if held.replayed.passed() { Ok(held) } else { Err(Broken::Fails(held.broken())) }
}

/// The access table of a world, `fixtures/**/<world>.yaml`, whose path is whole.
///
/// ```
/// let table = permitlab::harness::access_table(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/bedrock-eval.yaml")).unwrap();
/// assert!(table.text.contains("role/eval-service  key/eval  kms:DescribeKey  every path  allow"));
/// ```
///
/// # Errors
/// As [`check`]: a world that cannot be read is drawn with its places.
pub fn access_table(file: impl AsRef<Path>) -> Result<AccessTable, Broken> {
    let (root, inside) = placed(file.as_ref())?;
    let drawn = |(sources, findings): (SourceMap, Vec<Diagnostic>)| {
        let drawn = findings.iter().map(|finding| report(&sources, finding, Colour::Never));
        Broken::Fails(drawn.collect::<Vec<_>>().join("\n\n"))
    };
    let table = Table::of(&root, &inside).map_err(drawn)?;
    let snapshot = snapshot_name(&inside);
    let (folder, name) = snapshot.rsplit_once('/').unwrap_or(("", snapshot));
    Ok(AccessTable { folder: folder.to_owned(), name: name.to_owned(), text: table.text() })
}

/// The snapshots below a folder of a policy root whose scenario or world is gone: `cases/<topic>/<behaviour>.snap` and
/// `tables/<world>.snap`.
///
/// # Errors
/// A folder that cannot be read.
pub fn stale_snapshots(root: impl AsRef<Path>, snapshots: impl AsRef<Path>) -> Result<Vec<String>, ListError> {
    unreferenced(&PolicyRoot::at(root.as_ref()), snapshots.as_ref())
}

/// The policy root of a file, and its path from there.
fn placed(file: &Path) -> Result<(PolicyRoot, String), Broken> {
    if file.is_relative() {
        return Err(Broken::Relative(file.to_owned()));
    }
    let root = file.parent().and_then(PolicyRoot::discover).ok_or_else(|| Broken::Rootless(file.to_owned()))?;
    let inside = root.name(file).map_err(|_| Broken::Name(file.to_owned()))?;
    Ok((root, inside))
}

/// Compares the scenario files a test binary was compiled with, a path a line, with those that are under the `cases/` of
/// a folder now. `#[files]` fixes the tests when they are compiled; a file that came later would be missed in silence.
///
/// # Errors
/// [`Missed`]: also where there is no file at all.
pub fn check_compiled(folder: impl AsRef<Path>, compiled: &str) -> Result<(), Missed> {
    let root = PolicyRoot::at(folder.as_ref());
    let present: BTreeSet<String> = root.case_files()?.into_iter().collect();
    let compiled: BTreeSet<String> = compiled.lines().map(str::to_owned).collect();
    if present.is_empty() {
        return Err(Missed::None(folder.as_ref().to_owned()));
    }
    if present == compiled {
        return Ok(());
    }
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect();
    Err(Missed::Changed { came: only(&present, &compiled), went: only(&compiled, &present) })
}

/// [`check`](crate::check) as an assertion: gives the file's [`Held`], or panics with the checks by their ids and why some fail.
/// A relative path begins at the package the test belongs to, wherever the test is run.
#[macro_export]
macro_rules! assert_scenario {
    ($file:expr $(,)?) => {
        match $crate::check(::std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&$file)) {
            Ok(held) => held,
            Err(broken) => panic!("{broken}"),
        }
    };
}

/// [`access_table`](crate::harness::access_table) as an assertion. A relative path begins at the package the test belongs to.
#[macro_export]
macro_rules! assert_access_table {
    ($file:expr $(,)?) => {
        match $crate::harness::access_table(::std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&$file)) {
            Ok(table) => table,
            Err(broken) => panic!("{broken}"),
        }
    };
}

/// Asserts that no snapshot below a folder of the package outlives its scenario or world.
#[macro_export]
macro_rules! assert_no_stale_snapshot {
    ($folder:expr $(,)?) => {
        let package = ::std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        match $crate::harness::stale_snapshots(package, package.join($folder)) {
            Ok(stale) => assert!(stale.is_empty(), "nothing makes these snapshots any more; remove them: {stale:#?}"),
            Err(error) => panic!("{error}"),
        }
    };
}

/// [`check_compiled`](crate::harness::check_compiled) as an assertion, for the package the test belongs to.
#[macro_export]
macro_rules! assert_no_scenario_missed {
    ($compiled:expr $(,)?) => {
        if let Err(missed) = $crate::harness::check_compiled(env!("CARGO_MANIFEST_DIR"), $compiled) {
            panic!("{missed}");
        }
    };
}

impl Held {
    /// What its checks share: `bedrock/via-service`.
    pub fn topic(&self) -> &str {
        topic(&self.replayed.file)
    }

    /// The folder its snapshot goes to: `bedrock`; empty for a file that stands in none.
    pub fn folder(&self) -> &str {
        self.topic().rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// What its snapshot is called: `via-service`.
    pub fn name(&self) -> &str {
        self.topic().rsplit_once('/').map_or(self.topic(), |(_, name)| name)
    }

    /// Its decisions and the reasons of its denials, for a reviewed snapshot.
    pub fn snapshot(&self) -> String {
        snapshot(&self.replayed)
    }

    /// Its checks, a line each: `passed` or `skipped`, and the id.
    pub fn verdicts(&self) -> String {
        verdicts(&self.replayed)
    }

    /// What was asked and answered.
    pub fn replayed(&self) -> &Replayed {
        &self.replayed
    }

    fn broken(&self) -> String {
        let replayed = &self.replayed;
        let failing = replayed.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed(_))).count();
        let why = match (replayed.findings.len(), replayed.checks.len()) {
            (0, 0) => "it has no checks".to_owned(),
            (0, checks) => format!("{failing} of {checks} checks fail"),
            (_, _) => "it cannot be replayed as it is".to_owned(),
        };
        let mut text = format!("{} does not hold: {why}\n{}\n", replayed.file, verdicts(replayed));
        for finding in findings(replayed, Colour::Never) {
            text.extend([finding.as_str(), "\n\n"]);
        }
        text.push_str(&failures(replayed, Colour::Never));
        text
    }
}

fn verdicts(replayed: &Replayed) -> String {
    let mut text = String::new();
    for check in &replayed.checks {
        let _ = writeln!(text, "{}  {}", check.outcome.word(), check.id);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A copy of what one scenario needs, with texts replaced, gone with the test.
    struct Repository(PathBuf);

    const CASE: &str = "cases/bedrock/via-service.yaml";

    impl Repository {
        fn new(name: &str, marker: bool) -> Self {
            let folder = std::env::temp_dir().join(format!("permitlab-harness-{}-{name}", std::process::id()));
            let ours = Path::new(env!("CARGO_MANIFEST_DIR"));
            fs::create_dir_all(&folder).unwrap();
            for part in ["policies", "fixtures"] {
                copy(&ours.join(part), &folder.join(part));
            }
            fs::create_dir_all(folder.join("cases/bedrock")).unwrap();
            fs::copy(ours.join(CASE), folder.join(CASE)).unwrap();
            if marker {
                fs::write(folder.join(MARKER), "").unwrap();
            }
            Self(folder)
        }

        fn edit(&self, file: &str, old: &str, new: &str) {
            let text = fs::read_to_string(self.0.join(file)).unwrap();
            assert!(text.contains(old), "{file} holds {old}");
            fs::write(self.0.join(file), text.replace(old, new)).unwrap();
        }
    }

    impl Drop for Repository {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let to = to.join(path.file_name().unwrap());
            if path.is_dir() {
                copy(&path, &to);
            } else {
                fs::copy(&path, &to).unwrap();
            }
        }
    }

    #[test]
    fn the_root_is_found_from_the_file() {
        let repository = Repository::new("found", true);
        let held = check(repository.0.join(CASE)).unwrap();
        assert_eq!((held.topic(), held.folder(), held.name()), ("bedrock/via-service", "bedrock", "via-service"));
        assert!(held.verdicts().contains("passed  bedrock/via-service::"), "{}", held.verdicts());
    }

    #[test]
    fn a_failure_lists_the_checks_by_id_and_points_into_the_policy() {
        let repository = Repository::new("failing", true);
        repository.edit("policies/role-eval-kms.json", "s3.{{region}}", "s3.us-west-2");
        let broken = check(repository.0.join(CASE)).unwrap_err().to_string();
        assert!(broken.starts_with(&format!("{CASE} does not hold: ")), "{broken}");
        for part in [
            "\nfailed  bedrock/via-service::",
            "\npassed  bedrock/via-service::",
            "\nFAIL  bedrock/via-service::",
            "--> policies/role-eval-kms.json:10:",
        ] {
            assert!(broken.contains(part), "{part} in {broken}");
        }
    }

    #[test]
    fn a_skip_that_has_expired_fails() {
        let repository = Repository::new("expired", true);
        repository.edit(CASE, "checks:\n", "checks:\n  - name: later\n    skip: { reason: soon, until: 2001-01-01 }\n    by: role/eval-service\n    call: kms:Decrypt\n    resource: key/eval\n    expect: deny\n");
        let broken = check(repository.0.join(CASE)).unwrap_err().to_string();
        assert!(broken.contains("failed  bedrock/via-service::later\n"), "{broken}");
        assert!(broken.contains("expired-skip"), "{broken}");
    }

    #[test]
    fn a_file_that_cannot_be_replayed_fails() {
        let repository = Repository::new("invalid", true);
        repository.edit(CASE, "checks:", "cheks:");
        let broken = check(repository.0.join(CASE)).unwrap_err().to_string();
        assert!(broken.contains("cannot be replayed") && broken.contains("did you mean `checks`?"), "{broken}");
        assert!(check(repository.0.join("cases/none.yaml")).unwrap_err().to_string().contains("missing-file"));
    }

    #[test]
    fn a_file_needs_a_root_and_a_whole_path() {
        let repository = Repository::new("rootless", false);
        assert!(matches!(check(repository.0.join(CASE)), Err(Broken::Rootless(_))));
        assert!(matches!(check(CASE), Err(Broken::Relative(_))));
    }

    #[test]
    fn the_table_of_a_nested_world_stands_in_a_folder_of_its_own() {
        let repository = Repository::new("nested", true);
        let world = repository.0.join("fixtures/teams/ml/bedrock-eval.yaml");
        fs::create_dir_all(world.parent().unwrap()).unwrap();
        fs::rename(repository.0.join("fixtures/bedrock-eval.yaml"), &world).unwrap();
        let table = access_table(&world).unwrap();
        assert_eq!((table.folder.as_str(), table.name.as_str()), ("teams/ml", "bedrock-eval"));
        let snapshots = repository.0.join("snapshots");
        for snapshot in ["tables/bedrock-eval.snap", "tables/teams/ml/bedrock-eval.snap"] {
            fs::create_dir_all(snapshots.join(snapshot).parent().unwrap()).unwrap();
            fs::write(snapshots.join(snapshot), "").unwrap();
        }
        assert_eq!(stale_snapshots(&repository.0, &snapshots).unwrap(), ["tables/bedrock-eval.snap"]);
    }

    #[test]
    fn files_that_came_or_went_are_named() {
        let repository = Repository::new("compiled", true);
        assert!(check_compiled(&repository.0, CASE).is_ok());
        let missed = check_compiled(&repository.0, "cases/gone.yaml").unwrap_err().to_string();
        assert_eq!(
            missed,
            format!("{CASE} came cases/gone.yaml went since the tests were compiled: run `cargo test` again")
        );
        fs::remove_file(repository.0.join(CASE)).unwrap();
        assert!(matches!(check_compiled(&repository.0, ""), Err(Missed::None(_))));
    }
}

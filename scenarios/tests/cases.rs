//! Every scenario file is a test of its own: its checks hold, and its decisions are the reviewed ones.

use std::path::{Path, PathBuf};

use permitlab::render::Colour;
use permitlab::replay::{Options, replay, topic};
use permitlab::report::{failures, findings, snapshot};
use permitlab::root::PolicyRoot;
use rstest::rstest;

fn root() -> PolicyRoot {
    PolicyRoot::at(env!("CARGO_MANIFEST_DIR"))
}

#[rstest]
fn checks_hold(
    #[files("cases/**/*.yaml")]
    #[files("cases/**/*.yml")]
    #[files("cases/**/*.json")]
    file: PathBuf,
) {
    let path = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap();
    let replayed = replay(&root(), path, &Options { suggest: true, ..Options::default() });
    let findings = findings(&replayed, Colour::Never).join("\n");
    assert!(replayed.passed(), "{path}\n{findings}\n{}", failures(&replayed, Colour::Never));
    let (folder, name) = topic(path).rsplit_once('/').unwrap_or(("", topic(path)));
    insta::with_settings!({
        snapshot_path => Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots/cases").join(folder),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, snapshot(&replayed));
    });
}

/// The list of tests is fixed when they are compiled; this one finds the files when it runs.
#[test]
fn no_scenario_file_is_missed() {
    let compiled = include_str!(concat!(env!("OUT_DIR"), "/cases.txt")).lines().collect::<Vec<_>>();
    let present = root().case_files().unwrap();
    assert!(!present.is_empty(), "there is no scenario file under cases/");
    assert_eq!(compiled, present, "a scenario file came or went since the tests were compiled: run `cargo test` again");
}

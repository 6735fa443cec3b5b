//! Every scenario file under `cases/` is a test of its own: its checks hold, and its decisions are the reviewed ones.

use std::path::{Path, PathBuf};

use rstest::rstest;

#[rstest]
fn checks_hold(
    #[files("cases/**/*.yaml")]
    #[files("cases/**/*.yml")]
    #[files("cases/**/*.json")]
    file: PathBuf,
) {
    let held = permitlab::assert_scenario!(file);
    // Shown with `cargo test -- --show-output`.
    print!("{}", held.verdicts());
    insta::with_settings!({
        snapshot_path => Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/cases").join(held.folder()),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(held.name(), held.snapshot());
    });
}

/// Who may do what with the keys of each world: a change of a policy shows as lines gained and lost.
#[rstest]
fn access_is_the_reviewed_one(
    #[files("fixtures/**/*.yaml")]
    #[files("fixtures/**/*.yml")]
    #[files("fixtures/**/*.json")]
    file: PathBuf,
) {
    let table = permitlab::assert_access_table!(file);
    insta::with_settings!({
        snapshot_path => Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/tables").join(&table.folder),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(table.name, table.text);
    });
}

#[test]
fn no_snapshot_is_stale() {
    permitlab::assert_no_stale_snapshot!("snapshots");
}

/// The list of tests is fixed when they are compiled; this one finds the files when it runs.
#[test]
fn no_scenario_file_is_missed() {
    permitlab::assert_no_scenario_missed!(include_str!(concat!(env!("OUT_DIR"), "/cases.txt")));
}

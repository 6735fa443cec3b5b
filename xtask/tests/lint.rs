//! What `permitlab lint` says of the bundled policies, and how it ends.

use xtask::exit::Exit;
use xtask::output::Streams;

fn lint(arguments: &[&str]) -> (Exit, String) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/policies/");
    let (mut streams, out, _) = Streams::kept("");
    let own = arguments.iter().map(|argument| match argument.strip_prefix("@") {
        Some(file) => format!("{folder}{file}"),
        None => (*argument).to_owned(),
    });
    let line = ["permitlab", "lint"].map(str::to_owned).into_iter().chain(own).map(Into::into);
    let exit = xtask::run(line, &mut streams);
    (exit, out.text())
}

/// R7.9: the documented key policy allows `DescribeKey` under an encryption context, which it never carries.
#[test]
fn the_dead_permission_of_the_documented_key_policy_is_found() {
    let (_, text) = lint(&["@key-eval.json"]);
    assert!(text.contains("[dead-permission]"), "{text}");
    assert!(text.contains("key-eval.json:15:57") && text.contains("kms:DescribeKey"), "{text}");
    assert!(text.contains("write instead:"), "{text}");
}

/// R7.14: an action without a colon is refused, with what was probably meant.
#[test]
fn a_misspelt_action_is_an_error() {
    let (exit, text) = lint(&["@samples/key-with-misspelt-action.json"]);
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("unknown-action-form") && text.contains("kms:DescribeKey"), "{text}");
}

#[test]
fn a_path_that_is_not_there_matches_nothing() {
    assert_eq!(lint(&["@no-such-folder"]).0, Exit::NothingMatched);
}

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
    let (_, text) = lint(&["--all", "@key-eval.json"]);
    assert!(text.contains("[dead-permission]"), "{text}");
    assert!(text.contains("key-eval.json:15:57") && text.contains("kms:DescribeKey"), "{text}");
    assert!(text.contains("write instead:"), "{text}");
}

/// R7.14: an action without a colon is refused, with what was probably meant.
#[test]
fn a_misspelt_action_is_an_error() {
    let (exit, text) = lint(&["--all", "@samples/key-with-misspelt-action.json"]);
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("unknown-action-form") && text.contains("kms:DescribeKey"), "{text}");
}

/// What `permitlab.toml` allows is left out, for a file that is named and for the whole root.
#[test]
fn what_the_root_allows_is_left_out() {
    for arguments in [&["@key-eval.json"][..], &["@"], &["--root", "@.."]] {
        let (exit, text) = lint(arguments);
        assert_eq!(exit, Exit::Fine, "{text}");
        assert!(text.starts_with("0 errors, 0 security warnings, 0 warnings, 0 suggestions in "), "{text}");
    }
}

#[test]
fn with_a_type_a_file_is_looked_at_by_itself() {
    let (_, text) = lint(&["--type", "key", "@key-eval.json"]);
    assert!(text.contains("[dead-permission]"), "{text}");
}

#[test]
fn a_folder_without_settings_is_no_root() {
    assert_eq!(lint(&["--root", "@layers"]).0, Exit::Usage);
}

#[test]
fn a_path_that_is_not_there_matches_nothing() {
    assert_eq!(lint(&["@no-such-folder"]).0, Exit::NothingMatched);
}

/// What cannot be read of a folder keeps nothing from the rest, and a policy far beyond what AWS stores ends at its size.
#[test]
fn a_broken_file_and_a_huge_one_are_told_beside_the_others() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("lint-broken");
    std::fs::create_dir_all(&folder).unwrap();
    let statement = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
    let huge = vec![statement; 20_000].join(",");
    for (name, text) in [
        ("latin.json", b"{\"Version\":\"\xe9\"}".to_vec()),
        ("huge.json", format!(r#"{{"Version":"2012-10-17","Statement":[{huge}]}}"#).into_bytes()),
        ("action.json", br#"{"Statement":{"Effect":"Allow","Action":"kms:Decrypts","Resource":"*"}}"#.to_vec()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let (exit, text) = lint(&[folder.to_str().unwrap()]);
    assert_eq!(exit, Exit::Invalid, "{text}");
    for part in ["[not-utf8]", "byte 12", "[unknown-action]", "[policy-too-large]"] {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
    assert!(!text.contains("[shadowed-statement]"), "{text}");
}

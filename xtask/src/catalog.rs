//! How do the facts of AWS services get into the engine?
//!
//! AWS's service authorization reference, as JSON, becomes `evaluator/data/services.txt`: a text with a line for each
//! fact, which the engine embeds and a reviewer can read. [`mod@reference`] is the JSON, [`text`] the text.

pub mod reference;
pub mod text;

use std::io::ErrorKind;
use std::path::Path;
use std::{env, fs};

use anyhow::Context as _;

use crate::cli::CatalogArguments;
use crate::exit::{Exit, Refusal};
use crate::output::Streams;
use crate::tidy::tree;
use reference::Reference;

/// Where the text stands, from the top of the workspace.
const FILE: &str = "evaluator/data/services.txt";

/// Writes the text of a service reference, or only says that it differs under `--check`.
///
/// # Errors
/// Outside the workspace, where a file cannot be read or written, and where it holds no service reference. Then
/// nothing is written.
pub fn run(arguments: &CatalogArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let folder = tree::workspace(&env::current_dir()?)?;
    bring_up_to_date(&folder.join(FILE), &generate(&arguments.from)?, arguments.check, streams)
}

/// The text of the service reference in a file.
///
/// # Errors
/// The file cannot be read, or holds no service reference.
pub fn generate(from: &Path) -> anyhow::Result<String> {
    let json = fs::read_to_string(from).map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", from.display());
        Refusal::new(Exit::Usage, message).help("name the JSON file of the service reference after `--from`")
    })?;
    let text = Reference::read(&json).and_then(|reference| text::render(&reference));
    text.map_err(|error| {
        let message = format!("`{}` is no service reference: {error}", from.display());
        Refusal::new(Exit::Invalid, message).help("nothing was written; make the file again from the package").into()
    })
}

fn bring_up_to_date(path: &Path, text: &str, check: bool, streams: &mut Streams) -> anyhow::Result<Exit> {
    let present = match fs::read_to_string(path) {
        Ok(present) => Some(present),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
    };
    if present.as_deref() == Some(text) {
        return Ok(Exit::Fine);
    }
    if check {
        streams.err.line(format_args!("{FILE} is not what the service reference says"))?;
        return Ok(Exit::Failed);
    }
    fs::write(path, text).with_context(|| format!("writing `{}`", path.display()))?;
    streams.out.line(format_args!("{FILE} written"))?;
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;

    use super::*;

    /// A folder that is gone after the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("permitlab-catalog-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[rstest]
    #[case::empty("", "EOF while parsing")]
    #[case::cut_off(r#"{"source":{"package":"p","ver"#, "EOF while parsing a string at line 1 column 29")]
    #[case::something_else(r#"{"Version":"2012-10-17"}"#, "unknown field `Version`")]
    fn a_file_that_is_no_reference_is_refused(#[case] text: &str, #[case] expected: &str) {
        let folder = Folder::new(&format!("refused-{}", expected.len()));
        let file = folder.file("reference.json", text);
        let error = generate(&file).unwrap_err();
        let refusal = error.downcast_ref::<Refusal>().unwrap();
        assert_eq!(refusal.exit, Exit::Invalid);
        assert!(refusal.message.contains("is no service reference") && refusal.message.contains(expected), "{refusal}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = generate(Path::new("nowhere.json")).unwrap_err();
        let refusal = error.downcast_ref::<Refusal>().unwrap();
        assert_eq!(refusal.exit, Exit::Usage);
        assert!(refusal.message.starts_with("`nowhere.json` cannot be read"), "{refusal}");
    }

    #[test]
    fn a_text_that_differs_fails_the_check_until_it_is_written() {
        let folder = Folder::new("check");
        let path = folder.0.join("services.txt");
        let run = |text: &str, check: bool| {
            let (mut streams, ..) = Streams::kept("");
            bring_up_to_date(&path, text, check, &mut streams).unwrap()
        };
        assert_eq!(run("a\n", true), Exit::Failed);
        assert!(!path.exists());
        assert_eq!(run("a\n", false), Exit::Fine);
        assert_eq!(run("a\n", true), Exit::Fine);
        assert_eq!(run("b\n", true), Exit::Failed);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\n");
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "whoever reads the test output should know that nothing was tested")]
    fn the_committed_text_is_what_the_reference_says() {
        let workspace = tree::workspace(&env::current_dir().unwrap()).unwrap();
        let reference = workspace.join("../shared/corpus/service-reference.json");
        if !reference.exists() {
            eprintln!("no service reference at {}: nothing was tested", reference.display());
            return;
        }
        let committed = fs::read_to_string(workspace.join(FILE)).unwrap();
        assert!(generate(&reference).unwrap() == committed, "run `cargo xtask catalog --from {}`", reference.display());
    }
}

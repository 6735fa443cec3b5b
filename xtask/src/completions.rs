//! What does a shell complete?

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArguments};
use crate::exit::Exit;
use crate::output::Streams;

/// Answers `permitlab completions`.
///
/// # Errors
/// The output cannot be written.
pub fn run(arguments: &CompletionsArguments, streams: &mut Streams) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "permitlab", &mut script);
    streams.out.text(String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use clap_complete::Shell;

    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_verbs() {
        for shell in Shell::value_variants() {
            let (mut streams, out, _) = Streams::kept("");
            assert_eq!(run(&CompletionsArguments { shell: *shell }, &mut streams).unwrap(), Exit::Fine);
            for word in ["simulate", "init", "filter"] {
                assert!(out.text().contains(word), "{word} for {shell}");
            }
        }
    }
}

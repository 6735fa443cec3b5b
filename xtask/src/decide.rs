//! What does each of many self-contained cases, a line each, come to?

use std::io::IsTerminal as _;

use anyhow::Context as _;

use crate::exit::Exit;
use crate::output::Streams;
use crate::progress::Progress;

/// Answers `permitlab decide`. Answers are handed on before more is waited for, so that a program may ask line by line.
///
/// # Errors
/// The input cannot be read, or the output cannot be written.
pub fn run(streams: &mut Streams) -> anyhow::Result<Exit> {
    // Answers that scroll by on the terminal are progress enough.
    let progress = (!std::io::stdout().is_terminal()).then(|| Progress::of(None, "answers"));
    for answers in permitlab::decide::answers(&mut streams.input) {
        let answers = answers.context("reading the cases from standard input")?;
        if let Some(progress) = &progress {
            progress.advance(answers.lines().count());
        }
        streams.out.data(&answers)?;
        if streams.out.is_closed() {
            break;
        }
    }
    Ok(Exit::Fine)
}

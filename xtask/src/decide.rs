//! What does each of many self-contained cases, a line each, come to?

use anyhow::Context as _;

use crate::exit::Exit;
use crate::output::Streams;

/// Answers `permitlab decide`. Answers are handed on before more is waited for, so that a program may ask line by line.
///
/// # Errors
/// The input cannot be read, or the output cannot be written.
pub fn run(streams: &mut Streams) -> anyhow::Result<Exit> {
    for answers in permitlab::decide::answers(&mut streams.input) {
        streams.out.data(&answers.context("reading the cases from standard input")?)?;
        if streams.out.is_closed() {
            break;
        }
    }
    Ok(Exit::Fine)
}

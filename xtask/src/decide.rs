//! What does each of many self-contained cases, a line each, come to?

use crate::exit::{Exit, Refusal};
use crate::output::Streams;

/// Answers `permitlab decide`.
///
/// # Errors
/// `decide` is not available yet.
pub fn run(_streams: &mut Streams) -> anyhow::Result<Exit> {
    Err(Refusal::new(Exit::Internal, "`decide` is not available yet").into())
}

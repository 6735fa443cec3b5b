//! Will the calls of these scenarios, or this one call, be allowed, and why not?

use crate::cli::SimulateArguments;
use crate::exit::{Exit, Refusal};
use crate::output::Streams;

/// Answers `permitlab simulate`.
///
/// # Errors
/// `simulate` is not available yet.
pub fn run(_arguments: &SimulateArguments, _streams: &mut Streams) -> anyhow::Result<Exit> {
    Err(Refusal::new(Exit::Internal, "`simulate` is not available yet").into())
}

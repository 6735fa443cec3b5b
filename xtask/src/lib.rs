//! The command line as a library, so that a policy repository's own `xtask` is three lines.

use std::process::ExitCode;

/// Runs the command line on the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}

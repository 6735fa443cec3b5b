//! What does the process tell the shell?

use std::process::ExitCode;

/// How a run ended. The numbers are part of the command line's interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done, and every check passed.
    Fine = 0,
    /// A check failed.
    Failed = 1,
    /// The arguments do not say what to do.
    Usage = 2,
    /// A policy, world or scenario is invalid.
    Invalid = 3,
    /// Something that is nobody's mistake but the program's or the machine's.
    Internal = 4,
    /// Nothing matched, so nothing was checked: not a success.
    NothingMatched = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a verb could not do what was asked, and how the process ends for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// How the process ends.
    pub exit: Exit,
    /// What is wrong: a lowercase fragment without a full stop, the user's text in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Refusal {
    /// A refusal without help.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

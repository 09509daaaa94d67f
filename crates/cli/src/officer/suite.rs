//! Cipher suites, as the command line names them.

use clap::ValueEnum;
use enlace_channel::mls::Suite;

/// A suite's name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SuiteName {
    /// Lighter for many members; a quantum computer may read recordings one day. For forums alone.
    Classic,
    /// Also against quantum computers.
    Hybrid,
}

impl SuiteName {
    pub(crate) fn suite(self) -> Suite {
        match self {
            Self::Classic => Suite::Classic,
            Self::Hybrid => Suite::PostQuantum,
        }
    }
}

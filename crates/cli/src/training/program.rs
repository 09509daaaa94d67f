//! This program, to be run again as another process.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::{Explain as _, Failure};

/// An executable of `enlace`.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// The executable at that path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The executable that runs now.
    ///
    /// # Errors
    /// When the system doesn't say which it is.
    pub fn this() -> Result<Self, Failure> {
        let path = std::env::current_exe();
        Ok(Self(path.context(|| "this program's own file is not known".to_owned())?))
    }

    /// A command that starts it.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.0)
    }

    /// Runs a command to its end, and returns what it wrote to standard output.
    pub(super) fn run<A>(&self, arguments: A) -> Result<String, Failure>
    where
        A: IntoIterator,
        A::Item: AsRef<OsStr>,
    {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let mut command = self.command();
        command.args(&arguments).stdin(Stdio::null());
        let output = command.output().context(|| format!("{} cannot be run", self.0.display()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let shown: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("`enlace {}` failed: {}", shown.join(" "), said.trim())))
    }
}

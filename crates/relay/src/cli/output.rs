//! What the commands print.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::config::{Problem, Severity};

/// Prints a line of data.
pub(super) fn line(text: impl std::fmt::Display) {
    // Whoever closed standard output doesn't want the rest.
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints problems for people, on standard error.
pub(super) fn problems(problems: &[Problem]) {
    let mut err = io::stderr().lock();
    for problem in problems {
        let severity = match problem.severity {
            Severity::Error => "Error",
            Severity::Warning => "Warning",
        };
        let _ = writeln!(err, "{severity}: {}: {}", problem.place, problem.message);
        if let Some(hint) = &problem.hint {
            let _ = writeln!(err, "Hint: {hint}");
        }
    }
}

/// Prints why a command failed.
pub(super) fn failed(error: &anyhow::Error) -> ExitCode {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "Error: {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(err, "Caused by: {cause}");
    }
    ExitCode::FAILURE
}

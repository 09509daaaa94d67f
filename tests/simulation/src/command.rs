//! The command line.

mod arguments;
mod campaign;
mod report;
mod state;

use std::process::ExitCode;

use self::arguments::{Arguments, Request};

/// Runs what the arguments ask for: 0 when all held, 1 when something broke, 2 for a wrong usage.
#[must_use]
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    match Arguments::parse(arguments) {
        Ok(Request::Help) => {
            eprint!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Ok(Request::Run(arguments)) => match campaign::run(&arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("error: {error}\n\n{}", arguments::HELP);
            ExitCode::from(2)
        }
    }
}

//! `cargo xtask simulate`: builds the simulator and hands it the arguments.

use std::process::ExitCode;

use crate::process;
use crate::workspace::Workspace;

/// Runs the simulator; its exit code is ours.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> ExitCode {
    let mut command = process::cargo(workspace);
    command.args(["run", "--quiet", "--locked", "--package", "enlace-simulation", "--"]);
    match command.args(arguments).status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            code.map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("error: the simulator cannot be started: {error}");
            ExitCode::FAILURE
        }
    }
}

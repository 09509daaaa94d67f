//! The `enlace` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    enlace_cli::main_from(std::env::args_os())
}

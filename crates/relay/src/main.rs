//! The `enlace-relay` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    enlace_relay::cli::main_from(std::env::args_os())
}

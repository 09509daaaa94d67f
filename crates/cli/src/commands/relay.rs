//! `enlace relay`: the relay inside this program, for the training network.
//!
//! Whoever installs a relay runs `enlace-relay`. A demonstration has this one program only.

use std::ffi::OsString;
use std::io::Read as _;
use std::process::ExitCode;

/// What `relay` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// End when standard input closes, as it does when the process that started this one is gone.
    #[arg(long)]
    with_parent: bool,
    /// As for `enlace-relay`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(arguments: Arguments) -> ExitCode {
    if arguments.with_parent {
        std::thread::spawn(end_with_input);
    }
    let name = OsString::from("enlace-relay");
    enlace_relay::cli::main_from(std::iter::once(name).chain(arguments.arguments))
}

fn end_with_input() {
    let mut stdin = std::io::stdin().lock();
    let mut nothing = [0; 64];
    while stdin.read(&mut nothing).is_ok_and(|length| length > 0) {}
    // What was promised is on disk; there is nobody left to serve.
    std::process::exit(0);
}

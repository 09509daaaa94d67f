//! The command line as a whole, and its way to a command.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{authority, demo, network, relay};
use crate::ui::Ui;

/// Secure case channels between the authorities of different countries.
#[derive(Debug, Parser)]
#[command(name = "enlace", version, about)]
struct Arguments {
    /// Print JSON on standard output, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// For registrars: certificates, revocation lists and the endpoint record of an authority.
    #[command(subcommand)]
    Authority(authority::Command),
    /// For a network's secretariat: the bundle that lists its authorities.
    #[command(subcommand)]
    Network(network::Command),
    /// Play a short case between two authorities on this machine, and check what must be true.
    Demo(demo::Arguments),
    /// A relay of a training network; others have `enlace-relay`.
    #[command(hide = true)]
    Relay(relay::Arguments),
}

/// Runs the command that `arguments`, the program's name first, ask for.
pub fn main_from<I, T>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let ui = Ui::new(arguments.json);
    let done = match arguments.command {
        Command::Authority(command) => authority::run(command, &ui),
        Command::Network(command) => network::run(command, &ui),
        Command::Demo(arguments) => demo::run(arguments, &ui),
        Command::Relay(arguments) => return relay::run(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            ui.failure(&failure);
            ExitCode::FAILURE
        }
    }
}

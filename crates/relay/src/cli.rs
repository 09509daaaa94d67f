//! The command line: `init` prepares a directory, `check` says what is wrong, `run` serves.
//!
//! Data goes to standard output, all else to standard error. Exit status 0 means done, 1 failed,
//! 2 a wrong command line.

mod check;
mod init;
mod output;
mod run;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{ConfigFile, Problem, Settings};

/// An authority's relay: it orders and keeps the items of encrypted channels, and can read none.
#[derive(Debug, Parser)]
#[command(name = "enlace-relay", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a directory with keys, certificate requests and a configuration.
    Init(init::InitArguments),
    /// Say everything that is wrong or soon expires; exit status 1 if the relay would not work.
    Check(check::CheckArguments),
    /// Serve until SIGTERM or Ctrl-C.
    Run(run::RunArguments),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigArgument {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE", default_value = "relay.toml")]
    config: PathBuf,
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
    match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    }
}

/// Reads and checks a configuration file.
fn settings(path: &Path) -> Result<Settings, Problem> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::error(&place, format!("it cannot be read: {error}"))
            .hint("`enlace-relay init` writes a configuration; --config names it.")
    })?;
    let file = ConfigFile::parse(&text).map_err(|error| Problem::error(&place, error))?;
    let base = path.parent().unwrap_or_else(|| Path::new(""));
    Settings::new(&file, base).map_err(|error| Problem::error(&place, error))
}

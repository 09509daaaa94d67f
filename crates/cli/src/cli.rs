//! The command line as a whole, and its way to a command.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    answer, ask, authority, backup, channel, correct, demo, device, doctor, enroll, init, network,
    pin, post, read, relay, restore, sync, whoami, withdraw,
};
use crate::language::Language;
use crate::ui::Ui;

/// Secure case channels between the authorities of different countries.
#[derive(Debug, Parser)]
#[command(name = "enlace", version, about)]
struct Arguments {
    /// Print JSON on standard output, for programs.
    #[arg(long, global = true)]
    json: bool,
    /// Speak this language: es, pt, en or fr. If not given, the system's.
    #[arg(long, global = true)]
    language: Option<Language>,
    /// Write a log of what the program does to standard error.
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this device: its key, and the request for its certificate.
    Init(init::Arguments),
    /// Take in the certificate and the network, as your registrar sent them.
    Enroll(enroll::Arguments),
    /// Say whose device this is.
    Whoami(whoami::Arguments),
    /// Open channels, and see and change who is in them.
    #[command(subcommand)]
    Channel(channel::Command),
    /// Your other devices: let them into your channels, and out.
    #[command(subcommand)]
    Device(device::Command),
    /// Write a note.
    Post(post::Arguments),
    /// Correct what you wrote.
    Correct(correct::Arguments),
    /// Withdraw what you wrote: it is erased wherever the withdrawal arrives.
    Withdraw(withdraw::Arguments),
    /// Ask something in a forum.
    Ask(ask::Arguments),
    /// Answer a question in a forum, as a guide.
    Answer(answer::Arguments),
    /// Put an entry on top of a forum, as a guide.
    Pin(pin::Arguments),
    /// Take an entry down from the top of a forum.
    Unpin(pin::Arguments),
    /// Read a channel.
    Read(read::Arguments),
    /// Fetch what is new and send what is queued.
    Sync(sync::Arguments),
    /// Write a backup of all that you have read and written, for another device of yours.
    Backup(backup::Arguments),
    /// Take in a backup, on a new device.
    Restore(restore::Arguments),
    /// Find out what stands in the way.
    Doctor(doctor::Arguments),
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
    let language = arguments.language.unwrap_or_else(Language::of_environment);
    let ui = Ui::new(arguments.json, language);
    if arguments.verbose {
        start_log();
    }
    let done = match arguments.command {
        Command::Init(arguments) => init::run(&arguments, &ui),
        Command::Enroll(arguments) => enroll::run(&arguments, &ui),
        Command::Whoami(arguments) => whoami::run(&arguments, &ui),
        Command::Channel(command) => channel::run(command, &ui),
        Command::Device(command) => device::run(command, &ui),
        Command::Post(arguments) => post::run(&arguments, &ui),
        Command::Correct(arguments) => correct::run(&arguments, &ui),
        Command::Withdraw(arguments) => withdraw::run(&arguments, &ui),
        Command::Ask(arguments) => ask::run(&arguments, &ui),
        Command::Answer(arguments) => answer::run(&arguments, &ui),
        Command::Pin(arguments) => pin::run(&arguments, true, &ui),
        Command::Unpin(arguments) => pin::run(&arguments, false, &ui),
        Command::Read(arguments) => read::run(&arguments, &ui),
        Command::Sync(arguments) => sync::run(&arguments, &ui),
        Command::Backup(arguments) => backup::run(&arguments, &ui),
        Command::Restore(arguments) => restore::run(&arguments, &ui),
        Command::Doctor(arguments) => doctor::run(&arguments, &ui),
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

fn start_log() {
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A process has one log; the first one stays.
    let _ = log.try_init();
}

//! `enlace network`: the secretariat's commands, and an authority's signature.

mod add;
mod drop;
mod init;
mod next;
mod publish;
mod rename;
mod show;
mod sign;

use clap::Subcommand;

use crate::failure::Failure;
use crate::ui::Ui;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a network's bundle.
    Init(init::Arguments),
    /// Add an authority, by its root certificate.
    Add(add::Arguments),
    /// Begin the next version of a bundle that is in use.
    Next(next::Arguments),
    /// Leave an authority out.
    Drop(drop::Arguments),
    /// Put a finished bundle in use: hand it to your relay, by your device's profile.
    Publish(publish::Arguments),
    /// Give an authority another domain.
    Rename(rename::Arguments),
    /// Sign the bundle with an authority's root key.
    Sign(sign::Arguments),
    /// Check a bundle, and show what it says and its hash.
    Show(show::Arguments),
}

pub(crate) fn run(command: Command, ui: &Ui) -> Result<(), Failure> {
    match command {
        Command::Init(arguments) => init::run(&arguments, ui),
        Command::Add(arguments) => add::run(&arguments, ui),
        Command::Next(arguments) => next::run(&arguments, ui),
        Command::Drop(arguments) => drop::run(&arguments, ui),
        Command::Publish(arguments) => publish::run(&arguments, ui),
        Command::Rename(arguments) => rename::run(&arguments, ui),
        Command::Sign(arguments) => sign::run(&arguments, ui),
        Command::Show(arguments) => show::run(&arguments, ui),
    }
}

//! `enlace device`

mod add;
mod list;
mod receive_history;
mod remove;
mod resume;
mod send_history;

use std::time::Duration;

use clap::Subcommand;
use enlace_client::Client;
use enlace_identity::names::DeviceName;

use crate::failure::Failure;
use crate::ui::Ui;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let another device of yours into all your channels, also into later ones.
    Add(add::Arguments),
    /// List your devices, and the channels that they are in.
    List(list::Arguments),
    /// Take another device of yours out of all your channels.
    Remove(remove::Arguments),
    /// Take part again with this device, after you restored it from a copy of its disk.
    Resume(resume::Arguments),
    /// Send what this device has of your channels to another device of yours, which is receiving.
    SendHistory(send_history::Arguments),
    /// Receive what another device of yours has of your channels, which is sending.
    ReceiveHistory(receive_history::Arguments),
}

pub(crate) fn run(command: Command, ui: &Ui) -> Result<(), Failure> {
    match command {
        Command::Add(arguments) => add::run(&arguments, ui),
        Command::List(arguments) => list::run(&arguments, ui),
        Command::Remove(arguments) => remove::run(&arguments, ui),
        Command::Resume(arguments) => resume::run(&arguments, ui),
        Command::SendHistory(arguments) => send_history::run(&arguments, ui),
        Command::ReceiveHistory(arguments) => receive_history::run(&arguments, ui),
    }
}

/// How long one device waits for the other.
#[derive(Debug, clap::Args)]
struct Patience {
    /// Wait no longer than this for the other device.
    #[arg(long, value_name = "SECONDS", default_value_t = 600,
        value_parser = clap::value_parser!(u64).range(1..=24 * 3600))]
    timeout: u64,
}

impl Patience {
    fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// A device of the officer whose client this is, by its own name such as `phone`, or by its whole
/// one.
fn named(client: &Client, label: &str) -> Result<DeviceName, Failure> {
    if let Ok(device) = label.parse() {
        return Ok(device);
    }
    client.address().device(label).map_err(|error| Failure::new(error.to_string()))
}

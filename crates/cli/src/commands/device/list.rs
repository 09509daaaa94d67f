//! `enlace device list`

use std::fmt;

use enlace_client::Client;
use enlace_client::engine::OwnDevice;
use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments};
use crate::ui::Ui;
use crate::words::Text;

/// What `list` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    profile: ProfileArguments,
}

/// The officer's devices.
#[derive(Debug, Serialize)]
pub(super) struct Devices {
    devices: Vec<Device>,
}

#[derive(Debug, Serialize)]
struct Device {
    /// Its name as in its certificate.
    device: String,
    /// Whether it is the one that was asked.
    this: bool,
    /// The channels that it is in.
    channels: Vec<String>,
    /// The channels to which it is still to be added.
    waiting: Vec<String>,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    ui.report(&described(&client, ui)?)
}

pub(super) fn described(client: &Client, ui: &Ui) -> Result<Devices, Failure> {
    let devices = client.devices().explained(ui)?;
    Ok(Devices { devices: devices.iter().map(|device| describe(device, ui)).collect() })
}

fn describe(device: &OwnDevice, ui: &Ui) -> Device {
    let mut words = ui.say(Text::InChannels { count: device.channels.len() });
    if device.is_this {
        words = format!("{}, {words}", ui.say(Text::ThisDevice));
    }
    if !device.waiting.is_empty() {
        let waits = ui.say(Text::StillToCome { count: device.waiting.len() });
        words = format!("{words}, {waits}");
    }
    Device {
        device: device.name.to_string(),
        this: device.is_this,
        channels: device.channels.iter().map(ToString::to_string).collect(),
        waiting: device.waiting.iter().map(ToString::to_string).collect(),
        words,
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.devices.iter().try_for_each(|it| writeln!(f, "{}  ({})", it.device, it.words))
    }
}

//! `enlace device resume`

use std::fmt;

use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments};
use crate::ui::Ui;
use crate::words::Text;

/// What `resume` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    profile: ProfileArguments,
}

/// What comes of it.
#[derive(Debug, Serialize)]
struct Resumed {
    /// The channels that the device is put back into.
    channels: Vec<String>,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let channels = client.resume_device().explained(ui)?;
    ui.report(&Resumed {
        words: ui.say(Text::DeviceResumes { count: channels.len() }),
        channels: channels.iter().map(ToString::to_string).collect(),
    })
}

impl fmt::Display for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.words)
    }
}

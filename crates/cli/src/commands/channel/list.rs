//! `enlace channel list`

use std::fmt;

use enlace_client::store::ChannelRow;
use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, short_id, shown};
use crate::ui::Ui;
use crate::words::Text;

/// What `list` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Channels {
    channels: Vec<Row>,
    #[serde(skip)]
    none: String,
}

#[derive(Debug, Serialize)]
struct Row {
    channel: String,
    title: String,
    /// The authority whose relay orders it.
    hub: String,
    /// `creating`, `provisional`, `member`, `stranded` or `removed`.
    standing: &'static str,
    /// Why its log is no longer taken in, if it isn't.
    stopped: Option<String>,
    #[serde(skip)]
    words: [String; 2],
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let rows = client.channels().explained(ui)?;
    let channels = rows.iter().map(|channel| row(channel, ui)).collect();
    ui.report(&Channels { channels, none: ui.say(Text::NoChannels) })
}

fn row(row: &ChannelRow, ui: &Ui) -> Row {
    Row {
        channel: row.id.to_string(),
        title: row.title.clone(),
        hub: row.hub.to_string(),
        standing: row.standing.as_str(),
        stopped: row.stopped.clone(),
        words: [short_id(row.id), ui.say(Text::Standing(row.standing))],
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.channels.is_empty() {
            return f.write_str(&self.none);
        }
        for Row { title, words: [id, standing], .. } in &self.channels {
            writeln!(f, "{id}  {}  ({standing})", shown(title))?;
        }
        Ok(())
    }
}

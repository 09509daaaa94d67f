//! `enlace channel list`

use std::fmt;

use enlace_client::client::ChannelDetails;
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
    /// `case` or `forum`.
    kind: Option<&'static str>,
    /// `hybrid`, or `classic`: readable to who records it and has a quantum computer one day.
    suite: Option<&'static str>,
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
    let mut channels = Vec::new();
    for channel in &rows {
        let details = client.show(channel.id).explained(ui)?;
        channels.push(row(channel, details.as_ref(), ui));
    }
    ui.report(&Channels { channels, none: ui.say(Text::NoChannels) })
}

fn row(row: &ChannelRow, details: Option<&ChannelDetails>, ui: &Ui) -> Row {
    let (kind, suite) =
        (details.map(ChannelDetails::kind_name), details.map(ChannelDetails::suite_name));
    let mut standing = ui.say(Text::Standing(row.standing));
    if kind == Some("forum") {
        standing = format!("{}, {standing}", ui.say(Text::Forum));
    }
    if suite == Some("classic") {
        standing = format!("{standing}; {}", ui.say(Text::Suite { classic: true }));
    }
    Row {
        channel: row.id.to_string(),
        title: row.title.clone(),
        hub: row.hub.to_string(),
        standing: row.standing.as_str(),
        stopped: row.stopped.clone(),
        kind,
        suite,
        words: [short_id(row.id), standing],
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

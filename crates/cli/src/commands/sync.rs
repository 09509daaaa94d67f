//! `enlace sync`

use std::fmt;
use std::time::Duration;

use enlace_client::store::OutboxState;
use enlace_client::{Client, ClientEvent};
use enlace_log::ChannelId;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use crate::failure::Failure;
use crate::officer::{
    ConnectionWatch, Explained as _, ProfileArguments, block_on, notice_words, shown, while_syncing,
};
use crate::signal::asked_to_stop;
use crate::ui::Ui;
use crate::words::Text;

const SECONDS: u64 = 60;

/// How often the connection is looked at although nothing happens.
const LOOK: Duration = Duration::from_millis(500);

/// What `sync` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Stay connected until Ctrl-C, and say what happens.
    #[arg(long)]
    follow: bool,
    /// Try no longer than this.
    #[arg(long, value_name = "SECONDS", default_value_t = SECONDS, conflicts_with = "follow",
        value_parser = clap::value_parser!(u64).range(..=24 * 3600))]
    timeout: u64,
    #[command(flatten)]
    profile: ProfileArguments,
}

/// What a sync came to.
#[derive(Debug, Serialize)]
struct Synced {
    /// Whether all that the relay has is in.
    caught_up: bool,
    /// What is still to be sent.
    pending: Vec<String>,
    #[serde(skip)]
    words: Vec<String>,
}

/// Something that happened while following.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Happened {
    Connected,
    Disconnected,
    Entry {
        channel: String,
        seq: u64,
    },
    Notice {
        id: u64,
        channel: Option<String>,
        #[serde(skip)]
        words: Vec<String>,
    },
    Channel {
        channel: String,
    },
    Outbox {
        channel: String,
        client_id: String,
        state: &'static str,
        seq: Option<u64>,
        reason: Option<String>,
    },
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    if arguments.follow {
        return block_on(async {
            tokio::select! {
                ended = while_syncing(&client, ui, follow(&client, ui)) => ended,
                stopped = asked_to_stop() => stopped,
            }
        });
    }
    let limit = Duration::from_secs(arguments.timeout);
    let report = block_on(async { client.sync_once(limit).await.explained(ui) })?;
    let mut words = Vec::new();
    if !report.caught_up {
        words.push(ui.say(Text::NotCaughtUp));
    }
    match report.pending.len() {
        0 if report.caught_up => words.push(ui.say(Text::AllInAndOut)),
        0 => {}
        count => words.push(ui.say(Text::Waiting { count })),
    }
    let pending = report.pending.iter().map(ToString::to_string).collect();
    ui.report(&Synced { caught_up: report.caught_up, pending, words })
}

async fn follow(client: &Client, ui: &Ui) -> Result<(), Failure> {
    let mut events = client.events();
    let mut connection = ConnectionWatch::default();
    loop {
        match tokio::time::timeout(LOOK, events.recv()).await {
            Ok(Ok(event)) => {
                if let Some(happened) = happened(client, event, ui)?
                    && !print(client, &happened, ui)?
                {
                    return Ok(());
                }
            }
            Ok(Err(RecvError::Closed)) => return Ok(()),
            // What was missed can be read.
            Ok(Err(RecvError::Lagged(_))) | Err(_) => {}
        }
        connection.look(client, ui);
    }
}

fn print(client: &Client, happened: &Happened, ui: &Ui) -> Result<bool, Failure> {
    if ui.is_json() {
        return ui.item(&Line(happened, String::new()));
    }
    let words = match happened {
        Happened::Connected => ui.say(Text::Connected),
        Happened::Disconnected => ui.say(Text::Disconnected),
        Happened::Entry { channel, .. } => {
            ui.say(Text::NewNote { title: &title(client, channel, ui)? })
        }
        Happened::Notice { words, .. } => words.join("\n"),
        Happened::Outbox { reason: Some(reason), .. } => ui.say(Text::NeverSent { reason }),
        Happened::Channel { .. } | Happened::Outbox { .. } => return Ok(true),
    };
    ui.item(&Line(happened, words))
}

fn happened(client: &Client, event: ClientEvent, ui: &Ui) -> Result<Option<Happened>, Failure> {
    Ok(Some(match event {
        ClientEvent::Connected(true) => Happened::Connected,
        ClientEvent::Connected(false) => Happened::Disconnected,
        ClientEvent::Entry { channel, seq } => {
            Happened::Entry { channel: channel.to_string(), seq: seq.0 }
        }
        ClientEvent::Notice { channel, id } => {
            let row = client.notices(None, id.saturating_sub(1), 1).explained(ui)?;
            let words = row.iter().flat_map(|row| notice_words(&row.notice, ui)).collect();
            Happened::Notice { id, channel: channel.map(|channel| channel.to_string()), words }
        }
        ClientEvent::Channel(channel) => Happened::Channel { channel: channel.to_string() },
        ClientEvent::Outbox { channel, client_id, state } => {
            outbox(channel, client_id.to_string(), state)
        }
        ClientEvent::StoreChanged => return Ok(None),
    }))
}

fn outbox(channel: ChannelId, client_id: String, state: OutboxState) -> Happened {
    let (state, seq, reason) = match state {
        OutboxState::Queued => ("queued", None, None),
        OutboxState::Accepted(seq) => ("accepted", seq.map(|seq| seq.0), None),
        OutboxState::Failed(reason) => ("failed", None, Some(reason)),
    };
    Happened::Outbox { channel: channel.to_string(), client_id, state, seq, reason }
}

fn title(client: &Client, channel: &str, ui: &Ui) -> Result<String, Failure> {
    let rows = client.channels().explained(ui)?;
    let row = rows.iter().find(|row| row.id.to_string() == channel);
    Ok(row.map(|row| shown(&row.title)).unwrap_or_default())
}

/// An event with its words.
struct Line<'a>(&'a Happened, String);

impl Serialize for Line<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join("\n"))
    }
}

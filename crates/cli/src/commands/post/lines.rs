//! `enlace post --lines`: a note for each line, reported as soon as it is safe in the outbox.

use std::fmt;
use std::io::{self, BufRead as _};
use std::time::Duration;

use enlace_client::Client;
use enlace_client::client::Waited;
use enlace_log::{ChannelId, ClientId};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Arguments, NoteId};
use crate::failure::{Explain as _, Failure};
use crate::officer::{Explained as _, block_on, while_syncing};
use crate::ui::Ui;
use crate::words::Text;

/// So many lines may wait to be taken; whoever writes them waits then.
const LINES: usize = 64;

/// A note that is durable.
#[derive(Debug, Serialize)]
struct Taken {
    channel: String,
    client_id: String,
    state: &'static str,
}

/// What became of all of them, at the end.
#[derive(Debug, Default, Serialize)]
struct Summary {
    notes: usize,
    accepted: usize,
    queued: usize,
    failed: usize,
    #[serde(skip)]
    words: String,
}

pub(super) fn run(
    arguments: &Arguments,
    client: &Client,
    channel: ChannelId,
    ui: &Ui,
) -> Result<(), Failure> {
    block_on(async {
        if arguments.wait.wait {
            let work = take_and_wait(arguments, client, channel, ui);
            while_syncing(client, ui, work).await
        } else {
            let taken = take_all(arguments, client, channel, ui).await?;
            ui.note(ui.say(Text::LinesTaken { count: taken.len() }));
            ui.note(ui.say(Text::SyncSends));
            Ok(())
        }
    })
}

async fn take_and_wait(
    arguments: &Arguments,
    client: &Client,
    channel: ChannelId,
    ui: &Ui,
) -> Result<(), Failure> {
    let taken = take_all(arguments, client, channel, ui).await?;
    let deadline = Instant::now() + arguments.wait.limit();
    let mut summary = Summary { notes: taken.len(), ..Summary::default() };
    for client_id in taken {
        let left = deadline.saturating_duration_since(Instant::now());
        match client.wait_accepted(client_id, left.max(Duration::ZERO)).await.explained(ui)? {
            Waited::Accepted(_) => summary.accepted += 1,
            Waited::Queued => summary.queued += 1,
            Waited::Failed(reason) => {
                ui.warning(ui.say(Text::NeverSent { reason: &reason }));
                summary.failed += 1;
            }
        }
    }
    summary.words = match summary.queued {
        0 => ui.say(Text::Accepted),
        count => ui.say(Text::Waiting { count }),
    };
    ui.report(&summary)
}

/// Takes every line; what is printed is durable.
async fn take_all(
    arguments: &Arguments,
    client: &Client,
    channel: ChannelId,
    ui: &Ui,
) -> Result<Vec<ClientId>, Failure> {
    let mut lines = read_lines();
    let mut taken = Vec::new();
    while let Some(line) = lines.recv().await {
        let line = line.context(|| "standard input cannot be read as text".to_owned())?;
        let (id, text) = if arguments.with_ids { split_id(&line)? } else { (None, line.as_str()) };
        if text.is_empty() {
            continue;
        }
        let client_id = client.post(channel, arguments.note(text.to_owned(), id)).explained(ui)?;
        taken.push(client_id);
        if ui.is_json() {
            let (channel, client_id) = (channel.to_string(), client_id.to_string());
            ui.item(&Taken { channel, client_id, state: "queued" })?;
        }
    }
    Ok(taken)
}

/// Reads on a thread of its own: the connection goes on while nothing is typed. The thread ends
/// with standard input, or with the process.
fn read_lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let is_end = line.is_err();
            if sender.blocking_send(line).is_err() || is_end {
                break;
            }
        }
    });
    receiver
}

fn split_id(line: &str) -> Result<(Option<ClientId>, &str), Failure> {
    let Some((id, text)) = line.split_once('\t') else {
        return Err(Failure::new("a line has no id and tab at its beginning"));
    };
    let NoteId(id) = id.parse()?;
    Ok((Some(id), text))
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.client_id)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

//! Waiting until something is accepted, with the connection that it takes.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use enlace_client::Client;
use enlace_client::client::Waited;
use enlace_client::engine::AgreementView;
use enlace_client::notice::Notice;
use enlace_identity::names::Domain;
use enlace_log::{ChannelId, ClientId};
use serde::Serialize;

use super::explain::Explained as _;
use super::notice::notice_words;
use crate::failure::{Explain as _, Failure};
use crate::ui::Ui;
use crate::words::Text;

const SECONDS: u64 = 30;

/// So many notices are read at once.
const NOTICES: usize = 200;

/// Whether to wait, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct WaitArguments {
    /// Connect, and wait until the relay has accepted it.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait no longer than this.
    #[arg(long, value_name = "SECONDS", default_value_t = SECONDS, requires = "wait")]
    timeout: u64,
}

impl WaitArguments {
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// What became of something that the officer asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    channel: String,
    client_id: String,
    /// `queued` or `accepted`.
    state: &'static str,
    /// Its place in the channel, once it has one.
    seq: Option<u64>,
    #[serde(skip)]
    words: String,
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(|| "the runtime cannot be started".to_owned())?
        .block_on(work)
}

/// Stays connected while `work` lasts.
pub(crate) async fn while_syncing<T>(
    client: &Client,
    ui: &Ui,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        done = work => done,
        ended = client.run_sync() => match ended.explained(ui) {
            Ok(()) => Err(Failure::new("the connection was ended")),
            Err(failure) => Err(failure),
        },
    }
}

/// Waits for what is in the outbox as long as was asked for, and says how it stands then.
pub(crate) fn outcome(
    client: &Client,
    (channel, client_id): (ChannelId, ClientId),
    wait: &WaitArguments,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    let waited = if wait.wait {
        let before = newest_notice(client, channel, ui)?;
        let waited = block_on(while_syncing(client, ui, async {
            client.wait_accepted(client_id, wait.limit()).await.explained(ui)
        }))?;
        if waited == Waited::Queued {
            warn_of_obstacles(client, channel, before, ui)?;
        }
        waited
    } else {
        Waited::Queued
    };
    let (state, seq, words) = match waited {
        Waited::Accepted(seq) => ("accepted", seq.map(|seq| seq.0), Text::Accepted),
        Waited::Queued => {
            say_why_queued(client, wait, ui);
            say_who_has_to_consent(client, channel, ui)?;
            ("queued", None, Text::Queued)
        }
        Waited::Failed(reason) => {
            return Err(Failure::new(ui.say(Text::NeverSent { reason: &reason })));
        }
    };
    let (channel, client_id) = (channel.to_string(), client_id.to_string());
    Ok(Outcome { channel, client_id, state, seq, words: ui.say(words) })
}

/// The newest of a channel's notices.
pub(crate) fn newest_notice(client: &Client, channel: ChannelId, ui: &Ui) -> Result<u64, Failure> {
    let mut newest = 0;
    loop {
        match client.notices(Some(channel), newest, NOTICES).explained(ui)?.last() {
            Some(row) => newest = row.id,
            None => return Ok(newest),
        }
    }
}

/// Says what somebody else has to do first, if that has come up.
fn warn_of_obstacles(
    client: &Client,
    channel: ChannelId,
    after: u64,
    ui: &Ui,
) -> Result<(), Failure> {
    for row in client.notices(Some(channel), after, NOTICES).explained(ui)? {
        if row.notice.is_alarm() || matches!(row.notice, Notice::NoKeyPackage { .. }) {
            notice_words(&row.notice, ui).iter().for_each(|words| ui.warning(words));
        }
    }
    Ok(())
}

fn say_why_queued(client: &Client, wait: &WaitArguments, ui: &Ui) {
    match client.status().last_error {
        Some(why) if wait.wait => {
            ui.warning(ui.say(Text::RelayOutOfReach { why: &why }));
            ui.note(ui.say(Text::DoctorHelps));
        }
        _ if wait.wait => {}
        _ => ui.note(ui.say(Text::SyncSends)),
    }
}

/// What of this officer's waits for others.
fn say_who_has_to_consent(client: &Client, channel: ChannelId, ui: &Ui) -> Result<(), Failure> {
    let Some(details) = client.show(channel).explained(ui)? else { return Ok(()) };
    let me = client.address();
    for open in details.agreements.iter().filter(|open| open.asked_by == *me && !open.suffices) {
        agreement_words(open, ui).iter().for_each(|words| ui.note(words));
    }
    Ok(())
}

/// Whose consent is missing, and who refused it.
pub(crate) fn agreement_words(open: &AgreementView, ui: &Ui) -> Vec<String> {
    let list = |domains: &BTreeSet<Domain>| {
        domains.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let officer = open.whom.as_str();
    let mut words = Vec::new();
    if !open.waiting_for.is_empty() {
        let of = &list(&open.waiting_for);
        words.push(ui.say(Text::WaitsForConsent { officer, of }));
    }
    if !open.refused.is_empty() {
        let by = &list(&open.refused);
        words.push(ui.say(Text::ConsentRefused { officer, by }));
    }
    words
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

//! What a device shows in the end.

use std::collections::{BTreeMap, BTreeSet};

use enlace_client::Client;
use enlace_client::client::{EntryState, WaitError};
use enlace_client::notice::{ChangeAct, Notice};
use enlace_client::store::{ChannelRow, ChannelStanding, OutboxState};
use enlace_log::{ClientId, Seq};

use crate::facts::{Alarm, Change, Entry, Outcome, Shown, Standing, View};

/// More than any run writes.
const ALL: usize = 100_000;

impl super::OfficerNode {
    /// Reads everything that the model judges. `asked` is what this device was asked for.
    ///
    /// # Errors
    /// When the program does not run, or its store fails.
    pub fn shown(&self, asked: &[ClientId]) -> anyhow::Result<Shown> {
        let client = self.client().ok_or_else(|| anyhow::anyhow!("the device does not run"))?;
        let mut shown = Shown { officer: self.address().to_string(), ..Shown::default() };
        for id in asked {
            shown.outcomes.insert(hex::encode(id.0), outcome(client, *id)?);
        }
        for row in client.channels()? {
            if let Some(view) = self.view(client, &row)? {
                shown.channels.insert(hex::encode(row.id.0), view);
            }
        }
        Ok(shown)
    }

    fn view(&self, client: &Client, row: &ChannelRow) -> anyhow::Result<Option<View>> {
        let Some(details) = client.show(row.id)? else { return Ok(None) };
        let mut view = View {
            standing: match row.standing {
                ChannelStanding::Creating
                | ChannelStanding::Provisional
                | ChannelStanding::Member => Standing::Member,
                ChannelStanding::Stranded => Standing::Stranded,
                ChannelStanding::Removed => Standing::Removed,
            },
            stopped: row.stopped.clone(),
            next: details.next.0,
            authenticator: format!("{:?}", details.authenticator),
            policy: format!("{:?}", details.policy),
            members: details
                .members
                .iter()
                .flat_map(|m| &m.devices)
                .map(ToString::to_string)
                .collect(),
            entries: Vec::new(),
            changes: BTreeMap::new(),
            void: BTreeMap::new(),
            chain: self.disk.chain(row.id, details.next)?,
            alarms: Vec::new(),
            unreadable: BTreeSet::new(),
        };
        for entry in client.read(row.id, Seq(0), ALL)? {
            if let EntryState::Logged { seq, .. } = entry.state {
                view.entries.push(Entry {
                    place: seq.0,
                    author: entry.author.to_string(),
                    id: hex::encode(entry.client_id.0),
                    text: entry.body,
                });
            }
        }
        for row in client.notices(Some(row.id), 0, ALL)? {
            view.take(row.seq.map(|seq| seq.0), row.notice);
        }
        Ok(Some(view))
    }
}

impl View {
    fn take(&mut self, place: Option<u64>, notice: Notice) {
        match (notice, place) {
            (Notice::Changed { acts, .. }, Some(place)) => {
                self.changes.insert(place, acts.into_iter().map(change).collect());
            }
            (Notice::VoidChange { author, .. }, Some(place)) => {
                self.void.insert(place, author.device.to_string());
            }
            (Notice::Unreadable { .. }, Some(place)) => {
                self.unreadable.insert(place);
            }
            (Notice::Fork(alarm), _) => {
                self.alarms.push(judge(&alarm.first, &alarm.second));
            }
            _ => {}
        }
    }
}

fn change(act: ChangeAct) -> Change {
    match act {
        ChangeAct::Admitted { device, .. } => Change::Admitted(device.to_string()),
        ChangeAct::Removed { device, .. } => Change::Removed(device.to_string()),
        other => Change::Other(format!("{other:?}")),
    }
}

/// Whether two heads, as an alarm holds them, are two.
fn judge(first: &str, second: &str) -> Alarm {
    Alarm { genuine: !first.is_empty() && !second.is_empty(), contradicting: first != second }
}

fn outcome(client: &Client, id: ClientId) -> anyhow::Result<Outcome> {
    Ok(match client.state_of(id) {
        Ok(OutboxState::Queued) => Outcome::Queued,
        Ok(OutboxState::Accepted(seq)) => Outcome::Accepted(seq.map(|seq| seq.0)),
        Ok(OutboxState::Failed(reason)) => Outcome::Failed(reason),
        Err(WaitError::Unknown) => Outcome::Forgotten,
        Err(error) => return Err(error.into()),
    })
}

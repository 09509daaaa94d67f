//! What a device shows in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use enlace_channel::entry::EntryKind;
use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::client::{EntryState, EntryView, ErasedHere, WaitError};
use enlace_client::notice::{ChangeAct, ForkAlarm, Notice};
use enlace_client::store::{ChannelRow, ChannelStanding, ItemRow, OutboxState};
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_log::{ChannelId, ClientId, QuotedHead, Seq};
use enlace_transport::Clock as _;

use crate::facts::{Alarm, Change, Entry, Outcome, Shown, Standing, View};
use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// More than any run writes.
const ALL: usize = 100_000;

impl super::OfficerNode {
    /// Reads everything that the model judges. `asked` is what this device was asked for, `texts` what
    /// its disk is searched for.
    ///
    /// # Errors
    /// When the program does not run, or its store fails.
    pub fn shown(&self, asked: &[ClientId], texts: &[String]) -> anyhow::Result<Shown> {
        let client = self.client().ok_or_else(|| anyhow::anyhow!("the device does not run"))?;
        let relay = self.address().domain().to_string();
        let mut shown = Shown { officer: self.address().to_string(), relay, ..Shown::default() };
        shown.holds = self.disk.holds(texts)?;
        shown.certificate = client.certificate().ok().map(|leaf| leaf.not_after().as_millis());
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
            bundle: details.policy.bundle_hash().to_string(),
            moves: BTreeMap::new(),
            members: details
                .members
                .iter()
                .flat_map(|m| &m.devices)
                .map(ToString::to_string)
                .collect(),
            roles: details
                .members
                .iter()
                .filter_map(|m| Some((m.officer.to_string(), m.role?.to_string())))
                .collect(),
            stand_ins: details
                .policy
                .stand_ins()
                .iter()
                .map(|(officer, until)| (officer.to_string(), *until <= self.clock.now()))
                .collect(),
            closed: details.policy.is_closed(),
            is_due: false,
            has_expired: false,
            not_done: 0,
            entries: Vec::new(),
            changes: BTreeMap::new(),
            joined: BTreeSet::new(),
            void: BTreeMap::new(),
            chain: BTreeMap::new(),
            commits: BTreeMap::new(),
            lost: BTreeMap::new(),
            restarts: BTreeSet::new(),
            alarms: Vec::new(),
            threads: threads(client, row.id)?,
            without_content: BTreeSet::new(),
            unreadable: BTreeMap::new(),
            left_out: BTreeMap::new(),
            leaves: client
                .certificates_in(row.id)?
                .into_iter()
                .map(|(device, end)| (device.to_string(), end.as_millis()))
                .collect(),
            unproven: self.disk.unproven(row.id)?,
        };
        let erased = client.erased(row.id)?.into_iter();
        let never_came = erased.filter(|erased| erased.here == ErasedHere::NeverCame);
        view.without_content = never_came.map(|erased| erased.seq.0).collect();
        let mut times = BTreeMap::new();
        for ItemRow { item, chain } in self.disk.items(row.id, details.next)? {
            times.insert(item.seq.0, item.received_at);
            let (place, envelope) = (item.seq.0, item.sealed.envelope());
            view.chain.insert(place, hex::encode(chain.0));
            if envelope.kind.is_change() {
                view.commits.insert(place, envelope.author.to_string());
            }
        }
        let mut quotes = self.disk.quotes(row.id)?;
        let is_statement = |entry: &EntryView| EntryKind::from_code(entry.kind).is_statement();
        let notes = client.read(row.id, Seq(0), ALL)?.into_iter();
        for entry in notes.filter(|entry| !is_statement(entry)) {
            if let EntryState::Logged { seq, .. } = entry.state {
                view.entries.push(Entry {
                    quotes: quotes.remove(&seq.0),
                    place: seq.0,
                    author: entry.author.to_string(),
                    id: hex::encode(entry.client_id.0),
                    erased: entry.erased.is_some(),
                    text: entry.body,
                });
            }
        }
        for notice in client.notices(Some(row.id), 0, ALL)? {
            view.take(row.id, notice.seq.map(|seq| seq.0), notice.notice);
        }
        let own = self.address().domain();
        let closes = |all: &Vec<Change>| all.contains(&Change::Closed(true));
        let mut closings = view.changes.iter().rev().filter(|(_, all)| closes(all));
        let closed_at = closings.next().and_then(|(place, _)| times.get(place));
        let days = details.policy.retention().get(own);
        view.is_due = closed_at.zip(days).is_some_and(|(at, days)| {
            at.plus(DAY * *days) <= self.clock.now()
                && view.closed
                && !details.policy.holds().contains(own)
        });
        Ok(Some(view))
    }
}

impl View {
    fn take(&mut self, channel: ChannelId, place: Option<u64>, notice: Notice) {
        match (notice, place) {
            (Notice::Changed { acts, .. }, Some(place)) => {
                self.changes.insert(place, acts.into_iter().flat_map(changes).collect());
            }
            (Notice::Joined { .. }, Some(place)) => _ = self.joined.insert(place),
            (Notice::VoidChange { author, .. }, Some(place)) => {
                self.void.insert(place, author.device.to_string());
            }
            (Notice::Unreadable { author, .. }, Some(place)) => {
                self.unreadable.insert(place, author.device.to_string());
            }
            (Notice::LeftOut { by }, Some(place)) => {
                self.left_out.insert(place, by.to_string());
            }
            (Notice::HubBeganAnew { lost_until, .. }, Some(place)) => {
                self.restarts.insert(place);
                let lost = lost_until.map_or(place..place, |last| place..last + 1);
                self.lost.extend(lost.map(|lost| (lost, place)));
            }
            (Notice::Moved { to, .. }, Some(place)) => _ = self.moves.insert(place, to),
            (Notice::SetBack { from, until, .. }, _) => {
                self.lost.extend((from..until).map(|lost| (lost, from)));
            }
            (Notice::ErasedUnread { place, .. }, _) => _ = self.without_content.insert(place),
            (Notice::Expired { .. }, _) => self.has_expired = true,
            (Notice::NotDone { .. }, _) => self.not_done += 1,
            (Notice::Fork(alarm), _) => {
                self.alarms.push(judge(channel, &alarm));
            }
            _ => {}
        }
    }
}

/// Nothing, where it is no forum.
fn threads(client: &Client, id: ChannelId) -> anyhow::Result<BTreeMap<u64, (Option<u64>, bool)>> {
    let threads = client.threads(id)?.into_iter().filter_map(|thread| {
        let answer = thread.answer.and_then(|answer| answer.state.seq());
        let place = thread.entry.state.seq()?;
        Some((place.0, (answer.map(|seq| seq.0), thread.entry.is_pinned)))
    });
    Ok(threads.collect())
}

fn changes(act: ChangeAct) -> Vec<Change> {
    let role = |officer: OfficerAddress, role: Option<Role>| {
        Change::Role(officer.to_string(), role.map(|role| role.to_string()))
    };
    match act {
        ChangeAct::Admitted { officer, device, role: given, .. } => {
            vec![Change::Admitted(device.to_string()), role(officer, Some(given))]
        }
        ChangeAct::Returned { officer, device, role: given } => {
            let device = device.to_string();
            vec![
                Change::Returned(device.clone()),
                Change::Admitted(device),
                role(officer, Some(given)),
            ]
        }
        ChangeAct::Removed { officer, device, suspended, dropped, .. } => {
            let mut changes = removed(&device, suspended);
            changes.extend(dropped.then(|| Change::Dropped(device.to_string())));
            changes.push(role(officer, None));
            changes
        }
        ChangeAct::AddressChanged { officer, device, role: given, .. } => {
            vec![Change::Admitted(device.to_string()), role(officer, Some(given))]
        }
        ChangeAct::DeviceAdded { device } => vec![Change::Admitted(device.to_string())],
        ChangeAct::DeviceRemoved { device, suspended, .. } => removed(&device, suspended),
        ChangeAct::RoleChanged { officer, to, .. } => vec![role(officer, Some(to))],
        ChangeAct::Founded { .. } => vec![Change::Founded],
        ChangeAct::Expelled { authority } => vec![Change::Expelled(authority.to_string())],
        ChangeAct::HoldPlaced { authority } => vec![Change::Hold(authority, true)],
        ChangeAct::HoldLifted { authority } => vec![Change::Hold(authority, false)],
        ChangeAct::Closed => vec![Change::Closed(true)],
        ChangeAct::Reopened => vec![Change::Closed(false)],
        ChangeAct::PutBack { device, since } => vec![Change::PutBack(device.to_string(), since)],
        other => vec![Change::Other(format!("{other:?}"))],
    }
}

fn removed(device: &DeviceName, suspended: bool) -> Vec<Change> {
    let device = device.to_string();
    let why = suspended.then(|| Change::Suspended(device.clone()));
    std::iter::once(Change::Removed(device)).chain(why).collect()
}

/// Whether an alarm holds two heads of that channel, both with its hub's signature.
fn judge(channel: ChannelId, alarm: &ForkAlarm) -> Alarm {
    let authorities = &World::get().authorities;
    let hub = authorities.iter().find(|authority| authority.domain.as_str() == alarm.hub);
    let is_genuine = |head: &String| {
        let head = QuotedHead::decode(&hex::decode(head).ok()?).ok()?.into_signed();
        let verified = head.verify(&hub?.head.key.public()).ok()?;
        (verified.head().channel == channel).then_some(())
    };
    Alarm {
        genuine: [&alarm.first, &alarm.second].into_iter().all(|head| is_genuine(head).is_some()),
        contradicting: alarm.first != alarm.second,
    }
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

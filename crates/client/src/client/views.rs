//! What programs show: channels with their members, and entries.

use std::collections::BTreeMap;

use enlace_channel::consent::Statement;
use enlace_channel::entry::{EntryKind, HandlingCode, Part, PartKind, SignedEntry};
use enlace_channel::mls::{EpochAuthenticator, Suite};
use enlace_channel::policy::{ChannelKind, Policy, Role};
use enlace_identity::names::{DeviceName, LeafName, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Commitment, Seq};

use super::history::History;
use crate::engine::{AgreementView, Engine, EngineError, Forum, body_of};
use crate::store::{ChannelRow, EntryRow, ErasedBecause, OutboxRow, OutboxState, StoreError};

/// Everything about a channel.
#[derive(Clone, Debug)]
pub struct ChannelDetails {
    /// As lists show it.
    pub row: ChannelRow,
    /// Title, references, roles and the rest.
    pub policy: Policy,
    /// Its officers, by address.
    pub members: Vec<MemberView>,
    /// The position that comes next.
    pub next: Seq,
    /// The first position that this device knows.
    pub anchor: Seq,
    /// The newest commit item processed.
    pub fence: Option<Seq>,
    /// The same at every member of this epoch: to compare by another way.
    pub authenticator: EpochAuthenticator,
    /// Which keys protect what is said.
    pub suite: Suite,
    /// What is still to be sent.
    pub queued: usize,
    /// What the consent of others was asked for and is not done yet.
    pub agreements: Vec<AgreementView>,
}

impl ChannelDetails {
    /// `case` or `forum`.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.policy.kind() {
            ChannelKind::Case => "case",
            ChannelKind::Forum => "forum",
        }
    }

    /// `hybrid` or `classic`.
    #[must_use]
    pub fn suite_name(&self) -> &'static str {
        match self.suite {
            Suite::PostQuantum => "hybrid",
            Suite::Classic => "classic",
        }
    }
}

/// An officer of a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MemberView {
    /// The address.
    pub officer: OfficerAddress,
    /// The role.
    pub role: Option<Role>,
    /// The devices in the group.
    pub devices: Vec<DeviceName>,
    /// Whether the officer asked to leave.
    pub leaving: bool,
}

/// An entry, as it is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryView {
    /// Where it stands.
    pub state: EntryState,
    /// Who signed it.
    pub author: DeviceName,
    /// The author's idempotency key.
    pub client_id: ClientId,
    /// The author's clock.
    pub local_time: Timestamp,
    /// The author's time zone.
    pub time_zone: String,
    /// The number of its kind (PROTOCOL.md §3.3).
    pub kind: u64,
    /// Whether this program can show all that it says.
    pub is_supported: bool,
    /// What may be done with it.
    pub handling: HandlingCode,
    /// The words of a restriction.
    pub restriction: Option<String>,
    /// What it says.
    pub body: String,
    /// What a proposal asks, or a consent answers.
    pub statement: Option<Statement>,
    /// Binds it to its item; a later entry names this as its parent.
    pub commitment: Commitment,
    /// The entry that it answers, pins, corrects or withdraws.
    pub parent: Option<Commitment>,
    /// The place of that entry, if it is here.
    pub about: Option<Seq>,
    /// Whether a pin puts its parent on top; `None` of another entry.
    pub pins: Option<bool>,
    /// Whether it is on top of a forum.
    pub is_pinned: bool,
    /// The place of the answer to a question.
    pub answered_by: Option<Seq>,
    /// Whether it answers what was answered before.
    pub is_late: bool,
    /// The place of the newest correction of it.
    pub corrected_by: Option<Seq>,
    /// The place of its withdrawal.
    pub withdrawn_by: Option<Seq>,
    /// The place where the relays were told to erase it.
    pub erased_at_relays: Option<Seq>,
    /// Whether it has the effect that its kind has. In a forum, a correction or a withdrawal without
    /// one is shown without what it says.
    pub counts: bool,
    /// Whether it comes from a backup: this device was not in the channel then.
    pub restored: bool,
    /// Why what it said is no longer here, if it isn't.
    pub erased: Option<ErasedBecause>,
}

/// Where an entry stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EntryState {
    /// In the log.
    Logged {
        /// Its place.
        seq: Seq,
        /// The hub's clock when it got it.
        received_at: Timestamp,
    },
    /// The hub has accepted it; the log that comes will show it.
    Accepted(Option<Seq>),
    /// Queued, not yet accepted.
    Queued,
    /// It will never be sent.
    Failed(String),
}

impl EntryState {
    /// Its place in the log, once it has one.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Self::Logged { seq, .. } => Some(*seq),
            _ => None,
        }
    }
}

impl Engine {
    pub(crate) fn details(&mut self, id: ChannelId) -> Result<Option<ChannelDetails>, EngineError> {
        self.write(|work| {
            let Some(row) = work.tx.channel(id)? else { return Ok(None) };
            let Some(channel) = work.take(id)? else { return Ok(None) };
            let details = ChannelDetails {
                row,
                policy: channel.policy().clone(),
                members: members(&channel),
                next: channel.replica().next_seq(),
                anchor: channel.anchor(),
                fence: channel.fence(),
                authenticator: channel.epoch_authenticator(),
                suite: channel.suite(),
                queued: work.tx.queued(Some(id))?.len(),
                agreements: work.agreements(&channel)?,
            };
            work.keep(channel);
            Ok(Some(details))
        })
    }

    pub(crate) fn certificates_in(
        &mut self,
        id: ChannelId,
    ) -> Result<BTreeMap<DeviceName, Timestamp>, EngineError> {
        self.write(|work| {
            let Some(channel) = work.take(id)? else { return Ok(BTreeMap::new()) };
            let view = channel.view();
            work.keep(channel);
            let chains = view?.members.into_iter().map(|member| member.chain);
            let ends = chains.filter_map(|chain| {
                let LeafName::Device(device) = chain.unverified_name().ok()? else { return None };
                Some((device, chain.unverified_validity().ok()?.not_after))
            });
            Ok(ends.collect())
        })
    }

    pub(crate) fn entries(
        &mut self,
        id: ChannelId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<EntryView>, EngineError> {
        let (logged, waiting) = self.read(|tx| {
            let logged = tx.entries(id, from, limit)?;
            let waiting = if logged.len() < limit { tx.unlogged_entries(id)? } else { Vec::new() };
            Ok((logged, waiting))
        })?;
        let mut views: Vec<EntryView> =
            logged.iter().map(EntryView::of_row).collect::<Result<_, _>>()?;
        let is_forum = self.is_forum(id)?;
        let history = self.read(|tx| History::read(tx, id, is_forum))?;
        let forum = self.read(|tx| Forum::read(tx, id))?;
        for view in &mut views {
            history.show(view);
            forum.mark(view);
        }
        for row in &waiting {
            views.extend(EntryView::of_outbox(row)?);
        }
        // Lists and confirmations that members pass on are the programs' affair.
        views.retain(|view| !EntryKind::from_code(view.kind).is_for_programs());
        views.truncate(limit);
        Ok(views)
    }
}

fn members(channel: &enlace_channel::channel::Channel) -> Vec<MemberView> {
    let policy = channel.policy();
    let leaving: Vec<DeviceName> = channel.leaving().collect();
    let mut devices: BTreeMap<OfficerAddress, Vec<DeviceName>> =
        policy.roles().keys().map(|officer| (officer.clone(), Vec::new())).collect();
    for device in channel.devices().iter() {
        devices.entry(device.officer().clone()).or_default().push(device.clone());
    }
    let view = |(officer, devices): (OfficerAddress, Vec<DeviceName>)| MemberView {
        role: policy.role_of(&officer),
        leaving: leaving.iter().any(|device| *device.officer() == officer),
        officer,
        devices,
    };
    devices.into_iter().map(view).collect()
}

impl EntryView {
    pub(crate) fn of_row(row: &EntryRow) -> Result<Self, StoreError> {
        let state = EntryState::Logged { seq: row.seq, received_at: row.received_at };
        Self::of_signed(&row.signed, state)
    }

    fn of_outbox(row: &OutboxRow) -> Result<Option<Self>, StoreError> {
        let Some(signed) = &row.signed else { return Ok(None) };
        let state = match &row.state {
            OutboxState::Queued => EntryState::Queued,
            OutboxState::Accepted(seq) => EntryState::Accepted(*seq),
            OutboxState::Failed(reason) => EntryState::Failed(reason.clone()),
        };
        Self::of_signed(signed, state).map(Some)
    }

    fn of_signed(signed: &[u8], state: EntryState) -> Result<Self, StoreError> {
        let entry = SignedEntry::decode(signed).map_err(|_| StoreError::Corrupt("entry"))?;
        let header = entry.header();
        let restriction = entry.parts().iter().find(|part| part.kind() == PartKind::Restriction);
        let unknown_part = entry.parts().iter().any(|part| !part.kind().is_supported());
        Ok(Self {
            state,
            author: header.author.clone(),
            client_id: header.client_id,
            local_time: header.local_time,
            time_zone: header.time_zone.to_string(),
            kind: header.kind.code(),
            is_supported: header.kind.is_supported() && !unknown_part,
            handling: header.handling,
            restriction: restriction.and_then(Part::as_text).map(ToOwned::to_owned),
            body: body_of(&entry),
            statement: Statement::of(&entry).ok(),
            commitment: entry.commitment(),
            parent: header.parent,
            about: None,
            pins: entry.pins(),
            is_pinned: false,
            answered_by: None,
            is_late: false,
            corrected_by: None,
            withdrawn_by: None,
            erased_at_relays: None,
            counts: true,
            restored: false,
            erased: None,
        })
    }
}

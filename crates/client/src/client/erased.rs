//! What was erased of a channel: here, and at the relays as far as the log says.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq, SignedConfirmation};

use super::Client;
use super::views::{EntryState, EntryView};
use crate::engine::{Engine, EngineError, Holders, confirmed};
use crate::store::{ConfirmationRow, ErasedBecause, TombstoneRow};

/// An entry that was taken back, has run its time, or came without its content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ErasedView {
    /// Its place.
    pub seq: Seq,
    /// Whose it is.
    pub author: DeviceName,
    /// The place of its withdrawal.
    pub withdrawn_by: Option<Seq>,
    /// What became of it on this device.
    pub here: ErasedHere,
    /// By whose word the relays were told to erase it, where that stands, and when.
    pub relays: Option<(DeviceName, Seq, Timestamp)>,
    /// Which relays had a copy, and what each has confirmed, by authority. Empty where this device is
    /// not in the channel, so that nothing is known of it.
    pub at_relays: Vec<RelayErasure>,
}

/// What an authority's relay has confirmed of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelayErasure {
    /// Whose relay.
    pub authority: Domain,
    /// How far that is.
    pub state: RelayErasureState,
}

/// How far the erasing at a relay is, as far as anybody but its operator can know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RelayErasureState {
    /// It has signed that it holds nothing of it.
    Confirmed {
        /// When, by its clock.
        at: Timestamp,
        /// The place of the entry by which that is on the record; `None` as long as this device alone
        /// has the signature.
        recorded: Option<Seq>,
    },
    /// It was told, and has confirmed nothing yet.
    Told,
    /// Nobody has told it.
    NotTold,
    /// Its authority was out of the channel when the others were told: it keeps what it had.
    Left,
}

/// What became of an entry on this device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErasedHere {
    /// It was erased.
    Erased(ErasedBecause, Timestamp),
    /// It is here: this authority holds its copies, or it was withdrawn nowhere.
    Kept,
    /// It never was here: it came without its content.
    NeverCame,
}

impl Client {
    /// What was erased of a channel, by place; also what a relay delivered without content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn erased(&self, channel: ChannelId) -> Result<Vec<ErasedView>, EngineError> {
        self.with_engine(|engine| erased_of(engine, channel))
    }
}

/// What was erased of a channel, as its store has it.
pub(crate) fn erased_of(
    engine: &mut Engine,
    channel: ChannelId,
) -> Result<Vec<ErasedView>, EngineError> {
    let views = engine.entries(channel, Seq(0), usize::MAX)?;
    let (erasures, tombstones, missing) = engine.read(|tx| {
        Ok((tx.erasures(channel)?, tx.tombstones(channel)?, tx.without_content(channel)?))
    })?;
    let told = |seq: Seq| {
        let row = tombstones.iter().find(|row| row.seq == seq);
        row.map(|TombstoneRow { by, by_seq, at, .. }| (by.clone(), *by_seq, *at))
    };
    let mut erased: Vec<ErasedView> = views
        .iter()
        .filter_map(|view| match view.state {
            EntryState::Logged { seq, .. } => Some((seq, view)),
            _ => None,
        })
        .filter_map(|(seq, view): (Seq, &EntryView)| {
            let row = erasures
                .iter()
                .find(|row| row.author == view.author && row.client_id == view.client_id);
            let relays = told(seq);
            if row.is_none() && view.withdrawn_by.is_none() && relays.is_none() {
                return None;
            }
            let here = row.map_or(ErasedHere::Kept, |r| ErasedHere::Erased(r.why, r.at));
            let (author, withdrawn_by) = (view.author.clone(), view.withdrawn_by);
            let at_relays = Vec::new();
            Some(ErasedView { seq, author, withdrawn_by, here, relays, at_relays })
        })
        .collect();
    erased.extend(missing.into_iter().map(|(seq, author)| ErasedView {
        seq,
        author,
        withdrawn_by: None,
        here: ErasedHere::NeverCame,
        relays: told(seq),
        at_relays: Vec::new(),
    }));
    erased.sort_by_key(|view| view.seq);
    engine.add_confirmations(channel, &mut erased)?;
    Ok(erased)
}

impl Engine {
    /// Adds what each relay has confirmed.
    fn add_confirmations(
        &mut self,
        channel: ChannelId,
        erased: &mut [ErasedView],
    ) -> Result<(), EngineError> {
        let Some(oldest) = erased.first().map(|view| view.seq) else { return Ok(()) };
        let holders = self.holders(channel, oldest)?;
        let rows = self.read(|tx| tx.confirmations(channel))?;
        let confirmed: Vec<_> = rows.iter().map(|row| (row, confirmed(row))).collect();
        for view in erased {
            let seq = view.seq;
            let said = confirmed.iter().filter(|(_, erased)| erased.contains(&seq));
            let said: BTreeMap<&Domain, &ConfirmationRow> =
                said.map(|(row, _)| (&row.authority, *row)).collect();
            let mut authorities: BTreeSet<Domain> =
                said.keys().map(|authority| (*authority).clone()).collect();
            authorities.extend(holders.iter().flat_map(|holders| holders.at(seq)));
            let told_at = view.relays.as_ref().map(|(_, by_seq, _)| *by_seq);
            let state = |authority: &Domain| match (said.get(authority), told_at) {
                (Some(row), _) => confirmed_state(row),
                (None, None) => RelayErasureState::NotTold,
                (None, Some(at)) => match holders.as_ref().is_some_and(|h| h.held(authority, at)) {
                    true => RelayErasureState::Told,
                    false => RelayErasureState::Left,
                },
            };
            view.at_relays = authorities
                .into_iter()
                .map(|authority| RelayErasure { state: state(&authority), authority })
                .collect();
        }
        Ok(())
    }

    fn holders(&mut self, channel: ChannelId, oldest: Seq) -> Result<Option<Holders>, EngineError> {
        self.write(|work| {
            let Some(channel) = work.take(channel)? else { return Ok(None) };
            let holders = work.holders(&channel, oldest)?;
            work.keep(channel);
            Ok(Some(holders))
        })
    }
}

fn confirmed_state(row: &ConfirmationRow) -> RelayErasureState {
    let said =
        SignedConfirmation::decode(&row.signed).and_then(|signed| signed.unverified_confirmation());
    let at = said.map(|said| said.at).unwrap_or_default();
    RelayErasureState::Confirmed { at, recorded: row.recorded }
}

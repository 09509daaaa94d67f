//! Which relays have confirmed what a tombstone had erased: the device that told them asks each, keeps
//! what was signed, and puts it on the record. Everybody who reads the record verifies it again.

use std::collections::BTreeSet;
use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::confirmations::Confirmations;
use enlace_channel::entry::{EntryKind, VerifiedEntry};
use enlace_channel::policy::Role;
use enlace_identity::chain::ChainError;
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_log::confirmation::StandingTombstone;
use enlace_log::{
    ChannelId, ConfirmationError, Item, ItemKind, Seq, SignedConfirmation, VerifiedConfirmation,
};

use super::holders::Holders;
use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ConfirmationRow, EntryRow, InquiryRow, OutboxState, StoreError};

/// How long to wait after each round of asking; after the last one, always as long.
const PAUSES: [u64; 8] = [2, 5, 15, 60, 600, 3600, 6 * 3600, 24 * 3600];

/// After so many rounds what has come is put on the record without the rest.
const PATIENCE: u32 = 4;

/// After so many rounds, some two months, nobody is asked any more.
const MOST_ROUNDS: u32 = 64;

/// The most relays that are asked in one round.
const AT_ONCE: usize = 16;

/// What relays are to be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inquiry {
    /// The channel.
    pub channel: ChannelId,
    /// Where this device's tombstone stands.
    pub tombstone: Seq,
    /// Whose relays have not confirmed it.
    pub authorities: Vec<Domain>,
}

/// When relays are to be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NextInquiry {
    /// Now.
    Now(Inquiry),
    /// Then.
    At(Timestamp),
    /// There is nothing to ask.
    Nothing,
}

impl Engine {
    /// What relays are to be asked next about their erasing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_inquiry(&mut self) -> Result<NextInquiry, EngineError> {
        loop {
            let Some(row) = self.read(|tx| tx.next_inquiry())? else {
                return Ok(NextInquiry::Nothing);
            };
            let now = self.trust.now();
            // A pause that ends later was begun by a clock that has been set back since.
            let longest = Duration::from_secs(2 * PAUSES[PAUSES.len() - 1]);
            if row.not_before > now && row.not_before <= now.plus(longest) {
                return Ok(NextInquiry::At(row.not_before));
            }
            if let Some(inquiry) = self.write(|work| work.inquire(row))? {
                return Ok(NextInquiry::Now(inquiry));
            }
        }
    }

    /// Takes what relays have signed; what is no true confirmation counts for nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_confirmations(
        &mut self,
        inquiry: &Inquiry,
        answers: &[(Domain, Vec<u8>)],
    ) -> Result<(), EngineError> {
        self.write(|work| work.take_confirmations(inquiry, answers))
    }
}

impl Work<'_> {
    /// Has relays asked about a tombstone of this device, which stands in the log now.
    pub(super) fn ask_for_confirmations(
        &mut self,
        channel: ChannelId,
        tombstone: Seq,
    ) -> Result<(), StoreError> {
        let not_before = self.now();
        self.tx.put_inquiry(&InquiryRow { channel, tombstone, rounds: 0, not_before })
    }

    /// Whom to ask now, if anybody; the next round is later.
    fn inquire(&mut self, row: InquiryRow) -> Result<Option<Inquiry>, EngineError> {
        let (id, tombstone) = (row.channel, row.tombstone);
        let pause = PAUSES[PAUSES.len().min(row.rounds as usize + 1) - 1];
        let next = InquiryRow {
            rounds: row.rounds + 1,
            not_before: self.now().plus(Duration::from_secs(pause)),
            ..row
        };
        self.tx.put_inquiry(&next)?;
        let Some(channel) = self.take(id)? else {
            self.tx.drop_inquiry(id, tombstone)?;
            return Ok(None);
        };
        let missing = self.unconfirmed(&channel, tombstone)?;
        if missing.is_empty() || row.rounds >= PATIENCE {
            self.put_on_record(&channel)?;
        }
        self.keep(channel);
        if missing.is_empty() || row.rounds >= MOST_ROUNDS {
            self.tx.drop_inquiry(id, tombstone)?;
            return Ok(None);
        }
        let skipped = (row.rounds as usize * AT_ONCE) % missing.len();
        let mut authorities: Vec<Domain> = missing.into_iter().collect();
        authorities.rotate_left(skipped);
        authorities.truncate(AT_ONCE);
        Ok(Some(Inquiry { channel: id, tombstone, authorities }))
    }

    /// The authorities whose relays hold something that a tombstone names and have not confirmed all
    /// of it.
    fn unconfirmed(
        &mut self,
        channel: &Channel,
        tombstone: Seq,
    ) -> Result<BTreeSet<Domain>, EngineError> {
        let id = channel.id();
        let named = self.tx.tombstones(id)?.into_iter().filter(|row| row.by_seq == tombstone);
        let named: Vec<Seq> = named.map(|row| row.seq).collect();
        let Some(oldest) = named.first() else { return Ok(BTreeSet::new()) };
        let holders = self.holders(channel, *oldest)?;
        let told = holders.at(tombstone);
        let mut missing = BTreeSet::new();
        for authority in told {
            let row = self.tx.confirmation(id, tombstone, &authority)?;
            let confirmed = row.as_ref().map(confirmed).unwrap_or_default();
            let mut held = named.iter().filter(|seq| holders.held(&authority, **seq));
            if held.any(|seq| !confirmed.contains(seq)) {
                missing.insert(authority);
            }
        }
        Ok(missing)
    }

    fn take_confirmations(
        &mut self,
        inquiry: &Inquiry,
        answers: &[(Domain, Vec<u8>)],
    ) -> Result<(), EngineError> {
        let Some(channel) = self.take(inquiry.channel)? else { return Ok(()) };
        let mut judge = Judge::of(inquiry.tombstone);
        for (authority, signed) in answers {
            let Ok(signed) = SignedConfirmation::decode(signed) else {
                tracing::warn!(%authority, "a relay confirmed an erasure with what cannot be read");
                continue;
            };
            match self.judge(&channel, &mut judge, &signed, self.now())? {
                Some(Ok(verified)) if verified.authority() == authority => {
                    self.keep_confirmation(&verified, None)?;
                }
                Some(Err(error)) => tracing::warn!(%authority, %error, "a false confirmation"),
                Some(Ok(_)) | None => {
                    tracing::warn!(%authority, "a confirmation is of another relay or tombstone");
                }
            }
        }
        if self.unconfirmed(&channel, inquiry.tombstone)?.is_empty() {
            self.put_on_record(&channel)?;
            self.tx.drop_inquiry(inquiry.channel, inquiry.tombstone)?;
        }
        self.keep(channel);
        Ok(())
    }

    /// What a confirmation is worth; `None` where its tombstone, what that names or its authority is not
    /// known here, so that nothing can be said.
    fn judge(
        &mut self,
        channel: &Channel,
        judge: &mut Judge,
        signed: &SignedConfirmation,
        received_at: Timestamp,
    ) -> Result<Option<Result<VerifiedConfirmation, ConfirmationError>>, EngineError> {
        let verified = match signed.verify(self.ctx.bundle) {
            Ok(verified) => verified,
            Err(ConfirmationError::Signer(ChainError::UnknownAuthority(_))) => return Ok(None),
            Err(error) => return Ok(Some(Err(error))),
        };
        let said = verified.confirmation();
        if said.channel != channel.id() {
            return Ok(Some(Err(ConfirmationError::OtherTombstone)));
        }
        if judge.tombstone != Some(said.tombstone) || judge.known.is_none() {
            judge.tombstone = Some(said.tombstone);
            judge.known = self.standing(channel, said.tombstone)?;
        }
        let Some((tombstone, holders)) = &judge.known else {
            let is_before = said.tombstone <= channel.anchor();
            return Ok((!is_before).then_some(Err(ConfirmationError::OtherTombstone)));
        };
        let held = |authority: &Domain, seq| holders.held(authority, seq);
        match verified.check(tombstone, received_at, held) {
            // What stood there before this device came in, it can't tell.
            Err(ConfirmationError::NotNamed(seq))
                if seq < tombstone.seq && self.tx.item(channel.id(), seq)?.is_none() =>
            {
                Ok(None)
            }
            checked => Ok(Some(checked.map(|()| verified))),
        }
    }

    /// A tombstone as it stands in this copy, and who held what it names.
    fn standing(
        &mut self,
        channel: &Channel,
        seq: Seq,
    ) -> Result<Option<(StandingTombstone, Holders)>, EngineError> {
        let id = channel.id();
        let Some(row) = self.tx.item(id, seq)? else { return Ok(None) };
        if row.item.sealed.envelope().kind != ItemKind::Tombstone {
            return Ok(None);
        }
        let mut tombstone = StandingTombstone {
            channel: id,
            seq,
            chain: row.chain,
            received_at: row.item.received_at,
            named: std::collections::BTreeMap::new(),
        };
        // What a former one named is named again by whoever did not know that.
        for named in self.tx.tombstones(id)?.into_iter().filter(|row| row.by_seq <= seq) {
            if let Some(item) = self.tx.item(id, named.seq)? {
                tombstone.named.insert(named.seq, item.item.sealed.envelope().payload_hash);
            }
        }
        let oldest = tombstone.named.keys().next().copied().unwrap_or(seq);
        Ok(Some((tombstone, self.holders(channel, oldest)?)))
    }

    /// Keeps a true confirmation, unless the same authority has confirmed as much already.
    fn keep_confirmation(
        &mut self,
        verified: &VerifiedConfirmation,
        recorded: Option<Seq>,
    ) -> Result<(), StoreError> {
        let said = verified.confirmation();
        let row = ConfirmationRow {
            channel: said.channel,
            tombstone: said.tombstone,
            authority: verified.authority().clone(),
            signed: verified.signed().encode(),
            recorded,
        };
        let known = self.tx.confirmation(row.channel, row.tombstone, &row.authority)?;
        let is_news = known.is_none_or(|known| {
            let (before, now) = (confirmed(&known), confirmed(&row));
            let is_more = !now.is_subset(&before);
            is_more || (known.recorded.is_none() && recorded.is_some() && now == before)
        });
        if is_news {
            self.tx.put_confirmation(&row)?;
            self.tell(ClientEvent::Channel(row.channel));
        }
        Ok(())
    }

    /// Writes what relays have confirmed and no entry says yet.
    fn put_on_record(&mut self, channel: &Channel) -> Result<(), EngineError> {
        let id = channel.id();
        let role = channel.policy().role_of(self.me().officer());
        if !role.is_some_and(Role::may_write) {
            return Ok(());
        }
        let mut queued = BTreeSet::new();
        for row in self.tx.unlogged_entries(id)? {
            if let Some(signed) =
                row.signed.filter(|_| !matches!(row.state, OutboxState::Failed(_)))
                && let Some(there) = Confirmations::of(&reload(&signed)?)
            {
                queued.extend(there.as_slice().iter().map(SignedConfirmation::encode));
            }
        }
        let rows = self.tx.confirmations(id)?.into_iter();
        let unsaid = rows.filter(|row| row.recorded.is_none() && !queued.contains(&row.signed));
        let mut waiting: Vec<_> =
            unsaid.filter_map(|row| SignedConfirmation::decode(&row.signed).ok()).collect();
        while !waiting.is_empty() {
            let confirmations = Confirmations::take_from(&mut waiting);
            let draft = self.draft_own(channel);
            let key = &self.ctx.device.key;
            let entry = draft.sign_confirmations(&confirmations, key, || self.salt());
            self.put_own_entry(&entry)?;
        }
        Ok(())
    }

    /// An entry puts confirmations on the record: the true ones count, whoever wrote it; a false one is
    /// shown with its author.
    pub(super) fn note_confirmations(
        &mut self,
        channel: &Channel,
        item: &Item,
        entry: &VerifiedEntry,
    ) -> Result<(), EngineError> {
        if entry.header().kind != EntryKind::Erasures {
            return Ok(());
        }
        let place = Some((item.seq, item.received_at));
        let by = || entry.author().clone();
        let Some(confirmations) = Confirmations::of(entry.as_signed()) else {
            let notice = Notice::FalseConfirmation { by: by(), reason: "it cannot be read".into() };
            return Ok(self.note(Some(channel.id()), place, notice)?);
        };
        let (mut judge, mut first_false) = (Judge::default(), None);
        for signed in confirmations.as_slice() {
            match self.judge(channel, &mut judge, signed, item.received_at)? {
                Some(Ok(verified)) => self.keep_confirmation(&verified, Some(item.seq))?,
                Some(Err(error)) => first_false = first_false.or(Some(error.to_string())),
                None => {}
            }
        }
        match first_false {
            Some(reason) => {
                let notice = Notice::FalseConfirmation { by: by(), reason };
                Ok(self.note(Some(channel.id()), place, notice)?)
            }
            None => Ok(()),
        }
    }

    /// What this store has verified before is on the record, by an entry that has come to its place.
    pub(super) fn mark_recorded(&mut self, row: &EntryRow) -> Result<(), EngineError> {
        let Some(confirmations) = Confirmations::of(&reload(&row.signed)?) else { return Ok(()) };
        for signed in confirmations.as_slice().iter().map(SignedConfirmation::encode) {
            let rows = self.tx.confirmations(row.channel)?.into_iter();
            for known in rows.filter(|known| known.recorded.is_none() && known.signed == signed) {
                self.tx.put_confirmation(&ConfirmationRow { recorded: Some(row.seq), ..known })?;
            }
        }
        Ok(())
    }
}

/// The entries that a kept confirmation is about.
pub(crate) fn confirmed(row: &ConfirmationRow) -> BTreeSet<Seq> {
    let said =
        SignedConfirmation::decode(&row.signed).and_then(|signed| signed.unverified_confirmation());
    said.map(|said| said.erased.into_iter().map(|(seq, _)| seq).collect()).unwrap_or_default()
}

/// The tombstone that was looked up last: mostly all confirmations of an entry are of one.
#[derive(Default)]
struct Judge {
    tombstone: Option<Seq>,
    known: Option<(StandingTombstone, Holders)>,
}

impl Judge {
    fn of(tombstone: Seq) -> Self {
        Self { tombstone: Some(tombstone), known: None }
    }
}

//! A stranded device asks to be put back, and is: by whoever is there.
//!
//! Whatever welcome it joins by may be a lie of whoever stranded it. So its key packages stay until
//! another member's item shows that the channel is the true one, and a welcome of that very officer
//! is not believed by its word alone.

use enlace_identity::names::DeviceName;
use enlace_log::control::{LeafHash, Stranded};
use enlace_log::{ClientId, Envelope, Generation, ItemKind, Seq};
use zeroize::Zeroizing;

use super::outgoing::Outgoing;
use super::roster::Roster;
use super::state::{BackRequest, ControlEvidence, Missed, Standing, State};
use super::{Channel, ChannelError, Context, SealError};
use crate::history::{HistoryShare, SharedEntries};
use crate::mls::{
    KeyPackageError, KeyPackageReference, ShareError, ShareKey, Suite, delete_key_package,
    generate_key_package, open_share, seal_share, validate_key_package,
};
use crate::policy::Policy;

/// How often a device may be stranded anew while it is not sure that it was put back.
const MAX_REQUESTS: usize = 8;

impl Channel {
    /// Asks the others to put back this device, which is stranded or came along into a next group
    /// without what was written before.
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    pub fn seal_stranded(
        &mut self,
        ctx: &Context<'_>,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        let seat = self.roster.seat(&ctx.device.name).map(|seat| seat.leaf_hash);
        let leaf = self.state.known_leaf().or(seat).ok_or(SealError::NotAMember)?;
        let is_lost = self.state.standing == Standing::Stranded && self.state.has_lost_leaf(None);
        let leaf = Some(leaf).filter(|_| !is_lost);
        let (generation, suite) = (self.state.generation(), self.group.suite());
        let place = Place { generation, suite, leaf };
        let envelope = self.envelope(ctx, ItemKind::Stranded, client_id)?;
        self.ask_back(ctx, &place, envelope)
    }

    /// The same of those in the next group, founded at `succession`, whose welcome this device could
    /// not open ([`Event::LockedOut`]).
    ///
    /// # Errors
    /// [`SealError`]; the transaction is to be abandoned.
    ///
    /// [`Event::LockedOut`]: super::Event::LockedOut
    pub fn seal_stranded_in(
        &mut self,
        ctx: &Context<'_>,
        succession: Seq,
        client_id: ClientId,
    ) -> Result<Outgoing, SealError> {
        let group = self.state.locked_out_at(succession).ok_or(SealError::NotStranded)?;
        let place = Place {
            generation: Generation(group.generation),
            suite: Suite::from_code(group.suite).ok_or(SealError::NotStranded)?,
            leaf: Some(LeafHash(group.leaf))
                .filter(|_| !self.state.has_lost_leaf(Some(succession))),
        };
        let mut envelope = self.envelope(ctx, ItemKind::Stranded, client_id)?;
        envelope.generation = place.generation;
        envelope.last_valid_commit = Some(succession);
        self.ask_back(ctx, &place, envelope)
    }

    /// The groups that this stranded device is in and could not open, by where they were founded.
    pub fn locked_out(&self) -> impl Iterator<Item = Seq> {
        self.state.locked_out()
    }

    /// Whether this device is stranded, and could not open the group that was founded at a position.
    #[must_use]
    pub fn is_locked_out(&self, succession: Seq) -> bool {
        self.state.locked_out_at(succession).is_some()
    }

    /// Gives up what this device has of the group: its store was set back to an older copy, so it may
    /// have used the next keys already. It is stranded, and nothing but another group ends that. `lacks`
    /// says whether it wrote something itself after `since` that it does not have. Whether it is in the
    /// channel.
    ///
    /// # Errors
    /// When the store fails.
    pub fn give_up_keys(
        &mut self,
        ctx: &Context<'_>,
        since: Seq,
        lacks: bool,
    ) -> Result<bool, ChannelError> {
        let is_in = self.state.standing != Standing::Removed;
        if is_in {
            let since = self.state.lacks_since().map_or(since, |lacks| lacks.min(since));
            self.state.strand(since, None);
            // What it asked for before the copy was made may have been carried out.
            if !self.state.requests.is_empty() {
                self.state.lose_leaf(self.state.position().0);
            }
            if lacks {
                self.state.pass_entry();
            }
        }
        self.state.keys_are_spent = is_in;
        self.state.pending = None;
        self.state.save(ctx.store)?;
        Ok(is_in)
    }

    /// Whether this device, whose store was set back, may not know who is in the channel by now: there
    /// was a change that it could not follow, as one of its own is that it has forgotten.
    #[must_use]
    pub fn may_not_know_who_is_in(&self) -> bool {
        self.state.keys_are_spent && self.state.has_passed_commits()
    }

    /// Since which commit this device is stranded, if it is.
    #[must_use]
    pub fn stranded_since(&self) -> Option<Seq> {
        self.state.stranded_since()
    }

    /// After which position this device may lack what was written: it is stranded, or it was, and came along
    /// into a next group. Being put back ends that.
    #[must_use]
    pub fn lacks_since(&self) -> Option<Seq> {
        self.state.lacks_since()
    }

    /// Whether this device was put back by whoever stranded it, and writes nothing before somebody
    /// else's item decrypts.
    #[must_use]
    pub fn awaits_another(&self) -> bool {
        self.standing() == Standing::Provisional && self.state.put_back_by.is_some()
    }

    /// Whether this device was put back, as it had asked, and nothing has confirmed that yet.
    #[must_use]
    pub fn is_back(&self) -> bool {
        self.standing() == Standing::Provisional && !self.state.requests.is_empty()
    }

    /// The devices that asked to be put back and still stand where they did, each with the commit
    /// that it says stranded it.
    pub fn asking_back(&self) -> impl Iterator<Item = (DeviceName, Seq)> {
        let requests = self.state.stranded.values();
        requests.filter_map(|evidence| {
            let stranded = Stranded::decode(&evidence.payload).ok()?;
            Some((stranded.device, stranded.since))
        })
    }

    /// Whether this device was stranded when the log came to a position.
    #[must_use]
    pub fn has_missed(&self, seq: Seq) -> bool {
        self.state.missed.iter().any(|missed| (missed.from..=missed.to).contains(&seq.0))
    }

    /// Seals what a device missed to the key that it named.
    ///
    /// # Errors
    /// [`ShareError`]: nobody can seal to that key.
    pub fn share(
        &self,
        ctx: &Context<'_>,
        (device, share_key): (&DeviceName, &[u8]),
        (from, to): (Seq, Seq),
        entries: &SharedEntries,
    ) -> Result<HistoryShare, ShareError> {
        let purpose = HistoryShare::purpose(self.id(), device, (from, to));
        let suite = self.group.suite();
        let sealed = seal_share(ctx.backend, suite, share_key, &purpose, &entries.encode())?;
        Ok(HistoryShare { device: device.clone(), from, to, sealed })
    }

    /// Opens what a colleague shares with this device; `None` where that is for none of its keys, or
    /// cannot be read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_share(
        &self,
        ctx: &Context<'_>,
        share: &HistoryShare,
    ) -> Result<Option<SharedEntries>, ChannelError> {
        if share.device != ctx.device.name {
            return Ok(None);
        }
        let purpose = HistoryShare::purpose(self.id(), &share.device, (share.from, share.to));
        let suite = self.group.suite();
        for missed in self.state.missed.iter().rev() {
            let key = ctx.store.get(&share_key_at(&LeafHash(missed.leaf)))?.map(Zeroizing::new);
            let open = |key: &[u8]| open_share(ctx.backend, suite, key, &purpose, &share.sealed);
            let opened = key.and_then(|key| open(&key).ok());
            if let Some(entries) = opened.and_then(|bytes| SharedEntries::decode(&bytes).ok()) {
                return Ok(Some(entries));
            }
        }
        Ok(None)
    }

    /// What this device missed and still has the key for: the positions, both included, and the key's
    /// name, for [`Self::forget_share_key`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn share_keys(&self, ctx: &Context<'_>) -> Result<Vec<(Seq, Seq, LeafHash)>, ChannelError> {
        let mut keys = Vec::new();
        for missed in &self.state.missed {
            let leaf = LeafHash(missed.leaf);
            if ctx.store.get(&share_key_at(&leaf))?.map(Zeroizing::new).is_some() {
                keys.push((Seq(missed.from), Seq(missed.to), leaf));
            }
        }
        Ok(keys)
    }

    /// Forgets a key: what was shared under it is read no more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_share_key(&self, ctx: &Context<'_>, leaf: &LeafHash) -> Result<(), ChannelError> {
        Ok(ctx.store.delete(&share_key_at(leaf))?)
    }

    fn ask_back(
        &mut self,
        ctx: &Context<'_>,
        place: &Place,
        envelope: Envelope,
    ) -> Result<Outgoing, SealError> {
        let since = self.state.lacks_since().ok_or(SealError::NotStranded)?;
        // What names no leaf may have been carried out, and its key package is spent then.
        let known = self.state.requests.iter().map(|request| &request.payload);
        let is_good =
            |payload: &&Vec<u8>| place.leaf.is_some() && is_of(payload, place.leaf, since);
        let payload = match known.rev().find(is_good) {
            Some(payload) => payload.clone(),
            None => self.request_anew(ctx, place, since)?,
        };
        let outgoing = Outgoing::seal(envelope, payload, None, ctx.device);
        self.remember(ctx, outgoing)
    }

    fn request_anew(
        &mut self,
        ctx: &Context<'_>,
        place: &Place,
        since: Seq,
    ) -> Result<Vec<u8>, SealError> {
        let (Place { generation, suite, leaf }, device) = (*place, ctx.device);
        let provider = ctx.backend.on(ctx.store);
        let new = generate_key_package(&provider, &device.key, &device.chain, suite, true)?;
        let brings = validate_key_package(ctx.backend, &new.message, suite)?.leaf();
        let share = ShareKey::generate(ctx.backend, suite)?;
        ctx.store.put(&share_key_at(&brings), &share.private)?;
        let payload = Stranded {
            channel: self.id(),
            generation,
            device: device.name.clone(),
            leaf,
            since,
            key_package: new.message,
            share_key: share.public,
        };
        let request = BackRequest {
            payload: payload.encode(),
            leaf: brings.0,
            key_package: new.reference.as_bytes().to_vec(),
        };
        self.state.requests.push(request);
        if self.state.requests.len() > MAX_REQUESTS {
            let oldest = self.state.requests.remove(0);
            oldest.delete_key_package(ctx)?;
        }
        Ok(payload.encode())
    }

    /// Whether an item of `author` says nothing of whether this device was put back into the channel.
    pub(super) fn is_kept_by(&self, author: &DeviceName) -> bool {
        let keeper = self.state.put_back_by.as_ref();
        let keeper = keeper.and_then(|device| device.parse::<DeviceName>().ok());
        keeper.is_some_and(|keeper| keeper.officer() == author.officer())
    }

    /// This device is where all the others are: no other welcome is waited for.
    pub(super) fn end_requests(&mut self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        self.state.put_back_by = None;
        self.state.find_leaf();
        for request in std::mem::take(&mut self.state.requests) {
            request.delete_key_package(ctx)?;
        }
        Ok(())
    }
}

/// In which group a device asks, and which leaf the others know of it there, if it can tell.
#[derive(Clone, Copy)]
struct Place {
    generation: Generation,
    suite: Suite,
    leaf: Option<LeafHash>,
}

impl BackRequest {
    fn delete_key_package(&self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        let reference = KeyPackageReference::from_bytes(self.key_package.clone());
        match delete_key_package(&ctx.backend.on(ctx.store), &reference) {
            Err(KeyPackageError::State(error)) => Err(error.into()),
            // It is gone already.
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl State {
    /// Whether a payload is one of this device's requests to be put back.
    pub(super) fn knows_request(&self, payload: &[u8]) -> bool {
        self.requests.iter().any(|request| request.payload == payload)
    }

    /// Whether a leaf is one with which this device asked to be put back.
    pub(super) fn asked_for(&self, leaf: LeafHash) -> bool {
        self.requests.iter().any(|request| request.leaf == leaf.0)
    }

    /// What remains of a membership when this device is put back by `signer`. Where the author of the
    /// commit that stranded it does that, somebody else's word is waited for, if there is anybody. Others
    /// still ask to be put back, too, and there may be nobody else to do that.
    pub(super) fn put_back(
        &mut self,
        former: &Self,
        known: &Policy,
        signer: &DeviceName,
        (me, present): (&DeviceName, &Roster),
    ) {
        // Where the log has a gap, who came in meanwhile is not known.
        if former.position().0.next() >= self.position().0 {
            self.go_on_since(former.member_since());
        }
        self.requests.clone_from(&former.requests);
        self.missed.clone_from(&former.missed);
        if former.generation == self.generation {
            self.stranded.clone_from(&former.stranded);
            self.forget_requests_but_of(present);
        }
        let guilty = former.stranded_by().filter(|by| by.officer() == signer.officer());
        let could_tell = known.roles().iter().any(|(officer, role)| {
            role.may_write() && officer != signer.officer() && officer != me.officer()
        });
        self.put_back_by = guilty.filter(|_| could_tell).map(|by| by.to_string());
    }

    /// Remembers what was missed, from the commit that the request with that leaf names to the one at
    /// `to`. What was missed longest ago gives way, with its key.
    pub(super) fn note_missed(
        &mut self,
        ctx: &Context<'_>,
        leaf: LeafHash,
        to: Seq,
    ) -> Result<(), ChannelError> {
        let request = self.requests.iter().find(|request| request.leaf == leaf.0);
        let asked = request.and_then(|request| Stranded::decode(&request.payload).ok());
        if let Some(asked) = asked {
            self.missed.push(Missed { from: asked.since.0, to: to.0, leaf: leaf.0 });
        }
        if self.missed.len() > MAX_REQUESTS {
            let oldest = self.missed.remove(0);
            ctx.store.delete(&share_key_at(&LeafHash(oldest.leaf)))?;
        }
        Ok(())
    }

    /// A request is by the leaf that its author had then. Who named none asks again.
    pub(super) fn forget_requests_but_of(&mut self, present: &Roster) {
        self.stranded.retain(|device, evidence| {
            let seat = device.parse().ok().and_then(|device| present.seat(&device));
            let leaf = Stranded::decode(&evidence.payload).ok().and_then(|asked| asked.leaf);
            leaf.is_some_and(|leaf| seat.is_some_and(|seat| seat.leaf_hash == leaf))
        });
    }

    /// Whether the log up to the commit that puts this device back comes first: what others wrote
    /// meanwhile is verified by it.
    pub(super) fn reads_on_to(&self, seq: Seq, log_has_ended: bool) -> bool {
        self.standing == Standing::Stranded && self.position().0 < seq && !log_has_ended
    }
}

impl ControlEvidence {
    /// Keeps an item as evidence.
    pub(super) fn of(item: &enlace_log::Item) -> Self {
        Self {
            envelope: item.sealed.envelope_bytes().to_vec(),
            outer_signature: item.sealed.outer_signature().as_bytes().to_vec(),
            payload: item.sealed.payload().map(|p| p.to_vec()).unwrap_or_default(),
        }
    }
}

fn is_of(payload: &[u8], leaf: Option<LeafHash>, since: Seq) -> bool {
    Stranded::decode(payload).is_ok_and(|request| (request.leaf, request.since) == (leaf, since))
}

fn share_key_at(leaf: &LeafHash) -> Vec<u8> {
    [b"share-key/", &leaf.0[..]].concat()
}

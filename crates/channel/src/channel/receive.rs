//! Handling an item of the log: what it holds is let in whole, or leaves no trace.

use enlace_log::control::{Contest, Leave};
use enlace_log::envelope::quoted_head_in_aad;
use enlace_log::{ClientId, Envelope, Item, ItemKind};

use super::roster::{Roster, Seat};
use super::state::{LeaveEvidence, Standing};
use super::{Channel, ChannelError, Context, Culprit, Event};
use crate::entry::{UnverifiedEntry, VerifiedEntry};
use crate::mls::{
    CommitError, GroupError, LeafIndex, ProcessError, Processed, StagedCommit, VoidReason,
};
use crate::policy::Policy;
use crate::rules::{self, Act, JudgeError};

/// Why an item is not let in: everybody who can decrypt it says so alike.
#[derive(Debug)]
struct Refused {
    reason: String,
    /// Whether the member's own signature is on what is refused.
    signed: bool,
}

impl Refused {
    fn signed(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), signed: true }
    }

    fn unsigned(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), signed: false }
    }
}

/// What came of an attempt that may be rolled back.
enum Attempt<T> {
    Done(T),
    Refused(Refused),
    Stranded,
}

impl Channel {
    /// Handles one item whose position, chain and signed head the caller has verified. Items come
    /// in order, each once.
    ///
    /// # Errors
    /// When the store fails or is damaged, or something is missing without which nobody can judge
    /// the item: abandon the transaction and load the channel anew.
    pub fn handle_item(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
    ) -> Result<Vec<Event>, ChannelError> {
        if self.state.standing == Standing::Removed {
            return Ok(Vec::new());
        }
        if let Some(own) = self.state.take_own(item.sealed.envelope_bytes()) {
            return match item.sealed.envelope().kind {
                ItemKind::Commit => self.handle_own_commit(ctx, item, own),
                ItemKind::Entry => Ok(vec![self.handle_own_entry(item, own)]),
                ItemKind::Leave => {
                    self.state.forget(own);
                    Ok(self.handle_leave(item))
                }
                _ => {
                    self.state.forget(own);
                    Ok(vec![Event::OwnEntry(own)])
                }
            };
        }
        match item.sealed.envelope().kind {
            ItemKind::Entry => self.handle_entry(ctx, item),
            ItemKind::Commit => self.handle_commit(ctx, item),
            ItemKind::Leave => Ok(self.handle_leave(item)),
            ItemKind::Contest => Ok(self.handle_contest(item)),
            ItemKind::Stranded | ItemKind::HubStatement => Ok(vec![Event::NeedsNewerVersion]),
        }
    }

    fn handle_entry(&mut self, ctx: &Context<'_>, item: &Item) -> Result<Vec<Event>, ChannelError> {
        let Some(payload) = item.sealed.payload() else {
            return Ok(vec![unreadable(item, Refused::unsigned("its content was erased"))]);
        };
        ctx.store.savepoint()?;
        let attempt = match self.group.process(&ctx.backend.on(ctx.store), payload) {
            Ok(Processed::Application { sender, aad, plaintext }) => {
                match self.open_entry(item, sender.leaf, &aad, &plaintext) {
                    Ok(entry) => Attempt::Done(entry),
                    Err(refused) => Attempt::Refused(refused),
                }
            }
            Ok(Processed::Commit(_)) => Attempt::Refused(Refused::unsigned("it holds a commit")),
            Ok(Processed::OwnMessage) => {
                Attempt::Refused(Refused::unsigned("it claims to be this device's own"))
            }
            Err(error) => refused(error)?,
        };
        match attempt {
            Attempt::Done(entry) => {
                ctx.store.release()?;
                let mut events = self.another_members_item_decrypted(item);
                if let Some(quoted) = &entry.header().known_head {
                    events.extend(self.check_quote(ctx, &entry.header().author, quoted));
                }
                events.push(Event::Entry(Box::new(entry)));
                Ok(events)
            }
            Attempt::Refused(refused) => {
                self.leave_no_trace(ctx)?;
                Ok(vec![unreadable(item, refused)])
            }
            Attempt::Stranded => {
                self.leave_no_trace(ctx)?;
                Ok(vec![unreadable(item, Refused::unsigned("it cannot be decrypted"))])
            }
        }
    }

    fn open_entry(
        &self,
        item: &Item,
        sender: LeafIndex,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<VerifiedEntry, Refused> {
        let envelope = item.sealed.envelope();
        let roster = &self.roster;
        if roster.device_at(sender) != Some(&envelope.device) {
            return Err(Refused::unsigned("the envelope names another device than its sender"));
        }
        if aad != envelope.aad(None) {
            return Err(Refused::unsigned("the envelope is not the one that its sender encrypted"));
        }
        self.check_place(envelope)?;
        let seat = roster.seat(&envelope.device).ok_or_else(|| Refused::unsigned("no member"))?;
        rules::judge_author(&self.policy, &envelope.device).map_err(Refused::signed)?;
        let entry = UnverifiedEntry::decode(plaintext).map_err(Refused::signed)?;
        entry.verify(envelope, &envelope.device, &seat.key).map_err(Refused::signed)
    }

    /// An own entry counts when it stands where the others can read it: a relay that keeps one
    /// back and takes it in after the group has moved on has lost it, and it is sealed again.
    fn handle_own_entry(&mut self, item: &Item, own: ClientId) -> Event {
        match self.check_place(item.sealed.envelope()) {
            Ok(()) => {
                self.state.forget(own);
                Event::OwnEntry(own)
            }
            Err(refused) => unreadable(item, refused),
        }
    }

    /// Whether an entry stands in the state of the channel that it was made for.
    fn check_place(&self, envelope: &Envelope) -> Result<(), Refused> {
        if envelope.fence != self.state.fence() {
            return Err(Refused::unsigned("the relay took it in after the channel had changed"));
        }
        if envelope.last_valid_commit != self.state.last_valid() {
            return Err(Refused::signed("it names another change as the last valid one"));
        }
        Ok(())
    }

    fn handle_commit(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
    ) -> Result<Vec<Event>, ChannelError> {
        let mut events = Vec::new();
        if self.state.standing == Standing::Stranded && !self.may_end_stranding(item) {
            self.state.pass_commit(item.seq, false);
            return Ok(events);
        }
        ctx.store.savepoint()?;
        match self.judge_commit(ctx, item)? {
            Attempt::Done((staged, acts)) => {
                events.extend(self.merge(ctx, item, staged, acts)?);
                ctx.store.release()?;
            }
            Attempt::Refused(refused) => {
                self.leave_no_trace(ctx)?;
                events.extend(self.void(ctx, item, refused)?);
            }
            Attempt::Stranded => {
                self.leave_no_trace(ctx)?;
                events.extend(self.strand(ctx, item)?);
            }
        }
        Ok(events)
    }

    /// A commit counts for others, and this device cannot follow.
    fn strand(&mut self, ctx: &Context<'_>, item: &Item) -> Result<Vec<Event>, ChannelError> {
        let by = item.sealed.envelope().device.clone();
        let mut events = self.lose_pending(ctx)?;
        self.state.strand(&by);
        self.state.pass_commit(item.seq, false);
        events.push(Event::Stranded { by });
        if self.may_have_dropped_this_device(ctx, item) {
            events.push(Event::ContestDue(item.seq));
        }
        Ok(events)
    }

    /// Decrypts a commit and decides on it, as a pure function of group and item.
    fn judge_commit(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
    ) -> Result<Attempt<(StagedCommit, Vec<Act>)>, ChannelError> {
        let envelope = item.sealed.envelope();
        let seat = match self.check_commits_envelope(item) {
            Ok(seat) => seat,
            Err(refused) => return Ok(Attempt::Refused(refused)),
        };
        let Some(payload) = item.sealed.payload() else {
            return Err(ChannelError::CommitErased(item.seq));
        };
        let staged = match self.group.process(&ctx.backend.on(ctx.store), payload) {
            Ok(Processed::Commit(staged)) => *staged,
            Ok(Processed::Application { .. }) => {
                return Ok(Attempt::Refused(Refused::signed("it holds an entry")));
            }
            // Signed by this device, for the present state: the others can merge it, and what is
            // needed to merge it here is gone.
            Ok(Processed::OwnMessage) if envelope.device == ctx.device.name => {
                return Ok(Attempt::Stranded);
            }
            Ok(Processed::OwnMessage) => {
                return Ok(Attempt::Refused(Refused::signed("it claims to be of this device")));
            }
            Err(error) => {
                return Ok(match refused(error)? {
                    Attempt::Refused(refused) => Attempt::Refused(Refused::signed(refused.reason)),
                    other => other,
                });
            }
        };
        if staged.details.sender != seat.leaf {
            return Ok(Attempt::Refused(Refused::signed(
                "the envelope names another device than the commit's author",
            )));
        }
        if let Err(reason) = quoted_head_in_aad(envelope, &staged.aad) {
            return Ok(Attempt::Refused(Refused::signed(format!(
                "the envelope is not the one that its author encrypted: {reason}"
            ))));
        }
        let after = Roster::of(&staged.details.after);
        if after.is_none_or(|after| after.list().hash() != envelope.list_hash) {
            return Ok(Attempt::Refused(Refused::signed(
                "its device list is not the one of the group after it",
            )));
        }
        match rules::judge(ctx.bundle, &staged.details, envelope, item.received_at) {
            Ok(acts) => Ok(Attempt::Done((staged, acts))),
            Err(JudgeError::Void(void)) => Ok(Attempt::Refused(Refused::signed(void))),
            Err(JudgeError::BundleMissing(hash)) => Err(ChannelError::BundleMissing(hash)),
        }
    }

    /// What can be said of a commit before it is decrypted: that its author's signature is on the
    /// whole envelope, and that it was made for this state of the channel. The list change beside
    /// it is the relay's business: neither the chain nor a signature covers it.
    fn check_commits_envelope(&self, item: &Item) -> Result<Seat, Refused> {
        let envelope = item.sealed.envelope();
        let seat = self
            .roster
            .seat(&envelope.device)
            .ok_or_else(|| Refused::unsigned("its author is not a member"))?;
        let bytes = item.sealed.envelope_bytes();
        if !item.sealed.outer_signature().verify(bytes, &seat.key) {
            return Err(Refused::unsigned("the signature round it is not its author's"));
        }
        if envelope.generation != self.state.generation()
            || envelope.fence != self.state.fence()
            || envelope.last_valid_commit != self.state.last_valid()
        {
            return Err(Refused::signed("it was made for another state of the channel"));
        }
        Ok(seat.clone())
    }

    fn merge(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        staged: StagedCommit,
        acts: Vec<Act>,
    ) -> Result<Vec<Event>, ChannelError> {
        let by = item.sealed.envelope().device.clone();
        let quoted = quoted_head_in_aad(item.sealed.envelope(), &staged.aad).ok().flatten();
        let removed = staged.details.removes_self;
        self.group.merge_staged(&ctx.backend.on(ctx.store), staged)?;
        let mut events = self.lose_pending(ctx)?;
        events.extend(self.another_members_item_decrypted(item));
        self.state.pass_commit(item.seq, true);
        if removed {
            self.state.standing = Standing::Removed;
            events.push(Event::Changed { by: by.clone(), acts, own: None });
            events.push(Event::Removed { by });
            return Ok(events);
        }
        self.refresh()?;
        if let Some(quoted) = quoted {
            events.extend(self.check_quote(ctx, &by, &quoted));
        }
        events.push(Event::Changed { by, acts, own: None });
        Ok(events)
    }

    /// An own commit has its place: it is judged once more, signature and all, with the hub's
    /// time, like everybody else judges it.
    fn handle_own_commit(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        own: ClientId,
    ) -> Result<Vec<Event>, ChannelError> {
        self.state.forget(own);
        if let Err(refused) = self.check_commits_envelope(item) {
            return self.void(ctx, item, refused);
        }
        let Some(verdict) = self.judge_pending(ctx, item)? else {
            return self.strand(ctx, item);
        };
        match verdict {
            Ok(acts) => {
                self.group.merge_pending(&ctx.backend.on(ctx.store))?;
                let own = self.state.pending.take().map(|pending| pending.client_id());
                self.state.own_messages_since_update = 0;
                self.state.pass_commit(item.seq, true);
                self.refresh()?;
                let by = item.sealed.envelope().device.clone();
                Ok(vec![Event::Changed { by, acts, own }])
            }
            Err(refused) => self.void(ctx, item, refused),
        }
    }

    /// The verdict on the pending commit; `None` when there is none any more.
    fn judge_pending(
        &self,
        ctx: &Context<'_>,
        item: &Item,
    ) -> Result<Option<Result<Vec<Act>, Refused>>, ChannelError> {
        let envelope = item.sealed.envelope();
        let details = match self.group.pending_details(&ctx.backend.on(ctx.store)) {
            Ok(Some(details)) => details,
            Ok(None) => return Ok(None),
            Err(CommitError::State(error)) => return Err(error.into()),
            Err(error) => return Ok(Some(Err(Refused::signed(error)))),
        };
        if envelope.fence.is_none() {
            return Ok(Some(Ok(Vec::new())));
        }
        match rules::judge(ctx.bundle, &details, envelope, item.received_at) {
            Ok(acts) => Ok(Some(Ok(acts))),
            Err(JudgeError::Void(void)) => Ok(Some(Err(Refused::signed(void)))),
            Err(JudgeError::BundleMissing(hash)) => Err(ChannelError::BundleMissing(hash)),
        }
    }

    /// A commit item that changes nothing but the fence.
    fn void(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        refused: Refused,
    ) -> Result<Vec<Event>, ChannelError> {
        let author = culprit(item, &refused);
        let mut events = vec![Event::Void { author, reason: refused.reason }];
        events.extend(self.lose_pending(ctx)?);
        self.state.pass_commit(item.seq, false);
        if self.may_have_dropped_this_device(ctx, item) {
            events.push(Event::ContestDue(item.seq));
        }
        Ok(events)
    }

    /// Whether the list that a relay takes from a void commit may lack this device. Its author can
    /// begin at an old list, or the relay keep the change to itself: only what hashes to the signed
    /// list shows that this device is still on it.
    fn may_have_dropped_this_device(&self, ctx: &Context<'_>, item: &Item) -> bool {
        let envelope = item.sealed.envelope();
        let present = self.roster.list();
        if envelope.list_hash == present.hash() {
            return false;
        }
        let change = item.sealed.list_change();
        let change = change.filter(|_| envelope.last_valid_commit == self.state.last_valid());
        let list = change.and_then(|change| present.apply(change).ok());
        let list = list.filter(|list| list.hash() == envelope.list_hash);
        list.is_none_or(|list| !list.contains(&ctx.device.name))
    }

    /// Whatever commit item came, a pending commit with an older fence gets no place any more.
    fn lose_pending(&mut self, ctx: &Context<'_>) -> Result<Vec<Event>, ChannelError> {
        let Some(pending) = self.state.pending.take() else { return Ok(Vec::new()) };
        self.group.clear_pending(&ctx.backend.on(ctx.store))?;
        self.state.forget(pending.client_id());
        Ok(vec![Event::CommitLost(pending.client_id())])
    }

    fn handle_leave(&mut self, item: &Item) -> Vec<Event> {
        let envelope = item.sealed.envelope();
        let wish = self.verified_control(item).and_then(|(seat, payload)| {
            let leave = Leave::decode(payload).map_err(Refused::signed)?;
            let fits = leave.channel == self.id()
                && leave.generation == self.state.generation()
                && leave.device == envelope.device
                && leave.leaf == seat.leaf_hash;
            if fits { Ok(()) } else { Err(Refused::signed("it does not fit its author")) }
        });
        if let Err(refused) = wish {
            return vec![unreadable(item, refused)];
        }
        let evidence = LeaveEvidence {
            envelope: item.sealed.envelope_bytes().to_vec(),
            outer_signature: item.sealed.outer_signature().as_bytes().to_vec(),
            payload: item.sealed.payload().map(|p| p.to_vec()).unwrap_or_default(),
        };
        self.state.leaving.insert(envelope.device.to_string(), evidence);
        vec![Event::LeaveRequested(envelope.device.clone())]
    }

    fn handle_contest(&mut self, item: &Item) -> Vec<Event> {
        let contest = self.verified_control(item).and_then(|(_, payload)| {
            let contest = Contest::decode(payload).map_err(Refused::signed)?;
            let fits = contest.channel == self.id()
                && contest.generation == self.state.generation()
                && contest.commit < item.seq;
            if fits { Ok(contest) } else { Err(Refused::signed("it does not fit the channel")) }
        });
        match contest {
            Ok(contest) => vec![Event::Contested {
                by: item.sealed.envelope().device.clone(),
                commit: contest.commit,
            }],
            Err(refused) => vec![unreadable(item, refused)],
        }
    }

    /// A control item whose outer signature is a present member's.
    fn verified_control<'i>(&self, item: &'i Item) -> Result<(Seat, &'i [u8]), Refused> {
        let device = &item.sealed.envelope().device;
        let seat = self.roster.seat(device);
        let seat = seat.ok_or_else(|| Refused::unsigned("no member wrote it"))?;
        let bytes = item.sealed.envelope_bytes();
        if !item.sealed.outer_signature().verify(bytes, &seat.key) {
            return Err(Refused::unsigned("the signature round it is not its author's"));
        }
        let payload = item.sealed.payload();
        let payload = payload.ok_or_else(|| Refused::signed("its content was erased"))?;
        Ok((seat.clone(), payload))
    }

    fn another_members_item_decrypted(&mut self, item: &Item) -> Vec<Event> {
        let event = match self.state.standing {
            Standing::Provisional => Event::Confirmed,
            Standing::Stranded if self.may_end_stranding(item) => Event::Resumed,
            Standing::Stranded | Standing::Member | Standing::Removed => return Vec::new(),
        };
        self.state.standing = Standing::Member;
        self.state.stranded_by = None;
        vec![event]
    }

    /// Whether an item, if this device can read it, shows that the commit that stranded it counts
    /// for nobody. The word of that commit's author is worth nothing here: whoever leaves a device
    /// behind could go on talking to it alone.
    fn may_end_stranding(&self, item: &Item) -> bool {
        let author = item.sealed.envelope().device.officer();
        let payload = item.sealed.payload();
        let info = payload.map(|payload| crate::mls::message_info(payload));
        matches!(info, Some(Ok(info)) if info.epoch == self.group.epoch())
            && self.state.stranded_by().is_none_or(|by| by.officer() != author)
    }

    fn leave_no_trace(&mut self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        ctx.store.rollback()?;
        Ok(self.group.reload(&ctx.backend.on(ctx.store))?)
    }

    /// After a merge: the policy anew, and wishes to leave only of those who are still there with
    /// the leaf they wrote of.
    fn refresh(&mut self) -> Result<(), ChannelError> {
        self.policy = Policy::decode(self.group.policy()?)?;
        self.roster = Roster::of(&self.group.view()?).ok_or(GroupError::Foreign)?;
        let roster = &self.roster;
        self.state.leaving.retain(|device, evidence| {
            let leave = Leave::decode(&evidence.payload).ok();
            let seat = device.parse().ok().and_then(|device| roster.seat(&device));
            matches!((leave, seat), (Some(leave), Some(seat)) if leave.leaf == seat.leaf_hash)
        });
        Ok(())
    }
}

/// Sorts an error of decryption: the peer's fault, this device's secrets, or the store's failure.
fn refused<T>(error: ProcessError) -> Result<Attempt<T>, ChannelError> {
    match error {
        ProcessError::Void(reason) => Ok(Attempt::Refused(Refused::unsigned(describe(&reason)))),
        ProcessError::Stranded => Ok(Attempt::Stranded),
        ProcessError::NotAMember => Ok(Attempt::Refused(Refused::unsigned("no member any more"))),
        ProcessError::State(error) => Err(error.into()),
    }
}

fn describe(reason: &VoidReason) -> String {
    match std::error::Error::source(reason) {
        Some(source) => format!("{reason}: {source}"),
        None => reason.to_string(),
    }
}

fn culprit(item: &Item, refused: &Refused) -> Culprit {
    let device = item.sealed.envelope().device.clone();
    if refused.signed { Culprit::Member(device) } else { Culprit::ByRelaysWord(device) }
}

fn unreadable(item: &Item, refused: Refused) -> Event {
    Event::Unreadable { author: culprit(item, &refused), reason: refused.reason }
}

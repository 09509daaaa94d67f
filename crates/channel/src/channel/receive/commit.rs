//! Commits: judged by everybody alike, then merged, or void without a trace.

use enlace_identity::names::DeviceName;
use enlace_log::control::Leave;
use enlace_log::envelope::quoted_head_in_aad;
use enlace_log::{ClientId, Item};

use super::{Attempt, Refused, culprit, refused};
use crate::channel::roster::{Roster, Seat};
use crate::channel::state::Standing;
use crate::channel::{Channel, ChannelError, Context, Event};
use crate::mls::{CommitError, GroupError, Processed, StagedCommit};
use crate::policy::Policy;
use crate::rules::{Act, JudgeError};

impl Channel {
    pub(super) fn handle_commit(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
    ) -> Result<Vec<Event>, ChannelError> {
        let mut events = Vec::new();
        if self.state.standing == Standing::Stranded && !self.may_end_stranding(item, author) {
            self.state.pass_commit(item.seq, false);
            if self.is_own_word(ctx, item) {
                self.state.lose_leaf(item.seq);
            }
            events.extend(self.state.has_lost_leaf(None).then_some(Event::RequestLapsed));
            return Ok(events);
        }
        ctx.store.savepoint()?;
        match self.judge_commit(ctx, item, author)? {
            Attempt::Done((staged, acts)) => {
                events.extend(self.merge(ctx, item, author, staged, acts)?);
                ctx.store.release()?;
            }
            Attempt::Refused(refused) => {
                self.leave_no_trace(ctx)?;
                events.extend(self.void(ctx, item, author, refused)?);
            }
            Attempt::Stranded => {
                self.leave_no_trace(ctx)?;
                events.extend(self.strand(ctx, item, author)?);
            }
        }
        Ok(events)
    }

    /// A commit counts for others, and this device cannot follow.
    pub(super) fn strand(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
    ) -> Result<Vec<Event>, ChannelError> {
        let mut events = self.lose_pending(ctx)?;
        self.state.strand(item.seq, Some(author));
        self.state.pass_commit(item.seq, false);
        if self.is_own_word(ctx, item) {
            self.state.lose_leaf(item.seq);
        }
        events.push(Event::Stranded { by: author.clone() });
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
        author: &DeviceName,
    ) -> Result<Attempt<(StagedCommit, Vec<Act>)>, ChannelError> {
        let envelope = item.sealed.envelope();
        let seat = match self.check_commits_envelope(item, author) {
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
            Ok(Processed::OwnMessage) if *author == ctx.device.name => {
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
        match self.judge(ctx, &staged.details, envelope, item.received_at) {
            Ok(acts) => Ok(Attempt::Done((staged, acts))),
            Err(JudgeError::Void(void)) => Ok(Attempt::Refused(Refused::signed(void))),
            Err(JudgeError::BundleMissing(hash)) => Err(ChannelError::BundleMissing(hash)),
        }
    }

    /// What can be said of a commit before it is decrypted: that its author's signature is on the
    /// whole envelope, and that it was made for this state of the channel. The list change beside
    /// it is the relay's business: neither the chain nor a signature covers it.
    fn check_commits_envelope(&self, item: &Item, author: &DeviceName) -> Result<Seat, Refused> {
        let envelope = item.sealed.envelope();
        let seat = self.signed_seat(item, author)?;
        if envelope.generation != self.state.generation()
            || envelope.fence != self.state.fence()
            || envelope.last_valid_commit != self.state.last_valid()
        {
            return Err(Refused::signed("it was made for another state of the channel"));
        }
        Ok(seat)
    }

    /// The author's place in the group, whose key has signed the whole envelope.
    pub(super) fn signed_seat(&self, item: &Item, author: &DeviceName) -> Result<Seat, Refused> {
        let seat = self.roster.seat(author);
        let seat = seat.ok_or_else(|| Refused::unsigned("its author is not a member"))?;
        let bytes = item.sealed.envelope_bytes();
        if item.sealed.outer_signature().verify(bytes, &seat.key) {
            Ok(seat.clone())
        } else {
            Err(Refused::unsigned("the signature round it is not its author's"))
        }
    }

    fn merge(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        staged: StagedCommit,
        acts: Vec<Act>,
    ) -> Result<Vec<Event>, ChannelError> {
        let by = author.clone();
        let quoted = quoted_head_in_aad(item.sealed.envelope(), &staged.aad).ok().flatten();
        let removed = staged.details.removes_self;
        let evidence = staged.details.evidence.clone();
        self.group.merge_staged(&ctx.backend.on(ctx.store), staged)?;
        let mut events = self.lose_pending(ctx)?;
        if acts
            .iter()
            .any(|act| matches!(act, Act::PutBack { device, .. } if *device == ctx.device.name))
        {
            // Its own welcome comes with this very commit; the group as it is here has ended.
            self.state.strand(item.seq, None);
            self.state.lose_leaf(item.seq);
            self.state.keys_are_spent = true;
            self.state.pass_commit(item.seq, false);
            return Ok(events);
        }
        events.extend(self.another_members_item_decrypted(ctx, author)?);
        self.state.pass_commit(item.seq, true);
        if removed {
            self.state.standing = Standing::Removed;
            events.push(Event::Changed { by: by.clone(), acts, own: None });
            events.push(Event::Removed { by });
            return Ok(events);
        }
        self.refresh()?;
        events.extend(self.learn_bundles(ctx, &evidence));
        if let Some(quoted) = quoted {
            events.extend(self.check_quote(ctx, &by, &quoted));
        }
        events.push(Event::Changed { by, acts, own: None });
        Ok(events)
    }

    /// An own commit has its place: it is judged once more, signature and all, with the hub's
    /// time, like everybody else judges it.
    pub(super) fn handle_own_commit(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        own: ClientId,
    ) -> Result<Vec<Event>, ChannelError> {
        self.state.forget(own);
        if let Err(refused) = self.check_commits_envelope(item, author) {
            return self.void(ctx, item, author, refused);
        }
        let Some(verdict) = self.judge_pending(ctx, item)? else {
            return self.strand(ctx, item, author);
        };
        match verdict {
            Ok(acts) => {
                if let Some(seat) = self.roster.seat(author) {
                    self.state.leave_leaf(item.seq, seat.leaf_hash);
                }
                self.group.merge_pending(&ctx.backend.on(ctx.store))?;
                let own = self.state.pending.take().map(|pending| pending.client_id());
                self.state.own_messages_since_update = 0;
                self.state.pass_commit(item.seq, true);
                self.refresh()?;
                if acts.iter().any(|act| matches!(act, Act::BundleChanged { .. })) {
                    self.learned = Some(self.newest_bundle(ctx).clone());
                }
                Ok(vec![Event::Changed { by: author.clone(), acts, own }])
            }
            Err(refused) => self.void(ctx, item, author, refused),
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
        match self.judge(ctx, &details, envelope, item.received_at) {
            Ok(acts) => Ok(Some(Ok(acts))),
            Err(JudgeError::Void(void)) => Ok(Some(Err(Refused::signed(void)))),
            Err(JudgeError::BundleMissing(hash)) => Err(ChannelError::BundleMissing(hash)),
        }
    }

    /// A commit item that changes nothing but the fence.
    pub(super) fn void(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        refused: Refused,
    ) -> Result<Vec<Event>, ChannelError> {
        let author = culprit(author, &refused);
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
    pub(super) fn lose_pending(&mut self, ctx: &Context<'_>) -> Result<Vec<Event>, ChannelError> {
        Ok(self.drop_pending(ctx)?.map(Event::CommitLost).into_iter().collect())
    }

    /// After a merge: the policy anew, and wishes only of those who are still there with the leaf
    /// they wrote of. Who named none asks again.
    pub(super) fn refresh(&mut self) -> Result<(), ChannelError> {
        self.policy = Policy::decode(self.group.policy()?)?;
        self.roster = Roster::of(&self.group.view()?).ok_or(GroupError::Foreign)?;
        let roster = &self.roster;
        self.state.leaving.retain(|device, evidence| {
            let seat = device.parse().ok().and_then(|device| roster.seat(&device));
            let leave = Leave::decode(&evidence.payload);
            leave.is_ok_and(|leave| seat.is_some_and(|seat| seat.leaf_hash == leave.leaf))
        });
        self.state.forget_requests_but_of(roster);
        Ok(())
    }
}

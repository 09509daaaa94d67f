//! Successions: the next group is opened, judged by everybody alike beside the present one, and
//! taken in its place, or void without a trace.

use enlace_identity::names::DeviceName;
use enlace_log::{ClientId, Item, Succession};

use super::{Attempt, Refused, describe};
use crate::channel::roster::{Roster, Seat};
use crate::channel::state::{LockedOut, Standing};
use crate::channel::{Channel, ChannelError, Context, Event, group_id};
use crate::mls::{self, Group, JoinError, Suite};
use crate::policy::{Policy, Role};
use crate::rules::{self, Act, JudgeError};

/// A group that is to take the present one's place.
type Next = (Group, Vec<Act>);

impl Channel {
    pub(super) fn handle_succession(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
    ) -> Result<Vec<Event>, ChannelError> {
        if self.is_stranded_by(author) {
            self.state.pass_commit(item.seq, false);
            let mut events = self.note_left_out(ctx, item, author);
            events.extend(self.note_locked_out(ctx, item, author));
            return Ok(events);
        }
        ctx.store.savepoint()?;
        match self.open_succession(ctx, item, author)? {
            Attempt::Done((group, acts)) => {
                // What this device had founded itself is gone already, what it had committed goes now.
                let lost = self.state.pending.take().map(|pending| pending.client_id());
                lost.into_iter().for_each(|client_id| self.state.forget(client_id));
                let mut events: Vec<_> = lost.map(Event::CommitLost).into_iter().collect();
                events.extend(self.take_over(ctx, item, author, group, acts, None)?);
                ctx.store.release()?;
                Ok(events)
            }
            // Who has lost step can accuse nobody of what it cannot follow.
            attempt if self.state.standing == Standing::Stranded => {
                self.leave_no_trace(ctx)?;
                self.state.pass_commit(item.seq, false);
                let mut events = self.lose_pending(ctx)?;
                if matches!(attempt, Attempt::Stranded) {
                    events.extend(self.note_left_out(ctx, item, author));
                    events.extend(self.note_locked_out(ctx, item, author));
                }
                Ok(events)
            }
            Attempt::Refused(refused) => {
                self.leave_no_trace(ctx)?;
                self.void(ctx, item, author, refused)
            }
            Attempt::Stranded => {
                self.leave_no_trace(ctx)?;
                if let Err(void) = self.judge_unopened(item, author) {
                    return self.void(ctx, item, author, Refused::signed(void));
                }
                let mut events = self.strand(ctx, item, author)?;
                let left_out = self.note_left_out(ctx, item, author);
                if !left_out.is_empty() {
                    let is_said = |event: &Event| {
                        matches!(event, Event::Stranded { .. } | Event::ContestDue(_))
                    };
                    events.retain(|event| !is_said(event));
                    events.extend(left_out);
                }
                events.extend(self.note_locked_out(ctx, item, author));
                Ok(events)
            }
        }
    }

    /// Remembers the leaf that this device has in the next group, by its founder's signature: with that
    /// it asks to be put back. A false one voids the founding for all who can open it.
    fn note_locked_out(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
    ) -> Vec<Event> {
        let is_signed = self.signed_seat(item, author).is_ok();
        let told = told(item).filter(|told| is_signed && self.follows_on(item, told));
        let Some(told) = told else { return Vec::new() };
        let Some(leaf) = told.leaves.get(&ctx.device.name) else { return Vec::new() };
        let group = LockedOut {
            seq: item.seq.0,
            generation: told.generation.0,
            suite: told.suite,
            leaf: leaf.0,
        };
        let is_usable = Suite::from_code(told.suite).is_some();
        let is_news = is_usable && self.state.lock_out(group);
        is_news.then_some(Event::LockedOut { succession: item.seq }).into_iter().collect()
    }

    /// Whether a founding is of this channel, and of the generation after its envelope's.
    fn follows_on(&self, item: &Item, told: &Succession) -> bool {
        let before = item.sealed.envelope().generation.0;
        told.channel == self.id() && told.generation.0.checked_sub(1) == Some(before)
    }

    /// What the founder's signature says of who is in a group that this device cannot open.
    fn judge_unopened(&self, item: &Item, author: &DeviceName) -> Result<(), rules::Void> {
        let Some(told) = told(item) else { return Ok(()) };
        let (devices, list_hash) = (self.roster.list(), item.sealed.envelope().list_hash);
        rules::judge_unopened(&self.policy, &devices, author, &told, list_hash, item.received_at)
    }

    /// Whether the next group is without this device, by its founder's signature: it objects. Where the
    /// owner goes on without its whole authority it is out, or not: it cannot see whether that counts.
    fn note_left_out(&mut self, ctx: &Context<'_>, item: &Item, author: &DeviceName) -> Vec<Event> {
        let is_signed = self.signed_seat(item, author).is_ok();
        let told = told(item).filter(|told| is_signed && self.follows_on(item, told));
        let list = told.and_then(|told| rules::listed(&told, item.sealed.envelope().list_hash));
        let me = &ctx.device.name;
        let Some(list) = list.filter(|list| !list.contains(me)) else { return Vec::new() };
        let objection = Event::ContestDue(item.seq);
        let is_colleague = |device: &DeviceName| self.policy.are_one(device.domain(), me.domain());
        let role = self.policy.role_at(author.officer(), item.received_at);
        if role != Some(Role::Owner) || list.iter().any(is_colleague) {
            return vec![objection];
        }
        self.state.put_out(item.seq, author);
        vec![Event::LeftOut { by: author.clone() }, objection]
    }

    /// An own succession has its place: it is judged once more, with the hub's time.
    pub(super) fn handle_own_succession(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        own: ClientId,
    ) -> Result<Vec<Event>, ChannelError> {
        self.state.forget(own);
        if let Err(refused) = self.check_founders_envelope(item, author) {
            return self.void(ctx, item, author, refused);
        }
        let Some(group) = self.founded(ctx)? else { return self.strand(ctx, item, author) };
        let payload = item.sealed.payload().ok_or(ChannelError::CommitErased(item.seq))?;
        let succession = match Succession::decode(payload) {
            Ok(succession) => succession,
            Err(error) => return self.void(ctx, item, author, Refused::signed(error)),
        };
        match self.judge_next(ctx, item, author, &succession, &group)? {
            Ok(acts) => {
                self.state.pending = None;
                self.take_over(ctx, item, author, group, acts, Some(own))
            }
            Err(refused) => self.void(ctx, item, author, refused),
        }
    }

    /// Whether this device waits for somebody else's word, because an officer has left it behind.
    fn is_stranded_by(&self, author: &DeviceName) -> bool {
        self.state.standing == Standing::Stranded
            && self.state.stranded_by().is_some_and(|by| by.officer() == author.officer())
    }

    /// Opens the group that is founded. What fails before it is known to be the one that all the
    /// others see depends on this device's secrets, or on what its author has encrypted to it.
    fn open_succession(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
    ) -> Result<Attempt<Next>, ChannelError> {
        if let Err(refused) = self.check_founders_envelope(item, author) {
            return Ok(Attempt::Refused(refused));
        }
        let Some(payload) = item.sealed.payload() else {
            return Err(ChannelError::CommitErased(item.seq));
        };
        let succession = match Succession::decode(payload) {
            Ok(succession) => succession,
            Err(error) => return Ok(Attempt::Refused(Refused::signed(error))),
        };
        if !self.follows_on(item, &succession) {
            return Ok(Attempt::Refused(Refused::signed("it founds another channel's group")));
        }
        // A group of the same id that this device has founded itself, and that came too late.
        if self.state.pending.as_ref().is_some_and(|pending| pending.is_founding()) {
            self.drop_founded(ctx)?;
        }
        let group = match self.open_welcome(ctx, &succession, author) {
            Ok(Some(group)) => group,
            Ok(None) => return Ok(Attempt::Stranded),
            Err(JoinError::State(error)) => return Err(error.into()),
            Err(_) => return Ok(Attempt::Stranded),
        };
        if group.founding_hash()? != succession.founding {
            return Ok(Attempt::Stranded);
        }
        Ok(match self.judge_next(ctx, item, author, &succession, &group)? {
            Ok(acts) => Attempt::Done((group, acts)),
            Err(refused) => Attempt::Refused(refused),
        })
    }

    /// The group that the welcome leads to, if that is the channel's next one, by its founder.
    fn open_welcome(
        &self,
        ctx: &Context<'_>,
        succession: &Succession,
        author: &DeviceName,
    ) -> Result<Option<Group>, JoinError> {
        let provider = ctx.backend.on(ctx.store);
        let staged = mls::stage_welcome(&provider, &succession.welcome)?;
        let id = group_id(self.id(), succession.generation);
        let is_by_author = |roster: Roster| roster.device_at(staged.sender) == Some(author);
        if staged.view.group_id != id || !Roster::of(&staged.view).is_some_and(is_by_author) {
            return Ok(None);
        }
        staged.into_group(&provider).map(Some)
    }

    /// The verdict on a group that all who opened it see alike.
    fn judge_next(
        &self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        told: &Succession,
        group: &Group,
    ) -> Result<Result<Vec<Act>, Refused>, ChannelError> {
        if let Err(void) = rules::judge_told(&group.view()?, told) {
            return Ok(Err(Refused::signed(void)));
        }
        if let Err(reason) = group.check_founded(&ctx.backend.on(ctx.store)) {
            return Ok(Err(Refused::signed(describe(&reason))));
        }
        if self.has_missed_what_came_before(item) {
            self.judge_unseen(ctx, item, author, group)
        } else {
            self.judge_founded(ctx, item, author, group)
        }
    }

    /// The verdict of who has the group before.
    fn judge_founded(
        &self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        group: &Group,
    ) -> Result<Result<Vec<Act>, Refused>, ChannelError> {
        let envelope = item.sealed.envelope();
        let successor = match self.successor(group, author, envelope, item.received_at)? {
            Ok(successor) => successor,
            Err(void) => return Ok(Err(Refused::signed(void))),
        };
        match rules::judge_succession(self.newest_bundle(ctx), &successor) {
            Ok(acts) => Ok(Ok(acts)),
            Err(JudgeError::Void(void)) => Ok(Err(Refused::signed(void))),
            Err(JudgeError::BundleMissing(hash)) => Err(ChannelError::BundleMissing(hash)),
        }
    }

    /// Whether this device has lost step before the commit that the founder builds on: it has not the
    /// group to compare with.
    fn has_missed_what_came_before(&self, item: &Item) -> bool {
        self.state.standing == Standing::Stranded
            && item.sealed.envelope().last_valid_commit > self.state.last_valid()
    }

    /// The verdict of who has not the group before: as a joiner's on a welcome.
    fn judge_unseen(
        &self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        group: &Group,
    ) -> Result<Result<Vec<Act>, Refused>, ChannelError> {
        let envelope = item.sealed.envelope();
        let view = group.view()?;
        let me = &ctx.device.name;
        let policy = Policy::decode(group.policy()?);
        if let Ok(policy) = &policy
            && let Err(void) = rules::judge_program(ctx.backend.rules(), policy)
        {
            return Ok(Err(Refused::signed(void)));
        }
        let fits = policy.is_ok_and(|policy| {
            policy.channel() == self.id()
                && *policy.hub() == self.hub()
                && policy.founding().is_some_and(|founding| {
                    Some(founding.predecessor) == envelope.last_valid_commit
                })
                && group_id(self.id(), policy.generation()) == group.id()
        });
        let listed = Roster::of(&view).is_some_and(|r| r.list().hash() == envelope.list_hash);
        if !fits || !listed {
            return Ok(Err(Refused::signed("it is not the channel's next group")));
        }
        match rules::judge_refounded(self.newest_bundle(ctx), &view, author, me, item.received_at) {
            Ok(acts) => Ok(Ok(acts)),
            Err(JudgeError::Void(void)) => Ok(Err(Refused::signed(void))),
            Err(JudgeError::BundleMissing(hash)) => Err(ChannelError::BundleMissing(hash)),
        }
    }

    /// What can be said before the group is opened: nobody but a lead strands others by what cannot
    /// be. Which commit it takes for the last valid one the rules look at.
    fn check_founders_envelope(&self, item: &Item, author: &DeviceName) -> Result<Seat, Refused> {
        let envelope = item.sealed.envelope();
        let seat = self.signed_seat(item, author)?;
        let is_here = envelope.generation == self.state.generation()
            || self.has_missed_what_came_before(item);
        if !is_here || envelope.fence != self.state.fence() {
            return Err(Refused::signed("it was made for another state of the channel"));
        }
        // Whoever lacks the group before cannot tell who was a lead there.
        if !self.has_missed_what_came_before(item) {
            rules::judge_founder(&self.policy, author, item.received_at)
                .map_err(Refused::signed)?;
        }
        Ok(seat)
    }

    fn take_over(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
        group: Group,
        acts: Vec<Act>,
        own: Option<ClientId>,
    ) -> Result<Vec<Event>, ChannelError> {
        let unseen = self.has_missed_what_came_before(item);
        // Who was set back lacks what it wrote itself, though it knows the group before.
        if unseen || self.state.keys_are_spent {
            self.state.come_along();
        }
        self.go_on_in(ctx, item.seq, group)?;
        self.state.pass_commit(item.seq, true);
        let (standing, event) = match self.state.standing {
            Standing::Stranded if unseen => (Standing::Provisional, Some(Event::Resumed)),
            Standing::Stranded => (Standing::Member, Some(Event::Resumed)),
            Standing::Provisional if own.is_none() && !self.is_kept_by(author) => {
                (Standing::Member, Some(Event::Confirmed))
            }
            other => (other, None),
        };
        self.state.standing = standing;
        self.state.stranded_by = None;
        if standing == Standing::Member {
            self.end_requests(ctx)?;
        }
        let mut events: Vec<_> = event.into_iter().collect();
        self.refresh()?;
        events.push(Event::Changed { by: author.clone(), acts, own });
        Ok(events)
    }
}

fn told(item: &Item) -> Option<Succession> {
    item.sealed.payload().and_then(|payload| Succession::decode(payload).ok())
}

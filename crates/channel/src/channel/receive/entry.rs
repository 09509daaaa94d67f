//! Entries: decrypted, bound to their envelope, verified.

use enlace_identity::names::DeviceName;
use enlace_log::{ClientId, Envelope, Item};

use super::{Attempt, Refused, refused, unreadable};
use crate::channel::state::Standing;
use crate::channel::{Channel, ChannelError, Context, Event};
use crate::entry::{UnverifiedEntry, VerifiedEntry};
use crate::mls::{self, LeafIndex, Processed};
use crate::rules;

impl Channel {
    pub(super) fn handle_entry(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
        author: &DeviceName,
    ) -> Result<Vec<Event>, ChannelError> {
        if self.state.standing == Standing::Stranded && !self.may_end_stranding(item, author) {
            self.state.pass_entry();
            return Ok(Vec::new());
        }
        let Some(payload) = item.sealed.payload() else {
            return Ok(vec![Event::WithoutContent(author.clone())]);
        };
        // The authenticated data is the envelope's, whatever the sender took: of another envelope
        // the message doesn't decrypt.
        let aad = item.sealed.envelope().aad(None);
        let Some(message) = mls::expand(self.group.id(), &aad, payload) else {
            return Ok(vec![unreadable(author, Refused::unsigned("it is no message"))]);
        };
        ctx.store.savepoint()?;
        let attempt = match self.group.process(&ctx.backend.on(ctx.store), &message) {
            Ok(Processed::Application { sender, plaintext, .. }) => {
                match self.open_entry(item, author, sender.leaf, &plaintext) {
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
                let mut events = self.another_members_item_decrypted(ctx, author)?;
                if let Some(quoted) = &entry.header().known_head {
                    events.extend(self.check_quote(ctx, &entry.header().author, quoted));
                }
                events.push(Event::Entry(Box::new(entry)));
                Ok(events)
            }
            Attempt::Refused(refused) => {
                self.leave_no_trace(ctx)?;
                Ok(vec![unreadable(author, refused)])
            }
            Attempt::Stranded => {
                self.leave_no_trace(ctx)?;
                Ok(vec![unreadable(author, Refused::unsigned("it cannot be decrypted"))])
            }
        }
    }

    fn open_entry(
        &self,
        item: &Item,
        author: &DeviceName,
        sender: LeafIndex,
        plaintext: &[u8],
    ) -> Result<VerifiedEntry, Refused> {
        let envelope = item.sealed.envelope();
        let roster = &self.roster;
        if roster.device_at(sender) != Some(author) {
            return Err(Refused::unsigned("the envelope names another device than its sender"));
        }
        self.check_place(envelope)?;
        let seat = roster.seat(author).ok_or_else(|| Refused::unsigned("no member"))?;
        let entry = UnverifiedEntry::decode(plaintext, envelope).map_err(Refused::signed)?;
        let entry = entry.verify(envelope, author, &seat.key).map_err(Refused::signed)?;
        rules::judge_entry(&self.policy, author, entry.header(), item.received_at)
            .map_err(Refused::signed)?;
        Ok(entry)
    }

    /// An own entry counts when it stands where the others can read it: a relay that keeps one
    /// back and takes it in after the group has moved on has lost it, and it is sealed again.
    pub(super) fn handle_own_entry(
        &mut self,
        item: &Item,
        author: &DeviceName,
        own: ClientId,
    ) -> Event {
        match self.check_place(item.sealed.envelope()) {
            Ok(()) => {
                self.state.forget(own);
                Event::OwnEntry(own)
            }
            Err(refused) => unreadable(author, refused),
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
}

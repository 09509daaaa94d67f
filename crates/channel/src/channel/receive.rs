//! Handling an item of the log: what it holds is let in whole, or leaves no trace.

mod commit;
mod control;
mod entry;
mod statement;
mod succession;

use enlace_identity::names::DeviceName;
use enlace_log::{Item, ItemKind};

use super::state::Standing;
use super::{Channel, ChannelError, Context, Culprit, Event};
use crate::mls::{self, ProcessError, VoidReason};

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
        self.check_program(ctx)?;
        let Some(author) = item.sealed.envelope().device() else {
            return self.handle_statement(ctx, item);
        };
        if let Some(own) = self.state.take_own(item.sealed.envelope_bytes()) {
            return match item.sealed.envelope().kind {
                ItemKind::Commit => self.handle_own_commit(ctx, item, author, own),
                ItemKind::Succession => self.handle_own_succession(ctx, item, author, own),
                ItemKind::Entry => Ok(vec![self.handle_own_entry(item, author, own)]),
                ItemKind::Leave => {
                    self.state.forget(own);
                    Ok(self.handle_leave(item, author))
                }
                ItemKind::Tombstone => {
                    self.state.forget(own);
                    let mut events = self.handle_tombstone(item, author);
                    events.push(Event::OwnEntry(own));
                    Ok(events)
                }
                ItemKind::Stranded => {
                    self.state.forget(own);
                    let events = self.handle_stranded(ctx, item, author);
                    let says_nothing_here = events.is_empty();
                    Ok(if says_nothing_here { vec![Event::OwnEntry(own)] } else { events })
                }
                _ => {
                    self.state.forget(own);
                    Ok(vec![Event::OwnEntry(own)])
                }
            };
        }
        match item.sealed.envelope().kind {
            ItemKind::Entry => self.handle_entry(ctx, item, author),
            ItemKind::Commit => self.handle_commit(ctx, item, author),
            ItemKind::Succession => self.handle_succession(ctx, item, author),
            ItemKind::Leave => Ok(self.handle_leave(item, author)),
            ItemKind::Contest => Ok(self.handle_contest(item, author)),
            ItemKind::Tombstone => Ok(self.handle_tombstone(item, author)),
            ItemKind::Stranded => Ok(self.handle_stranded(ctx, item, author)),
            ItemKind::HubStatement => Ok(vec![Event::NeedsNewerVersion]),
        }
    }

    /// Of a stranded device only what [`Self::may_end_stranding`] comes here. A commit that was merged
    /// is of a former epoch by then.
    fn another_members_item_decrypted(
        &mut self,
        ctx: &Context<'_>,
        author: &DeviceName,
    ) -> Result<Vec<Event>, ChannelError> {
        let event = match self.state.standing {
            Standing::Provisional if self.is_kept_by(author) => return Ok(Vec::new()),
            Standing::Provisional => Event::Confirmed,
            Standing::Stranded => Event::Resumed,
            Standing::Member | Standing::Removed => return Ok(Vec::new()),
        };
        if self.state.standing == Standing::Provisional {
            self.end_requests(ctx)?;
        }
        self.state.follow_again();
        Ok(vec![event])
    }

    /// Whether an item, if this device can read it, shows that the commit that stranded it counts
    /// for nobody. The word of that commit's author is worth nothing here: whoever leaves a device
    /// behind could go on talking to it alone.
    fn may_end_stranding(&self, item: &Item, author: &DeviceName) -> bool {
        let payload = item.sealed.payload();
        let epoch = payload.and_then(|payload| match item.sealed.envelope().kind {
            ItemKind::Entry => mls::compact_epoch(payload),
            _ => mls::message_info(payload).ok().map(|info| info.epoch),
        });
        epoch == Some(self.group.epoch())
            && !self.state.keys_are_spent
            && item.sealed.envelope().generation == self.state.group_generation()
            && self.state.stranded_by().is_none_or(|by| by.officer() != author.officer())
    }

    fn leave_no_trace(&mut self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        ctx.store.rollback()?;
        Ok(self.group.reload(&ctx.backend.on(ctx.store))?)
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

fn culprit(author: &DeviceName, refused: &Refused) -> Culprit {
    let device = author.clone();
    if refused.signed { Culprit::Member(device) } else { Culprit::ByRelaysWord(device) }
}

fn unreadable(author: &DeviceName, refused: Refused) -> Event {
    Event::Unreadable { author: culprit(author, &refused), reason: refused.reason }
}

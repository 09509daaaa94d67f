//! A device that is put out of a channel with its whole authority cannot judge that (PROTOCOL.md §5.9),
//! nor can a stranded one judge a commit that removes it. It takes itself for out by the other's
//! signature and by its relay, which serves it no more. Both may be false. So it waits: it is shown to be out, its log is followed all the same, and what is
//! queued stays. It resumes when the relay serves it again; after two periods in which each member
//! renews its keys, when its officer does not want to wait, or when it is let in anew, it is over.

use enlace_channel::channel::Channel;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId};

use super::items::{MAY_NOT_READ, standing_of};
use super::renewal::period;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ChannelRow, ChannelStanding, OutboxRow, StoreError, Transaction};
use crate::task::Task;

impl Engine {
    /// The relay serves this device no more of a channel, and lacks nothing that it has: where the
    /// owner goes on without its authority, or a change that this device can't follow is signed for a
    /// list without it, it takes itself for out; else it says that the channel rests. Whether it is out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_served_no_more(&mut self, id: ChannelId) -> Result<bool, EngineError> {
        self.write(|work| work.is_served_no_more(id))
    }

    /// Gives up waiting where nobody has served this device for so long that it is sure.
    pub(super) fn end_those_put_out(&mut self) -> Result<(), EngineError> {
        for id in self.read(out)? {
            match self.write(|work| work.end_if_sure(id)) {
                Err(error) if error.of_one_channel().is_some() => {
                    tracing::warn!(channel = %id, %error, "whether this device is out is not known");
                }
                done => done?,
            }
        }
        Ok(())
    }
}

/// Whether this device takes itself for out, and waits until that is sure.
fn is_taken_for_out(tx: &dyn Transaction, id: ChannelId) -> Result<bool, StoreError> {
    Ok(tx.setting(&since_setting(id))?.is_some())
}

/// Of which channels.
pub(super) fn out(tx: &dyn Transaction) -> Result<Vec<ChannelId>, StoreError> {
    let mut out = Vec::new();
    for row in tx.channels()? {
        if is_taken_for_out(tx, row.id)? {
            out.push(row.id);
        }
    }
    Ok(out)
}

impl Work<'_> {
    pub(super) fn is_taken_for_out(&self, id: ChannelId) -> Result<bool, StoreError> {
        is_taken_for_out(self.tx, id)
    }

    fn is_served_no_more(&mut self, id: ChannelId) -> Result<bool, EngineError> {
        if self.is_taken_for_out(id)? {
            return Ok(true);
        }
        let Some(channel) = self.take(id)? else { return Ok(false) };
        let by = match channel.put_out_by() {
            Some(by) => Some(by),
            None => self.dropped_by(&channel)?,
        };
        self.keep(channel);
        let Some(by) = by else {
            self.stop_channel(id, MAY_NOT_READ)?;
            return Ok(false);
        };
        let since = self.now().as_millis().to_string();
        self.tx.put_setting(&since_setting(id), Some(&since))?;
        if let Some(row) = self.tx.channel(id)? {
            let standing = ChannelStanding::Removed;
            self.tx.put_channel(&ChannelRow { standing, stopped: None, ..row })?;
        }
        self.note(Some(id), None, Notice::Removed { by })?;
        self.tell(ClientEvent::Channel(id));
        Ok(true)
    }

    /// The relay serves this device again, or its copy goes back: it is out no longer. What this brings
    /// may show that it is a member; else it asks to be put back.
    pub(super) fn is_served_again(&mut self, channel: &Channel) -> Result<(), EngineError> {
        let id = channel.id();
        if self.is_taken_for_out(id)? {
            self.ends_waiting(id)?;
            if channel.stranded_since().is_some() {
                self.ask_back(id, Task::AskBack)?;
            }
        }
        Ok(())
    }

    /// A welcome lets this device in: whether as who it was or anew. What it wanted before does not
    /// speak for whoever is let in anew.
    pub(super) fn is_let_in(&mut self, channel: &Channel) -> Result<(), EngineError> {
        let id = channel.id();
        if self.is_taken_for_out(id)? {
            self.ends_waiting(id)?;
            if !channel.is_back() {
                self.abandon_queue(id)?;
            }
        }
        Ok(())
    }

    /// The officer does not want to wait.
    pub(super) fn leave_for_good(
        &mut self,
        id: ChannelId,
    ) -> Result<Option<ClientId>, EngineError> {
        if !self.is_taken_for_out(id)? {
            return Ok(None);
        }
        self.end_for_good(id)?;
        let client_id = self.new_client_id(id);
        let left = self.new_row(id, client_id, Task::Leave);
        let position = self.tx.put_outbox(&left)?;
        self.accept(OutboxRow { position, ..left }, None)?;
        Ok(Some(client_id))
    }

    /// One way or the other.
    pub(super) fn ends_waiting(&mut self, id: ChannelId) -> Result<(), StoreError> {
        self.tx.put_setting(&since_setting(id), None)
    }

    fn end_if_sure(&mut self, id: ChannelId) -> Result<(), EngineError> {
        let Some(since) = self.tx.setting(&since_setting(id))? else { return Ok(()) };
        let since = since.parse().map_err(|_| StoreError::Corrupt("since when it is out"))?;
        let Some(channel) = self.take(id)? else { return Ok(()) };
        let wait = 2 * period(self.me(), &channel);
        // Nobody changes anything in a closed channel.
        let is_over =
            !channel.policy().is_closed() && Timestamp::from_millis(since).plus(wait) <= self.now();
        self.keep(channel);
        if is_over { self.end_for_good(id) } else { Ok(()) }
    }

    /// It is out until it is let in anew; nothing of its queue is done.
    fn end_for_good(&mut self, id: ChannelId) -> Result<(), EngineError> {
        self.ends_waiting(id)?;
        if let Some(mut channel) = self.take(id)? {
            channel.end(&self.ctx)?;
            let standing = standing_of(&channel);
            self.keep(channel);
            if let Some(row) = self.tx.channel(id)? {
                self.tx.put_channel(&ChannelRow { standing, ..row })?;
            }
        }
        self.abandon_queue(id)?;
        self.tell(ClientEvent::Channel(id));
        Ok(())
    }
}

fn since_setting(id: ChannelId) -> String {
    format!("out-since/{id}")
}

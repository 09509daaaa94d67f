//! What the program puts in the outbox by itself, and no officer asked for: acts of its own, and entries
//! that pass something on. Nobody is told when one of them comes to nothing.

use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::entry::{HandlingCode, NoteDraft, SignedEntry, TimeZone};
use enlace_log::ChannelId;

use super::EngineError;
use super::work::Work;
use crate::store::{OutboxRow, StoreError};
use crate::task::Task;

impl<'w> Work<'w> {
    /// Puts an act of the client's own in the queue, unless it waits there already.
    pub(super) fn enqueue_own(
        &mut self,
        id: ChannelId,
        task: Task,
        delay: Duration,
    ) -> Result<(), EngineError> {
        if self.tx.queued(Some(id))?.iter().any(|row| row.task == task) {
            return Ok(());
        }
        self.put_own(id, task, delay)
    }

    /// Puts an act of the client's own in the queue, where it is not.
    pub(super) fn put_own(
        &mut self,
        id: ChannelId,
        task: Task,
        delay: Duration,
    ) -> Result<(), EngineError> {
        let row = self.new_row(id, self.new_client_id(id), task);
        let not_before = self.now().plus(delay);
        self.tx.put_outbox(&OutboxRow { not_before, automatic: true, ..row })?;
        Ok(())
    }

    /// An entry of the client's own, without text, to be signed with what it passes on.
    pub(super) fn draft_own(&self, channel: &Channel) -> NoteDraft<'w> {
        NoteDraft {
            channel: channel.id(),
            generation: channel.policy().generation(),
            author: self.me(),
            client_id: self.new_client_id(channel.id()),
            local_time: self.now(),
            time_zone: TimeZone::utc(),
            handling: HandlingCode::H0,
            restriction: None,
            parent: None,
            known_head: channel.known_head(),
            text: "",
        }
    }

    /// Puts an entry of the client's own in the queue.
    pub(super) fn put_own_entry(&mut self, entry: &SignedEntry) -> Result<(), StoreError> {
        let header = entry.header();
        self.tx.put_outbox(&OutboxRow {
            signed: Some(entry.encode()),
            automatic: true,
            ..self.new_row(header.channel, header.client_id, Task::Entry)
        })?;
        Ok(())
    }
}

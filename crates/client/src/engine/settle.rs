//! The end of an outbox row: its item has a place, or never will.

use std::time::Duration;

use enlace_channel::entry::{EntryKind, Part, PartKind, SignedEntry};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Item, Seq};

use super::EngineError;
use super::work::Work;
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{
    ChannelRow, ChannelStanding, EntryRow, OutboxRow, OutboxState, StoreError, Transaction,
};
use crate::task::Task;

/// How often a commit of this device may be overtaken before it is given up.
const MAX_LOST: u32 = 64;

/// How long an act waits after a commit that was void, once for each attempt: the hub's clock or another
/// commit may have made the difference.
const PAUSE: Duration = Duration::from_secs(10);

impl Work<'_> {
    /// An own item stands in the log. What of it is shown is stored now.
    pub(super) fn settle_in_log(
        &mut self,
        client_id: ClientId,
        item: &Item,
    ) -> Result<(), EngineError> {
        let Some(mut row) = self.tx.outbox_of(client_id)? else { return Ok(()) };
        if let Some(plaintext) = row.signed.take() {
            let entry = reload(&plaintext)?;
            let chain = &self.ctx.device.chain;
            self.tx.put_certificates(chain)?;
            let stored = entry_row(item, &entry, *chain.leaf().fingerprint().as_bytes());
            let is_said = entry.header().kind != EntryKind::HistoryShare;
            if is_said && self.tx.put_entry(&stored)? {
                self.tell(ClientEvent::Entry { channel: stored.channel, seq: stored.seq });
                self.take_effect(&stored)?;
            }
        }
        Ok(self.accept(row, Some(item.seq))?)
    }

    /// A row is done; an entry keeps its text until its item comes.
    pub(super) fn accept(&mut self, row: OutboxRow, seq: Option<Seq>) -> Result<(), StoreError> {
        let state = OutboxState::Accepted(seq);
        self.finish(OutboxRow { state, sealed: None, ..row })
    }

    /// A row will never be sent. The officer is told of what the officer asked for. A channel
    /// that its hub doesn't take never was.
    pub(super) fn fail(&mut self, row: OutboxRow, reason: String) -> Result<(), StoreError> {
        if matches!(row.task, Task::Create { .. })
            && let Some(channel) = self.tx.channel(row.channel)?
        {
            let standing = ChannelStanding::Removed;
            self.tx.put_channel(&ChannelRow { standing, ..channel })?;
            self.tell(ClientEvent::Channel(row.channel));
        }
        if !row.automatic {
            let task = row.task.clone().without_key_package();
            let notice = Notice::NotDone { task, reason: reason.clone() };
            self.note(Some(row.channel), None, notice)?;
        }
        self.finish(OutboxRow { state: OutboxState::Failed(reason), sealed: None, ..row })
    }

    fn finish(&mut self, row: OutboxRow) -> Result<(), StoreError> {
        self.tx.update_outbox(&row)?;
        if row.automatic && row.signed.is_none() {
            self.forget_origin(row.client_id)?;
        }
        self.tell(ClientEvent::Outbox {
            channel: row.channel,
            client_id: row.client_id,
            state: row.state,
        });
        Ok(())
    }

    /// Another commit took the place of this device's, or this device's own was void: it is planned anew.
    pub(super) fn lose_commit(
        &mut self,
        client_id: ClientId,
        was_void: bool,
    ) -> Result<(), EngineError> {
        let Some(mut row) = self.tx.outbox_of(client_id)? else { return Ok(()) };
        if row.state != OutboxState::Queued {
            return Ok(());
        }
        row.sealed = None;
        row.attempts += 1;
        row.not_before = Timestamp::default();
        if was_void {
            row.task.forget_key_packages();
            row.not_before = self.now().plus(PAUSE * row.attempts.min(MAX_LOST));
            row.client_id = self.go_on_under_another_id(&row)?;
        }
        if row.attempts > MAX_LOST {
            return Ok(self.fail(row, "others' changes always came first".to_owned())?);
        }
        Ok(self.tx.update_outbox(&row)?)
    }

    /// What stands in the log under a row's id, or may yet, is not what it will be: the hub gives nothing
    /// else a place under it.
    pub(super) fn go_on_under_another_id(&self, row: &OutboxRow) -> Result<ClientId, StoreError> {
        let (former, new) = (row.client_id, self.new_client_id(row.channel));
        self.tx.rename_outbox(former, new)?;
        self.tx.put_setting(&renamed_setting(former), Some(&hex::encode(new.0)))?;
        Ok(new)
    }

    /// A row, by any id that it has had.
    pub(super) fn row_of(&self, id: ClientId) -> Result<Option<OutboxRow>, StoreError> {
        self.tx.outbox_of(present_id(self.tx, id)?)
    }

    /// This device is out: nothing of its queue can be sent any more.
    pub(super) fn abandon_queue(&mut self, id: ChannelId) -> Result<(), EngineError> {
        for row in self.tx.queued(Some(id))? {
            if row.task == Task::Leave {
                self.accept(row, None)?;
            } else {
                self.fail(row, "this device is not a member of the channel any more".to_owned())?;
            }
        }
        Ok(())
    }
}

/// Where something that an officer asked for stands; nothing when it was never asked for.
pub(super) fn state_of(
    tx: &dyn Transaction,
    asked: ClientId,
) -> Result<Option<OutboxState>, StoreError> {
    Ok(tx.outbox_of(present_id(tx, asked)?)?.map(|row| row.state))
}

/// The id under which a row goes on that had this one.
fn present_id(tx: &dyn Transaction, mut asked: ClientId) -> Result<ClientId, StoreError> {
    while let Some(new) = tx.setting(&renamed_setting(asked))? {
        let new = hex::decode(new).ok().and_then(|new| new.try_into().ok());
        asked = ClientId(new.ok_or(StoreError::Corrupt("client id"))?);
    }
    Ok(asked)
}

fn renamed_setting(former: ClientId) -> String {
    format!("renamed/{former}")
}

/// An entry of the own store.
pub(super) fn reload(plaintext: &[u8]) -> Result<SignedEntry, StoreError> {
    SignedEntry::decode(plaintext).map_err(|_| StoreError::Corrupt("outbox entry"))
}

/// What is shown of an entry: the paragraphs, one below the other.
pub(crate) fn body_of(entry: &SignedEntry) -> String {
    let paragraphs = entry.parts().iter().filter(|part| part.kind() == PartKind::Paragraph);
    paragraphs.filter_map(Part::as_text).collect::<Vec<_>>().join("\n")
}

pub(super) fn entry_row(item: &Item, entry: &SignedEntry, certificate: [u8; 32]) -> EntryRow {
    let header = entry.header();
    EntryRow {
        channel: header.channel,
        seq: item.seq,
        received_at: item.received_at,
        author: header.author.clone(),
        client_id: header.client_id,
        kind: header.kind.code(),
        local_time: header.local_time,
        handling: header.handling,
        body: body_of(entry),
        signed: entry.encode(),
        certificate,
        commitment: entry.commitment(),
        parent: header.parent,
    }
}

//! Writes, inside the transaction of one batch.

mod key_packages;
mod side;

use enlace_identity::names::DeviceName;
use enlace_log::head::HeadSigner;
use enlace_log::ids::seq_to_u64;
use enlace_log::{ChannelId, Seq, SignedHead};
use rusqlite::{Transaction, params};

use super::ids::Ids;
use crate::storage::{
    ChannelRecord, IdempotencyKey, LogWrite, Role, StorageError, StoredItem, Tail, WriteBatch,
};

pub(super) use key_packages::take_key_packages;

/// Whatever stands at a position of a channel.
const PLACED: [&str; 10] = [
    "items",
    "heads",
    "events",
    "incarnations",
    "hub_moves",
    "accepted",
    "pending_welcomes",
    "outbound_welcomes",
    "sent_welcomes",
    "welcomes",
];

/// What a batch leaves to be done about the write-ahead log.
pub(super) struct Applied {
    /// How many bytes it wrote, roughly.
    pub(super) bytes: usize,
}

/// Applies a batch.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    ids: &mut Ids,
    batch: &WriteBatch,
) -> Result<Applied, StorageError> {
    let mut writer = Writer { transaction, ids, bytes: 0 };
    for write in &batch.log {
        writer.log(write)?;
    }
    for write in &batch.side {
        writer.side(write)?;
    }
    Ok(Applied { bytes: writer.bytes })
}

/// One transaction.
struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    ids: &'a mut Ids,
    bytes: usize,
}

const ROW_OVERHEAD: usize = 128;

impl Writer<'_> {
    fn log(&mut self, write: &LogWrite) -> Result<(), StorageError> {
        match write {
            LogWrite::Create(record, item) => self.create(record, item),
            LogWrite::Anchor(record, item) => self.anchor(record, item),
            LogWrite::Append { channel, after, items, fence } => {
                self.append(channel, *after, items, *fence)
            }
            LogWrite::Erase { channel, items } => {
                let id = self.channel(channel)?;
                // As long as before, and so in its very place: a page that changes its shape keeps
                // copies of what it held.
                let update = "UPDATE items SET payload = zeroblob(length(payload)), erased = 1
                              WHERE channel = ?1 AND seq = ?2 AND erased = 0";
                items.iter().try_for_each(|seq| self.execute(update, params![id, signed(*seq)]))
            }
            LogWrite::Head(head) => self.head(head),
            LogWrite::Event { channel, seq, event } => {
                let event = event.encode();
                let id = self.channel(channel)?;
                self.execute(
                    "INSERT INTO events (channel, seq, event) VALUES (?1, ?2, ?3)",
                    params![id, signed(*seq), event],
                )?;
                self.bytes += event.len();
                Ok(())
            }
            LogWrite::Reader { channel, device, range } => {
                let (id, device) = (self.channel(channel)?, self.device(device)?);
                self.execute(
                    "INSERT OR REPLACE INTO readers (channel, device, first_seq, last_seq)
                     VALUES (?1, ?2, ?3, ?4)",
                    params![id, device, signed(range.from), range.to.map(signed)],
                )
            }
            LogWrite::Incarnation { channel, seq, incarnation } => {
                let id = self.channel(channel)?;
                self.execute(
                    "INSERT OR REPLACE INTO incarnations (channel, seq, incarnation)
                     VALUES (?1, ?2, ?3)",
                    params![id, signed(*seq), incarnation.0.cast_signed()],
                )
            }
            LogWrite::Moved { channel, seq, hub } => {
                let id = self.channel(channel)?;
                self.execute(
                    "INSERT OR REPLACE INTO hub_moves (channel, seq, hub) VALUES (?1, ?2, ?3)",
                    params![id, signed(*seq), hub.as_str()],
                )
            }
            LogWrite::Turned { channel, role, hub } => {
                let id = self.channel(channel)?;
                self.execute(
                    "UPDATE channels SET role = ?1, hub = ?2 WHERE id = ?3",
                    params![role_code(*role), hub.as_str(), id],
                )
            }
            LogWrite::Votes { channel, votes } => {
                let id = self.channel(channel)?;
                self.execute("DELETE FROM hub_votes WHERE channel = ?1", [id])?;
                let insert = "INSERT INTO hub_votes (channel, device, vote) VALUES (?1, ?2, ?3)";
                votes.iter().try_for_each(|(device, vote)| {
                    self.bytes += vote.len();
                    self.execute(insert, params![id, device.as_str(), &vote[..]])
                })
            }
            LogWrite::Settled { channel, doubts } => {
                let id = self.channel(channel)?;
                self.execute(
                    "UPDATE channels SET settled = ?1 WHERE id = ?2",
                    params![doubts.0.cast_signed(), id],
                )
            }
            LogWrite::Rewind(record) => self.rewind(record),
            LogWrite::Accepted { key: IdempotencyKey { channel, device, client_id }, accepted } => {
                let (id, device) = (self.channel(channel)?, self.device(device)?);
                self.execute(
                    "INSERT INTO accepted (channel, client_id, device, seq)
                     VALUES (?1, ?2, ?3, ?4)",
                    params![id, &client_id.0[..], device, signed(accepted.seq)],
                )
            }
            LogWrite::Welcome { channel, seq, delivery, devices, domains } => {
                self.bytes += delivery.len();
                self.welcome(channel, *seq, delivery, devices, domains)
            }
        }
    }

    fn create(&mut self, record: &ChannelRecord, item: &StoredItem) -> Result<(), StorageError> {
        let insert = "INSERT INTO channels (channel, hub, role, generation, tail_seq, tail_chain,
                          tail_received_at, fence, nonce, settled, creating_hub)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
        self.put_channel(insert, record)?;
        let id = self.channel(&record.channel)?;
        self.item(id, item)
    }

    fn anchor(&mut self, record: &ChannelRecord, item: &StoredItem) -> Result<(), StorageError> {
        let upsert = "INSERT INTO channels (channel, hub, role, generation, tail_seq, tail_chain,
                          tail_received_at, fence, nonce, settled, creating_hub)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                      ON CONFLICT (channel) DO UPDATE SET hub = ?2, generation = ?4,
                          tail_seq = ?5, tail_chain = ?6, tail_received_at = ?7, fence = ?8,
                          nonce = ?9, creating_hub = ?11
                      WHERE role = ?3 AND tail_seq < ?5";
        self.put_channel(upsert, record)?;
        let id = self.channel(&record.channel)?;
        self.item(id, item)
    }

    fn rewind(&mut self, record: &ChannelRecord) -> Result<(), StorageError> {
        let update =
            "UPDATE channels SET hub = ?2, generation = ?4, tail_seq = ?5, tail_chain = ?6,
                          tail_received_at = ?7, fence = ?8, nonce = ?9, settled = ?10, creating_hub = ?11
                      WHERE channel = ?1 AND role = ?3 AND tail_seq >= ?5";
        self.put_channel(update, record)?;
        let id = self.channel(&record.channel)?;
        for table in PLACED {
            let delete = format!("DELETE FROM {table} WHERE channel = ?1 AND seq > ?2");
            self.execute(&delete, params![id, signed(record.tail.seq)])?;
        }
        self.execute("DELETE FROM readers WHERE channel = ?1", [id])
    }

    fn put_channel(&mut self, sql: &str, record: &ChannelRecord) -> Result<(), StorageError> {
        let Tail { seq, chain, received_at } = record.tail;
        let changed = self.transaction.prepare_cached(sql)?.execute(params![
            &record.channel.0[..],
            record.hub.as_str(),
            role_code(record.role),
            record.generation.0.cast_signed(),
            signed(seq),
            &chain.0[..],
            received_at.as_millis().cast_signed(),
            record.fence.map(signed),
            &record.nonce.0[..],
            record.settled.0.cast_signed(),
            record.creating_hub.as_str(),
        ])?;
        self.bytes += ROW_OVERHEAD;
        if changed == 1 { Ok(()) } else { Err(StorageError::Conflict(record.channel)) }
    }

    fn append(
        &mut self,
        channel: &ChannelId,
        after: Seq,
        items: &[StoredItem],
        fence: Option<Seq>,
    ) -> Result<(), StorageError> {
        let Some(last) = items.last() else { return Ok(()) };
        let id = self.channel(channel)?;
        let update = "UPDATE channels SET tail_seq = ?1, tail_chain = ?2, tail_received_at = ?3,
                      fence = ?4 WHERE id = ?5 AND tail_seq = ?6";
        let changed = self.transaction.prepare_cached(update)?.execute(params![
            signed(last.seq),
            &last.chain.0[..],
            last.received_at.as_millis().cast_signed(),
            fence.map(signed),
            id,
            signed(after),
        ])?;
        if changed != 1 {
            return Err(StorageError::Conflict(*channel));
        }
        items.iter().try_for_each(|item| self.item(id, item))
    }

    fn item(&mut self, channel: i64, item: &StoredItem) -> Result<(), StorageError> {
        self.bytes += item.weight();
        self.execute(
            "INSERT INTO items (channel, seq, received_at, envelope, outer_signature, payload,
                 list_change, chain, erased)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
            params![
                channel,
                signed(item.seq),
                item.received_at.as_millis().cast_signed(),
                &item.envelope[..],
                &item.outer_signature[..],
                &item.payload[..],
                item.list_change.as_deref(),
                &item.chain.0[..],
            ],
        )
    }

    fn head(&mut self, head: &SignedHead) -> Result<(), StorageError> {
        let claimed = head.unverified_head();
        let wire = head.to_wire();
        let id = self.channel(&claimed.channel)?;
        let HeadSigner(signer) = head.signer();
        self.execute(
            "INSERT OR REPLACE INTO heads (channel, seq, head, signature, signer)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                id,
                signed(claimed.seq),
                &claimed.encode()[..],
                &wire.signature[..],
                &signer[..]
            ],
        )
    }

    fn channel(&mut self, channel: &ChannelId) -> Result<i64, StorageError> {
        self.ids.channel(self.transaction, channel)
    }

    fn device(&mut self, device: &DeviceName) -> Result<i64, StorageError> {
        self.ids.device(self.transaction, device)
    }

    fn execute(&mut self, sql: &str, params: impl rusqlite::Params) -> Result<(), StorageError> {
        self.bytes += ROW_OVERHEAD;
        self.transaction.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }
}

pub(super) fn signed(seq: Seq) -> i64 {
    seq_to_u64(Some(seq)).cast_signed()
}

pub(super) fn role_code(role: Role) -> i64 {
    match role {
        Role::Hub => 1,
        Role::Follower => 2,
    }
}

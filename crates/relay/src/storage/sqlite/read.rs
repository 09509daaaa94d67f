//! Reads, each over a connection of its own.

use std::sync::Arc;

use bytes::Bytes;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::head::HeadSigner;
use enlace_log::ids::MAX_SEQ;
use enlace_log::membership::{Event, ReadRange};
use enlace_log::{
    ChainHash, ChannelId, ChannelNonce, Generation, Head, Incarnation, Incarnations, Seq,
    SignedHead, SubmitCounter,
};
use enlace_proto::relay::v1 as wire;
use rusqlite::{Connection, Params, Row, params};

use super::checkpoint::Residue;
use super::column;
use super::file_identity;
use super::ids::find_channel;
use super::write::signed;
use crate::storage::{
    AuthorityCrls, ChannelRecord, Doubts, LastRun, PendingWelcome, ReadLimit, ReadStorage, Role,
    StorageError, StoredItem, Tail,
};

/// A reader of a store.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
    residue: Arc<Residue>,
}

impl SqliteReader {
    pub(super) fn new(connection: Connection, residue: Arc<Residue>) -> Self {
        Self { connection, residue }
    }

    /// All rows of a query, read by `read`.
    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// The first row of a query, if there is one.
    fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }
}

const CHANNEL: &str = "SELECT channel, hub, role, generation, tail_seq, tail_chain,
                           tail_received_at, fence, nonce, settled, creating_hub FROM channels";

impl ReadStorage for SqliteReader {
    fn channel(&mut self, channel: &ChannelId) -> Result<Option<ChannelRecord>, StorageError> {
        self.first(&format!("{CHANNEL} WHERE channel = ?1"), [&channel.0[..]], channel_record)
    }

    fn channels(
        &mut self,
        after: Option<&ChannelId>,
        limit: usize,
    ) -> Result<Vec<ChannelRecord>, StorageError> {
        let after = after.map_or(&[][..], |after| &after.0[..]);
        let sql = format!("{CHANNEL} WHERE channel > ?1 ORDER BY channel LIMIT ?2");
        self.rows(&sql, params![after, count(limit)], channel_record)
    }

    fn events(&mut self, channel: &ChannelId) -> Result<Vec<Event>, StorageError> {
        self.events_until(channel, Seq(MAX_SEQ))
    }

    fn events_until(&mut self, channel: &ChannelId, last: Seq) -> Result<Vec<Event>, StorageError> {
        let sql = "SELECT event FROM events JOIN channels c ON c.id = events.channel
                   WHERE c.channel = ?1 AND seq <= ?2 ORDER BY seq";
        self.rows(sql, params![&channel.0[..], signed(last)], |row| {
            let bytes = column::bytes(row, 0, "event")?;
            Event::decode(&bytes).map_err(|_| StorageError::Corrupt("event"))
        })
    }

    fn readers(
        &mut self,
        channel: &ChannelId,
    ) -> Result<Vec<(DeviceName, ReadRange)>, StorageError> {
        let sql = "SELECT first_seq, last_seq, name FROM readers
                   JOIN channels c ON c.id = readers.channel
                   JOIN devices d ON d.id = readers.device
                   WHERE c.channel = ?1 ORDER BY name, first_seq";
        self.rows(sql, [&channel.0[..]], |row| Ok((column::name(row, 2, "name")?, range(row)?)))
    }

    fn readable_channels(
        &mut self,
        device: &DeviceName,
    ) -> Result<Vec<(ChannelId, ReadRange)>, StorageError> {
        let sql = "SELECT first_seq, last_seq, c.channel FROM devices d
                   JOIN readers ON readers.device = d.id
                   JOIN channels c ON c.id = readers.channel
                   WHERE d.name = ?1 ORDER BY c.channel, first_seq";
        self.rows(sql, [device.as_str()], |row| {
            Ok((ChannelId(column::fixed(row, 2, "channel")?), range(row)?))
        })
    }

    fn items(
        &mut self,
        channel: &ChannelId,
        from: Seq,
        limit: ReadLimit,
    ) -> Result<Vec<StoredItem>, StorageError> {
        let Some(id) = find_channel(&self.connection, channel)? else { return Ok(Vec::new()) };
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, received_at, envelope, outer_signature,
                 CASE erased WHEN 0 THEN payload ELSE x'' END, list_change, chain
             FROM items WHERE channel = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
        )?;
        let mut rows = statement.query(params![id, signed(from), count(limit.items.max(1))])?;
        let mut items: Vec<StoredItem> = Vec::new();
        let (mut next, mut bytes) = (from, 0);
        while items.is_empty() || bytes < limit.bytes {
            let Some(row) = rows.next()? else { break };
            let item = stored_item(row)?;
            if item.seq != next {
                break;
            }
            next = next.next();
            bytes += item.weight();
            items.push(item);
        }
        Ok(items)
    }

    fn newest_head(
        &mut self,
        channel: &ChannelId,
        from: Seq,
        to: Seq,
    ) -> Result<Option<SignedHead>, StorageError> {
        let Some(id) = find_channel(&self.connection, channel)? else { return Ok(None) };
        let sql = "SELECT head, signature, signer FROM heads
                   WHERE channel = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq DESC LIMIT 1";
        self.first(sql, params![id, signed(from), signed(to)], signed_head)
    }

    fn next_head(
        &mut self,
        channel: &ChannelId,
        from: Seq,
    ) -> Result<Option<SignedHead>, StorageError> {
        let Some(id) = find_channel(&self.connection, channel)? else { return Ok(None) };
        let sql = "SELECT head, signature, signer FROM heads
                   WHERE channel = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1";
        self.first(sql, params![id, signed(from)], signed_head)
    }

    fn submit_counter(&mut self, device: &DeviceName) -> Result<SubmitCounter, StorageError> {
        let sql = "SELECT submit_counter FROM devices WHERE name = ?1";
        let read = |row: &Row<'_>| column::u64(row, 0, "submit_counter");
        Ok(SubmitCounter(self.first(sql, [device.as_str()], read)?.unwrap_or_default()))
    }

    fn key_packages(&mut self, device: &DeviceName, suite: u16) -> Result<u32, StorageError> {
        let sql = "SELECT count(*) FROM key_packages JOIN devices d ON d.id = device
                   WHERE d.name = ?1 AND suite = ?2";
        let read = |row: &Row<'_>| column::get::<u32>(row, 0, "count");
        Ok(self.first(sql, params![device.as_str(), suite], read)?.unwrap_or_default())
    }

    fn devices_with_key_packages(
        &mut self,
        officer: &OfficerAddress,
        suite: u16,
    ) -> Result<Vec<DeviceName>, StorageError> {
        let sql = "SELECT name FROM devices d WHERE officer = ?1 AND (
                       EXISTS (SELECT 1 FROM key_packages WHERE device = d.id AND suite = ?2)
                       OR EXISTS (SELECT 1 FROM last_resorts WHERE device = d.id AND suite = ?2))
                   ORDER BY name";
        let read = |row: &Row<'_>| column::name(row, 0, "name");
        self.rows(sql, params![officer.to_string(), suite], read)
    }

    fn officers_with_key_packages(
        &mut self,
        suite: u16,
        after: &str,
        limit: usize,
    ) -> Result<Vec<OfficerAddress>, StorageError> {
        let sql = "SELECT DISTINCT officer FROM devices d WHERE officer > ?2 AND (
                       EXISTS (SELECT 1 FROM key_packages WHERE device = d.id AND suite = ?1)
                       OR EXISTS (SELECT 1 FROM last_resorts WHERE device = d.id AND suite = ?1))
                   ORDER BY officer LIMIT ?3";
        let read = |row: &Row<'_>| column::name(row, 0, "officer");
        self.rows(sql, params![suite, after, count(limit)], read)
    }

    fn pending_welcomes(
        &mut self,
        device: &DeviceName,
        limit: usize,
    ) -> Result<Vec<PendingWelcome>, StorageError> {
        let sql = "SELECT c.channel, p.seq FROM devices d
                   JOIN pending_welcomes p ON p.device = d.id
                   JOIN channels c ON c.id = p.channel
                   WHERE d.name = ?1 ORDER BY p.id LIMIT ?2";
        self.rows(sql, params![device.as_str(), count(limit)], pending_welcome)
    }

    fn outbound_welcomes(
        &mut self,
        domain: &Domain,
        limit: usize,
    ) -> Result<Vec<PendingWelcome>, StorageError> {
        let sql = "SELECT c.channel, o.seq FROM outbound_welcomes o
                   JOIN channels c ON c.id = o.channel
                   WHERE o.domain = ?1 ORDER BY o.id LIMIT ?2";
        self.rows(sql, params![domain.as_str(), count(limit)], pending_welcome)
    }

    fn welcome(&mut self, channel: &ChannelId, seq: Seq) -> Result<Option<Bytes>, StorageError> {
        let Some(id) = find_channel(&self.connection, channel)? else { return Ok(None) };
        let sql = "SELECT delivery FROM welcomes WHERE channel = ?1 AND seq = ?2";
        self.first(sql, params![id, signed(seq)], |row| column::bytes(row, 0, "delivery"))
    }

    fn head_certificate(
        &mut self,
        signer: &HeadSigner,
    ) -> Result<Option<Vec<Vec<u8>>>, StorageError> {
        let sql = "SELECT certificate FROM head_certificates WHERE signer = ?1 ORDER BY position";
        let read = |row: &Row<'_>| column::get(row, 0, "certificate");
        let certificates = self.rows(sql, [&signer.0[..]], read)?;
        Ok((!certificates.is_empty()).then_some(certificates))
    }

    fn crls(&mut self) -> Result<Vec<AuthorityCrls>, StorageError> {
        let sql = "SELECT authority, crl FROM crls ORDER BY authority, position";
        let rows = self.rows(sql, [], |row| {
            Ok((column::name::<Domain>(row, 0, "authority")?, column::get(row, 1, "crl")?))
        })?;
        let mut crls: Vec<AuthorityCrls> = Vec::new();
        for (authority, crl) in rows {
            match crls.last_mut() {
                Some((last, crls)) if *last == authority => crls.push(crl),
                _ => crls.push((authority, vec![crl])),
            }
        }
        Ok(crls)
    }

    fn bundles(&mut self) -> Result<Vec<(u64, Bytes)>, StorageError> {
        self.rows("SELECT version, signed FROM bundles ORDER BY version", [], |row| {
            let version: i64 = column::get(row, 0, "version")?;
            let signed: Vec<u8> = column::get(row, 1, "signed")?;
            Ok((version.cast_unsigned(), Bytes::from(signed)))
        })
    }

    fn endpoint_records(&mut self) -> Result<Vec<(Domain, Bytes)>, StorageError> {
        let sql = "SELECT domain, record FROM endpoint_records ORDER BY domain";
        self.rows(sql, [], |row| {
            Ok((column::name(row, 0, "domain")?, column::bytes(row, 1, "record")?))
        })
    }

    fn incarnations(&mut self, channel: &ChannelId) -> Result<Incarnations, StorageError> {
        let sql = "SELECT i.seq, i.incarnation FROM incarnations i
                   JOIN channels c ON c.id = i.channel WHERE c.channel = ?1";
        let beginnings = self.rows(sql, [&channel.0[..]], |row| {
            let seq = Seq(column::u64(row, 0, "seq")?);
            Ok((seq, Incarnation(column::u64(row, 1, "incarnation")?)))
        })?;
        Ok(beginnings.into_iter().collect())
    }

    fn has_residue(&mut self) -> Result<bool, StorageError> {
        Ok(self.residue.is_there())
    }

    fn hub_moves(&mut self, channel: &ChannelId) -> Result<Vec<(Seq, Domain)>, StorageError> {
        let sql = "SELECT m.seq, m.hub FROM hub_moves m
                   JOIN channels c ON c.id = m.channel WHERE c.channel = ?1 ORDER BY m.seq";
        self.rows(sql, [&channel.0[..]], |row| {
            Ok((Seq(column::u64(row, 0, "seq")?), column::name(row, 1, "hub")?))
        })
    }

    fn hub_votes(&mut self, channel: &ChannelId) -> Result<Vec<(DeviceName, Bytes)>, StorageError> {
        let sql = "SELECT v.device, v.vote FROM hub_votes v
                   JOIN channels c ON c.id = v.channel WHERE c.channel = ?1 ORDER BY v.device";
        self.rows(sql, [&channel.0[..]], |row| {
            Ok((column::name(row, 0, "device")?, column::bytes(row, 1, "vote")?))
        })
    }

    fn moving_channels(&mut self) -> Result<Vec<ChannelId>, StorageError> {
        let sql = "SELECT c.channel FROM channels c WHERE
                       EXISTS (SELECT 1 FROM hub_moves m WHERE m.channel = c.id)
                       OR EXISTS (SELECT 1 FROM hub_votes v WHERE v.channel = c.id)
                   ORDER BY c.channel";
        self.rows(sql, [], |row| Ok(ChannelId(column::fixed(row, 0, "channel")?)))
    }

    fn last_run(&mut self) -> Result<LastRun, StorageError> {
        let here = file_identity(&self.connection)?;
        let sql = "SELECT doubts, seen_at, stopped, boot, file FROM store";
        let found = self.first(sql, [], |row| {
            let seen_at = column::get::<Option<i64>>(row, 1, "seen_at")?;
            let file = column::get::<Option<String>>(row, 4, "file")?;
            Ok(LastRun {
                doubts: Doubts(column::u64(row, 0, "doubts")?),
                seen_at: seen_at.map(|at| Timestamp::from_millis(at.cast_unsigned())),
                stopped: column::get(row, 2, "stopped")?,
                boot: column::get(row, 3, "boot")?,
                is_copy: file.is_some_and(|file| file != here),
            })
        })?;
        found.ok_or(StorageError::Corrupt("store"))
    }
}

/// SQLite's limits are signed.
fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn channel_record(row: &Row<'_>) -> Result<ChannelRecord, StorageError> {
    let fence = column::get::<Option<i64>>(row, 7, "fence")?;
    Ok(ChannelRecord {
        channel: ChannelId(column::fixed(row, 0, "channel")?),
        hub: column::name(row, 1, "hub")?,
        creating_hub: column::name(row, 10, "creating_hub")?,
        nonce: ChannelNonce(column::fixed(row, 8, "nonce")?),
        role: match column::get(row, 2, "role")? {
            1_i64 => Role::Hub,
            2 => Role::Follower,
            _ => return Err(StorageError::Corrupt("role")),
        },
        generation: Generation(column::u64(row, 3, "generation")?),
        tail: Tail {
            seq: Seq(column::u64(row, 4, "tail_seq")?),
            chain: ChainHash(column::fixed(row, 5, "tail_chain")?),
            received_at: Timestamp::from_millis(column::u64(row, 6, "tail_received_at")?),
        },
        fence: fence.map(|fence| Seq(fence.cast_unsigned())),
        settled: Doubts(column::u64(row, 9, "settled")?),
    })
}

fn pending_welcome(row: &Row<'_>) -> Result<PendingWelcome, StorageError> {
    Ok(PendingWelcome {
        channel: ChannelId(column::fixed(row, 0, "channel")?),
        seq: Seq(column::u64(row, 1, "seq")?),
    })
}

fn stored_item(row: &Row<'_>) -> Result<StoredItem, StorageError> {
    Ok(StoredItem {
        seq: Seq(column::u64(row, 0, "seq")?),
        received_at: Timestamp::from_millis(column::u64(row, 1, "received_at")?),
        envelope: column::bytes(row, 2, "envelope")?,
        outer_signature: column::bytes(row, 3, "outer_signature")?,
        payload: column::bytes(row, 4, "payload")?,
        list_change: column::get::<Option<Vec<u8>>>(row, 5, "list_change")?.map(Bytes::from),
        chain: ChainHash(column::fixed(row, 6, "chain")?),
    })
}

fn range(row: &Row<'_>) -> Result<ReadRange, StorageError> {
    let to = column::get::<Option<i64>>(row, 1, "last_seq")?;
    Ok(ReadRange {
        from: Seq(column::u64(row, 0, "first_seq")?),
        to: to.map(|to| Seq(to.cast_unsigned())),
    })
}

fn signed_head(row: &Row<'_>) -> Result<SignedHead, StorageError> {
    let head: Vec<u8> = column::get(row, 0, "head")?;
    let head = Head::decode(&head).map_err(|_| StorageError::Corrupt("head"))?;
    let signed = wire::SignedHead {
        signature: column::get(row, 1, "signature")?,
        signer: column::get(row, 2, "signer")?,
        incarnation: head.incarnation.0,
        seq: head.seq.0,
        chain: head.chain.0.to_vec(),
    };
    SignedHead::from_wire(head.channel, &signed).map_err(|_| StorageError::Corrupt("head"))
}

//! The parts of what a client does, each by itself: MLS on a store in memory, signatures and chain,
//! one row of an SQLCipher table.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use enlace_channel::channel::{Admission, Device, group_id};
use enlace_channel::entry::SignedEntry;
use enlace_channel::mls::{Backend, Changes, Group, Processed, Suite, expand, stage_welcome};
use enlace_channel::state_store::{MemoryStore, StateError, StateStore};
use enlace_identity::keys::PublicKey;
use enlace_log::{ChainHash, Generation, Item};
use enlace_proto::relay::v1::SubmitRequest;
use enlace_test_authorities::Network;
use rusqlite::Connection;

use super::{SUITE, admission, device};

/// A member of whom nothing is there but the group.
pub(crate) struct BareMember {
    device: Device,
    backend: Backend,
    store: Counted,
    group: Option<Group>,
}

impl BareMember {
    /// A new device of the network's first authority.
    pub(crate) fn new(network: &Network, officer: &str) -> Result<Self> {
        let device = device(&network.authorities[0], officer);
        Ok(Self { device, backend: Backend::new()?, store: Counted::default(), group: None })
    }

    /// A key package of its.
    pub(crate) fn admission(&self) -> Result<Admission> {
        self.admission_to(SUITE)
    }

    /// The same for a channel of that suite.
    pub(crate) fn admission_to(&self, suite: Suite) -> Result<Admission> {
        admission(&self.device, &self.backend.on(&self.store), suite)
    }

    /// Joins by the welcome that came with a commit.
    pub(crate) fn join(&mut self, request: &SubmitRequest) -> Result<()> {
        let welcome = request.welcomes.first().context("a commit that admits has a welcome")?;
        let provider = self.backend.on(&self.store);
        self.group = Some(stage_welcome(&provider, &welcome.message)?.into_group(&provider)?);
        Ok(())
    }

    /// Decrypts the message of an entry. What it takes to put the message together is no part of
    /// MLS, and not of the time returned.
    pub(crate) fn decrypt(&mut self, item: &Item) -> Result<Duration> {
        let envelope = item.sealed.envelope();
        let payload = item.sealed.payload().context("nothing was erased")?;
        let id = group_id(envelope.channel, Generation(0));
        let message = expand(id, &envelope.aad(None), payload).context("an entry is a message")?;
        let started = Instant::now();
        let provider = self.backend.on(&self.store);
        let processed =
            self.group.as_mut().context("it has joined")?.process(&provider, &message)?;
        let elapsed = started.elapsed();
        ensure!(matches!(processed, Processed::Application { .. }), "an entry is in it");
        Ok(elapsed)
    }

    /// Takes a commit in.
    pub(crate) fn process(&mut self, item: &Item) -> Result<()> {
        let payload = item.sealed.payload().context("nothing was erased")?;
        let provider = self.backend.on(&self.store);
        let group = self.group.as_mut().context("it has joined")?;
        match group.process(&provider, payload)? {
            Processed::Commit(staged) => Ok(group.merge_staged(&provider, *staged)?),
            _ => bail!("a commit is in it"),
        }
    }

    /// Makes a commit that renews the keys, and takes it in.
    pub(crate) fn commit(&mut self) -> Result<()> {
        let provider = self.backend.on(&self.store);
        let group = self.group.as_mut().context("it has joined")?;
        group.commit(&provider, &self.device.key, &[], Changes::default())?;
        Ok(group.merge_pending(&provider)?)
    }

    /// Encrypts so many bytes.
    pub(crate) fn encrypt(&mut self, aad: &[u8], plaintext: &[u8]) -> Result<()> {
        let provider = self.backend.on(&self.store);
        let group = self.group.as_mut().context("it has joined")?;
        group.encrypt(&provider, &self.device.key, aad, plaintext)?;
        Ok(())
    }

    /// Bytes of state that were written since the last time.
    pub(crate) fn take_rewritten(&self) -> u64 {
        self.store.written.take()
    }
}

/// Checks what makes an entry's item genuine: the author's signature, that of the hub under the head
/// that the entry quotes, and the item's place in the chain. Returns the chain after it.
pub(crate) fn check(
    entry: &SignedEntry,
    author: &PublicKey,
    item: &Item,
    hub: &PublicKey,
    before: ChainHash,
) -> Result<ChainHash> {
    author.verify(entry.header_bytes(), entry.signature())?;
    if let Some(quoted) = entry.header().known_head.clone() {
        quoted.into_signed().verify(hub)?;
    }
    Ok(item.chain_after(&before))
}

/// A store in memory that counts what is written to it.
#[derive(Default)]
struct Counted {
    inner: MemoryStore,
    written: Cell<u64>,
}

impl StateStore for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.inner.get(key)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.written.set(self.written.get() + value.len() as u64);
        self.inner.put(key, value)
    }

    fn delete(&self, key: &[u8]) -> Result<(), StateError> {
        self.inner.delete(key)
    }

    fn savepoint(&self) -> Result<(), StateError> {
        self.inner.savepoint()
    }

    fn rollback(&self) -> Result<(), StateError> {
        self.inner.rollback()
    }

    fn release(&self) -> Result<(), StateError> {
        self.inner.release()
    }
}

/// An SQLCipher file with one table, as durable as the client's.
pub(crate) struct BareStore {
    connection: Connection,
    next: i64,
}

impl BareStore {
    /// A new one.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        let connection = Connection::open(dir.join("bare.db"))?;
        connection.pragma_update(None, "key", "correct horse battery staple")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection
            .execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, item BLOB, entry BLOB)", [])?;
        Ok(Self { connection, next: 0 })
    }

    /// Inserts rows in one transaction.
    pub(crate) fn insert<'r>(
        &mut self,
        rows: impl IntoIterator<Item = (&'r [u8], &'r [u8])>,
    ) -> Result<()> {
        let tx = self.connection.transaction()?;
        {
            let mut insert = tx.prepare_cached("INSERT INTO rows VALUES (?1, ?2, ?3)")?;
            for (item, entry) in rows {
                insert.execute((self.next, item, entry))?;
                self.next += 1;
            }
        }
        Ok(tx.commit()?)
    }
}

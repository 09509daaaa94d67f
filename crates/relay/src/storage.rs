//! Where a relay keeps its logs: one trait, several engines.
//!
//! [`Storage`] is the single writer, [`ReadStorage`] a cheap handle for readers; both are object
//! safe, know no engine's types, and take and give owned data. All writes of one group commit go
//! through [`Storage::commit`] in one transaction.
//!
//! The traits are synchronous on purpose. A group commit is one blocking call that ends in an
//! fsync or in a replica's word, made by the one thread that owns the writer: an `async fn` would
//! add a state machine per write and could be cancelled half way. It also lets a simulation run
//! the real engine inline, without threads. A PostgreSQL engine is driven the same way, over one
//! connection that its writer owns; [`StorageError::Conflict`] is how it says that another node
//! was faster.
//!
//! Engines: [`SqliteStorage`] for one machine, [`MemoryStorage`] for simulations and tests. What
//! every engine must do is written down as tests in the module `conformance`.

mod batch;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod memory;
mod records;
mod sqlite;

use bytes::Bytes;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_log::head::HeadSigner;
use enlace_log::membership::{Event, ReadRange};
use enlace_log::{ChannelId, Incarnations, Seq, SignedHead, SubmitCounter};

pub use batch::{LogWrite, REMEMBERED_KEY_PACKAGES, SideWrite, WriteBatch};
pub use error::StorageError;
pub use memory::{CommitFault, CommitHook, MemoryDisk, MemoryStorage};
pub use records::{
    Accepted, AuthorityCrls, ChannelRecord, ClaimedKeyPackage, Doubts, IdempotencyKey, LastRun,
    PendingWelcome, ReadLimit, Role, StoredItem, Tail,
};
pub use sqlite::{SqliteOptions, SqliteReader, SqliteStorage};

/// The writer: one per store and process.
pub trait Storage: Send {
    /// Applies a whole batch, or nothing of it. When it returns, the batch is durable.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when a channel's tail is not where the batch expects it;
    /// otherwise whatever the engine reports, and then the batch may or may not have been
    /// applied: the caller forgets what it knew and reads again.
    fn commit(&mut self, batch: &WriteBatch) -> Result<(), StorageError>;

    /// What was accepted under each of these keys, in their order. The writer is asked, which need
    /// not look again at what it wrote.
    ///
    /// # Errors
    /// As those of [`ReadStorage`].
    fn accepted(&mut self, keys: &[IdempotencyKey]) -> Result<Vec<Option<Accepted>>, StorageError>;

    /// Takes one key package of each device out of its pool, each handed out once; the last
    /// resort where the pool is empty; nothing for a device that has neither. Durable when it
    /// returns.
    ///
    /// # Errors
    /// Whatever the engine reports; packages may be gone then, never handed out twice.
    fn take_key_packages(
        &mut self,
        suite: u16,
        devices: &[DeviceName],
    ) -> Result<Vec<ClaimedKeyPackage>, StorageError>;

    /// A new handle for reading.
    ///
    /// # Errors
    /// When the engine cannot open one.
    fn reader(&self) -> Result<Box<dyn ReadStorage>, StorageError>;
}

/// A reader: it sees what is committed, and only that.
///
/// Every method returns an error only when the engine fails or finds something that it did not
/// write ([`StorageError::Corrupt`]).
pub trait ReadStorage: Send {
    /// A channel.
    fn channel(&mut self, channel: &ChannelId) -> Result<Option<ChannelRecord>, StorageError>;

    /// At most `limit` channels by ascending id, those after `after`.
    fn channels(
        &mut self,
        after: Option<&ChannelId>,
        limit: usize,
    ) -> Result<Vec<ChannelRecord>, StorageError>;

    /// What changed who may read and write, in order.
    fn events(&mut self, channel: &ChannelId) -> Result<Vec<Event>, StorageError>;

    /// Those of [`Self::events`] that came with an item up to and with `last`.
    fn events_until(&mut self, channel: &ChannelId, last: Seq) -> Result<Vec<Event>, StorageError>;

    /// Every device that may or might read, once for each range of positions, sorted by name and
    /// position.
    fn readers(
        &mut self,
        channel: &ChannelId,
    ) -> Result<Vec<(DeviceName, ReadRange)>, StorageError>;

    /// The channels that a device may or might read, once for each range of positions.
    fn readable_channels(
        &mut self,
        device: &DeviceName,
    ) -> Result<Vec<(ChannelId, ReadRange)>, StorageError>;

    /// Consecutive items from `from` on, within the limit; at least one if there is one at `from`.
    fn items(
        &mut self,
        channel: &ChannelId,
        from: Seq,
        limit: ReadLimit,
    ) -> Result<Vec<StoredItem>, StorageError>;

    /// The newest kept head of `from..=to`.
    fn newest_head(
        &mut self,
        channel: &ChannelId,
        from: Seq,
        to: Seq,
    ) -> Result<Option<SignedHead>, StorageError>;

    /// The oldest kept head at `from` or later.
    fn next_head(
        &mut self,
        channel: &ChannelId,
        from: Seq,
    ) -> Result<Option<SignedHead>, StorageError>;

    /// The highest submit counter seen of a device.
    fn submit_counter(&mut self, device: &DeviceName) -> Result<SubmitCounter, StorageError>;

    /// How many key packages the pool of a device holds, the last resort not counted.
    fn key_packages(&mut self, device: &DeviceName, suite: u16) -> Result<u32, StorageError>;

    /// An officer's devices that have a key package of a suite to hand out, sorted by name.
    fn devices_with_key_packages(
        &mut self,
        officer: &OfficerAddress,
        suite: u16,
    ) -> Result<Vec<DeviceName>, StorageError>;

    /// At most `limit` officers with a device that has a key package of a suite to hand out, sorted by
    /// the bytes of their addresses, behind that one.
    fn officers_with_key_packages(
        &mut self,
        suite: u16,
        after: &str,
        limit: usize,
    ) -> Result<Vec<OfficerAddress>, StorageError>;

    /// At most `limit` welcomes that a device has not acknowledged, oldest first.
    fn pending_welcomes(
        &mut self,
        device: &DeviceName,
        limit: usize,
    ) -> Result<Vec<PendingWelcome>, StorageError>;

    /// At most `limit` welcomes that another authority's relay has not taken yet, oldest first.
    fn outbound_welcomes(
        &mut self,
        domain: &Domain,
        limit: usize,
    ) -> Result<Vec<PendingWelcome>, StorageError>;

    /// The delivery kept for the welcomes of a commit, as it was written.
    fn welcome(&mut self, channel: &ChannelId, seq: Seq) -> Result<Option<Bytes>, StorageError>;

    /// The certificate chain of a head key, DER, the leaf first.
    fn head_certificate(
        &mut self,
        signer: &HeadSigner,
    ) -> Result<Option<Vec<Vec<u8>>>, StorageError>;

    /// The revocation lists of each authority, DER.
    fn crls(&mut self) -> Result<Vec<AuthorityCrls>, StorageError>;

    /// The versions of the network's bundle, signed, oldest first.
    fn bundles(&mut self) -> Result<Vec<(u64, Bytes)>, StorageError>;

    /// The newest signed endpoint record of each authority.
    fn endpoint_records(&mut self) -> Result<Vec<(Domain, Bytes)>, StorageError>;

    /// Where the hub of a channel began anew.
    fn incarnations(&mut self, channel: &ChannelId) -> Result<Incarnations, StorageError>;

    /// Whether files may still hold what was erased. Whoever asks after reading that something is
    /// erased, and is told no, knows that it is in no file.
    fn has_residue(&mut self) -> Result<bool, StorageError>;

    /// Where a channel went on at another hub, in order.
    fn hub_moves(&mut self, channel: &ChannelId) -> Result<Vec<(Seq, Domain)>, StorageError>;

    /// The newest vote for another hub of each device, signed, by the devices' names.
    fn hub_votes(&mut self, channel: &ChannelId) -> Result<Vec<(DeviceName, Bytes)>, StorageError>;

    /// The channels with votes, or that have moved.
    fn moving_channels(&mut self) -> Result<Vec<ChannelId>, StorageError>;

    /// How the relay last ran on this store.
    fn last_run(&mut self) -> Result<LastRun, StorageError>;
}

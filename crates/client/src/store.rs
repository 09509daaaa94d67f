//! What a device keeps: MLS state and everything the officer sees, in one encrypted database.
//!
//! One trait per topic, all of them on one [`Transaction`], so that MLS state, the position in a
//! log and the rows shown change together or not at all. Nothing here decides anything: what an
//! item means is [`crate::engine`]'s. The engine behind it is [`SqlCipher`], in a file or on a
//! [`MemoryDisk`]; the traits name no type of it.
//!
//! Several processes may have one store open. [`Store::begin`] takes the only write lock, and
//! [`Transaction::data_version`] tells whether somebody else has written since it was last asked:
//! whatever was cached before is then to be dropped.

mod channels;
mod confirmations;
mod directory;
mod entries;
mod erasures;
mod error;
mod items;
mod key_packages;
mod memory;
mod migrations;
mod notices;
mod outbox;
mod sqlcipher;

use std::path::Path;

use enlace_channel::state_store::StateStore;
use enlace_identity::keys::Passphrase;

pub use self::channels::{ChannelRow, ChannelRows, ChannelStanding};
pub use self::confirmations::{ConfirmationRow, ConfirmationRows, InquiryRow};
pub use self::directory::{
    DirectoryRows, DocumentKind, HeadCertificate, RefusedWelcome, WelcomeDigest,
};
pub use self::entries::{EntryRow, EntryRows};
pub use self::erasures::{ErasedBecause, ErasureRow, ErasureRows, TombstoneRow};
pub use self::error::StoreError;
pub use self::items::{ItemRow, ItemRows};
pub use self::key_packages::{KeyPackageRow, KeyPackageRows};
pub use self::memory::{CommitFault, CommitHook, MemoryDisk};
pub use self::notices::{NoticeRow, NoticeRows};
pub use self::outbox::{OutboxRow, OutboxRows, OutboxState, SealedItem};
pub use self::sqlcipher::SqlCipher;

/// A device's store.
pub trait Store: Send {
    /// Begins a transaction that writes: there is one at a time, over all processes.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process doesn't let go.
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError>;

    /// Begins a transaction that only reads, and sees one state of the store.
    ///
    /// # Errors
    /// When the engine fails.
    fn read(&mut self) -> Result<Box<dyn Transaction + '_>, StoreError>;

    /// Leaves nothing in the files of what was erased; nothing happens when nothing was. `false`
    /// when somebody else is just reading, and it has to be tried again.
    ///
    /// # Errors
    /// When the engine fails: it is to be tried again.
    fn scrub(&mut self) -> Result<bool, StoreError>;

    /// Writes what the officer sees into a new store at `path`, which that passphrase opens: channels,
    /// entries, the logs without payloads, notices, what was erased. No MLS state, no key package, nothing that
    /// waits to be sent. A file that is there is not written over.
    ///
    /// # Errors
    /// When the engine or the disk fails; there is no file then.
    fn backup(&mut self, path: &Path, passphrase: &Passphrase) -> Result<(), StoreError>;
}

/// A transaction. Dropped without [`commit`](Self::commit), it leaves no trace.
pub trait Transaction:
    StateStore
    + ChannelRows
    + ConfirmationRows
    + DirectoryRows
    + EntryRows
    + ErasureRows
    + ItemRows
    + KeyPackageRows
    + NoticeRows
    + OutboxRows
{
    /// A number that changes when somebody else has written.
    ///
    /// # Errors
    /// When the engine fails.
    fn data_version(&self) -> Result<u64, StoreError>;

    /// Makes everything durable.
    ///
    /// # Errors
    /// When the engine fails; nothing has changed then.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

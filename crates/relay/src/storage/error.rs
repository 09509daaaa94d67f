//! What can go wrong in a store.

use std::error::Error;
use std::path::PathBuf;

use enlace_log::ChannelId;

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The channel's tail is not where the batch expected it: another writer was faster, or the
    /// channel exists already. Read again, then decide anew.
    #[error("the log of channel {0} has moved on")]
    Conflict(ChannelId),
    /// A write names a channel that is not there: a bug of the caller.
    #[error("channel {0} is not in the store")]
    UnknownChannel(ChannelId),
    /// Another process works on this store; there can be only one.
    #[error("the store at {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The store was written by a newer version of this program: install that one.
    #[error("the store has version {found}, this program knows up to {known}")]
    Newer {
        /// The store's version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The store holds something that it would not have written: it was damaged.
    #[error("the store is damaged at {0}")]
    Corrupt(&'static str),
    /// The store's directory or files cannot be opened.
    #[error("the store at {} cannot be opened", path.display())]
    Open {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The engine failed: a full or broken disk, a lost connection.
    #[error("the storage engine failed")]
    Engine(#[source] Box<dyn Error + Send + Sync>),
}

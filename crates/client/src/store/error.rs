//! Why the store does not do what it is asked.

use std::error::Error;

use enlace_channel::state_store::StateError;

/// The store failed. Nobody's message is to blame; the transaction has left no trace.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The passphrase is another, or the file is no store: ask again.
    #[error("the passphrase does not open this store")]
    WrongPassphrase,
    /// A newer program has written it: install that one.
    #[error("the store has version {found}, and this program knows {known}")]
    Newer {
        /// The store's version.
        found: usize,
        /// The newest version known here.
        known: usize,
    },
    /// The library was built without encryption: nothing is written.
    #[error("this program was built without database encryption")]
    NotEncrypted,
    /// Another process has held the store for too long: try again.
    #[error("another program is using the store and does not let go")]
    Busy(#[source] Box<dyn Error + Send + Sync>),
    /// Something in it can't be read: it is damaged.
    #[error("the store is damaged: {0} cannot be read")]
    Corrupt(&'static str),
    /// The engine reports a failure: the disk may be full or failing.
    #[error("the store failed")]
    Engine(#[source] Box<dyn Error + Send + Sync>),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Busy(Box::new(error)),
            Some(NotADatabase) => Self::WrongPassphrase,
            _ => Self::Engine(Box::new(error)),
        }
    }
}

impl From<StoreError> for StateError {
    fn from(error: StoreError) -> Self {
        Self::Engine(Box::new(error))
    }
}

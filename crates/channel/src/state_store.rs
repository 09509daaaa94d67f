//! Where secrets and group state live: a small key-value store with savepoints.
//!
//! The store is an argument of whatever changes state, so that the caller decides what is one
//! transaction: the client hands in an SQLCipher transaction, tests and simulations a
//! [`MemoryStore`]. Nothing here syncs, locks or waits.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;

use thiserror::Error;
use zeroize::Zeroize;

/// A key-value store inside a transaction of the caller.
///
/// Methods take `&self` because the store is shared by everything that runs in one transaction;
/// none of them is called from two threads.
pub trait StateStore {
    /// The value under `key`, if any.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// Writes `value` under `key`, over an earlier one.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StateError>;

    /// Removes `key`; nothing happens if it isn't there.
    fn delete(&self, key: &[u8]) -> Result<(), StateError>;

    /// Opens a savepoint inside the innermost open one.
    fn savepoint(&self) -> Result<(), StateError>;

    /// Undoes everything since the innermost savepoint, and closes it.
    ///
    /// A group that was loaded from this store must be loaded again.
    fn rollback(&self) -> Result<(), StateError>;

    /// Keeps everything since the innermost savepoint, and closes it.
    fn release(&self) -> Result<(), StateError>;
}

/// The store failed. Nobody's message is to blame: abandon the transaction.
#[derive(Debug, Error)]
pub enum StateError {
    /// The engine under the store reports a failure.
    #[error("the state store failed")]
    Engine(#[source] Box<dyn Error + Send + Sync>),
    /// A stored value can't be read: the store is damaged, or of another version.
    #[error("a stored value cannot be read")]
    Corrupt(#[source] Box<dyn Error + Send + Sync>),
    /// A savepoint was closed that is not open: a bug of the caller.
    #[error("no savepoint is open")]
    NoSavepoint,
}

/// A [`StateStore`] in memory, for tests and simulations. Values are wiped when they go.
#[derive(Default)]
pub struct MemoryStore {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    savepoints: Vec<UndoLog>,
}

/// What each key held when the savepoint was opened, for the keys that changed since.
type UndoLog = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of everything stored, to compare one state with another.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.inner.borrow().values.clone()
    }
}

impl StateStore for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.inner.borrow().values.get(key).cloned())
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.inner.borrow_mut().replace(key, Some(value.to_vec()));
        Ok(())
    }

    fn delete(&self, key: &[u8]) -> Result<(), StateError> {
        self.inner.borrow_mut().replace(key, None);
        Ok(())
    }

    fn savepoint(&self) -> Result<(), StateError> {
        self.inner.borrow_mut().savepoints.push(UndoLog::new());
        Ok(())
    }

    fn rollback(&self) -> Result<(), StateError> {
        let mut inner = self.inner.borrow_mut();
        let undo = inner.savepoints.pop().ok_or(StateError::NoSavepoint)?;
        for (key, value) in undo {
            wipe(inner.set(key, value));
        }
        Ok(())
    }

    fn release(&self) -> Result<(), StateError> {
        let mut inner = self.inner.borrow_mut();
        let undo = inner.savepoints.pop().ok_or(StateError::NoSavepoint)?;
        match inner.savepoints.last_mut() {
            // The outer savepoint's own memory of a key is older: it stays.
            Some(outer) => undo.into_iter().for_each(|(key, value)| {
                outer.entry(key).or_insert(value);
            }),
            None => undo.into_values().for_each(wipe),
        }
        Ok(())
    }
}

impl Inner {
    fn replace(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        let before = self.set(key.to_vec(), value);
        match self.savepoints.last_mut() {
            Some(undo) if !undo.contains_key(key) => {
                undo.insert(key.to_vec(), before);
            }
            _ => wipe(before),
        }
    }

    fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.values.values_mut().for_each(Zeroize::zeroize);
        self.savepoints.iter_mut().flat_map(UndoLog::values_mut).for_each(Zeroize::zeroize);
    }
}

fn wipe(mut value: Option<Vec<u8>>) {
    value.zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(store: &MemoryStore, key: &[u8]) -> Option<Vec<u8>> {
        store.get(key).unwrap()
    }

    #[test]
    fn rollback_restores_what_was_written_deleted_and_new() {
        let store = MemoryStore::new();
        store.put(b"a", b"1").unwrap();
        store.put(b"b", b"2").unwrap();
        let before = store.entries();
        store.savepoint().unwrap();
        store.put(b"a", b"3").unwrap();
        store.put(b"a", b"4").unwrap();
        store.delete(b"b").unwrap();
        store.put(b"c", b"5").unwrap();
        store.rollback().unwrap();
        assert_eq!(store.entries(), before);
    }

    #[test]
    fn an_outer_rollback_undoes_what_an_inner_release_kept() {
        let store = MemoryStore::new();
        store.put(b"a", b"1").unwrap();
        let before = store.entries();
        store.savepoint().unwrap();
        store.put(b"a", b"2").unwrap();
        store.savepoint().unwrap();
        store.put(b"a", b"3").unwrap();
        store.put(b"b", b"4").unwrap();
        store.release().unwrap();
        assert_eq!(value(&store, b"a"), Some(b"3".to_vec()));
        store.rollback().unwrap();
        assert_eq!(store.entries(), before);
    }

    #[test]
    fn an_inner_rollback_keeps_the_outer_changes() {
        let store = MemoryStore::new();
        store.savepoint().unwrap();
        store.put(b"a", b"1").unwrap();
        store.savepoint().unwrap();
        store.delete(b"a").unwrap();
        store.rollback().unwrap();
        store.release().unwrap();
        assert_eq!(value(&store, b"a"), Some(b"1".to_vec()));
    }

    #[test]
    fn a_savepoint_that_is_not_open_cannot_be_closed() {
        let store = MemoryStore::new();
        assert!(matches!(store.rollback(), Err(StateError::NoSavepoint)));
        assert!(matches!(store.release(), Err(StateError::NoSavepoint)));
    }
}

//! openmls's storage over our [`StateStore`].
//!
//! Keys are two bytes, `m` and what it is, and the CBOR of openmls's key; values are CBOR. One
//! value is one row, but for two kinds of list: a group's own leaf nodes are one row that grows,
//! queued proposals are a row each beside a row with their order. In the tree and the group's context,
//! which hold no keys but public ones, byte vectors are byte strings; former builds wrote them as lists
//! of numbers, which are read as well.

mod byte_strings;
mod cbor;
mod entities;
mod one_byte;
mod rows;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::state_store::{StateError, StateStore};

/// openmls's view of a [`StateStore`].
///
/// openmls turns some storage errors into protocol errors, which would put the blame for our full
/// disk on a peer. Hence the first error is kept aside; every operation asks for it with
/// [`Storage::check`] before it looks at what openmls says.
pub(super) struct Storage<'a> {
    store: &'a dyn StateStore,
    failure: RefCell<Option<StateError>>,
    epoch_keys_written: Cell<usize>,
}

/// What openmls is told when the store fails. The cause stays with [`Storage::check`].
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the state store failed")]
pub(super) struct StorageFailure;

impl<'a> Storage<'a> {
    pub(super) fn new(store: &'a dyn StateStore) -> Self {
        Self { store, failure: RefCell::new(None), epoch_keys_written: Cell::new(0) }
    }

    /// The store underneath.
    pub(super) fn store(&self) -> &'a dyn StateStore {
        self.store
    }

    /// The first error since the last check.
    pub(super) fn check(&self) -> Result<(), StateError> {
        self.failure.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// How many private keys of a group's epoch were written last.
    pub(super) fn epoch_keys_written(&self) -> usize {
        self.epoch_keys_written.get()
    }

    /// Keeps the cause, and gives openmls something it can carry.
    fn report<T>(&self, result: Result<T, StateError>) -> Result<T, StorageFailure> {
        result.map_err(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            StorageFailure
        })
    }
}

/// A copy of a value of openmls that has no `Clone`.
pub(super) fn copy<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, StateError> {
    cbor::decode(cbor::encode(value)?.to_vec())
}

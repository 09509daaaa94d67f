//! Reading and writing the rows: single values, growing lists, keys.

use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cbor::{decode, encode, encode_compact};
use super::{Storage, StorageFailure};
use crate::state_store::StateError;

/// What a row holds: the second byte of its key. Never reused for something else.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Slot {
    JoinConfig = b'j',
    Tree = b't',
    InterimTranscriptHash = b'i',
    Context = b'c',
    ConfirmationTag = b'f',
    GroupState = b'g',
    MessageSecrets = b'm',
    ResumptionPsks = b'r',
    OwnLeafIndex = b'x',
    EpochSecrets = b'e',
    OwnLeafNodes = b'l',
    ProposalOrder = b'q',
    Proposal = b'p',
    EpochKeyPairs = b'h',
    SignatureKeyPair = b's',
    EncryptionKeyPair = b'n',
    KeyPackage = b'k',
    Psk = b'y',
}

impl Slot {
    /// Whether all members have the same there, and nobody's private keys.
    fn holds_no_keys(self) -> bool {
        matches!(self, Self::Tree | Self::Context)
    }
}

impl Storage<'_> {
    pub(super) fn write(
        &self,
        slot: Slot,
        id: &impl Serialize,
        value: &impl Serialize,
    ) -> Result<(), StorageFailure> {
        self.report(self.try_write(slot, id, value))
    }

    pub(super) fn read<T: DeserializeOwned>(
        &self,
        slot: Slot,
        id: &impl Serialize,
    ) -> Result<Option<T>, StorageFailure> {
        self.report(self.try_read(slot, id))
    }

    pub(super) fn remove(&self, slot: Slot, id: &impl Serialize) -> Result<(), StorageFailure> {
        self.report(row_key(slot, id).and_then(|key| self.store.delete(&key)))
    }

    pub(super) fn read_list<T: DeserializeOwned>(
        &self,
        slot: Slot,
        id: &impl Serialize,
    ) -> Result<Vec<T>, StorageFailure> {
        self.read(slot, id).map(Option::unwrap_or_default)
    }

    /// Appends to a list whose elements' type is not known here.
    pub(super) fn append(
        &self,
        slot: Slot,
        id: &impl Serialize,
        element: &impl Serialize,
    ) -> Result<(), StorageFailure> {
        self.report(self.try_append(slot, id, element))
    }

    /// Removes every element that is encoded like `element`.
    pub(super) fn remove_element(
        &self,
        slot: Slot,
        id: &impl Serialize,
        element: &impl Serialize,
    ) -> Result<(), StorageFailure> {
        self.report(self.try_remove_element(slot, id, element))
    }

    fn try_write(
        &self,
        slot: Slot,
        id: &impl Serialize,
        value: &impl Serialize,
    ) -> Result<(), StateError> {
        let value = if slot.holds_no_keys() { encode_compact(value)? } else { encode(value)? };
        self.store.put(&row_key(slot, id)?, &value)
    }

    fn try_read<T: DeserializeOwned>(
        &self,
        slot: Slot,
        id: &impl Serialize,
    ) -> Result<Option<T>, StateError> {
        self.store.get(&row_key(slot, id)?)?.map(decode).transpose()
    }

    fn try_append(
        &self,
        slot: Slot,
        id: &impl Serialize,
        element: &impl Serialize,
    ) -> Result<(), StateError> {
        let mut list: Vec<Value> = self.try_read(slot, id)?.unwrap_or_default();
        list.push(to_value(element)?);
        self.try_write(slot, id, &list)
    }

    fn try_remove_element(
        &self,
        slot: Slot,
        id: &impl Serialize,
        element: &impl Serialize,
    ) -> Result<(), StateError> {
        let mut list: Vec<Value> = self.try_read(slot, id)?.unwrap_or_default();
        let gone = to_value(element)?;
        list.retain(|value| *value != gone);
        self.try_write(slot, id, &list)
    }
}

fn to_value(element: &impl Serialize) -> Result<Value, StateError> {
    Value::serialized(element).map_err(|e| StateError::Corrupt(e.into()))
}

pub(super) fn row_key(slot: Slot, id: &impl Serialize) -> Result<Vec<u8>, StateError> {
    let mut key = vec![b'm', slot as u8];
    key.extend_from_slice(&encode(id)?);
    Ok(key)
}

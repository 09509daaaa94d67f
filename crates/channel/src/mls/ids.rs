//! Identifiers of MLS, each its own type.

use std::fmt;

/// A group's id, 32 bytes (PROTOCOL.md §3.11).
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupId(pub [u8; 32]);

/// A group's epoch: raised by one with each commit that counts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(pub u64);

/// A member's place in the ratchet tree. It is free for somebody else once the member is removed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LeafIndex(pub u32);

/// The same bytes at every member of an epoch, and at nobody else (RFC 9420 §8.7).
#[derive(Clone, Eq, PartialEq)]
pub struct EpochAuthenticator(pub(super) Vec<u8>);

impl GroupId {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn to_mls(self) -> openmls::group::GroupId {
        openmls::group::GroupId::from_slice(&self.0)
    }

    /// None when the id is not of our length.
    pub(super) fn of_mls(id: &openmls::group::GroupId) -> Option<Self> {
        id.as_slice().try_into().ok().map(Self)
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl From<openmls::group::GroupEpoch> for Epoch {
    fn from(epoch: openmls::group::GroupEpoch) -> Self {
        Self(epoch.as_u64())
    }
}

impl From<openmls::prelude::LeafNodeIndex> for LeafIndex {
    fn from(index: openmls::prelude::LeafNodeIndex) -> Self {
        Self(index.u32())
    }
}

impl From<LeafIndex> for openmls::prelude::LeafNodeIndex {
    fn from(index: LeafIndex) -> Self {
        Self::new(index.0)
    }
}

impl EpochAuthenticator {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for EpochAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochAuthenticator(..)")
    }
}

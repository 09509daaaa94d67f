//! Payloads of control items, which travel in clear (PROTOCOL.md §3.10).

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::DeviceName;

use crate::ids::{ChannelId, Generation, Seq, bytes_id, seq_from_u64};

const LEAVE: &str = "enlace leave v1";
const CONTEST: &str = "enlace contest v1";

bytes_id!(
    /// Fixes one leaf of the group's tree, so that evidence cannot be used against a later one.
    LeafHash, 32
);

impl LeafHash {
    /// Hashes a leaf's keys and its certificate (DER).
    #[must_use]
    pub fn of(encryption_key: &[u8], signature_key: &[u8], certificate: &[u8]) -> Self {
        Self(
            Writer::new("enlace leaf v1")
                .bytes(encryption_key)
                .bytes(signature_key)
                .bytes(certificate)
                .hash(),
        )
    }
}

/// A device asks to be removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leave {
    /// The channel.
    pub channel: ChannelId,
    /// Its group.
    pub generation: Generation,
    /// Who leaves.
    pub device: DeviceName,
    /// Its leaf when it wrote this.
    pub leaf: LeafHash,
}

impl Leave {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LEAVE)
            .fixed(&self.channel.0)
            .u64(self.generation.0)
            .bytes(self.device.as_str().as_bytes())
            .fixed(&self.leaf.0)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest device would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LEAVE, bytes)?;
        let leave = Self {
            channel: ChannelId(r.fixed()?),
            generation: Generation(r.u64()?),
            device: r.text()?.parse().map_err(|_| DecodeError::Value("device"))?,
            leaf: LeafHash(r.fixed()?),
        };
        r.finish()?;
        Ok(leave)
    }
}

/// A device that a commit dropped objects to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contest {
    /// The channel.
    pub channel: ChannelId,
    /// Its group.
    pub generation: Generation,
    /// The commit objected to.
    pub commit: Seq,
}

impl Contest {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(CONTEST)
            .fixed(&self.channel.0)
            .u64(self.generation.0)
            .u64(self.commit.0)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest device would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(CONTEST, bytes)?;
        let contest = Self {
            channel: ChannelId(r.fixed()?),
            generation: Generation(r.u64()?),
            commit: seq_from_u64("commit", r.u64()?)?.ok_or(DecodeError::Value("commit"))?,
        };
        r.finish()?;
        Ok(contest)
    }
}

//! Payloads of control items, which travel in clear (PROTOCOL.md §3.10).

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::DeviceName;

use crate::ids::{ChannelId, Generation, Seq, bytes_id, seq_from_u64};

const LEAVE: &str = "enlace leave v1";
const CONTEST: &str = "enlace contest v1";
const STRANDED: &str = "enlace stranded v1";
/// Of a device that cannot tell its leaf.
const STRANDED_ANYHOW: &str = "enlace stranded v2";

bytes_id!(
    /// Fixes one leaf of the group's tree, so that evidence cannot be used against a later one.
    LeafHash, 32
);

bytes_id!(
    /// Fixes one key package, as it travels.
    KeyPackageHash, 32
);

impl KeyPackageHash {
    /// Hashes a key package's MLS message.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        Self(Writer::new("enlace key package v1").bytes(message).hash())
    }
}

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

/// A device says that it cannot follow the group any more, and asks to be put back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stranded {
    /// The channel.
    pub channel: ChannelId,
    /// Its group.
    pub generation: Generation,
    /// Who is stranded.
    pub device: DeviceName,
    /// Its leaf when it wrote this. Whose store was set back to before its leaf changed cannot tell it:
    /// then this is good until the group's next change.
    pub leaf: Option<LeafHash>,
    /// The first commit that it could not follow: what it says, and nobody can check.
    pub since: Seq,
    /// What to put it back with: an MLS message, made for this alone.
    pub key_package: Vec<u8>,
    /// A public key of the group's HPKE suite: what it missed is sent under it.
    pub share_key: Vec<u8>,
}

impl Stranded {
    /// The most bytes that a key package can have here.
    pub const MAX_KEY_PACKAGE: usize = 32 * 1024;
    /// The most bytes of the key for what it missed.
    pub const MAX_SHARE_KEY: usize = 4 * 1024;

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let begin = |label| {
            let w = Writer::new(label).fixed(&self.channel.0).u64(self.generation.0);
            w.bytes(self.device.as_str().as_bytes())
        };
        let asker = match &self.leaf {
            Some(leaf) => begin(STRANDED).fixed(&leaf.0),
            None => begin(STRANDED_ANYHOW),
        };
        asker.u64(self.since.0).bytes(&self.key_package).bytes(&self.share_key).finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest device would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (mut r, names_leaf) = match Reader::new(STRANDED, bytes) {
            Ok(r) => (r, true),
            Err(_) => (Reader::new(STRANDED_ANYHOW, bytes)?, false),
        };
        let stranded = Self {
            channel: ChannelId(r.fixed()?),
            generation: Generation(r.u64()?),
            device: r.text()?.parse().map_err(|_| DecodeError::Value("device"))?,
            leaf: if names_leaf { Some(LeafHash(r.fixed()?)) } else { None },
            since: seq_from_u64("since", r.u64()?)?.ok_or(DecodeError::Value("since"))?,
            key_package: r.bytes()?.to_vec(),
            share_key: r.bytes()?.to_vec(),
        };
        r.finish()?;
        let limits = [
            ("key_package", stranded.key_package.len(), Self::MAX_KEY_PACKAGE),
            ("share_key", stranded.share_key.len(), Self::MAX_SHARE_KEY),
        ];
        match limits.into_iter().find(|(_, length, most)| *length == 0 || length > most) {
            Some((field, ..)) => Err(DecodeError::Value(field)),
            None => Ok(stranded),
        }
    }
}

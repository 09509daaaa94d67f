//! The hash chain over a log (PROTOCOL.md §3.8).

use enlace_identity::canonical::{DecodeError, Writer, sha256};
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;

use crate::envelope::OuterSignature;
use crate::ids::{ChannelId, Generation, Seq, bytes_id};

bytes_id!(
    /// The chain up to and with one item: it fixes everything before it.
    ChainHash, 32
);

/// What the chain of a channel begins with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainStart {
    /// The channel.
    pub channel: ChannelId,
    /// The authority at whose relay it was created.
    pub hub: Domain,
    /// Which group of the channel begins here.
    pub generation: Generation,
    /// Hash of the head that closed the group before; zeros for none.
    pub predecessor: [u8; 32],
}

impl ChainStart {
    /// The chain before the first item.
    #[must_use]
    pub fn hash(&self) -> ChainHash {
        ChainHash(
            Writer::new("enlace chain start v1")
                .fixed(&self.channel.0)
                .bytes(self.hub.as_str().as_bytes())
                .u64(self.generation.0)
                .fixed(&self.predecessor)
                .hash(),
        )
    }
}

/// All that the chain takes of an item: enough to show that items lead to a signed head, without
/// what they hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChainLink {
    received_at: Timestamp,
    envelope_hash: [u8; 32],
    signature_hash: [u8; 32],
}

impl ChainLink {
    /// Bytes of one link as it travels.
    pub const BYTES: usize = 8 + 32 + 32;

    /// The most that are sent at once, beside a page of items (PROTOCOL.md §6.5).
    pub const MAX_AT_ONCE: usize = 28_000;

    /// Of an item with this envelope, its canonical bytes as received.
    #[must_use]
    pub fn new(received_at: Timestamp, envelope: &[u8], outer_signature: &OuterSignature) -> Self {
        let (envelope_hash, signature_hash) = (sha256(envelope), outer_signature.hash());
        Self { received_at, envelope_hash, signature_hash }
    }

    /// Its three fields, one after the other.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.received_at.as_millis().to_be_bytes());
        bytes[8..40].copy_from_slice(&self.envelope_hash);
        bytes[40..].copy_from_slice(&self.signature_hash);
        bytes
    }

    /// Reads links that follow each other.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when the last one isn't whole.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>, DecodeError> {
        let (links, rest) = bytes.as_chunks::<{ Self::BYTES }>();
        if !rest.is_empty() {
            return Err(DecodeError::Truncated);
        }
        Ok(links.iter().map(Self::decode).collect())
    }

    fn decode(bytes: &[u8; Self::BYTES]) -> Self {
        let fixed = |from: usize| std::array::from_fn(|index| bytes[from + index]);
        let time = std::array::from_fn(|index| bytes[index]);
        Self {
            received_at: Timestamp::from_millis(u64::from_be_bytes(time)),
            envelope_hash: fixed(8),
            signature_hash: fixed(40),
        }
    }
}

impl ChainHash {
    /// The chain after one more item. `envelope` is its canonical bytes as received.
    #[must_use]
    pub fn after(
        &self,
        seq: Seq,
        received_at: Timestamp,
        envelope: &[u8],
        outer_signature: &OuterSignature,
    ) -> Self {
        self.after_link(seq, &ChainLink::new(received_at, envelope, outer_signature))
    }

    /// The chain after one more item, of which only the link is at hand.
    #[must_use]
    pub fn after_link(&self, seq: Seq, link: &ChainLink) -> Self {
        Self(
            Writer::new("enlace chain v1")
                .fixed(&self.0)
                .u64(seq.0)
                .u64(link.received_at.as_millis())
                .fixed(&link.envelope_hash)
                .fixed(&link.signature_hash)
                .hash(),
        )
    }
}

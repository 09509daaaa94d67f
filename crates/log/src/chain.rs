//! The hash chain over a log (PROTOCOL.md §3.8).

use enlace_identity::canonical::{Writer, sha256};
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
        Self(
            Writer::new("enlace chain v1")
                .fixed(&self.0)
                .u64(seq.0)
                .u64(received_at.as_millis())
                .fixed(&sha256(envelope))
                .fixed(&outer_signature.hash())
                .hash(),
        )
    }
}

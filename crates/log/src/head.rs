//! What a hub signs: the newest position of a log and its chain (PROTOCOL.md §3.8).

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::keys::{PublicKey, Signature, SigningKey};
use enlace_proto::relay::v1 as wire;

use crate::chain::ChainHash;
use crate::ids::{ChannelId, Incarnation, MAX_SEQ, Seq, bytes_id};

const LABEL: &str = "enlace head v1";
const QUOTED_LABEL: &str = "enlace quoted head v1";

bytes_id!(
    /// Which certificate a head's signature is by: SHA-256 of its DER.
    HeadSigner, 32
);

/// A position of a log and the chain there.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Head {
    /// The channel.
    pub channel: ChannelId,
    /// Of the hub.
    pub incarnation: Incarnation,
    /// The position.
    pub seq: Seq,
    /// The chain up to and with it.
    pub chain: ChainHash,
}

impl Head {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .fixed(&self.channel.0)
            .u64(self.incarnation.0)
            .u64(self.seq.0)
            .fixed(&self.chain.0)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever a hub would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let head = Self {
            channel: ChannelId(r.fixed()?),
            incarnation: Incarnation(r.u64()?),
            seq: Seq(r.u64()?),
            chain: ChainHash(r.fixed()?),
        };
        r.finish()?;
        if head.seq.0 > MAX_SEQ { Err(DecodeError::Value("seq")) } else { Ok(head) }
    }

    /// Signs it; only a hub does, and only when everything up to `seq` is durable.
    #[must_use]
    pub fn sign(self, key: &SigningKey, signer: HeadSigner) -> VerifiedHead {
        let signature = key.sign(&self.encode());
        VerifiedHead(SignedHead { head: self, signature, signer })
    }
}

/// A head with a signature that nobody has verified yet.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SignedHead {
    head: Head,
    signature: Signature,
    signer: HeadSigner,
}

impl SignedHead {
    /// The head as claimed.
    #[must_use]
    pub fn unverified_head(&self) -> &Head {
        &self.head
    }

    /// Whose signature it claims to carry.
    #[must_use]
    pub fn signer(&self) -> HeadSigner {
        self.signer
    }

    /// Reads a head of `channel` as it travels; the signature is over the whole of it.
    ///
    /// # Errors
    /// Whatever a hub would not have written.
    pub fn from_wire(channel: ChannelId, head: &wire::SignedHead) -> Result<Self, HeadError> {
        if head.seq > MAX_SEQ {
            return Err(HeadError::Decode(DecodeError::Value("seq")));
        }
        Ok(Self {
            head: Head {
                channel,
                incarnation: Incarnation(head.incarnation),
                seq: Seq(head.seq),
                chain: ChainHash::try_from(&head.chain[..]).map_err(|_| HeadError::Length)?,
            },
            signature: Signature::try_from(&head.signature[..]).map_err(|_| HeadError::Length)?,
            signer: HeadSigner::try_from(&head.signer[..]).map_err(|_| HeadError::Length)?,
        })
    }

    /// Checks the signature. The caller has found `key` in a head certificate of the hub's
    /// authority whose hash is [`Self::signer`].
    ///
    /// # Errors
    /// [`HeadError::Signature`].
    pub fn verify(self, key: &PublicKey) -> Result<VerifiedHead, HeadError> {
        match key.verify(&self.head.encode(), &self.signature) {
            Ok(()) => Ok(VerifiedHead(self)),
            Err(_) => Err(HeadError::Signature),
        }
    }
}

/// A head whose signature by the hub's head key has been verified.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct VerifiedHead(SignedHead);

impl VerifiedHead {
    /// What the hub signed.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.0.head
    }

    /// With its signature, to be sent or kept.
    #[must_use]
    pub fn signed(&self) -> &SignedHead {
        &self.0
    }

    /// As it travels, beside its channel.
    #[must_use]
    pub fn to_wire(&self) -> wire::SignedHead {
        self.0.to_wire()
    }

    /// As entries and commits quote it.
    #[must_use]
    pub fn quoted(&self) -> QuotedHead {
        self.0.quoted()
    }
}

impl SignedHead {
    /// As it travels, beside its channel.
    #[must_use]
    pub fn to_wire(&self) -> wire::SignedHead {
        wire::SignedHead {
            signature: self.signature.as_bytes().to_vec(),
            signer: self.signer.0.to_vec(),
            incarnation: self.head.incarnation.0,
            seq: self.head.seq.0,
            chain: self.head.chain.0.to_vec(),
        }
    }

    /// With its channel, for whoever has to check it without anything round it.
    #[must_use]
    pub fn quoted(&self) -> QuotedHead {
        QuotedHead(self.clone())
    }
}

/// A signed head inside a header or an AAD; unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QuotedHead(SignedHead);

impl QuotedHead {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(QUOTED_LABEL)
            .bytes(&self.0.head.encode())
            .fixed(self.0.signature.as_bytes())
            .fixed(&self.0.signer.0)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest author would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(QUOTED_LABEL, bytes)?;
        let quoted = Self(SignedHead {
            head: Head::decode(r.bytes()?)?,
            signature: Signature::from_bytes(r.fixed()?),
            signer: HeadSigner(r.fixed()?),
        });
        r.finish()?;
        Ok(quoted)
    }

    /// The head, before it is verified.
    #[must_use]
    pub fn as_signed(&self) -> &SignedHead {
        &self.0
    }

    /// The head to be verified.
    #[must_use]
    pub fn into_signed(self) -> SignedHead {
        self.0
    }
}

/// Why a signed head is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeadError {
    /// The head's bytes cannot be read.
    #[error("the head of the log cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// A signature or a hash has another length.
    #[error("the head of the log has a field of the wrong length")]
    Length,
    /// The signature is not the hub's.
    #[error("the head of the log is not signed by the hub")]
    Signature,
}

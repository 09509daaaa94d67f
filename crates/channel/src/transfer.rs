//! An officer's history on its way from one device to another of the same officer (PROTOCOL.md §3.20,
//! §5.12): a backup under a key that the receiving device made for it.
//!
//! [`TransferKey`] asks; [`TransferRequest`] is what the sending device verifies; [`TransferHeader`]
//! goes before the backup and is what the receiving device verifies; [`TransferReceipt`] says that the
//! receiving device has taken it in. All are signed with the device keys, so that a relay between them can
//! read nothing, put nothing in, and not say that something has come that hasn't.

use enlace_identity::canonical::{DecodeError, Reader, Writer, sha256};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::certified::Certified;
use enlace_identity::chain::{LeafUsage, VerifiedLeaf};
use enlace_identity::keys::{Passphrase, SigningKey};
use enlace_identity::names::{DeviceName, LeafName};
use zeroize::Zeroizing;

use crate::mls::{Backend, ShareError, ShareKey, Suite, open_share, seal_share};

const REQUEST: &str = "enlace history request v1";
const SIGNED_REQUEST: &str = "enlace signed history request v1";
const HEADER: &str = "enlace history transfer v1";
const SIGNED_HEADER: &str = "enlace signed history transfer v1";
const RECEIPT: &str = "enlace history receipt v1";
const SIGNED_RECEIPT: &str = "enlace signed history receipt v1";

/// The suite whose HPKE is used, whatever that of the officer's channels.
const SUITE: Suite = Suite::PostQuantum;

/// A device asks another one of its officer for the history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransferRequest {
    /// The device that asks.
    pub device: DeviceName,
    /// Its HPKE public key, made for this request alone.
    pub key: Vec<u8>,
}

/// What the sending device says of the backup that follows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransferHeader {
    /// The device that sends.
    pub device: DeviceName,
    /// The hash of the request's bytes that it answers.
    pub request: [u8; 32],
    /// How long the backup is, in bytes.
    pub length: u64,
    /// The backup's hash.
    pub hash: [u8; 32],
    /// The backup's passphrase, under the request's key.
    pub sealed: Vec<u8>,
}

/// What the receiving device says once what a backup brought is in its store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransferReceipt {
    /// The device that received.
    pub device: DeviceName,
    /// The hash of the request's bytes.
    pub request: [u8; 32],
    /// The backup's hash.
    pub backup: [u8; 32],
    /// Channels of which it brought something.
    pub channels: u64,
    /// Entries that were not there before.
    pub entries: u64,
    /// What was not taken in.
    pub refused: u64,
}

/// What opens the answer to one request; it is never stored.
pub struct TransferKey {
    private: Zeroizing<Vec<u8>>,
    request: TransferRequest,
}

/// A signed request, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedTransferRequest(Certified);

/// A signed header, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedTransferHeader(Certified);

/// A signed receipt, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedTransferReceipt(Certified);

/// Why a request, a header or a receipt is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransferRefused {
    /// The bytes are none of them.
    #[error("this is no request for a history, and no answer to one: {0}")]
    Decode(#[from] DecodeError),
    /// It is signed by another device than it names, or altered.
    #[error("the signature is not that of the device that it names")]
    Signature,
    /// It answers another request.
    #[error("this answers another request")]
    OtherRequest,
    /// The key can't be used, or what was sealed to it was altered.
    #[error(transparent)]
    Sealed(#[from] ShareError),
}

impl TransferKey {
    /// Makes the key for one request of a device.
    ///
    /// # Errors
    /// [`ShareError`]: the cryptography is out of order.
    pub fn generate(backend: &Backend, device: &DeviceName) -> Result<Self, ShareError> {
        let ShareKey { public, private } = ShareKey::generate(backend, SUITE)?;
        Ok(Self { private, request: TransferRequest { device: device.clone(), key: public } })
    }

    /// The request, to be signed and sent.
    #[must_use]
    pub fn request(&self) -> &TransferRequest {
        &self.request
    }

    /// The passphrase of the backup that follows a verified header.
    ///
    /// # Errors
    /// [`TransferRefused::OtherRequest`], [`TransferRefused::Sealed`].
    pub fn open(
        &self,
        backend: &Backend,
        header: &TransferHeader,
    ) -> Result<Passphrase, TransferRefused> {
        if header.request != self.request.hash() {
            return Err(TransferRefused::OtherRequest);
        }
        let purpose = header.purpose();
        let opened = open_share(backend, SUITE, &self.private, &purpose, &header.sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| DecodeError::Value("passphrase"))?;
        Ok(Passphrase::new(text))
    }
}

impl TransferRequest {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(REQUEST).bytes(self.device.as_str().as_bytes()).bytes(&self.key).finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(REQUEST, bytes)?;
        let device = r.text()?.parse().map_err(|_| DecodeError::Value("device"))?;
        let request = Self { device, key: r.bytes()?.to_vec() };
        r.finish()?;
        Ok(request)
    }

    /// The hash of its bytes, by which an answer names it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.encode())
    }

    /// Signs it with the device key whose certificates are `chain`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, chain: UnverifiedChain) -> SignedTransferRequest {
        SignedTransferRequest(Certified::sign(self.encode(), key, chain))
    }
}

impl TransferHeader {
    /// The longest backup, in bytes: nobody fills another one's disk with more.
    pub const MAX_LENGTH: u64 = 16 << 30;

    /// Of a backup of that length and hash that answers a request, by `device`; the backup's passphrase
    /// is sealed to the request's key.
    ///
    /// # Errors
    /// [`ShareError`]: nobody can seal to that key.
    pub fn seal(
        backend: &Backend,
        request: &TransferRequest,
        device: &DeviceName,
        (length, hash): (u64, [u8; 32]),
        passphrase: &Passphrase,
    ) -> Result<Self, ShareError> {
        let (device, request_hash) = (device.clone(), request.hash());
        let sealed = Vec::new();
        let mut header = Self { device, request: request_hash, length, hash, sealed };
        let (purpose, secret) = (header.purpose(), passphrase.expose().as_bytes());
        header.sealed = seal_share(backend, SUITE, &request.key, &purpose, secret)?;
        Ok(header)
    }

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(HEADER)
            .bytes(self.device.as_str().as_bytes())
            .fixed(&self.request)
            .u64(self.length)
            .fixed(&self.hash)
            .bytes(&self.sealed)
            .finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(HEADER, bytes)?;
        let header = Self {
            device: r.text()?.parse().map_err(|_| DecodeError::Value("device"))?,
            request: r.fixed()?,
            length: r.u64()?,
            hash: r.fixed()?,
            sealed: r.bytes()?.to_vec(),
        };
        r.finish()?;
        if header.length > Self::MAX_LENGTH {
            return Err(DecodeError::Value("length"));
        }
        Ok(header)
    }

    /// What the sealing is bound to.
    fn purpose(&self) -> Vec<u8> {
        Writer::new("enlace history transfer purpose v1")
            .bytes(self.device.as_str().as_bytes())
            .fixed(&self.request)
            .u64(self.length)
            .fixed(&self.hash)
            .finish()
    }

    /// Signs it with the device key whose certificates are `chain`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, chain: UnverifiedChain) -> SignedTransferHeader {
        SignedTransferHeader(Certified::sign(self.encode(), key, chain))
    }
}

impl TransferReceipt {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(RECEIPT)
            .bytes(self.device.as_str().as_bytes())
            .fixed(&self.request)
            .fixed(&self.backup)
            .u64(self.channels)
            .u64(self.entries)
            .u64(self.refused)
            .finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(RECEIPT, bytes)?;
        let receipt = Self {
            device: r.text()?.parse().map_err(|_| DecodeError::Value("device"))?,
            request: r.fixed()?,
            backup: r.fixed()?,
            channels: r.u64()?,
            entries: r.u64()?,
            refused: r.u64()?,
        };
        r.finish()?;
        Ok(receipt)
    }

    /// Signs it with the device key whose certificates are `chain`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, chain: UnverifiedChain) -> SignedTransferReceipt {
        SignedTransferReceipt(Certified::sign(self.encode(), key, chain))
    }
}

impl SignedTransferRequest {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Its bytes, as they travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode(SIGNED_REQUEST)
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`TransferRefused::Decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TransferRefused> {
        Ok(Self(Certified::decode(SIGNED_REQUEST, bytes, Self::MAX_BYTES)?))
    }

    /// The certificates of the key that it claims to be signed with.
    #[must_use]
    pub fn chain(&self) -> &UnverifiedChain {
        self.0.chain()
    }

    /// Checks that the device that it names signed it. `leaf` is what the caller has verified
    /// [`Self::chain`] to be.
    ///
    /// # Errors
    /// [`TransferRefused`].
    pub fn verify(&self, leaf: &VerifiedLeaf) -> Result<TransferRequest, TransferRefused> {
        let request = TransferRequest::decode(self.0.unverified_statement())?;
        check_signer(&self.0, leaf, &request.device).map(|()| request)
    }
}

impl SignedTransferHeader {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Its bytes, as they travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode(SIGNED_HEADER)
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`TransferRefused::Decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TransferRefused> {
        Ok(Self(Certified::decode(SIGNED_HEADER, bytes, Self::MAX_BYTES)?))
    }

    /// The certificates of the key that it claims to be signed with.
    #[must_use]
    pub fn chain(&self) -> &UnverifiedChain {
        self.0.chain()
    }

    /// Checks that the device that it names signed it. `leaf` is what the caller has verified
    /// [`Self::chain`] to be.
    ///
    /// # Errors
    /// [`TransferRefused`].
    pub fn verify(&self, leaf: &VerifiedLeaf) -> Result<TransferHeader, TransferRefused> {
        let header = TransferHeader::decode(self.0.unverified_statement())?;
        check_signer(&self.0, leaf, &header.device).map(|()| header)
    }
}

impl SignedTransferReceipt {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Its bytes, as they travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode(SIGNED_RECEIPT)
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`TransferRefused::Decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, TransferRefused> {
        Ok(Self(Certified::decode(SIGNED_RECEIPT, bytes, Self::MAX_BYTES)?))
    }

    /// The certificates of the key that it claims to be signed with.
    #[must_use]
    pub fn chain(&self) -> &UnverifiedChain {
        self.0.chain()
    }

    /// Checks that the device that it names signed it. `leaf` is what the caller has verified
    /// [`Self::chain`] to be.
    ///
    /// # Errors
    /// [`TransferRefused`].
    pub fn verify(&self, leaf: &VerifiedLeaf) -> Result<TransferReceipt, TransferRefused> {
        let receipt = TransferReceipt::decode(self.0.unverified_statement())?;
        check_signer(&self.0, leaf, &receipt.device).map(|()| receipt)
    }
}

fn check_signer(
    signed: &Certified,
    leaf: &VerifiedLeaf,
    device: &DeviceName,
) -> Result<(), TransferRefused> {
    let is_theirs = matches!(leaf.name(), LeafName::Device(name) if name == device);
    if leaf.usage() != LeafUsage::Device || !is_theirs {
        return Err(TransferRefused::Signature);
    }
    signed.verify(&leaf.public_key()).map_err(|_| TransferRefused::Signature)
}

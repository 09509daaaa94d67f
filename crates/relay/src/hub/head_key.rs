//! The key that signs heads.

use std::sync::Arc;

use enlace_identity::canonical::sha256;
use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::keys::SigningKey;
use enlace_log::head::HeadSigner;
use enlace_log::{
    ChainHash, ChannelId, Envelope, ErasureConfirmation, Head, Incarnation, OuterSignature, Seq,
    SignedConfirmation, VerifiedHead,
};

/// An authority's head key with its certificates. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HeadKey(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: SigningKey,
    signer: HeadSigner,
    certificates: Vec<Vec<u8>>,
}

impl HeadKey {
    /// A key and the chain that certifies it, DER, the leaf first. The caller has checked that
    /// they belong together.
    #[must_use]
    pub fn new(key: SigningKey, certificates: Vec<Vec<u8>>) -> Self {
        let leaf = certificates.first().map(Vec::as_slice).unwrap_or_default();
        let signer = HeadSigner(sha256(leaf));
        Self(Arc::new(Inner { key, signer, certificates }))
    }

    /// Hash of its certificate.
    #[must_use]
    pub fn signer(&self) -> HeadSigner {
        self.0.signer
    }

    /// Its certificates, DER, the leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.0.certificates
    }

    /// Signs what its hub states of itself.
    pub(crate) fn sign_envelope(&self, envelope: &Envelope) -> OuterSignature {
        envelope.sign(&self.0.key)
    }

    /// Signs that this relay's store holds nothing more of what a tombstone had erased.
    ///
    /// # Errors
    /// When its certificates are none.
    pub(crate) fn confirm(
        &self,
        gone: &ErasureConfirmation,
    ) -> Result<SignedConfirmation, CertificateFormatError> {
        let chain = UnverifiedChain::from_ders(&self.0.certificates)?;
        Ok(gone.sign(&self.0.key, chain))
    }

    /// Signs a position that is durable.
    pub(crate) fn sign(
        &self,
        channel: ChannelId,
        incarnation: Incarnation,
        seq: Seq,
        chain: ChainHash,
    ) -> VerifiedHead {
        Head { channel, incarnation, seq, chain }.sign(&self.0.key, self.0.signer)
    }
}

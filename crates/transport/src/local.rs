//! Who this side is: its certificate chain and the key that goes with it.

use std::sync::Arc;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{ChainError, LeafUsage, VerifiedLeaf};
use enlace_identity::keys::SigningKey;
use rustls::sign::{CertifiedKey, Signer, SingleCertAndKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::CertificateDer;

use crate::quic::ResetKey;
use crate::trust::{CONNECTING, Trust};

/// The certificate that this side shows, and its key.
#[derive(Clone, Debug)]
pub struct LocalIdentity {
    leaf: VerifiedLeaf,
    certified: Arc<SingleCertAndKey>,
    reset: ResetKey,
}

/// Why a certificate and key can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LocalIdentityError {
    /// The own certificate doesn't hold (any more) in this network: renew it, or get the bundle.
    #[error("the own certificate can't be used: {0}")]
    Chain(#[from] ChainError),
    /// The key belongs to another certificate.
    #[error("the private key doesn't belong to the certificate")]
    OtherKey,
}

impl LocalIdentity {
    /// Puts a device's or a relay's chain and key together.
    ///
    /// # Errors
    /// [`LocalIdentityError`] if peers would refuse them now; revocation is not looked at.
    pub fn new(
        trust: &Trust,
        chain: &UnverifiedChain,
        key: SigningKey,
    ) -> Result<Self, LocalIdentityError> {
        let leaf = trust.verify_chain(chain, &CONNECTING)?;
        if leaf.public_key() != key.public() {
            return Err(LocalIdentityError::OtherKey);
        }
        let certificates = leaf.chain_ders().into_iter().map(CertificateDer::from).collect();
        let reset = ResetKey::derive(&key);
        let certified = CertifiedKey::new(certificates, Arc::new(TlsKey(Arc::new(key))));
        Ok(Self { leaf, certified: Arc::new(SingleCertAndKey::from(certified)), reset })
    }

    /// The own certificate, as it was verified when this value was made.
    #[must_use]
    pub fn leaf(&self) -> &VerifiedLeaf {
        &self.leaf
    }

    pub(crate) fn is_relay(&self) -> bool {
        self.leaf.usage() == LeafUsage::Relay
    }

    pub(crate) fn reset_key(&self) -> &ResetKey {
        &self.reset
    }

    pub(crate) fn certified(&self) -> Arc<SingleCertAndKey> {
        self.certified.clone()
    }
}

/// Signs TLS handshakes with a key that rustls never sees.
#[derive(Clone, Debug)]
struct TlsKey(Arc<SigningKey>);

impl rustls::sign::SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SignatureScheme::ED25519).then(|| Box::new(self.clone()) as _)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.0.sign(message).as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

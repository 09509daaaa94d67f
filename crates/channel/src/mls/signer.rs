//! A device's key as openmls wants it.

use enlace_identity::keys::SigningKey;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;

use super::crypto::Crypto;

/// Signs for openmls with a device's key.
pub(super) struct DeviceSigner<'a> {
    pub(super) key: &'a SigningKey,
    pub(super) crypto: &'a Crypto,
}

impl Signer for DeviceSigner<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        if let Some(tamper) = self.crypto.tamper() {
            tamper.signing(payload);
        }
        Ok(self.key.sign(payload).as_bytes().to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

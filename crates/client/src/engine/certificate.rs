//! This device's certificate: renewed in time, without anybody's doing. The relay carries the
//! request and the answer, and is believed nothing.

use std::time::Duration;

use enlace_channel::channel::Device;
use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::chain::{ChainError, LeafUsage, VerifiedLeaf};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::LeafName;
use enlace_identity::time::Timestamp;
use enlace_transport::Trust;

use super::{Engine, EngineError};
use crate::store::{DocumentKind, StoreError};

/// The least part of a lifetime that is left when a new certificate is asked for: half.
const RENEWED_AT: u32 = 2;

/// Why a certificate from the relay is refused. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum CertificateRefused {
    /// These are no certificates.
    #[error(transparent)]
    Format(#[from] CertificateFormatError),
    /// The chain doesn't verify.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It names somebody else.
    #[error("the certificate is for {0}, not for this device")]
    OtherName(LeafName),
    /// It certifies another key.
    #[error("the certificate is for another key than this device's")]
    OtherKey,
    /// It ends no later than the present one.
    #[error("the certificate holds no longer than the present one")]
    NotLater,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for CertificateRefused {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// The request for a new certificate, DER, once half of the present one's lifetime is over; the
    /// same each time.
    #[must_use]
    pub fn certificate_request(&self) -> Option<Vec<u8>> {
        let leaf = present(&self.trust, &self.device).ok()?;
        if self.trust.now() < due_at(&leaf) {
            return None;
        }
        let request =
            CertificateRequest::create(&self.device.key, leaf.name(), leaf.common_name()).ok()?;
        Some(request.der().to_vec())
    }

    /// Takes a certificate from the relay in place of the present one. Channels follow with this
    /// device's next commits, the connection when it is made again, and key packages when the relay
    /// is next asked how many it has.
    ///
    /// # Errors
    /// [`CertificateRefused`]; nothing has changed then.
    pub fn take_certificate(&mut self, certificates: &[Vec<u8>]) -> Result<(), CertificateRefused> {
        let chain = UnverifiedChain::from_ders(certificates)?;
        check(&self.trust, &self.device, &chain)?;
        let document = (self.device.name.to_string(), chain.to_pem().into_bytes());
        self.write::<_, CertificateRefused>(|work| {
            work.tx.replace_documents(DocumentKind::OwnCertificates, &[document])?;
            // Whoever lets this device in once the former certificate has ended needs the new one.
            Ok(work.lose_pools()?)
        })?;
        self.device.chain = chain;
        Ok(())
    }

    /// Goes on with the certificate that was fetched before, if it is better than the profile's.
    ///
    /// # Errors
    /// When the store fails.
    pub fn load_certificate(&mut self) -> Result<(), StoreError> {
        for (_, pem) in self.read(|tx| tx.documents(DocumentKind::OwnCertificates))? {
            let chain = UnverifiedChain::from_pem(&String::from_utf8_lossy(&pem));
            if let Ok(chain) = chain
                && check(&self.trust, &self.device, &chain).is_ok()
            {
                self.device.chain = chain;
            }
        }
        Ok(())
    }
}

fn present(trust: &Trust, device: &Device) -> Result<VerifiedLeaf, ChainError> {
    trust.verify_chain(&device.chain, &[LeafUsage::Device])
}

fn check(
    trust: &Trust,
    device: &Device,
    chain: &UnverifiedChain,
) -> Result<(), CertificateRefused> {
    let leaf = trust.verify_chain(chain, &[LeafUsage::Device])?;
    if *leaf.name() != LeafName::Device(device.name.clone()) {
        return Err(CertificateRefused::OtherName(leaf.name().clone()));
    }
    if leaf.public_key() != device.key.public() {
        return Err(CertificateRefused::OtherKey);
    }
    let is_later = device.chain.unverified_validity()?.not_after < leaf.not_after();
    if is_later { Ok(()) } else { Err(CertificateRefused::NotLater) }
}

fn due_at(leaf: &VerifiedLeaf) -> Timestamp {
    let lifetime: Duration = leaf.not_after().since(leaf.not_before());
    leaf.not_before().plus(lifetime / RENEWED_AT)
}

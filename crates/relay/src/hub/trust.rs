//! Whose signatures the hub accepts.

use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::chain::ChainError;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::DeviceName;
use enlace_identity::revocation::RevocationStatusError;
use enlace_identity::time::Timestamp;
use enlace_log::hub_vote::FormerDomains;
use enlace_proto::relay::v1::ErrorCode;

/// What the hub asks of the network bundle and the revocation lists.
pub trait DeviceTrust: Send + Sync {
    /// Whose key a chain certifies: verified now, for a device, against bundle and revocation.
    ///
    /// # Errors
    /// [`TrustError`] says what does not hold.
    fn device_key(&self, chain: &UnverifiedChain) -> Result<(DeviceName, PublicKey), TrustError>;

    /// Whose key a chain certified at an instant, for a device. Whether it was revoked since changes
    /// nothing about what it had signed.
    ///
    /// # Errors
    /// [`TrustError`] says what does not hold.
    fn device_key_at(
        &self,
        chain: &UnverifiedChain,
        at: Timestamp,
    ) -> Result<(DeviceName, PublicKey), TrustError>;

    /// Whether this relay itself knows that a device is revoked or suspended, so that a commit
    /// that drops it needs no further evidence.
    fn is_revoked(&self, device: &DeviceName) -> bool;

    /// Which authority has which former domain.
    fn former_domains(&self) -> FormerDomains;

    /// Whether it is only suspended, so that it may come back.
    fn is_suspended(&self, _device: &DeviceName) -> bool {
        false
    }
}

/// Why a device's certificate is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrustError {
    /// There are not two certificates.
    #[error("the certificates cannot be read: {0}")]
    Format(#[from] CertificateFormatError),
    /// The chain is not of this network, departs from the profile, or has expired.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It is revoked, or not known to be unrevoked.
    #[error(transparent)]
    Revocation(#[from] RevocationStatusError),
    /// Its authority has suspended the device.
    #[error("{0} is suspended")]
    Suspended(DeviceName),
    /// It is not a device's.
    #[error("the certificate is not a device's")]
    NotADevice,
}

impl TrustError {
    /// Its code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Chain(
                ChainError::LeafValidity { .. }
                | ChainError::IssuingValidity { .. }
                | ChainError::RootValidity { .. },
            ) => ErrorCode::CredentialExpired,
            Self::Revocation(
                RevocationStatusError::Revoked(_) | RevocationStatusError::IssuingRevoked(_),
            ) => ErrorCode::CredentialRevoked,
            Self::Revocation(_) => ErrorCode::StaleCrl,
            Self::Suspended(_) => ErrorCode::Suspended,
            Self::Format(_) | Self::Chain(_) | Self::NotADevice => ErrorCode::NotAllowed,
        }
    }
}

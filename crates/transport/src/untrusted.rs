//! Why a peer's certificate is not accepted.

use enlace_identity::certificate::CertificateFormatError;
use enlace_identity::chain::ChainError;
use enlace_identity::names::{DeviceName, LeafName};
use enlace_identity::revocation::RevocationStatusError;

use crate::close::CloseCode;

/// Why a peer is not trusted, in the order in which it is checked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Untrusted {
    /// The peer sent no chain of two certificates.
    #[error("the peer sent no usable certificates: {0}")]
    Format(#[from] CertificateFormatError),
    /// The chain is not of this network, departs from the profile, or doesn't hold at this time.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The certificate is good, but somebody else's.
    #[error("{expected} was expected, but the certificate is that of {}", .found.as_str())]
    OtherName {
        /// Whom the caller wanted to reach.
        expected: String,
        /// Whom the certificate names.
        found: LeafName,
    },
    /// Revoked, or not known to be unrevoked.
    #[error(transparent)]
    Revocation(#[from] RevocationStatusError),
    /// Its authority has suspended it, for the time being.
    #[error("{0} is suspended")]
    Suspended(DeviceName),
}

impl Untrusted {
    /// What to tell the peer.
    #[must_use]
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::Format(_) | Self::OtherName { .. } => CloseCode::Untrusted,
            Self::Chain(error) if is_about_time(error) => CloseCode::Expired,
            Self::Chain(_) => CloseCode::Untrusted,
            Self::Revocation(error) => revocation_code(error),
            Self::Suspended(_) => CloseCode::Suspended,
        }
    }
}

fn is_about_time(error: &ChainError) -> bool {
    matches!(
        error,
        ChainError::LeafValidity { .. }
            | ChainError::IssuingValidity { .. }
            | ChainError::RootValidity { .. }
    )
}

fn revocation_code(error: &RevocationStatusError) -> CloseCode {
    match error {
        RevocationStatusError::Revoked(_) | RevocationStatusError::IssuingRevoked(_) => {
            CloseCode::Revoked
        }
        RevocationStatusError::Stale(_) => CloseCode::StaleCrl,
    }
}

//! A registrar's mandate for a stand-in (PROTOCOL.md §3.16): an officer who comes into one channel as
//! a lead, until a day, because the authority has no lead left there. A duty key signs it.

use std::time::Duration;

use crate::bundle::Bundle;
use crate::canonical::{DecodeError, Reader, Writer};
use crate::certificate::UnverifiedChain;
use crate::certified::Certified;
use crate::chain::{ChainError, LeafUsage};
use crate::keys::SigningKey;
use crate::names::{Domain, OfficerAddress};
use crate::time::Timestamp;

const LABEL: &str = "enlace stand-in mandate v1";
const SIGNED_LABEL: &str = "enlace signed stand-in mandate v1";

/// Who stands in, where and until when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mandate {
    /// The channel's id.
    pub channel: [u8; 32],
    /// The officer; it is this officer's authority that mandates.
    pub officer: OfficerAddress,
    /// From 1. In a channel each mandate of an authority has a higher one than the last, so that none
    /// is used twice.
    pub serial: u64,
    /// From then on the officer is no lead any more.
    pub not_after: Timestamp,
}

/// A signed mandate, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedMandate(Certified);

/// Why a mandate is refused, or could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MandateError {
    /// The bytes are no mandate.
    #[error("this is no mandate for a stand-in: {0}")]
    Decode(#[from] DecodeError),
    /// The certificate that comes with it is refused.
    #[error("the signer of the mandate is refused: {0}")]
    Signer(#[from] ChainError),
    /// The key belongs to another authority than the officer.
    #[error("a mandate for {officer} is signed by {signer}")]
    OtherAuthority {
        /// Who is to stand in.
        officer: OfficerAddress,
        /// Who signed it.
        signer: Domain,
    },
    /// The signature does not fit.
    #[error("the signature of the mandate does not fit")]
    Signature,
    /// It has ended, or lasts longer than [`Mandate::MAX_LENGTH`] from then.
    #[error("the mandate has ended, or lasts too long")]
    Validity,
}

impl Mandate {
    /// The longest that a stand-in stays, from its admission on.
    pub const MAX_LENGTH: Duration = Duration::from_secs(90 * 24 * 60 * 60);

    /// The bytes that are signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .fixed(&self.channel)
            .bytes(self.officer.to_string().as_bytes())
            .u64(self.serial)
            .u64(self.not_after.as_millis())
            .finish()
    }

    /// Reads the bytes back.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let mandate = Self {
            channel: r.fixed()?,
            officer: r.text()?.parse().map_err(|_| DecodeError::Value("officer"))?,
            serial: r.u64()?,
            not_after: Timestamp::from_millis(r.u64()?),
        };
        r.finish()?;
        if mandate.serial == 0 { Err(DecodeError::Value("serial")) } else { Ok(mandate) }
    }
}

impl SignedMandate {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Signs a mandate with the duty key whose certificates are `chain`.
    #[must_use]
    pub fn sign(mandate: &Mandate, key: &SigningKey, chain: UnverifiedChain) -> Self {
        Self(Certified::sign(mandate.encode(), key, chain))
    }

    /// The bytes of the file, as they also travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode(SIGNED_LABEL)
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Certified::decode(SIGNED_LABEL, bytes, Self::MAX_BYTES).map(Self)
    }

    /// What the mandate claims.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no reading it.
    pub fn unverified_mandate(&self) -> Result<Mandate, DecodeError> {
        Mandate::decode(self.0.unverified_statement())
    }

    /// Checks the signer's certificates, the signature, that the officer is of the signer's authority,
    /// and that the mandate holds at `at`. A pure function of bytes and time; whether the signer's
    /// certificate is revoked is not known.
    ///
    /// # Errors
    /// [`MandateError`] says what doesn't hold.
    pub fn verify(&self, bundle: &Bundle, at: Timestamp) -> Result<Mandate, MandateError> {
        let signer = bundle.verify(self.0.chain(), at, LeafUsage::Duty)?;
        self.0.verify(&signer.public_key()).map_err(|_| MandateError::Signature)?;
        let mandate = self.unverified_mandate()?;
        if signer.name().domain() != mandate.officer.domain() {
            let signer = signer.name().domain().clone();
            return Err(MandateError::OtherAuthority { officer: mandate.officer, signer });
        }
        let holds = at < mandate.not_after && mandate.not_after <= at.plus(Mandate::MAX_LENGTH);
        if holds { Ok(mandate) } else { Err(MandateError::Validity) }
    }
}

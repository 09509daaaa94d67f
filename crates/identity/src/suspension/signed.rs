//! A statement about suspensions with its signature and its signer's certificates.

use std::ops::Deref;

use crate::bundle::Bundle;
use crate::canonical::{DecodeError, Reader};
use crate::certificate::UnverifiedChain;
use crate::certified::Certified;
use crate::chain::{LeafUsage, VerifiedLeaf};
use crate::keys::SigningKey;
use crate::names::DeviceName;
use crate::revocation::MAX_SKEW;
use crate::suspension::{SuspensionError, SuspensionStatement};
use crate::time::{Timestamp, ValidityError};

const LABEL: &str = "enlace signed suspensions v1";

/// A signed statement, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedSuspensions(Certified);

/// A statement that a duty key of its authority signed, and that held, or was over, at the time for
/// which it was verified; the statement is reached by dereferencing. Whether the signer's certificate
/// is revoked is not known.
#[derive(Clone, Debug)]
pub struct VerifiedSuspensions {
    statement: SuspensionStatement,
    signer: VerifiedLeaf,
    signed: SignedSuspensions,
}

impl SignedSuspensions {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = 300 * 1024;

    /// Signs a statement with the duty key whose certificates are `chain`.
    ///
    /// # Errors
    /// [`SuspensionError::Decode`] when the statement breaks a rule of its own form.
    pub fn sign(
        statement: &SuspensionStatement,
        key: &SigningKey,
        chain: UnverifiedChain,
    ) -> Result<Self, SuspensionError> {
        statement.check()?;
        Ok(Self(Certified::sign(statement.encode(), key, chain)))
    }

    /// The bytes of the file, as they also travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode(LABEL)
    }

    /// Whether bytes are meant for a signed statement: a revocation list begins otherwise.
    #[must_use]
    pub fn is_meant(bytes: &[u8]) -> bool {
        Reader::new(LABEL, bytes).is_ok()
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Certified::decode(LABEL, bytes, Self::MAX_BYTES).map(Self)
    }

    /// What the statement claims.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no reading it.
    pub fn unverified_statement(&self) -> Result<SuspensionStatement, DecodeError> {
        SuspensionStatement::decode(self.0.unverified_statement())
    }

    /// Checks the signer's certificates, that the statement is of the signer's own authority, the
    /// signature, and that the statement holds at `at`. A pure function of bytes and time.
    ///
    /// # Errors
    /// [`SuspensionError`] says what doesn't hold.
    pub fn verify(
        &self,
        bundle: &Bundle,
        at: Timestamp,
    ) -> Result<VerifiedSuspensions, SuspensionError> {
        let verified = self.verify_though_over(bundle, at)?;
        match verified.is_over(at) {
            true => Err(verified.invalid(ValidityError::Expired)),
            false => Ok(verified),
        }
    }

    /// The same of a statement that may be over: the signer's certificates hold at `at`, and the
    /// statement's own end may have come. It still tells what replaced what.
    ///
    /// # Errors
    /// [`SuspensionError`] says what doesn't hold.
    pub fn verify_though_over(
        &self,
        bundle: &Bundle,
        at: Timestamp,
    ) -> Result<VerifiedSuspensions, SuspensionError> {
        let signer = bundle.verify(self.0.chain(), at, LeafUsage::Duty)?;
        self.0.verify(&signer.public_key()).map_err(|_| SuspensionError::Signature)?;

        let statement = self.unverified_statement()?;
        if *signer.name().domain() != statement.domain {
            let signer = signer.name().domain().clone();
            return Err(SuspensionError::OtherAuthority { statement: statement.domain, signer });
        }
        let verified = VerifiedSuspensions { statement, signer, signed: self.clone() };
        match at.plus(MAX_SKEW) < verified.issued_at {
            true => Err(verified.invalid(ValidityError::NotYetValid)),
            false => Ok(verified),
        }
    }
}

impl VerifiedSuspensions {
    /// What it says.
    #[must_use]
    pub fn statement(&self) -> &SuspensionStatement {
        &self.statement
    }

    /// Who signed it.
    #[must_use]
    pub fn signer(&self) -> &VerifiedLeaf {
        &self.signer
    }

    /// The signed form, to be passed on.
    #[must_use]
    pub fn signed(&self) -> &SignedSuspensions {
        &self.signed
    }

    /// The first instant at which it suspends nobody any more: its own end, or that of its signer's
    /// certificate or of the issuing CA's.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.statement.not_after.min(self.signed_until())
    }

    /// The end of its signer's certificate or of the issuing CA's: from then on nobody can verify it.
    #[must_use]
    pub fn signed_until(&self) -> Timestamp {
        self.signer.not_after().min(self.signer.issuing_validity().not_after)
    }

    /// Whether its own end has come.
    #[must_use]
    pub fn is_over(&self, at: Timestamp) -> bool {
        at >= self.statement.not_after
    }

    /// Whether it suspends a device at `at`, which lies no earlier than when it was verified.
    #[must_use]
    pub fn suspends(&self, device: &DeviceName, at: Timestamp) -> bool {
        at < self.end() && self.statement.names(device)
    }

    fn invalid(&self, problem: ValidityError) -> SuspensionError {
        SuspensionError::Validity { domain: self.statement.domain.clone(), problem }
    }
}

impl Deref for VerifiedSuspensions {
    type Target = SuspensionStatement;

    fn deref(&self) -> &SuspensionStatement {
        &self.statement
    }
}

//! An endpoint record with its signature and its signer's certificates.

use std::ops::Deref;

use crate::bundle::Bundle;
use crate::canonical::DecodeError;
use crate::certificate::UnverifiedChain;
use crate::certified::Certified;
use crate::chain::{LeafUsage, VerifiedLeaf};
use crate::endpoint::{EndpointError, EndpointRecord};
use crate::keys::SigningKey;
use crate::time::Timestamp;

const LABEL: &str = "enlace signed endpoint record v1";

/// A signed endpoint record, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedEndpointRecord(Certified);

/// An endpoint record that its authority signed; the record is reached by dereferencing. Whether
/// the signer's certificate is revoked is not known.
#[derive(Clone, Debug)]
pub struct VerifiedEndpointRecord {
    record: EndpointRecord,
    signer: VerifiedLeaf,
    signed: SignedEndpointRecord,
}

impl SignedEndpointRecord {
    /// Signs a record with the endpoint key whose certificates are `chain`.
    ///
    /// # Errors
    /// [`EndpointError::Decode`] when the record breaks a rule of its own form.
    pub fn sign(
        record: &EndpointRecord,
        key: &SigningKey,
        chain: UnverifiedChain,
    ) -> Result<Self, EndpointError> {
        record.check()?;
        Ok(Self(Certified::sign(record.encode(), key, chain)))
    }

    /// The bytes of the file, as they also travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode(LABEL)
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Certified::decode(LABEL, bytes, bytes.len()).map(Self)
    }

    /// What the record claims. Of one that was verified before, addresses are still worth trying
    /// after it has expired.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no reading it.
    pub fn unverified_record(&self) -> Result<EndpointRecord, DecodeError> {
        EndpointRecord::decode(self.0.unverified_statement())
    }

    /// Checks the signer's certificates, that the record is of the signer's own authority, the
    /// signature, and that the record is valid at `now`.
    ///
    /// # Errors
    /// [`EndpointError`] says what doesn't hold.
    pub fn verify(
        &self,
        bundle: &Bundle,
        now: Timestamp,
    ) -> Result<VerifiedEndpointRecord, EndpointError> {
        let signer = bundle.verify(self.0.chain(), now, LeafUsage::Endpoint)?;
        self.0.verify(&signer.public_key()).map_err(|_| EndpointError::Signature)?;

        let record = self.unverified_record()?;
        let domain = record.domain.clone();
        if *signer.name().domain() != domain {
            let signer = signer.name().domain().clone();
            return Err(EndpointError::OtherAuthority { record: domain, signer });
        }
        let valid = record.validity.check(now);
        valid.map_err(|problem| EndpointError::Validity { domain, problem })?;
        Ok(VerifiedEndpointRecord { record, signer, signed: self.clone() })
    }
}

impl VerifiedEndpointRecord {
    /// What it says.
    #[must_use]
    pub fn record(&self) -> &EndpointRecord {
        &self.record
    }

    /// Who signed it.
    #[must_use]
    pub fn signer(&self) -> &VerifiedLeaf {
        &self.signer
    }

    /// The signed form, to be passed on.
    #[must_use]
    pub fn signed(&self) -> &SignedEndpointRecord {
        &self.signed
    }
}

impl Deref for VerifiedEndpointRecord {
    type Target = EndpointRecord;

    fn deref(&self) -> &EndpointRecord {
        &self.record
    }
}

//! An endpoint record with its signature and its signer's certificates.

use std::ops::Deref;

use crate::bundle::Bundle;
use crate::canonical::{DecodeError, Reader, Writer};
use crate::certificate::UnverifiedChain;
use crate::chain::{LeafUsage, VerifiedLeaf};
use crate::endpoint::{EndpointError, EndpointRecord};
use crate::keys::{Signature, SigningKey};
use crate::time::Timestamp;

const LABEL: &str = "enlace signed endpoint record v1";

/// A signed endpoint record, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedEndpointRecord {
    record: Vec<u8>,
    signature: Signature,
    chain: UnverifiedChain,
}

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
        let record = record.encode();
        Ok(Self { signature: key.sign(&record), record, chain })
    }

    /// The bytes of the file, as they also travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .bytes(&self.record)
            .fixed(self.signature.as_bytes())
            .list(&[self.chain.leaf(), self.chain.issuing()], |w, der| w.bytes(der.as_bytes()))
            .finish()
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let record = r.bytes()?.to_vec();
        let signature = Signature::from_bytes(r.fixed()?);
        let ders = r.list("certificates", 2, Reader::bytes)?;
        r.finish()?;
        let chain =
            UnverifiedChain::from_ders(&ders).map_err(|_| DecodeError::Value("certificates"))?;
        Ok(Self { record, signature, chain })
    }

    /// What the record claims. Of one that was verified before, addresses are still worth trying
    /// after it has expired.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no reading it.
    pub fn unverified_record(&self) -> Result<EndpointRecord, DecodeError> {
        EndpointRecord::decode(&self.record)
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
        let signer = bundle.verify(&self.chain, now, LeafUsage::Endpoint)?;
        let fits = signer.public_key().verify(&self.record, &self.signature);
        fits.map_err(|_| EndpointError::Signature)?;

        let record = EndpointRecord::decode(&self.record)?;
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

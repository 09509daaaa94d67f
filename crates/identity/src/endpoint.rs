//! Endpoint records: where an authority's relays are to be found (PROTOCOL.md §3.13).
//!
//! An authority signs its record alone, with an endpoint key that its issuing CA certified. Of an
//! authority's records the one with the highest version counts: see [`EndpointRecords`].

mod record;
mod signed;

use std::collections::BTreeMap;

use crate::bundle::Bundle;
use crate::canonical::DecodeError;
use crate::chain::ChainError;
use crate::names::Domain;
use crate::revocation::{RevocationLists, RevocationStatusError};
use crate::time::{Timestamp, ValidityError};

pub use self::record::{EndpointRecord, Host, HostError, RelayAddress, RelayEndpoint};
pub use self::signed::{SignedEndpointRecord, VerifiedEndpointRecord};

/// Why an endpoint record is refused, or could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EndpointError {
    /// The bytes are no endpoint record.
    #[error("this is not an endpoint record: {0}")]
    Decode(#[from] DecodeError),
    /// The certificate that comes with it is refused.
    #[error("the endpoint record's signer is refused: {0}")]
    Signer(#[from] ChainError),
    /// Its signer's certificate is revoked, or it isn't known whether it is.
    #[error("the endpoint record's signer is refused: {0}")]
    Revocation(#[from] RevocationStatusError),
    /// The key belongs to another authority than the record is about.
    #[error("an endpoint record of {record} is signed by {signer}")]
    OtherAuthority {
        /// Whose record it claims to be.
        record: Domain,
        /// Who signed it.
        signer: Domain,
    },
    /// The signature does not fit.
    #[error("the endpoint record's signature does not fit")]
    Signature,
    /// It is not valid now.
    #[error("the endpoint record of {domain} is {problem}")]
    Validity {
        /// The authority.
        domain: Domain,
        /// On which side of its validity the time lies.
        problem: ValidityError,
    },
    /// A newer one is known. Harmless, unless somebody insists.
    #[error("version {offered} of the endpoint record of {domain} is older than version {kept}")]
    Older {
        /// The authority.
        domain: Domain,
        /// The version that stays.
        kept: u64,
        /// The version that was refused.
        offered: u64,
    },
    /// The authority signed two records of the same version; the first stays.
    #[error("{domain} signed two different endpoint records of version {version}")]
    SameVersion {
        /// The authority.
        domain: Domain,
        /// Their version.
        version: u64,
    },
}

/// The newest endpoint record of every authority.
#[derive(Clone, Debug, Default)]
pub struct EndpointRecords(BTreeMap<Domain, VerifiedEndpointRecord>);

impl EndpointRecords {
    /// No records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a signed record's bytes if they hold, and are newer than what is kept. Whether
    /// anything changed is returned.
    ///
    /// # Errors
    /// [`EndpointError`]; nothing has changed then.
    pub fn insert(
        &mut self,
        bytes: &[u8],
        bundle: &Bundle,
        revocation: &RevocationLists,
        now: Timestamp,
    ) -> Result<bool, EndpointError> {
        let offered = SignedEndpointRecord::decode(bytes)?.verify(bundle, now)?;
        revocation.check(offered.signer(), now)?;
        let domain = offered.domain.clone();
        if let Some(kept) = self.0.get(&domain) {
            if kept.version > offered.version {
                let (kept, offered) = (kept.version, offered.version);
                return Err(EndpointError::Older { domain, kept, offered });
            }
            if kept.version == offered.version {
                let same = kept.record() == offered.record();
                let version = offered.version;
                return same.then_some(false).ok_or(EndpointError::SameVersion { domain, version });
            }
        }
        self.0.insert(domain, offered);
        Ok(true)
    }

    /// The newest record of an authority; whether it has expired since is the caller's to see.
    #[must_use]
    pub fn of_authority(&self, domain: &Domain) -> Option<&VerifiedEndpointRecord> {
        self.0.get(domain)
    }

    /// All records, sorted by domain.
    pub fn iter(&self) -> impl Iterator<Item = &VerifiedEndpointRecord> {
        self.0.values()
    }
}

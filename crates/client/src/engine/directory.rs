//! What relays tell about the network: taken in only as far as it can be verified.

use enlace_identity::bundle::LeafUsage;
use enlace_identity::canonical::sha256;
use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::chain::ChainError;
use enlace_identity::endpoint::{EndpointRecord, SignedEndpointRecord, VerifiedEndpointRecord};
use enlace_identity::names::{Domain, ServiceName};
use enlace_identity::revocation::Inserted;
use enlace_log::HeadSigner;

use super::work::Work;
use super::{Engine, EngineError};
use crate::store::{DocumentKind, HeadCertificate, StoreError};

/// Where a relay of the own authority is to be found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelayAddress {
    /// The name in its certificate.
    pub name: ServiceName,
    /// Hosts and ports, in order of preference.
    pub addresses: Vec<(String, u16)>,
}

/// Why something that a relay told was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It is no chain of two certificates.
    #[error(transparent)]
    Format(#[from] CertificateFormatError),
    /// It is not a head key of the hub's authority.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It is another authority's head key.
    #[error("the head key's certificate is of {found}, not of {expected}")]
    OtherAuthority {
        /// The hub's authority.
        expected: Domain,
        /// Whose it is.
        found: Domain,
    },
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for DirectoryError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Takes in the certificates of a hub's head key; `hub` is the authority that they must be of,
    /// if it is known.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn take_head_certificate(
        &mut self,
        hub: Option<&Domain>,
        certificates: &[Vec<u8>],
    ) -> Result<HeadSigner, DirectoryError> {
        self.write(|work| work.take_head_certificate(hub, certificates))
    }

    /// Takes in revocation lists; those that don't verify are passed over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_crls(&mut self, crls: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut is_news = false;
        for crl in crls {
            match self.trust.insert_crl(crl) {
                Ok(inserted) => is_news |= inserted == Inserted::New,
                Err(error) => tracing::debug!(%error, "a revocation list was not taken"),
            }
        }
        if is_news { self.save_crls() } else { Ok(()) }
    }

    /// Writes down the lists that are trusted now, also those that hello brought.
    ///
    /// # Errors
    /// When the store fails.
    pub fn save_crls(&mut self) -> Result<(), StoreError> {
        let crls = self.trust.all_crls();
        let named: Vec<_> = crls.into_iter().map(|crl| (hex::encode(sha256(&crl)), crl)).collect();
        let is_news = self.write(|work| {
            let known = work.tx.documents(DocumentKind::RevocationList)?;
            let names = |list: &[(String, Vec<u8>)]| {
                list.iter().map(|(name, _)| name.clone()).collect::<std::collections::BTreeSet<_>>()
            };
            let is_news = names(&known) != names(&named);
            if is_news {
                work.tx.replace_documents(DocumentKind::RevocationList, &named)?;
            }
            Ok::<_, StoreError>(is_news)
        })?;
        if is_news {
            self.look_for_revoked_again();
        }
        Ok(())
    }

    /// Trusts the lists that were written down.
    ///
    /// # Errors
    /// When the store fails.
    pub fn load_crls(&mut self) -> Result<(), StoreError> {
        for (_, crl) in self.read(|tx| tx.documents(DocumentKind::RevocationList))? {
            if let Err(error) = self.trust.insert_crl(&crl) {
                tracing::debug!(%error, "a stored revocation list was not taken");
            }
        }
        Ok(())
    }

    /// Takes in signed endpoint records; older ones and those that don't verify are passed over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_endpoint_records(&mut self, records: &[Vec<u8>]) -> Result<(), StoreError> {
        let (bundle, now) = (self.trust.bundle(), self.trust.now());
        let mut news: Vec<VerifiedEndpointRecord> = Vec::new();
        for bytes in records {
            let verified = SignedEndpointRecord::decode(bytes).map_err(Into::into);
            let verified = verified.and_then(|record| record.verify(&bundle, now));
            match verified {
                Ok(record) if self.trust.check_revocation(record.signer()).is_ok() => {
                    news.push(record);
                }
                Ok(record) => {
                    tracing::debug!(domain = %record.domain, "an endpoint record was not taken");
                }
                Err(error) => tracing::debug!(%error, "an endpoint record was not taken"),
            }
        }
        self.write(|work| {
            let mut documents = work.tx.documents(DocumentKind::EndpointRecord)?;
            let mut changed = false;
            for record in news {
                let name = record.domain.to_string();
                let known = documents.iter_mut().find(|(domain, _)| *domain == name);
                let bytes = record.signed().encode();
                match known {
                    Some((_, known)) if version_of(known) >= Some(record.version) => {}
                    Some((_, known)) => {
                        *known = bytes;
                        changed = true;
                    }
                    None => {
                        documents.push((name, bytes));
                        changed = true;
                    }
                }
            }
            if changed {
                work.tx.replace_documents(DocumentKind::EndpointRecord, &documents)?;
            }
            Ok(())
        })
    }

    /// The endpoint record of the own authority: the newest of the store's and `enrolled`.
    /// It was verified when it came, and may have expired since: an address is a hint, the relay's
    /// certificate decides.
    ///
    /// # Errors
    /// When the store fails.
    pub fn own_endpoint_record(
        &mut self,
        enrolled: &[u8],
    ) -> Result<Option<EndpointRecord>, StoreError> {
        let own = self.device.name.domain().to_string();
        let stored = self.read(|tx| tx.documents(DocumentKind::EndpointRecord))?;
        let stored = stored.into_iter().find(|(domain, _)| *domain == own).map(|(_, bytes)| bytes);
        let records = stored.iter().map(Vec::as_slice).chain([enrolled]);
        Ok(records.filter_map(unverified_record).max_by_key(|record| record.version))
    }
}

impl Work<'_> {
    pub(super) fn take_head_certificate(
        &mut self,
        hub: Option<&Domain>,
        certificates: &[Vec<u8>],
    ) -> Result<HeadSigner, DirectoryError> {
        let chain = UnverifiedChain::from_ders(certificates)?;
        let signer = HeadSigner(*chain.leaf().fingerprint().as_bytes());
        let leaf = self.ctx.bundle.verify(&chain, self.now(), LeafUsage::Head)?;
        let found = leaf.name().domain().clone();
        if let Some(expected) = hub.filter(|hub| **hub != found) {
            return Err(DirectoryError::OtherAuthority { expected: expected.clone(), found });
        }
        let key = leaf.public_key();
        self.tx.put_head_certificate(&HeadCertificate { hub: found, signer, key, chain })?;
        Ok(signer)
    }
}

fn unverified_record(bytes: &[u8]) -> Option<EndpointRecord> {
    SignedEndpointRecord::decode(bytes).ok()?.unverified_record().ok()
}

fn version_of(bytes: &[u8]) -> Option<u64> {
    unverified_record(bytes).map(|record| record.version)
}

/// The relays of a record, as they are dialled.
#[must_use]
pub fn relay_addresses(record: &EndpointRecord) -> Vec<RelayAddress> {
    let relays = record.relays.iter();
    relays
        .map(|relay| RelayAddress {
            name: relay.name.clone(),
            addresses: relay
                .addresses
                .iter()
                .map(|address| (address.host.as_str().to_owned(), address.port))
                .collect(),
        })
        .collect()
}

//! Taking in what the registrar issued: everything is verified before anything is written.

use enlace_identity::bundle::{Bundle, BundleError, BundleHash, LeafUsage, SignedBundle};
use enlace_identity::canonical::DecodeError;
use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::chain::{ChainError, VerifiedLeaf};
use enlace_identity::endpoint::{EndpointError, SignedEndpointRecord};
use enlace_identity::names::{Domain, LeafName};
use enlace_identity::revocation::{CrlError, RevocationLists, RevocationStatusError};
use enlace_identity::time::Timestamp;

use super::settings::Network;
use super::{BUNDLE, CERTIFICATES, CRLS, ENDPOINT_RECORD, Profile, ProfileError, SETTINGS, files};

/// What a device gets to take part: files from its registrar, and the hash told out of band.
#[derive(Clone, Copy, Debug)]
pub struct Enrollment<'a> {
    /// Leaf and issuing CA, in PEM.
    pub certificates: &'a str,
    /// The signed network bundle.
    pub bundle: &'a [u8],
    /// Its hash, as somebody told it by another way than the file came.
    pub bundle_hash: BundleHash,
    /// The signed endpoint record of the own authority.
    pub endpoint_record: &'a [u8],
    /// Revocation lists; may be none: the relay has them.
    pub crls: &'a [Vec<u8>],
}

/// Why an enrolment is refused. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The certificate file is none.
    #[error(transparent)]
    Format(#[from] CertificateFormatError),
    /// The bundle file is none.
    #[error("this is not a network bundle: {0}")]
    BundleFile(DecodeError),
    /// The bundle is not the one whose hash was told, or is no good.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The device belongs to another network already: make another profile.
    #[error("this device belongs to the network with the bundle {0} already")]
    OtherNetwork(BundleHash),
    /// The bundle doesn't list the officer's authority.
    #[error("{0} is no authority of this network")]
    NotAMember(Domain),
    /// The certificate is refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The certificate is somebody else's, or another device's.
    #[error("the certificate is for {found}, and this device is {expected}")]
    OtherName {
        /// This device.
        expected: String,
        /// Whom the certificate names.
        found: String,
    },
    /// The certificate was issued for another key than this device's.
    #[error("the certificate was issued for another key than this device's")]
    OtherKey,
    /// The endpoint record can't be used.
    #[error(transparent)]
    EndpointRecord(#[from] EndpointError),
    /// The endpoint record is another authority's.
    #[error("the endpoint record is of {0}, not of the own authority")]
    OtherRecord(Domain),
    /// A revocation list can't be used.
    #[error(transparent)]
    RevocationList(#[from] CrlError),
    /// The certificate is revoked.
    #[error(transparent)]
    Revoked(RevocationStatusError),
    /// The profile can't be read or written.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl Profile {
    /// Takes in a certificate and the network. Enrolling again with a newer certificate for the
    /// same key renews it.
    ///
    /// # Errors
    /// [`EnrollError`]; nothing has changed then.
    pub fn enroll(
        &mut self,
        enrollment: &Enrollment<'_>,
        now: Timestamp,
    ) -> Result<VerifiedLeaf, EnrollError> {
        let bundle = self.check_bundle(enrollment)?;
        let chain = UnverifiedChain::from_pem(enrollment.certificates)?;
        let leaf = bundle.verify(&chain, now, LeafUsage::Device)?;
        self.check_leaf(&leaf)?;
        self.check_record(enrollment.endpoint_record, &bundle, now)?;
        check_revocation(enrollment.crls, &bundle, &leaf, now)?;

        let dir = self.dir().to_owned();
        files::make_dir(&dir.join(CRLS))?;
        for (index, crl) in enrollment.crls.iter().enumerate() {
            files::write(&dir.join(CRLS).join(format!("{index:02}.crl")), crl)?;
        }
        files::write(&dir.join(ENDPOINT_RECORD), enrollment.endpoint_record)?;
        files::write(&dir.join(BUNDLE), enrollment.bundle)?;
        files::write(&dir.join(CERTIFICATES), chain.to_pem().as_bytes())?;
        let mut settings = self.settings.clone();
        settings.network = Some(Network { bundle: enrollment.bundle_hash });
        files::write(&dir.join(SETTINGS), settings.to_toml()?.as_bytes())?;
        self.settings = settings;
        Ok(leaf)
    }

    fn check_bundle(&self, enrollment: &Enrollment<'_>) -> Result<Bundle, EnrollError> {
        let signed = SignedBundle::decode(enrollment.bundle).map_err(EnrollError::BundleFile)?;
        let bundle = signed.open(&enrollment.bundle_hash)?;
        match &self.settings.network {
            Some(network) if network.bundle != bundle.hash() => {
                Err(EnrollError::OtherNetwork(network.bundle))
            }
            _ if bundle.authority_of(self.address().domain()).is_none() => {
                Err(EnrollError::NotAMember(self.address().domain().clone()))
            }
            _ => Ok(bundle),
        }
    }

    fn check_leaf(&self, leaf: &VerifiedLeaf) -> Result<(), EnrollError> {
        if *leaf.name() != LeafName::Device(self.device().clone()) {
            return Err(EnrollError::OtherName {
                expected: self.device().to_string(),
                found: leaf.name().to_string(),
            });
        }
        if leaf.public_key() != self.request()?.public_key() {
            return Err(EnrollError::OtherKey);
        }
        Ok(())
    }

    fn check_record(
        &self,
        record: &[u8],
        bundle: &Bundle,
        now: Timestamp,
    ) -> Result<(), EnrollError> {
        let record = SignedEndpointRecord::decode(record).map_err(EndpointError::from)?;
        let record = record.verify(bundle, now)?;
        if record.domain == *self.address().domain() {
            Ok(())
        } else {
            Err(EnrollError::OtherRecord(record.domain.clone()))
        }
    }
}

/// A missing list is no reason to refuse: the relay brings it. A revoked certificate is.
fn check_revocation(
    crls: &[Vec<u8>],
    bundle: &Bundle,
    leaf: &VerifiedLeaf,
    now: Timestamp,
) -> Result<(), EnrollError> {
    let mut lists = RevocationLists::new();
    for crl in crls {
        lists.insert(crl, bundle, now)?;
    }
    match lists.check(leaf, now) {
        Ok(()) | Err(RevocationStatusError::Stale(_)) => Ok(()),
        Err(revoked) => Err(EnrollError::Revoked(revoked)),
    }
}

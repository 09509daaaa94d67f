//! An authority with its root, its issuing CA, and whatever it is made to issue.

use std::time::Duration;

use enlace_identity::certificate::{CertificateDer, Serial, UnverifiedChain};
use enlace_identity::issue::{Approval, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{Domain, LeafName, ServiceKind, ServiceName};
use enlace_identity::time::Validity;
use enlace_transport::{LocalIdentity, Trust};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls_pki_types::PrivatePkcs8KeyDer;

use super::{DAY, START};

pub(crate) struct Authority {
    pub(crate) domain: Domain,
    pub(crate) root: Root,
    pub(crate) root_key: SigningKey,
    issuing: IssuingCa,
    issuing_key: SigningKey,
}

/// A certificate chain and its key.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) chain: UnverifiedChain,
    pub(crate) key: SigningKey,
    pub(crate) serial: Serial,
}

impl Credential {
    pub(crate) fn identity(&self, trust: &Trust) -> LocalIdentity {
        LocalIdentity::new(trust, &self.chain, self.key.clone()).unwrap()
    }
}

impl Authority {
    pub(crate) fn new(domain: &str) -> Self {
        let domain: Domain = domain.parse().unwrap();
        let validity = Validity::starting(START.minus(DAY), 365 * DAY);
        let (root_key, issuing_key) = (SigningKey::generate(), SigningKey::generate());
        let root = Root::create(&domain, root_key.clone(), validity, &Serial::generate()).unwrap();
        let public = issuing_key.public();
        let certificate = root.issue_ca(&public, validity, &Serial::generate()).unwrap();
        let issuing =
            IssuingCa::load(&domain, root.certificate(), &certificate, issuing_key.clone())
                .unwrap();
        Self { domain, root, root_key, issuing, issuing_key }
    }

    /// A relay's credential, valid for the whole test.
    pub(crate) fn relay(&self, label: &str) -> Credential {
        self.issue(LeafName::Service(self.relay_name(label)), 180 * DAY)
    }

    /// A device's credential, valid for a while.
    pub(crate) fn device(&self, label: &str, length: Duration) -> Credential {
        let name = format!("{label}.ana-ruiz.officer.{}", self.domain.as_str());
        self.issue(LeafName::Device(name.parse().unwrap()), length)
    }

    pub(crate) fn relay_name(&self, label: &str) -> ServiceName {
        ServiceName::new(label, ServiceKind::Relay, &self.domain).unwrap()
    }

    fn issue(&self, name: LeafName, length: Duration) -> Credential {
        let key = SigningKey::generate();
        let serial = Serial::generate();
        let approval = Approval {
            name,
            common_name: "Ana Ruiz".to_owned(),
            validity: Validity::starting(START.minus(DAY), DAY + length),
            serial: serial.clone(),
        };
        let chain = self.issuing.issue_for_key(&key.public(), &approval).unwrap();
        Credential { chain, key, serial }
    }

    /// The root's and the issuing CA's lists of that number.
    pub(crate) fn lists(&self, number: u64, revoked: &[&Credential]) -> Vec<Vec<u8>> {
        let validity = Validity::starting(START.minus(DAY), 30 * DAY);
        let revoked = revoked.iter().map(|leaf| (leaf.serial.clone(), START.minus(DAY))).collect();
        let of_root = RevocationContent { number, validity, revoked: Vec::new() };
        let of_issuing = RevocationContent { number, validity, revoked };
        vec![
            self.root.revocation_list(&of_root).unwrap().to_bytes(),
            self.issuing.revocation_list(&of_issuing).unwrap().to_bytes(),
        ]
    }

    /// What an issuing CA gone mad would sign: a device's certificate with these names.
    pub(crate) fn forge(&self, names: &[SanType]) -> Credential {
        let issuing_pkcs8 = self.issuing_key.to_pkcs8_der();
        let key = SigningKey::generate();
        let pkcs8 = key.to_pkcs8_der();
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        params.serial_number = Some(vec![0x42; 16].into());
        params.subject_alt_names = names.to_vec();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Ana Ruiz");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = self.issuing.certificate();
        let issuer = Issuer::from_ca_cert_der(
            &certificate.as_bytes().to_vec().into(),
            key_pair(&issuing_pkcs8),
        )
        .unwrap();
        let leaf = params.signed_by(&key_pair(&pkcs8), &issuer).unwrap();
        let leaf = CertificateDer::from_bytes(leaf.der()).unwrap();
        Credential {
            chain: UnverifiedChain::new(leaf, certificate.clone()),
            key,
            serial: Serial::generate(),
        }
    }
}

fn key_pair(pkcs8: &[u8]) -> KeyPair {
    let der = PrivatePkcs8KeyDer::from(pkcs8.to_vec());
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ED25519).unwrap()
}

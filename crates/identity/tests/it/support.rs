//! Authorities with fixed keys, and a forger that signs whatever a test wants signed.

use std::time::Duration;

use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::certificate::{CertificateDer, LeafUsage, Serial, UnverifiedChain};
use enlace_identity::issue::{Approval, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{Domain, LeafName};
use enlace_identity::revocation::{RevocationList, RevocationLists};
use enlace_identity::time::{Timestamp, Validity};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

/// 2026-01-01, noon.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_268_800);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// One authority with everything that a registrar holds.
pub(crate) struct TestAuthority {
    pub(crate) domain: Domain,
    pub(crate) root: Root,
    pub(crate) root_key: SigningKey,
    pub(crate) issuing: IssuingCa,
    pub(crate) issuing_key: SigningKey,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Zeroizing::new([seed; 32]))
}

pub(crate) fn serial(number: u8) -> Serial {
    Serial::from_random([number; 16])
}

pub(crate) fn name(text: &str) -> LeafName {
    text.parse().unwrap()
}

/// From a day ago on.
pub(crate) fn span(days: u32) -> Validity {
    Validity::starting(NOW.minus(DAY), DAY * days)
}

impl TestAuthority {
    pub(crate) fn new(domain: &str, seed: u8) -> Self {
        let domain: Domain = domain.parse().unwrap();
        let root_key = key(seed);
        let root = Root::create(&domain, root_key.clone(), span(3650), &serial(seed)).unwrap();
        let issuing_key = key(seed + 1);
        let issuing = issuing_below(&root, &domain, &issuing_key, span(730), seed + 1);
        Self { domain, root, root_key, issuing, issuing_key }
    }

    pub(crate) fn approval(&self, leaf: &str, number: u8) -> Approval {
        let name = name(&format!("{leaf}.{}", self.domain));
        let common_name = "Ana Ruiz Gómez".to_owned();
        Approval { name, common_name, validity: span(90), serial: serial(number) }
    }

    /// A leaf for `key(number)`, with that serial number.
    pub(crate) fn leaf(&self, leaf: &str, number: u8) -> UnverifiedChain {
        let approval = self.approval(leaf, number);
        self.issuing.issue_for_key(&key(number).public(), &approval).unwrap()
    }

    pub(crate) fn root_list(&self, number: u64, revoked: &[u8]) -> RevocationList {
        self.root.revocation_list(&list(number, revoked)).unwrap()
    }

    pub(crate) fn issuing_list(&self, number: u64, revoked: &[u8]) -> RevocationList {
        self.issuing.revocation_list(&list(number, revoked)).unwrap()
    }

    pub(crate) fn content(&self) -> AuthorityContent {
        AuthorityContent {
            domain: self.domain.clone(),
            country: "ES".into(),
            name: format!("Fiscalía de {}", self.domain),
            roots: vec![self.root.certificate().clone()],
        }
    }
}

pub(crate) fn issuing_below(
    root: &Root,
    domain: &Domain,
    key: &SigningKey,
    validity: Validity,
    number: u8,
) -> IssuingCa {
    let certificate = root.issue_ca(&key.public(), validity, &serial(number)).unwrap();
    IssuingCa::load(domain, root.certificate(), &certificate, key.clone()).unwrap()
}

pub(crate) fn list(number: u64, revoked: &[u8]) -> RevocationContent {
    let revoked = revoked.iter().map(|number| (serial(*number), NOW)).collect();
    RevocationContent { number, validity: span(8), revoked }
}

/// The two authorities of most tests.
pub(crate) fn pair() -> (TestAuthority, TestAuthority) {
    (TestAuthority::new("fge.example", 10), TestAuthority::new("mp.example", 20))
}

pub(crate) fn bundle_content(authorities: &[&TestAuthority]) -> BundleContent {
    BundleContent {
        network: "Red de prueba".into(),
        version: 1,
        previous: None,
        threshold: 1,
        validity: span(365),
        authorities: authorities.iter().map(|authority| authority.content()).collect(),
        former: Vec::new(),
    }
}

pub(crate) fn bundle(authorities: &[&TestAuthority]) -> Bundle {
    let mut signed = SignedBundle::create(bundle_content(authorities)).unwrap();
    for authority in authorities {
        signed.sign(&authority.domain, &authority.root_key).unwrap();
    }
    signed.open(&signed.hash()).unwrap()
}

/// Current, empty lists of all.
pub(crate) fn lists(authorities: &[&TestAuthority], bundle: &Bundle) -> RevocationLists {
    let mut lists = RevocationLists::new();
    for authority in authorities {
        for list in [authority.root_list(1, &[]), authority.issuing_list(1, &[])] {
            lists.insert(&list.to_bytes(), bundle, NOW).unwrap();
        }
    }
    lists
}

/// What a leaf's certificate has to say, for a test to spoil.
pub(crate) fn leaf_params(leaf: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = rcgen_time(span(90).not_before);
    params.not_after = rcgen_time(span(90).not_after);
    params.serial_number = Some(SerialNumber::from_slice(serial(99).as_bytes()));
    params.use_authority_key_identifier_extension = true;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.subject_alt_names = vec![dns(leaf)];
    params.extended_key_usages = match leaf.parse().map(|name| LeafUsage::of(&name)) {
        Ok(LeafUsage::Relay) => {
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
        }
        _ => vec![ExtendedKeyUsagePurpose::ClientAuth],
    };
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Ana Ruiz Gómez");
    params
}

pub(crate) fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

pub(crate) fn extension(id: &[u64], critical: bool, content: &[u8]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(id, content.to_vec());
    extension.set_criticality(critical);
    extension
}

pub(crate) fn rcgen_time(at: Timestamp) -> ::time::OffsetDateTime {
    ::time::OffsetDateTime::from_unix_timestamp(i64::try_from(at.as_secs()).unwrap()).unwrap()
}

/// Signs any certificate for any key with any CA, or with what is none.
pub(crate) fn forge(
    params: &CertificateParams,
    subject: &[u8; 32],
    ca: &CertificateDer,
    ca_key: &SigningKey,
) -> CertificateDer {
    let head = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
    let info = SubjectPublicKeyInfo::from_der(&[&head[..], subject].concat()).unwrap();
    let ca = rustls_pki_types::CertificateDer::from(ca.as_bytes());
    let issuer = Issuer::from_ca_cert_der(&ca, rcgen_key(ca_key)).unwrap();
    let certificate = params.signed_by(&info, &issuer).unwrap();
    CertificateDer::from_bytes(certificate.der()).unwrap()
}

pub(crate) fn rcgen_key(key: &SigningKey) -> KeyPair {
    let der = key.to_pkcs8_der();
    let der = PrivatePkcs8KeyDer::from(der.as_slice());
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ED25519).unwrap()
}

/// A chain with a forged leaf below an authority's true issuing CA.
pub(crate) fn forged(authority: &TestAuthority, params: &CertificateParams) -> UnverifiedChain {
    forged_for(authority, params, key(99).public())
}

pub(crate) fn forged_for(
    authority: &TestAuthority,
    params: &CertificateParams,
    subject: PublicKey,
) -> UnverifiedChain {
    let issuing = authority.issuing.certificate();
    let leaf = forge(params, subject.as_bytes(), issuing, &authority.issuing_key);
    UnverifiedChain::new(leaf, issuing.clone())
}

//! Three authorities with everything that a registrar and a hub hold, for tests.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::endpoint::{
    EndpointRecord, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::issue::{Approval, CertificateRequest, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{Domain, LeafName};
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};
use enlace_identity::time::{Timestamp, Validity};
use enlace_transport::Clock;

/// 2026-01-01, noon.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_268_800);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A clock that a test sets.
#[derive(Debug)]
pub(crate) struct TestClock(std::sync::atomic::AtomicU64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(NOW.as_millis().into()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(by, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

/// One authority.
pub(crate) struct TestAuthority {
    pub(crate) domain: Domain,
    pub(crate) root: Root,
    pub(crate) root_key: SigningKey,
    pub(crate) issuing: IssuingCa,
    pub(crate) head_key: SigningKey,
}

pub(crate) fn span(days: u32) -> Validity {
    Validity::starting(NOW.minus(DAY), DAY * days)
}

impl TestAuthority {
    pub(crate) fn new(domain: &str) -> Self {
        let domain: Domain = domain.parse().unwrap();
        let root_key = SigningKey::generate();
        let root =
            Root::create(&domain, root_key.clone(), span(3650), &Serial::generate()).unwrap();
        let issuing_key = SigningKey::generate();
        let certificate =
            root.issue_ca(&issuing_key.public(), span(730), &Serial::generate()).unwrap();
        let issuing =
            IssuingCa::load(&domain, root.certificate(), &certificate, issuing_key).unwrap();
        Self { domain, root, root_key, issuing, head_key: SigningKey::generate() }
    }

    fn approval(&self, leaf: &str) -> Approval {
        let name: LeafName = format!("{leaf}.{}", self.domain).parse().unwrap();
        let common_name = "Ana Ruiz Gómez".to_owned();
        Approval { name, common_name, validity: span(90), serial: Serial::generate() }
    }

    pub(crate) fn leaf(&self, leaf: &str, key: &PublicKey) -> UnverifiedChain {
        self.issuing.issue_for_key(key, &self.approval(leaf)).unwrap()
    }

    /// What the registrar answers to a request for what it asks.
    pub(crate) fn issue(&self, request: &CertificateRequest) -> UnverifiedChain {
        let leaf = request.name().unwrap().as_str();
        let leaf = leaf.strip_suffix(&format!(".{}", self.domain)).unwrap().to_owned();
        self.issuing.issue(request, &self.approval(&leaf)).unwrap()
    }

    pub(crate) fn head_certificates(&self) -> UnverifiedChain {
        self.leaf("h1.head", &self.head_key.public())
    }

    /// Both lists, the issuing CA's with that leaf revoked if one is given.
    pub(crate) fn crls(&self, number: u64, revoked: Option<&Serial>) -> Vec<Vec<u8>> {
        self.crls_at(number, span(8).not_before, revoked)
    }

    /// The same, made at that time.
    pub(crate) fn crls_at(
        &self,
        number: u64,
        at: Timestamp,
        revoked: Option<&Serial>,
    ) -> Vec<Vec<u8>> {
        let revoked = revoked.map(|serial| (serial.clone(), NOW)).into_iter().collect();
        let validity = Validity::starting(at, DAY * 8);
        let content = RevocationContent { number, validity, revoked };
        let empty = RevocationContent { revoked: Vec::new(), ..content.clone() };
        let root = self.root.revocation_list(&empty).unwrap().to_bytes();
        vec![root, self.issuing.revocation_list(&content).unwrap().to_bytes()]
    }

    /// The duty officer's statement of that serial: suspended for a week from `at`.
    pub(crate) fn suspensions(&self, serial: u64, at: Timestamp, names: &[&str]) -> Vec<u8> {
        self.suspensions_for(DAY * 7, serial, at, names)
    }

    /// The same for as long as `length`.
    pub(crate) fn suspensions_for(
        &self,
        length: Duration,
        serial: u64,
        at: Timestamp,
        names: &[&str],
    ) -> Vec<u8> {
        let key = SigningKey::generate();
        let chain = self.leaf("d1.duty", &key.public());
        let statement = SuspensionStatement {
            domain: self.domain.clone(),
            serial,
            issued_at: at,
            not_after: at.plus(length),
            suspended: names.iter().map(|name| name.parse().unwrap()).collect(),
        };
        SignedSuspensions::sign(&statement, &key, chain).unwrap().encode()
    }

    pub(crate) fn endpoint_record(&self) -> Vec<u8> {
        let key = SigningKey::generate();
        let chain = self.leaf("e1.endpoint", &key.public());
        let address = RelayAddress { host: "127.0.0.1".parse().unwrap(), port: 4433 };
        let relay = RelayEndpoint {
            name: format!("r1.relay.{}", self.domain).parse().unwrap(),
            addresses: vec![address],
        };
        let record = EndpointRecord {
            domain: self.domain.clone(),
            version: 1,
            validity: span(90),
            relays: vec![relay],
        };
        SignedEndpointRecord::sign(&record, &key, chain).unwrap().encode()
    }
}

/// A network of three authorities.
pub(crate) struct TestNetwork {
    pub(crate) fge: TestAuthority,
    pub(crate) mp: TestAuthority,
    pub(crate) ucc: TestAuthority,
    pub(crate) signed: SignedBundle,
}

impl TestNetwork {
    pub(crate) fn new() -> Self {
        let (fge, mp) = (TestAuthority::new("fge.example"), TestAuthority::new("mp.example"));
        let ucc = TestAuthority::new("ucc.example");
        let content = |authority: &TestAuthority, country: &str| AuthorityContent {
            domain: authority.domain.clone(),
            country: country.to_owned(),
            name: format!("Fiscalía {}", authority.domain),
            roots: vec![authority.root.certificate().clone()],
        };
        let mut signed = SignedBundle::create(BundleContent {
            network: "Red de prueba".to_owned(),
            version: 1,
            previous: None,
            threshold: 1,
            validity: span(365),
            authorities: vec![content(&fge, "ES"), content(&mp, "PT"), content(&ucc, "UY")],
            former: Vec::new(),
        })
        .unwrap();
        for authority in [&fge, &mp] {
            signed.sign(&authority.domain, &authority.root_key).unwrap();
        }
        Self { fge, mp, ucc, signed }
    }

    pub(crate) fn bundle(&self) -> Bundle {
        self.signed.open(&self.signed.hash()).unwrap()
    }
}

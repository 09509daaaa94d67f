//! An authority with its root, its issuing CA, and whatever it is made to issue.

use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::endpoint::{
    EndpointRecord, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::issue::{Approval, CertificateRequest, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{DeviceName, Domain, LeafName, ServiceKind, ServiceName};
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};
use enlace_identity::time::{Timestamp, Validity};
use enlace_transport::{LocalIdentity, Trust};

use crate::{DAY, START};

/// An authority with its CA keys.
pub struct Authority {
    /// Its domain.
    pub domain: Domain,
    /// Its root.
    pub root: Root,
    /// The root's key, which also signs bundles.
    pub root_key: SigningKey,
    /// Its issuing CA.
    pub issuing: IssuingCa,
}

/// A certificate chain and its key.
#[derive(Clone)]
pub struct Credential {
    /// Leaf and issuing CA.
    pub chain: UnverifiedChain,
    /// The leaf's key.
    pub key: SigningKey,
    /// The leaf's serial number.
    pub serial: Serial,
}

impl Credential {
    /// What TLS shows of it.
    #[must_use]
    pub fn identity(&self, trust: &Trust) -> LocalIdentity {
        LocalIdentity::new(trust, &self.chain, self.key.clone()).unwrap()
    }
}

impl Authority {
    /// Founds one.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        let domain: Domain = domain.parse().unwrap();
        let validity = Validity::starting(START.minus(DAY), 365 * DAY);
        let (root_key, issuing_key) = (SigningKey::generate(), SigningKey::generate());
        let root = Root::create(&domain, root_key.clone(), validity, &Serial::generate()).unwrap();
        let public = issuing_key.public();
        let certificate = root.issue_ca(&public, validity, &Serial::generate()).unwrap();
        let issuing =
            IssuingCa::load(&domain, root.certificate(), &certificate, issuing_key).unwrap();
        Self { domain, root, root_key, issuing }
    }

    /// The name of its one relay.
    #[must_use]
    pub fn relay_name(&self) -> ServiceName {
        ServiceName::new("r1", ServiceKind::Relay, &self.domain).unwrap()
    }

    /// A certificate of a service, with a fresh key.
    #[must_use]
    pub fn service(&self, label: &str, kind: ServiceKind) -> Credential {
        self.issue(LeafName::Service(ServiceName::new(label, kind, &self.domain).unwrap()))
    }

    /// A certificate of an officer's device, with a fresh key.
    #[must_use]
    pub fn device(&self, officer: &str) -> (DeviceName, Credential) {
        let name: DeviceName = format!("laptop.{officer}.officer.{}", self.domain).parse().unwrap();
        (name.clone(), self.issue(LeafName::Device(name)))
    }

    /// Grants what a device asks for.
    #[must_use]
    pub fn approve(&self, request: &CertificateRequest) -> (UnverifiedChain, Serial) {
        let serial = Serial::generate();
        let approval = approval(request.name().unwrap().clone(), serial.clone());
        (self.issuing.issue(request, &approval).unwrap(), serial)
    }

    /// Grants what a device asks for, for that time.
    #[must_use]
    pub fn approve_for(
        &self,
        request: &CertificateRequest,
        validity: Validity,
    ) -> (UnverifiedChain, Serial) {
        let serial = Serial::generate();
        let name = request.name().unwrap().clone();
        let approval = Approval { validity, ..approval(name, serial.clone()) };
        (self.issuing.issue(request, &approval).unwrap(), serial)
    }

    fn issue(&self, name: LeafName) -> Credential {
        let key = SigningKey::generate();
        let serial = Serial::generate();
        let approval = approval(name, serial.clone());
        let chain = self.issuing.issue_for_key(&key.public(), &approval).unwrap();
        Credential { chain, key, serial }
    }

    /// The root's and the issuing CA's revocation lists of that number.
    #[must_use]
    pub fn lists(&self, number: u64, revoked: &[&Serial]) -> Vec<Vec<u8>> {
        let validity = Validity::starting(START.minus(DAY), 30 * DAY);
        let revoked = revoked.iter().map(|serial| ((*serial).clone(), START.minus(DAY))).collect();
        let of_root = RevocationContent { number, validity, revoked: Vec::new() };
        let of_issuing = RevocationContent { number, validity, revoked };
        vec![
            self.root.revocation_list(&of_root).unwrap().to_bytes(),
            self.issuing.revocation_list(&of_issuing).unwrap().to_bytes(),
        ]
    }

    /// The statement of that serial by the duty officer: for a week from `at`, these devices and
    /// officers are suspended.
    #[must_use]
    pub fn suspensions(&self, serial: u64, at: Timestamp, names: &[&str]) -> Vec<u8> {
        let mut suspended: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        suspended.sort();
        let statement = SuspensionStatement {
            domain: self.domain.clone(),
            serial,
            issued_at: at,
            not_after: at.plus(7 * DAY),
            suspended: suspended.iter().map(|name| name.parse().unwrap()).collect(),
        };
        let duty = self.service("d1", ServiceKind::Duty);
        SignedSuspensions::sign(&statement, &duty.key, duty.chain).unwrap().encode()
    }

    /// The record that says where its one relay is.
    #[must_use]
    pub fn endpoint_record(&self, port: u16) -> Vec<u8> {
        let address = RelayAddress { host: "127.0.0.1".parse().unwrap(), port };
        let record = EndpointRecord {
            domain: self.domain.clone(),
            version: 1,
            validity: Validity::starting(START.minus(DAY), 90 * DAY),
            relays: vec![RelayEndpoint { name: self.relay_name(), addresses: vec![address] }],
        };
        let signer = self.service("e1", ServiceKind::Endpoint);
        SignedEndpointRecord::sign(&record, &signer.key, signer.chain).unwrap().encode()
    }
}

fn approval(name: LeafName, serial: Serial) -> Approval {
    Approval {
        name,
        common_name: "Ana Ruiz".to_owned(),
        validity: Validity::starting(START.minus(DAY), 90 * DAY),
        serial,
    }
}

//! An authority with its root, its issuing CA, and whatever it is made to issue.

use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::endpoint::{
    EndpointRecord, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::issue::{Approval, CertificateRequest, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{DeviceName, Domain, LeafName, ServiceKind, ServiceName};
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};
use enlace_identity::time::{Timestamp, Validity};
use enlace_transport::{LocalIdentity, Trust};

use super::{DAY, START};

pub(crate) struct Authority {
    pub(crate) domain: Domain,
    pub(crate) root: Root,
    pub(crate) root_key: SigningKey,
    issuing: IssuingCa,
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
            IssuingCa::load(&domain, root.certificate(), &certificate, issuing_key).unwrap();
        Self { domain, root, root_key, issuing }
    }

    pub(crate) fn service(&self, label: &str, kind: ServiceKind) -> Credential {
        self.issue(LeafName::Service(ServiceName::new(label, kind, &self.domain).unwrap()))
    }

    pub(crate) fn relay_name(&self) -> ServiceName {
        ServiceName::new("r1", ServiceKind::Relay, &self.domain).unwrap()
    }

    pub(crate) fn device(&self, officer: &str, label: &str) -> (DeviceName, Credential) {
        let name: DeviceName =
            format!("{label}.{officer}.officer.{}", self.domain.as_str()).parse().unwrap();
        (name.clone(), self.issue(LeafName::Device(name)))
    }

    /// Issues what a relay's operator asks for.
    pub(crate) fn approve(
        &self,
        request: &CertificateRequest,
        label: &str,
        kind: ServiceKind,
    ) -> UnverifiedChain {
        let name = ServiceName::new(label, kind, &self.domain).unwrap();
        let approval = approval(LeafName::Service(name), Serial::generate());
        self.issuing.issue(request, &approval).unwrap()
    }

    /// Certifies a key for so many days from the start on.
    pub(crate) fn certify(&self, name: LeafName, key: &PublicKey, days: u32) -> UnverifiedChain {
        let validity = Validity::starting(START.minus(DAY), days * DAY);
        let approval = Approval { validity, ..approval(name, Serial::generate()) };
        self.issuing.issue_for_key(key, &approval).unwrap()
    }

    fn issue(&self, name: LeafName) -> Credential {
        let key = SigningKey::generate();
        let serial = Serial::generate();
        let approval = approval(name, serial.clone());
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

    /// The statement of that serial by the duty officer: for a week from `at`, these devices and
    /// officers are suspended.
    pub(crate) fn suspensions(&self, serial: u64, at: Timestamp, names: &[&str]) -> Vec<u8> {
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
    pub(crate) fn endpoint_record(&self, port: u16) -> Vec<u8> {
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
        validity: Validity::starting(START.minus(DAY), 180 * DAY),
        serial,
    }
}

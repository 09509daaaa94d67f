//! Authorities, relays and officers, made once per process from fixed keys: every run has the same
//! people.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use enlace_channel::channel::Device;
use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::endpoint::{
    EndpointRecord, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::issue::{Approval, CertificateRequest, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::SigningKey;
use enlace_identity::mandate::{Mandate, SignedMandate};
use enlace_identity::names::{
    DeviceName, Domain, LeafName, OfficerAddress, ServiceKind, ServiceName,
};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::suspension::{SignedSuspensions, Suspended, SuspensionStatement};
use enlace_identity::time::{Timestamp, Validity};
use enlace_log::ChannelId;
use enlace_transport::{Clock, Trust};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::clock::START;
use crate::network::NodeId;

/// How many authorities there are; a run uses the first two or all.
pub const AUTHORITIES: usize = 3;

/// How many officers there are; a run uses the first ones.
pub const OFFICERS: usize = 8;

/// The port that relays listen on.
pub const RELAY_PORT: u16 = 4433;

const DAY: Duration = Duration::from_secs(24 * 3600);
const DOMAINS: [&str; AUTHORITIES] = ["a.example", "b.example", "c.example"];
const NAMES: [&str; OFFICERS] = ["ana", "ben", "cid", "dora", "eva", "fay", "gil", "hugo"];

/// Everybody.
pub struct World {
    /// The authorities.
    pub authorities: Vec<Authority>,
    /// The officers' devices by number, at each authority: `officers[authority][number]`.
    officers: Vec<Vec<Credential>>,
    /// Their second devices.
    second_devices: Vec<Vec<Credential>>,
    /// The bundle, signed by all.
    pub signed: SignedBundle,
}

/// An authority with its keys, its relay and its head key.
pub struct Authority {
    /// Its domain.
    pub domain: Domain,
    root: Root,
    root_key: SigningKey,
    issuing: IssuingCa,
    /// Its relay's certificate.
    pub relay: Credential,
    /// Its head key's certificate.
    pub head: Credential,
    /// Its duty officer's key.
    duty: Credential,
    /// Where its relay is.
    pub endpoint_record: Vec<u8>,
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
    /// Whose it is.
    pub name: LeafName,
}

static WORLD: LazyLock<World> = LazyLock::new(World::found);

impl World {
    /// The one of this process.
    #[must_use]
    pub fn get() -> &'static Self {
        &WORLD
    }

    fn found() -> Self {
        let authorities: Vec<Authority> = DOMAINS
            .iter()
            .enumerate()
            .map(|(index, domain)| Authority::found(index, domain))
            .collect();
        let devices = |label: &str| -> Vec<Vec<Credential>> {
            let of = |authority: &Authority| -> Vec<Credential> {
                NAMES.iter().map(|name| authority.device(label, name)).collect()
            };
            authorities.iter().map(of).collect()
        };
        let (officers, second_devices) = (devices("pc"), devices("tel"));
        let signed = version(None, &authorities.iter().collect::<Vec<_>>());
        Self { authorities, officers, second_devices, signed }
    }

    /// The next version of the bundle, which lists those authorities, signed by these.
    #[must_use]
    pub fn next_version(&self, previous: &SignedBundle, listed: &[usize]) -> SignedBundle {
        let listed: Vec<&Authority> =
            listed.iter().map(|index| &self.authorities[*index]).collect();
        version(Some(previous), &listed)
    }

    /// The bundle, opened.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        self.signed.open(&self.signed.hash()).expect("it was signed here")
    }

    /// Trusts the network on that clock, and knows the first revocation lists of an authority.
    #[must_use]
    pub fn trust(&self, authority: usize, clock: Arc<dyn Clock>) -> Trust {
        let trust = Trust::new(self.bundle(), RevocationLists::new(), clock);
        for list in self.authorities[authority].lists(1, &[]) {
            trust.insert_crl(&list).expect("the list is the authority's");
        }
        trust
    }

    /// The credential of an officer's first device.
    #[must_use]
    pub fn officer(&self, authority: usize, number: usize) -> &Credential {
        &self.officers[authority][number]
    }

    /// The credential of an officer's second device.
    #[must_use]
    pub fn second_device(&self, authority: usize, number: usize) -> &Credential {
        &self.second_devices[authority][number]
    }
}

impl Credential {
    /// The officer's device.
    ///
    /// # Panics
    /// When it is a service's credential.
    #[must_use]
    pub fn device(&self) -> Device {
        Device {
            name: self.device_name().clone(),
            key: self.key.clone(),
            chain: self.chain.clone(),
        }
    }

    /// The device's name.
    ///
    /// # Panics
    /// When it is a service's credential.
    #[must_use]
    pub fn device_name(&self) -> &DeviceName {
        match &self.name {
            LeafName::Device(name) => name,
            LeafName::Service(name) => panic!("{} is no device", name.as_str()),
        }
    }

    /// The officer's address.
    ///
    /// # Panics
    /// When it is a service's credential.
    #[must_use]
    pub fn address(&self) -> &OfficerAddress {
        self.device_name().officer()
    }
}

impl Authority {
    fn found(index: usize, domain: &str) -> Self {
        let domain: Domain = domain.parse().expect("a constant domain");
        let (root_key, issuing_key) = (key(&domain, "root"), key(&domain, "issuing"));
        let root = Root::create(&domain, root_key.clone(), validity(), &serial(&domain, "root"))
            .expect("a root can be made");
        let certificate = root
            .issue_ca(&issuing_key.public(), validity(), &serial(&domain, "issuing"))
            .expect("the root issues");
        let issuing = IssuingCa::load(&domain, root.certificate(), &certificate, issuing_key)
            .expect("certificate and key belong together");
        let service = |label, kind| {
            let name = ServiceName::new(label, kind, &domain).expect("a constant label");
            issue(&issuing, LeafName::Service(name))
        };
        let relay = service("r1", ServiceKind::Relay);
        let head = service("h1", ServiceKind::Head);
        let signer = service("e1", ServiceKind::Endpoint);
        let duty = service("d1", ServiceKind::Duty);
        let LeafName::Service(relay_name) = relay.name.clone() else { unreachable!("a service") };
        let host = relay_node(index).ip().to_string();
        let record = EndpointRecord {
            domain: domain.clone(),
            version: 1,
            validity: Validity::starting(START.minus(DAY), 90 * DAY),
            relays: vec![RelayEndpoint {
                name: relay_name,
                addresses: vec![RelayAddress {
                    host: host.parse().expect("an IPv4 address"),
                    port: RELAY_PORT,
                }],
            }],
        };
        let endpoint_record = SignedEndpointRecord::sign(&record, &signer.key, signer.chain)
            .expect("the signer is the authority's")
            .encode();
        Self { domain, root, root_key, issuing, relay, head, duty, endpoint_record }
    }

    /// A device of an officer.
    ///
    /// # Panics
    /// When that is no name.
    #[must_use]
    pub fn device(&self, label: &str, officer: &str) -> Credential {
        let name = format!("{label}.{officer}.officer.{}", self.domain);
        issue(&self.issuing, LeafName::Device(name.parse().expect("a device's name")))
    }

    /// The certificate of a device as if it had been issued to end then.
    ///
    /// # Panics
    /// When it is no device of this authority.
    #[must_use]
    pub fn ending(&self, device: &Credential, not_after: Timestamp) -> UnverifiedChain {
        let validity = Validity { not_before: START.minus(DAY), not_after };
        let approval = approval(device.name.clone(), validity, device.serial.clone());
        self.issuing.issue_for_key(&device.key.public(), &approval).expect("the CA issues")
    }

    /// The certificate that a device asks for, the one of that number of this device.
    ///
    /// # Errors
    /// When the request is for somebody else.
    pub fn next_certificate(
        &self,
        name: &LeafName,
        request: &CertificateRequest,
        number: usize,
        validity: Validity,
    ) -> anyhow::Result<(UnverifiedChain, Serial)> {
        let serial = serial(&self.domain, &format!("{number} of {}", name.as_str()));
        let approval = approval(name.clone(), validity, serial.clone());
        Ok((self.issuing.issue(request, &approval)?, serial))
    }

    /// The name of its relay.
    #[must_use]
    pub fn relay_name(&self) -> &ServiceName {
        match &self.relay.name {
            LeafName::Service(name) => name,
            LeafName::Device(name) => unreachable!("{} is no service", name.as_str()),
        }
    }

    /// The root's and the issuing CA's revocation lists of that number.
    #[must_use]
    pub fn lists(&self, number: u64, revoked: &[&Serial]) -> Vec<Vec<u8>> {
        let validity = Validity::starting(START.minus(DAY), 30 * DAY);
        let revoked = revoked.iter().map(|serial| ((*serial).clone(), START.minus(DAY))).collect();
        let of_root = RevocationContent { number, validity, revoked: Vec::new() };
        let of_issuing = RevocationContent { number, validity, revoked };
        let root = self.root.revocation_list(&of_root).expect("the root signs");
        let issuing = self.issuing.revocation_list(&of_issuing).expect("the CA signs");
        vec![root.to_bytes(), issuing.to_bytes()]
    }

    /// The mandate of that number for an officer to stand in until then.
    #[must_use]
    pub fn mandate(
        &self,
        channel: ChannelId,
        officer: &OfficerAddress,
        serial: u64,
        not_after: Timestamp,
    ) -> Vec<u8> {
        let officer = officer.clone();
        let mandate = Mandate { channel: channel.0, officer, serial, not_after };
        SignedMandate::sign(&mandate, &self.duty.key, self.duty.chain.clone()).encode()
    }

    /// The statement of that number about whom it suspends, from one time to another.
    #[must_use]
    pub fn suspensions(
        &self,
        serial: u64,
        issued_at: Timestamp,
        not_after: Timestamp,
        suspended: Vec<Suspended>,
    ) -> Vec<u8> {
        let domain = self.domain.clone();
        let statement = SuspensionStatement { domain, serial, issued_at, not_after, suspended };
        SignedSuspensions::sign(&statement, &self.duty.key, self.duty.chain.clone())
            .expect("the statement is in order")
            .encode()
    }
}

fn version(previous: Option<&SignedBundle>, listed: &[&Authority]) -> SignedBundle {
    let former = previous.map(|previous| previous.unverified_content().expect("it was made here"));
    let content = BundleContent {
        network: "Red simulada".to_owned(),
        version: 1 + former.map_or(0, |former| former.version),
        previous: previous.map(SignedBundle::hash),
        threshold: 1,
        validity: validity(),
        authorities: listed
            .iter()
            .map(|authority| AuthorityContent {
                domain: authority.domain.clone(),
                country: "XX".to_owned(),
                name: authority.domain.to_string(),
                roots: vec![authority.root.certificate().clone()],
            })
            .collect(),
        former: Vec::new(),
    };
    let mut signed = SignedBundle::create(content).expect("the bundle's content is sound");
    for authority in listed {
        let signing = signed.sign(&authority.domain, &authority.root_key);
        signing.expect("the root belongs to the bundle");
    }
    signed
}

/// The node of an authority's relay.
#[must_use]
pub fn relay_node(authority: usize) -> NodeId {
    NodeId(u16::try_from(authority).expect("there are few authorities"))
}

/// The node of an officer's device; second devices have the numbers after all first ones.
#[must_use]
pub fn officer_node(device: usize) -> NodeId {
    NodeId(u16::try_from(AUTHORITIES + device).expect("there are few devices"))
}

fn validity() -> Validity {
    Validity::starting(START.minus(DAY), 365 * DAY)
}

fn secret(domain: &Domain, label: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(domain.as_str())
        .chain_update(" ")
        .chain_update(label)
        .finalize()
        .into()
}

fn key(domain: &Domain, label: &str) -> SigningKey {
    SigningKey::from_seed(Zeroizing::new(secret(domain, label)))
}

fn serial(domain: &Domain, label: &str) -> Serial {
    let mut random = [0; 16];
    random.copy_from_slice(&secret(domain, &format!("serial of {label}"))[..16]);
    Serial::from_random(random)
}

fn issue(issuing: &IssuingCa, name: LeafName) -> Credential {
    let (key, serial) = (key(name.domain(), name.as_str()), serial(name.domain(), name.as_str()));
    let validity = Validity::starting(START.minus(DAY), 90 * DAY);
    let approval = approval(name.clone(), validity, serial.clone());
    let chain = issuing.issue_for_key(&key.public(), &approval).expect("the CA issues");
    Credential { chain, key, serial, name }
}

fn approval(name: LeafName, validity: Validity, serial: Serial) -> Approval {
    Approval { name, common_name: "Ana Ruiz".to_owned(), validity, serial }
}

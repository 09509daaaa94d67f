//! Two authorities, their certificates, lists and records.

use std::sync::OnceLock;
use std::time::Duration;

use enlace_channel::channel::Device;
use enlace_channel::transfer::{TransferReceipt, TransferRequest};
use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, BundleHash, SignedBundle};
use enlace_identity::canonical::sha256;
use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::endpoint::{
    EndpointRecord, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::entropy::Entropy;
use enlace_identity::invitation::Invitation;
use enlace_identity::issue::{Approval, CertificateRequest, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{Domain, LeafName, OfficerAddress};
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};
use enlace_identity::time::{Timestamp, Validity};
use enlace_log::HeadSigner;
use zeroize::Zeroizing;

/// When everything takes place.
pub const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The key that belongs to a name.
#[must_use]
pub fn seeded_key(name: &str) -> SigningKey {
    SigningKey::from_seed(Zeroizing::new(sha256(name.as_bytes())))
}

fn serial(name: &str) -> Serial {
    let hash = sha256(name.as_bytes());
    Serial::from_random(hash[..16].try_into().expect("half of a hash"))
}

/// Valid at [`NOW`].
fn validity(years: u32) -> Validity {
    Validity::starting(NOW.minus(YEAR), YEAR * years)
}

/// An authority, with all its keys.
pub struct Authority {
    /// Its domain.
    pub domain: Domain,
    /// Its root.
    pub root: Root,
    /// The root's key.
    pub root_key: SigningKey,
    /// Its issuing CA.
    pub issuing: IssuingCa,
    /// The issuing CA's key.
    pub issuing_key: SigningKey,
}

impl Authority {
    fn new(domain: &str) -> Self {
        let name = |what: &str| format!("{what} of {domain}");
        let domain: Domain = domain.parse().unwrap();
        let root_key = seeded_key(&name("root"));
        let root =
            Root::create(&domain, root_key.clone(), validity(6), &serial(&name("root"))).unwrap();
        let issuing_key = seeded_key(&name("issuing CA"));
        let certificate =
            root.issue_ca(&issuing_key.public(), validity(4), &serial(&name("issuing"))).unwrap();
        let issuing =
            IssuingCa::load(&domain, root.certificate(), &certificate, issuing_key.clone())
                .unwrap();
        Self { domain, root, root_key, issuing, issuing_key }
    }

    /// The certificate of `<leaf>.<domain>`, whose key is the one of that name.
    #[must_use]
    pub fn leaf(&self, leaf: &str) -> UnverifiedChain {
        let name: LeafName = format!("{leaf}.{}", self.domain).parse().unwrap();
        let approval = Approval {
            common_name: "Ana Ruiz Gómez".to_owned(),
            validity: validity(2),
            serial: serial(name.as_str()),
            name,
        };
        let key = seeded_key(approval.name.as_str());
        self.issuing.issue_for_key(&key.public(), &approval).unwrap()
    }

    /// An officer's laptop.
    #[must_use]
    pub fn device(&self, officer: &str) -> Device {
        let address: OfficerAddress = format!("{officer}@{}", self.domain).parse().unwrap();
        let name = address.device("laptop").unwrap();
        let chain = self.leaf(&format!("laptop.{officer}.officer"));
        Device { key: seeded_key(name.as_str()), name, chain }
    }

    /// The head key of its relay.
    #[must_use]
    pub fn head_key(&self) -> SigningKey {
        seeded_key(&format!("h1.head.{}", self.domain))
    }

    /// The certificates of [`Self::head_key`].
    #[must_use]
    pub fn head_chain(&self) -> UnverifiedChain {
        self.leaf("h1.head")
    }

    /// How heads name [`Self::head_chain`].
    #[must_use]
    pub fn head_signer(&self) -> HeadSigner {
        HeadSigner(*self.head_chain().leaf().fingerprint().as_bytes())
    }

    /// What a device asks to be certified.
    #[must_use]
    pub fn request(&self) -> CertificateRequest {
        let name: LeafName = format!("phone.ana.officer.{}", self.domain).parse().unwrap();
        CertificateRequest::create(&seeded_key(name.as_str()), &name, "Ana Ruiz Gómez").unwrap()
    }

    /// What a device asks another one of its officer for.
    #[must_use]
    pub fn history_request(&self) -> TransferRequest {
        let device = format!("phone.ana.officer.{}", self.domain).parse().unwrap();
        TransferRequest { device, key: vec![7; 1216] }
    }

    /// The same, as it travels.
    #[must_use]
    pub fn signed_history_request(&self) -> Vec<u8> {
        let request = self.history_request();
        let key = seeded_key(request.device.as_str());
        request.sign(&key, self.leaf("phone.ana.officer")).encode()
    }

    /// What that device says of what it was sent.
    #[must_use]
    pub fn history_receipt(&self) -> TransferReceipt {
        let TransferRequest { device, .. } = self.history_request();
        let request = self.history_request().hash();
        let (channels, entries, refused) = (1, 2, 3);
        TransferReceipt { device, request, backup: [7; 32], channels, entries, refused }
    }

    /// The same, as it travels.
    #[must_use]
    pub fn signed_history_receipt(&self) -> Vec<u8> {
        let receipt = self.history_receipt();
        let key = seeded_key(receipt.device.as_str());
        receipt.sign(&key, self.leaf("phone.ana.officer")).encode()
    }

    /// An invitation for that device.
    #[must_use]
    pub fn invitation(&self) -> Invitation {
        let device = format!("phone.ana.officer.{}", self.domain).parse().unwrap();
        let relay = RelayAddress { host: "2001:db8::1".parse().unwrap(), port: 4433 };
        let entropy = Entropy::dangerous_seeded(sha256(self.domain.as_str().as_bytes()));
        let (name, hash) = ("Ana Ruiz Gómez".to_owned(), BundleHash::from_bytes([3; 32]));
        Invitation::new(&entropy, device, name, hash, NOW.plus(YEAR), vec![relay]).unwrap()
    }

    /// The lists of root and issuing CA, as they travel; the latter revokes `r2.relay`.
    #[must_use]
    pub fn crls(&self) -> [Vec<u8>; 2] {
        let revoked = vec![(serial(&format!("r2.relay.{}", self.domain)), NOW.minus(YEAR / 2))];
        let content = RevocationContent { number: 7, validity: validity(3), revoked };
        let empty = RevocationContent { revoked: Vec::new(), ..content.clone() };
        [
            self.root.revocation_list(&empty).unwrap().to_bytes(),
            self.issuing.revocation_list(&content).unwrap().to_bytes(),
        ]
    }

    /// What its endpoint record says.
    #[must_use]
    pub fn endpoint_record(&self) -> EndpointRecord {
        let address = |host: &str| RelayAddress { host: host.parse().unwrap(), port: 4433 };
        let relay = RelayEndpoint {
            name: format!("r1.relay.{}", self.domain).parse().unwrap(),
            addresses: vec![address("relay.example"), address("2001:db8::1")],
        };
        EndpointRecord {
            domain: self.domain.clone(),
            version: 3,
            validity: validity(2),
            relays: vec![relay],
        }
    }

    /// Whom it suspends.
    #[must_use]
    pub fn suspensions(&self) -> SuspensionStatement {
        let suspended = [format!("ana@{}", self.domain), format!("pc.eva.officer.{}", self.domain)];
        SuspensionStatement {
            domain: self.domain.clone(),
            serial: 3,
            issued_at: NOW,
            not_after: NOW.plus(YEAR / 12),
            suspended: suspended.iter().map(|name| name.parse().unwrap()).collect(),
        }
    }

    /// The same, signed.
    #[must_use]
    pub fn signed_suspensions(&self) -> SignedSuspensions {
        let key = seeded_key(&format!("d1.duty.{}", self.domain));
        SignedSuspensions::sign(&self.suspensions(), &key, self.leaf("d1.duty")).unwrap()
    }

    /// Its endpoint record, signed.
    #[must_use]
    pub fn signed_endpoint_record(&self) -> SignedEndpointRecord {
        let key = seeded_key(&format!("e1.endpoint.{}", self.domain));
        SignedEndpointRecord::sign(&self.endpoint_record(), &key, self.leaf("e1.endpoint")).unwrap()
    }
}

/// The network that all targets share.
pub struct Network {
    /// The authority whose relay is the hub.
    pub a: Authority,
    /// Another one.
    pub b: Authority,
    /// Both, as a signed bundle.
    pub signed: SignedBundle,
    /// The bundle, opened.
    pub bundle: Bundle,
    /// Every chain that the authorities have issued.
    pub chains: Vec<UnverifiedChain>,
    /// Every revocation list that they have signed.
    pub crls: Vec<Vec<u8>>,
}

/// The network, made once in a process.
#[must_use]
pub fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(Network::new)
}

impl Network {
    fn new() -> Self {
        let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
        let content = |authority: &Authority, country: &str| AuthorityContent {
            domain: authority.domain.clone(),
            country: country.to_owned(),
            name: format!("Fiscalía {}", authority.domain),
            roots: vec![authority.root.certificate().clone()],
        };
        let mut signed = SignedBundle::create(BundleContent {
            network: "Red de ejemplo".into(),
            version: 1,
            previous: None,
            threshold: 2,
            validity: validity(2),
            authorities: vec![content(&a, "ES"), content(&b, "BR")],
            former: Vec::new(),
        })
        .unwrap();
        for authority in [&a, &b] {
            signed.sign(&authority.domain, &authority.root_key).unwrap();
        }
        let bundle = signed.open(&signed.hash()).unwrap();
        let leaves = ["r1.relay", "r2.relay", "h1.head", "e1.endpoint"];
        let officers =
            ["ana", "ben", "cid", "dora", "eva", "fay"].map(|o| format!("laptop.{o}.officer"));
        let leaves: Vec<&str> =
            leaves.into_iter().chain(officers.iter().map(String::as_str)).collect();
        let chains = [&a, &b].iter().flat_map(|x| leaves.iter().map(|leaf| x.leaf(leaf))).collect();
        let crls = [&a, &b].iter().flat_map(|authority| authority.crls()).collect();
        Self { a, b, signed, bundle, chains, crls }
    }
}

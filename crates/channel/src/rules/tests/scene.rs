//! A case channel of two authorities, with a third one in the network:
//!
//! | officer | role |
//! | --- | --- |
//! | ana@fge.example | owner |
//! | luis@fge.example | lead |
//! | eva@fge.example | member |
//! | oto@fge.example | observer |
//! | rui@pgr.example | lead |
//! | ze@pgr.example | member |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::canonical::sha256;
use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::issue::{Approval, IssuingCa, RevocationContent, Root};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{DeviceName, Domain, LeafName, OfficerAddress};
use enlace_identity::revocation::RevocationList;
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement};
use enlace_identity::time::{Timestamp, Validity};
use enlace_log::control::{KeyPackageHash, LeafHash};
use enlace_log::{ChannelId, ClientId, Generation, Seq};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;
use zeroize::Zeroizing;

use super::super::{Act, Change, JudgeError, LeafInfo, Rule, State, judge_change};
use crate::consent::{Answer, Statement, StatementDraft, Subject};
use crate::entry::{HandlingCode, Salt, SignedEntry, TimeZone};
use crate::known_rules::StatedRules;
use crate::policy::{ChannelKind, NewCase, PolicyEdit, Role};

pub(super) const CHANNEL: ChannelId = ChannelId([7; 32]);
pub(super) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Three authorities and the bundle that lists them.
pub(super) struct Network {
    pub(super) bundle: Bundle,
    issuing: BTreeMap<Domain, IssuingCa>,
    roots: BTreeMap<Domain, (Root, Serial)>,
}

pub(super) fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| Network::new(&["fge.example", "mj.example", "pgr.example"]))
}

impl Network {
    pub(super) fn new(domains: &[&str]) -> Self {
        let (mut issuing, mut roots) = (BTreeMap::new(), BTreeMap::new());
        let mut authorities = Vec::new();
        for domain in domains {
            let domain: Domain = domain.parse().unwrap();
            let long = Validity::starting(NOW.minus(DAY * 1000), DAY * 4000);
            let root =
                Root::create(&domain, key(&format!("root {domain}")), long, &serial_number());
            let root = root.unwrap();
            let ca_key = key(&format!("ca {domain}"));
            let ca_serial = serial_number();
            let ca = root.issue_ca(&ca_key.public(), long, &ca_serial).unwrap();
            authorities.push(AuthorityContent {
                domain: domain.clone(),
                country: "ES".into(),
                name: domain.to_string(),
                roots: vec![root.certificate().clone()],
            });
            let ca = IssuingCa::load(&domain, root.certificate(), &ca, ca_key).unwrap();
            roots.insert(domain.clone(), (root, ca_serial));
            issuing.insert(domain, ca);
        }
        let content = BundleContent {
            network: "Test".into(),
            version: 1,
            previous: None,
            threshold: 1,
            validity: Validity::starting(NOW, DAY),
            authorities,
            former: Vec::new(),
        };
        let bundle = SignedBundle::create(content).unwrap();
        Self { bundle: bundle.open(&bundle.hash()).unwrap(), issuing, roots }
    }

    /// A list of an authority's issuing CA that withdraws the certificates of that leaf.
    pub(super) fn withdraw(&self, authority: &str, leaf: &LeafInfo) -> RevocationList {
        let verified = leaf.verify_at_some_time(&self.bundle).unwrap();
        let content = revoking(verified.leaf().serial().clone());
        self.issuing[&authority.parse().unwrap()].revocation_list(&content).unwrap()
    }

    /// A list of an authority's root that withdraws an issuing CA, `whose`.
    pub(super) fn withdraw_ca(&self, authority: &str, whose: &str) -> RevocationList {
        let content = revoking(self.roots[&whose.parse().unwrap()].1.clone());
        self.roots[&authority.parse().unwrap()].0.revocation_list(&content).unwrap()
    }

    /// The statement of that serial by an authority's duty officer, for a week from `at`.
    pub(super) fn suspend(
        &self,
        authority: &str,
        serial: u64,
        at: Timestamp,
        names: &[&str],
    ) -> SignedSuspensions {
        self.suspend_for(DAY * 7, authority, serial, at, names)
    }

    /// The same for as long as `length`.
    pub(super) fn suspend_for(
        &self,
        length: Duration,
        authority: &str,
        serial: u64,
        at: Timestamp,
        names: &[&str],
    ) -> SignedSuspensions {
        let (key, chain) = self.duty(authority);
        let statement = SuspensionStatement {
            domain: authority.parse().unwrap(),
            serial,
            issued_at: at,
            not_after: at.plus(length),
            suspended: names.iter().map(|name| name.parse().unwrap()).collect(),
        };
        SignedSuspensions::sign(&statement, &key, chain).unwrap()
    }

    /// An authority's duty key, with its certificates, which end before those of devices.
    pub(super) fn duty(&self, authority: &str) -> (SigningKey, UnverifiedChain) {
        let domain: Domain = authority.parse().unwrap();
        let key = key(&format!("duty {domain}"));
        let approval = Approval {
            name: format!("d1.duty.{domain}").parse().unwrap(),
            common_name: "Duty".into(),
            validity: Validity::starting(NOW.minus(DAY), DAY * 300),
            serial: serial_number(),
        };
        let chain = self.issuing[&domain].issue_for_key(&key.public(), &approval).unwrap();
        (key, chain)
    }

    /// A certificate of `device` for `key`, valid for a year round [`NOW`].
    pub(super) fn certify(&self, device: &DeviceName, key: &SigningKey) -> UnverifiedChain {
        self.certify_for(device, key, Validity::starting(NOW.minus(DAY), DAY * 365))
    }

    pub(super) fn certify_for(
        &self,
        device: &DeviceName,
        key: &SigningKey,
        validity: Validity,
    ) -> UnverifiedChain {
        let approval = Approval {
            name: LeafName::Device(device.clone()),
            common_name: device.officer().name().to_owned(),
            validity,
            serial: serial_number(),
        };
        self.issuing[device.domain()].issue_for_key(&key.public(), &approval).unwrap()
    }
}

fn revoking(serial: Serial) -> RevocationContent {
    let validity = Validity::starting(NOW.minus(DAY * 30), DAY * 7);
    RevocationContent { number: 7, validity, revoked: vec![(serial, NOW.minus(DAY * 31))] }
}

fn serial_number() -> Serial {
    Serial::generate()
}

/// The key of whoever has that name.
pub(super) fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(Zeroizing::new(sha256(name.as_bytes())))
}

pub(super) fn officer(address: &str) -> OfficerAddress {
    address.parse().unwrap()
}

pub(super) fn device(address: &str) -> DeviceName {
    officer(address).device("laptop").unwrap()
}

/// A leaf of a device; another one for each `salt`.
pub(super) fn leaf_of(device: &DeviceName, salt: u8) -> LeafInfo {
    let key = key(device.as_str());
    let chain = network().certify(device, &key);
    LeafInfo {
        leaf_hash: hash(&chain, &key, salt),
        chain,
        signature_key: key.public(),
        rules: StatedRules::default(),
    }
}

pub(super) fn hash(chain: &UnverifiedChain, key: &SigningKey, salt: u8) -> LeafHash {
    LeafHash::of(&[salt], key.public().as_bytes(), chain.leaf().as_bytes())
}

/// The channel of the table above.
pub(super) fn state() -> State {
    static STATE: OnceLock<State> = OnceLock::new();
    STATE.get_or_init(make_state).clone()
}

/// The same people in a forum, where eva asks and ze guides.
pub(super) fn forum() -> State {
    let mut state = state();
    let edit = state.policy.edit().unwrap().role(&officer("ze@pgr.example"), Role::Guide);
    state.policy = edit.forge(|c| c.kind = ChannelKind::Forum).finish().unwrap();
    state
}

fn make_state() -> State {
    let policy = NewCase {
        channel: CHANNEL,
        owner: officer("ana@fge.example"),
        title: "Operación Río".into(),
        case_reference: None,
        legal_basis: String::new(),
        default_handling: HandlingCode::H1,
        hub: "fge.example".parse().unwrap(),
        bundle_hash: network().bundle.hash(),
    };
    let policy = policy.into_policy().unwrap().edit().unwrap();
    let policy = policy
        .role(&officer("luis@fge.example"), Role::Lead)
        .role(&officer("eva@fge.example"), Role::Member)
        .role(&officer("oto@fge.example"), Role::Observer)
        .role(&officer("rui@pgr.example"), Role::Lead)
        .role(&officer("ze@pgr.example"), Role::Member)
        .finish()
        .unwrap();
    let devices = policy.roles().keys().map(|officer| officer.device("laptop").unwrap());
    let members = devices.map(|device| (device.clone(), leaf_of(&device, 0))).collect();
    State { members, policy }
}

/// A commit in the making. It does what its author wants, entitled or not.
pub(super) struct Draft(pub(super) Change);

/// A commit by one of the members, from the channel of the table.
pub(super) fn by(address: &str) -> Draft {
    Draft::on(state(), address)
}

impl Draft {
    pub(super) fn on(before: State, address: &str) -> Self {
        let committer = device(address);
        let mut after = before.clone();
        if let Some(leaf) = after.members.get_mut(&committer) {
            leaf.leaf_hash = LeafHash([0xcc; 32]);
        }
        Self(Change {
            committer,
            before,
            after,
            added: BTreeSet::new(),
            removed: BTreeSet::new(),
            key_packages: BTreeMap::new(),
            evidence: Vec::new(),
            list_hash: enlace_log::ListHash::NONE,
            fence: Some(Seq(5)),
            last_valid_commit: Some(Seq(3)),
            hub: "fge.example".parse().unwrap(),
            received_at: NOW,
        })
    }

    pub(super) fn edit(mut self, edit: impl FnOnce(PolicyEdit) -> PolicyEdit) -> Self {
        self.0.after.policy = edit(self.0.after.policy.edit().unwrap()).finish().unwrap();
        self
    }

    pub(super) fn add_device(mut self, device: &DeviceName) -> Self {
        self.0.after.members.insert(device.clone(), leaf_of(device, 1));
        self.0.added.insert(device.clone());
        self
    }

    pub(super) fn remove_device(mut self, device: &DeviceName) -> Self {
        self.0.after.members.remove(device);
        self.0.removed.insert(device.clone());
        self
    }

    pub(super) fn admit(self, address: &str, role: Role) -> Self {
        self.add_device(&device(address)).role(address, role)
    }

    pub(super) fn remove(self, address: &str) -> Self {
        self.remove_device(&device(address)).edit(|edit| edit.without(&officer(address)))
    }

    pub(super) fn role(self, address: &str, role: Role) -> Self {
        self.edit(|edit| edit.role(&officer(address), role))
    }

    pub(super) fn own_leaf(mut self, leaf: LeafInfo) -> Self {
        self.0.after.members.insert(self.0.committer.clone(), leaf);
        self
    }

    /// Takes a device out and brings it in again at once, by a key package.
    pub(super) fn swap(mut self, device: &DeviceName, key_package: &[u8]) -> Self {
        self.0.removed.insert(device.clone());
        self.0.after.members.insert(device.clone(), leaf_of(device, 1));
        self.0.added.insert(device.clone());
        self.0.key_packages.insert(device.clone(), KeyPackageHash::of(key_package));
        self
    }

    pub(super) fn evidence(mut self, evidence: Vec<u8>) -> Self {
        self.0.evidence.push(evidence);
        self
    }

    /// With the consent of a lead to what the commit does.
    pub(super) fn agreed(self, lead: &str, subject: Subject) -> Self {
        let entry = Consented::by(lead, subject, self.0.before.policy.authorities_version());
        self.evidence(entry.evidence())
    }

    pub(super) fn received_at(mut self, at: Timestamp) -> Self {
        self.0.received_at = at;
        self
    }

    /// The state that the commit leads to, if it counts.
    pub(super) fn apply(self) -> State {
        let after = self.0.after.clone();
        self.judge().expect("a valid commit");
        after
    }

    /// Judges the commit, under the list of its tree.
    pub(super) fn judge(mut self) -> Result<Vec<Act>, Rule> {
        self.0.list_hash = self.0.after.devices().hash();
        self.judge_as_it_is()
    }

    pub(super) fn judge_as_it_is(self) -> Result<Vec<Act>, Rule> {
        judge_change(&network().bundle, &self.0).map_err(|error| match error {
            JudgeError::Void(void) => void.rule(),
            JudgeError::BundleMissing(hash) => panic!("bundle {hash} is missing"),
        })
    }
}

/// A consent in the making, and what may be wrong with it.
pub(super) struct Consented {
    pub(super) channel: ChannelId,
    pub(super) generation: Generation,
    pub(super) author: DeviceName,
    pub(super) signer: String,
    pub(super) local_time: Timestamp,
    pub(super) statement: Statement,
}

impl Consented {
    pub(super) fn by(lead: &str, subject: Subject, authorities_version: u64) -> Self {
        let author = device(lead);
        Self {
            channel: CHANNEL,
            generation: Generation(0),
            signer: author.as_str().to_owned(),
            author,
            local_time: NOW,
            statement: Statement { subject, authorities_version, answer: Some(Answer::Yes) },
        }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn entry(&self) -> SignedEntry {
        let draft = StatementDraft {
            channel: self.channel,
            generation: self.generation,
            author: &self.author,
            client_id: ClientId([3; 16]),
            local_time: self.local_time,
            time_zone: TimeZone::utc(),
            parent: None,
            known_head: None,
            statement: &self.statement,
        };
        draft.sign(&key(&self.signer), || Salt::from_bytes([4; Salt::BYTES]))
    }

    pub(super) fn evidence(&self) -> Vec<u8> {
        consent_evidence(self.entry().to_wire())
    }
}

pub(super) fn consent_evidence(entry: wire::Entry) -> Vec<u8> {
    let consent = wire::ConsentEvidence { entry: Some(entry), mandate: Vec::new() };
    wire::Evidence { evidence: Some(wire::evidence::Evidence::Consent(consent)) }.encode_to_vec()
}

pub(super) fn enters(address: &str) -> Subject {
    Subject::Authority(officer(address))
}

pub(super) fn owns(address: &str) -> Subject {
    Subject::Owner(officer(address))
}

/// Judges commits that must count, and commits that must not.
pub(super) fn check(valid: Vec<(&str, Draft)>, void: Vec<(&str, Rule, Draft)>) {
    for (name, draft) in valid {
        let verdict = draft.judge();
        assert!(verdict.is_ok(), "{name}: {verdict:?}");
    }
    for (name, rule, draft) in void {
        assert_eq!(draft.judge(), Err(rule), "{name}");
    }
}

//! A hub to test, with officers who submit to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use enlace_identity::canonical::sha256;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{DeviceName, Domain, ServiceKind, ServiceName};
use enlace_identity::time::Timestamp;
use enlace_log::hub_vote::FormerDomains;
use enlace_log::{
    ChannelId, ChannelNonce, ClientId, Commitment, DeviceList, Envelope, Generation, Incarnation,
    ItemKind, ListChange, ListHash, PayloadHash, Seq, SubmitCounter, WelcomesHash,
};
use enlace_proto::relay::v1 as wire;
use zeroize::Zeroizing;

use crate::hub::core::{Class, LeaseClaim};
use crate::hub::{
    Accepted, Caller, DeviceTrust, Handle, HeadKey, HubOptions, LeaseGrant, Sequencer, Submission,
    SubmitError, TrustError,
};
use crate::storage::{MemoryDisk, ReadLimit, Storage};

pub(super) const NONCE: ChannelNonce = ChannelNonce([7; 32]);
pub(super) const LIMIT: ReadLimit = ReadLimit { items: 1000, bytes: 1 << 20 };

/// `ana` is `ana@a.example`; `ben@b` is of another authority.
pub(super) fn device(name: &str) -> DeviceName {
    let (officer, authority) = name.split_once('@').unwrap_or((name, "a"));
    format!("laptop.{officer}.officer.{authority}.example").parse().unwrap()
}

pub(super) fn list(names: &[&str]) -> DeviceList {
    names.iter().map(|name| device(name)).collect()
}

pub(super) fn own() -> Domain {
    "a.example".parse().unwrap()
}

/// What the authority that is a.example was called before.
pub(super) fn former_of_a() -> Domain {
    "a-former.example".parse().unwrap()
}

/// The channel of a.example's hub that tests are about.
pub(super) fn channel_id() -> ChannelId {
    ChannelId::derive(&own(), &NONCE)
}

pub(super) fn key_of(device: &DeviceName) -> SigningKey {
    SigningKey::from_seed(Zeroizing::new(sha256(device.as_str().as_bytes())))
}

pub(super) fn head_key() -> HeadKey {
    HeadKey::new(SigningKey::from_seed(Zeroizing::new([3; 32])), vec![b"head".to_vec()])
}

/// Takes the bytes of a "certificate" for its device's name.
#[derive(Debug)]
pub(super) struct NameTrust;

impl DeviceTrust for NameTrust {
    fn device_key(&self, chain: &UnverifiedChain) -> Result<(DeviceName, PublicKey), TrustError> {
        let name = std::str::from_utf8(chain.leaf().as_bytes()).unwrap();
        let device = name.parse().map_err(|_| TrustError::NotADevice)?;
        let key = key_of(&device).public();
        Ok((device, key))
    }

    fn device_key_at(
        &self,
        chain: &UnverifiedChain,
        _: Timestamp,
    ) -> Result<(DeviceName, PublicKey), TrustError> {
        self.device_key(chain)
    }

    fn is_revoked(&self, device: &DeviceName) -> bool {
        device.as_str().contains("revoked")
    }

    fn former_domains(&self) -> FormerDomains {
        FormerDomains::from([(former_of_a(), own())])
    }
}

/// A clock that a test moves.
#[derive(Clone, Debug)]
pub(super) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(super) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(super) fn step_back(&self, by: Duration) {
        self.0.fetch_sub(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A running hub.
pub(super) struct World {
    pub(super) hub: Handle,
    pub(super) clock: TestClock,
    pub(super) sequencer: Sequencer,
}

impl World {
    pub(super) fn on(storage: Box<dyn Storage>) -> Self {
        Self::with(storage, own())
    }

    pub(super) fn with(storage: Box<dyn Storage>, domain: Domain) -> Self {
        Self::trusting(Arc::new(NameTrust), storage, domain)
    }

    pub(super) fn trusting(
        trust: Arc<dyn DeviceTrust>,
        storage: Box<dyn Storage>,
        domain: Domain,
    ) -> Self {
        let clock = TestClock(Arc::new(AtomicU64::new(1_800_000_000_000)));
        let options = HubOptions { trust, ..options(domain, &clock) };
        let sequencer = Sequencer::spawn(storage, options).unwrap();
        Self { hub: sequencer.handle(), clock, sequencer }
    }

    /// A hub over memory, with a channel of these members; the first one created it.
    pub(super) async fn with_members(names: &[&str]) -> Self {
        let world = Self::on(Box::new(MemoryDisk::default().open().unwrap()));
        world.create(names).await.unwrap();
        world
    }

    pub(super) async fn create(&self, names: &[&str]) -> Result<Accepted, SubmitError> {
        let draft = Draft::commit(names[0], None, &[], names);
        self.hub.create(draft.check()?, NONCE).await
    }

    pub(super) async fn submit(&self, draft: &Draft) -> Result<Accepted, SubmitError> {
        self.hub.submit(draft.check()?).await
    }

    /// Asks for the lease with the humblest claim.
    pub(super) async fn lease(&self, name: &str) -> Result<LeaseGrant, SubmitError> {
        self.hub.lease(channel_id(), device(name), LeaseClaim::default()).await
    }

    pub(super) async fn ask(&self, name: &str, class: Class) -> Result<LeaseGrant, SubmitError> {
        let claim = LeaseClaim { class, revoked: None };
        self.hub.lease(channel_id(), device(name), claim).await
    }

    pub(super) async fn commit(&self, draft: &Draft) -> Result<Accepted, SubmitError> {
        self.hub.lease(channel_id(), draft.author(), LeaseClaim::default()).await?;
        self.submit(draft).await
    }
}

pub(super) fn options(domain: Domain, clock: &TestClock) -> HubOptions {
    let clock = clock.clone();
    let name = ServiceName::new("r1", ServiceKind::Relay, &domain).unwrap();
    HubOptions::new(name, head_key(), Arc::new(NameTrust), Arc::new(move || clock.now()))
}

pub(super) fn new_clock() -> TestClock {
    TestClock(Arc::new(AtomicU64::new(1_800_000_000_000)))
}

/// What somebody is about to submit; tests change it at will.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) caller: Caller,
    pub(super) envelope: Envelope,
    pub(super) payload: Bytes,
    pub(super) change: Option<ListChange>,
    pub(super) welcomes: Vec<wire::Welcome>,
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) signer: SigningKey,
    pub(super) incarnation: Incarnation,
}

impl Draft {
    pub(super) fn new(author: &str, kind: ItemKind, fence: Option<u64>, payload: &[u8]) -> Self {
        let device = device(author);
        Self {
            caller: Caller::Device(device.clone()),
            certificates: vec![device.as_str().as_bytes().to_vec(), b"ca".to_vec()],
            signer: key_of(&device),
            incarnation: Incarnation(0),
            envelope: Envelope {
                channel: channel_id(),
                generation: Generation(0),
                kind,
                author: device.into(),
                client_id: client_id(payload),
                submit_counter: SubmitCounter(1),
                fence: fence.map(Seq),
                last_valid_commit: fence.map(Seq),
                commitment: Commitment::NONE,
                list_hash: ListHash::NONE,
                welcomes_hash: WelcomesHash::NONE,
                payload_hash: PayloadHash::of(payload),
            },
            payload: Bytes::copy_from_slice(payload),
            change: None,
            welcomes: Vec::new(),
        }
    }

    pub(super) fn entry(author: &str, fence: u64, text: &str) -> Self {
        let mut draft = Self::new(author, ItemKind::Entry, Some(fence), text.as_bytes());
        draft.envelope.commitment = Commitment(sha256(text.as_bytes()));
        draft
    }

    pub(super) fn author(&self) -> DeviceName {
        self.envelope.device().unwrap().clone()
    }

    /// A commit that turns one list of members into another, with a welcome for each new one.
    pub(super) fn commit(author: &str, fence: Option<u64>, from: &[&str], to: &[&str]) -> Self {
        let payload = format!("commit to {to:?} after {fence:?} by {author}");
        let mut draft = Self::new(author, ItemKind::Commit, fence, payload.as_bytes());
        let change = list(from).change_to(&list(to));
        draft.envelope.list_hash = list(to).hash();
        draft.welcomes = change
            .added
            .iter()
            .filter(|added| draft.envelope.author != **added)
            .map(|added| wire::Welcome {
                devices: vec![added.to_string()],
                message: Bytes::from(format!("welcome {added}")),
                bundle: b"bundle".to_vec(),
            })
            .collect();
        draft.change = Some(change);
        draft.envelope.welcomes_hash = draft.welcomes_hash();
        draft
    }

    pub(super) fn welcomes_hash(&self) -> WelcomesHash {
        let welcomes: Vec<(DeviceName, &[u8])> = self
            .welcomes
            .iter()
            .flat_map(|w| w.devices.iter().map(|d| (d.parse().unwrap(), &w.message[..])))
            .collect();
        WelcomesHash::of(&welcomes)
    }

    /// The same entry encrypted anew.
    pub(super) fn encrypted_again(&self, payload: &[u8]) -> Self {
        let mut again = self.clone();
        again.payload = Bytes::copy_from_slice(payload);
        again.envelope.payload_hash = PayloadHash::of(payload);
        again.envelope.submit_counter = again.envelope.submit_counter.next();
        again
    }

    pub(super) fn request(&self) -> wire::SubmitRequest {
        let signature = self.envelope.sign(&self.signer);
        let is_signed = self.envelope.kind.is_outer_signed();
        wire::SubmitRequest {
            channel: Some(self.envelope.channel.to_wire()),
            envelope: Some(self.envelope.to_wire(!self.payload.is_empty())),
            outer_signature: if is_signed { signature.as_bytes().to_vec() } else { Vec::new() },
            payload: self.payload.clone(),
            list_change: self.change.as_ref().map(ListChange::to_wire),
            welcomes: self.welcomes.clone(),
            certificates: self.certificates.clone(),
            known_head: None,
            incarnation: self.incarnation.0,
            hub: own().to_string(),
        }
    }

    pub(super) fn check(&self) -> Result<Submission, SubmitError> {
        Submission::check(&self.caller, self.request(), &NameTrust)
    }
}

pub(super) fn client_id(seed: &[u8]) -> ClientId {
    ClientId(sha256(seed)[..16].try_into().unwrap())
}

/// Waits for an event, with a bound.
pub(super) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), event).await.unwrap()
}

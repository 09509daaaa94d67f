//! One channel's log as its hub has it. Payloads are opaque, as they are to every relay.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use enlace_channel::channel::Device;
use enlace_identity::canonical::sha256;
use enlace_identity::names::DeviceName;
use enlace_log::control::{Contest, LeafHash, Leave};
use enlace_log::{
    ChainHash, ChainStart, ChannelId, ChannelNonce, ClientId, Commitment, DeviceList, Envelope,
    Generation, Head, HubVote, Incarnation, Item, ItemKind, ListChange, ListHash, PayloadHash,
    Replica, Sealed, Seq, SignedHubVote, SubmitCounter, VerifiedHead, WelcomesHash,
};
use enlace_proto::relay::v1 as wire;

use super::{NOW, network};

/// What somebody submits; its pieces fit together until they are changed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The author.
    pub device: DeviceName,
    /// Its envelope.
    pub envelope: Envelope,
    /// What it holds.
    pub payload: Bytes,
    /// Of a commit: what it does to the device list.
    pub change: Option<ListChange>,
    /// Of a commit that admits: the welcomes.
    pub welcomes: Vec<wire::Welcome>,
    /// Certificates of the author.
    pub certificates: Vec<Vec<u8>>,
}

impl Draft {
    /// An item of `author` after the commit at `fence`.
    #[must_use]
    pub fn new(author: &Device, kind: ItemKind, fence: Option<u64>, payload: &[u8]) -> Self {
        Self {
            device: author.name.clone(),
            certificates: author.chain.ders(),
            envelope: Envelope {
                channel: Log::channel(),
                generation: Generation(0),
                kind,
                author: author.name.clone().into(),
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

    /// An entry.
    #[must_use]
    pub fn entry(author: &Device, fence: u64, text: &str) -> Self {
        let mut draft = Self::new(author, ItemKind::Entry, Some(fence), text.as_bytes());
        draft.envelope.commitment = Commitment(sha256(text.as_bytes()));
        draft
    }

    /// A commit from one device list to another, with a welcome for each device that comes.
    #[must_use]
    pub fn commit(
        author: &Device,
        fence: Option<u64>,
        before: &DeviceList,
        after: &DeviceList,
    ) -> Self {
        let payload = format!("{fence:?} {} {}", author.name, after.hash());
        let mut draft = Self::new(author, ItemKind::Commit, fence, payload.as_bytes());
        let change = before.change_to(after);
        draft.envelope.list_hash = after.hash();
        draft.welcomes = change
            .added
            .iter()
            .filter(|added| **added != author.name)
            .map(|added| wire::Welcome {
                devices: vec![added.to_string()],
                message: Bytes::from(format!("welcome {added}")),
                bundle: network().signed.encode(),
            })
            .collect();
        let welcomes: Vec<(DeviceName, &[u8])> = draft
            .welcomes
            .iter()
            .map(|w| (w.devices[0].parse().expect("its own device's name"), &w.message[..]))
            .collect();
        draft.envelope.welcomes_hash = WelcomesHash::of(&welcomes);
        draft.change = Some(change);
        draft
    }

    /// As it is submitted, signed by its author where that is due.
    #[must_use]
    pub fn request(&self) -> wire::SubmitRequest {
        let key = super::seeded_key(self.device.as_str());
        let signature = self.envelope.sign(&key);
        let is_signed = self.envelope.kind.is_outer_signed();
        wire::SubmitRequest {
            channel: Some(self.envelope.channel.to_wire()),
            envelope: Some(self.envelope.to_wire(true)),
            outer_signature: if is_signed { signature.as_bytes().to_vec() } else { Vec::new() },
            payload: self.payload.clone(),
            list_change: self.change.as_ref().map(ListChange::to_wire),
            welcomes: self.welcomes.clone(),
            certificates: self.certificates.clone(),
            known_head: None,
            incarnation: 0,
            hub: "a.example".into(),
        }
    }
}

fn client_id(seed: &[u8]) -> ClientId {
    ClientId(sha256(seed)[..16].try_into().expect("half of a hash"))
}

/// The log that all targets share: a channel is created, grows, admits a device of the other
/// authority, and one of its members wants to leave.
pub struct Log {
    /// As they were submitted.
    pub requests: Vec<wire::SubmitRequest>,
    /// As the hub keeps them.
    pub items: Vec<Item>,
    /// The chain after each item.
    pub chains: Vec<ChainHash>,
    /// The hub's signature at each item.
    pub heads: Vec<VerifiedHead>,
    start: ChainHash,
    envelopes: HashSet<Vec<u8>>,
}

impl Log {
    /// With the hub's domain, what the channel's id is derived from.
    pub const NONCE: ChannelNonce = ChannelNonce([7; 32]);
    /// Where the device of the other authority is admitted.
    pub const ADMISSION: usize = 2;
    /// Longer than any log that a target makes.
    pub const MOST: u64 = 1000;

    /// The channel.
    #[must_use]
    pub fn channel() -> ChannelId {
        ChannelId::derive(&"a.example".parse().expect("a domain"), &Self::NONCE)
    }

    /// The log, made once in a process.
    #[must_use]
    pub fn shared() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(Self::new)
    }

    fn new() -> Self {
        let network = network();
        let (ana, ben) = (network.a.device("ana"), network.a.device("ben"));
        let cid = network.b.device("cid");
        let list = |devices: &[&Device]| devices.iter().map(|device| device.name.clone()).collect();
        let (nobody, two, three) = (list(&[]), list(&[&ana, &ben]), list(&[&ana, &ben, &cid]));
        let leave = Leave {
            channel: Self::channel(),
            generation: Generation(0),
            device: ben.name.clone(),
            leaf: LeafHash([5; 32]),
        };
        let contest =
            Contest { channel: Self::channel(), generation: Generation(0), commit: Seq(2) };
        let mut log = Self::empty();
        for draft in [
            Draft::commit(&ana, None, &nobody, &two),
            Draft::entry(&ben, 0, "first"),
            Draft::commit(&ana, Some(0), &two, &three),
            Draft::entry(&cid, 2, "second"),
            Draft::new(&ben, ItemKind::Leave, Some(2), &leave.encode()),
            Draft::new(&cid, ItemKind::Contest, Some(2), &contest.encode()),
        ] {
            log.push(draft.request());
        }
        log
    }

    fn start() -> ChainStart {
        ChainStart {
            channel: Self::channel(),
            hub: network().a.domain.clone(),
            generation: Generation(0),
            predecessor: [0; 32],
        }
    }

    fn empty() -> Self {
        Self {
            requests: Vec::new(),
            items: Vec::new(),
            chains: Vec::new(),
            heads: Vec::new(),
            start: Self::start().hash(),
            envelopes: HashSet::new(),
        }
    }

    fn push(&mut self, request: wire::SubmitRequest) {
        let network = network();
        let sealed = Sealed::from_request(&request).unwrap();
        let seq = Seq(self.items.len() as u64);
        let received_at = NOW.plus(Duration::from_secs(seq.0));
        let item = Item { seq, received_at, sealed };
        let chain = item.chain_after(self.chains.last().unwrap_or(&self.start));
        let head = Head { channel: Self::channel(), incarnation: Incarnation(0), seq, chain };
        self.heads.push(head.sign(&network.a.head_key(), network.a.head_signer()));
        self.chains.push(chain);
        self.envelopes.insert(item.sealed.envelope_bytes().to_vec());
        self.items.push(item);
        self.requests.push(request);
    }

    /// A copy of it that holds nothing yet.
    #[must_use]
    pub fn from_start(&self) -> Replica {
        Replica::from_start(&Self::start())
    }

    /// Whether the hub has signed that head.
    #[must_use]
    pub fn signed(&self, head: &Head) -> bool {
        self.heads.iter().any(|own| own.head() == head)
    }

    /// Whether that envelope stands in the log.
    #[must_use]
    pub fn holds(&self, envelope: &[u8]) -> bool {
        self.envelopes.contains(envelope)
    }

    /// The items from one position to another, as a relay answers.
    #[must_use]
    pub fn range(&self, from: usize, to: usize) -> wire::FetchRangeResponse {
        let mut items: Vec<wire::Item> = self.items[from..=to].iter().map(Item::to_wire).collect();
        items[0].chain = self.chains[from].0.to_vec();
        wire::FetchRangeResponse { items, head: Some(self.heads[to].to_wire()) }
    }

    /// The items from one position to another, as somebody brings them back whose newest head is
    /// the log's.
    #[must_use]
    pub fn refill(&self, from: usize, to: usize) -> wire::RefillRequest {
        let rest = self.items[to + 1..].iter().flat_map(|item| item.link().encode());
        wire::RefillRequest {
            channel: Some(Self::channel().to_wire()),
            hub: "a.example".into(),
            head: self.heads.last().map(|head| head.to_wire()),
            items: self.items[from..=to].iter().map(Item::to_wire).collect(),
            nonce: Self::NONCE.0.to_vec(),
            rest: rest.collect(),
            incarnations: vec![wire::IncarnationStart::default()],
        }
    }

    /// What the other authority's relay gets at [`Self::ADMISSION`].
    #[must_use]
    pub fn delivery(&self) -> wire::WelcomeDelivery {
        let at = Self::ADMISSION;
        let request = &self.requests[at];
        let mut commit = self.items[at].to_wire();
        commit.chain = self.chains[at].0.to_vec();
        let network = network();
        let devices = [network.a.device("ana"), network.a.device("ben"), network.b.device("cid")];
        let mut devices = devices.map(|device| device.name.to_string());
        devices.sort();
        wire::WelcomeDelivery {
            channel: Some(Self::channel().to_wire()),
            hub: "a.example".into(),
            commit: Some(commit),
            head: Some(self.heads[at].to_wire()),
            head_certificates: network.a.head_chain().ders(),
            device_list: devices.into(),
            welcomes: request.welcomes.clone(),
            certificates: request.certificates.clone(),
            nonce: Self::NONCE.0.to_vec(),
            previous_chain: self.chains[at - 1].0.to_vec(),
            creating_hub: String::new(),
            hub_votes: Vec::new(),
        }
    }

    /// A member's vote for moving the channel to the other authority's relay.
    #[must_use]
    pub fn vote(officer: &Device) -> SignedHubVote {
        let (from, to) = (network().a.domain.clone(), network().b.domain.clone());
        let vote = HubVote { channel: Self::channel(), from, to, fence: Seq(2) };
        SignedHubVote::sign(vote, &officer.key, officer.chain.clone())
    }
}

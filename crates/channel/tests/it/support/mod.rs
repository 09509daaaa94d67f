//! A network in memory: three authorities, officers with real certificates, real MLS and stores
//! that can roll back, and a hub that puts items in order. The hub checks nothing, so that a test
//! can play every adversary; it signs heads with a real head key.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use enlace_channel::channel::{
    Admission, Channel, ChannelDraft, ChannelError, Command, Context, Culprit, Device, Event,
    JoinOffer, JoinRefused, LogBook, Outgoing, SealError, Standing,
};
use enlace_channel::consent::{Answer, Statement, StatementDraft, Subject};
use enlace_channel::entry::{EntryKind, HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_channel::mls::{Backend, Suite, generate_key_package};
use enlace_channel::policy::{ChannelKind, NewCase, Role};
use enlace_channel::state_store::{MemoryStore, StateStore};
use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::issue::{Approval, IssuingCa, Root};
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{DeviceName, Domain, LeafName, OfficerAddress};
use enlace_identity::time::{Timestamp, Validity};
use enlace_log::{
    ChainHash, ChainStart, ChannelId, ChannelNonce, ClientId, Commitment, DeviceList, Envelope,
    Generation, Head, HeadSigner, HubStatement, Incarnations, Item, ItemKind, ListHash,
    PayloadHash, QuotedHead, Sealed, Seq, SignedHubVote, TakeOver, VerifiedHead, WelcomesHash,
};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const NONCE: ChannelNonce = ChannelNonce([0xc4; 32]);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The channel of the hub at a.example.
pub(crate) fn channel_id() -> ChannelId {
    ChannelId::derive(&"a.example".parse().unwrap(), &NONCE)
}

pub(crate) fn validity() -> Validity {
    Validity::starting(NOW.minus(YEAR), 2 * YEAR)
}

/// An authority with its CA keys.
pub(crate) struct Authority {
    pub(crate) domain: Domain,
    pub(crate) root: Root,
    pub(crate) root_key: SigningKey,
    pub(crate) issuing: IssuingCa,
}

impl Authority {
    pub(crate) fn new(domain: &str) -> Self {
        let domain: Domain = domain.parse().unwrap();
        let long = Validity::starting(NOW.minus(2 * YEAR), 6 * YEAR);
        let root_key = SigningKey::generate();
        let root = Root::create(&domain, root_key.clone(), long, &Serial::generate()).unwrap();
        let key = SigningKey::generate();
        let certificate = root.issue_ca(&key.public(), long, &Serial::generate()).unwrap();
        let issuing = IssuingCa::load(&domain, root.certificate(), &certificate, key).unwrap();
        Self { domain, root, root_key, issuing }
    }

    pub(crate) fn issue(
        &self,
        name: LeafName,
        key: &PublicKey,
        validity: Validity,
    ) -> UnverifiedChain {
        let approval = Approval {
            common_name: name.as_str().chars().take(60).collect(),
            name,
            validity,
            serial: Serial::generate(),
        };
        self.issuing.issue_for_key(key, &approval).unwrap()
    }

    pub(crate) fn device(&self, officer: &str) -> Device {
        let officer: OfficerAddress = format!("{officer}@{}", self.domain).parse().unwrap();
        let name = officer.device("laptop").unwrap();
        let key = SigningKey::generate();
        let chain = self.issue(LeafName::Device(name.clone()), &key.public(), validity());
        Device { name, key, chain }
    }
}

/// What a bundle says of an authority.
pub(crate) fn entry(authority: &Authority) -> AuthorityContent {
    AuthorityContent {
        domain: authority.domain.clone(),
        country: "ES".to_owned(),
        name: authority.domain.to_string(),
        roots: vec![authority.root.certificate().clone()],
    }
}

/// Three authorities in one network.
pub(crate) struct Network {
    pub(crate) a: Authority,
    pub(crate) b: Authority,
    pub(crate) c: Authority,
    pub(crate) bundle: Bundle,
}

impl Network {
    pub(crate) fn new() -> Self {
        let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
        let c = Authority::new("c.example");
        let signed = SignedBundle::create(BundleContent {
            network: "Test".into(),
            version: 1,
            previous: None,
            threshold: 2,
            validity: validity(),
            authorities: vec![entry(&a), entry(&b), entry(&c)],
            former: Vec::new(),
        })
        .unwrap();
        let bundle = signed.open(&signed.hash()).unwrap();
        Self { a, b, c, bundle }
    }
}

/// One officer's device with its store and, once it is in, the channel.
pub(crate) struct Member {
    pub(crate) device: Device,
    pub(crate) backend: Backend,
    pub(crate) store: MemoryStore,
    pub(crate) channel: Option<Channel>,
    pub(crate) events: Vec<(Seq, Event)>,
    book: Book,
    ids: RefCell<u8>,
}

/// What a member's store knows of hubs and logs.
#[derive(Default)]
pub(crate) struct Book {
    keys: BTreeMap<HeadSigner, PublicKey>,
    chains: BTreeMap<Seq, ChainHash>,
}

impl LogBook for Book {
    fn head_key(&self, _: &Domain, signer: HeadSigner) -> Option<PublicKey> {
        self.keys.get(&signer).copied()
    }

    fn chain_at(&self, _: ChannelId, seq: Seq) -> Option<ChainHash> {
        self.chains.get(&seq).copied()
    }
}

/// A context over the fields of a member, leaving its channel free to be borrowed.
macro_rules! context {
    ($member:expr, $network:expr) => {
        Context {
            store: &$member.store,
            backend: &$member.backend,
            device: &$member.device,
            bundle: &$network.bundle,
            log: &$member.book,
            now: NOW,
        }
    };
}

impl Member {
    pub(crate) fn new(device: Device) -> Self {
        Self::with_backend(device, Backend::new().unwrap())
    }

    pub(crate) fn with_backend(device: Device, backend: Backend) -> Self {
        Self {
            device,
            backend,
            store: MemoryStore::new(),
            channel: None,
            events: Vec::new(),
            book: Book::default(),
            ids: RefCell::new(0),
        }
    }

    pub(crate) fn name(&self) -> &DeviceName {
        &self.device.name
    }

    pub(crate) fn officer(&self) -> OfficerAddress {
        self.device.name.officer().clone()
    }

    pub(crate) fn channel(&self) -> &Channel {
        self.channel.as_ref().unwrap()
    }

    pub(crate) fn client_id(&self) -> ClientId {
        let mut last = self.ids.borrow_mut();
        *last += 1;
        ClientId([*last; 16])
    }

    pub(crate) fn key_package(&self) -> Vec<u8> {
        self.key_package_of(Suite::PostQuantum)
    }

    pub(crate) fn key_package_of(&self, suite: Suite) -> Vec<u8> {
        generate_key_package(
            &self.backend.on(&self.store),
            &self.device.key,
            &self.device.chain,
            suite,
            false,
        )
        .unwrap()
        .message
    }

    /// Makes something with the channel, in one transaction.
    pub(crate) fn make<T, E>(
        &mut self,
        network: &Network,
        make: impl FnOnce(&mut Channel, &Context<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.savepoint().unwrap();
        let ctx = context!(self, network);
        let result = make(self.channel.as_mut().unwrap(), &ctx);
        match result {
            Ok(_) => self.store.release().unwrap(),
            Err(_) => {
                self.store.rollback().unwrap();
                self.channel = Channel::load(&ctx, channel_id()).unwrap();
            }
        }
        result
    }

    /// Signs a note as an honest client does.
    pub(crate) fn sign_note(&self, text: &str) -> SignedEntry {
        self.sign_note_quoting(text, self.channel().known_head())
    }

    /// Signs a note that quotes whatever head its author likes.
    pub(crate) fn sign_note_quoting(
        &self,
        text: &str,
        known_head: Option<QuotedHead>,
    ) -> SignedEntry {
        self.note_draft(text, known_head).sign(&self.device.key, salt).unwrap()
    }

    /// Signs an entry of any kind, entitled or not.
    pub(crate) fn sign_as(
        &self,
        kind: EntryKind,
        text: &str,
        parent: Option<Commitment>,
    ) -> SignedEntry {
        let draft = NoteDraft { parent, ..self.note_draft(text, self.channel().known_head()) };
        match kind {
            EntryKind::Pin => draft.sign_pin(true, &self.device.key, salt).unwrap(),
            kind => draft.sign_as(kind, &self.device.key, salt).unwrap(),
        }
    }

    fn note_draft<'a>(&'a self, text: &'a str, known_head: Option<QuotedHead>) -> NoteDraft<'a> {
        NoteDraft {
            channel: channel_id(),
            generation: self.channel().policy().generation(),
            author: &self.device.name,
            client_id: self.client_id(),
            local_time: NOW,
            time_zone: "Europe/Madrid".parse::<TimeZone>().unwrap(),
            handling: HandlingCode::H1,
            restriction: None,
            parent: None,
            known_head,
            text,
        }
    }

    /// Signs a statement as an honest client does.
    pub(crate) fn sign_statement(&self, subject: Subject, answer: Option<Answer>) -> SignedEntry {
        let authorities_version = self.channel().policy().authorities_version();
        StatementDraft {
            channel: channel_id(),
            generation: Generation(0),
            author: &self.device.name,
            client_id: self.client_id(),
            local_time: NOW,
            time_zone: "Europe/Madrid".parse::<TimeZone>().unwrap(),
            parent: None,
            known_head: self.channel().known_head(),
            statement: &Statement { subject, authorities_version, answer },
        }
        .sign(&self.device.key, salt)
    }

    pub(crate) fn note(&mut self, network: &Network, text: &str) -> Outgoing {
        let entry = self.sign_note(text);
        let id = entry.header().client_id;
        self.make(network, |channel, ctx| channel.dangerous_seal_entry(ctx, &entry, id)).unwrap()
    }

    /// Handles one batch as an honest client does: verify, handle, advance.
    pub(crate) fn receive(&mut self, network: &Network, hub: &Hub, upto: Seq) {
        self.try_receive(network, hub, upto).unwrap();
    }

    /// The same; what cannot be taken in leaves no trace.
    pub(crate) fn try_receive(
        &mut self,
        network: &Network,
        hub: &Hub,
        upto: Seq,
    ) -> Result<(), ChannelError> {
        self.store.savepoint().unwrap();
        let mut taken = Ok(Vec::new());
        while let Ok(told) = &mut taken {
            let Some(channel) = &self.channel else { break };
            let next = channel.replica().next_seq();
            if next > upto || channel.standing() == Standing::Removed {
                break;
            }
            match self.take_in(network, hub, hub.frame_end(next, upto)) {
                Ok(more) => told.extend(more),
                Err(error) => taken = Err(error),
            }
        }
        match &taken {
            Ok(events) => {
                self.store.release().unwrap();
                self.events.extend(events.iter().cloned());
            }
            Err(_) => {
                self.store.rollback().unwrap();
                self.reload(network);
            }
        }
        taken.map(drop)
    }

    fn take_in(
        &mut self,
        network: &Network,
        hub: &Hub,
        upto: Seq,
    ) -> Result<Vec<(Seq, Event)>, ChannelError> {
        let mut told = Vec::new();
        let Some(channel) = self.channel.as_mut() else { return Ok(told) };
        let mut replica = channel.replica();
        let items: Vec<Item> = hub
            .items
            .iter()
            .filter(|i| i.seq >= replica.next_seq() && i.seq <= upto)
            .cloned()
            .collect();
        if items.is_empty() {
            return Ok(told);
        }
        let head = hub.head_at(upto);
        let added = replica.append(&items, &head).unwrap();
        self.book.keys.insert(hub.signer, hub.key.public());
        self.book.chains.extend(added.iter().map(|added| (added.seq, added.chain)));
        let ctx = context!(self, network);
        for item in &items {
            let events = channel.handle_item(&ctx, item)?;
            told.extend(events.into_iter().map(|event| (item.seq, event)));
        }
        let events = channel.advance(&ctx, &replica, &head)?;
        told.extend(events.into_iter().map(|event| (upto, event)));
        Ok(told)
    }

    pub(crate) fn join(
        &mut self,
        network: &Network,
        hub: &Hub,
        offer: &JoinOffer,
    ) -> Result<(), JoinRefused> {
        self.book.keys.insert(hub.signer, hub.key.public());
        self.store.savepoint().unwrap();
        let ctx = context!(self, network);
        match Channel::join(&ctx, offer) {
            Ok(channel) => {
                self.store.release().unwrap();
                self.channel = Some(channel);
                Ok(())
            }
            Err(refused) => {
                self.store.rollback().unwrap();
                Err(refused)
            }
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Entry(entry) => Some(entry.text()),
            _ => None,
        };
        self.events.iter().filter_map(|(_, event)| text(event)).collect()
    }

    pub(crate) fn reload(&mut self, network: &Network) {
        let ctx = context!(self, network);
        self.channel = Channel::load(&ctx, channel_id()).unwrap();
    }
}

#[allow(clippy::disallowed_methods, reason = "tests draw their randomness here")]
pub(crate) fn salt() -> Salt {
    let mut bytes = [0; Salt::BYTES];
    getrandom::fill(&mut bytes).unwrap();
    Salt::from_bytes(bytes)
}

/// Puts items in order and signs heads. It checks nothing.
pub(crate) struct Hub {
    pub(crate) items: Vec<Item>,
    pub(crate) chains: Vec<ChainHash>,
    pub(crate) key: SigningKey,
    pub(crate) signer: HeadSigner,
    pub(crate) clock: Timestamp,
    /// Where the log moved to another authority's relay, which signs with the same key here.
    pub(crate) domain: Domain,
    hub_votes: Vec<SignedHubVote>,
    incarnations: Incarnations,
    start: ChainHash,
}

impl Hub {
    pub(crate) fn new(domain: &Domain) -> Self {
        let start = ChainStart {
            channel: channel_id(),
            hub: domain.clone(),
            generation: Generation(0),
            predecessor: [0; 32],
        };
        Self {
            items: Vec::new(),
            chains: Vec::new(),
            key: SigningKey::generate(),
            signer: HeadSigner([0x5e; 32]),
            clock: NOW,
            domain: domain.clone(),
            hub_votes: Vec::new(),
            incarnations: Incarnations::default(),
            start: start.hash(),
        }
    }

    /// A hub that goes on from here by itself, with the same key: the other side of a fork.
    pub(crate) fn fork(&self) -> Self {
        Self {
            items: self.items.clone(),
            chains: self.chains.clone(),
            key: SigningKey::from_seed(self.key.to_seed()),
            signer: self.signer,
            clock: self.clock,
            domain: self.domain.clone(),
            hub_votes: self.hub_votes.clone(),
            incarnations: self.incarnations.clone(),
            start: self.start,
        }
    }

    pub(crate) fn accept(&mut self, outgoing: &Outgoing) -> Seq {
        let request = &outgoing.request;
        let sealed = Sealed::from_request(request).unwrap();
        self.accept_sealed(sealed)
    }

    pub(crate) fn accept_sealed(&mut self, sealed: Sealed) -> Seq {
        self.clock = self.clock.plus(Duration::from_millis(5));
        let seq = Seq(self.items.len() as u64);
        let item = Item { seq, received_at: self.clock, sealed };
        let before = self.chains.last().copied().unwrap_or(self.start);
        self.chains.push(item.chain_after(&before));
        self.items.push(item);
        seq
    }

    /// The relay of another authority goes on with the log, by these votes.
    pub(crate) fn take_over(&mut self, hub: &Domain, votes: Vec<SignedHubVote>) -> Seq {
        let incarnation = self.incarnations.newest().next();
        let statement = HubStatement {
            incarnation,
            held: None,
            lost: None,
            unheard: Vec::new(),
            signer: self.signer,
            taken_over: Some(TakeOver { hub: hub.clone(), votes: votes.clone() }),
        };
        let payload = statement.encode();
        let relay = LeafName::Service(format!("r1.relay.{hub}").parse().unwrap());
        let envelope = Envelope {
            kind: ItemKind::HubStatement,
            author: relay,
            last_valid_commit: None,
            commitment: Commitment::NONE,
            list_hash: ListHash::NONE,
            welcomes_hash: WelcomesHash::NONE,
            payload_hash: PayloadHash::of(&payload),
            ..self.items.last().unwrap().sealed.envelope().clone()
        };
        let signature = envelope.sign(&self.key);
        let seq = self.accept_sealed(Sealed::new(envelope, signature, payload.into()));
        self.incarnations.begin(seq, incarnation);
        (self.domain, self.hub_votes) = (hub.clone(), votes);
        seq
    }

    /// Where the frame ends in which an item comes: a statement begins its own.
    fn frame_end(&self, from: Seq, upto: Seq) -> Seq {
        let later = |item: &&Item| item.seq > from && item.seq <= upto;
        let statement = |item: &&Item| item.sealed.envelope().kind == ItemKind::HubStatement;
        let next = self.items.iter().filter(later).find(statement);
        next.map_or(upto, |item| Seq(item.seq.0 - 1))
    }

    pub(crate) fn head_at(&self, seq: Seq) -> VerifiedHead {
        let head = Head {
            channel: channel_id(),
            incarnation: self.incarnations.at(seq),
            seq,
            chain: self.chains[usize::try_from(seq.0).unwrap()],
        };
        head.sign(&self.key, self.signer)
    }

    pub(crate) fn tail(&self) -> Seq {
        Seq(self.items.len() as u64 - 1)
    }

    pub(crate) fn offer(
        &self,
        commit: Seq,
        outgoing: &Outgoing,
        author: &Device,
        list: DeviceList,
    ) -> JoinOffer {
        let welcomes = outgoing
            .request
            .welcomes
            .iter()
            .flat_map(|w| w.devices.iter().map(|d| (d.parse().unwrap(), w.message.clone())))
            .collect();
        JoinOffer {
            channel: channel_id(),
            commit: self.items[usize::try_from(commit.0).unwrap()].clone(),
            chain: self.chains[usize::try_from(commit.0).unwrap()],
            head: self.head_at(commit),
            devices: list,
            welcomes,
            signer: author.chain.clone(),
            hub: self.domain.clone(),
            creating_hub: "a.example".parse().unwrap(),
            hub_votes: self.hub_votes.clone(),
            nonce: NONCE,
            log_has_ended: false,
            previous_chain: commit
                .0
                .checked_sub(1)
                .map_or(self.start, |before| self.chains[usize::try_from(before).unwrap()]),
        }
    }
}

pub(crate) fn bytes(value: &[u8]) -> Bytes {
    Bytes::copy_from_slice(value)
}

/// A network, a hub and the members of one case channel.
pub(crate) struct Case {
    pub(crate) network: Network,
    pub(crate) hub: Hub,
    pub(crate) members: Vec<Member>,
}

pub(crate) const ANA: usize = 0;
pub(crate) const BEN: usize = 1;
pub(crate) const CID: usize = 2;
pub(crate) const DORA: usize = 3;

impl Case {
    /// Ana of authority A owns the channel; nobody else is in.
    pub(crate) fn opened_by_ana() -> Self {
        Self::opened_with(ChannelKind::Case, Backend::new().unwrap())
    }

    /// Ana owns a channel of that kind; nobody else is in.
    pub(crate) fn opened_as(kind: ChannelKind) -> Self {
        Self::opened_with(kind, Backend::new().unwrap())
    }

    /// The same with a program of hers that differs.
    pub(crate) fn opened_with(kind: ChannelKind, backend: Backend) -> Self {
        let network = Network::new();
        let hub = Hub::new(&network.a.domain);
        let ana = Member::with_backend(network.a.device("ana"), backend);
        let mut case = Self { network, hub, members: vec![ana] };
        case.open(kind);
        case
    }

    /// Ana (owner) and Ben (member) of A, Cid (lead) and Dora (member) of B.
    pub(crate) fn with_four() -> Self {
        let mut case = Self::opened_by_ana();
        case.members.push(Member::new(case.network.a.device("ben")));
        case.members.push(Member::new(case.network.b.device("cid")));
        case.members.push(Member::new(case.network.b.device("dora")));
        case.admit(ANA, BEN, Role::Member);
        case.admit(ANA, CID, Role::Lead);
        case.admit(CID, DORA, Role::Member);
        for member in [ANA, BEN, CID, DORA] {
            case.post(member, &format!("hello from {member}"));
        }
        for member in &mut case.members {
            member.events.clear();
        }
        case
    }

    fn open(&mut self, kind: ChannelKind) {
        let ana = &mut self.members[ANA];
        let policy = NewCase {
            channel: channel_id(),
            owner: ana.officer(),
            title: "Operation Lighthouse".into(),
            case_reference: Some("DP 123/2026".into()),
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
            hub: self.network.a.domain.clone(),
            bundle_hash: self.network.bundle.hash(),
        }
        .into_policy_of(kind)
        .unwrap();
        let draft = ChannelDraft {
            id: channel_id(),
            client_id: ana.client_id(),
            suite: Suite::PostQuantum,
            policy,
        };
        let ctx = context!(ana, self.network);
        let (channel, first) = Channel::create(&ctx, draft).unwrap();
        ana.channel = Some(channel);
        self.hub.accept(&first);
        self.deliver();
    }

    /// Hands everything that the hub holds to everybody.
    pub(crate) fn deliver(&mut self) {
        let tail = self.hub.tail();
        for member in &mut self.members {
            member.receive(&self.network, &self.hub, tail);
        }
    }

    pub(crate) fn admission(&self, who: usize, role: Role) -> Admission {
        Admission {
            officer: self.members[who].officer(),
            role,
            key_package: self.members[who].key_package(),
        }
    }

    pub(crate) fn admit(&mut self, by: usize, who: usize, role: Role) {
        let admission = self.admission(who, role);
        let outgoing = self.command(by, &Command::Admit(vec![admission])).unwrap();
        let seq = self.hub.accept(&outgoing);
        self.deliver();
        let offer = self.offer(seq, &outgoing, by);
        self.members[who].join(&self.network, &self.hub, &offer).unwrap();
    }

    pub(crate) fn offer(&self, seq: Seq, outgoing: &Outgoing, by: usize) -> JoinOffer {
        let list = self.members[by].channel().devices();
        self.hub.offer(seq, outgoing, &self.members[by].device, list)
    }

    pub(crate) fn command(&mut self, by: usize, command: &Command) -> Result<Outgoing, SealError> {
        let id = self.members[by].client_id();
        let network = &self.network;
        self.members[by].make(network, |channel, ctx| channel.seal_commit(ctx, command, id))
    }

    /// What a modified client commits, accepted and delivered to everybody.
    pub(crate) fn rogue_commit(
        &mut self,
        by: usize,
        command: &Command,
        list: Option<DeviceList>,
    ) -> Seq {
        let id = self.members[by].client_id();
        let network = &self.network;
        let outgoing = self.members[by]
            .make(network, |c, ctx| c.dangerous_seal_commit(ctx, command, list, id))
            .unwrap();
        let seq = self.hub.accept(&outgoing);
        self.deliver();
        seq
    }

    /// A commit that is accepted and delivered to everybody.
    pub(crate) fn commit(&mut self, by: usize, command: &Command) -> Seq {
        let outgoing = self.command(by, command).unwrap();
        let seq = self.hub.accept(&outgoing);
        self.deliver();
        seq
    }

    pub(crate) fn post(&mut self, by: usize, text: &str) -> Seq {
        let outgoing = self.members[by].note(&self.network, text);
        let seq = self.hub.accept(&outgoing);
        self.deliver();
        seq
    }

    /// Every member that is still in holds the same epoch, policy and fence, and each can write
    /// something that all the others read.
    pub(crate) fn assert_healthy(&mut self) {
        let inside: Vec<usize> = (0..self.members.len())
            .filter(|&i| self.members[i].channel.is_some())
            .filter(|&i| self.members[i].channel().standing() != Standing::Removed)
            .collect();
        for &i in &inside {
            let text = format!("{i} still writes at {}", self.hub.items.len());
            let name = self.members[i].name().clone();
            self.post(i, &text);
            for &j in inside.iter().filter(|&&j| j != i) {
                let last = self.members[j].texts().pop();
                assert_eq!(
                    last.as_ref(),
                    Some(&text),
                    "{name} is read by {}",
                    self.members[j].name()
                );
            }
        }
        let state = |i: usize| {
            let channel = self.members[i].channel();
            (channel.epoch_authenticator(), channel.policy().clone(), channel.fence())
        };
        let first = state(inside[0]);
        for &i in &inside[1..] {
            assert!(state(i) == first, "{} is in another state", self.members[i].name());
        }
    }

    /// Why, and by whom, the item at `seq` was void, as each member said: all say the same.
    pub(crate) fn void_by_all(&self, seq: Seq, except: usize) -> (Culprit, String) {
        let verdict = |member: &Member| {
            member.events.iter().find_map(|(at, event)| match event {
                Event::Void { author, reason } if *at == seq => {
                    Some((author.clone(), reason.clone()))
                }
                _ => None,
            })
        };
        let inside = self.members.iter().enumerate().filter(|(_, member)| member.channel.is_some());
        let others = inside.filter(|(i, _)| *i != except);
        let verdicts: Vec<_> = others.map(|(_, member)| verdict(member)).collect();
        assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}");
        verdicts[0].clone().expect("the item was void")
    }
}

/// Garbles what is sealed to some keys.
#[derive(Clone, Default)]
pub(crate) struct GarbleFor(pub(crate) Arc<Mutex<Vec<Vec<u8>>>>);

impl enlace_channel::mls::Tamper for GarbleFor {
    fn sealed(&self, receiver: &[u8], ciphertext: &mut Vec<u8>) {
        if self.0.lock().unwrap().iter().any(|key| key == receiver) {
            *ciphertext.last_mut().unwrap() ^= 1;
        }
    }
}

/// Garbles every path secret that a member seals.
pub(crate) struct GarbleAll;

impl enlace_channel::mls::Tamper for GarbleAll {
    fn sealed(&self, _: &[u8], ciphertext: &mut Vec<u8>) {
        if let Some(last) = ciphertext.last_mut() {
            *last ^= 1;
        }
    }
}

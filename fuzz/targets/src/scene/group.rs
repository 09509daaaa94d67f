//! A channel among four members with real MLS, a hub that orders whatever it is given, and copies
//! of both, so that every input begins with the same state.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use enlace_channel::channel::{
    Admission, Channel, ChannelDraft, ChannelError, Command, Context, Device, Event, JoinOffer,
    JoinRefused, LogBook, Outgoing, SealError,
};
use enlace_channel::entry::{HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_channel::mls::{Backend, Suite, generate_key_package};
use enlace_channel::policy::{NewCase, Role};
use enlace_channel::state_store::{MemoryStore, StateStore as _};
use enlace_identity::canonical::sha256;
use enlace_identity::entropy::Entropy;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::replica::ReplicaError;
use enlace_log::{
    ChainHash, ChainStart, ChannelId, ClientId, DeviceList, Generation, Head, HeadSigner,
    Incarnation, Item, Sealed, Seq, VerifiedHead,
};

use super::inside::{self, Part};
use super::{Log, NOW, network};

/// One device with its store and, once it is in, the channel.
pub struct Member {
    /// Name, key and certificates.
    pub device: Device,
    /// Its cryptography; what it draws is the same in every process.
    pub backend: Backend,
    /// What it has stored.
    pub store: MemoryStore,
    /// Its channel.
    pub channel: Option<Channel>,
    /// What came of each item.
    pub events: Vec<(Seq, Event)>,
    book: Book,
    ids: u64,
    /// What the backend's seed is made of.
    seed: String,
}

#[derive(Clone, Default)]
struct Book {
    chains: BTreeMap<Seq, ChainHash>,
}

impl LogBook for Book {
    fn head_key(&self, hub: &Domain, signer: HeadSigner) -> Option<PublicKey> {
        let network = network();
        let known = *hub == network.a.domain && signer == network.a.head_signer();
        known.then(|| network.a.head_key().public())
    }

    fn chain_at(&self, _: ChannelId, seq: Seq) -> Option<ChainHash> {
        self.chains.get(&seq).copied()
    }
}

/// A context over the fields of a member, leaving its channel free to be borrowed.
macro_rules! context {
    ($member:expr) => {
        Context {
            store: &$member.store,
            backend: &$member.backend,
            device: &$member.device,
            bundle: &network().bundle,
            log: &$member.book,
            now: NOW,
        }
    };
}

impl Member {
    fn new(device: Device, story: &str) -> Self {
        let seed = format!("{} {story}", device.name);
        Self {
            backend: backend(&seed),
            device,
            store: MemoryStore::new(),
            channel: None,
            events: Vec::new(),
            book: Book::default(),
            ids: 0,
            seed,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &DeviceName {
        &self.device.name
    }

    /// The channel of one who is in.
    ///
    /// # Panics
    /// Before it has joined.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        self.channel.as_ref().expect("the member has joined")
    }

    /// A client id that it has not used.
    pub fn client_id(&mut self) -> ClientId {
        self.ids += 1;
        let seed = [self.device.name.as_str().as_bytes(), &self.ids.to_be_bytes()].concat();
        ClientId(sha256(&seed)[..16].try_into().expect("half of a hash"))
    }

    /// A new key package, as it is published.
    #[must_use]
    pub fn key_package(&self) -> Vec<u8> {
        let provider = self.backend.on(&self.store);
        let Device { key, chain, .. } = &self.device;
        generate_key_package(&provider, key, chain, Suite::PostQuantum, false).unwrap().message
    }

    /// Makes it alter what it encrypts, by the steps of a script. What it draws begins anew.
    pub fn modify(&mut self, part: Part, script: &[u8]) {
        self.backend = inside::modified(&self.seed, &self.device.key, part, script);
    }

    /// Signs a note as an honest client does.
    pub fn sign_note(&mut self, text: &str) -> SignedEntry {
        let client_id = self.client_id();
        let draft = NoteDraft {
            channel: Log::channel(),
            generation: Generation(0),
            author: &self.device.name,
            client_id,
            local_time: NOW,
            time_zone: "Europe/Madrid".parse::<TimeZone>().unwrap(),
            handling: HandlingCode::H1,
            restriction: None,
            parent: None,
            known_head: self.channel().known_head(),
            text,
        };
        let mut salt = 0_u64;
        let salts = || {
            salt += 1;
            let hash = sha256(&[&client_id.0[..], &salt.to_be_bytes()].concat());
            Salt::from_bytes(hash[..Salt::BYTES].try_into().expect("a salt is shorter"))
        };
        draft.sign(&self.device.key, salts).unwrap()
    }

    /// Does something with the channel in one transaction.
    ///
    /// # Errors
    /// What `make` returns; nothing has changed then.
    pub fn make<T, E>(
        &mut self,
        make: impl FnOnce(&mut Channel, &Context<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.savepoint().unwrap();
        let ctx = context!(self);
        let result = make(self.channel.as_mut().expect("the member has joined"), &ctx);
        match result {
            Ok(_) => self.store.release().unwrap(),
            Err(_) => self.roll_back(),
        }
        result
    }

    /// Does something with the channel and abandons the transaction.
    pub fn abandon(&mut self, make: impl FnOnce(&mut Channel, &Context<'_>)) {
        self.store.savepoint().unwrap();
        let ctx = context!(self);
        make(self.channel.as_mut().expect("the member has joined"), &ctx);
        self.roll_back();
    }

    fn roll_back(&mut self) {
        self.store.rollback().unwrap();
        self.restart();
    }

    /// The program ends and is started again.
    pub fn restart(&mut self) {
        let ctx = context!(self);
        self.channel = Channel::load(&ctx, Log::channel()).unwrap();
    }

    /// Seals a note.
    ///
    /// # Errors
    /// What the channel says.
    pub fn note(&mut self, text: &str) -> Result<Outgoing, SealError> {
        let entry = self.sign_note(text);
        let id = entry.header().client_id;
        self.make(|channel, ctx| channel.seal_entry(ctx, &entry, id))
    }

    /// Seals a commit.
    ///
    /// # Errors
    /// What the channel says.
    pub fn commit(&mut self, command: &Command) -> Result<Outgoing, SealError> {
        let id = self.client_id();
        self.make(|channel, ctx| channel.seal_commit(ctx, command, id))
    }

    /// Handles one item as an honest client does: verify, handle, advance. What was there already
    /// changes nothing.
    ///
    /// # Errors
    /// When the item is not the next one of the log, or nobody can judge it yet.
    pub fn receive(&mut self, item: &Item, head: &VerifiedHead) -> Result<(), ReceiveError> {
        let mut replica = self.channel().replica();
        let added = replica.append(std::slice::from_ref(item), head)?;
        if added.is_empty() {
            return Ok(());
        }
        self.store.savepoint().unwrap();
        let ctx = context!(self);
        let channel = self.channel.as_mut().expect("the member has joined");
        let handled = channel.handle_item(&ctx, item).and_then(|mut events| {
            events.extend(channel.advance(&ctx, &replica, head)?);
            Ok(events)
        });
        match handled {
            Ok(events) => {
                self.store.release().unwrap();
                self.book.chains.extend(added.iter().map(|added| (added.seq, added.chain)));
                self.events.extend(events.into_iter().map(|event| (item.seq, event)));
                Ok(())
            }
            Err(error) => {
                self.roll_back();
                Err(error.into())
            }
        }
    }

    /// Joins by what a relay delivers.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn join(&mut self, offer: &JoinOffer) -> Result<(), JoinRefused> {
        self.store.savepoint().unwrap();
        let ctx = context!(self);
        match Channel::join(&ctx, offer) {
            Ok(channel) => {
                self.store.release().unwrap();
                self.channel = Some(channel);
                Ok(())
            }
            Err(refused) => {
                self.roll_back();
                Err(refused)
            }
        }
    }
}

/// Why an item was not handled.
#[derive(Debug)]
pub enum ReceiveError {
    /// It is not the next one of the log.
    Replica(ReplicaError),
    /// The channel could not judge it.
    Channel(ChannelError),
}

impl From<ReplicaError> for ReceiveError {
    fn from(error: ReplicaError) -> Self {
        Self::Replica(error)
    }
}

impl From<ChannelError> for ReceiveError {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}

/// A channel, its members and its hub, which orders whatever it is given.
pub struct Group {
    /// Ana (owner) and Ben (member) of A, Cid (lead) and Dora (member) of B; then those who are
    /// not in yet.
    pub members: Vec<Member>,
    /// The log.
    pub items: Vec<Item>,
    /// The chain after each item.
    pub chains: Vec<ChainHash>,
    start: ChainHash,
}

/// What a copy of a group begins with.
struct Base {
    stores: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
    books: Vec<Book>,
    items: Vec<Item>,
    chains: Vec<ChainHash>,
}

impl Group {
    /// How many are in at the beginning.
    pub const MEMBERS: usize = 4;
    /// Officers and authorities in the order of `members`; the last two are not in.
    const OFFICERS: [(&str, bool); 6] = [
        ("ana", true),
        ("ben", true),
        ("cid", false),
        ("dora", false),
        ("eva", true),
        ("fay", false),
    ];

    /// A copy of the group of four, in which each has written a note.
    #[must_use]
    pub fn of_four() -> Self {
        static BASE: OnceLock<Base> = OnceLock::new();
        let base = BASE.get_or_init(|| Self::found().into_base());
        let mut group = Self::empty("goes on");
        group.items.clone_from(&base.items);
        group.chains.clone_from(&base.chains);
        for ((member, entries), book) in group.members.iter_mut().zip(&base.stores).zip(&base.books)
        {
            for (key, value) in entries {
                member.store.put(key, value).unwrap();
            }
            member.book = book.clone();
            member.ids = 1000;
            member.restart();
        }
        group
    }

    fn into_base(self) -> Base {
        Base {
            stores: self.members.iter().map(|member| member.store.entries()).collect(),
            books: self.members.into_iter().map(|member| member.book).collect(),
            items: self.items,
            chains: self.chains,
        }
    }

    fn empty(story: &str) -> Self {
        let network = network();
        let start = ChainStart {
            channel: Log::channel(),
            hub: network.a.domain.clone(),
            generation: Generation(0),
            predecessor: [0; 32],
        };
        let device = |(officer, of_a): (&str, bool)| match of_a {
            true => network.a.device(officer),
            false => network.b.device(officer),
        };
        Self {
            members: Self::OFFICERS.map(|officer| Member::new(device(officer), story)).into(),
            items: Vec::new(),
            chains: Vec::new(),
            start: start.hash(),
        }
    }

    /// Ana opens the channel; she and Cid admit the others.
    fn found() -> Self {
        let mut group = Self::empty("begins");
        group.open();
        group.admit(0, 1, Role::Member);
        group.admit(0, 2, Role::Lead);
        group.admit(2, 3, Role::Member);
        for author in 0..Self::MEMBERS {
            let note = group.members[author].note("hello").unwrap();
            group.accept(&note);
            group.deliver();
        }
        group
    }

    fn open(&mut self) {
        let network = network();
        let ana = &mut self.members[0];
        let policy = NewCase {
            channel: Log::channel(),
            owner: ana.device.name.officer().clone(),
            title: "Operation Lighthouse".into(),
            case_reference: Some("DP 123/2026".into()),
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
            hub: network.a.domain.clone(),
            bundle_hash: network.bundle.hash(),
        }
        .into_policy()
        .unwrap();
        let client_id = ana.client_id();
        let draft =
            ChannelDraft { id: Log::channel(), client_id, suite: Suite::PostQuantum, policy };
        let ctx = context!(ana);
        let (channel, first) = Channel::create(&ctx, draft).unwrap();
        ana.channel = Some(channel);
        self.accept(&first);
        self.deliver();
    }

    fn admit(&mut self, by: usize, who: usize, role: Role) {
        let admission = self.admission(who, role);
        let outgoing = self.members[by].commit(&Command::Admit(vec![admission])).unwrap();
        let seq = self.accept(&outgoing);
        self.deliver();
        let offer = self.offer(seq, &outgoing, by);
        self.members[who].join(&offer).unwrap();
    }

    /// What it takes to admit somebody.
    #[must_use]
    pub fn admission(&self, who: usize, role: Role) -> Admission {
        let member = &self.members[who];
        let officer = member.device.name.officer().clone();
        Admission { officer, role, key_package: member.key_package() }
    }

    /// Gives an item a place.
    ///
    /// # Panics
    /// When its pieces do not fit together.
    pub fn accept(&mut self, outgoing: &Outgoing) -> Seq {
        let request = &outgoing.request;
        let sealed = Sealed::from_request(request);
        self.accept_sealed(sealed.unwrap())
    }

    /// Gives an item a place, whatever it is.
    pub fn accept_sealed(&mut self, sealed: Sealed) -> Seq {
        let seq = Seq(self.items.len() as u64);
        let item = Item { seq, received_at: NOW.plus(Duration::from_millis(seq.0)), sealed };
        let chain = item.chain_after(self.chains.last().unwrap_or(&self.start));
        self.chains.push(chain);
        self.items.push(item);
        seq
    }

    /// The hub's signature at a position.
    #[must_use]
    pub fn head_at(&self, seq: Seq) -> VerifiedHead {
        let chain = self.chains[index(seq)];
        let head = Head { channel: Log::channel(), incarnation: Incarnation(0), seq, chain };
        head.sign(&network().a.head_key(), network().a.head_signer())
    }

    /// Hands the next item to a member; whether there was one.
    pub fn deliver_next(&mut self, to: usize) -> bool {
        let Some(channel) = self.members[to].channel.as_ref() else { return false };
        let next = channel.replica().next_seq();
        let Some(item) = self.items.get(index(next)).cloned() else { return false };
        let head = self.head_at(next);
        self.members[to].receive(&item, &head).expect("an item in its place can be judged");
        true
    }

    /// Hands everything to everybody.
    pub fn deliver(&mut self) {
        for to in 0..self.members.len() {
            while self.deliver_next(to) {}
        }
    }

    /// What a joiner gets when the commit at `seq` admits it.
    #[must_use]
    pub fn offer(&self, seq: Seq, outgoing: &Outgoing, by: usize) -> JoinOffer {
        let list: DeviceList = self.members[by].channel().devices();
        let welcomes = outgoing.request.welcomes.iter();
        let welcomes = welcomes
            .flat_map(|w| w.devices.iter().map(|d| (d.parse().unwrap(), w.message.clone())))
            .collect();
        JoinOffer {
            channel: Log::channel(),
            commit: self.items[index(seq)].clone(),
            chain: self.chains[index(seq)],
            head: self.head_at(seq),
            devices: list,
            welcomes,
            signer: self.members[by].device.chain.clone(),
            hub: network().a.domain.clone(),
            creating_hub: network().a.domain.clone(),
            hub_votes: Vec::new(),
            nonce: Log::NONCE,
            log_has_ended: false,
            previous_chain: seq
                .0
                .checked_sub(1)
                .map_or(self.start, |before| self.chains[index(Seq(before))]),
        }
    }
}

fn index(seq: Seq) -> usize {
    usize::try_from(seq.0).expect("a log in memory is short")
}

/// Cryptography that draws the same for the same name.
///
/// # Panics
/// When the library cannot start.
#[must_use]
pub fn backend(name: &str) -> Backend {
    Backend::with_entropy(Entropy::dangerous_seeded(sha256(name.as_bytes()))).unwrap()
}

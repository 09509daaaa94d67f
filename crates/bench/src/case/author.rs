//! Members in memory: who opens the channel, and those who write in it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use enlace_channel::channel::{
    Admission, Channel, ChannelDraft, Command, Context, Device, JoinOffer, LogBook,
};
use enlace_channel::entry::{HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_channel::mls::{Backend, Suite};
use enlace_channel::policy::{ChannelKind, NewCase};
use enlace_channel::state_store::MemoryStore;
use enlace_identity::bundle::Bundle;
use enlace_identity::entropy::Entropy;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{Domain, OfficerAddress};
use enlace_log::{ChainHash, ChannelId, ClientId, Generation, HeadSigner, QuotedHead, Seq};
use enlace_proto::relay::v1::SubmitRequest;
use enlace_test_authorities::{Network, START};

use super::{Hub, SUITE, admission, device};

/// A device that is in no channel yet.
pub(crate) struct Newcomer {
    device: Device,
    backend: Backend,
    store: MemoryStore,
    bundle: Arc<Bundle>,
    book: Book,
}

/// A member.
pub(crate) struct Author {
    desk: Newcomer,
    channel: Channel,
}

/// What an author has written: the entry, and the item that it is in.
pub(crate) struct Note {
    /// What was signed.
    pub(crate) entry: SignedEntry,
    /// The key that it was signed with.
    pub(crate) author: PublicKey,
    /// What the hub takes.
    pub(crate) request: SubmitRequest,
}

/// Authors know the hub's key and compare nothing.
struct Book(PublicKey);

impl LogBook for Book {
    fn head_key(&self, _: &Domain, _: HeadSigner) -> Option<PublicKey> {
        Some(self.0)
    }

    fn chain_at(&self, _: ChannelId, _: Seq) -> Option<ChainHash> {
        None
    }
}

impl Newcomer {
    /// A device of the network's first authority.
    pub(crate) fn new(network: &Network, officer: &str, hub: &Hub) -> Result<Self> {
        Ok(Self {
            device: device(&network.authorities[0], officer),
            backend: Backend::new()?,
            store: MemoryStore::new(),
            bundle: network.bundle().into(),
            book: Book(hub.head_key()),
        })
    }

    /// A key package of its.
    pub(crate) fn admission(&self) -> Result<Admission> {
        self.admission_to(SUITE)
    }

    /// The same for a channel of that suite.
    pub(crate) fn admission_to(&self, suite: Suite) -> Result<Admission> {
        admission(&self.device, &self.backend.on(&self.store), suite)
    }

    /// Opens the channel; returns its first item, too.
    pub(crate) fn open(self, hub: &Hub) -> Result<(Author, SubmitRequest)> {
        self.open_as(hub, ChannelKind::Case, SUITE)
    }

    /// Opens a forum of that suite.
    pub(crate) fn open_forum(self, hub: &Hub, suite: Suite) -> Result<(Author, SubmitRequest)> {
        self.open_as(hub, ChannelKind::Forum, suite)
    }

    fn open_as(
        self,
        hub: &Hub,
        kind: ChannelKind,
        suite: Suite,
    ) -> Result<(Author, SubmitRequest)> {
        let id = hub.channel();
        let policy = NewCase {
            channel: id,
            owner: self.device.name.officer().clone(),
            title: "Operation Lighthouse".to_owned(),
            case_reference: Some("FGE/2026/117".to_owned()),
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
            hub: hub.domain().clone(),
            bundle_hash: self.bundle.hash(),
        };
        let policy = policy.into_policy_of(kind)?;
        let draft = ChannelDraft { id, client_id: self.client_id(), suite, policy };
        let (channel, first) = Channel::create(&self.context(), draft)?;
        Ok((Author { desk: self, channel }, first.request))
    }

    /// Joins.
    pub(crate) fn join(self, offer: &JoinOffer) -> Result<Author> {
        let channel = Channel::join(&self.context(), offer)?;
        Ok(Author { desk: self, channel })
    }

    fn context(&self) -> Context<'_> {
        Context {
            store: &self.store,
            backend: &self.backend,
            device: &self.device,
            bundle: &self.bundle,
            log: &self.book,
            now: *START,
        }
    }

    fn client_id(&self) -> ClientId {
        ClientId(Entropy::system().bytes())
    }
}

impl Author {
    /// Signs and encrypts a note, in which the newest head that the author has stands.
    pub(crate) fn note(&mut self, text: &str, known_head: QuotedHead) -> Result<Note> {
        let client_id = self.desk.client_id();
        let draft = NoteDraft {
            channel: self.channel.id(),
            generation: Generation(0),
            author: &self.desk.device.name,
            client_id,
            local_time: *START,
            time_zone: TimeZone::utc(),
            handling: HandlingCode::H1,
            restriction: None,
            parent: None,
            known_head: Some(known_head),
            text,
        };
        let salts = || Salt::from_bytes(Entropy::system().bytes());
        let entry = draft.sign(&self.desk.device.key, salts)?;
        let sealed = self.channel.seal_entry(&self.desk.context(), &entry, client_id)?;
        Ok(Note { entry, author: self.desk.device.key.public(), request: sealed.request })
    }

    /// Admits officers.
    pub(crate) fn admit(&mut self, admissions: Vec<Admission>) -> Result<SubmitRequest> {
        self.commit(&Command::Admit(admissions))
    }

    /// Takes an officer out.
    pub(crate) fn remove(&mut self, officer: OfficerAddress) -> Result<SubmitRequest> {
        self.commit(&Command::Remove(officer))
    }

    /// Bytes that the device has in its store.
    pub(crate) fn stored(&self) -> usize {
        let entries = self.desk.store.entries();
        entries.iter().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Whose device it is.
    pub(crate) fn officer(&self) -> OfficerAddress {
        self.desk.device.name.officer().clone()
    }

    /// Renews this device's keys.
    pub(crate) fn renew(&mut self) -> Result<SubmitRequest> {
        self.commit(&Command::SelfUpdate)
    }

    fn commit(&mut self, command: &Command) -> Result<SubmitRequest> {
        let id = self.desk.client_id();
        let sealed = self.channel.seal_commit(&self.desk.context(), command, id);
        Ok(sealed.context("a commit cannot be made")?.request)
    }

    /// Takes in what the hub has ordered since the last time.
    pub(crate) fn take_in(&mut self, hub: &Hub) -> Result<()> {
        let mut replica = self.channel.replica();
        let (items, head) = hub.batch(replica.next_seq().0..hub.next().0)?;
        replica.append(items, &head)?;
        let ctx = self.desk.context();
        for item in items {
            self.channel.handle_item(&ctx, item)?;
        }
        self.channel.advance(&ctx, &replica, &head)?;
        Ok(())
    }
}

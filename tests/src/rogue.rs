//! A modified client: it has an officer's own certificate, key and store, and submits what no
//! honest program would. The officer's honest program may run beside it, on the same store.

use enlace_channel::channel::{Channel, Command, Context, LogBook, Outgoing, SealError};
use enlace_channel::entry::{HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_channel::mls::Backend;
use enlace_client::Profile;
use enlace_client::store::{SqlCipher, Store as _, Transaction};
use enlace_identity::bundle::Bundle;
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{DeviceName, Domain, LeafName};
use enlace_identity::time::Timestamp;
use enlace_log::{
    ChainHash, ChannelId, ClientId, DeviceList, Envelope, HeadSigner, OuterSignature, PayloadHash,
    QuotedHead, Seq,
};
use enlace_proto::relay::v1::{LeasePurpose, LeaseRequest, SubmitRequest};
use enlace_transport::{
    Clock as _, ConnectError, Connection, Dialled, LocalIdentity, Refusal, SystemClock, Target,
};

use crate::officer::{off_thread, passphrase};
use crate::{Network, Officer, Wire, call, wire_id};

/// A modified client.
pub struct Rogue {
    store: SqlCipher,
    device: enlace_channel::channel::Device,
    backend: Backend,
    bundle: Bundle,
    wire: Wire,
}

impl Rogue {
    /// The modified client of an officer.
    pub async fn of(network: &Network, officer: &Officer) -> Self {
        Self::with_backend(network, officer, Backend::new().unwrap()).await
    }

    /// One whose cryptography is modified too.
    pub async fn with_backend(network: &Network, officer: &Officer, backend: Backend) -> Self {
        let dir = officer.profile_dir();
        let (store, unlocked) = off_thread(move || {
            let profile = Profile::open(&dir).unwrap();
            let store = SqlCipher::open(&profile.store_path(), &passphrase()).unwrap();
            (store, profile.unlock(&passphrase()).unwrap())
        })
        .await;
        let authority =
            network.authorities.iter().find(|a| a.domain == *officer.device().domain()).unwrap();
        let trust = network.trust(authority);
        let device = unlocked.device;
        let identity = LocalIdentity::new(&trust, &device.chain, device.key.clone()).unwrap();
        let wire = Wire::new(identity, trust);
        Self { store, device, backend, bundle: unlocked.bundle, wire }
    }

    /// Dials a relay with the officer's own certificate.
    pub async fn connect(&self, target: &Target) -> Connection {
        self.wire.connect(target).await
    }

    /// Dials a relay that may refuse.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn dial(&self, target: &Target) -> Result<Dialled, ConnectError> {
        self.wire.dial(target).await
    }

    /// Full handshakes so far; others were resumed.
    #[must_use]
    pub fn full_handshakes(&self) -> u64 {
        self.wire.full_handshakes()
    }

    /// Does something with a channel, in one transaction of the officer's store.
    ///
    /// # Errors
    /// What `act` returns; nothing has changed then.
    pub fn act<T, E>(
        &mut self,
        channel: ChannelId,
        act: impl FnOnce(&mut Channel, &Context<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = self.store.begin().unwrap();
        let book = Book(&*tx);
        let ctx = Context {
            store: &*tx,
            backend: &self.backend,
            device: &self.device,
            bundle: &self.bundle,
            log: &book,
            now: now(),
        };
        let mut channel = Channel::load(&ctx, channel).unwrap().unwrap();
        let done = act(&mut channel, &ctx)?;
        tx.commit().unwrap();
        Ok(done)
    }

    /// A commit that nobody has judged; `claimed` is the list that the hub is told.
    ///
    /// # Errors
    /// When not even that can be built.
    pub fn build_commit(
        &mut self,
        channel: ChannelId,
        command: &Command,
        claimed: Option<DeviceList>,
    ) -> Result<Outgoing, SealError> {
        let id = ClientId(random());
        self.act(channel, |channel, ctx| channel.dangerous_seal_commit(ctx, command, claimed, id))
    }

    /// Builds a commit that nobody has judged, and makes the hub take it.
    pub async fn commit(
        &mut self,
        connection: &Connection,
        channel: ChannelId,
        command: &Command,
        claimed: Option<DeviceList>,
    ) -> Seq {
        self.lease(connection, channel).await.unwrap();
        let outgoing = self.build_commit(channel, command, claimed).unwrap();
        Self::submit(connection, &outgoing.request).await.unwrap()
    }

    /// The device's key.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.device.key
    }

    /// Signs an envelope that was meddled with as the officer's device would.
    #[must_use]
    pub fn sign(&self, envelope: &Envelope) -> OuterSignature {
        envelope.sign(&self.device.key)
    }

    /// The same request with another payload, signed anew.
    #[must_use]
    pub fn with_payload(&self, outgoing: &Outgoing, payload: &[u8]) -> SubmitRequest {
        let envelope = Envelope {
            payload_hash: PayloadHash::of(payload),
            client_id: ClientId(random()),
            ..outgoing.envelope.clone()
        };
        SubmitRequest {
            outer_signature: self.sign(&envelope).as_bytes().to_vec(),
            envelope: envelope.encode().into(),
            payload: payload.to_vec().into(),
            ..outgoing.request.clone()
        }
    }

    /// Signs a note.
    #[must_use]
    pub fn sign_note(&self, channel: &Channel, text: &str) -> SignedEntry {
        self.sign_note_quoting(channel, text, channel.known_head())
    }

    /// Signs a note that quotes whatever head its author likes.
    #[must_use]
    pub fn sign_note_quoting(
        &self,
        channel: &Channel,
        text: &str,
        known_head: Option<QuotedHead>,
    ) -> SignedEntry {
        NoteDraft {
            channel: channel.id(),
            generation: channel.policy().generation(),
            author: &self.device.name,
            client_id: ClientId(random()),
            local_time: now(),
            time_zone: TimeZone::utc(),
            handling: HandlingCode::H1,
            restriction: None,
            parent: None,
            known_head,
            text,
        }
        .sign(&self.device.key, || Salt::from_bytes(random()))
        .unwrap()
    }

    /// Signs and encrypts a note for the present state.
    pub fn build_note(&mut self, channel: ChannelId, text: &str) -> Outgoing {
        let entry = self.read(channel, |rogue, channel| rogue.sign_note(channel, text));
        let id = entry.header().client_id;
        self.act(channel, |channel, ctx| channel.seal_entry(ctx, &entry, id)).unwrap()
    }

    /// The public key to which secrets for a member's leaf are sealed.
    pub fn encryption_key(&mut self, channel: ChannelId, device: &DeviceName) -> Vec<u8> {
        let named = LeafName::Device(device.clone());
        self.read(channel, |_, channel| {
            let members = channel.view().unwrap().members;
            let found = members.iter().find(|m| m.chain.unverified_name().unwrap() == named);
            found.unwrap().encryption_key.to_vec()
        })
    }

    /// Asks for the lease of a channel.
    ///
    /// # Errors
    /// The hub's refusal.
    pub async fn lease(&self, connection: &Connection, channel: ChannelId) -> Result<(), Refusal> {
        let request = LeaseRequest {
            channel: Some(wire_id(channel)),
            purpose: LeasePurpose::Removal.into(),
            ..LeaseRequest::default()
        };
        call(connection, &request).await.map(|_| ())
    }

    /// Submits.
    ///
    /// # Errors
    /// The hub's refusal.
    pub async fn submit(connection: &Connection, request: &SubmitRequest) -> Result<Seq, Refusal> {
        call(connection, request).await.map(|accepted| Seq(accepted.seq))
    }

    /// Looks at a channel as it is in the officer's store.
    pub fn read<T>(&mut self, channel: ChannelId, read: impl FnOnce(&Self, &Channel) -> T) -> T {
        let loaded = {
            let tx = self.store.read().unwrap();
            let book = Book(&*tx);
            let ctx = Context {
                store: &*tx,
                backend: &self.backend,
                device: &self.device,
                bundle: &self.bundle,
                log: &book,
                now: now(),
            };
            Channel::load(&ctx, channel).unwrap().unwrap()
        };
        read(self, &loaded)
    }
}

/// The store as a channel asks it.
struct Book<'a>(&'a dyn Transaction);

impl LogBook for Book<'_> {
    fn head_key(&self, hub: &Domain, signer: HeadSigner) -> Option<PublicKey> {
        self.0.head_certificate(hub, signer).unwrap().map(|row| row.key)
    }

    fn chain_at(&self, channel: ChannelId, seq: Seq) -> Option<ChainHash> {
        self.0.item(channel, seq).unwrap().map(|row| row.chain)
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// Random bytes.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

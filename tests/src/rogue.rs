//! A modified client over loopback: [`enlace_test_rogue`] on an officer's profile, with a socket.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use enlace_channel::channel::{Channel, Command, Context, Outgoing, SealError};
use enlace_channel::mls::Backend;
use enlace_client::Profile;
use enlace_client::profile::Unlocked;
use enlace_client::store::SqlCipher;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, DeviceList, Seq};
use enlace_proto::relay::v1::{ErrorCode, LeasePurpose, LeaseRequest, SubmitRequest};
use enlace_test_rogue::{Parts, RogueError};
use enlace_transport::{
    ConnectError, Connection, Dialled, LocalIdentity, Refusal, SystemClock, Target, Trust,
};

use crate::officer::{off_thread, passphrase};
use crate::{Network, Officer, Wire, call, soon, wire_id};

/// A modified client.
pub struct Rogue {
    hand: enlace_test_rogue::Rogue,
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
        let store = off_thread(move || {
            let profile = Profile::open(&dir).unwrap();
            SqlCipher::open(&profile.store_path(), &passphrase()).unwrap()
        })
        .await;
        let unlocked = unlock(officer).await;
        let trust = trust_of(network, officer);
        let device = unlocked.device;
        let identity = LocalIdentity::new(&trust, &device.chain, device.key.clone()).unwrap();
        let hand = enlace_test_rogue::Rogue::new(Parts {
            store: Box::new(store),
            device,
            backend,
            bundle: unlocked.bundle,
            clock: Arc::new(SystemClock),
        });
        Self { hand, wire: Wire::new(identity, trust) }
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
        self.hand.act(channel, act).unwrap()
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
        match self.hand.build_commit(channel, command, claimed) {
            Err(RogueError::Seal(error)) => Err(error),
            built => Ok(built.unwrap()),
        }
    }

    /// An objection to a commit, with or without reason.
    pub fn build_contest(&mut self, channel: ChannelId, commit: Seq) -> Outgoing {
        self.hand.build_contest(channel, commit).unwrap()
    }

    /// Forgets a commit that has its place, as if it had none.
    pub fn forget_commit(&mut self, channel: ChannelId) {
        self.hand.forget_commit(channel).unwrap();
    }

    /// Builds a commit that nobody has judged, and makes the hub take it, once nobody else is about to change
    /// the channel.
    pub async fn commit(
        &mut self,
        connection: &Connection,
        channel: ChannelId,
        command: &Command,
        claimed: Option<DeviceList>,
    ) -> Seq {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        let leased = async {
            while let Err(refusal) = self.lease(connection, channel).await {
                assert_eq!(refusal.code, ErrorCode::LeaseHeld, "{refusal:?}");
                look.tick().await;
            }
        };
        soon("the lease", leased).await;
        let outgoing = self.build_commit(channel, command, claimed).unwrap();
        Self::submit(connection, &outgoing.request).await.unwrap()
    }

    /// Signs and encrypts a note for the present state.
    pub fn build_note(&mut self, channel: ChannelId, text: &str) -> Outgoing {
        self.hand.build_note(channel, text).unwrap()
    }

    /// Signs and encrypts an entry that passes a list on, whatever it is.
    pub fn build_list(&mut self, channel: ChannelId, list: &[u8]) -> Outgoing {
        self.hand.build_list(channel, list).unwrap()
    }

    /// The public key to which secrets for a member's leaf are sealed.
    pub fn encryption_key(&mut self, channel: ChannelId, device: &DeviceName) -> Vec<u8> {
        self.hand.encryption_key(channel, device).unwrap().unwrap()
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
    pub fn read<T>(
        &mut self,
        channel: ChannelId,
        read: impl FnOnce(&enlace_test_rogue::Rogue, &Channel) -> T,
    ) -> T {
        self.hand.read(channel, read).unwrap()
    }
}

impl Deref for Rogue {
    type Target = enlace_test_rogue::Rogue;

    fn deref(&self) -> &Self::Target {
        &self.hand
    }
}

/// What an officer's device shows of itself, in its own network.
pub async fn identity(network: &Network, officer: &Officer) -> LocalIdentity {
    let device = unlock(officer).await.device;
    LocalIdentity::new(&trust_of(network, officer), &device.chain, device.key).unwrap()
}

async fn unlock(officer: &Officer) -> Unlocked {
    let dir = officer.profile_dir();
    off_thread(move || Profile::open(&dir).unwrap().unlock(&passphrase()).unwrap()).await
}

fn trust_of(network: &Network, officer: &Officer) -> Trust {
    let domain = officer.device().domain();
    network.trust(network.authorities.iter().find(|a| a.domain == *domain).unwrap())
}

/// Random bytes.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

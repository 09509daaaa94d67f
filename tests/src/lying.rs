//! A relay with its authority's real keys that orders channels and serves its devices and other
//! authorities' relays, and tells each of them what it likes. It judges nobody: whoever asks is
//! served.

mod history;
mod serve;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enlace_identity::names::{DeviceName, Domain, ServiceKind};
use enlace_log::head::HeadSigner;
use enlace_log::{ChainHash, ChannelId, Head, Incarnation, Item, Seq};
use enlace_proto::relay::v1::subscription_event::Event;
use enlace_proto::relay::v1::{
    self as wire, ClaimKeyPackagesRequest, ClaimedKeyPackage, DeliverWelcomeRequest, SubmitRequest,
    WelcomeDelivery,
};
use enlace_transport::{Endpoint, HelloOffer, Target};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::history::History;
use crate::{Credential, Network, RelayPlace, call, soon};

/// What is told to a peer, by its name, instead of the truth; nothing at all for `None`.
pub type Lie = Box<dyn FnMut(&str, Event) -> Option<Event> + Send>;

/// What is handed out instead of what was published; `None` for the truth.
pub type FalseClaim =
    Box<dyn FnMut(&ClaimKeyPackagesRequest) -> Option<Vec<ClaimedKeyPackage>> + Send>;

/// A relay that lies when it is told to.
pub struct LyingRelay {
    world: Arc<World>,
    accepting: JoinHandle<()>,
}

struct World {
    endpoint: Endpoint,
    domain: Domain,
    head: Credential,
    /// Where other authorities' relays are.
    peers: BTreeMap<Domain, Target>,
    bundle: Vec<u8>,
    endpoint_records: Vec<Vec<u8>>,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// The histories of each channel, one for each side.
    channels: BTreeMap<ChannelId, Vec<History>>,
    /// Which history a peer is shown; the first if nothing else is said.
    sides: BTreeMap<String, usize>,
    pools: BTreeMap<DeviceName, Vec<(u32, Vec<u8>)>>,
    welcomes: Vec<(DeviceName, WelcomeDelivery)>,
    /// How many welcomes each peer says it has dealt with.
    dealt_with: BTreeMap<String, usize>,
    lie: Option<Lie>,
    false_claim: Option<FalseClaim>,
}

impl LyingRelay {
    /// Stands where an authority's relay should.
    #[must_use]
    pub fn start(network: &Network, place: &RelayPlace, peers: &[&RelayPlace]) -> Self {
        let authority = place.authority(network);
        let trust = network.trust(authority);
        let identity = authority.service("r1", ServiceKind::Relay).identity(&trust);
        let endpoint =
            Endpoint::bind((Ipv4Addr::LOCALHOST, place.port).into(), identity, trust).unwrap();
        let all = [&[place], peers].concat();
        let world = Arc::new(World {
            endpoint,
            domain: authority.domain.clone(),
            head: place.head.clone(),
            peers: peers
                .iter()
                .map(|peer| (peer.authority(network).domain.clone(), peer.target(network)))
                .collect(),
            bundle: network.signed.encode(),
            endpoint_records: all
                .iter()
                .map(|place| place.authority(network).endpoint_record(place.port))
                .collect(),
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(serve::accept(world.clone()));
        Self { world, accepting }
    }

    /// Lies to those who subscribe, and in welcomes, from now on.
    pub fn tell(&self, lie: impl FnMut(&str, Event) -> Option<Event> + Send + 'static) {
        self.world.state().lie = Some(Box::new(lie));
    }

    /// Hands out other key packages than those that were published.
    pub fn hand_out(
        &self,
        claim: impl FnMut(&ClaimKeyPackagesRequest) -> Option<Vec<ClaimedKeyPackage>> + Send + 'static,
    ) {
        self.world.state().false_claim = Some(Box::new(claim));
    }

    /// Tells the truth from now on.
    pub fn be_honest(&self) {
        let mut state = self.world.state();
        state.lie = None;
        state.false_claim = None;
    }

    /// Goes on with a second history, shown to these peers alone.
    pub fn fork(&self, channel: ChannelId, shown_to: &[&str]) {
        let mut state = self.world.state();
        let histories = state.channels.get_mut(&channel).unwrap();
        let second = histories[0].clone();
        histories.push(second);
        for peer in shown_to {
            state.sides.insert((*peer).to_owned(), 1);
        }
    }

    /// Shows a peer another history from now on.
    pub fn show(&self, peer: &str, side: usize) {
        self.world.state().sides.insert(peer.to_owned(), side);
        self.world.news();
    }

    /// Gives an item a place, whatever it is.
    #[must_use]
    pub fn append(&self, channel: ChannelId, side: usize, request: &SubmitRequest) -> Seq {
        let seq = self.world.state().channels.get_mut(&channel).unwrap()[side].append(request);
        self.world.news();
        seq
    }

    /// Puts the newest item of one history into another as well.
    #[must_use]
    pub fn pass(&self, channel: ChannelId, from: usize, to: usize) -> Seq {
        let item = self.log(channel, from).pop().unwrap().to_wire();
        let request = SubmitRequest {
            channel: Some(channel.to_wire()),
            envelope: item.envelope.map(|envelope| *envelope),
            outer_signature: item.outer_signature,
            payload: item.payload,
            list_change: item.list_change,
            ..SubmitRequest::default()
        };
        self.append(channel, to, &request)
    }

    /// Waits until a peer has dealt with so many welcomes, one way or the other.
    pub async fn has_dealt_with(&self, peer: &str, welcomes: usize) {
        let mut changed = self.world.changed.subscribe();
        let enough = async {
            while self.world.state().dealt_with.get(peer).is_none_or(|count| *count < welcomes) {
                changed.changed().await.unwrap();
            }
        };
        soon("the device deals with a welcome", enough).await;
    }

    /// A history as it stands.
    #[must_use]
    pub fn log(&self, channel: ChannelId, side: usize) -> Vec<Item> {
        self.world.state().channels[&channel][side].items().to_vec()
    }

    /// The chain at a position of a history.
    #[must_use]
    pub fn chain(&self, channel: ChannelId, side: usize, seq: Seq) -> ChainHash {
        self.world.state().channels[&channel][side].at(seq)
    }

    /// Somebody's key packages, as they were published.
    #[must_use]
    pub fn published(&self, device: &DeviceName, suite: u32) -> Vec<Vec<u8>> {
        let state = self.world.state();
        let pool = state.pools.get(device).into_iter().flatten();
        pool.filter(|(of, _)| *of == suite).map(|(_, package)| package.clone()).collect()
    }
}

impl Drop for LyingRelay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.world.endpoint.close(enlace_transport::CloseCode::Done);
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who subscribe.
    fn news(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    fn sign(&self, channel: ChannelId, seq: Seq, chain: ChainHash) -> wire::SignedHead {
        let signer = HeadSigner(*self.head.chain.leaf().fingerprint().as_bytes());
        let head = Head { channel, incarnation: Incarnation(0), seq, chain };
        head.sign(&self.head.key, signer).to_wire()
    }

    /// Hands a welcome to the relay of another authority, as a lie has it.
    async fn deliver(self: Arc<Self>, authority: Domain, welcome: WelcomeDelivery) {
        let Some(target) = self.peers.get(&authority) else { return };
        let offer = HelloOffer::default();
        let dialled = self.endpoint.connect(target, offer, Duration::from_secs(20));
        let connection = soon("the other relay answers", dialled).await.unwrap().connection;
        let told = self.state().told(&authority.to_string(), Event::Welcome(welcome));
        if let Some(Event::Welcome(welcome)) = told {
            // Whether it is refused shows at those who were to join.
            let _ = call(&connection, &DeliverWelcomeRequest { welcome: Some(welcome) }).await;
        }
    }
}

impl State {
    /// What a peer is told instead of the truth.
    fn told(&mut self, peer: &str, truth: Event) -> Option<Event> {
        match &mut self.lie {
            Some(lie) => lie(peer, truth),
            None => Some(truth),
        }
    }

    fn history(&mut self, channel: ChannelId, peer: &str) -> Option<&mut History> {
        let side = self.sides.get(peer).copied().unwrap_or_default();
        let histories = self.channels.get_mut(&channel)?;
        let side = side.min(histories.len() - 1);
        histories.get_mut(side)
    }
}

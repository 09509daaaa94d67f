//! A relay that says whatever a test wants: it serves subscriptions, hands over welcomes and shows
//! heads, with its authority's real keys.

use std::net::Ipv4Addr;
use std::time::Duration;

use enlace_identity::names::{DeviceName, ServiceKind};
use enlace_identity::time::Timestamp;
use enlace_log::head::HeadSigner;
use enlace_log::{
    ChainHash, ChainStart, ChannelNonce, Generation, Head, Incarnation, Item, Sealed, Seq,
};
use enlace_proto::method::Method;
use enlace_proto::relay::v1::{
    self as wire, DeliverWelcomeRequest, ExchangeHeadsRequest, ExchangeHeadsResponse,
    FetchHeadCertificateRequest, FetchHeadCertificateResponse, HeadCertificate, Items, KnownHead,
    PublishCrlsRequest, PublishCrlsResponse, PublishHubVotesRequest, PublishHubVotesResponse,
    SubmitRequest, SubscriptionEvent, WelcomeDelivery, subscription_control::Control,
    subscription_event::Event,
};
use enlace_transport::{
    Connection, Endpoint, HelloOffer, HelloReply, IncomingSubscription, Refusal, Target,
};
use tokio::sync::mpsc;

use super::channel::wire_id;
use super::device::call;
use super::{Credential, Network, RelayPlace, START, TestChannel, soon};

pub(crate) struct LyingHub {
    endpoint: Endpoint,
    head: Credential,
    start: ChainStart,
    nonce: ChannelNonce,
    pub(crate) log: Vec<(Item, ChainHash)>,
    subscriptions: mpsc::Receiver<IncomingSubscription>,
    shown: mpsc::Receiver<Vec<KnownHead>>,
}

impl LyingHub {
    /// Stands where an authority's relay should.
    pub(crate) fn start(network: &Network, place: &RelayPlace, channel: &TestChannel) -> Self {
        let authority = &network.authorities[place.index];
        let trust = network.trust(authority);
        let identity = authority.service("r1", ServiceKind::Relay).identity(&trust);
        let address = (Ipv4Addr::LOCALHOST, place.port).into();
        let endpoint = Endpoint::bind(address, identity, trust).unwrap();
        let head = authority.service("h1", ServiceKind::Head);
        let (report, subscriptions) = mpsc::channel(16);
        let (show, shown) = mpsc::channel(16);
        tokio::spawn(accept(endpoint.clone(), head.clone(), report, show));
        let start = ChainStart {
            channel: channel.id,
            hub: authority.domain.clone(),
            generation: Generation(0),
            predecessor: [0; 32],
        };
        let (nonce, log) = (channel.nonce, Vec::new());
        Self { endpoint, head, start, nonce, log, subscriptions, shown }
    }

    /// Gives a submitted item its place.
    pub(crate) fn append(&mut self, request: &SubmitRequest) -> Seq {
        let sealed = Sealed::from_request(request).unwrap();
        let seq = Seq(self.log.len() as u64);
        let before = self.chain_before(self.log.len());
        let received_at = Timestamp::from_millis(START.as_millis() + seq.0);
        let item = Item { seq, received_at, sealed };
        let chain = item.chain_after(&before);
        self.log.push((item, chain));
        seq
    }

    fn chain_before(&self, at: usize) -> ChainHash {
        at.checked_sub(1).map_or_else(|| self.start.hash(), |before| self.log[before].1)
    }

    /// What the hub signs of a position.
    pub(crate) fn head(&self, seq: Seq, chain: ChainHash) -> wire::SignedHead {
        self.head_by(&self.head, seq, chain)
    }

    /// What another key would sign.
    pub(crate) fn head_by(
        &self,
        credential: &Credential,
        seq: Seq,
        chain: ChainHash,
    ) -> wire::SignedHead {
        let channel = self.start.channel;
        self.sign(credential, Head { channel, incarnation: Incarnation(0), seq, chain })
    }

    /// What the hub would sign after it was restored.
    pub(crate) fn later_head(&self, seq: Seq, chain: ChainHash) -> wire::SignedHead {
        let channel = self.start.channel;
        self.sign(&self.head, Head { channel, incarnation: Incarnation(1), seq, chain })
    }

    fn sign(&self, credential: &Credential, head: Head) -> wire::SignedHead {
        let signer = HeadSigner(*credential.chain.leaf().fingerprint().as_bytes());
        head.sign(&credential.key, signer).to_wire()
    }

    /// The key that signs its heads.
    pub(crate) fn head_key(&self) -> &Credential {
        &self.head
    }

    /// An honest batch of the log.
    pub(crate) fn batch(&self, from: usize, to: usize) -> Items {
        let (last, chain) = &self.log[to];
        Items {
            channel: Some(wire_id(self.start.channel)),
            items: self.log[from..=to].iter().map(|(item, _)| item.to_wire()).collect(),
            head: Some(self.head(last.seq, *chain)),
        }
    }

    /// An honest welcome of the commit at a position, whose request is given.
    pub(crate) fn welcome(
        &self,
        at: usize,
        request: &SubmitRequest,
        list: &[&DeviceName],
    ) -> WelcomeDelivery {
        let (item, chain) = &self.log[at];
        let mut list: Vec<String> = list.iter().map(|name| name.to_string()).collect();
        list.sort();
        let mut commit = item.to_wire();
        commit.chain = chain.0.to_vec();
        WelcomeDelivery {
            channel: Some(wire_id(self.start.channel)),
            hub: self.start.hub.to_string(),
            commit: Some(commit),
            head: Some(self.head(item.seq, *chain)),
            head_certificates: self.head.chain.ders(),
            device_list: list,
            welcomes: request.welcomes.clone(),
            certificates: request.certificates.clone(),
            nonce: self.nonce.0.to_vec(),
            previous_chain: self.chain_before(at).0.to_vec(),
            creating_hub: String::new(),
            hub_votes: Vec::new(),
        }
    }

    pub(crate) async fn connect(&self, target: &Target) -> Connection {
        let dialled = self.endpoint.connect(target, HelloOffer::default(), Duration::from_secs(20));
        soon(dialled).await.unwrap().connection
    }

    pub(crate) async fn deliver(
        &self,
        connection: &Connection,
        welcome: WelcomeDelivery,
    ) -> Result<(), Refusal> {
        call(connection, &DeliverWelcomeRequest { welcome: Some(welcome) }).await.map(|_| ())
    }

    /// The heads that another relay shows next.
    pub(crate) async fn is_shown(&mut self) -> Vec<KnownHead> {
        soon(self.shown.recv()).await.expect("the hub runs")
    }

    /// The next subscription of the follower, with its cursors.
    pub(crate) async fn followed(&mut self) -> Following {
        let stream = soon(self.subscriptions.recv()).await.expect("the hub runs");
        let mut following = Following { stream };
        let certificates = self.head.chain.ders();
        following.send(Event::HeadCertificate(HeadCertificate { certificates })).await;
        following
    }
}

/// The follower's subscription, as seen from the hub.
pub(crate) struct Following {
    stream: IncomingSubscription,
}

impl Following {
    pub(crate) fn next_seq(&self) -> u64 {
        self.stream.request.cursors[0].next_seq
    }

    pub(crate) async fn send(&mut self, event: Event) {
        let event = SubscriptionEvent { event: Some(event) };
        soon(self.stream.events.send(&event)).await.unwrap();
    }

    /// What the follower answers; that it follows a channel which it follows already is passed
    /// over.
    pub(crate) async fn control(&mut self) -> Control {
        loop {
            let control = soon(self.stream.controls.next()).await.unwrap().unwrap();
            match control.control.unwrap() {
                Control::Follow(_) => {}
                control => return control,
            }
        }
    }

    /// Waits until the follower wants no more; what it acknowledged until then is passed over.
    pub(crate) async fn unfollows(&mut self) {
        loop {
            match self.control().await {
                Control::Unfollow(_) => return,
                Control::Acknowledge(_) => {}
                other => panic!("the hub is believed: {other:?}"),
            }
        }
    }
}

async fn accept(
    endpoint: Endpoint,
    head: Credential,
    report: mpsc::Sender<IncomingSubscription>,
    show: mpsc::Sender<Vec<KnownHead>>,
) {
    while let Some(incoming) = endpoint.accept().await {
        let (report, show, certificates) = (report.clone(), show.clone(), head.chain.ders());
        tokio::spawn(async move {
            let Ok(greeting) = incoming.greet().await else { return };
            let Ok(connection) = greeting.welcome(HelloReply::default()).await else { return };
            while let Ok(stream) = connection.accept().await {
                let Ok(request) = stream.read().await else { continue };
                match request.method() {
                    Method::Subscribe => {
                        let Ok(subscription) = request.into_subscription().await else { continue };
                        if report.send(subscription).await.is_err() {
                            return;
                        }
                    }
                    Method::PublishCrls => {
                        let Ok((_, reply)) = request.decode::<PublishCrlsRequest>().await else {
                            continue;
                        };
                        let _ = reply.send(Ok(PublishCrlsResponse {})).await;
                    }
                    // It does not step down.
                    Method::PublishHubVotes => {
                        let Ok((_, reply)) = request.decode::<PublishHubVotesRequest>().await
                        else {
                            continue;
                        };
                        let _ = reply.send(Ok(PublishHubVotesResponse {})).await;
                    }
                    Method::FetchHeadCertificate => {
                        let Ok((_, reply)) = request.decode::<FetchHeadCertificateRequest>().await
                        else {
                            continue;
                        };
                        let certificates = certificates.clone();
                        let _ = reply.send(Ok(FetchHeadCertificateResponse { certificates })).await;
                    }
                    Method::ExchangeHeads => {
                        let Ok((request, reply)) = request.decode::<ExchangeHeadsRequest>().await
                        else {
                            continue;
                        };
                        let _ = reply.send(Ok(ExchangeHeadsResponse::default())).await;
                        // Few tests listen.
                        let _ = show.try_send(request.known_heads);
                    }
                    _ => {}
                }
            }
        });
    }
}

//! An officer's device: it connects, calls and reads.

use std::net::Ipv4Addr;
use std::time::Duration;

use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Seq};
use enlace_proto::method::Call;
use enlace_proto::relay::v1::{
    AcknowledgeWelcome, Cursor, Items, SubscribeRequest, SubscriptionControl, SubscriptionEvent,
    WelcomeDelivery, subscription_control::Control, subscription_event::Event,
};
use enlace_transport::{
    CallError, ConnectError, Connection, Dialled, Endpoint, HelloOffer, Refusal, StreamError,
    Subscription, Target,
};

use super::channel::wire_id;
use super::{Credential, Network, soon};

pub(crate) struct Device {
    pub(crate) name: DeviceName,
    pub(crate) credential: Credential,
    endpoint: Endpoint,
    counter: u64,
}

/// A subscription, read event by event.
pub(crate) struct Reading {
    subscription: Subscription,
}

impl Device {
    pub(crate) fn new(network: &Network, authority: usize, officer: &str) -> Self {
        Self::labelled(network, authority, officer, "laptop")
    }

    /// One of an officer's devices, by its own name.
    pub(crate) fn labelled(
        network: &Network,
        authority: usize,
        officer: &str,
        label: &str,
    ) -> Self {
        let authority = &network.authorities[authority];
        let (name, credential) = authority.device(officer, label);
        let trust = network.trust(authority);
        let identity = credential.identity(&trust);
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let endpoint = Endpoint::bind(address, identity, trust).unwrap();
        Self { name, credential, endpoint, counter: 0 }
    }

    /// The next submit counter.
    pub(crate) fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(crate) async fn dial(&self, target: &Target) -> Result<Dialled, ConnectError> {
        let offer = HelloOffer { software: "test".to_owned(), ..HelloOffer::default() };
        soon(self.endpoint.connect(target, offer, Duration::from_secs(20))).await
    }

    pub(crate) async fn connect(&self, target: &Target) -> Connection {
        self.dial(target).await.unwrap().connection
    }
}

/// Makes a call that must be answered, yes or no.
pub(crate) async fn call<C: Call>(
    connection: &Connection,
    request: &C,
) -> Result<C::Response, Refusal> {
    match connection.call(request, Duration::from_secs(50)).await {
        Ok(response) => Ok(response),
        Err(CallError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("the call was not answered: {error}"),
    }
}

impl Reading {
    /// Subscribes to channels from a position on.
    pub(crate) async fn open(connection: &Connection, channels: &[(ChannelId, u64)]) -> Self {
        let cursors = channels.iter().map(|(channel, next)| cursor(*channel, *next)).collect();
        let request = SubscribeRequest { cursors, devices: Vec::new() };
        let subscription = connection.subscribe(&request, Duration::from_secs(50)).await.unwrap();
        Self { subscription }
    }

    pub(crate) async fn try_event(&mut self) -> Result<Option<Event>, StreamError> {
        let event = soon(self.subscription.events.next()).await?;
        Ok(event.map(|SubscriptionEvent { event }| event.expect("an event of this version")))
    }

    pub(crate) async fn event(&mut self) -> Event {
        self.try_event().await.unwrap().expect("another event")
    }

    /// The next batch; certificates, revocation lists and welcomes are passed over.
    pub(crate) async fn items(&mut self) -> Items {
        loop {
            match self.event().await {
                Event::Items(items) => return items,
                Event::HeadCertificate(_)
                | Event::Crls(_)
                | Event::Bundle(_)
                | Event::HubVotes(_)
                | Event::Welcome(_) => {}
                other @ (Event::Ended(_) | Event::Behind(_)) => {
                    panic!("items were expected, not {other:?}")
                }
            }
        }
    }

    /// Positions until one is reached.
    pub(crate) async fn positions_to(&mut self, last: u64) -> Vec<u64> {
        let mut positions = Vec::new();
        while positions.last().is_none_or(|position| *position < last) {
            positions.extend(self.items().await.items.iter().map(|item| item.seq));
        }
        positions
    }

    /// The next welcome; everything else is passed over.
    pub(crate) async fn welcome(&mut self) -> WelcomeDelivery {
        loop {
            if let Event::Welcome(welcome) = self.event().await {
                return welcome;
            }
        }
    }

    pub(crate) async fn follow(&mut self, channel: ChannelId, next: u64) {
        self.control(Control::Follow(cursor(channel, next))).await;
    }

    /// As [`Self::follow`], of a copy that ends in that incarnation of the hub.
    pub(crate) async fn follow_in(&mut self, channel: ChannelId, next: u64, incarnation: u64) {
        let cursor = Cursor { incarnation, ..cursor(channel, next) };
        self.control(Control::Follow(cursor)).await;
    }

    pub(crate) async fn take_welcome(&mut self, channel: ChannelId, seq: Seq) {
        let taken = AcknowledgeWelcome { channel: Some(wire_id(channel)), seq: seq.0 };
        self.control(Control::Welcome(taken)).await;
    }

    async fn control(&mut self, control: Control) {
        let control = SubscriptionControl { control: Some(control) };
        soon(self.subscription.controls.send(&control)).await.unwrap();
    }
}

fn cursor(channel: ChannelId, next: u64) -> Cursor {
    Cursor { channel: Some(wire_id(channel)), next_seq: next, ..Cursor::default() }
}

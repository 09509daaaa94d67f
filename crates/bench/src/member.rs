//! A member's device: it connects, submits and reads as the SDK does, without MLS.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::DeviceName;
use enlace_proto::method::Call;
use enlace_proto::relay::v1::{
    Acknowledge, AcknowledgeWelcome, Cursor, Item, SubmitRequest, SubmitResponse, SubscribeRequest,
    SubscriptionControl, SubscriptionEvent, subscription_control::Control,
    subscription_event::Event,
};
use enlace_test_authorities::{Authority, Credential, Network};
use enlace_transport::{Connection, Endpoint, HelloOffer, Subscription, Target};
use futures_util::{StreamExt as _, stream};

/// Only what has gone wrong takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A device that is connected to a relay.
pub(crate) struct Member {
    name: DeviceName,
    credential: Credential,
    connection: Connection,
    counter: u64,
}

/// Submits for a device.
#[derive(Clone, Debug)]
pub(crate) struct Submitter {
    connection: Connection,
}

/// A subscription that is read item by item.
#[derive(Debug)]
pub(crate) struct Reader {
    subscription: Subscription,
}

impl Member {
    /// A new device of an authority, with a socket of its own, connected.
    pub(crate) async fn connect(
        network: &Network,
        authority: &Authority,
        officer: &str,
        target: &Target,
    ) -> Result<Self> {
        let (name, credential) = authority.device(officer);
        let trust = network.trust(authority);
        let identity = credential.identity(&trust);
        let endpoint = Endpoint::bind((Ipv4Addr::LOCALHOST, 0).into(), identity, trust)?;
        let connection = dial(&endpoint, target).await?;
        Ok(Self { name, credential, connection, counter: 0 })
    }

    /// Several, named by their numbers.
    pub(crate) async fn connect_many(
        network: &Network,
        authority: &Authority,
        count: usize,
        target: &Target,
    ) -> Result<Vec<Self>> {
        let mut members = Vec::with_capacity(count);
        for number in 0..count {
            let officer = format!("o{number}");
            members.push(Self::connect(network, authority, &officer, target).await?);
        }
        Ok(members)
    }

    /// The device's name.
    pub(crate) fn name(&self) -> &DeviceName {
        &self.name
    }

    /// The device's key.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.credential.key
    }

    /// The device's certificate and its issuing CA's.
    pub(crate) fn certificates(&self) -> Vec<Vec<u8>> {
        self.credential.chain.ders()
    }

    /// The next submit counter.
    pub(crate) fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Makes a call that must succeed.
    pub(crate) async fn call<C: Call>(&self, request: &C) -> Result<C::Response> {
        Ok(self.connection.call(request, PATIENCE).await?)
    }

    /// What submits for this device from a task of its own.
    pub(crate) fn submitter(&self) -> Submitter {
        Submitter { connection: self.connection.clone() }
    }

    /// Subscribes from those places on.
    pub(crate) async fn subscribe(&self, cursors: Vec<Cursor>) -> Result<Reader> {
        let request = SubscribeRequest { cursors, devices: Vec::new() };
        let subscription = self.connection.subscribe(&request, PATIENCE).await?;
        Ok(Reader { subscription })
    }
}

impl Submitter {
    /// Submits items in order with at most `window` of them unanswered; returns when the last was
    /// accepted.
    pub(crate) async fn submit_all(
        &self,
        requests: Vec<SubmitRequest>,
        window: usize,
    ) -> Result<Instant> {
        let calls = requests.into_iter().map(|request| self.submit(request));
        let mut answers = stream::iter(calls).buffer_unordered(window);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        Ok(Instant::now())
    }

    /// Submits one item.
    pub(crate) async fn submit(&self, request: SubmitRequest) -> Result<SubmitResponse> {
        let answer = self.connection.call(&request, PATIENCE).await;
        answer.context("an item was not accepted")
    }
}

async fn dial(endpoint: &Endpoint, target: &Target) -> Result<Connection> {
    let offer = HelloOffer { software: "enlace-bench".to_owned(), ..HelloOffer::default() };
    let dialled = endpoint.connect(target, offer, PATIENCE).await.context("no connection")?;
    Ok(dialled.connection)
}

impl Reader {
    /// Reads until `count` items have come, and shows each with the time of its arrival. What is
    /// read is acknowledged, as the SDK does.
    pub(crate) async fn read(
        &mut self,
        mut count: u64,
        mut show: impl FnMut(&Item, Instant),
    ) -> Result<Instant> {
        loop {
            if count == 0 {
                return Ok(Instant::now());
            }
            let event = tokio::time::timeout(PATIENCE, self.subscription.events.next()).await;
            let event = event.context("nothing comes any more")??;
            let Some(SubscriptionEvent { event: Some(event) }) = event else {
                bail!("the subscription ended");
            };
            match event {
                Event::Items(items) => {
                    let now = Instant::now();
                    items.items.iter().for_each(|item| show(item, now));
                    count = count.saturating_sub(items.items.len() as u64);
                    let seq = items.items.last().map_or(0, |item| item.seq);
                    let acknowledge = Acknowledge { channel: items.channel, seq };
                    self.send(Control::Acknowledge(acknowledge)).await?;
                }
                Event::Welcome(welcome) => {
                    let seq = welcome.commit.map_or(0, |commit| commit.seq);
                    let taken = AcknowledgeWelcome { channel: welcome.channel, seq };
                    self.send(Control::Welcome(taken)).await?;
                }
                Event::Ended(_) => bail!("a channel ended"),
                Event::HeadCertificate(_) | Event::Crls(_) => {}
            }
        }
    }

    async fn send(&mut self, control: Control) -> Result<()> {
        let control = SubscriptionControl { control: Some(control) };
        Ok(self.subscription.controls.send(&control).await?)
    }
}

//! A member's device: it connects, submits and reads as the SDK does, without MLS.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::DeviceName;
use enlace_proto::method::Call;
use enlace_proto::relay::v1::{
    Acknowledge, AcknowledgeWelcome, Cursor, Item, SubmitAnswers, SubmitRequest, SubscribeRequest,
    SubscriptionControl, SubscriptionEvent, subscription_control::Control,
    subscription_event::Event,
};
use enlace_test_authorities::{Authority, Credential, Network};
use enlace_transport::{
    CloseCode, Connection, EncodedFrame, Endpoint, FrameReceiver, FrameSender, HelloOffer,
    SubmitStream, Subscription, Target, answers_by_index,
};

/// Only what has gone wrong takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Cursors that are sent with the request; more follow it.
const CURSORS: usize = 500;

/// A device that is connected to a relay.
pub(crate) struct Member {
    name: DeviceName,
    credential: Credential,
    endpoint: Endpoint,
    connection: Connection,
    counter: u64,
}

/// A submit stream.
#[derive(Debug)]
pub(crate) struct Submitter {
    /// To the relay.
    pub(crate) submissions: Submissions,
    /// From the relay.
    pub(crate) answers: Answers,
}

/// The direction of a submit stream that leads to the relay.
#[derive(Debug)]
pub(crate) struct Submissions(FrameSender<SubmitRequest>);

/// The direction of a submit stream that comes from the relay.
#[derive(Debug)]
pub(crate) struct Answers(FrameReceiver<SubmitAnswers>);

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
        Ok(Self { name, credential, endpoint, connection, counter: 0 })
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

    /// Disconnects, and waits until that is done.
    pub(crate) async fn leave(&self) {
        self.connection.close(CloseCode::Done);
        self.connection.closed().await;
    }

    /// Another connection of this device, beside the one it has.
    pub(crate) async fn connect_again(&self, target: &Target) -> Result<Connection> {
        dial(&self.endpoint, target).await
    }

    /// Connects anew, from the same socket.
    pub(crate) async fn reconnect(&mut self, target: &Target) -> Result<()> {
        self.connection = dial(&self.endpoint, target).await?;
        Ok(())
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

    /// Opens a submit stream.
    pub(crate) async fn submitter(&self) -> Result<Submitter> {
        let SubmitStream { submissions, answers } = self.connection.submit_stream(PATIENCE).await?;
        Ok(Submitter { submissions: Submissions(submissions), answers: Answers(answers) })
    }

    /// Subscribes from those places on.
    pub(crate) async fn subscribe(&self, cursors: Vec<Cursor>) -> Result<Reader> {
        let mut cursors = cursors.into_iter();
        let first = cursors.by_ref().take(CURSORS).collect();
        let request = SubscribeRequest { cursors: first, devices: Vec::new() };
        let subscription = self.connection.subscribe(&request, PATIENCE).await?;
        let mut reader = Reader { subscription };
        for cursor in cursors {
            reader.follow(cursor).await?;
        }
        Ok(reader)
    }
}

impl Submitter {
    /// Submits items in order with at most `window` of them unanswered; returns when the last was
    /// accepted.
    pub(crate) async fn submit_all(
        &mut self,
        requests: Vec<SubmitRequest>,
        window: usize,
    ) -> Result<Instant> {
        let mut requests = requests.into_iter();
        let mut unanswered = 0;
        loop {
            let more: Vec<SubmitRequest> = requests.by_ref().take(window - unanswered).collect();
            unanswered += more.len();
            if unanswered == 0 {
                return Ok(Instant::now());
            }
            self.submissions.send(&more).await?;
            unanswered -= self.answers.next().await?;
        }
    }
}

impl Submissions {
    /// Sends items together.
    pub(crate) async fn send(&mut self, requests: &[SubmitRequest]) -> Result<()> {
        let frames = requests.iter().map(EncodedFrame::new).collect::<Result<Vec<_>, _>>()?;
        Ok(self.0.send_encoded(&frames).await?)
    }
}

impl Answers {
    /// Waits until items were accepted; returns how many.
    pub(crate) async fn next(&mut self) -> Result<usize> {
        let answers = tokio::time::timeout(PATIENCE, self.0.next()).await;
        let answers = answers.context("no answer comes any more")??;
        let answers = answers_by_index(answers.context("the submit stream ended")?);
        for (_, answer) in &answers {
            answer.as_ref().map_err(Clone::clone).context("an item was not accepted")?;
        }
        Ok(answers.len())
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
        while count > 0 {
            let Event::Items(items) = self.next().await? else { continue };
            let now = Instant::now();
            items.items.iter().for_each(|item| show(item, now));
            count = count.saturating_sub(items.items.len() as u64);
            let seq = items.items.last().map_or(0, |item| item.seq);
            self.send(Control::Acknowledge(Acknowledge { channel: items.channel, seq })).await?;
        }
        Ok(Instant::now())
    }

    /// Reads a channel too, from that place on.
    pub(crate) async fn follow(&mut self, cursor: Cursor) -> Result<()> {
        self.send(Control::Follow(cursor)).await
    }

    /// Reads until `count` welcomes have come, and takes them.
    pub(crate) async fn take_welcomes(&mut self, count: usize) -> Result<()> {
        let mut taken = 0;
        while taken < count {
            taken += usize::from(matches!(self.next().await?, Event::Welcome(_)));
        }
        Ok(())
    }

    /// The next event. Welcomes are taken.
    async fn next(&mut self) -> Result<Event> {
        let event = tokio::time::timeout(PATIENCE, self.subscription.events.next()).await;
        let event = event.context("nothing comes any more")??;
        let Some(SubscriptionEvent { event: Some(event) }) = event else {
            bail!("the subscription ended");
        };
        match &event {
            Event::Welcome(welcome) => {
                let seq = welcome.commit.as_ref().map_or(0, |commit| commit.seq);
                let channel = welcome.channel.clone();
                self.send(Control::Welcome(AcknowledgeWelcome { channel, seq })).await?;
            }
            Event::Ended(_) => bail!("a channel ended"),
            _ => {}
        }
        Ok(event)
    }

    async fn send(&mut self, control: Control) -> Result<()> {
        let control = SubscriptionControl { control: Some(control) };
        Ok(self.subscription.controls.send(&control).await?)
    }
}

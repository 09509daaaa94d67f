//! `Subscribe`: the long-lived stream on which a device, or another authority's relay, receives
//! the items of its channels, its welcomes, and newer revocation lists.
//!
//! A subscription sends one thing at a time and waits while the subscriber is slow; meanwhile
//! nothing piles up ([`channels`], [`welcomes`]). What the subscriber says is read beside that
//! ([`controls`]).

mod channels;
mod controls;
mod votes;
mod welcomes;

use std::collections::HashSet;
use std::sync::Arc;

use enlace_log::head::HeadSigner;
use enlace_log::ids::MAX_SEQ;
use enlace_log::{ChannelId, Incarnation, Seq};
use enlace_proto::relay::v1::{
    self as wire, Behind, ChannelEnded, Crls, Cursor, ErrorCode, HeadCertificate,
    SubscriptionEvent, subscription_control::Control, subscription_event::Event,
};
use enlace_transport::{
    FrameSender, IncomingSubscription, Refusal, RequestError, SendError, watch,
};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use self::channels::{Channels, Step, TooMany};
use self::votes::Votes;
use self::welcomes::Welcomes;
use crate::calls::{Caller, Peer, channel_id, limit, malformed, unreadable};
use crate::federation::unsent_crls;
use crate::hub::{EncodedBatch, Holder, ReadError};

/// Why a subscription ends from this side.
#[derive(Debug, thiserror::Error)]
enum End {
    /// The subscriber is told why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The subscriber no longer reads, or an event can't be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What one subscriber has been told.
struct Session<'c> {
    caller: &'c Caller,
    events: FrameSender<SubscriptionEvent>,
    channels: Channels,
    welcomes: Option<Welcomes>,
    votes: Option<Votes>,
    signers_told: HashSet<HeadSigner>,
    crls_told: HashSet<[u8; 32]>,
    /// The newest version of the bundle that was sent.
    bundle_told: u64,
}

/// Serves a subscription until either side ends it.
pub(crate) async fn serve(
    caller: &Caller,
    subscription: IncomingSubscription,
) -> Result<(), RequestError> {
    let IncomingSubscription { request, events, controls } = subscription;
    let context = caller.context();
    let most = match caller.peer() {
        Peer::Device(_) => context.limits().channels_per_subscription,
        Peer::Relay(_) => context.limits().channels_per_relay(),
    };
    let own_device = match caller.peer() {
        Peer::Device(device) if caller.is_own() => Some(device),
        _ => None,
    };
    let welcomes = own_device.map(|own| Welcomes::new(context.hub().clone(), own.clone()));
    let votes = own_device.map(|own| Votes::new(context.hub().clone(), own.clone()));
    let mut session = Session {
        caller,
        events,
        channels: Channels::new(context.clone(), caller.reader(), most),
        welcomes,
        votes,
        signers_told: HashSet::new(),
        crls_told: HashSet::new(),
        bundle_told: context.trust().bundle().version(),
    };
    let ended = match admit(caller, &request) {
        Ok(()) => controls::beside(controls, |said| session.run(request.cursors, said)).await,
        Err(refusal) => Err(refusal.into()),
    };
    match ended {
        Ok(()) => debug!(peer = %caller.name(), "a subscription ended"),
        Err(End::Send(error)) => debug!(peer = %caller.name(), %error, "a subscription broke off"),
        Err(End::Refused(refusal)) => {
            debug!(peer = %caller.name(), %refusal, "a subscription was ended");
            // Whether the subscriber hears of it changes nothing here.
            let _ = session.events.refuse(refusal).await;
        }
    }
    Ok(())
}

fn admit(caller: &Caller, request: &wire::SubscribeRequest) -> Result<(), Refusal> {
    use prost::Message as _;

    caller.unless_stopping()?;
    caller.admit(request.encoded_len())
}

impl Session<'_> {
    async fn run(
        &mut self,
        cursors: Vec<Cursor>,
        mut controls: mpsc::Receiver<Control>,
    ) -> Result<(), End> {
        Self::hear(self.caller, &cursors).await?;
        for cursor in &cursors {
            self.follow(cursor)?;
        }
        let context = self.caller.context();
        // Both wait as long as the subscription: with each event they would stand in line anew.
        let stopping = stopped(context.stopping());
        tokio::pin!(stopping);
        let trust = change_of(context.trust().changes());
        tokio::pin!(trust);
        let moves = change_of(context.hub().moves().watch());
        tokio::pin!(moves);
        if self.welcomes.is_some() {
            self.send_crls().await?;
            self.send_welcomes().await?;
            self.send_votes().await?;
        }
        loop {
            tokio::select! {
                biased;
                () = &mut stopping => {
                    let message = "the relay is being stopped";
                    return Err(Refusal::new(ErrorCode::Stopping, message).into());
                }
                control = controls.recv() => match control {
                    Some(control) => self.obey(control).await?,
                    None => return Ok(()),
                },
                changes = &mut trust => {
                    trust.set(change_of(changes));
                    self.send_bundle().await?;
                    self.send_crls().await?;
                }
                changes = &mut moves => {
                    moves.set(change_of(changes));
                    self.send_votes().await?;
                }
                () = changed(&mut self.welcomes) => self.send_welcomes().await?,
                step = self.channels.next() => {
                    match step.map_err(|error| unreadable(&error))? {
                        Step::Batches(batches) => self.send_batches(&batches).await?,
                        Step::Ended { channel, last } => self.send_end(channel, last).await?,
                        Step::Departs { channel, next } => self.send_behind(channel, next).await?,
                    }
                }
            }
        }
    }

    async fn obey(&mut self, control: Control) -> Result<(), End> {
        match control {
            Control::Follow(cursor) => {
                Self::hear(self.caller, std::slice::from_ref(&cursor)).await?;
                self.follow(&cursor)?;
                self.send_votes().await?;
            }
            Control::Unfollow(id) => self.channels.unfollow(channel_id(Some(&id))?),
            Control::Welcome(taken) => {
                if let Some(welcomes) = &mut self.welcomes {
                    welcomes.taken(&taken).await.map_err(|error| unreadable(&error))?;
                }
            }
            Control::Acknowledge(_) => {}
        }
        Ok(())
    }

    /// Whoever may hold more than a hub that was restored says here where its copies end.
    async fn hear(caller: &Caller, cursors: &[Cursor]) -> Result<(), Refusal> {
        let holder = match caller.peer() {
            Peer::Device(device) if caller.is_own() => Holder::Device(device.clone()),
            Peer::Device(_) => return Ok(()),
            Peer::Relay(relay) => Holder::Relay(relay.domain().clone()),
        };
        let end = |cursor: &Cursor| {
            let channel = channel_id(cursor.channel.as_ref()).ok()?;
            Some((channel, Seq(cursor.next_seq)))
        };
        let ends = cursors.iter().filter_map(end).collect();
        let heard = caller.context().hub().hear(holder, ends).await;
        heard.map_err(|_| unreadable(&ReadError::Stopped))
    }

    fn follow(&mut self, cursor: &Cursor) -> Result<(), Refusal> {
        let channel = channel_id(cursor.channel.as_ref())?;
        if cursor.next_seq > MAX_SEQ {
            return Err(malformed("no log reaches that position"));
        }
        let own = self.caller.context().domain();
        let hub = cursor.hub.parse().ok().filter(|hub| self.caller.is_own() && hub != own);
        self.channels
            .follow(channel, hub, Seq(cursor.next_seq), Incarnation(cursor.incarnation))
            .map_err(|error: TooMany| limit(error.to_string()))
    }

    async fn send_batches(&mut self, batches: &[Arc<EncodedBatch>]) -> Result<(), End> {
        for batch in batches {
            self.tell_signer(batch.signer).await?;
        }
        let frames: Vec<_> = batches.iter().map(|batch| batch.frame.clone()).collect();
        Ok(self.events.send_encoded(&frames).await?)
    }

    async fn send_end(&mut self, channel: ChannelId, last: Option<Seq>) -> Result<(), End> {
        let last_seq = enlace_log::ids::seq_to_u64(last);
        let channel = Some(channel.to_wire());
        self.send(Event::Ended(ChannelEnded { channel, last_seq })).await
    }

    async fn send_behind(&mut self, channel: ChannelId, next: Seq) -> Result<(), End> {
        let channel = Some(channel.to_wire());
        self.send(Event::Behind(Behind { channel, next_seq: next.0 })).await
    }

    async fn send_welcomes(&mut self) -> Result<(), End> {
        let Some(welcomes) = &mut self.welcomes else { return Ok(()) };
        let due = welcomes.due().await.map_err(|error| unreadable(&error))?;
        for welcome in due {
            match self.send(Event::Welcome(welcome)).await {
                Err(End::Send(SendError::TooLong(error))) => {
                    warn!(peer = %self.caller.name(), %error, "a welcome cannot be delivered");
                }
                sent => sent?,
            }
        }
        Ok(())
    }

    async fn send_votes(&mut self) -> Result<(), End> {
        let Some(votes) = &mut self.votes else { return Ok(()) };
        let mut channels = self.caller.context().hub().moves().known();
        channels.retain(|channel| self.channels.follows(channel));
        let due = votes.due(channels).await;
        for votes in due.map_err(|error| unreadable(&error))? {
            self.send(Event::HubVotes(votes)).await?;
        }
        Ok(())
    }

    /// A device that was behind when it connected has asked for what it lacked.
    async fn send_bundle(&mut self) -> Result<(), End> {
        let bundle = self.caller.context().trust().bundle();
        if matches!(self.caller.peer(), Peer::Device(_)) && bundle.version() > self.bundle_told {
            self.bundle_told = bundle.version();
            self.send(Event::Bundle(bundle.signed().to_vec())).await?;
        }
        Ok(())
    }

    /// Relays hear of revocation lists over the links.
    async fn send_crls(&mut self) -> Result<(), End> {
        if matches!(self.caller.peer(), Peer::Relay(_)) {
            return Ok(());
        }
        for crls in unsent_crls(self.caller.context(), &mut self.crls_told) {
            self.send(Event::Crls(Crls { crls })).await?;
        }
        Ok(())
    }

    /// The certificate of a head's key goes before the first head that it signed.
    async fn tell_signer(&mut self, signer: HeadSigner) -> Result<(), End> {
        if !self.signers_told.insert(signer) {
            return Ok(());
        }
        let found = self.caller.context().head_certificates().certificates(signer).await;
        match found.map_err(|error: ReadError| unreadable(&error))? {
            Some(certificates) => {
                self.send(Event::HeadCertificate(HeadCertificate { certificates })).await
            }
            None => {
                warn!(%signer, "the certificate of a head's key is not in the store");
                Ok(())
            }
        }
    }

    async fn send(&mut self, event: Event) -> Result<(), End> {
        Ok(self.events.send(&SubscriptionEvent { event: Some(event) }).await?)
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // If the sender is gone, so is the relay.
    let _ = stopping.wait_until(|stopping| stopping.then_some(())).await;
}

/// Waits for the next change; gives back what it waited on.
async fn change_of<T>(mut changes: watch::Receiver<T>) -> watch::Receiver<T> {
    if changes.changed().await.is_err() {
        // Nothing changes any more.
        std::future::pending::<()>().await;
    }
    changes
}

async fn changed(welcomes: &mut Option<Welcomes>) {
    match welcomes {
        Some(welcomes) => welcomes.changed().await,
        None => std::future::pending().await,
    }
}

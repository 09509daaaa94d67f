//! The protocol as a relay speaks it, short and trusting.

use std::collections::BTreeMap;
use std::sync::Arc;

use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_log::{ChannelId, ChannelNonce, Seq};
use enlace_proto::method::{Call, Method};
use enlace_proto::relay::v1::{
    self as wire, ClaimKeyPackagesRequest, ClaimKeyPackagesResponse, ClaimedKeyPackage,
    CreateChannelRequest, CreateChannelResponse, ErrorCode, FetchDirectoryRequest,
    FetchDirectoryResponse, FetchHeadCertificateRequest, FetchHeadCertificateResponse,
    FetchRangeRequest, FetchRangeResponse, HeadCertificate, Items, LeaseRequest, LeaseResponse,
    PublishCrlsRequest, PublishCrlsResponse, PublishKeyPackagesRequest, PublishKeyPackagesResponse,
    SubmitRequest, SubmitResponse, SubscriptionEvent, WelcomeDelivery,
    subscription_control::Control, subscription_event::Event,
};
use enlace_transport::{
    Answers, FrameSender, HelloReply, IncomingCall, IncomingSubmitStream, IncomingSubscription,
    Refusal, SendError,
};

use super::World;
use super::history::History;
use crate::wire_id;

pub(super) async fn accept(world: Arc<World>) {
    while let Some(incoming) = world.endpoint.accept().await {
        let world = world.clone();
        tokio::spawn(async move {
            let Ok(greeting) = incoming.greet().await else { return };
            let Ok(connection) = greeting.welcome(HelloReply::default()).await else { return };
            while let Ok(stream) = connection.accept().await {
                let world = world.clone();
                tokio::spawn(async move {
                    if let Ok(call) = stream.read().await {
                        world.serve(call).await;
                    }
                });
            }
        });
    }
}

impl World {
    async fn serve(self: Arc<Self>, call: IncomingCall) {
        let peer = call.connection().peer().name().to_string();
        match call.method() {
            Method::PublishKeyPackages => self.answer(call, &peer, Self::publish).await,
            Method::CreateChannel => self.answer(call, &peer, Self::create).await,
            Method::Submit => self.answer(call, &peer, Self::submit).await,
            Method::Lease => self.answer(call, &peer, Self::lease).await,
            Method::FetchRange => self.answer(call, &peer, Self::range).await,
            Method::FetchDirectory => self.answer(call, &peer, Self::directory).await,
            Method::FetchHeadCertificate => self.answer(call, &peer, Self::head_key).await,
            Method::PublishCrls => {
                let none =
                    |_: &Arc<Self>, _: &str, _: PublishCrlsRequest| Ok(PublishCrlsResponse {});
                self.answer(call, &peer, none).await;
            }
            Method::ClaimKeyPackages => {
                if let Ok((request, reply)) = call.decode::<ClaimKeyPackagesRequest>().await {
                    let _ = reply.send(self.claim(request).await).await;
                }
            }
            Method::SubmitStream => {
                if let Ok(stream) = call.into_submit_stream().await {
                    self.take_in(&peer, stream).await;
                }
            }
            Method::Subscribe => {
                if let Ok(subscription) = call.into_subscription().await {
                    self.feed(&peer, subscription).await;
                }
            }
            Method::Hello
            | Method::DeliverWelcome
            | Method::Refill
            | Method::ExchangeHeads
            | Method::RequestWelcome
            | Method::PublishHubVotes
            | Method::FetchBundle
            | Method::PublishBundle
            | Method::FetchContacts
            | Method::ConfirmErasure
            | Method::FetchErasureConfirmation
            | Method::RenewCertificate
            | Method::ReceiveHistory
            | Method::SendHistory
            | Method::Enroll
            | Method::FetchEnrolment => {
                let _ = call.refuse(Refusal::new(ErrorCode::Unsupported, "")).await;
            }
        }
    }

    async fn answer<C: Call>(
        self: &Arc<Self>,
        call: IncomingCall,
        peer: &str,
        answer: impl FnOnce(&Arc<Self>, &str, C) -> Result<C::Response, Refusal>,
    ) {
        if let Ok((request, reply)) = call.decode::<C>().await {
            // The caller may be gone.
            let _ = reply.send(answer(self, peer, request)).await;
        }
    }

    async fn take_in(self: &Arc<Self>, peer: &str, stream: IncomingSubmitStream) {
        let IncomingSubmitStream { answers: mut sender, mut submissions } = stream;
        let mut index = 0;
        while let Ok(Some(request)) = submissions.next().await {
            let mut answers = Answers::default();
            answers.push(index, self.submit(peer, request));
            index += 1;
            // The caller may be gone.
            let _ = sender.send(&answers.into_wire()).await;
        }
    }

    fn publish(
        self: &Arc<Self>,
        peer: &str,
        request: PublishKeyPackagesRequest,
    ) -> Result<PublishKeyPackagesResponse, Refusal> {
        let mut state = self.state();
        let pool = state.pools.entry(peer.parse().unwrap()).or_default();
        let published = request.key_packages.into_iter();
        pool.extend(published.map(|package| (request.suite, package)));
        let available = pool.iter().filter(|(suite, _)| *suite == request.suite).count();
        Ok(PublishKeyPackagesResponse { available: u32::try_from(available).unwrap() })
    }

    /// Out of the own pools, or another authority's.
    async fn claim(
        &self,
        request: ClaimKeyPackagesRequest,
    ) -> Result<ClaimKeyPackagesResponse, Refusal> {
        let lie = self.state().false_claim.as_mut().and_then(|claim| claim(&request));
        if let Some(key_packages) = lie {
            return Ok(ClaimKeyPackagesResponse { key_packages });
        }
        let officer: OfficerAddress = request.officers[0].parse().unwrap();
        if *officer.domain() != self.domain {
            let offer = enlace_transport::HelloOffer::default();
            let limit = std::time::Duration::from_secs(20);
            let target = &self.peers[officer.domain()];
            let dialled = self.endpoint.connect(target, offer, limit).await.unwrap();
            return crate::call(&dialled.connection, &request).await;
        }
        let mut state = self.state();
        let pool = state.pools.iter_mut().find(|(device, _)| *device.officer() == officer);
        let found = pool.and_then(|(device, pool)| {
            let at = pool.iter().position(|(suite, _)| *suite == request.suite)?;
            Some((device.to_string(), pool.remove(at).1))
        });
        let (device, key_package) =
            found.ok_or_else(|| Refusal::new(ErrorCode::NoKeyPackage, ""))?;
        let claimed = ClaimedKeyPackage { device, key_package, last_resort: false };
        Ok(ClaimKeyPackagesResponse { key_packages: vec![claimed] })
    }

    fn create(
        self: &Arc<Self>,
        peer: &str,
        request: CreateChannelRequest,
    ) -> Result<CreateChannelResponse, Refusal> {
        let first = request.first.unwrap();
        let channel = envelope(&first).channel;
        let nonce = ChannelNonce::try_from(&request.nonce[..]).unwrap();
        let new = || vec![History::new(channel, &self.domain, nonce)];
        self.state().channels.entry(channel).or_insert_with(new);
        Ok(CreateChannelResponse { first: Some(self.submit(peer, first)?) })
    }

    fn submit(
        self: &Arc<Self>,
        peer: &str,
        request: SubmitRequest,
    ) -> Result<SubmitResponse, Refusal> {
        let channel = envelope(&request).channel;
        let mut state = self.state();
        let unknown = || Refusal::new(ErrorCode::UnknownChannel, "");
        let history = state.history(channel, peer).ok_or_else(unknown)?;
        let is_new = history.items().len();
        let seq = history.submit(&request)?;
        let accepted = SubmitResponse {
            seq: seq.0,
            received_at_ms: history.items()[usize::try_from(seq.0).unwrap()]
                .received_at
                .as_millis(),
            head: Some(self.sign(channel, seq, history.at(seq))),
        };
        if history.items().len() > is_new && !request.welcomes.is_empty() {
            let welcome = self.welcome(channel, seq, history, request);
            let devices = welcome.welcomes.iter().flat_map(|welcome| welcome.devices.clone());
            for device in devices.collect::<Vec<_>>() {
                let device: DeviceName = device.parse().unwrap();
                if *device.domain() == self.domain {
                    state.welcomes.push((device, welcome.clone()));
                } else {
                    tokio::spawn(self.clone().deliver(device.domain().clone(), welcome.clone()));
                }
            }
        }
        drop(state);
        self.news();
        Ok(accepted)
    }

    fn welcome(
        &self,
        channel: ChannelId,
        seq: Seq,
        history: &History,
        request: SubmitRequest,
    ) -> WelcomeDelivery {
        WelcomeDelivery {
            channel: Some(wire_id(channel)),
            hub: self.domain.to_string(),
            commit: history.batch(seq).into_iter().next(),
            head: Some(self.sign(channel, seq, history.at(seq))),
            head_certificates: self.head.chain.ders(),
            device_list: history.list.iter().map(ToString::to_string).collect(),
            welcomes: request.welcomes,
            certificates: request.certificates,
            nonce: history.nonce.0.to_vec(),
            previous_chain: history.before(seq).0.to_vec(),
            creating_hub: String::new(),
            hub_votes: Vec::new(),
        }
    }

    fn lease(
        self: &Arc<Self>,
        peer: &str,
        request: LeaseRequest,
    ) -> Result<LeaseResponse, Refusal> {
        let channel = channel(request.channel.as_ref());
        let mut state = self.state();
        let fence = state.history(channel, peer).and_then(|history| history.fence());
        Ok(LeaseResponse { expires_in_ms: 10_000, fence: fence.map_or(u64::MAX, |fence| fence.0) })
    }

    fn range(
        self: &Arc<Self>,
        peer: &str,
        request: FetchRangeRequest,
    ) -> Result<FetchRangeResponse, Refusal> {
        let channel = channel(request.channel.as_ref());
        let batch = self.batch(peer, channel, request.from_seq);
        let (items, head) = batch.map(|batch| (batch.items, batch.head)).unwrap_or_default();
        Ok(FetchRangeResponse { items, head })
    }

    fn directory(
        self: &Arc<Self>,
        _: &str,
        _: FetchDirectoryRequest,
    ) -> Result<FetchDirectoryResponse, Refusal> {
        Ok(FetchDirectoryResponse {
            bundle: self.bundle.clone(),
            endpoint_records: self.endpoint_records.clone(),
            crls: self.endpoint.trust().all_crls(),
        })
    }

    fn head_key(
        self: &Arc<Self>,
        _: &str,
        _: FetchHeadCertificateRequest,
    ) -> Result<FetchHeadCertificateResponse, Refusal> {
        Ok(FetchHeadCertificateResponse { certificates: self.head.chain.ders() })
    }

    /// What comes next for a peer, up to the next commit.
    fn batch(&self, peer: &str, channel: ChannelId, from: u64) -> Option<Items> {
        let mut state = self.state();
        let history = state.history(channel, peer)?;
        let items = history.batch(Seq(from));
        let last = Seq(items.last()?.seq);
        let head = Some(self.sign(channel, last, history.at(last)));
        Some(Items { channel: Some(wire_id(channel)), items, head })
    }

    async fn feed(&self, peer: &str, subscription: IncomingSubscription) {
        let IncomingSubscription { request, mut events, mut controls } = subscription;
        let mut next: BTreeMap<ChannelId, u64> = BTreeMap::new();
        for cursor in &request.cursors {
            next.insert(channel(cursor.channel.as_ref()), cursor.next_seq);
        }
        let mut welcomed = 0;
        let mut changed = self.changed.subscribe();
        let certificates = self.head.chain.ders();
        let certificate = Event::HeadCertificate(HeadCertificate { certificates });
        if send(&mut events, Some(certificate)).await.is_err() {
            return;
        }
        loop {
            if self.feed_once(peer, &mut events, &mut next, &mut welcomed).await.is_err() {
                return;
            }
            tokio::select! {
                control = controls.next() => match control.map(|c| c.and_then(|c| c.control)) {
                    Ok(Some(Control::Follow(cursor))) => {
                        next.insert(channel(cursor.channel.as_ref()), cursor.next_seq);
                    }
                    Ok(Some(Control::Unfollow(id))) => {
                        next.remove(&channel(Some(&id)));
                    }
                    Ok(Some(Control::Welcome(_))) => {
                        *self.state().dealt_with.entry(peer.to_owned()).or_default() += 1;
                        self.news();
                    }
                    Ok(Some(Control::Acknowledge(_))) => {}
                    Ok(None) | Err(_) => return,
                },
                _ = changed.changed() => {}
            }
        }
    }

    async fn feed_once(
        &self,
        peer: &str,
        events: &mut FrameSender<SubscriptionEvent>,
        next: &mut BTreeMap<ChannelId, u64>,
        welcomed: &mut usize,
    ) -> Result<(), SendError> {
        loop {
            let mut due = Vec::new();
            let welcomes = self.state().welcomes[*welcomed..].to_vec();
            *welcomed += welcomes.len();
            let own = welcomes.into_iter().filter(|(device, _)| device.as_str() == peer);
            due.extend(own.map(|(_, welcome)| Event::Welcome(welcome)));
            for (channel, from) in next.iter_mut() {
                if let Some(batch) = self.batch(peer, *channel, *from) {
                    *from += batch.items.len() as u64;
                    due.push(Event::Items(batch));
                }
            }
            if due.is_empty() {
                return Ok(());
            }
            for event in due {
                let told = self.state().told(peer, event);
                send(events, told).await?;
            }
        }
    }
}

async fn send(
    events: &mut FrameSender<SubscriptionEvent>,
    event: Option<Event>,
) -> Result<(), SendError> {
    match event {
        Some(event) => events.send(&SubscriptionEvent { event: Some(event) }).await,
        None => Ok(()),
    }
}

fn channel(id: Option<&wire::ChannelId>) -> ChannelId {
    ChannelId::try_from(&id.unwrap().value[..]).unwrap()
}

fn envelope(request: &SubmitRequest) -> enlace_log::Envelope {
    enlace_log::Sealed::from_request(request).unwrap().envelope().clone()
}

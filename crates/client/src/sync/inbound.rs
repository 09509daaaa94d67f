//! What the subscription brings. A relay's fault stops one channel, never the others.

use enlace_channel::channel::ChannelError;
use enlace_identity::canonical::sha256;
use enlace_identity::names::Domain;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChainHash, ChannelId, HeadSigner, Seq, SignedHead, VerifiedHead};
use enlace_proto::relay::v1::{
    Acknowledge, AcknowledgeWelcome, FetchHeadCertificateRequest, FetchRangeRequest, Items,
    SubscriptionEvent, WelcomeDelivery, subscription_control, subscription_event,
};

use super::calls::take_head_key;
use super::connect::wire_id;
use super::session::Session;
use super::{PER_ADDRESS, SyncError};
use crate::engine::{
    Disposition, Followed, NEEDS_NEWER_VERSION, ReceiveError, Received, WelcomeError,
};

/// Why a channel is stopped whose hub is proven to have lied.
pub(super) const TWO_HISTORIES: &str =
    "the relay that orders this channel has signed two different histories";

/// Welcomes kept in memory; a further one takes the oldest one's place.
const MAX_KEPT: usize = 8;

impl Session {
    pub(super) async fn handle_event(&mut self, event: SubscriptionEvent) -> Result<(), SyncError> {
        use subscription_event::Event;
        match event.event {
            Some(Event::Items(items)) => self.handle_items(items).await,
            Some(Event::Welcome(delivery)) => self.handle_welcome(delivery).await,
            Some(Event::HeadCertificate(certificate)) => {
                take_head_key(&self.shared, None, &certificate.certificates)
            }
            Some(Event::Ended(ended)) => match id(ended.channel.as_ref()) {
                Some(channel) => self.handle_ended(channel, ended.last_seq).await,
                None => Ok(()),
            },
            Some(Event::Crls(crls)) => {
                let hashes = crls.crls.iter().map(|list| sha256(list));
                self.lists_there.extend(hashes);
                Ok(self.shared.engine().take_crls(&crls.crls)?)
            }
            Some(Event::Bundle(signed)) => self.take_bundle_event(&signed).await,
            Some(Event::Behind(behind)) => self.handle_behind(&behind),
            Some(Event::HubVotes(votes)) => Ok(self.shared.engine().take_hub_votes(&votes)?),
            // Of a newer version of the protocol.
            None => Ok(()),
        }
    }

    async fn handle_items(&mut self, items: Items) -> Result<(), SyncError> {
        let Some(channel) = id(items.channel.as_ref()) else { return Ok(()) };
        let Some(head) = items.head else { return Ok(()) };
        let mut outcome = self.receive(channel, &items.items, &head);
        if let Err(ReceiveError::HeadKey(signer)) = outcome {
            self.fetch_head_key_now(channel, signer).await?;
            outcome = self.receive(channel, &items.items, &head);
        }
        match outcome {
            Ok(received) => {
                self.overtaken.remove(&channel);
                self.lanes.head_was_shown(channel, Seq(head.seq));
                // Of a batch that another process took in first, all of it is durable too.
                let last = items.items.last().map_or(0, |item| item.seq);
                self.handle_received(channel, last, received).await
            }
            Err(ReceiveError::Engine(error)) => Err(error.into()),
            Err(ReceiveError::Replica(ReplicaError::Diverged(head))) => {
                self.handle_divergence(channel, &head).await
            }
            Err(ReceiveError::Replica(ReplicaError::Gap { found, .. }))
                if self.overtaken.get(&channel) == Some(&found) =>
            {
                // Nobody has looked at more than the first one.
                let last = items.items.last().map_or(found.0, |item| item.seq);
                self.overtaken.insert(channel, Seq(last.saturating_add(1)));
                Ok(())
            }
            Err(ReceiveError::Channel(ChannelError::NeedsNewerVersion(_))) => {
                self.stop(channel, NEEDS_NEWER_VERSION).await
            }
            Err(error) => self.stop(channel, &error.to_string()).await,
        }
    }

    fn receive(
        &self,
        channel: ChannelId,
        items: &[enlace_proto::relay::v1::Item],
        head: &enlace_proto::relay::v1::SignedHead,
    ) -> Result<Received, ReceiveError> {
        self.shared.engine().receive(channel, items.to_vec(), head)
    }

    async fn handle_received(
        &mut self,
        channel: ChannelId,
        last: u64,
        received: Received,
    ) -> Result<(), SyncError> {
        self.cut_off.serves_again(channel);
        self.unserved.remove(&channel);
        let acknowledge = Acknowledge { channel: Some(wire_id(channel)), seq: last };
        self.control(subscription_control::Control::Acknowledge(acknowledge)).await?;
        for signer in received.missing_head_keys {
            let hub = self.hub_of(channel)?;
            self.fetch_head_key(hub, signer);
        }
        if received.ended {
            self.unfollow(channel).await?;
        } else if self.is_bounded() {
            self.probe(channel);
        }
        // A future of its own size: offering leads back to following.
        Box::pin(self.offer_kept_welcomes(channel)).await
    }

    pub(super) async fn handle_welcome(
        &mut self,
        delivery: WelcomeDelivery,
    ) -> Result<(), SyncError> {
        let channel = id(delivery.channel.as_ref());
        let before = channel.map(|channel| self.followed_channel(channel)).transpose()?.flatten();
        let outcome = self.shared.engine().take_welcome(delivery.clone());
        self.handle_offered(delivery, before, outcome).await
    }

    /// What became of a welcome that was offered to the engine.
    async fn handle_offered(
        &mut self,
        delivery: WelcomeDelivery,
        before: Option<Followed>,
        outcome: Result<bool, WelcomeError>,
    ) -> Result<(), SyncError> {
        let place = delivery.channel.clone().zip(delivery.commit.as_ref().map(|commit| commit.seq));
        let Some((wire_channel, seq)) = place else { return Ok(()) };
        if let Err(error) = &outcome {
            tracing::warn!(%error, "a welcome led nowhere");
            match error.disposition() {
                Disposition::Broken => return Err(SyncError::Stream(error.to_string())),
                Disposition::Keep => {
                    self.keep_welcome(delivery);
                    return Ok(());
                }
                Disposition::Drop => {}
            }
        }
        if matches!(outcome, Ok(true))
            && let Some(channel) = id(Some(&wire_channel))
            && let Some(followed) = self.followed_channel(channel)?
        {
            if let Some(before) = before.filter(|before| before.next > followed.next) {
                self.overtaken.insert(channel, before.next);
            }
            self.follow(&followed).await?;
            for suite in crate::engine::SUITES {
                self.ask_pool(suite);
            }
        }
        let taken = AcknowledgeWelcome { channel: Some(wire_channel), seq };
        self.control(subscription_control::Control::Welcome(taken)).await
    }

    /// Keeps a welcome until the log has got on, within limits: the relay has them all.
    fn keep_welcome(&mut self, welcome: WelcomeDelivery) {
        if self.kept_welcomes.contains(&welcome) {
            return;
        }
        if self.kept_welcomes.len() >= MAX_KEPT {
            self.kept_welcomes.remove(0);
        }
        self.kept_welcomes.push(welcome);
    }

    /// Offers the welcomes of a channel again whose log has got on.
    async fn offer_kept_welcomes(&mut self, channel: ChannelId) -> Result<(), SyncError> {
        for welcome in self.take_kept_welcomes(channel) {
            self.handle_welcome(welcome).await?;
        }
        Ok(())
    }

    fn take_kept_welcomes(&mut self, channel: ChannelId) -> Vec<WelcomeDelivery> {
        let (again, kept) = std::mem::take(&mut self.kept_welcomes)
            .into_iter()
            .partition(|welcome| id(welcome.channel.as_ref()) == Some(channel));
        self.kept_welcomes = kept;
        again
    }

    /// The relay serves no more of a channel. If the log doesn't say that this device was removed, and
    /// its hub has lost nothing, the officer has to know; and the relay is asked again: an objection may
    /// change its mind.
    async fn handle_ended(&mut self, channel: ChannelId, last: u64) -> Result<(), SyncError> {
        let followed = self.followed_channel(channel)?.filter(|followed| followed.is_member);
        // The end of a former membership, when the next one has begun. A relay that was told of it by
        // the welcome alone, before its copy of the log got there, serves nothing of it yet.
        if followed.as_ref().is_some_and(|followed| last < followed.next.0.saturating_sub(1)) {
            self.cut_off.refused(channel);
            return Ok(());
        }
        self.followed.remove(&channel);
        for welcome in self.take_kept_welcomes(channel) {
            let outcome = self.shared.engine().take_welcome_after_the_end(welcome.clone());
            self.handle_offered(welcome, None, outcome).await?;
        }
        if self.followed.contains(&channel) {
            return Ok(());
        }
        if followed.as_ref().is_some_and(|followed| followed.is_out) {
            self.cut_off.is_out(channel);
        } else if followed.is_some() {
            self.cut_off.refused(channel);
            // A hub that was restored may have lost what made this device a member.
            self.unserved.insert(channel);
            self.bring_back(channel, None)?;
        }
        Ok(())
    }

    /// The items don't lead to what the hub signed. The relay is asked for the other history from
    /// this copy's end on: either it proves that the hub signed both, or the relay alone is wrong.
    pub(super) async fn handle_divergence(
        &mut self,
        channel: ChannelId,
        head: &VerifiedHead,
    ) -> Result<(), SyncError> {
        let Some(followed) = self.followed_channel(channel)? else { return Ok(()) };
        let request = FetchRangeRequest {
            channel: Some(wire_id(channel)),
            from_seq: followed.next.0.saturating_sub(1),
            max_items: 0,
            hub: followed.hub.to_string(),
        };
        // Both can be a hub's that was restored, and once more: it has to say which one goes on.
        if head.head().incarnation < followed.incarnation {
            let reason = "the relay that orders this channel was restored, and says no more of it";
            self.stop(channel, reason).await?;
        }
        if head.head().incarnation != followed.incarnation {
            return self.ask_where_it_ends(channel);
        }
        let mut proven = false;
        if let Ok(range) = self.connection.call(&request, PER_ADDRESS).await {
            // What is sent may end before the head that doesn't fit: then it has one of its own.
            let ends = range.head.and_then(|end| SignedHead::from_wire(channel, &end).ok());
            for other in ends.into_iter().chain([head.signed().clone()]) {
                let mut items = range.items.clone();
                items.retain(|item| Seq(item.seq) <= other.unverified_head().seq);
                let first = (!items.is_empty()).then(|| items.remove(0));
                let chain = first.and_then(|first| ChainHash::try_from(&first.chain[..]).ok());
                if let Some(chain) = chain {
                    let outcome = self.shared.engine().prove_fork(channel, other, items, chain);
                    proven |= matches!(outcome, Ok(true));
                }
            }
        }
        let reason = if proven {
            TWO_HISTORIES
        } else {
            "the log that the relay sent does not fit what its hub signed"
        };
        self.stop(channel, reason).await
    }

    pub(super) async fn stop(&mut self, channel: ChannelId, reason: &str) -> Result<(), SyncError> {
        tracing::warn!(%channel, reason, "a channel is stopped");
        self.shared.engine().stop_channel(channel, reason)?;
        self.unfollow(channel).await
    }

    pub(super) async fn fetch_head_key_now(
        &mut self,
        channel: ChannelId,
        signer: HeadSigner,
    ) -> Result<(), SyncError> {
        let request = FetchHeadCertificateRequest { signer: signer.0.to_vec() };
        match self.connection.call(&request, PER_ADDRESS).await {
            // Whose hub it has to be of is for whoever uses it: the channel may have moved.
            Ok(response) => take_head_key(&self.shared, None, &response.certificates),
            Err(error) => {
                tracing::warn!(%channel, %error, "a head key's certificate did not come");
                Ok(())
            }
        }
    }

    fn hub_of(&self, channel: ChannelId) -> Result<Option<Domain>, SyncError> {
        Ok(self.followed_channel(channel)?.map(|followed| followed.hub))
    }

    pub(super) fn followed_channel(
        &self,
        channel: ChannelId,
    ) -> Result<Option<Followed>, SyncError> {
        Ok(self.shared.engine().followed_channel(channel)?)
    }
}

fn id(channel: Option<&enlace_proto::relay::v1::ChannelId>) -> Option<ChannelId> {
    channel.and_then(|channel| ChannelId::try_from(&channel.value[..]).ok())
}

//! Joining by a welcome that the home relay delivers.

mod refusal;

use std::collections::BTreeMap;

use bytes::Bytes;
use enlace_channel::channel::{Channel, JoinOffer};
use enlace_channel::mls::Suite;
use enlace_identity::canonical::Writer;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::device_list::parse_sorted;
use enlace_log::{ChainHash, ChannelId, Envelope, Item, Seq, SignedHead, SignedHubVote};
use enlace_proto::relay::v1 as wire;

use super::Engine;
use super::directory::DirectoryError;
use super::items::{ReceiveError, standing_of};
use super::work::Work;
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ChannelRow, ItemRow, StoreError, WelcomeDigest};

pub use self::refusal::{Disposition, WelcomeError};

impl Engine {
    /// Joins a channel; returns `false` when this device joined by this very welcome before. The
    /// officer is told of a refusal. A refused welcome leaves nothing that stands in the way of
    /// another one, wherever it leads.
    ///
    /// # Errors
    /// [`WelcomeError`].
    pub fn take_welcome(&mut self, delivery: wire::WelcomeDelivery) -> Result<bool, WelcomeError> {
        self.take_welcome_after(delivery, false)
    }

    /// The same where the relay says that it has no more of the log of a former membership.
    ///
    /// # Errors
    /// [`WelcomeError`].
    pub fn take_welcome_after_the_end(
        &mut self,
        delivery: wire::WelcomeDelivery,
    ) -> Result<bool, WelcomeError> {
        self.take_welcome_after(delivery, true)
    }

    fn take_welcome_after(
        &mut self,
        delivery: wire::WelcomeDelivery,
        log_has_ended: bool,
    ) -> Result<bool, WelcomeError> {
        let place = place_of(&delivery);
        let hub = delivery.hub.clone();
        let joined = self.write(|work| work.take_welcome(delivery, log_has_ended));
        if let (Err(error), Some(place)) = (&joined, place) {
            self.write::<_, WelcomeError>(|work| Ok(work.note_refusal(&hub, place, error)?))?;
        }
        joined
    }
}

fn place_of(delivery: &wire::WelcomeDelivery) -> Option<(ChannelId, Seq)> {
    let channel = ChannelId::try_from(&delivery.channel.as_ref()?.value[..]).ok()?;
    Some((channel, Seq(delivery.commit.as_ref()?.seq.min(enlace_log::ids::MAX_SEQ))))
}

/// By hub, head and commit: once this device has joined by them, nothing else that comes with them leads
/// anywhere.
fn digest_of(delivery: &wire::WelcomeDelivery) -> WelcomeDigest {
    let head = delivery.head.as_ref().map(|head| head.chain.as_slice()).unwrap_or_default();
    let commit = commit_envelope(delivery).map(|envelope| envelope.encode()).unwrap_or_default();
    WelcomeDigest(
        Writer::new("welcome taken")
            .bytes(delivery.hub.as_bytes())
            .bytes(head)
            .bytes(&commit)
            .hash(),
    )
}

fn commit_envelope(delivery: &wire::WelcomeDelivery) -> Option<Envelope> {
    let channel = ChannelId::try_from(&delivery.channel.as_ref()?.value[..]).ok()?;
    let commit = delivery.commit.as_ref()?;
    Envelope::from_wire(channel, commit.envelope.as_deref()?, Some(&commit.payload)).ok()
}

impl Work<'_> {
    fn take_welcome(
        &mut self,
        delivery: wire::WelcomeDelivery,
        log_has_ended: bool,
    ) -> Result<bool, WelcomeError> {
        let (id, _) = place_of(&delivery).ok_or(WelcomeError::Incomplete("commit"))?;
        let digest = digest_of(&delivery);
        if self.tx.has_welcome(digest)? {
            return Ok(false);
        }
        let offer = JoinOffer { log_has_ended, ..self.read_offer(id, delivery)? };
        // A former membership that is kept in memory is over.
        self.forget(id);
        let channel = Channel::join(&self.ctx, &offer)?;
        self.is_let_in(&channel)?;
        self.store_joined(&channel, &offer)?;
        self.add_other_devices(&channel)?;
        self.tx.put_welcome(digest)?;
        self.keep(channel);
        Ok(true)
    }

    fn read_offer(
        &mut self,
        id: ChannelId,
        delivery: wire::WelcomeDelivery,
    ) -> Result<JoinOffer, WelcomeError> {
        let hub: Domain = delivery.hub.parse()?;
        let creating_hub = match &delivery.creating_hub[..] {
            "" => hub.clone(),
            creating => creating.parse()?,
        };
        self.take_head_certificate(Some(&hub), &delivery.head_certificates).map_err(|error| {
            match error {
                DirectoryError::Engine(error) => WelcomeError::Engine(error),
                error => WelcomeError::HeadKey(error),
            }
        })?;
        let head = delivery.head.as_ref().ok_or(WelcomeError::Incomplete("head"))?;
        let head = SignedHead::from_wire(id, head)?;
        let head = self.verify_head(&hub, head).map_err(|error| match error {
            ReceiveError::Head(error) => WelcomeError::Head(error),
            _ => WelcomeError::Incomplete("head certificate"),
        })?;
        let commit = delivery.commit.ok_or(WelcomeError::Incomplete("commit"))?;
        let chain = ChainHash::try_from(&commit.chain[..])
            .map_err(|_| WelcomeError::Incomplete("chain"))?;
        let mut welcomes: BTreeMap<DeviceName, Bytes> = BTreeMap::new();
        for welcome in delivery.welcomes {
            for device in welcome.devices {
                welcomes.insert(device.parse()?, welcome.message.clone());
            }
        }
        Ok(JoinOffer {
            channel: id,
            commit: Item::from_wire(id, commit)?,
            chain,
            head,
            devices: parse_sorted(&delivery.device_list)?.into_iter().collect(),
            welcomes: welcomes.into_iter().collect(),
            signer: UnverifiedChain::from_ders(&delivery.certificates)?,
            hub,
            creating_hub,
            hub_votes: delivery
                .hub_votes
                .iter()
                .filter_map(|vote| SignedHubVote::decode(vote).ok())
                .collect(),
            nonce: delivery.nonce[..].try_into().map_err(|_| WelcomeError::Incomplete("nonce"))?,
            previous_chain: delivery.previous_chain[..]
                .try_into()
                .map_err(|_| WelcomeError::Incomplete("previous chain"))?,
            log_has_ended: false,
        })
    }

    fn store_joined(&mut self, channel: &Channel, offer: &JoinOffer) -> Result<(), StoreError> {
        let id = channel.id();
        self.tx.put_channel(&ChannelRow {
            id,
            hub: offer.hub.clone(),
            title: channel.policy().title().to_owned(),
            standing: standing_of(channel),
            stopped: None,
            head: Some(offer.head.signed().clone()),
            joined_at: self.now(),
            updated_at: self.now(),
        })?;
        if self.restored_until(id)? > offer.commit.seq {
            // A backup knew a longer log than the hub has now.
            self.tx.supersede(id, offer.commit.seq)?;
        }
        self.tx.put_item(&ItemRow { item: offer.commit.clone(), chain: offer.chain })?;
        if let Some(by) = offer.commit.sealed.envelope().device().cloned() {
            let place = Some((offer.commit.seq, offer.commit.received_at));
            let notice =
                if channel.is_back() { Notice::PutBack { by } } else { Notice::Joined { by } };
            self.note(Some(id), place, notice)?;
            if channel.suite() == Suite::Classic && !channel.is_back() {
                self.note(Some(id), place, Notice::ReadableLater)?;
            }
        }
        self.keep_as_joined(channel, &offer.commit)?;
        self.tell(ClientEvent::Channel(id));
        Ok(())
    }
}

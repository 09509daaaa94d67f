//! Joining by a welcome that the home relay delivers.

use std::collections::BTreeMap;

use enlace_channel::channel::{Channel, JoinOffer, JoinRefused};
use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::chain::ChainError;
use enlace_identity::names::{DeviceName, Domain, NameError};
use enlace_log::device_list::{ListError, parse_sorted};
use enlace_log::head::HeadError;
use enlace_log::item::ItemError;
use enlace_log::{ChainHash, ChannelId, Item, Seq, SignedHead};
use enlace_proto::relay::v1 as wire;

use super::directory::DirectoryError;
use super::items::{ReceiveError, standing_of};
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ChannelRow, ItemRow, StoreError};

/// Why a welcome led nowhere.
#[derive(Debug, thiserror::Error)]
pub enum WelcomeError {
    /// It misses a part, or one has a wrong length.
    #[error("the welcome is incomplete: {0}")]
    Incomplete(&'static str),
    /// A domain or device can't be read.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The commit can't be read.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The head doesn't hold.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The device list can't be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// A certificate can't be read.
    #[error(transparent)]
    Certificate(#[from] CertificateFormatError),
    /// The head key is not the hub's.
    #[error("the hub's head key is refused: {0}")]
    HeadKey(#[source] DirectoryError),
    /// The welcome itself is refused.
    #[error(transparent)]
    Refused(JoinRefused),
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for WelcomeError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<JoinRefused> for WelcomeError {
    fn from(error: JoinRefused) -> Self {
        match error {
            JoinRefused::Channel(error) => Self::Engine(error.into()),
            refused => Self::Refused(refused),
        }
    }
}

/// What to do with a welcome that led nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disposition {
    /// It will never be good: acknowledge it.
    Drop,
    /// It may be good later, when the log before it is handled, the clock is set or another bundle
    /// is here: keep it unacknowledged.
    Keep,
    /// The store failed: nothing more can be done in this session.
    Broken,
}

impl WelcomeError {
    /// What to do with the welcome.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        let may_pass = |error: &ChainError| {
            matches!(
                error,
                ChainError::UnknownAuthority(_)
                    | ChainError::LeafValidity { .. }
                    | ChainError::IssuingValidity { .. }
                    | ChainError::RootValidity { .. }
            )
        };
        match self {
            Self::Engine(_) => Disposition::Broken,
            Self::Refused(JoinRefused::LogFirst) => Disposition::Keep,
            Self::Refused(JoinRefused::Certificate(error)) if may_pass(error) => Disposition::Keep,
            Self::HeadKey(DirectoryError::Chain(error)) if may_pass(error) => Disposition::Keep,
            _ => Disposition::Drop,
        }
    }
}

impl Engine {
    /// Joins a channel; returns `false` when the welcome was seen before. A refusal is noted, once.
    ///
    /// # Errors
    /// [`WelcomeError`].
    pub fn take_welcome(&mut self, delivery: wire::WelcomeDelivery) -> Result<bool, WelcomeError> {
        let place = place_of(&delivery);
        let joined = self.write(|work| work.take_welcome(delivery));
        if let (Err(error), Some((channel, seq))) = (&joined, place)
            && error.disposition() == Disposition::Drop
        {
            let reason = error.to_string();
            self.write::<_, WelcomeError>(|work| {
                let is_old = matches!(error, WelcomeError::Refused(JoinRefused::AlreadyMember));
                if work.tx.see_welcome(channel, seq)? && !is_old {
                    work.note(Some(channel), None, Notice::WelcomeRefused { reason })?;
                }
                Ok(())
            })?;
        }
        joined
    }
}

fn place_of(delivery: &wire::WelcomeDelivery) -> Option<(ChannelId, Seq)> {
    let channel = ChannelId::try_from(&delivery.channel.as_ref()?.value[..]).ok()?;
    Some((channel, Seq(delivery.commit.as_ref()?.seq.min(enlace_log::ids::MAX_SEQ))))
}

impl Work<'_> {
    fn take_welcome(&mut self, delivery: wire::WelcomeDelivery) -> Result<bool, WelcomeError> {
        let (id, seq) = place_of(&delivery).ok_or(WelcomeError::Incomplete("commit"))?;
        if !self.tx.see_welcome(id, seq)? {
            return Ok(false);
        }
        let offer = self.read_offer(id, delivery)?;
        // A former membership that is kept in memory is over.
        self.forget(id);
        let channel = Channel::join(&self.ctx, &offer)?;
        self.store_joined(&channel, &offer)?;
        self.keep(channel);
        Ok(true)
    }

    fn read_offer(
        &mut self,
        id: ChannelId,
        delivery: wire::WelcomeDelivery,
    ) -> Result<JoinOffer, WelcomeError> {
        let hub: Domain = delivery.hub.parse()?;
        self.take_head_certificate(Some(&hub), &delivery.head_certificates).map_err(|error| {
            match error {
                DirectoryError::Engine(error) => WelcomeError::Engine(error),
                error => WelcomeError::HeadKey(error),
            }
        })?;
        let head = delivery.head.as_ref().ok_or(WelcomeError::Incomplete("head"))?;
        let head =
            self.verify_head(&hub, SignedHead::try_from(head)?).map_err(|error| match error {
                ReceiveError::Head(error) => WelcomeError::Head(error),
                _ => WelcomeError::Incomplete("head certificate"),
            })?;
        let commit = delivery.commit.ok_or(WelcomeError::Incomplete("commit"))?;
        let chain = ChainHash::try_from(&commit.chain[..])
            .map_err(|_| WelcomeError::Incomplete("chain"))?;
        let mut welcomes: BTreeMap<DeviceName, Vec<u8>> = BTreeMap::new();
        for welcome in delivery.welcomes {
            for device in welcome.devices {
                welcomes.insert(device.parse()?, welcome.message.to_vec());
            }
        }
        Ok(JoinOffer {
            channel: id,
            commit: Item::try_from(commit)?,
            chain,
            head,
            devices: parse_sorted(&delivery.device_list)?.into_iter().collect(),
            welcomes: welcomes.into_iter().collect(),
            signer: UnverifiedChain::from_ders(&delivery.certificates)?,
            hub,
            nonce: delivery.nonce[..].try_into().map_err(|_| WelcomeError::Incomplete("nonce"))?,
            previous_chain: delivery.previous_chain[..]
                .try_into()
                .map_err(|_| WelcomeError::Incomplete("previous chain"))?,
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
        self.tx.put_item(&ItemRow { item: offer.commit.clone(), chain: offer.chain })?;
        let by = offer.commit.sealed.envelope().device.clone();
        let place = Some((offer.commit.seq, offer.commit.received_at));
        self.note(Some(id), place, Notice::Joined { by })?;
        self.tell(ClientEvent::Channel(id));
        Ok(())
    }
}

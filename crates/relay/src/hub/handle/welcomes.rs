//! Welcomes that wait for devices of this authority, and for other authorities' relays.

use enlace_identity::names::DeviceName;
use enlace_log::{ChainHash, ChannelId, Incarnations, Seq, former};
use enlace_proto::relay::v1 as wire;
use enlace_transport::watch;

use super::Handle;
use crate::hub::errors::ReadError;
use crate::hub::moves;
use crate::hub::welcome::WelcomeWatch;
use crate::storage::{PendingWelcome, ReadStorage, StorageError};

impl Handle {
    /// Sees when welcomes for a device are stored.
    #[must_use]
    pub fn watch_welcomes(&self, device: DeviceName) -> WelcomeWatch {
        self.welcomes.watch(device)
    }

    /// Sees when welcomes for other authorities' relays are stored.
    #[must_use]
    pub fn watch_outbound(&self) -> watch::Receiver<()> {
        self.welcomes.watch_outbound()
    }

    /// The oldest welcomes that a device has not acknowledged, ready to be sent;
    /// [`SideWrite::WelcomeTaken`](crate::storage::SideWrite::WelcomeTaken) acknowledges one.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn pending_welcomes(
        &self,
        device: DeviceName,
        limit: usize,
    ) -> Result<Vec<wire::WelcomeDelivery>, ReadError> {
        let read = move |storage: &mut dyn ReadStorage| {
            let pending = storage.pending_welcomes(&device, limit)?;
            load_welcomes(storage, &pending)
        };
        self.complete(self.query(read).await?)
    }

    /// The welcomes of one commit, ready to be sent; `None` when nobody waits for them. Which wait
    /// for whom, [`ReadStorage::pending_welcomes`] and [`ReadStorage::outbound_welcomes`] say.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn welcome(
        &self,
        channel: ChannelId,
        seq: Seq,
    ) -> Result<Option<wire::WelcomeDelivery>, ReadError> {
        let wanted = [PendingWelcome { channel, seq }];
        let loaded = self.query(move |storage| load_welcomes(storage, &wanted)).await?;
        Ok(self.complete(loaded)?.pop())
    }

    /// Adds what only a hub can, and only once the commits are durable: its signatures there.
    fn complete(
        &self,
        deliveries: Vec<(wire::WelcomeDelivery, Incarnations)>,
    ) -> Result<Vec<wire::WelcomeDelivery>, ReadError> {
        let mut complete = Vec::with_capacity(deliveries.len());
        for (mut delivery, incarnations) in deliveries {
            if delivery.head.is_some() {
                complete.push(delivery);
                continue;
            }
            let (channel, seq, chain) =
                place_of(&delivery).ok_or(StorageError::Corrupt("welcome"))?;
            let head_key = &self.source.head_key;
            delivery.head =
                Some(head_key.sign(channel, incarnations.at(seq), seq, chain).to_wire());
            delivery.head_certificates = head_key.certificates().to_vec();
            complete.push(delivery);
        }
        Ok(complete)
    }
}

fn place_of(delivery: &wire::WelcomeDelivery) -> Option<(ChannelId, Seq, ChainHash)> {
    let channel = ChannelId::try_from(&delivery.channel.as_ref()?.value[..]).ok()?;
    let commit = delivery.commit.as_ref()?;
    Some((channel, Seq(commit.seq), commit.chain[..].try_into().ok()?))
}

/// Without those that were acknowledged meanwhile.
fn load_welcomes(
    storage: &mut dyn ReadStorage,
    welcomes: &[PendingWelcome],
) -> Result<Vec<(wire::WelcomeDelivery, Incarnations)>, StorageError> {
    let mut deliveries = Vec::with_capacity(welcomes.len());
    for PendingWelcome { channel, seq } in welcomes {
        let Some(bytes) = storage.welcome(channel, *seq)? else { continue };
        let delivery = former::read_delivery(&bytes);
        let mut delivery = delivery.map_err(|_| StorageError::Corrupt("welcome"))?;
        if !delivery.creating_hub.is_empty() && delivery.hub_votes.is_empty() {
            delivery.hub_votes = moves::votes_of_newest_move(storage, channel)?;
        }
        deliveries.push((delivery, storage.incarnations(channel)?));
    }
    Ok(deliveries)
}

//! Welcomes that wait for one device: pushed in order, and again on the next connection, until
//! the device says that it has stored them. One that the device can't use yet, and so doesn't
//! acknowledge, holds up no other.

use std::collections::HashSet;

use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{AcknowledgeWelcome, WelcomeDelivery};

use crate::hub::{self, ReadError, WelcomeWatch};
use crate::storage::{PendingWelcome, SideWrite};

/// Welcomes that are pushed before other things get their turn.
const PORTION: usize = 4;

/// The welcomes of one device on one subscription.
#[derive(Debug)]
pub(super) struct Welcomes {
    hub: hub::Handle,
    device: DeviceName,
    watch: WelcomeWatch,
    /// Pushed and not acknowledged.
    in_hand: HashSet<(ChannelId, Seq)>,
    may_have_more: bool,
    /// Whether others got their turn since the last portion.
    gave_way: bool,
}

impl Welcomes {
    /// Nothing was pushed yet.
    pub(super) fn new(hub: hub::Handle, device: DeviceName) -> Self {
        let watch = hub.watch_welcomes(device.clone());
        Self { hub, device, watch, in_hand: HashSet::new(), may_have_more: false, gave_way: false }
    }

    /// Waits until there may be another one. Between two portions it is once not ready, though
    /// the next one is there: whoever waits for this first lets others through. Cancel safe.
    pub(super) async fn changed(&mut self) {
        if !self.may_have_more {
            self.watch.changed().await;
        } else if !std::mem::replace(&mut self.gave_way, true) {
            tokio::task::yield_now().await;
        }
    }

    /// Those to be pushed now.
    pub(super) async fn due(&mut self) -> Result<Vec<WelcomeDelivery>, ReadError> {
        let (device, limit) = (self.device.clone(), self.in_hand.len() + PORTION);
        let pending = self.hub.query(move |storage| storage.pending_welcomes(&device, limit));
        let mut due = Vec::new();
        self.may_have_more = false;
        for PendingWelcome { channel, seq } in pending.await? {
            if due.len() == PORTION {
                break;
            }
            if self.in_hand.insert((channel, seq)) {
                due.extend(self.hub.welcome(channel, seq).await?);
            }
        }
        self.may_have_more = due.len() == PORTION;
        self.gave_way = false;
        Ok(due)
    }

    /// The device has stored one.
    pub(super) async fn taken(&mut self, taken: &AcknowledgeWelcome) -> Result<(), ReadError> {
        let id = taken.channel.as_ref().map(|id| ChannelId::try_from(&id.value[..]));
        let Some(Ok(channel)) = id else { return Ok(()) };
        let (device, seq) = (self.device.clone(), Seq(taken.seq));
        let write = SideWrite::WelcomeTaken { device, channel, seq };
        self.hub.store(vec![write]).await.map_err(|_| ReadError::Stopped)?;
        self.in_hand.remove(&(channel, seq));
        Ok(())
    }
}

//! Welcomes that wait for one device: pushed in order, and again on the next connection, until
//! the device says that it has stored them.

use std::collections::HashSet;

use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{AcknowledgeWelcome, WelcomeDelivery};

use crate::hub::{self, ReadError, WelcomeWatch};
use crate::storage::SideWrite;

/// Welcomes that a device may have in hand unacknowledged.
const WINDOW: usize = 4;

/// The welcomes of one device on one subscription.
#[derive(Debug)]
pub(super) struct Welcomes {
    hub: hub::Handle,
    device: DeviceName,
    watch: WelcomeWatch,
    in_hand: HashSet<(ChannelId, Seq)>,
}

impl Welcomes {
    /// Nothing was pushed yet.
    pub(super) fn new(hub: hub::Handle, device: DeviceName) -> Self {
        let watch = hub.watch_welcomes(device.clone());
        Self { hub, device, watch, in_hand: HashSet::new() }
    }

    /// Waits until there may be another one.
    pub(super) async fn changed(&mut self) {
        self.watch.changed().await;
    }

    /// Those to be pushed now.
    pub(super) async fn due(&mut self) -> Result<Vec<WelcomeDelivery>, ReadError> {
        if self.in_hand.len() >= WINDOW {
            return Ok(Vec::new());
        }
        let mut due = self.hub.pending_welcomes(self.device.clone(), WINDOW).await?;
        due.retain(|welcome| place_of(welcome).is_some_and(|place| self.in_hand.insert(place)));
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

fn place_of(welcome: &WelcomeDelivery) -> Option<(ChannelId, Seq)> {
    let channel = ChannelId::try_from(&welcome.channel.as_ref()?.value[..]).ok()?;
    Some((channel, Seq(welcome.commit.as_ref()?.seq)))
}

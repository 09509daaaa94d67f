//! Welcomes that wait for one device: pushed in order, and again on the next connection, until
//! the device says that it has stored them. One that the device can't use yet, and so doesn't
//! acknowledge, holds up no other.

use std::collections::{HashSet, VecDeque};

use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{AcknowledgeWelcome, WelcomeDelivery};

use crate::hub::{self, ReadError, WelcomeWatch};
use crate::storage::{PendingWelcome, SideWrite};

/// Welcomes that are pushed before other things get their turn.
const PORTION: usize = 4;

/// Welcomes that are looked up together: to find the next few of many costs as much as to find
/// more.
const AHEAD: usize = 256;

/// The welcomes of one device on one subscription.
#[derive(Debug)]
pub(super) struct Welcomes {
    hub: hub::Handle,
    device: DeviceName,
    watch: WelcomeWatch,
    /// Pushed and not acknowledged.
    in_hand: HashSet<(ChannelId, Seq)>,
    /// Found, and not pushed yet.
    backlog: VecDeque<PendingWelcome>,
    may_have_more: bool,
    /// Whether others got their turn since the last portion.
    gave_way: bool,
}

impl Welcomes {
    /// Nothing was pushed yet.
    pub(super) fn new(hub: hub::Handle, device: DeviceName) -> Self {
        let watch = hub.watch_welcomes(device.clone());
        let (in_hand, backlog) = (HashSet::new(), VecDeque::new());
        Self { hub, device, watch, in_hand, backlog, may_have_more: false, gave_way: false }
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
        let mut due = Vec::new();
        self.may_have_more = false;
        while due.len() < PORTION {
            if self.backlog.is_empty() {
                self.look().await?;
            }
            let Some(PendingWelcome { channel, seq }) = self.backlog.pop_front() else { break };
            self.in_hand.insert((channel, seq));
            due.extend(self.hub.welcome(channel, seq).await?);
        }
        self.may_have_more = due.len() == PORTION;
        self.gave_way = false;
        Ok(due)
    }

    async fn look(&mut self) -> Result<(), ReadError> {
        let (device, limit) = (self.device.clone(), self.in_hand.len() + AHEAD);
        let pending = self.hub.query(move |storage| storage.pending_welcomes(&device, limit));
        let in_hand = &self.in_hand;
        let is_new = |welcome: &PendingWelcome| !in_hand.contains(&(welcome.channel, welcome.seq));
        self.backlog.extend(pending.await?.into_iter().filter(is_new));
        Ok(())
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

//! Stranded devices: one asks to be put back, any other puts it back.

use std::time::Duration;

use enlace_channel::channel::{Channel, Standing};
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Seq};

use super::EngineError;
use super::events::{SPREAD, draw};
use super::turns;
use super::work::Work;
use crate::task::Task;

/// How long a stranded device waits for an item that shows that it is not stranded after all.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the officer whose change is said to be at fault lets the others go first.
const DEFERENCE: Duration = Duration::from_secs(30);

impl Work<'_> {
    /// Asks to be put back, if nothing shows before that it isn't needed. Those whom one change
    /// stranded do not all ask at once.
    pub(super) fn ask_back(&mut self, id: ChannelId, ask: Task) -> Result<(), EngineError> {
        let delay = PATIENCE + SPREAD.mul_f64(draw(self.me(), self.me()));
        self.enqueue_own(id, ask, delay)
    }

    /// A device that came along and still lacks something has another leaf since it asked: its request
    /// says nothing any more.
    pub(super) fn ask_back_by_the_present_leaf(
        &mut self,
        channel: &Channel,
    ) -> Result<(), EngineError> {
        let is_stranded = channel.standing() == Standing::Stranded;
        if is_stranded || channel.lacks_since().is_none() {
            return Ok(());
        }
        self.ask_back(channel.id(), Task::AskBack)
    }

    /// Everybody may put a device back, one after the other.
    pub(super) fn put_back(
        &mut self,
        channel: &Channel,
        device: &DeviceName,
        guilty: Option<&DeviceName>,
    ) -> Result<(), EngineError> {
        let rank = |other: &DeviceName| {
            let is_guilty = guilty.is_some_and(|guilty| guilty.officer() == other.officer());
            let rank = if is_guilty { DEFERENCE } else { Duration::ZERO };
            (other != device).then_some(rank)
        };
        let delay = turns::turn(self.me(), device.as_str(), channel.devices().iter(), rank);
        self.enqueue_own(channel.id(), Task::PutBack { device: device.clone() }, delay)
    }

    /// Whose change stands at a position, if one does and is here.
    pub(super) fn author_at(
        &self,
        id: ChannelId,
        seq: Seq,
    ) -> Result<Option<DeviceName>, EngineError> {
        let row = self.tx.item(id, seq)?;
        let envelope = row.as_ref().map(|row| row.item.sealed.envelope());
        Ok(envelope.filter(|it| it.kind.is_change()).and_then(|it| it.device().cloned()))
    }
}

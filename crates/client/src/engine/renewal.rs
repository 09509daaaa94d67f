//! Self-updates: a device that renews its keys in a channel heals from having been read. By age
//! and by how much it wrote, soon after it joined a large channel, when nothing else goes on, and
//! spread so that not all members come at once: [`rotation`] says when.

mod rotation;

use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::Seq;

use self::rotation::{Keys, Rotation, Traffic, Turn};
use super::work::Work;
use super::{Engine, EngineError};
use crate::store::{ChannelRow, ChannelStanding};
use crate::task::Task;

pub(super) use self::rotation::MOST_MESSAGES;

impl Engine {
    /// Puts a self-update in the outbox of every channel in which it is this device's turn.
    ///
    /// # Errors
    /// When the store fails.
    pub fn renew_keys(&mut self) -> Result<(), EngineError> {
        let mut looking = std::mem::take(&mut self.looking_for_quiet);
        let done = self.write(|work| {
            for row in work.tx.channels()? {
                let is_member =
                    matches!(row.standing, ChannelStanding::Provisional | ChannelStanding::Member);
                // Whoever follows the channel says what is wrong with it.
                let channel = if is_member { work.take(row.id).ok().flatten() } else { None };
                let Some(channel) = channel else { continue };
                if channel.policy().is_closed() {
                    work.keep(channel);
                    continue;
                }
                let turn = work.turn(&row, &channel, looking.get(&row.id).copied());
                work.keep(channel);
                match turn? {
                    Turn::Later => _ = looking.remove(&row.id),
                    Turn::Look => _ = looking.entry(row.id).or_insert(work.now()),
                    Turn::Now => {
                        looking.remove(&row.id);
                        work.enqueue_own(row.id, Task::SelfUpdate, Duration::ZERO)?;
                    }
                }
            }
            Ok(())
        });
        self.looking_for_quiet = looking;
        done
    }
}

/// In how long each member of a channel renews its keys.
pub(super) fn period(me: &DeviceName, channel: &Channel) -> Duration {
    Rotation::new(me, channel.id(), channel.devices().len()).period()
}

impl Work<'_> {
    fn turn(
        &self,
        row: &ChannelRow,
        channel: &Channel,
        looking_since: Option<Timestamp>,
    ) -> Result<Turn, EngineError> {
        let rotation = Rotation::new(self.me(), row.id, channel.devices().len());
        let keys = Keys {
            joined_at: row.joined_at,
            renewed_at: row.updated_at,
            messages: channel.own_messages_since_update(),
            has_outdated_leaf: channel.has_outdated_leaf(&self.ctx)?,
        };
        let newest = match channel.replica().next_seq().0.checked_sub(1) {
            Some(seq) => self.tx.item(row.id, Seq(seq))?,
            None => None,
        };
        let traffic = Traffic {
            newest: newest.map(|row| (row.item.seq, row.item.received_at)),
            has_queue: !self.tx.queued(Some(row.id))?.is_empty(),
            looking_since,
        };
        Ok(rotation.turn(self.now(), &keys, &traffic))
    }
}

//! Self-updates: a device that renews its keys in a channel heals from having been read. By age
//! and by how much it wrote, when nothing else is waiting, and spread so that not all members come
//! at once.

use std::time::Duration;

use enlace_identity::canonical::sha256;

use super::{Engine, EngineError};
use crate::store::ChannelStanding;
use crate::task::Task;

/// The oldest that a device's keys in a channel get, while it is used.
const AGE: Duration = Duration::from_secs(7 * 86_400);

/// How many items it encrypts before it renews them.
const MESSAGES: u64 = 1000;

/// Over how long members spread.
const SPREAD: Duration = Duration::from_secs(3600);

impl Engine {
    /// Puts a self-update in the outbox of every idle channel in which one is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn renew_keys(&mut self) -> Result<(), EngineError> {
        self.write(|work| {
            for row in work.tx.channels()? {
                let is_member =
                    matches!(row.standing, ChannelStanding::Provisional | ChannelStanding::Member);
                if !is_member || !work.tx.queued(Some(row.id))?.is_empty() {
                    continue;
                }
                // Whoever follows the channel says what is wrong with it.
                let Ok(Some(channel)) = work.take(row.id) else { continue };
                let is_old = work.now().since(row.updated_at) > AGE;
                let is_due = is_old || channel.own_messages_since_update() > MESSAGES;
                work.keep(channel);
                if is_due {
                    let draw = sha256(&[work.me().as_str().as_bytes(), &row.id.0].concat())[0];
                    work.enqueue_own(row.id, Task::SelfUpdate, SPREAD * draw.into() / 255)?;
                }
            }
            Ok(())
        })
    }
}

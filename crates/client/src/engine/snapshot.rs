//! Whether this store is the newest state of its device. A store that was set back to a copy would
//! use ratchet keys twice: such a device reads on, and writes nothing.

use super::{Engine, EngineError};
use crate::notice::Notice;
use crate::store::StoreError;

const SNAPSHOT: &str = "snapshot-restored";

impl Engine {
    /// Compares the relay's count of this device's encryptions with the store's. If the relay has
    /// seen more, the store is a copy of an earlier state, and the device must not encrypt.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_submit_counter(&mut self, relay: u64) -> Result<bool, EngineError> {
        let is_current = self.write::<_, EngineError>(|work| {
            let store = enlace_channel::channel::submit_counter(work.ctx.store)?.0;
            let is_current = relay <= store;
            let known = work.tx.setting(SNAPSHOT)?.is_some();
            if !is_current && !known {
                work.tx.put_setting(SNAPSHOT, Some(&format!("{relay} {store}")))?;
                work.note(None, None, Notice::SnapshotRestored { relay, store })?;
            }
            Ok(is_current && !known)
        })?;
        self.may_seal = is_current;
        Ok(is_current)
    }

    /// Whether the store was found to be a copy of an earlier state: the relay's count and the
    /// store's.
    ///
    /// # Errors
    /// When the store fails.
    pub fn snapshot(&mut self) -> Result<Option<(u64, u64)>, StoreError> {
        let setting = self.read(|tx| tx.setting(SNAPSHOT))?;
        Ok(setting.and_then(|text| {
            let (relay, store) = text.split_once(' ')?;
            Some((relay.parse().ok()?, store.parse().ok()?))
        }))
    }
}

//! Whether this store is the newest state of its device. A store that was set back to a copy would
//! use ratchet keys twice: such a device reads on, and writes nothing, until its officer says that it
//! is to take part again. Then it gives up all keys that may have been used, and is put back by the
//! others.

use enlace_channel::channel::{Channel, raise_submit_counter, submit_counter};
use enlace_channel::mls::Suite;
use enlace_log::{ChannelId, ItemKind, Seq, SubmitCounter};

use super::items::standing_of;
use super::key_packages::SUITES;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ChannelRow, ItemRow, OutboxRow, StoreError};
use crate::task::Task;

/// How many positions of a log are looked at together.
const BATCH: u64 = 256;

const SNAPSHOT: &str = "snapshot-restored";

/// What was [`SNAPSHOT`] when the device took part again.
const LOST: &str = "lost-counts";

/// What this store had counted before it opened channels that no relay has heard of yet.
const BEFORE_HELLO: &str = "count-before-hello";

/// How much more a relay can have seen of a device than its store knows of. A relay that says more
/// would have the device run out of numbers.
const MOST_LOST: u64 = 1 << 32;

/// Why a device does not take part again. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// Its store is the newest that there was.
    #[error("this device was not restored from a copy")]
    NotACopy,
    /// The relay has not seen so much.
    #[error("the relay says that it has seen {0} messages of this device, which can't be")]
    Count(u64),
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for ResumeError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Compares the relay's count of this device's encryptions with the store's. If the relay has
    /// seen more, the store is a copy of an earlier state, and the device must not encrypt.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_submit_counter(&mut self, relay: u64) -> Result<bool, EngineError> {
        self.seen_by_relay = Some(relay);
        let is_current = self.write::<_, EngineError>(|work| {
            let store = work.compared_count()?;
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
        Ok(self.read(|tx| tx.setting(SNAPSHOT))?.and_then(|text| counts_in(&text)))
    }

    /// Takes part again with a store that was set back, as its officer wishes: the keys of all groups
    /// are given up, the others put this device back with new ones, and the relay drops the key
    /// packages whose private keys may be lost. Who did not restore a copy has been copied, and has the
    /// device revoked instead.
    ///
    /// # Errors
    /// [`ResumeError`]; nothing has changed then.
    pub fn resume(&mut self) -> Result<Vec<ChannelId>, ResumeError> {
        let (relay, store) = self.snapshot()?.ok_or(ResumeError::NotACopy)?;
        if relay.saturating_sub(store) > MOST_LOST {
            return Err(ResumeError::Count(relay));
        }
        let resumed = self.write(|work| {
            raise_submit_counter(work.ctx.store, SubmitCounter(relay))
                .map_err(EngineError::from)?;
            work.tx.put_setting(LOST, work.tx.setting(SNAPSHOT)?.as_deref())?;
            work.tx.put_setting(SNAPSHOT, None)?;
            work.tx.put_setting(BEFORE_HELLO, None)?;
            work.lose_pools()?;
            work.give_up_all_keys(SubmitCounter(store))
        })?;
        if let Some(relay) = self.seen_by_relay {
            self.check_submit_counter(relay)?;
        }
        Ok(resumed)
    }

    /// Whether the relay is to drop the key packages of a suite that it has of this device.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_lost_pool(&mut self, suite: Suite) -> Result<bool, StoreError> {
        self.read(|tx| Ok(tx.setting(&lost_pool(suite))?.is_some()))
    }

    /// The relay has dropped them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pool_was_dropped(&mut self, suite: Suite) -> Result<(), StoreError> {
        self.write(|work| work.tx.put_setting(&lost_pool(suite), None))
    }

    /// The relay's count is known, and what is sent now raises it: it is not compared with an old one
    /// any more.
    pub(super) fn begin_to_send(&mut self) -> Result<(), StoreError> {
        let is_noted = self.read(|tx| tx.setting(BEFORE_HELLO))?.is_some();
        if self.may_seal && is_noted {
            self.write(|work| work.tx.put_setting(BEFORE_HELLO, None))?;
        }
        Ok(())
    }

    /// Another process has written: what it did may let this one write, too.
    pub(super) fn check_submit_counter_again(&mut self) -> Result<(), EngineError> {
        match self.seen_by_relay {
            Some(relay) if !self.may_seal => self.check_submit_counter(relay).map(drop),
            _ => Ok(()),
        }
    }
}

impl Work<'_> {
    /// Has the relay drop the key packages of this device that it has, and get others.
    pub(super) fn lose_pools(&self) -> Result<(), StoreError> {
        for suite in SUITES {
            self.tx.put_setting(&lost_pool(suite), Some(""))?;
        }
        Ok(())
    }

    /// What is opened before the relay's count is known raises this store's, and says nothing of what
    /// a copy lacks.
    pub(super) fn note_count_before_hello(&self) -> Result<(), EngineError> {
        if !self.may_seal && self.tx.setting(BEFORE_HELLO)?.is_none() {
            let count = submit_counter(self.ctx.store)?.0.to_string();
            self.tx.put_setting(BEFORE_HELLO, Some(&count))?;
        }
        Ok(())
    }

    /// Whether this device encrypted something under that count since its store's copy was made, and does
    /// not know of it.
    pub(super) fn is_of_the_lost_time(&self, count: SubmitCounter) -> Result<bool, StoreError> {
        let lost = match self.tx.setting(SNAPSHOT)? {
            Some(lost) => Some(lost),
            None => self.tx.setting(LOST)?,
        };
        let lost = lost.and_then(|text| counts_in(&text));
        Ok(lost.is_some_and(|(relay, store)| store < count.0 && count.0 <= relay))
    }

    fn compared_count(&self) -> Result<u64, EngineError> {
        match self.tx.setting(BEFORE_HELLO)? {
            Some(count) => Ok(count.parse().map_err(|_| StoreError::Corrupt("count"))?),
            None => Ok(submit_counter(self.ctx.store)?.0),
        }
    }

    fn give_up_all_keys(&mut self, copied: SubmitCounter) -> Result<Vec<ChannelId>, ResumeError> {
        let mut given_up = Vec::new();
        for row in self.tx.channels()? {
            if self.was_opened_after(row.id, copied)? {
                continue;
            }
            let channel = self.take(row.id).map_err(EngineError::from)?;
            let Some(mut channel) = channel else { continue };
            let (since, lacks) = self.lacks_since(&channel)?;
            let is_in = channel.give_up_keys(&self.ctx, since, lacks);
            let is_in = is_in.map_err(EngineError::from)?;
            let (id, standing) = (row.id, standing_of(&channel));
            self.keep(channel);
            if !is_in {
                continue;
            }
            self.ask_for_acts_anew(id)?;
            // It asks to be put back when it is served again.
            if self.is_taken_for_out(id)? {
                continue;
            }
            self.tx.put_channel(&ChannelRow { standing, ..row })?;
            self.ask_back(id, Task::AskBack)?;
            self.tell(ClientEvent::Channel(id));
            given_up.push(id);
        }
        Ok(given_up)
    }
}

impl Work<'_> {
    /// The position after which this device may lack something: before the first entry of its own that it
    /// does not know; and whether there is one. It is a position where no change stands, if there is any:
    /// nobody is at fault.
    fn lacks_since(&self, channel: &Channel) -> Result<(Seq, bool), StoreError> {
        let (id, first, end) = (channel.id(), channel.member_since(), channel.replica().next_seq());
        let (mut since, mut next) = (first, first);
        while next < end {
            let last = Seq(next.0 + BATCH).min(end);
            for ItemRow { item, .. } in self.tx.items(id, next, last)? {
                let envelope = item.sealed.envelope();
                let is_own = envelope.device() == Some(self.me());
                if is_own
                    && envelope.kind == ItemKind::Entry
                    && self.tx.entry_of(id, self.me(), envelope.client_id)?.is_none()
                    && self.row_of(envelope.client_id)?.is_none()
                {
                    return Ok((since, true));
                }
                if !envelope.kind.is_change() {
                    since = item.seq;
                }
            }
            next = last.next();
        }
        Ok((since, false))
    }

    /// Whether a channel was opened here since the copy was put in place, and the relay has not heard of it:
    /// its keys are new.
    fn was_opened_after(&self, id: ChannelId, copied: SubmitCounter) -> Result<bool, StoreError> {
        let rows = self.tx.queued(Some(id))?;
        let mut counts = rows.iter().filter(|row| is_creation(&row.task)).filter_map(count_of);
        Ok(counts.any(|count| count > copied))
    }

    /// What this device does not remember to have sent stands in the log under its id, and the hub takes
    /// nothing else under that. An entry is known by its content; whatever else waits is made anew.
    fn ask_for_acts_anew(&mut self, id: ChannelId) -> Result<(), StoreError> {
        let acts = self.tx.queued(Some(id))?.into_iter();
        for mut row in acts.filter(|row| row.signed.is_none() && !is_creation(&row.task)) {
            row.sealed = None;
            row.task.forget_key_packages();
            row.client_id = self.go_on_under_another_id(&row)?;
            self.tx.update_outbox(&row)?;
        }
        Ok(())
    }
}

/// The count with which something was encrypted.
fn count_of(row: &OutboxRow) -> Option<SubmitCounter> {
    let envelope = row.sealed.as_ref()?.request.envelope.as_ref()?;
    Some(SubmitCounter(envelope.submit_counter))
}

/// The relay's count and the store's.
fn counts_in(text: &str) -> Option<(u64, u64)> {
    let (relay, store) = text.split_once(' ')?;
    Some((relay.parse().ok()?, store.parse().ok()?))
}

fn is_creation(task: &Task) -> bool {
    matches!(task, Task::Create { .. })
}

fn lost_pool(suite: Suite) -> String {
    format!("lost-pool-{}", suite.code())
}

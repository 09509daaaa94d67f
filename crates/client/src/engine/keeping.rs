//! How long an authority keeps its copies: for so many days after closing, or while its hold lasts.

use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::rules::{Act, PolicyField};
use enlace_identity::bundle::LeafUsage;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Item, Seq};

use super::events::draw;
use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError};
use crate::notice::Notice;
use crate::store::{ErasedBecause, OutboxState, StoreError};
use crate::task::Task;

/// Over how long the devices of an authority spread what any of them can have the relays erase.
const SPREAD: Duration = Duration::from_secs(3600);

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Engine {
    /// Erases what this authority keeps no longer, and has the relays erase what the authority
    /// wrote; gives up waiting where this device was put out long ago. Nothing happens while the device's clock is outside of its own certificate's time: who
    /// set it wrong loses nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expire(&mut self) -> Result<(), EngineError> {
        let chain = &self.device.chain;
        let is_clock_right = self.trust.verify_chain(chain, &[LeafUsage::Device]).is_ok();
        if !is_clock_right {
            return Ok(());
        }
        self.end_those_put_out()?;
        let closed = self.read(|tx| {
            let mut closed = Vec::new();
            for row in tx.channels()? {
                closed.extend(tx.setting(&closed_setting(row.id))?.map(|_| row.id));
            }
            Ok(closed)
        })?;
        for id in closed {
            match self.write(|work| work.expire(id)) {
                Err(error) if error.of_one_channel().is_some() => {
                    tracing::warn!(channel = %id, %error, "nothing of a channel can expire");
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// As [`Self::expire`], once a day.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expire_daily(&mut self) -> Result<(), EngineError> {
        let now = self.trust.now();
        if self.expired_at.is_some_and(|at| now < at.plus(DAY) && at <= now) {
            return Ok(());
        }
        self.expired_at = Some(now);
        self.forget_share_keys()?;
        self.expire()
    }
}

impl Work<'_> {
    /// Keeps when a channel was closed, and erases what a hold has kept until it was lifted.
    pub(super) fn note_keeping(
        &mut self,
        channel: &Channel,
        item: &Item,
        acts: &[Act],
    ) -> Result<(), EngineError> {
        let id = channel.id();
        let policy = channel.policy();
        let own = policy.present(self.me().domain()).clone();
        let days = policy.retention().get(&own).map(ToString::to_string);
        for act in acts {
            match act {
                Act::Closed => {
                    let at = item.received_at.as_millis().to_string();
                    self.tx.put_setting(&closed_setting(id), Some(&at))?;
                    self.tx.put_setting(&days_setting(id), days.as_deref())?;
                }
                Act::PolicyChanged(PolicyField::Retention(_)) => {
                    self.tx.put_setting(&days_setting(id), days.as_deref())?;
                }
                Act::Reopened => self.tx.put_setting(&closed_setting(id), None)?,
                Act::PolicyChanged(PolicyField::Hold { authority, placed })
                    if *authority == own =>
                {
                    let held = placed.then_some("1");
                    self.tx.put_setting(&hold_setting(id), held)?;
                    if !placed {
                        self.erase_all_withdrawn(id)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether whoever could open a channel has changed it since it was closed, while this device had no keys.
    fn may_have_been_opened(&self, channel: &Channel, by: &Item) -> Result<bool, StoreError> {
        let mut next = by.seq;
        while let Some(last) = next.0.checked_sub(1).map(Seq)
            && let Some(seq) = self.tx.newest_commit(channel.id(), last)?
            && channel.has_missed(seq)
        {
            let Some(item) = self.tx.item(channel.id(), seq)?.map(|row| row.item) else {
                return Ok(true);
            };
            if self.closed_at(channel.id())?.is_some_and(|closed| item.received_at <= closed) {
                break;
            }
            let may_open =
                |author: &DeviceName| channel.policy().may_close(author.officer(), by.received_at);
            if item.sealed.envelope().device().is_none_or(may_open) {
                return Ok(true);
            }
            next = seq;
        }
        Ok(false)
    }

    /// Whoever comes into a channel comes under the hold that lasts, and into one that is open; whoever is
    /// put back may not know when it was closed, and counts from then on.
    pub(super) fn keep_as_joined(
        &mut self,
        channel: &Channel,
        by: &Item,
    ) -> Result<(), StoreError> {
        let policy = channel.policy();
        let own = policy.present(self.me().domain());
        let known = self.tx.setting(&closed_setting(channel.id()))?;
        let closed_at = match known {
            _ if !policy.is_closed() => None,
            Some(known) if !self.may_have_been_opened(channel, by)? => Some(known),
            _ => Some(by.received_at.as_millis().to_string()),
        };
        self.tx.put_setting(&closed_setting(channel.id()), closed_at.as_deref())?;
        let days = policy.retention().get(own).map(ToString::to_string);
        self.tx.put_setting(&days_setting(channel.id()), days.as_deref())?;
        let is_held = policy.holds().contains(own);
        let held = is_held.then_some("1");
        self.tx.put_setting(&hold_setting(channel.id()), held)
    }

    /// Whether this authority keeps its copies of a channel for now.
    pub(super) fn is_held(&self, id: ChannelId) -> Result<bool, StoreError> {
        Ok(self.tx.setting(&hold_setting(id))?.is_some())
    }

    fn expire(&mut self, id: ChannelId) -> Result<(), EngineError> {
        let Some(closed_at) = self.closed_at(id)? else { return Ok(()) };
        // Of what a backup brought there is no channel: only what was kept of it.
        let is_open = match self.take(id)? {
            Some(channel) => {
                let is_open = !channel.policy().is_closed();
                self.keep(channel);
                is_open
            }
            None => false,
        };
        let days = self.tx.setting(&days_setting(id))?.and_then(|days| days.parse::<u32>().ok());
        let Some(days) = days.filter(|_| !is_open) else { return Ok(()) };
        if self.now() < closed_at.plus(DAY * days) || self.is_held(id)? {
            return Ok(());
        }
        let mut erased = 0;
        let (mut own, mut colleagues) = (Vec::new(), Vec::new());
        for row in self.tx.entries(id, Seq(0), usize::MAX)? {
            let entry = reload(&row.signed)?;
            if !entry.is_erased() && !entry.parts().is_empty() {
                self.erase(&row, &entry, ErasedBecause::Expired, None)?;
                erased += 1;
            }
            if row.author.officer() == self.me().officer() {
                own.push(row.seq);
            } else if self.ctx.bundle.are_one(row.author.domain(), self.me().domain()) {
                colleagues.push(row.seq);
            }
        }
        erased += self.expire_unlogged(id)?;
        if erased > 0 {
            self.note(Some(id), None, Notice::Expired { entries: erased })?;
        }
        self.have_expired(id, &own, Duration::ZERO)?;
        let wait = SPREAD.mul_f64(draw(self.me(), self.me()));
        self.have_expired(id, &colleagues, wait)
    }

    /// Erases what has no place in the log: what the log has lost, and what will never be sent; how
    /// many entries.
    fn expire_unlogged(&mut self, id: ChannelId) -> Result<u64, EngineError> {
        let lost = self.tx.superseded_entries(id)?.into_iter().map(|row| row.signed);
        let unsent = self.tx.unlogged_entries(id)?.into_iter();
        let unsent = unsent.filter(|row| row.state != OutboxState::Queued);
        let mut erased = 0;
        for signed in lost.chain(unsent.filter_map(|row| row.signed)) {
            let entry = reload(&signed)?;
            if !entry.is_erased() && !entry.parts().is_empty() {
                self.erase_content(&entry, ErasedBecause::Expired, None)?;
                erased += 1;
            }
        }
        Ok(erased)
    }

    /// Has the relays erase what was not named yet.
    fn have_expired(
        &mut self,
        id: ChannelId,
        places: &[Seq],
        wait: Duration,
    ) -> Result<(), EngineError> {
        let places: Vec<u64> = places.iter().map(|seq| seq.0).collect();
        let erased = self.still_erased(id, &places)?;
        for erased in erased.chunks(enlace_log::Tombstone::MAX) {
            let places = erased.iter().map(|(seq, _)| seq.0).collect();
            self.enqueue_own(id, Task::Erase { places }, wait)?;
        }
        Ok(())
    }

    fn closed_at(&self, id: ChannelId) -> Result<Option<Timestamp>, StoreError> {
        let setting = self.tx.setting(&closed_setting(id))?;
        Ok(setting.and_then(|text| text.parse().ok()).map(Timestamp::from_millis))
    }
}

fn closed_setting(id: ChannelId) -> String {
    format!("closed/{id}")
}

fn days_setting(id: ChannelId) -> String {
    format!("days/{id}")
}

fn hold_setting(id: ChannelId) -> String {
    format!("hold/{id}")
}

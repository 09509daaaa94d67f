//! From what an item meant to what is stored of it.

use std::time::Duration;

use enlace_channel::channel::{Channel, Event};
use enlace_channel::entry::{EntryKind, VerifiedEntry};
use enlace_channel::policy::Role;
use enlace_channel::rules::Act;
use enlace_identity::canonical::sha256;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Item, ItemKind};

use super::EngineError;
use super::items::Batch;
use super::settle::entry_row;
use super::turns;
use super::work::Work;
use crate::event::ClientEvent;
use crate::notice::{Author, ChangeAct, Notice};
use crate::task::Task;

/// Over how long those spread who each do something of their own at the same event.
pub(super) const SPREAD: Duration = Duration::from_secs(3);

/// From 0 to 1, for each member another number: when `me` does what concerns `device`.
pub(super) fn draw(me: &DeviceName, device: &DeviceName) -> f64 {
    let hash = sha256([me.as_str(), device.as_str()].join("\n").as_bytes());
    f64::from(u16::from_be_bytes([hash[0], hash[1]])) / f64::from(u16::MAX)
}

impl Work<'_> {
    /// Stores what an event says. `channel` stands after it.
    pub(super) fn apply(
        &mut self,
        channel: &Channel,
        item: &Item,
        event: Event,
        batch: &mut Batch,
    ) -> Result<(), EngineError> {
        let id = channel.id();
        let notice = match event {
            Event::Entry(entry) => return self.store_entry(channel, item, &entry, batch),
            Event::OwnEntry(client_id) => {
                self.settle_in_log(client_id, item)?;
                if let Some(row) = self.tx.entry_of(id, self.me(), client_id)? {
                    self.note_demoted(channel, &row)?;
                }
                if item.sealed.envelope().kind == ItemKind::Stranded {
                    self.ask_back_by_the_present_leaf(channel)?;
                }
                return Ok(());
            }
            Event::Changed { by, acts, own } => {
                batch.forget_members();
                if let Some(client_id) = own {
                    self.settle_in_log(client_id, item)?;
                    self.renewed(id)?;
                    self.ask_back_by_the_present_leaf(channel)?;
                    for act in &acts {
                        if let Act::DeviceAdded { device } = act {
                            self.device_came_in(id, device)?;
                        }
                    }
                }
                self.note_keeping(channel, item, &acts)?;
                if acts.contains(&Act::Reopened) {
                    self.add_other_devices(channel)?;
                }
                for act in &acts {
                    self.plan_share(channel, item.seq, &by, act)?;
                }
                let acts = acts.into_iter().map(ChangeAct::from).collect();
                Notice::Changed { by, acts }
            }
            Event::Bundles(signed) => return self.take_bundles(&signed),
            Event::Void { author, reason } => {
                batch.own_commit_was_void |= author.device() == self.me();
                Notice::VoidChange { author: Author::from(&author), reason }
            }
            Event::Unreadable { .. }
                if self.restore_superseded(id, item)? || self.settle_sent_before(item)? =>
            {
                return Ok(());
            }
            Event::Unreadable { author, reason } => {
                Notice::Unreadable { author: Author::from(&author), reason }
            }
            Event::ErasedAtRelays { by, erased } => {
                return self.note_tombstone(channel, item, &by, &erased);
            }
            Event::WithoutContent(author) => {
                return self.keep_without_content(id, item, &author, batch);
            }
            Event::CommitLost(client_id) => {
                return self.lose_commit(client_id, batch.own_commit_was_void);
            }
            Event::LeaveRequested(by) => {
                if by == *self.me() {
                    self.settle_in_log(item.sealed.envelope().client_id, item)?;
                } else {
                    self.carry_out_leave(channel, &by)?;
                }
                Notice::LeaveRequested { by }
            }
            Event::Contested { by, commit } => Notice::Contested { by, commit: commit.0 },
            Event::ContestDue(commit) => {
                return self.enqueue_own(id, Task::Contest { commit: commit.0 }, Duration::ZERO);
            }
            Event::Removed { by } => {
                self.abandon_queue(id)?;
                Notice::Removed { by }
            }
            Event::BackRequested { device, since } => {
                let guilty = self.author_at(id, since)?;
                if device == *self.me() {
                    self.settle_in_log(item.sealed.envelope().client_id, item)?;
                } else {
                    self.put_back(channel, &device, guilty.as_ref())?;
                }
                self.rescue_if_all_are_stranded(channel)?;
                Notice::BackRequested { device, since: since.0, guilty }
            }
            Event::Stranded { by } => {
                self.ask_back(id, Task::AskBack)?;
                let role = self.own_role(channel.policy());
                let may_rescue = role.is_some_and(Role::is_lead) && by != *self.me();
                Notice::Stranded { by, may_rescue }
            }
            Event::LockedOut { succession } => {
                return self.ask_back(id, Task::AskBackInto { succession: succession.0 });
            }
            Event::RequestLapsed => {
                for group in channel.locked_out() {
                    self.ask_back(id, Task::AskBackInto { succession: group.0 })?;
                }
                return self.ask_back(id, Task::AskBack);
            }
            Event::LeftOut { by } => Notice::LeftOut { by },
            Event::Resumed => {
                if channel.lacks_since().is_some() {
                    self.ask_back(id, Task::AskBack)?;
                }
                Notice::Resumed
            }
            Event::Confirmed => Notice::Confirmed,
            Event::Moved { from, to } => {
                self.end_votes(id, &to)?;
                // A bundle that the former hub stood in the way of can be followed now.
                self.tell(ClientEvent::Channel(id));
                Notice::Moved { from: from.to_string(), to: to.to_string() }
            }
            // The notice of the move says it all.
            Event::HubBeganAnew(statement)
                if statement.taken_over.is_some() && statement.lost.is_none() =>
            {
                return Ok(());
            }
            Event::HubBeganAnew(statement) => Notice::HubBeganAnew {
                hub: channel.hub().to_string(),
                brought_back: statement.held.map_or(0, |held| held.0 + 1) < item.seq.0,
                lost_until: statement.lost.map(|head| head.as_signed().unverified_head().seq.0),
                unheard: statement.unheard.iter().map(ToString::to_string).collect(),
            },
            Event::NeedsNewerVersion => Notice::NeedsNewerVersion,
            Event::HeadKeyMissing(signer) => {
                batch.missing_head_keys.push(signer);
                return Ok(());
            }
            Event::FalseQuote(by) => Notice::FalseQuote { by },
            Event::Contradiction(head) => {
                batch.contradictions.push(*head);
                return Ok(());
            }
        };
        Ok(self.note(Some(id), Some((item.seq, item.received_at)), notice)?)
    }

    fn store_entry(
        &mut self,
        channel: &Channel,
        item: &Item,
        entry: &VerifiedEntry,
        batch: &mut Batch,
    ) -> Result<(), EngineError> {
        let author = &entry.header().author;
        if entry.header().kind == EntryKind::HistoryShare {
            return self.take_share(channel, item, entry);
        }
        let certificate = batch.keep_certificates(self.tx, channel, author)?;
        let row = entry_row(item, entry.as_signed(), certificate);
        if self.tx.put_entry(&row)? {
            self.note_demoted(channel, &row)?;
            self.tell(ClientEvent::Entry { channel: row.channel, seq: row.seq });
            self.take_effect(&row)?;
            if let Some(list) = entry.as_signed().list()
                && let Err(error) = self.trust.insert_crl(list)
            {
                tracing::debug!(%author, %error, "a list in a channel was not taken");
            }
            self.note_confirmations(channel, item, entry)?;
        }
        self.note_statement(channel, item, entry)?;
        if entry.needs_newer_version() {
            let place = Some((item.seq, item.received_at));
            self.note(Some(row.channel), place, Notice::NeedsNewerVersion)?;
        }
        Ok(())
    }

    /// Everybody who stays may carry out a wish to leave, one after the other.
    fn carry_out_leave(
        &mut self,
        channel: &Channel,
        device: &DeviceName,
    ) -> Result<(), EngineError> {
        let task = Task::CarryOutLeave { device: device.clone() };
        let stays =
            |other: &DeviceName| (other.officer() != device.officer()).then_some(Duration::ZERO);
        let delay = turns::turn(self.me(), device.as_str(), channel.devices().iter(), stays);
        self.enqueue_own(channel.id(), task, delay)
    }

    fn renewed(&mut self, id: ChannelId) -> Result<(), EngineError> {
        if let Some(mut row) = self.tx.channel(id)? {
            row.updated_at = self.now();
            self.tx.put_channel(&row)?;
        }
        Ok(())
    }
}

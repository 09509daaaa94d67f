//! What is left of shares when they have done their work: nothing. Who shared keeps no share that holds
//! what was erased since; who was put back keeps no key under which shares can be opened.

use std::collections::BTreeSet;
use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::history::HistoryShare;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, ClientId, ItemKind, Seq};

use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError};
use crate::store::{OutboxRow, OutboxState, StoreError};
use crate::task::Task;

/// How long a device that was put back waits for colleagues who were away to share what it missed.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);

impl Engine {
    /// Forgets the keys for shares that nobody waits for any more.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn forget_share_keys(&mut self) -> Result<(), EngineError> {
        for row in self.read(|tx| tx.channels())? {
            let done = self.write::<_, EngineError>(|work| {
                let Some(channel) = work.take(row.id)? else { return Ok(()) };
                work.forget_share_keys(&channel)?;
                work.keep(channel);
                Ok(())
            });
            match done {
                Err(EngineError::Channel(error)) => {
                    tracing::warn!(channel = %row.id, %error, "keys of shares stay");
                }
                done => done?,
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Forgets each key under which everything has come, or nothing comes any more.
    pub(super) fn forget_share_keys(&mut self, channel: &Channel) -> Result<(), EngineError> {
        for (from, to, leaf) in channel.share_keys(&self.ctx)? {
            let back = self.tx.item(channel.id(), to)?.map(|row| row.item.received_at);
            let is_late = back.is_none_or(|back| self.now() >= back.plus(PATIENCE));
            if is_late || self.has_all(channel.id(), from, to)? {
                channel.forget_share_key(&self.ctx, &leaf)?;
                self.tx.note_residue()?;
                self.has_erased = true;
            }
        }
        Ok(())
    }

    /// Whether every entry between two positions is here.
    fn has_all(&self, id: ChannelId, from: Seq, to: Seq) -> Result<bool, EngineError> {
        Ok(self.unread(id, from, to)?.is_empty())
    }

    /// Where entries stand between two positions that are not here.
    pub(super) fn unread(
        &self,
        id: ChannelId,
        from: Seq,
        to: Seq,
    ) -> Result<BTreeSet<Seq>, EngineError> {
        let items = self.tx.items(id, from, to)?.into_iter();
        let said = items.filter(|row| row.item.sealed.envelope().kind == ItemKind::Entry);
        let mut said: BTreeSet<Seq> = said.map(|row| row.item.seq).collect();
        for row in self.tx.entries(id, from, usize::MAX)?.into_iter().take_while(|r| r.seq <= to) {
            said.remove(&row.seq);
        }
        Ok(said)
    }

    /// Keeps what a share was made of, as long as it waits.
    pub(super) fn keep_origin(
        &self,
        client_id: ClientId,
        (device, since, share_key): (DeviceName, u64, String),
        (from, to): (Seq, Seq),
    ) -> Result<(), StoreError> {
        let task = Task::ShareHistory { device, since, from: from.0, to: to.0, share_key };
        let task =
            serde_json::to_string(&task).map_err(|error| StoreError::Engine(Box::new(error)))?;
        self.tx.put_setting(&origin_setting(client_id), Some(&task))
    }

    /// A share, if it is one, has its place, or never will: nothing of it stays.
    pub(super) fn forget_origin(&mut self, client_id: ClientId) -> Result<(), StoreError> {
        let setting = origin_setting(client_id);
        if self.tx.setting(&setting)?.is_some() {
            self.tx.put_setting(&setting, None)?;
            self.tx.note_residue()?;
            self.has_erased = true;
        }
        Ok(())
    }

    /// Makes shares anew that wait to be sent and hold what was just erased.
    pub(super) fn share_anew_without(
        &mut self,
        id: ChannelId,
        erased: Seq,
    ) -> Result<(), EngineError> {
        for row in self.tx.queued(Some(id))? {
            let (Task::Entry, Some(signed)) = (&row.task, &row.signed) else { continue };
            let Some(share) = HistoryShare::of(&reload(signed)?) else { continue };
            if !(share.from..=share.to).contains(&erased) {
                continue;
            }
            let origin = self.tx.setting(&origin_setting(row.client_id))?;
            let reason = "something that it shared was withdrawn".to_owned();
            let state = OutboxState::Failed(reason);
            self.tx.update_outbox(&OutboxRow { signed: None, sealed: None, state, ..row })?;
            self.forget_origin(row.client_id)?;
            if let Some(task) = origin.and_then(|task| serde_json::from_str(&task).ok()) {
                self.put_own(id, task, Duration::ZERO)?;
            }
        }
        Ok(())
    }
}

fn origin_setting(client_id: ClientId) -> String {
    format!("share/{client_id}")
}

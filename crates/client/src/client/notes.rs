//! Writing and reading.

use std::time::Duration;

use enlace_log::{ChannelId, ClientId, Seq};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::Client;
use super::views::EntryView;
use crate::engine::{EngineError, NewNote, PostError};
use crate::store::{NoticeRow, OutboxState, StoreError};
use crate::sync::SyncError;

/// How often the store is looked at while waiting, for another process may be the one that sends.
const LOOK: Duration = Duration::from_millis(200);

/// What became of something that was waited for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Waited {
    /// It has its place in the log; an act that was no longer needed has none.
    Accepted(Option<Seq>),
    /// It will never be sent, for this reason.
    Failed(String),
    /// Not yet: it stays in the outbox.
    Queued,
}

/// Why waiting made no sense.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Nothing of that client id was ever asked for.
    #[error("nothing with this client id is in the outbox")]
    Unknown,
    /// No sync is possible.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Client {
    /// Signs a note and puts it in the outbox, from which it is sent whatever happens. Durable
    /// when it returns. The same client id again is the same note.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn post(&self, channel: ChannelId, note: NewNote) -> Result<ClientId, PostError> {
        let client_id = self.with_engine(|engine| engine.post(channel, note))?;
        self.wake();
        Ok(client_id)
    }

    /// Signs a correction of the officer's own entry at a place: what it says counts from then on.
    /// Durable when it returns.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn correct(
        &self,
        channel: ChannelId,
        place: Seq,
        note: NewNote,
    ) -> Result<ClientId, PostError> {
        let client_id = self.with_engine(|engine| engine.correct(channel, place, note))?;
        self.wake();
        Ok(client_id)
    }

    /// Withdraws the officer's own entry at a place, with all that corrects it. Each member erases
    /// what it said once the withdrawal reaches it. The text says why, and may be empty. Durable when
    /// it returns.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn withdraw(
        &self,
        channel: ChannelId,
        place: Seq,
        why: NewNote,
    ) -> Result<ClientId, PostError> {
        let client_id = self.with_engine(|engine| engine.withdraw(channel, place, why))?;
        self.wake();
        Ok(client_id)
    }

    /// Waits until something that was asked for has its place in the log, or never will, or the
    /// time is over. Somebody has to sync meanwhile.
    ///
    /// # Errors
    /// [`WaitError`].
    pub async fn wait_accepted(
        &self,
        client_id: ClientId,
        limit: Duration,
    ) -> Result<Waited, WaitError> {
        let mut events = self.events();
        let deadline = Instant::now() + limit;
        loop {
            match self.state_of(client_id)? {
                OutboxState::Accepted(seq) => return Ok(Waited::Accepted(seq)),
                OutboxState::Failed(reason) => return Ok(Waited::Failed(reason)),
                OutboxState::Queued if Instant::now() >= deadline => return Ok(Waited::Queued),
                OutboxState::Queued => {}
            }
            let until = deadline.min(Instant::now() + LOOK);
            // Whatever happened, the store tells.
            if let Ok(Err(RecvError::Closed)) = tokio::time::timeout_at(until, events.recv()).await
            {
                return Ok(Waited::Queued);
            }
        }
    }

    /// Syncs until something that was asked for has its place in the log, or never will, or the
    /// time is over. Where this client syncs already, only waits.
    ///
    /// # Errors
    /// [`WaitError`].
    pub async fn send_now(
        &self,
        client_id: ClientId,
        limit: Duration,
    ) -> Result<Waited, WaitError> {
        let sync = async {
            match self.run_sync().await {
                Err(error) if !matches!(error, SyncError::Running) => error,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            waited = self.wait_accepted(client_id, limit) => waited,
            error = sync => Err(error.into()),
        }
    }

    /// Where something that was asked for stands.
    ///
    /// # Errors
    /// [`WaitError`].
    pub fn state_of(&self, client_id: ClientId) -> Result<OutboxState, WaitError> {
        let state = self.with_engine(|engine| engine.state_of(client_id))?;
        state.ok_or(WaitError::Unknown)
    }

    /// Entries from a position on, in the log's order; after them this device's own that have no
    /// place yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn read(
        &self,
        channel: ChannelId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<EntryView>, EngineError> {
        self.with_engine(|engine| engine.entries(channel, from, limit))
    }

    /// At most `limit` notices above a number, of one channel or of all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn notices(
        &self,
        channel: Option<ChannelId>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NoticeRow>, StoreError> {
        self.with_engine(|engine| engine.read(|tx| tx.notices(channel, after, limit)))
    }
}

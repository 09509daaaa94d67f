//! Asking, answering and pinning in forums.

use enlace_channel::entry::TimeZone;
use enlace_channel::mls::Suite;
use enlace_log::{ChannelId, ClientId, Seq};

use super::Client;
use crate::engine::{CreateChannelError, EngineError, NewChannel, NewNote, PostError, Thread};

impl Client {
    /// Opens a forum, owned by this officer and ordered by the own authority's relay.
    ///
    /// # Errors
    /// [`CreateChannelError`]; nothing has changed then.
    pub fn create_forum(
        &self,
        new: NewChannel,
        suite: Suite,
    ) -> Result<ChannelId, CreateChannelError> {
        let created = self.with_engine(|engine| engine.create_forum(new, suite))?;
        self.wake();
        Ok(created)
    }

    /// Asks something of a forum's guides. Durable when it returns.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn ask(&self, channel: ChannelId, note: NewNote) -> Result<ClientId, PostError> {
        let client_id = self.with_engine(|engine| engine.ask(channel, note))?;
        self.wake();
        Ok(client_id)
    }

    /// Answers the question at a place. Durable when it returns.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn answer_question(
        &self,
        channel: ChannelId,
        question: Seq,
        note: NewNote,
    ) -> Result<ClientId, PostError> {
        let client_id =
            self.with_engine(|engine| engine.answer_question(channel, question, note))?;
        self.wake();
        Ok(client_id)
    }

    /// Puts the entry at a place on top of a forum, or takes it down. Durable when it returns.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn pin(
        &self,
        channel: ChannelId,
        entry: Seq,
        pinned: bool,
        time_zone: TimeZone,
    ) -> Result<ClientId, PostError> {
        let client_id = self.with_engine(|e| e.pin(channel, entry, pinned, time_zone))?;
        self.wake();
        Ok(client_id)
    }

    /// A forum's questions with their answers, what is pinned first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn threads(&self, channel: ChannelId) -> Result<Vec<Thread>, EngineError> {
        self.with_engine(|engine| engine.threads(channel))
    }
}

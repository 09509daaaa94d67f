//! An officer at work: an open profile, and the sync that keeps it in touch.

use std::time::Duration;

use enlace_channel::entry::TimeZone;
use enlace_client::Client;
use enlace_client::client::{EntryState, EntryView, Waited};
use enlace_client::engine::NewNote;
use enlace_identity::keys::Passphrase;
use enlace_log::{ChannelId, ClientId, Seq};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::off_thread;
use crate::failure::{Explain as _, Failure};
use crate::training::TrainingOfficer;

/// Whatever has not happened by then never will.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// No demonstration has more entries in one channel.
const ALL: usize = 1_000_000;

/// An officer of the demonstration.
pub(super) struct Officer {
    pub(super) client: Client,
    common_name: String,
    sync: Option<JoinHandle<()>>,
}

impl Officer {
    pub(super) async fn open(
        officer: &TrainingOfficer,
        passphrase: &Passphrase,
    ) -> Result<Self, Failure> {
        let (dir, passphrase) = (officer.profile_dir().to_owned(), passphrase.clone());
        let client = off_thread(move || Ok(Client::open(&dir, &passphrase)?)).await?;
        Ok(Self { client, common_name: officer.common_name().to_owned(), sync: None })
    }

    /// The first of the officer's names.
    pub(super) fn first_name(&self) -> &str {
        self.common_name.split(' ').next().unwrap_or(&self.common_name)
    }

    /// Connects for a moment, so that others find what they need to admit this officer.
    pub(super) async fn introduce(&self) -> Result<(), Failure> {
        let report = self.client.sync_once(PATIENCE).await;
        let report = report.context(|| format!("{} cannot connect", self.common_name))?;
        if report.caught_up {
            Ok(())
        } else {
            Err(Failure::new(format!("{} was not served in time", self.common_name)))
        }
    }

    /// Opens the laptop.
    pub(super) fn go_online(&mut self) {
        let client = self.client.clone();
        self.sync = Some(tokio::spawn(async move {
            if let Err(error) = client.run_sync().await {
                tracing::error!(%error, "an officer's sync ended");
            }
        }));
    }

    /// Closes the laptop.
    pub(super) async fn go_offline(&mut self) {
        if let Some(sync) = self.sync.take() {
            sync.abort();
            // It was told to end; that it did is all there is to know.
            let _ = sync.await;
        }
    }

    /// Writes a note.
    pub(super) fn write(&self, channel: ChannelId, text: &str) -> Result<ClientId, Failure> {
        Ok(self.client.post(channel, Self::note(text))?)
    }

    /// A note as one writes it without further ado.
    pub(super) fn note(text: &str) -> NewNote {
        NewNote {
            text: text.to_owned(),
            handling: None,
            restriction: None,
            time_zone: TimeZone::utc(),
            client_id: None,
        }
    }

    /// Everything in the officer's record of a channel.
    pub(super) fn record(&self, channel: ChannelId) -> Result<Vec<EntryView>, Failure> {
        Ok(self.client.read(channel, Seq(0), ALL)?)
    }

    /// Waits until a note is in the log as this officer has it.
    pub(super) async fn reads(&self, channel: ChannelId, note: ClientId) -> Result<(), Failure> {
        self.until("a note did not arrive", |officer| {
            let record = officer.record(channel)?;
            let arrived = record.iter().any(|entry| {
                entry.client_id == note && matches!(entry.state, EntryState::Logged { .. })
            });
            Ok(arrived.then_some(()))
        })
        .await
    }

    /// Waits until something that was asked for has its place in the log.
    pub(super) async fn accepted(&self, what: ClientId) -> Result<(), Failure> {
        match self.client.wait_accepted(what, PATIENCE).await? {
            Waited::Accepted(_) => Ok(()),
            Waited::Failed(reason) => Err(Failure::new(format!("refused: {reason}"))),
            Waited::Queued => Err(self.gave_up("something was not accepted")),
        }
    }

    /// Looks again at every event until there is something to see.
    pub(super) async fn until<T>(
        &self,
        otherwise: &str,
        mut look: impl FnMut(&Self) -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let mut events = self.client.events();
        loop {
            if let Some(seen) = look(self)? {
                return Ok(seen);
            }
            match tokio::time::timeout_at(deadline, events.recv()).await {
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => return Err(self.gave_up(otherwise)),
            }
        }
    }

    fn gave_up(&self, what: &str) -> Failure {
        let who = &self.common_name;
        let status = self.client.status();
        match (status.connected, status.last_error) {
            (true, _) => Failure::new(format!("{who}: {what} in time")),
            (false, None) => Failure::new(format!("{who}: {what} in time; not connected")),
            (false, Some(error)) => Failure::new(format!("{who}: {what} in time: {error}")),
        }
    }
}

impl Drop for Officer {
    fn drop(&mut self) {
        if let Some(sync) = &self.sync {
            sync.abort();
        }
    }
}

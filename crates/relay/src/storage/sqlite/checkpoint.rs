//! Copies the write-ahead log back into the database, off the hot path.
//!
//! The writer says how much it wrote; after some of it the thread makes a *passive* checkpoint,
//! which disturbs nobody. Under an unbroken load that alone would let the log grow for ever: past
//! a size, the thread makes it start over, for which the writer waits the little that is left.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::StorageError;

const EVERY_BYTES: usize = 4 << 20;
const MAX_LOG_BYTES: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Checkpointer {
    written: usize,
    /// Whether the log still holds what was erased.
    must_truncate: Arc<AtomicBool>,
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    Inline(Box<Connection>),
    Thread { wake: Option<SyncSender<()>>, thread: Option<JoinHandle<()>> },
}

impl Checkpointer {
    pub(super) fn start(connection: Connection, is_inline: bool) -> Result<Self, StorageError> {
        let must_truncate = Arc::new(AtomicBool::new(false));
        let mode = if is_inline {
            Mode::Inline(Box::new(connection))
        } else {
            let (wake, woken) = sync_channel(1);
            let must = must_truncate.clone();
            let run = move || work(&connection, &woken, &must);
            let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(run);
            let thread = thread.map_err(|error| StorageError::Engine(Box::new(error)))?;
            Mode::Thread { wake: Some(wake), thread: Some(thread) }
        };
        Ok(Self { written: 0, must_truncate, mode })
    }

    /// Counts what the writer has committed.
    pub(super) fn note_written(&mut self, bytes: usize) -> Result<(), StorageError> {
        self.written += bytes;
        if self.written < EVERY_BYTES {
            return Ok(());
        }
        self.written = 0;
        match &self.mode {
            Mode::Inline(connection) => run(connection, "PASSIVE"),
            Mode::Thread { .. } => self.wake(),
        }
    }

    /// The log has to start over: it holds what was erased.
    pub(super) fn truncate(&mut self) -> Result<(), StorageError> {
        self.written = 0;
        if let Mode::Inline(connection) = &self.mode {
            return run(connection, "TRUNCATE");
        }
        self.must_truncate.store(true, Ordering::Release);
        self.wake()
    }

    fn wake(&self) -> Result<(), StorageError> {
        match &self.mode {
            Mode::Inline(_) => Ok(()),
            Mode::Thread { wake, .. } => match wake.as_ref().map(|wake| wake.try_send(())) {
                None | Some(Ok(()) | Err(TrySendError::Full(()))) => Ok(()),
                Some(Err(TrySendError::Disconnected(()))) => {
                    tracing::error!("the checkpoint thread has ended");
                    Ok(())
                }
            },
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        if let Mode::Thread { wake, thread } = &mut self.mode {
            drop(wake.take());
            if thread.take().is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the checkpoint thread panicked");
            }
        }
    }
}

fn work(connection: &Connection, woken: &Receiver<()>, must_truncate: &AtomicBool) {
    let log = connection.path().map(|path| PathBuf::from(format!("{path}-wal")));
    while woken.recv().is_ok() {
        let mut result = run(connection, "PASSIVE");
        let size = log.as_ref().and_then(|log| log.metadata().ok()).map_or(0, |log| log.len());
        let must = must_truncate.swap(false, Ordering::AcqRel);
        if must || result.is_ok() && size > MAX_LOG_BYTES {
            result = run(connection, "TRUNCATE");
            must_truncate.fetch_or(must && result.is_err(), Ordering::AcqRel);
        }
        if let Err(error) = result {
            tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint failed");
        }
    }
}

pub(super) fn run(connection: &Connection, mode: &str) -> Result<(), StorageError> {
    let pragma = format!("PRAGMA wal_checkpoint({mode})");
    let is_busy = connection.query_row(&pragma, [], |row| row.get::<_, i64>(0))? != 0;
    if is_busy && mode == "TRUNCATE" {
        return Err(StorageError::Engine("readers hold up the write-ahead log".into()));
    }
    Ok(())
}

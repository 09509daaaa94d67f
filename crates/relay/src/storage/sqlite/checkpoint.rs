//! Copies the write-ahead log back into the database, off the hot path.
//!
//! The writer says how much it wrote; after some of it the thread makes a *passive* checkpoint,
//! which disturbs nobody. Under an unbroken load that alone would let the log grow for ever: past
//! a size, the thread makes it start over, for which the writer waits the little that is left.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::StorageError;

const EVERY_BYTES: usize = 4 << 20;
const MAX_LOG_BYTES: u64 = 64 << 20;

/// How soon the log is tried again that readers hold up.
const AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Checkpointer {
    written: usize,
    residue: Arc<Residue>,
    mode: Mode,
}

/// Whether the log still holds what was erased: transactions that erase are counted when they begin
/// and when they are over, and those that the log was cleaned after.
#[derive(Debug, Default)]
pub(super) struct Residue {
    begun: AtomicU64,
    over: AtomicU64,
    cleaned: AtomicU64,
}

impl Residue {
    /// A transaction that erases begins.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether files may hold what was erased.
    pub(super) fn is_there(&self) -> bool {
        self.begun.load(Ordering::Acquire) > self.cleaned.load(Ordering::Acquire)
    }

    /// The transactions that were begun are over.
    fn end(&self) {
        self.over.store(self.begun.load(Ordering::Acquire), Ordering::Release);
    }

    /// Whether the log has to start over.
    fn is_due(&self) -> bool {
        self.over.load(Ordering::Acquire) > self.cleaned.load(Ordering::Acquire)
    }

    /// Runs what cleans the log, and notes for which transactions it did.
    fn clean(&self, run: impl FnOnce() -> Result<(), StorageError>) -> Result<(), StorageError> {
        let over = self.over.load(Ordering::Acquire);
        run()?;
        self.cleaned.store(over, Ordering::Release);
        Ok(())
    }
}

#[derive(Debug)]
enum Mode {
    Inline(Box<Connection>),
    Thread { wake: Option<SyncSender<()>>, thread: Option<JoinHandle<()>> },
}

impl Checkpointer {
    pub(super) fn start(connection: Connection, is_inline: bool) -> Result<Self, StorageError> {
        let residue = Arc::new(Residue::default());
        let mode = if is_inline {
            Mode::Inline(Box::new(connection))
        } else {
            let (wake, woken) = sync_channel(1);
            let of_thread = residue.clone();
            let run = move || work(&connection, &woken, &of_thread);
            let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(run);
            let thread = thread.map_err(|error| StorageError::Engine(Box::new(error)))?;
            Mode::Thread { wake: Some(wake), thread: Some(thread) }
        };
        Ok(Self { written: 0, residue, mode })
    }

    /// What the log may still hold.
    pub(super) fn residue(&self) -> &Arc<Residue> {
        &self.residue
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
        self.residue.end();
        match &self.mode {
            Mode::Inline(connection) => self.residue.clean(|| run(connection, "TRUNCATE")),
            Mode::Thread { .. } => self.wake(),
        }
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

fn work(connection: &Connection, woken: &Receiver<()>, residue: &Residue) {
    let log = connection.path().map(|path| PathBuf::from(format!("{path}-wal")));
    while is_woken(woken, residue) {
        let mut result = run(connection, "PASSIVE");
        let size = log.as_ref().and_then(|log| log.metadata().ok()).map_or(0, |log| log.len());
        if residue.is_due() || result.is_ok() && size > MAX_LOG_BYTES {
            result = residue.clean(|| run(connection, "TRUNCATE"));
        }
        if let Err(error) = result {
            tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint failed");
        }
    }
}

/// Waits for work; `false` at the end. What is left of something erased is not left for long.
fn is_woken(woken: &Receiver<()>, residue: &Residue) -> bool {
    match residue.is_due() {
        true => woken.recv_timeout(AGAIN) != Err(RecvTimeoutError::Disconnected),
        false => woken.recv().is_ok(),
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

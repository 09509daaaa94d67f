//! The plain file: whatever waits is appended at once, synced, and only then passed on.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use super::frame;

/// Batches that wait to be sent before the file has to wait.
const BATCHES: usize = 64;

/// What is to be appended.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pending: Mutex<Pending>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    entries: BytesMut,
    senders: Vec<(u64, u64)>,
}

/// Entries that are durable.
#[derive(Debug)]
pub(crate) struct Durable {
    /// The entries, as frames.
    pub(crate) entries: Bytes,
    /// Streams that sent them, each with how many of its own are durable now.
    pub(crate) senders: Vec<(u64, u64)>,
}

impl Log {
    /// Opens the file and starts the thread that writes it.
    pub(crate) fn open(path: &Path) -> Result<(Arc<Self>, mpsc::Receiver<Durable>)> {
        let file = File::create(path).context("the plain file cannot be made")?;
        let log = Arc::new(Self::default());
        let (sender, receiver) = mpsc::channel(BATCHES);
        let own = log.clone();
        std::thread::spawn(move || {
            if let Err(error) = own.write(file, &sender) {
                eprintln!("error: the plain file cannot be written: {error}");
                std::process::exit(1);
            }
        });
        Ok((log, receiver))
    }

    /// Adds entries of one stream, which has sent so many of them so far; or of none that waits.
    pub(crate) fn append(&self, entries: &[Bytes], sender: Option<(u64, u64)>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            frame::put(&mut pending.entries, frame::ENTRY, entry);
        }
        if let Some((stream, count)) = sender {
            match pending.senders.iter_mut().find(|(sender, _)| *sender == stream) {
                Some((_, so_far)) => *so_far = count,
                None => pending.senders.push((stream, count)),
            }
        }
        self.more.notify_one();
    }

    fn write(&self, mut file: File, durable: &mpsc::Sender<Durable>) -> std::io::Result<()> {
        loop {
            let Pending { entries, senders } = self.take();
            file.write_all(&entries)?;
            file.sync_data()?;
            if durable.blocking_send(Durable { entries: entries.freeze(), senders }).is_err() {
                return Ok(());
            }
        }
    }

    fn take(&self) -> Pending {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let is_empty = |pending: &mut Pending| pending.entries.is_empty();
        let mut pending =
            self.more.wait_while(pending, is_empty).unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *pending)
    }
}

//! Drives the core: one writer, one transaction for everything that waits.
//!
//! A round takes what is queued, up to a bound of requests and bytes; decides each request on the
//! channels' cached states; commits all writes at once; signs one head for each channel that grew;
//! answers; and tells the readers. Nobody hears anything before the commit has returned. When it
//! fails, the states that the round touched are forgotten and loaded again, and everybody who
//! would have been told *yes* is told that the outcome is unknown.
//!
//! The same loop runs on a thread of its own ([`Sequencer::spawn`]) or as a future
//! ([`Sequencer::inline`]), where a simulation owns time.

mod cache;
mod options;
mod request;
mod round;
mod settling;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use enlace_transport::watch;
use tokio::sync::{Semaphore, mpsc};

use super::catch_up::CatchUp;
use super::core::Settling;
use super::feed::Feeds;
use super::handle::Handle;
use super::moves::Moves;
use super::readers::Readers;
use super::subscription::Source;
use super::welcome::WelcomeBoard;
use crate::storage::{Storage, StorageError, WriteBatch};

use cache::Cache;
use round::Round;

pub use options::{HubOptions, Now};
pub(crate) use request::Request;

/// Keeps the hub going. When it is dropped, what is queued is still done, and then nothing more is
/// accepted; [`Sequencer::stop`] waits for that.
#[derive(Debug)]
pub struct Sequencer {
    handle: Handle,
    /// The queue is open as long as this is there: handles hold it weakly.
    open: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    /// Its other end goes with the loop, however that ends.
    running: watch::Receiver<()>,
}

impl Sequencer {
    /// Starts the hub on a thread of its own.
    ///
    /// # Errors
    /// When the storage cannot be read, or the thread not be started.
    pub fn spawn(storage: Box<dyn Storage>, options: HubOptions) -> Result<Self, StorageError> {
        let (mut sequencer, mut worker, running) = Worker::new(storage, options, false)?;
        let run = move || {
            let _running = running;
            let mut taken = Vec::new();
            while worker.requests.blocking_recv_many(&mut taken, worker.options.round_requests) > 0
            {
                worker.work(&mut taken);
            }
            worker.stop();
        };
        let thread = std::thread::Builder::new().name("sequencer".into()).spawn(run);
        sequencer.thread = Some(thread.map_err(|error| StorageError::Engine(Box::new(error)))?);
        Ok(sequencer)
    }

    /// The hub as a future, which the caller polls until it ends: after the sequencer was dropped
    /// and what is queued is done. Reads run inline too: nothing leaves the thread.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub fn inline(
        storage: Box<dyn Storage>,
        options: HubOptions,
    ) -> Result<(Self, impl Future<Output = ()> + Send), StorageError> {
        let (sequencer, mut worker, running) = Worker::new(storage, options, true)?;
        let run = async move {
            let _running = running;
            let mut taken = Vec::new();
            while worker.requests.recv_many(&mut taken, worker.options.round_requests).await > 0 {
                worker.work(&mut taken);
            }
            worker.stop();
        };
        Ok((sequencer, run))
    }

    /// A handle for the rest of the relay.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Becomes ready when the loop has ended. As long as the sequencer is not stopped, that is a
    /// bug of ours, and nothing is accepted any more.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut running = self.running.clone();
        async move { while running.changed().await.is_ok() {} }
    }

    /// Does what is queued and ends. Blocks the calling thread until the storage is closed.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.handle.waiting.close();
        drop(self.open.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sequencer's thread panicked");
        }
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the loop owns.
struct Worker {
    storage: Box<dyn Storage>,
    options: HubOptions,
    settling: Settling,
    /// Whether handles say who was heard.
    is_listening: Arc<AtomicBool>,
    requests: mpsc::Receiver<Request>,
    cache: Cache,
    feeds: Arc<Feeds>,
    welcomes: Arc<WelcomeBoard>,
    source: Source,
}

impl Worker {
    fn new(
        mut storage: Box<dyn Storage>,
        options: HubOptions,
        is_inline: bool,
    ) -> Result<(Sequencer, Self, watch::Sender<()>), StorageError> {
        let head_key = options.head_key.clone();
        let settling = settling::begin(&mut *storage, &options)?;
        let is_listening = Arc::new(AtomicBool::new(!settling.is_over()));
        let reader = storage.reader()?;
        let readers = (0..options.readers.max(1)).map(|_| storage.reader());
        let readers = Readers::new(readers.collect::<Result<_, _>>()?, is_inline);
        let (sender, requests) = mpsc::channel(options.queue_requests.max(1));
        let catch_up = CatchUp::default();
        let (moves, own) =
            (Arc::new(Moves::load(&mut *storage.reader()?)?), options.domain().clone());
        let source = Source { readers, head_key, catch_up, moves, own };
        let (feeds, welcomes) = (Arc::new(Feeds::default()), Arc::new(WelcomeBoard::default()));
        let handle = Handle {
            requests: sender.downgrade(),
            waiting: Arc::new(Semaphore::new(super::handle::MAX_UNITS as usize)),
            feeds: feeds.clone(),
            welcomes: welcomes.clone(),
            source: source.clone(),
            is_listening: is_listening.clone(),
        };
        let cache = Cache::new(reader, options.cache_bytes);
        let (running, runs) = watch::channel(());
        let sequencer = Sequencer { handle, open: Some(sender), thread: None, running: runs };
        let worker = Self {
            storage,
            options,
            settling,
            is_listening,
            requests,
            cache,
            feeds,
            welcomes,
            source,
        };
        Ok((sequencer, worker, running))
    }

    /// Does all that was taken from the queue, in rounds of bounded size.
    fn work(&mut self, requests: &mut Vec<Request>) {
        let mut waiting = requests.drain(..).peekable();
        while waiting.peek().is_some() {
            let now = (self.options.now)();
            let (options, settling) = (&self.options, &mut self.settling);
            let mut round = Round::new(now, options, settling, &mut self.cache, &mut *self.storage);
            while let Some(request) = waiting.next_if(|_| !round.is_full()) {
                round.handle(request);
            }
            // Before anybody hears of a doubt that came up.
            if round.is_in_doubt() {
                self.is_listening.store(true, Ordering::Release);
            }
            round.finish(&self.feeds, &self.welcomes, &self.source);
        }
        if self.settling.is_over() {
            self.is_listening.store(false, Ordering::Release);
        }
        self.cache.shrink((self.options.now)());
    }

    /// What was accepted is durable, and nothing more will be.
    fn stop(mut self) {
        let seen = settling::seen(&self.options, (self.options.now)(), true);
        let batch = WriteBatch { side: vec![seen], ..WriteBatch::default() };
        if let Err(error) = self.storage.commit(&batch) {
            tracing::warn!(%error, "the store does not say that the relay was stopped");
        }
    }
}

//! Bare quinn as a server: what one stream sends is appended to a plain file, acknowledged once it
//! is synced, and passed on to every stream, each batch encoded once.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use super::client::Arrival;
use super::frame::{self, Frames};
use super::log::{Durable, Log};
use super::tls;
use super::upstream::{self, Forwarder};

/// The plain file's name, in the relay's directory.
pub(crate) const FILE: &str = "bare.log";

/// Bytes of the file that are read and sent at once.
const REPLAY_BYTES: usize = 256 << 10;

/// What the server takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A relay's directory.
    directory: PathBuf,
    /// The server that this one sends its entries to and has all entries from, and its name.
    #[arg(num_args = 2)]
    upstream: Vec<String>,
}

/// Where a stream's answers wait to be written.
#[derive(Debug, Default)]
struct Outbound {
    queue: Mutex<Vec<Bytes>>,
    more: Notify,
}

/// The streams that are open, by number.
#[derive(Debug, Default)]
struct Streams {
    open: Mutex<(u64, BTreeMap<u64, Arc<Outbound>>)>,
}

#[derive(Debug)]
struct Shared {
    log: Arc<Log>,
    streams: Streams,
    file: PathBuf,
    /// Where entries go that another server orders.
    upstream: Option<Forwarder>,
}

/// Serves until the process ends.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let endpoint = tls::server(&arguments.directory)?;
        let file = arguments.directory.join(FILE);
        let (log, durable) = Log::open(&file)?;
        let (upstream, from_upstream) = match &arguments.upstream[..] {
            [address, name] => {
                let (forwarder, reading) =
                    upstream::connect(&arguments.directory, address.parse()?, name).await?;
                (Some(forwarder), Some(reading))
            }
            _ => (None, None),
        };
        let shared = Arc::new(Shared { log, streams: Streams::default(), file, upstream });
        tokio::spawn(pass_on(shared.clone(), durable));
        if let Some(reading) = from_upstream {
            tokio::spawn(follow(shared.clone(), reading));
        }
        writeln!(std::io::stdout(), "listening on {}", endpoint.local_addr()?)?;
        while let Some(incoming) = endpoint.accept().await {
            tokio::spawn(serve_connection(shared.clone(), incoming));
        }
        Ok(())
    })
}

async fn pass_on(shared: Arc<Shared>, mut durable: mpsc::Receiver<Durable>) {
    while let Some(Durable { entries, senders }) = durable.recv().await {
        let mut senders = senders.into_iter().collect::<BTreeMap<_, _>>();
        for (number, stream) in shared.streams.all() {
            let acknowledged = senders.remove(&number);
            let mut queue = stream.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.extend(acknowledged.map(|count| frame::number(frame::ACKNOWLEDGE, count)));
            queue.push(entries.clone());
            drop(queue);
            stream.more.notify_one();
        }
    }
}

/// Keeps and passes on what the other server has ordered, and acknowledges what it made durable.
async fn follow(shared: Arc<Shared>, mut reading: upstream::Reading) {
    loop {
        let (mut entries, mut durable) = (Vec::new(), None);
        let read = reading.take(|arrival| match arrival {
            Arrival::Entry(body) => entries.push(body),
            Arrival::Durable(count) => durable = Some(count),
        });
        if let Err(error) = read.await {
            eprintln!("error: the other server is gone: {error:#}");
            std::process::exit(1);
        }
        if !entries.is_empty() {
            shared.log.append(&entries, None);
        }
        let (Some(count), Some(forwarder)) = (durable, &shared.upstream) else { continue };
        let acknowledged = forwarder.acknowledged(count);
        for (number, stream) in shared.streams.all() {
            if let Some(count) = acknowledged.get(&number) {
                stream.push(frame::number(frame::ACKNOWLEDGE, *count));
            }
        }
    }
}

async fn serve_connection(shared: Arc<Shared>, incoming: quinn::Incoming) {
    let Ok(connection) = incoming.await else { return };
    while let Ok((send, recv)) = connection.accept_bi().await {
        tokio::spawn(serve_stream(shared.clone(), send, recv));
    }
}

/// Ends with either direction; what goes wrong on a stream is the driver's to notice.
async fn serve_stream(
    shared: Arc<Shared>,
    send: quinn::SendStream,
    recv: quinn::RecvStream,
) -> Result<()> {
    let outbound = Arc::new(Outbound::default());
    let number = shared.streams.enter(outbound.clone());
    let ended = tokio::select! {
        ended = receive(&shared, number, &outbound, recv) => ended,
        ended = outbound.write(send) => ended,
    };
    shared.streams.leave(number);
    ended
}

async fn receive(
    shared: &Arc<Shared>,
    number: u64,
    outbound: &Outbound,
    mut recv: quinn::RecvStream,
) -> Result<()> {
    let mut frames = Frames::default();
    let mut count = 0;
    while let Some(chunk) = recv.read_chunk(usize::MAX, true).await? {
        frames.push(chunk.bytes);
        let mut entries = Vec::new();
        while let Some((kind, body)) = frames.next()? {
            match kind {
                frame::ENTRY => entries.push(body),
                frame::REPLAY => outbound.replay(&shared.file).await?,
                // What a reader has taken frees nothing here.
                _ => {}
            }
        }
        if !entries.is_empty() {
            count += entries.len() as u64;
            match &shared.upstream {
                Some(upstream) => upstream.send(&entries, number, count).await?,
                None => shared.log.append(&entries, Some((number, count))),
            }
        }
    }
    Ok(())
}

impl Outbound {
    fn push(&self, frame: Bytes) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
        self.more.notify_one();
    }

    async fn write(&self, mut send: quinn::SendStream) -> Result<()> {
        loop {
            self.more.notified().await;
            let mut chunks =
                std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner));
            send.write_all_chunks(&mut chunks).await?;
        }
    }

    /// Queues the whole file; only while nobody appends to it.
    async fn replay(&self, file: &std::path::Path) -> Result<()> {
        let file = file.to_owned();
        let content = Bytes::from(tokio::task::spawn_blocking(move || std::fs::read(file)).await??);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = (0..content.len()).step_by(REPLAY_BYTES);
        queue.extend(starts.map(|at| content.slice(at..content.len().min(at + REPLAY_BYTES))));
        drop(queue);
        self.more.notify_one();
        Ok(())
    }
}

impl Streams {
    fn enter(&self, outbound: Arc<Outbound>) -> u64 {
        self.locked(|(next, open)| {
            *next += 1;
            open.insert(*next, outbound);
            *next
        })
    }

    fn leave(&self, number: u64) {
        self.locked(|(_, open)| open.remove(&number));
    }

    fn all(&self) -> Vec<(u64, Arc<Outbound>)> {
        self.locked(|(_, open)| open.iter().map(|(number, o)| (*number, o.clone())).collect())
    }

    fn locked<R>(&self, act: impl FnOnce(&mut (u64, BTreeMap<u64, Arc<Outbound>>)) -> R) -> R {
        act(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

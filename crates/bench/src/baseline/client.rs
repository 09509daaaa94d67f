//! Bare quinn as a client: one stream, on which it sends and reads.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::{Bytes, BytesMut};
use enlace_test_authorities::Authority;
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use tokio::sync::Mutex;

use super::frame::{self, Frames};
use super::tls;
use crate::process::Server;

/// Only what has gone wrong takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A device with a socket of its own.
#[derive(Debug)]
pub(crate) struct Device {
    endpoint: Endpoint,
    server: std::net::SocketAddr,
    name: String,
}

/// Its connection.
#[derive(Debug)]
pub(crate) struct Link {
    connection: Connection,
    sender: Sender,
    reader: Reader,
    sent: u64,
    durable: u64,
    taken: u64,
}

/// The direction to the server. Clones are handles to the same stream: one writes entries, another
/// says what was read.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    stream: Arc<Mutex<SendStream>>,
}

/// The direction from the server.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: RecvStream,
    frames: Frames,
}

/// What comes from the server.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A payload.
    Entry(Bytes),
    /// So many of the own payloads are durable.
    Durable(u64),
}

impl Device {
    /// What dials from that socket.
    pub(super) fn at(endpoint: Endpoint, server: std::net::SocketAddr, name: &str) -> Self {
        Self { endpoint, server, name: name.to_owned() }
    }

    /// A device of the authority whose relay's directory that is.
    pub(crate) fn new(
        authority: &Authority,
        officer: &str,
        directory: &Path,
        server: &Server,
    ) -> Result<Self> {
        let (_, credential) = authority.device(officer);
        let endpoint = tls::client(directory, &credential.chain, &credential.key)?;
        Ok(Self { endpoint, server: server.address(), name: authority.relay_name().to_string() })
    }

    /// One that finds the server by way of a port of this machine.
    pub(crate) fn through(mut self, port: u16) -> Self {
        self.server.set_port(port);
        self
    }

    /// Connects.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        Ok(self.endpoint.connect(self.server, &self.name)?.await?)
    }

    /// Devices of the authority of that relay's directory, each with its stream.
    pub(crate) async fn link_many(
        authority: &Authority,
        count: usize,
        directory: &Path,
        server: &Server,
    ) -> Result<Vec<Link>> {
        let mut links = Vec::with_capacity(count);
        for number in 0..count {
            let device = Self::new(authority, &format!("b{number}"), directory, server)?;
            links.push(device.link(false).await?);
        }
        Ok(links)
    }

    /// Connects and opens its stream; with `replay`, all that is in the file comes first.
    pub(crate) async fn link(&self, replay: bool) -> Result<Link> {
        let connection = self.connect().await?;
        let (mut stream, recv) = connection.open_bi().await?;
        // A stream exists for the server once something has come on it.
        let kind = if replay { frame::REPLAY } else { frame::ACKNOWLEDGE };
        stream.write_chunk(frame::number(kind, 0)).await?;
        let reader = Reader { stream: recv, frames: Frames::default() };
        let sender = Sender { stream: Arc::new(Mutex::new(stream)) };
        Ok(Link { connection, sender, reader, sent: 0, durable: 0, taken: 0 })
    }
}

impl Link {
    /// Sends one's own payloads with at most `window` of them unacknowledged, and reads until
    /// `count` have come from all. Returns when the last own one was durable, if any, and the end. What is
    /// read is acknowledged.
    pub(crate) async fn exchange(
        &mut self,
        own: Vec<Vec<u8>>,
        window: u64,
        count: u64,
    ) -> Result<(Option<Instant>, Instant)> {
        let (all_sent, all_taken) = (self.sent + own.len() as u64, self.taken + count);
        let mut own = own.into_iter();
        let mut accepted = None;
        while self.taken < all_taken || self.durable < all_sent {
            self.send(own.by_ref().take((window - (self.sent - self.durable)) as usize)).await?;
            let before = self.taken;
            let (durable, taken) = (&mut self.durable, &mut self.taken);
            let show = |arrival| match arrival {
                Arrival::Entry(_) => *taken += 1,
                Arrival::Durable(so_far) => {
                    *durable = so_far;
                    accepted = Some(Instant::now());
                }
            };
            self.reader.take(show).await?;
            if self.taken > before {
                self.sender.acknowledge(self.taken).await?;
            }
        }
        Ok((accepted, Instant::now()))
    }

    async fn send(&mut self, payloads: impl Iterator<Item = Vec<u8>>) -> Result<()> {
        let mut out = BytesMut::new();
        for payload in payloads {
            frame::put(&mut out, frame::ENTRY, &payload);
            self.sent += 1;
        }
        if !out.is_empty() {
            self.sender.send_frames(out.freeze()).await?;
        }
        Ok(())
    }

    /// How many of the own payloads are durable, the connection, and its two directions.
    pub(crate) fn split(self) -> (u64, Connection, Sender, Reader) {
        (self.durable, self.connection, self.sender, self.reader)
    }
}

impl Sender {
    /// Sends frames as they are.
    pub(super) async fn send_frames(&self, frames: Bytes) -> Result<()> {
        Ok(self.stream.lock().await.write_chunk(frames).await?)
    }

    /// Sends a payload.
    pub(crate) async fn send(&self, payload: &[u8]) -> Result<()> {
        let mut out = BytesMut::with_capacity(payload.len() + frame::HEADER);
        frame::put(&mut out, frame::ENTRY, payload);
        self.send_frames(out.freeze()).await
    }

    /// Says how many payloads were taken.
    pub(crate) async fn acknowledge(&self, taken: u64) -> Result<()> {
        self.send_frames(frame::number(frame::ACKNOWLEDGE, taken)).await
    }
}

impl Reader {
    /// Waits until something has come, and shows all of it.
    pub(crate) async fn take(&mut self, mut show: impl FnMut(Arrival)) -> Result<()> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_chunk(usize::MAX, true)).await;
        let Some(chunk) = read.context("nothing comes any more")?? else {
            bail!("the stream ended");
        };
        self.frames.push(chunk.bytes);
        while let Some((kind, body)) = self.frames.next()? {
            match (kind, body.first_chunk()) {
                (frame::ENTRY, _) => show(Arrival::Entry(body)),
                (frame::ACKNOWLEDGE, Some(number)) => {
                    show(Arrival::Durable(u64::from_be_bytes(*number)));
                }
                _ => bail!("the server sent a frame of kind {kind}"),
            }
        }
        Ok(())
    }
}

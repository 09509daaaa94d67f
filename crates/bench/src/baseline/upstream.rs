//! Bare quinn as a follower: what its streams send goes on to another server, in one stream.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use bytes::{Bytes, BytesMut};

use super::client::{Device, Reader, Sender};
use super::{frame, tls};

/// What comes from the other server.
pub(crate) type Reading = Reader;

/// Sends entries on, and knows whose they were.
#[derive(Debug)]
pub(crate) struct Forwarder {
    _connection: quinn::Connection,
    sender: tokio::sync::Mutex<Sender>,
    sent: Mutex<Sent>,
}

/// Entries that the other server has not acknowledged, in their order.
#[derive(Debug, Default)]
struct Sent {
    count: u64,
    /// When so many are durable there, so many of that stream are.
    unanswered: VecDeque<(u64, u64, u64)>,
}

/// Connects to the other server with the certificate in a relay's directory.
pub(crate) async fn connect(
    directory: &Path,
    server: SocketAddr,
    name: &str,
) -> Result<(Forwarder, Reading)> {
    let device = Device::at(tls::client_of_relay(directory)?, server, name);
    let (_, connection, sender, reader) = device.link(false).await?.split();
    let (sender, sent) = (tokio::sync::Mutex::new(sender), Mutex::default());
    Ok((Forwarder { _connection: connection, sender, sent }, reader))
}

impl Forwarder {
    /// Sends entries of a stream on, which has sent `count` of them so far.
    pub(crate) async fn send(&self, entries: &[Bytes], stream: u64, count: u64) -> Result<()> {
        let mut frames = BytesMut::new();
        for entry in entries {
            frame::put(&mut frames, frame::ENTRY, entry);
        }
        // Held while sending, so that the order noted is the order sent.
        let sender = self.sender.lock().await;
        self.note(entries.len() as u64, stream, count);
        sender.send_frames(frames.freeze()).await
    }

    fn note(&self, entries: u64, stream: u64, count: u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.count += entries;
        let place = sent.count;
        sent.unanswered.push_back((place, stream, count));
    }

    /// So many of what was sent are durable: how many of each stream, where that has changed.
    pub(crate) fn acknowledged(&self, count: u64) -> BTreeMap<u64, u64> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut streams = BTreeMap::new();
        while let Some((place, stream, of_stream)) = sent.unanswered.front().copied() {
            if place > count {
                break;
            }
            sent.unanswered.pop_front();
            streams.insert(stream, of_stream);
        }
        streams
    }
}

//! A node's socket, as quinn sees it.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::{Network, Place};
use crate::power::Power;

/// One address. It is free again when the socket is dropped.
pub struct Socket {
    network: Network,
    number: u64,
    place: Place,
    power: Power,
}

impl Socket {
    pub(super) fn new(network: Network, number: u64, place: Place, power: Power) -> Self {
        Self { network, number, place, power }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.place.address)
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if self.power.allow() {
            let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
            for datagram in transmit.contents.chunks(size) {
                self.network.send(self.place.address, transmit.destination, datagram);
            }
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.network.state();
        let inbox = state.inboxes.get_mut(&self.place);
        let Some(inbox) = inbox.filter(|inbox| inbox.socket == self.number) else {
            return Poll::Pending;
        };
        let mut filled = 0;
        for (buffer, meta) in buffers.iter_mut().zip(meta) {
            let Some((from, content)) = inbox.waiting.pop_front() else { break };
            let len = content.len().min(buffer.len());
            buffer[..len].copy_from_slice(&content[..len]);
            *meta = RecvMeta { addr: from, len, stride: len, ecn: None, dst_ip: None };
            filled += 1;
        }
        if filled > 0 {
            return Poll::Ready(Ok(filled));
        }
        inbox.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.place.address)
    }

    /// Keeps quinn from looking for the path's largest datagram.
    fn may_fragment(&self) -> bool {
        true
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.network.close(self.number, self.place);
    }
}

#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

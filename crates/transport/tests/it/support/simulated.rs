//! A network in memory, on a paused clock: seeded delays and losses, and a record of what was sent.

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use enlace_identity::entropy::Entropy;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::time::{Instant, Sleep, sleep_until};

/// One datagram that was sent: when, from where, to where, how long.
pub(crate) type Sent = (Duration, SocketAddr, SocketAddr, usize);

/// A network. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Network(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    began: Instant,
    chance: Entropy,
    trace: Vec<Sent>,
    sockets: BTreeMap<SocketAddr, Inbox>,
}

#[derive(Debug, Default)]
struct Inbox {
    /// By arrival, then by the order of sending.
    coming: BTreeMap<(Instant, usize), (SocketAddr, Vec<u8>)>,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct Socket {
    network: Network,
    address: SocketAddr,
    alarm: Mutex<Pin<Box<Sleep>>>,
}

impl Network {
    pub(crate) fn new(chance: Entropy) -> Self {
        let (trace, sockets) = (Vec::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(State { began: Instant::now(), chance, trace, sockets })))
    }

    pub(crate) fn socket(&self, address: &str) -> Arc<Socket> {
        let address = address.parse().unwrap();
        self.0.lock().unwrap().sockets.insert(address, Inbox::default());
        let alarm = Mutex::new(Box::pin(sleep_until(Instant::now())));
        Arc::new(Socket { network: self.clone(), address, alarm })
    }

    pub(crate) fn trace(&self) -> Vec<Sent> {
        self.0.lock().unwrap().trace.clone()
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        assert!(transmit.segment_size.is_none_or(|size| size >= transmit.contents.len()));
        let mut state = self.network.0.lock().unwrap();
        let State { began, chance, trace, sockets } = &mut *state;
        let (now, to) = (Instant::now(), transmit.destination);
        let nth = trace.len();
        trace.push((now - *began, self.address, to, transmit.contents.len()));
        let [lost, delay] = chance.bytes();
        let Some(inbox) = sockets.get_mut(&to).filter(|_| lost >= 13) else { return Ok(()) };
        let arrival = now + Duration::from_millis(20 + u64::from(delay) / 8);
        inbox.coming.insert((arrival, nth), (self.address, transmit.contents.to_vec()));
        if let Some(waker) = inbox.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.network.0.lock().unwrap();
        let inbox = state.sockets.get_mut(&self.address).unwrap();
        inbox.waker = Some(cx.waker().clone());
        let Some(next) = inbox.coming.first_entry() else { return Poll::Pending };
        let due = next.key().0;
        if due > Instant::now() {
            let mut alarm = self.alarm.lock().unwrap();
            alarm.as_mut().reset(due);
            return alarm.as_mut().poll(cx).map(|()| unreachable!("the clock stands still"));
        }
        let (from, datagram) = next.remove();
        let length = datagram.len();
        bufs[0][..length].copy_from_slice(&datagram);
        meta[0] = RecvMeta { addr: from, len: length, stride: length, ecn: None, dst_ip: None };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//! Datagrams between nodes, in memory and on virtual time.
//!
//! Each direction between two nodes is one [`Link`] with one queue. A task of the network's own,
//! [`Network::carry`], moves what has arrived into the receiver's inbox. Every datagram's time,
//! way, length and fate goes into the run's trace; its bytes do not, because TLS makes them anew in
//! each run.

mod link;
mod runtime;
mod socket;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::sync::Notify;
use tokio::time::Instant;

pub use self::link::{Fate, Link, Quality};
pub use self::runtime::NodeRuntime;
pub use self::socket::Socket;

use crate::dice::Dice;
use crate::power::Power;
use crate::trace::Trace;

/// A node's place in the network.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(pub u16);

/// Ports that a node's dialling sockets get, one after the other.
const FIRST_PORT: u16 = 10_000;

impl NodeId {
    /// The node's address.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        let [high, low] = (self.0 + 1).to_be_bytes();
        Ipv4Addr::new(10, 0, high, low).into()
    }
}

/// The network. Clones are the same one.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Something was sent that may arrive before all that was sent before.
    sent: Notify,
    began: Instant,
}

struct State {
    dice: Dice,
    trace: Trace,
    links: BTreeMap<(IpAddr, IpAddr), Link>,
    inboxes: BTreeMap<Place, Inbox>,
    /// From whom to whom datagrams reach the second one who listens at the receiver's address.
    diverted: BTreeSet<(IpAddr, IpAddr)>,
    /// By time of arrival, then by order of sending.
    under_way: BinaryHeap<Reverse<Datagram>>,
    sent: u64,
    next_port: u16,
    sockets: u64,
}

/// Where datagrams come in: an address, and which of those who listen there.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    address: SocketAddr,
    listener: Listener,
}

/// Who listens at an address: a node, or the second one that pretends to be it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Listener {
    /// The node.
    #[default]
    Genuine,
    /// The other one, for those who are [diverted](Network::divert) to it.
    Twin,
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Datagram {
    arrives: Instant,
    number: u64,
    from: SocketAddr,
    to: SocketAddr,
    content: Vec<u8>,
}

struct Inbox {
    /// Which socket reads it: a later one at the same address has another.
    socket: u64,
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    reader: Option<Waker>,
}

/// Datagrams that a socket keeps for a slow reader.
const INBOX: usize = 4096;

impl Network {
    /// A network whose links are perfect until told otherwise.
    #[must_use]
    pub fn new(dice: Dice, trace: Trace) -> Self {
        let state = State {
            dice,
            trace,
            links: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            diverted: BTreeSet::new(),
            under_way: BinaryHeap::new(),
            sent: 0,
            next_port: FIRST_PORT,
            sockets: 0,
        };
        let (state, sent) = (Mutex::new(state), Notify::new());
        Self(Arc::new(Shared { state, sent, began: Instant::now() }))
    }

    /// Opens a socket of a node; at any port for 0.
    #[must_use]
    pub fn open(&self, node: NodeId, port: u16, power: &Power) -> Arc<Socket> {
        self.open_for(Listener::Genuine, node, port, power)
    }

    /// The same for either of those who listen at a node's address.
    #[must_use]
    pub fn open_for(
        &self,
        listener: Listener,
        node: NodeId,
        port: u16,
        power: &Power,
    ) -> Arc<Socket> {
        let mut state = self.state();
        let port = if port == 0 {
            state.next_port += 1;
            state.next_port
        } else {
            port
        };
        let place = Place { address: SocketAddr::from((node.ip(), port)), listener };
        state.sockets += 1;
        let socket = state.sockets;
        state.inboxes.insert(place, Inbox { socket, waiting: VecDeque::new(), reader: None });
        drop(state);
        Arc::new(Socket::new(self.clone(), socket, place, power.clone()))
    }

    /// What `from` sends to `to` reaches `listener` there from now on.
    pub fn divert(&self, from: NodeId, to: NodeId, listener: Listener) {
        let way = (from.ip(), to.ip());
        let diverted = &mut self.state().diverted;
        match listener {
            Listener::Twin => diverted.insert(way),
            Listener::Genuine => diverted.remove(&way),
        };
    }

    /// Makes the link from one node to another like this.
    pub fn set(&self, from: NodeId, to: NodeId, quality: Quality) {
        self.state().links.entry((from.ip(), to.ip())).or_default().quality = quality;
    }

    /// How many datagrams were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.state().sent
    }

    /// Delivers for ever.
    pub async fn carry(self) {
        loop {
            let news = self.0.sent.notified();
            let next = self.deliver();
            match next {
                Some(next) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep_until(next) => {}
                        () = news => {}
                    }
                }
                None => news.await,
            }
        }
    }

    /// Moves what has arrived, and says when the next arrives.
    fn deliver(&self) -> Option<Instant> {
        let mut state = self.state();
        let now = Instant::now();
        while let Some(Reverse(next)) = state.under_way.peek() {
            if next.arrives > now {
                return Some(next.arrives);
            }
            let Some(Reverse(datagram)) = state.under_way.pop() else { break };
            let way = (datagram.from.ip(), datagram.to.ip());
            let is_diverted = state.diverted.contains(&way);
            let listener = if is_diverted { Listener::Twin } else { Listener::Genuine };
            let place = Place { address: datagram.to, listener };
            // Nobody listens at the address of a node that is down.
            let Some(inbox) = state.inboxes.get_mut(&place) else { continue };
            if inbox.waiting.len() < INBOX {
                inbox.waiting.push_back((datagram.from, datagram.content));
            }
            if let Some(reader) = inbox.reader.take() {
                reader.wake();
            }
        }
        None
    }

    fn send(&self, from: SocketAddr, to: SocketAddr, content: &[u8]) {
        let mut state = self.state();
        let State { dice, links, trace, sent, under_way, .. } = &mut *state;
        let now = Instant::now();
        let link = links.entry((from.ip(), to.ip())).or_default();
        let fate = link.pass(now, content.len(), dice);
        *sent += 1;
        trace.datagram(now.duration_since(self.0.began), from, to, content.len(), &fate);
        for (copy, arrives) in fate.arrivals().enumerate() {
            let number = *sent * 2 + copy as u64;
            let content = content.to_vec();
            under_way.push(Reverse(Datagram { arrives, number, from, to, content }));
        }
        drop(state);
        self.0.sent.notify_one();
    }

    fn close(&self, socket: u64, place: Place) {
        let mut state = self.state();
        if state.inboxes.get(&place).is_some_and(|inbox| inbox.socket == socket) {
            state.inboxes.remove(&place);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

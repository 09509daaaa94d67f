//! What happened in a run, in order: a hash over all of it, and the lines that people read.
//!
//! The hash covers every line and every datagram (time, way, length, fate). Two runs of one seed
//! that differ anywhere differ in it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::network::Fate;

/// What a line is about; those that say more about a failure come first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Topic {
    /// What the plan did.
    Operation,
    /// What a node's SDK told its officer.
    Observed,
    /// What a program logged.
    Logged,
    /// A datagram.
    Datagram,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Virtual time since the start.
    pub at: Duration,
    /// What it is about.
    pub topic: Topic,
    /// Which node.
    pub node: String,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.topic {
            Topic::Operation => '>',
            Topic::Observed => ' ',
            Topic::Logged => '#',
            Topic::Datagram => '.',
        };
        write!(f, "{:>10.3} {mark} {:<8} {}", self.at.as_secs_f64(), self.node, self.text)
    }
}

/// The trace of a run. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Trace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    hash: Sha256,
    lines: Vec<Line>,
    keeps_datagrams: bool,
}

impl Trace {
    /// An empty trace. Datagrams always count in the hash; their lines are kept on demand.
    #[must_use]
    pub fn new(keeps_datagrams: bool) -> Self {
        let state = State { hash: Sha256::new(), lines: Vec::new(), keeps_datagrams };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Adds a line.
    pub fn line(&self, at: Duration, topic: Topic, node: &str, text: String) {
        let mut state = self.state();
        state.hash.update(at.as_nanos().to_be_bytes());
        state.hash.update(node);
        state.hash.update(&text);
        state.lines.push(Line { at, topic, node: node.to_owned(), text });
    }

    pub(crate) fn datagram(
        &self,
        at: Duration,
        from: SocketAddr,
        to: SocketAddr,
        length: usize,
        fate: &Fate,
    ) {
        let mut state = self.state();
        let text = format!("to {to}, {length} bytes: {}", fate_of(fate));
        state.hash.update(at.as_nanos().to_be_bytes());
        state.hash.update(from.to_string());
        state.hash.update(&text);
        if state.keeps_datagrams {
            state.lines.push(Line { at, topic: Topic::Datagram, node: from.to_string(), text });
        }
    }

    /// The hash of everything so far, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(self.state().hash.clone().finalize())
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.state().lines.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fate_of(fate: &Fate) -> &'static str {
    match fate {
        Fate::Lost => "lost",
        Fate::Arrives(_) => "arrives",
        Fate::Twice(..) => "arrives twice",
    }
}

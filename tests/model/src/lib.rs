//! A small model of one channel, searched exhaustively: three members, a hub and a follower, and
//! every order in which they write, read, commit, object, stop, and are restored from older copies.
//!
//! It is the protocol of PROTOCOL.md §6 and DESIGN.md §5, not the code: no bytes, keys or clocks.
//! The relays' list of who may read and write is the real one, [`enlace_log::Membership`].
//!
//! ```text
//! network ── one step: who does what            bounds ── how much of it
//!   ├─ hub        submits, leases, restarts
//!   │    └─ recovery   what a hub does before it sequences again
//!   ├─ reader     followers and members take in items, and rewind
//!   ├─ group      what members hold valid: a pure function of the log
//!   ├─ access     what relays hold of who may read: the real `Membership`
//!   └─ claims     what must hold in every state, and what must be reachable
//! rules ── each mechanism, so that it can be taken out
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod bounds;
pub mod claims;
pub mod group;
pub mod hub;
pub mod log;
pub mod network;
pub mod reader;
pub mod recovery;
pub mod rules;

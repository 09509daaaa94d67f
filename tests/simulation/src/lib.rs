//! Whole networks in one process on virtual time: real relays and clients over real QUIC and TLS
//! on a simulated network, played from a seed, and judged afterwards by a model that knows nothing
//! of the implementation.
//!
//! ```text
//! command ── seeds, threads, reports
//!   └─ run ── builds nodes, plays a plan, heals, settles
//!       ├─ plan       what happens and when, from the seed
//!       ├─ relay, officer   nodes: the real programs on what is simulated
//!       │    └─ network, clock, power   datagrams, time, and when a life ends
//!       ├─ facts      what was seen from outside
//!       └─ check      the model
//!
//! crowd ── the same nodes, very many of them in one channel, and nothing that goes wrong
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod check;
pub mod clock;
pub mod command;
pub mod crowd;
pub mod dice;
pub mod facts;
pub mod log;
pub mod network;
pub mod officer;
pub mod plan;
pub mod power;
pub mod relay;
pub mod run;
pub mod trace;
pub mod world;

//! Relays of the real kind in this process, over real QUIC on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bundles;
mod calls;
mod command;
mod enrolments;
mod federation;
mod history;
mod in_memory;
mod lying_hub;
mod moving;
mod renewals;
mod revocation;
mod rogue_relay;
mod submit_stream;
mod subscriptions;
mod support;
mod suspension;
mod witnesses;

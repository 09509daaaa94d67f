//! Channels: groups, policy, entries and the rules that every member applies alike.
//!
//! No sockets, clocks or databases: bytes, times and a [`state_store::StateStore`] are arguments.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod channel;
pub mod confirmations;
pub mod consent;
pub mod credential;
pub mod entry;
pub mod history;
pub mod known_rules;
pub mod mls;
pub mod padding;
pub mod policy;
pub mod rules;
pub mod state_store;
pub mod transfer;

//! An authority's relay: it orders and keeps the items of channels, and can read none of them.
//!
//! [`hub`] gives each item of a channel its place in the log and signs what it has made durable;
//! [`storage`] keeps it. Round them stands the [`server`]: connections of devices and of other
//! authorities' relays, the calls of the protocol, subscriptions, and the federation's links, over
//! which a relay follows the logs that others order. [`config`] says how a relay is set up, and
//! [`cli`] is the command line.
//!
//! This crate never depends on the one that knows MLS: a relay must not be able to decrypt.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod cli;
pub mod config;
pub mod hub;
pub mod proofs;
pub mod server;
pub mod storage;

mod calls;
mod crl_directory;
mod device_trust;
mod directory;
mod enrolments;
mod expiry;
mod federation;
mod head_certificates;
mod renewals;
mod subscription;
mod transfers;

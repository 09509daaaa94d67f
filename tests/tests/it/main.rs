//! The whole path, for real: relays and SDK clients over QUIC on loopback, with adversaries among
//! them. Whatever these try, the honest members go on reading and writing in one state.

#![allow(clippy::unwrap_used)]

mod bundles;
mod confirming;
mod entries;
mod erasing;
mod expulsion;
mod forks;
mod forum;
mod history;
mod kept;
mod key_packages;
mod leaving;
mod lying_relay;
mod moving;
mod put_out;
mod races;
mod recovery;
mod renaming;
mod renewal;
mod resending;
mod restarts;
mod revocation;
mod snapshots;
mod suspension;
mod traces;
mod two_networks;
mod void;

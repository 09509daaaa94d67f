//! Networks of authorities with their CA keys in memory, and whatever they are made to issue: for
//! tests, measurements and simulations, which found a network of their own each time.
//!
//! Everything panics where a real authority would report an error.

#![allow(clippy::unwrap_used, reason = "support of tests: a failed expectation ends the test")]

pub mod authority;
pub mod network;

use std::time::Duration;

pub use self::authority::{Authority, Credential};
pub use self::network::{Network, START};

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

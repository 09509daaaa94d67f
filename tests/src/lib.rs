//! What the end-to-end tests play with: authorities with their CA keys, real relays on loopback,
//! officers with the real SDK and encrypted stores; and the adversaries among them.
//!
//! ```text
//! Case      two authorities, their relays, officers in one channel
//!   ├─ Network, Authority   who certifies whom
//!   ├─ RelayPlace, Relay    a relay of the real kind, across restarts
//!   └─ Officer              a device with the SDK, online and offline, across restarts
//! Several   the same with three authorities
//! Rogue     a modified client: the officer's own key and store, without the SDK's honesty
//! LyingScene  officers whose home relay is
//!   └─ LyingRelay  a relay with its authority's real keys that tells each peer what it likes
//! Wire      a genuine certificate that makes single calls
//! ```

#![allow(clippy::unwrap_used, reason = "support of tests: a failed expectation ends the test")]

pub mod case;
pub mod group;
pub mod kept;
pub mod key_package;
pub mod lying;
pub mod officer;
pub mod relay;
pub mod rogue;
pub mod scene;
pub mod several;
pub mod wire;

use std::future::Future;
use std::time::Duration;

pub use enlace_test_authorities::{Authority, Credential, DAY, Network, START};

pub use self::case::{ANA, BEN, CID, Case, DORA};
pub use self::lying::LyingRelay;
pub use self::officer::Officer;
pub use self::relay::{Relay, RelayPlace};
pub use self::rogue::Rogue;
pub use self::scene::LyingScene;
pub use self::several::Several;
pub use self::wire::{Wire, call, wire_id};

/// Long enough for a loaded machine; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Shows what the programs log, where `RUST_LOG` says so.
pub fn show_log() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer();
    // Another test of this process may have done it.
    let _ = subscriber.try_init();
}

/// Waits for an event, but not for ever.
///
/// # Panics
/// When it does not come.
pub async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("it did not come in time: {what}"),
    }
}

//! The SDK of an officer's device: profile, store, sync and outbox.
//!
//! ```text
//! Client ── what programs call: channels, notes, events, doctor
//!   ├─ engine   one transaction each: items in, rows and sealed items out   (no sockets)
//!   │   └─ outbox   decides what is sent next                               (no I/O)
//!   ├─ store    SQLCipher; MLS state and rows in one transaction
//!   ├─ sync     the connection to the home relay                            (async)
//!   └─ profile  key, certificates, bundle
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod client;
pub mod engine;
pub mod event;
pub mod notice;
pub mod outbox;
pub mod profile;
mod serde_text;
pub mod store;
pub mod sync;
pub mod task;
#[cfg(test)]
mod testing;

pub use self::client::Client;
pub use self::event::ClientEvent;
pub use self::profile::Profile;

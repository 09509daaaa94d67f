//! The hub of the channels that live here, and the keeper of the copies of those that live
//! elsewhere.
//!
//! [`core`] decides: pure, without clock, socket or database. [`Sequencer`] drives it: one thread
//! owns the storage's writer, takes everything that waits, decides it item by item, writes it in
//! one transaction, *then* signs one head per channel, and *then* answers and tells the readers.
//! [`Handle`] is what the rest of the relay holds of it: cheap to clone, async.
//!
//! ```text
//! wire request ─ Submission::check ─┐                       ┌─ oneshot answers
//!   (any task: signatures, chains)  ├─ queue ─ sequencer ───┼─ feeds: tail, recent items
//! leases, copies, key packages ─────┘  (core, transaction)  └─ watches: welcomes
//! ```

mod access;
mod batch;
mod catch_up;
pub mod core;
mod errors;
mod feed;
mod handle;
mod head_key;
mod ingest;
mod moves;
mod readers;
mod refill;
mod sequencer;
mod submission;
mod subscription;
#[cfg(test)]
mod tests;
mod trust;
mod welcome;

pub use self::core::Holder;
pub use access::{Access, Reader};
pub(crate) use batch::EncodedBatch;
pub use batch::LogBatch;
pub use core::{Moving, VoteRefused};
pub use errors::{IngestError, ReadError, RefillRefused, SubmitError, Unavailable};
pub use handle::{Accepted, Handle, LeaseGrant};
pub use head_key::HeadKey;
pub use ingest::{Anchor, Copy};
pub use moves::{TakenOver, TakingOver};
pub(crate) use moves::{hubs_of, votes_of_newest_move};
pub use refill::{Refill, TakenBack};
pub use sequencer::{HubOptions, Now, Sequencer};
pub use submission::{Caller, Submission};
pub(crate) use subscription::NextEncoded;
pub use subscription::{Next, Subscription};
pub use trust::{DeviceTrust, TrustError};
pub use welcome::WelcomeWatch;

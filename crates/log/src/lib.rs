//! The log of a channel, as relays and members share it: envelopes, the hash chain, signed heads,
//! device lists and who may read or write at which position. Nothing here knows MLS.
//!
//! No sockets, clocks or databases. [`Replica`] is what a follower and a member run over the
//! items they receive; [`Membership`] is what a hub and a follower run to know who may read.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod chain;
pub mod confirmation;
pub mod control;
pub mod device_list;
pub mod envelope;
pub mod fork;
pub mod former;
pub mod head;
pub mod hub_vote;
pub mod hubs;
pub mod ids;
pub mod item;
pub mod membership;
pub mod replica;
pub mod statement;
pub mod succession;
pub mod tombstone;

pub use chain::{ChainHash, ChainLink, ChainStart};
pub use confirmation::{
    ConfirmationError, ErasureConfirmation, SignedConfirmation, VerifiedConfirmation,
};
pub use device_list::{DeviceList, ListChange, ListHash};
pub use envelope::{Envelope, ItemKind, OuterSignature, PayloadHash, WelcomesHash};
pub use fork::ForkProof;
pub use head::{Head, HeadSigner, QuotedHead, SignedHead, VerifiedHead};
pub use hub_vote::{HubVote, SignedHubVote, VerifiedHubVote};
pub use hubs::Hubs;
pub use ids::{
    ChannelId, ChannelNonce, ClientId, Commitment, Generation, Incarnation, Seq, SubmitCounter,
};
pub use item::{Item, Sealed};
pub use membership::Membership;
pub use replica::Replica;
pub use statement::{HubStatement, Incarnations, TakeOver};
pub use succession::{FoundingHash, Succession};
pub use tombstone::Tombstone;

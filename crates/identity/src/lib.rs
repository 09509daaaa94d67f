//! Who somebody is: names, certificates, network bundles, endpoint records, revocation and suspension.
//!
//! No sockets, clocks or files: bytes and times are arguments. Whatever comes from outside is
//! *unverified* until one of this crate's `verify` functions has returned the verified type.
//!
//! The way of a peer's certificate: [`certificate::UnverifiedChain`] →
//! [`bundle::Bundle::verify`] → [`chain::VerifiedLeaf`] → [`revocation::RevocationLists::check`].
//! The registrar's side, which makes all of these, is [`issue`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bundle;
pub mod canonical;
pub mod certificate;
pub mod certified;
pub mod chain;
pub mod endpoint;
pub mod entropy;
pub mod invitation;
pub mod issue;
pub mod keys;
pub mod mandate;
pub mod names;
pub mod revocation;
pub mod suspension;
pub mod time;
pub mod warnings;

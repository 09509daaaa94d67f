//! Who somebody is: names, certificates, network bundles, endpoint records and revocation.
//!
//! No sockets, clocks or files: bytes and times are arguments. Whatever comes from outside is
//! *unverified* until one of this crate's `verify` functions has returned the verified type.

pub mod canonical;
pub mod names;

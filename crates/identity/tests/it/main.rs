//! Identity as its users meet it: issuing, verifying, refusing; and openssl's view of the same.

#![allow(clippy::unwrap_used)]

mod bundles;
mod certificates;
mod endpoints;
mod former;
mod mutations;
mod openssl;
mod requests;
mod revocations;
mod successors;
mod support;
mod suspensions;

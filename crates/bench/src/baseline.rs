//! The bare things that figures are compared with: quinn with length-delimited frames and a plain
//! file, and one sync of that file. No envelopes, no chain, no membership, no protobuf.

pub(crate) mod client;
pub(crate) mod frame;
mod log;
pub(crate) mod server;
pub(crate) mod sync;
mod tls;
mod upstream;

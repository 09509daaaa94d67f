//! The wire: generated message types, the framing round them, and the limit of each call.
//!
//! Nothing here touches a socket. [`frame`] cuts a byte stream into frames without trusting any
//! length it reads, [`method`] says which calls exist and how large they may be, [`shape`] reads a
//! message without taking more memory than its bytes are worth, [`relay`] and [`channel`] hold the types generated from `proto/`. PROTOCOL.md §4 describes all of it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod frame;
pub mod method;
pub mod shape;

/// What devices and relays say to each other.
pub mod relay {
    /// Version 1 of the schema `enlace.relay`; the fields are documented there.
    #[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/enlace.relay.v1.rs"));
    }
}

/// What only members of a channel see.
pub mod channel {
    /// Version 1 of the schema `enlace.channel`; the fields are documented there.
    #[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/enlace.channel.v1.rs"));
    }
}

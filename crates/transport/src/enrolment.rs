//! The protocol of those who have no certificate yet: a device that was invited fetches the network's
//! bundle, hands in its request, and comes back for its certificate (PROTOCOL.md §7.9).
//!
//! It is a protocol of its own beside the ordinary one, on the same socket, with two calls and no
//! hello. Neither side believes the other at first: the relay serves whoever proves, on this very
//! connection, to hold an invitation; the device has no bundle to verify the relay with, so it proves
//! possession, fetches the bundle, which it knows the hash of, and only then verifies the certificate
//! that the relay showed. A relay serves this only after [`Endpoint::admit_newcomers`].
//!
//! [`Endpoint::admit_newcomers`]: crate::endpoint::Endpoint::admit_newcomers

mod dialled;
mod newcomer;

use enlace_identity::invitation::Binding;

pub use self::dialled::{NewcomerEndpoint, UnverifiedRelay, VerifiedRelay};
pub use self::newcomer::{Newcomer, NewcomerCall};

/// The application protocol.
pub const ENROLMENT_ALPN: &[u8] = b"enlace-enroll/1";

/// What the exported keying material is for (RFC 8446 §7.5).
const EXPORTER: &[u8] = b"EXPORTER-enlace-enroll";

/// What both ends of a connection know, and nobody else; nothing if TLS can't export it.
fn binding(connection: &quinn::Connection) -> Option<Binding> {
    let mut binding = Binding::default();
    connection.export_keying_material(&mut binding, EXPORTER, &[]).ok()?;
    Some(binding)
}

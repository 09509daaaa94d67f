//! A connection whose peer is known: TLS, the second look at its certificate and hello are behind
//! it. There is no other way to get one than [`crate::endpoint::Endpoint`].

use std::sync::Arc;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{LeafUsage, VerifiedLeaf};
use enlace_proto::method::Caller;
use quinn::crypto::rustls::HandshakeData;
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;

use crate::close::{CloseCode, Lost};
use crate::guard::Guard;
use crate::local::LocalIdentity;
use crate::quic;
use crate::tls::ALPN;
use crate::trust::{CONNECTING, Trust};
use crate::untrusted::Untrusted;

/// Requests beyond a small one's size that a peer may have in this side's memory at once.
const DEVICE_LARGE_REQUESTS: usize = 2;
const RELAY_LARGE_REQUESTS: usize = 8;

/// An authenticated connection, open for calls in both directions. Clones are handles to the same
/// one; it is closed when the last of them, and of its calls and streams, is dropped.
#[derive(Clone, Debug)]
pub struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    quic: quinn::Connection,
    peer: VerifiedLeaf,
    version: u32,
    large_requests: Arc<Semaphore>,
    _guard: Guard,
}

impl Connection {
    /// `peer` has passed hello on `quic`, and `guard` watches it.
    pub(crate) fn after_hello(
        quic: quinn::Connection,
        identity: &LocalIdentity,
        peer: VerifiedLeaf,
        version: u32,
        guard: Guard,
    ) -> Self {
        let both_relays = identity.is_relay() && peer.usage() == LeafUsage::Relay;
        if both_relays {
            quic::widen_for_relay(&quic);
        }
        let large = if both_relays { RELAY_LARGE_REQUESTS } else { DEVICE_LARGE_REQUESTS };
        let large_requests = Arc::new(Semaphore::new(large));
        Self { shared: Arc::new(Shared { quic, peer, version, large_requests, _guard: guard }) }
    }

    /// The peer's certificate, verified on this very connection.
    #[must_use]
    pub fn peer(&self) -> &VerifiedLeaf {
        &self.shared.peer
    }

    /// What the peer may do by the kind of its certificate.
    #[must_use]
    pub fn caller(&self) -> Caller {
        match self.shared.peer.usage() {
            LeafUsage::Relay => Caller::Relay,
            _ => Caller::Device,
        }
    }

    /// The protocol version that hello agreed on.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.shared.version
    }

    /// The peer's address, as it is now: a device may move between networks.
    #[must_use]
    pub fn remote_address(&self) -> std::net::SocketAddr {
        self.shared.quic.remote_address()
    }

    /// Ends the connection at once; whatever wasn't delivered is lost.
    pub fn close(&self, code: CloseCode) {
        code.close(&self.shared.quic);
    }

    /// Waits until the connection is gone.
    pub async fn closed(&self) -> Lost {
        self.shared.quic.closed().await.into()
    }

    /// Why the connection is gone, if it is.
    #[must_use]
    pub fn lost(&self) -> Option<Lost> {
        self.shared.quic.close_reason().map(Lost::from)
    }

    /// A number that no other connection of this endpoint has while this one lives.
    #[must_use]
    pub fn id(&self) -> usize {
        self.shared.quic.stable_id()
    }

    pub(crate) fn quic(&self) -> &quinn::Connection {
        &self.shared.quic
    }

    pub(crate) fn large_requests(&self) -> Arc<Semaphore> {
        self.shared.large_requests.clone()
    }
}

/// Verifies the peer's chain as of now, whether or not TLS has just done so: on a resumed session
/// it has not.
pub(crate) fn verify_peer(
    trust: &Trust,
    connection: &quinn::Connection,
) -> Result<VerifiedLeaf, Untrusted> {
    let certificates = connection
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok())
        .unwrap_or_default();
    let chain = UnverifiedChain::from_ders(&certificates)?;
    Ok(trust.verify_chain(&chain, &CONNECTING)?)
}

/// The protocol that TLS agreed on. rustls ends the handshake otherwise; a peer that offers no
/// protocol at all is the exception.
pub(crate) fn protocol_of(connection: &quinn::Connection) -> Option<Vec<u8>> {
    let data = connection.handshake_data()?.downcast::<HandshakeData>().ok()?;
    data.protocol
}

/// Whether TLS agreed on the ordinary protocol.
pub(crate) fn speaks_enlace(connection: &quinn::Connection) -> bool {
    protocol_of(connection).as_deref() == Some(ALPN)
}

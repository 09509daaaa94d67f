//! One UDP socket that dials and, if it is a relay's, accepts.

mod socket;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use enlace_identity::entropy::Entropy;
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, VarInt};

use crate::accept::Incoming;
use crate::clock::QuicTime;
use crate::close::CloseCode;
use crate::handshakes::{self, Handshakes, NoPlace};
use crate::local::LocalIdentity;
use crate::quic::{self, Wire};
use crate::tls::{self, PeerVerifier, TlsSetupError};
use crate::trust::Trust;

const ANY_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
const ANY_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// A socket with an identity. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) quic: quinn::Endpoint,
    pub(crate) trust: Trust,
    pub(crate) verifier: Arc<PeerVerifier>,
    handshakes: Handshakes,
    newcomers: Handshakes,
    wire: Wire,
    entropy: Entropy,
    acting: RwLock<Acting>,
}

/// Who the endpoint is now, and how it dials.
#[derive(Clone, Debug)]
pub(crate) struct Acting {
    pub(crate) identity: LocalIdentity,
    pub(crate) dialling: quinn::ClientConfig,
}

/// Why an endpoint can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address can't be bound: in use, not of this machine, or not permitted.
    #[error("the UDP address {address} can't be bound: {source}")]
    Socket {
        /// The address asked for.
        address: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
}

impl Endpoint {
    /// Opens a socket on the operating system. A relay's identity accepts connections on it, a
    /// device's only dials. `[::]` serves IPv4 as well. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(
        address: SocketAddr,
        identity: LocalIdentity,
        trust: Trust,
    ) -> Result<Self, BindError> {
        let refused = |source| BindError::Socket { address, source };
        let runtime = Arc::new(TokioRuntime);
        let socket = socket::bind(address).map_err(refused)?;
        let socket = runtime.wrap_udp_socket(socket).map_err(refused)?;
        Self::open((socket, runtime), Wire::Kernel, Entropy::system(), identity, trust)
    }

    /// Opens a socket for dialling alone, on any port, with IPv6 where the machine has it.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn dial_only(identity: LocalIdentity, trust: Trust) -> Result<Self, BindError> {
        Self::bind(ANY_V6, identity.clone(), trust.clone())
            .or_else(|_| Self::bind(ANY_V4, identity, trust))
    }

    /// Opens an endpoint on a socket and a runtime of the caller's, as a simulation does: no
    /// segmentation offload, no search for larger datagrams, and whatever QUIC draws comes from
    /// `entropy`. With [`quinn::TokioRuntime`] or one like it on a paused clock, the same seed gives the
    /// same datagrams, by time, address and length. Their bytes differ: TLS draws from the
    /// operating system, which decides no length and no time.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn on_socket(
        socket: Arc<dyn AsyncUdpSocket>,
        runtime: Arc<dyn Runtime>,
        entropy: Entropy,
        identity: LocalIdentity,
        trust: Trust,
    ) -> Result<Self, BindError> {
        Self::open((socket, runtime), Wire::Simulated, entropy, identity, trust)
    }

    fn open(
        (socket, runtime): (Arc<dyn AsyncUdpSocket>, Arc<dyn Runtime>),
        wire: Wire,
        entropy: Entropy,
        identity: LocalIdentity,
        trust: Trust,
    ) -> Result<Self, BindError> {
        let config = if identity.is_relay() {
            identity.reset_key().endpoint_config(&entropy)
        } else {
            quic::dialling_endpoint(&entropy)
        };
        let verifier = Arc::new(PeerVerifier::new(trust.clone()));
        let (dialling, accepting) = configs(&identity, &trust, &verifier, wire, &entropy)?;
        let quic = quinn::Endpoint::new_with_abstract_socket(config, accepting, socket, runtime)
            .map_err(|source| BindError::Socket { address: ANY_V6, source })?;
        let acting = RwLock::new(Acting { identity, dialling });
        let (handshakes, newcomers) = (Handshakes::default(), Handshakes::of_newcomers());
        let shared = Shared { quic, trust, verifier, handshakes, newcomers, wire, entropy, acting };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Shows another certificate from now on, as after a renewal. Live connections go on with the
    /// old one; sessions are no longer resumed.
    ///
    /// # Errors
    /// [`TlsSetupError`]; nothing changes then.
    pub fn replace_identity(&self, identity: LocalIdentity) -> Result<(), TlsSetupError> {
        let shared = &self.shared;
        let Shared { trust, verifier, wire, entropy, .. } = &**shared;
        let (dialling, accepting) = configs(&identity, trust, verifier, *wire, entropy)?;
        shared.quic.set_server_config(accepting);
        let mut acting = shared.acting.write().unwrap_or_else(PoisonError::into_inner);
        *acting = Acting { identity, dialling };
        Ok(())
    }

    /// Serves devices without a certificate from now on, on a protocol of their own, or no longer:
    /// see [`crate::enrolment`]. Connections that are open go on.
    ///
    /// # Errors
    /// [`TlsSetupError`].
    pub fn admit_newcomers(&self, admits: bool) -> Result<(), TlsSetupError> {
        self.shared.verifier.admit_newcomers(admits);
        self.replace_identity(self.identity())
    }

    /// The identity in use.
    #[must_use]
    pub fn identity(&self) -> LocalIdentity {
        self.acting().identity
    }

    /// What this endpoint trusts.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.shared.trust
    }

    /// The next connection that somebody opens; nothing once the endpoint is closed. Let
    /// [`Incoming::greet`] run in a task of its own: it waits for the peer.
    pub async fn accept(&self) -> Option<Incoming> {
        loop {
            let incoming = self.shared.quic.accept().await?;
            let proven = incoming.remote_address_validated();
            match self.shared.handshakes.take(incoming.remote_address(), proven) {
                Ok(place) => return Some(Incoming::new(self.clone(), incoming, place)),
                Err(NoPlace::Prove) if incoming.may_retry() => {
                    // It fails only for those that may not retry.
                    let _ = incoming.retry();
                }
                Err(_) => incoming.refuse(),
            }
        }
    }

    /// The socket's address.
    ///
    /// # Errors
    /// When the operating system can't say.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.shared.quic.local_addr()
    }

    /// Connections that are open, in either direction.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.quic.open_connections()
    }

    /// Full handshakes since the start: those in which TLS asked for the peer's certificate to be
    /// verified. Connections beyond them were resumed.
    #[must_use]
    pub fn full_handshakes(&self) -> u64 {
        self.shared.verifier.runs()
    }

    /// Closes every connection and accepts no more. Wait with [`idle`](Self::idle) until the peers
    /// have been told.
    pub fn close(&self, code: CloseCode) {
        self.shared.quic.close(VarInt::from_u32(code.number()), b"");
    }

    /// Waits until no connection is left.
    pub async fn idle(&self) {
        self.shared.quic.wait_idle().await;
    }

    /// Takes the place of somebody without a certificate, whose address is proven.
    pub(crate) fn newcomers_place(&self, address: SocketAddr) -> Option<handshakes::Place> {
        self.shared.newcomers.take(address, true).ok()
    }

    pub(crate) fn acting(&self) -> Acting {
        self.shared.acting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A socket for dialling on any port, with IPv6 where the machine has it.
pub(crate) fn any_socket(config: quinn::EndpointConfig) -> Result<quinn::Endpoint, BindError> {
    let runtime = Arc::new(TokioRuntime);
    let (address, socket) = match socket::bind(ANY_V6) {
        Ok(socket) => (ANY_V6, Ok(socket)),
        Err(_) => (ANY_V4, socket::bind(ANY_V4)),
    };
    let refused = |source| BindError::Socket { address, source };
    let socket = socket.and_then(|socket| runtime.wrap_udp_socket(socket)).map_err(refused)?;
    quinn::Endpoint::new_with_abstract_socket(config, None, socket, runtime).map_err(refused)
}

type Configs = (quinn::ClientConfig, Option<quinn::ServerConfig>);

fn configs(
    identity: &LocalIdentity,
    trust: &Trust,
    verifier: &Arc<PeerVerifier>,
    wire: Wire,
    entropy: &Entropy,
) -> Result<Configs, TlsSetupError> {
    let mut dialling = tls::client(identity, trust, verifier.clone())?;
    dialling.transport_config(quic::dialling(wire));
    if !identity.is_relay() {
        return Ok((dialling, None));
    }
    let mut accepting = tls::server(identity, trust, verifier.clone())?;
    accepting
        .transport_config(quic::accepting(wire))
        .max_incoming(handshakes::MAX)
        .token_key(quic::token_key(entropy))
        .time_source(Arc::new(QuicTime(trust.clone())));
    Ok((dialling, Some(accepting)))
}

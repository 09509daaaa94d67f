//! What goes wrong when a relay is dialled, sorted by what can be done about it.

use std::net::SocketAddr;

use enlace_identity::chain::ChainError;
use enlace_identity::time::ValidityError;
use quinn::ConnectionError;

use crate::call::CallError;
use crate::close::{CloseCode, Lost};
use crate::hello::HelloError;
use crate::untrusted::Untrusted;

/// Why a relay can't be reached.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// None of the host names has an address: a wrong name, or no name service.
    #[error("no address is known for {hosts}")]
    NoAddress {
        /// The names tried.
        hosts: String,
    },
    /// The network can't carry packets to any of the addresses.
    #[error("{address} can't be reached from here: {reason}")]
    Unroutable {
        /// The last address tried.
        address: SocketAddr,
        /// What QUIC says.
        reason: String,
    },
    /// Nothing answered on UDP: the relay is down, the address is wrong, or a network in between
    /// drops UDP.
    #[error("no answer from {}", list(.tried))]
    NoAnswer {
        /// The addresses tried.
        tried: Vec<SocketAddr>,
    },
    /// Whoever answered is not the relay that was meant, or its certificate doesn't hold.
    #[error("the relay is not trusted: {0}")]
    Untrusted(#[from] Untrusted),
    /// The two clocks, or this side's and the certificates', contradict each other: set the clock.
    #[error("the clocks disagree: {0}")]
    Clock(ClockDoubt),
    /// The relay refuses this side's certificate.
    #[error("the relay refuses our certificate: {0}")]
    Refused(Refused),
    /// Whoever answered speaks TLS differently: no relay, an old one, or an interception.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// Hello failed for another reason than trust.
    #[error(transparent)]
    Hello(HelloError),
    /// TLS went well, but hello brought no usable answer.
    #[error("hello was not answered: {0}")]
    NoHello(CallError),
    /// The relay closed the connection during hello, or it was lost.
    #[error(transparent)]
    Lost(Lost),
    /// This endpoint has been closed.
    #[error("this side has been closed")]
    Closed,
}

/// Why a clock is in doubt.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClockDoubt {
    /// By our clock our certificate holds; the relay finds it expired or not valid yet.
    #[error("by our clock our certificate holds, by the relay's it doesn't")]
    OursHoldsHere,
    /// By our clock the relay's certificate is not valid yet.
    #[error("by our clock the relay's certificate lies in the future")]
    TheirsLiesAhead,
}

/// Why a relay refuses this side's certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// It has expired: renew it.
    #[error("it has expired")]
    Expired,
    /// It is revoked: ask the registrar.
    #[error("it is revoked")]
    Revoked,
    /// Our authority has suspended this device: it may connect again once that is lifted.
    #[error("it is suspended")]
    Suspended,
    /// The relay has no current revocation list of our authority.
    #[error("the relay has no current revocation list of our authority")]
    StaleCrl,
    /// The relay's network doesn't know our authority, or finds fault with the certificate.
    #[error("it is not one of the relay's network")]
    Unknown,
}

impl ConnectError {
    /// What the end of a connection means before hello is through.
    pub(crate) fn ending_of(
        error: ConnectionError,
        address: SocketAddr,
        ours_holds: impl FnOnce() -> bool,
    ) -> Self {
        if matches!(error, ConnectionError::TimedOut) {
            return ConnectError::NoAnswer { tried: vec![address] };
        }
        let refused = match (&error, alert(&error)) {
            (ConnectionError::ConnectionClosed(_), Some(ALERT_EXPIRED)) => Refused::Expired,
            (ConnectionError::ConnectionClosed(_), Some(ALERT_BAD | ALERT_UNKNOWN_CA)) => {
                Refused::Unknown
            }
            (_, Some(_)) => return ConnectError::Tls(error.to_string()),
            (_, None) => match Lost::from(error) {
                Lost::ByPeer(CloseCode::Untrusted) => Refused::Unknown,
                Lost::ByPeer(CloseCode::Expired) => Refused::Expired,
                Lost::ByPeer(CloseCode::Revoked) => Refused::Revoked,
                Lost::ByPeer(CloseCode::StaleCrl) => Refused::StaleCrl,
                Lost::ByPeer(CloseCode::Suspended) => Refused::Suspended,
                Lost::ByPeer(CloseCode::OtherNetwork) => {
                    return ConnectError::Hello(HelloError::OtherNetwork);
                }
                Lost::ByPeer(CloseCode::NoCommonVersion) => {
                    return ConnectError::Hello(HelloError::NoCommonVersion);
                }
                lost => return ConnectError::Lost(lost),
            },
        };
        if refused == Refused::Expired && ours_holds() {
            return ConnectError::Clock(ClockDoubt::OursHoldsHere);
        }
        ConnectError::Refused(refused)
    }

    /// Takes a certificate that lies in the future for a sign that our clock is slow.
    pub(crate) fn untrusted(untrusted: Untrusted) -> Self {
        let ahead = ValidityError::NotYetValid;
        match untrusted {
            Untrusted::Chain(
                ChainError::LeafValidity { problem, .. }
                | ChainError::IssuingValidity { problem, .. }
                | ChainError::RootValidity { problem, .. },
            ) if problem == ahead => ConnectError::Clock(ClockDoubt::TheirsLiesAhead),
            untrusted => ConnectError::Untrusted(untrusted),
        }
    }

    /// What the relay is told when this side gives up.
    pub(super) fn close_code(&self) -> CloseCode {
        match self {
            ConnectError::Untrusted(untrusted) => untrusted.close_code(),
            ConnectError::Clock(_) => CloseCode::Expired,
            ConnectError::Hello(error) => error.close_code(),
            _ => CloseCode::Protocol,
        }
    }
}

/// TLS alerts (RFC 8446 §6.2).
const ALERT_BAD: u64 = 42;
const ALERT_EXPIRED: u64 = 45;
const ALERT_UNKNOWN_CA: u64 = 48;

/// The TLS alert that ended a handshake, sent or received (RFC 9001 §4.8).
fn alert(error: &ConnectionError) -> Option<u64> {
    let code = match error {
        ConnectionError::ConnectionClosed(close) => close.error_code,
        ConnectionError::TransportError(error) => error.code,
        _ => return None,
    };
    u64::from(code).checked_sub(0x100).filter(|alert| *alert < 0x100)
}

fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    texts.join(", ")
}

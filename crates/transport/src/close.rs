//! Why a connection ends: the codes one side closes with, and what the other side makes of it
//! (PROTOCOL.md §4.7).

use quinn::{ConnectionError, VarInt};

/// The application error code of a QUIC `CONNECTION_CLOSE` frame.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u32)]
pub enum CloseCode {
    /// Nobody needs the connection any more.
    Done = 0,
    /// The relay is being stopped: connect again later.
    Stopping = 1,
    /// The certificate doesn't belong to this network, or is not the one that was expected.
    Untrusted = 2,
    /// The certificate is revoked.
    Revoked = 3,
    /// The certificate has expired, or is not valid yet.
    Expired = 4,
    /// There is no current revocation list of the peer's authority: publish one.
    StaleCrl = 5,
    /// The two sides use different network bundles.
    OtherNetwork = 6,
    /// The two sides have no protocol version in common.
    NoCommonVersion = 7,
    /// A call before hello, or a hello that can't be read.
    Protocol = 8,
    /// Hello did not come in time.
    HelloTimeout = 9,
    /// Too many connections: wait before connecting again.
    Limit = 10,
    /// The device is suspended: it may connect again once that is lifted.
    Suspended = 11,
}

impl CloseCode {
    const ALL: [Self; 12] = [
        Self::Done,
        Self::Stopping,
        Self::Untrusted,
        Self::Revoked,
        Self::Expired,
        Self::StaleCrl,
        Self::OtherNetwork,
        Self::NoCommonVersion,
        Self::Protocol,
        Self::HelloTimeout,
        Self::Limit,
        Self::Suspended,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code with that number, if this version knows one.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|code| u64::from(code.number()) == number)
    }

    pub(crate) fn wire(self) -> VarInt {
        VarInt::from_u32(self.number())
    }

    pub(crate) fn close(self, connection: &quinn::Connection) {
        connection.close(self.wire(), b"");
    }
}

/// Why a connection is gone. Calls in progress on it have an unknown outcome.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Lost {
    /// The peer closed it for that reason.
    #[error("the peer closed the connection: {0:?}")]
    ByPeer(CloseCode),
    /// The peer closed it with a code that this version doesn't know.
    #[error("the peer closed the connection with the unknown code {0}")]
    ByPeerUnknown(u64),
    /// This side closed it, or cut it because the peer's certificate no longer holds.
    #[error("the connection was closed on this side")]
    ByUs,
    /// Nothing came from the peer for too long.
    #[error("the peer no longer answers")]
    Silent,
    /// The peer has forgotten the connection, as after a restart.
    #[error("the peer was restarted")]
    Reset,
    /// QUIC or TLS failed.
    #[error("the transport failed: {0}")]
    Transport(String),
}

impl From<ConnectionError> for Lost {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => {
                let number = close.error_code.into_inner();
                CloseCode::from_number(number).map_or(Self::ByPeerUnknown(number), Self::ByPeer)
            }
            ConnectionError::LocallyClosed => Self::ByUs,
            ConnectionError::TimedOut => Self::Silent,
            ConnectionError::Reset => Self::Reset,
            other => Self::Transport(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CloseCode;

    #[test]
    fn numbers_lead_back_to_their_codes() {
        for (number, code) in (0..).zip(CloseCode::ALL) {
            assert_eq!(code.number(), number);
            assert_eq!(CloseCode::from_number(number.into()), Some(code));
        }
        assert_eq!(CloseCode::from_number(12), None);
    }
}

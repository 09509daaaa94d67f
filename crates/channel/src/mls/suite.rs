//! The two cipher suites.

use openmls_traits::types::Ciphersuite;

/// A cipher suite. Both use ChaCha20-Poly1305, SHA-256 and Ed25519.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u16)]
pub enum Suite {
    /// X25519 alone (RFC 9420): commits of a tenth of the size, for large forums.
    Classic = 0x0003,
    /// X-Wing, that is X25519 with ML-KEM-768 (a draft's code point).
    #[default]
    PostQuantum = 0x004D,
}

impl Suite {
    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The suite of a number, if it is one of ours.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        [Self::Classic, Self::PostQuantum].into_iter().find(|suite| suite.code() == code)
    }

    pub(super) fn to_mls(self) -> Ciphersuite {
        match self {
            Self::Classic => Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519,
            Self::PostQuantum => Ciphersuite::MLS_256_XWING_CHACHA20POLY1305_SHA256_Ed25519,
        }
    }

    pub(super) fn of_mls(suite: Ciphersuite) -> Option<Self> {
        Self::from_code(suite.into())
    }
}

//! Whom a dialler wants to reach.

use std::fmt;

use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::names::{Domain, LeafName, ServiceKind, ServiceName};

use crate::untrusted::Untrusted;

/// The relay, or the authority, whose certificate has to answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Expected {
    /// That relay alone.
    Relay(ServiceName),
    /// Any relay of that authority.
    AnyRelayOf(Domain),
}

impl Expected {
    /// Checks a verified relay's name.
    ///
    /// # Errors
    /// [`Untrusted::OtherName`].
    pub fn check(&self, leaf: &VerifiedLeaf) -> Result<(), Untrusted> {
        let fits = match (self, leaf.name()) {
            (Self::Relay(expected), LeafName::Service(found)) => expected == found,
            (Self::AnyRelayOf(domain), LeafName::Service(found)) => {
                found.kind() == ServiceKind::Relay && found.domain() == domain
            }
            (_, LeafName::Device(_)) => false,
        };
        if fits {
            return Ok(());
        }
        Err(Untrusted::OtherName { expected: self.to_string(), found: leaf.name().clone() })
    }

    /// What stands for it inside TLS; it is never sent.
    pub(crate) fn server_name(&self) -> &str {
        match self {
            Self::Relay(name) => name.as_str(),
            Self::AnyRelayOf(domain) => domain.as_str(),
        }
    }

    pub(crate) fn from_server_name(name: &str) -> Option<Self> {
        let relay =
            name.parse().ok().filter(|name: &ServiceName| name.kind() == ServiceKind::Relay);
        relay.map(Self::Relay).or_else(|| name.parse().ok().map(Self::AnyRelayOf))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relay(name) => f.write_str(name.as_str()),
            Self::AnyRelayOf(domain) => write!(f, "a relay of {}", domain.as_str()),
        }
    }
}

//! What an endpoint record says, as it is signed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::canonical::{DecodeError, Reader, Writer};
use crate::names::{Domain, ServiceKind, ServiceName};
use crate::time::{Timestamp, Validity};

const LABEL: &str = "enlace endpoint record v1";

/// Where an authority's relays are to be found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointRecord {
    /// The authority.
    pub domain: Domain,
    /// From 1; a higher one replaces a lower one.
    pub version: u64,
    /// When it may be relied on.
    pub validity: Validity,
    /// Sorted by name, at least one.
    pub relays: Vec<RelayEndpoint>,
}

/// One relay node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelayEndpoint {
    /// The name in its certificate.
    pub name: ServiceName,
    /// Where to reach it, in order of preference; at least one.
    pub addresses: Vec<RelayAddress>,
}

/// A host and a UDP port.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RelayAddress {
    /// A name or a literal address.
    pub host: Host,
    /// Not zero.
    pub port: u16,
}

/// A DNS name in lower case, or an IPv4 or IPv6 address in its usual short form.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Host(String);

/// The text is neither a DNS name in lower case nor an IP address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is neither a host name in lower case nor an IP address")]
pub struct HostError;

impl EndpointRecord {
    /// The most relays of an authority.
    pub const MAX_RELAYS: usize = 32;
    /// The most addresses of a relay.
    pub const MAX_ADDRESSES: usize = 16;

    /// The bytes that are signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .bytes(self.domain.as_str().as_bytes())
            .u64(self.version)
            .u64(self.validity.not_before.as_millis())
            .u64(self.validity.not_after.as_millis())
            .list(&self.relays, |w, relay| {
                w.bytes(relay.name.as_str().as_bytes()).list(&relay.addresses, |w, address| {
                    w.bytes(address.host.as_str().as_bytes()).u64(address.port.into())
                })
            })
            .finish()
    }

    /// Reads the bytes back.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let record = Self {
            domain: r.text()?.parse().map_err(|_| DecodeError::Value("domain"))?,
            version: r.u64()?,
            validity: Validity {
                not_before: Timestamp::from_millis(r.u64()?),
                not_after: Timestamp::from_millis(r.u64()?),
            },
            relays: r.list("relays", Self::MAX_RELAYS, read_relay)?,
        };
        r.finish()?;
        record.check()?;
        Ok(record)
    }

    pub(super) fn check(&self) -> Result<(), DecodeError> {
        let own = |relay: &RelayEndpoint| {
            relay.name.kind() == ServiceKind::Relay && *relay.name.domain() == self.domain
        };
        let addressed = |relay: &RelayEndpoint| {
            (1..=Self::MAX_ADDRESSES).contains(&relay.addresses.len())
                && relay.addresses.iter().all(|address| address.port != 0)
        };
        let rules = [
            ("version", self.version > 0),
            ("not_after", self.validity.not_before < self.validity.not_after),
            ("relays", (1..=Self::MAX_RELAYS).contains(&self.relays.len())),
            ("relays", self.relays.is_sorted_by(|a, b| a.name < b.name)),
            ("relay name", self.relays.iter().all(own)),
            ("addresses", self.relays.iter().all(addressed)),
        ];
        match rules.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(DecodeError::Value(field)),
            None => Ok(()),
        }
    }
}

fn read_relay(r: &mut Reader<'_>) -> Result<RelayEndpoint, DecodeError> {
    Ok(RelayEndpoint {
        name: r.text()?.parse().map_err(|_| DecodeError::Value("relay name"))?,
        addresses: r.list("addresses", EndpointRecord::MAX_ADDRESSES, |r| {
            let host = r.text()?.parse().map_err(|_| DecodeError::Value("host"))?;
            let port = u16::try_from(r.u64()?).map_err(|_| DecodeError::Value("port"))?;
            Ok(RelayAddress { host, port })
        })?,
    })
}

impl Host {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, if it is a literal one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let is_address = text.parse::<IpAddr>().is_ok_and(|ip| ip.to_string() == text);
        if is_address || is_dns_name(text) { Ok(Self(text.to_owned())) } else { Err(HostError) }
    }
}

fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let like_an_address = last.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 253 && text.split('.').all(label) && !like_an_address
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.ip() {
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_spelling() {
        for good in ["relay.fge.example", "localhost", "127.0.0.1", "2001:db8::1", "::1"] {
            assert!(good.parse::<Host>().is_ok(), "{good}");
        }
        let bad =
            ["", "Relay.example", "a..b", "127.0.0.01", "1.2.3", "2001:DB8::1", "[::1]", "a b"];
        for bad in bad {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
        let address = RelayAddress { host: "::1".parse().unwrap(), port: 7 };
        assert_eq!(address.to_string(), "[::1]:7");
    }
}

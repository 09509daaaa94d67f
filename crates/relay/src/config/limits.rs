//! What one peer may use of the relay.

use std::num::NonZeroU32;

use super::file::LimitsSection;

/// The limits, none of them zero.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one device or relay.
    pub connections_per_peer: usize,
    /// Calls of one device: per second and at once.
    pub requests: Rate,
    /// Submitted bytes of one device: per second and at once.
    pub bytes: Rate,
    /// Factor on both rates, and on the channels of a subscription, for another authority's relay.
    pub relay_factor: u32,
    /// Channels of one device's subscription.
    pub channels_per_subscription: usize,
    /// Key packages of one device and suite.
    pub key_packages_per_device: u32,
    /// Key packages that one authority may claim in an hour.
    pub claims_per_hour: u32,
}

/// An average rate and how much may come at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// Units per second, on the average.
    pub per_second: u64,
    /// Units at once.
    pub burst: u64,
}

impl Limits {
    /// Channels of a relay's subscription: it reads for all its authority's devices.
    #[must_use]
    pub fn channels_per_relay(&self) -> usize {
        self.channels_per_subscription.saturating_mul(self.relay_factor as usize)
    }
}

impl Rate {
    /// The rate of a peer that speaks for many.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        let factor = u64::from(factor);
        Self {
            per_second: self.per_second.saturating_mul(factor),
            burst: self.burst.saturating_mul(factor),
        }
    }
}

/// A limit of zero: the relay could serve nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("limits.{0} is zero: nobody could be served")]
pub struct ZeroLimit(pub &'static str);

impl TryFrom<&LimitsSection> for Limits {
    type Error = ZeroLimit;

    fn try_from(section: &LimitsSection) -> Result<Self, ZeroLimit> {
        let u32s = |name, value| NonZeroU32::new(value).map(NonZeroU32::get).ok_or(ZeroLimit(name));
        let u64s = |name, value| if value == 0 { Err(ZeroLimit(name)) } else { Ok(value) };
        Ok(Self {
            connections: u32s("connections", section.connections)? as usize,
            connections_per_peer: u32s("connections_per_peer", section.connections_per_peer)?
                as usize,
            requests: Rate {
                per_second: u32s("requests_per_second", section.requests_per_second)?.into(),
                burst: u32s("request_burst", section.request_burst)?.into(),
            },
            bytes: Rate {
                per_second: u64s("bytes_per_second", section.bytes_per_second)?,
                burst: u64s("byte_burst", section.byte_burst)?,
            },
            relay_factor: u32s("relay_factor", section.relay_factor)?,
            channels_per_subscription: u32s(
                "channels_per_subscription",
                section.channels_per_subscription,
            )? as usize,
            key_packages_per_device: u32s(
                "key_packages_per_device",
                section.key_packages_per_device,
            )?,
            claims_per_hour: u32s(
                "claims_per_authority_and_hour",
                section.claims_per_authority_and_hour,
            )?,
        })
    }
}

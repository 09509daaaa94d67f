//! Identifiers, counters and hashes, each its own type.

use std::fmt;

use enlace_identity::canonical::Writer;
use enlace_identity::names::Domain;
use enlace_proto::relay::v1 as wire;

/// Defines a newtype over a fixed number of bytes, shown as hexadecimal.
macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl ::std::convert::TryFrom<&[u8]> for $name {
            type Error = ::std::array::TryFromSliceError;

            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                bytes.try_into().map(Self)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&::hex::encode(self.0))
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::hex::FromHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; $length];
                ::hex::decode_to_slice(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }
    };
}
pub(crate) use bytes_id;

bytes_id!(
    /// A channel, for its whole life. It fixes the hub that created it: [`ChannelId::derive`].
    ChannelId, 32
);
bytes_id!(
    /// What makes a channel's id unique at its hub: random, chosen by the creator. Not a secret.
    ChannelNonce, 32
);
bytes_id!(
    /// An item's idempotency key: unique per device, the same when sent again.
    ClientId, 16
);
bytes_id!(
    /// Binds an item to the entry inside it (PROTOCOL.md §3.4).
    Commitment, 32
);

impl ClientId {
    /// A new one: where the author's copy of the log ended when the item was thought of, then
    /// random bytes. A hub keeps its keys in order, so it finds those of one time together
    /// (PROTOCOL.md §3.5); it knows how far a device has read as it is.
    #[must_use]
    pub fn new(next: Seq, random: [u8; 10]) -> Self {
        let mut id = [0; 16];
        let (position, rest) = id.split_at_mut(6);
        position.copy_from_slice(&next.0.to_be_bytes()[2..]);
        rest.copy_from_slice(&random);
        Self(id)
    }
}

impl ChannelId {
    /// As it travels.
    #[must_use]
    pub fn to_wire(self) -> wire::ChannelId {
        wire::ChannelId { value: self.0.to_vec() }
    }

    /// The id of the channel that is created at the relay of `hub` with this nonce
    /// (PROTOCOL.md §3.11). Nobody finds a nonce that leads to this id at another hub.
    #[must_use]
    pub fn derive(hub: &Domain, nonce: &ChannelNonce) -> Self {
        Self(Writer::new("enlace channel v1").bytes(hub.as_str().as_bytes()).fixed(&nonce.0).hash())
    }
}

impl Commitment {
    /// What stands where there is no entry.
    pub const NONE: Self = Self([0; 32]);
}

/// Defines a newtype over a counter.
macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            ///
            /// # Panics
            /// At 2^64−1, which nothing that counts by ones reaches.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.checked_add(1).expect("a counter that goes up by ones does not wrap"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// A position of a log, from 0.
    Seq
);
counter!(
    /// Which group of a channel: 0, and one more for each successor.
    Generation
);
counter!(
    /// Which life of a hub ordered a part of a log: 0 at first, and something greater whenever it
    /// begins anew, not knowing whether it holds all that it signed.
    Incarnation
);
counter!(
    /// A device's own count of encryptions, over all channels.
    SubmitCounter
);

/// The largest `Seq` that a log may reach; above lies [`NO_SEQ`].
pub const MAX_SEQ: u64 = (1 << 62) - 1;

/// What stands in a byte string for "no position".
pub const NO_SEQ: u64 = u64::MAX;

/// Writes an optional position.
#[must_use]
pub fn seq_to_u64(seq: Option<Seq>) -> u64 {
    seq.map_or(NO_SEQ, |seq| seq.0)
}

/// Reads an optional position; `None` inside `Err` means a number no log reaches.
///
/// # Errors
/// When the number lies between [`MAX_SEQ`] and [`NO_SEQ`].
pub fn seq_from_u64(
    field: &'static str,
    value: u64,
) -> Result<Option<Seq>, enlace_identity::canonical::DecodeError> {
    match value {
        NO_SEQ => Ok(None),
        seq if seq <= MAX_SEQ => Ok(Some(Seq(seq))),
        _ => Err(enlace_identity::canonical::DecodeError::Value(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::{ChannelId, ChannelNonce};

    #[test]
    fn a_channel_id_is_of_one_hub_and_one_nonce() {
        let id = |hub: &str, nonce| ChannelId::derive(&hub.parse().unwrap(), &ChannelNonce(nonce));
        let ours = id("a.example", [7; 32]);
        assert_eq!(ours, id("a.example", [7; 32]));
        assert_ne!(ours, id("b.example", [7; 32]));
        assert_ne!(ours, id("a.example", [8; 32]));
    }
}

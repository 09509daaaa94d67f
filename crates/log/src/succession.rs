//! The founding of a channel's next group (PROTOCOL.md §3.10, §5.9).

use std::collections::BTreeMap;

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::DeviceName;

use crate::control::LeafHash;
use crate::ids::{ChannelId, Generation, bytes_id};

const LABEL: &str = "enlace succession v2";

bytes_id!(
    /// Fixes the group that a succession founds, its secrets included: all who joined a group of
    /// this hash are in the same one.
    FoundingHash, 32
);

impl FoundingHash {
    /// Hashes the group's context in its first epoch (RFC 9420 §8.1, as TLS writes it) and that
    /// epoch's authenticator (§8.7).
    #[must_use]
    pub fn of(context: &[u8], epoch_authenticator: &[u8]) -> Self {
        let writer = Writer::new("enlace founding v1").bytes(context).bytes(epoch_authenticator);
        Self(writer.hash())
    }
}

/// What the founder of a channel's next group tells its members; the payload of an item of kind
/// `Succession`. What of it is secret is encrypted, for each member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Succession {
    /// The channel.
    pub channel: ChannelId,
    /// The group that begins: one more than the envelope's.
    pub generation: Generation,
    /// The group itself.
    pub founding: FoundingHash,
    /// The code of its MLS cipher suite.
    pub suite: u16,
    /// Its devices, the founder's among them, each with the leaf that it has there: whoever cannot
    /// open the welcome asks by it to be put back.
    pub leaves: BTreeMap<DeviceName, LeafHash>,
    /// An MLS Welcome (RFC 9420 §12.4.3.1) for each device after it, the founder's aside; empty
    /// where there is none.
    pub welcome: Vec<u8>,
}

impl Succession {
    /// More devices than any channel has.
    const MAX_DEVICES: usize = 1 << 18;

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let leaves: Vec<_> = self.leaves.iter().collect();
        Writer::new(LABEL)
            .fixed(&self.channel.0)
            .u64(self.generation.0)
            .fixed(&self.founding.0)
            .u64(self.suite.into())
            .list(&leaves, |w, (device, leaf)| w.bytes(device.as_str().as_bytes()).fixed(&leaf.0))
            .bytes(&self.welcome)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest founder would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let (channel, generation) = (ChannelId(r.fixed()?), Generation(r.u64()?));
        let founding = FoundingHash(r.fixed()?);
        let suite = r.u64()?.try_into().map_err(|_| DecodeError::Value("suite"))?;
        let leaves = r.list("leaves", Self::MAX_DEVICES, |r| {
            let device: DeviceName = r.text()?.parse().map_err(|_| DecodeError::Value("leaves"))?;
            Ok((device, LeafHash(r.fixed()?)))
        })?;
        let welcome = r.bytes()?.to_vec();
        r.finish()?;
        if leaves.is_empty() || !leaves.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(DecodeError::Value("leaves"));
        }
        let leaves = leaves.into_iter().collect();
        Ok(Self { channel, generation, founding, suite, leaves, welcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_one_encoding() {
        let device = |name: &str| format!("laptop.{name}.officer.fge.example").parse().unwrap();
        let succession = Succession {
            channel: ChannelId([1; 32]),
            generation: Generation(3),
            founding: FoundingHash::of(b"context", b"authenticator"),
            suite: 0x004D,
            leaves: [(device("ana"), LeafHash([2; 32])), (device("ben"), LeafHash([3; 32]))].into(),
            welcome: b"welcome".to_vec(),
        };
        let bytes = succession.encode();
        assert_eq!(Succession::decode(&bytes).as_ref(), Ok(&succession));
        assert!(Succession::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Succession::decode(&[&bytes[..], &[0]].concat()).is_err());
        let nobody = Succession { leaves: BTreeMap::new(), ..succession.clone() };
        assert!(Succession::decode(&nobody.encode()).is_err());
        assert_ne!(succession.founding, FoundingHash::of(b"context", b"another"));
        assert_ne!(succession.founding, FoundingHash::of(b"contex", b"tauthenticator"));
    }
}

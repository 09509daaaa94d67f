//! A tombstone: a control item by which relays erase what entries say, as far as they can judge that
//! it is their author's authority's to decide (PROTOCOL.md §6.7). The chain outlives it, for an
//! envelope holds its payload's hash.

use std::time::Duration;

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;

use crate::envelope::{Envelope, ItemKind, PayloadHash};
use crate::ids::{ChannelId, Generation, Seq, seq_from_u64};

const LABEL: &str = "enlace tombstone v1";

/// What an officer has written is erased by a colleague of the same authority from then on: not
/// before others had the time to read it.
pub const COLLEAGUES_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Entries whose payloads are to be erased.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tombstone {
    /// The channel.
    pub channel: ChannelId,
    /// Its group.
    pub generation: Generation,
    /// Where they stand, ascending, each with its payload's hash: a place may be given again when a
    /// hub begins anew, and then holds something else.
    pub erased: Vec<(Seq, PayloadHash)>,
}

impl Tombstone {
    /// The most entries that one names.
    pub const MAX: usize = 1024;

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .fixed(&self.channel.0)
            .u64(self.generation.0)
            .list(&self.erased, |w, (seq, hash)| w.u64(seq.0).fixed(&hash.0))
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest device would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let tombstone = Self {
            channel: ChannelId(r.fixed()?),
            generation: Generation(r.u64()?),
            erased: r.list("erased", Self::MAX, |r| {
                let seq = seq_from_u64("erased", r.u64()?)?;
                Ok((seq.ok_or(DecodeError::Value("erased"))?, PayloadHash(r.fixed()?)))
            })?,
        };
        r.finish()?;
        let is_sorted = tombstone.erased.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if tombstone.erased.is_empty() || !is_sorted {
            return Err(DecodeError::Value("erased"));
        }
        Ok(tombstone)
    }
}

/// Whether a tombstone of `by`, received at `at`, erases the payload of an item: entries alone, by
/// any device of their own officer, or after [`COLLEAGUES_WAIT`] of their own authority.
#[must_use]
pub fn may_erase(by: &DeviceName, at: Timestamp, item: &Envelope, received_at: Timestamp) -> bool {
    let Some(author) = item.device().filter(|_| item.kind == ItemKind::Entry) else { return false };
    let is_old = at >= received_at.plus(COLLEAGUES_WAIT);
    author.officer() == by.officer() || (author.domain() == by.domain() && is_old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tombstone(places: &[u64]) -> Tombstone {
        let erased = places.iter().map(|seq| (Seq(*seq), PayloadHash([7; 32]))).collect();
        Tombstone { channel: ChannelId([1; 32]), generation: Generation(0), erased }
    }

    #[test]
    fn it_names_each_entry_once_and_in_order() {
        let good = tombstone(&[3, 5, 1 << 40]);
        assert_eq!(Tombstone::decode(&good.encode()), Ok(good.clone()));
        for bad in [&[][..], &[5, 3], &[4, 4], &[u64::MAX]] {
            assert!(Tombstone::decode(&tombstone(bad).encode()).is_err(), "{bad:?}");
        }
        let mut longer = good.encode();
        longer.push(0);
        assert!(Tombstone::decode(&longer).is_err());
    }
}

//! History shares: what a device missed while it was stranded, as a colleague has it, sealed to that
//! device (PROTOCOL.md §5.15).
//!
//! They carry the signed originals with their authors' certificates. Whoever opens one checks each
//! against the item at its place in its own copy of the log: nobody can make up, alter or move what
//! others wrote.

use enlace_identity::bundle::{Bundle, LeafUsage};
use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::names::{DeviceName, LeafName};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Item, Seq};

use crate::entry::{EntryKind, PartKind, SignedEntry, UnverifiedEntry, VerifiedEntry};

const LABEL: &str = "enlace history share v1";
const ENTRIES: &str = "enlace shared entries v1";
const MAX_ENTRIES: usize = 4096;

/// What one entry of this kind says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryShare {
    /// For whom it is.
    pub device: DeviceName,
    /// The first position that it covers.
    pub from: Seq,
    /// The last one.
    pub to: Seq,
    /// [`SharedEntries`], under the device's share key.
    pub sealed: Vec<u8>,
}

/// Entries as they stand in a log, in order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SharedEntries {
    /// The certificates of their authors: leaf and issuing CA, DER.
    pub chains: Vec<[Vec<u8>; 2]>,
    /// Where each stands, whose certificates of these are its author's, and the entry as it is kept.
    pub entries: Vec<(Seq, usize, Vec<u8>)>,
}

impl HistoryShare {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .bytes(self.device.as_str().as_bytes())
            .u64(self.from.0)
            .u64(self.to.0)
            .bytes(&self.sealed)
            .finish()
    }

    /// What an entry shares; `None` of another entry, and of one that this version can't read.
    #[must_use]
    pub fn of(entry: &SignedEntry) -> Option<Self> {
        let [part] = entry.parts() else { return None };
        let is_share = entry.header().kind == EntryKind::HistoryShare;
        let content = part.content().filter(|_| is_share && part.kind() == PartKind::Shared);
        Self::decode(content?).ok()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let share = Self {
            device: r.text()?.parse().map_err(|_| DecodeError::Value("device"))?,
            from: position(r.u64()?)?,
            to: position(r.u64()?)?,
            sealed: r.bytes()?.to_vec(),
        };
        r.finish()?;
        Ok(share)
    }

    /// What the sealing is bound to.
    #[must_use]
    pub fn purpose(channel: ChannelId, device: &DeviceName, (from, to): (Seq, Seq)) -> Vec<u8> {
        Writer::new("enlace history share purpose v1")
            .fixed(&channel.0)
            .bytes(device.as_str().as_bytes())
            .u64(from.0)
            .u64(to.0)
            .finish()
    }
}

impl SharedEntries {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(ENTRIES)
            .list(&self.chains, |w, [leaf, issuing]| w.bytes(leaf).bytes(issuing))
            .list(&self.entries, |w, (seq, chain, entry)| {
                w.u64(seq.0).u64(*chain as u64).bytes(entry)
            })
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest device would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(ENTRIES, bytes)?;
        let shared = Self {
            chains: r
                .list("chains", MAX_ENTRIES, |r| Ok([r.bytes()?.to_vec(), r.bytes()?.to_vec()]))?,
            entries: r.list("entries", MAX_ENTRIES, |r| {
                let seq = position(r.u64()?)?;
                let chain = usize::try_from(r.u64()?).unwrap_or(usize::MAX);
                Ok((seq, chain, r.bytes()?.to_vec()))
            })?,
        };
        r.finish()?;
        Ok(shared)
    }

    /// The certificates of an entry's author, not verified.
    #[must_use]
    pub fn chain(&self, index: usize) -> Option<UnverifiedChain> {
        UnverifiedChain::from_ders(self.chains.get(index)?).ok()
    }
}

/// An entry that a colleague has, verified against the item at its place, which the hub has signed, and
/// its author's certificates. What the group thought of it is the colleague's word.
#[must_use]
pub fn verify_shared(
    bundle: &Bundle,
    item: &Item,
    entry: &[u8],
    chain: &UnverifiedChain,
) -> Option<VerifiedEntry> {
    let envelope = item.sealed.envelope();
    let entry = UnverifiedEntry::of_kept(SignedEntry::decode(entry).ok()?, envelope).ok()?;
    let author = envelope.device()?;
    let leaf = verify_author(bundle, item.received_at, chain).filter(|leaf| match leaf.name() {
        LeafName::Device(device) => device == author,
        LeafName::Service(_) => false,
    })?;
    entry.verify(envelope, author, &leaf.public_key()).ok()
}

/// The certificate of an author whose item the hub got then: it held then, or when it began. A member whose
/// certificate had ended was a member still.
#[must_use]
pub fn verify_author(
    bundle: &Bundle,
    received_at: Timestamp,
    chain: &UnverifiedChain,
) -> Option<VerifiedLeaf> {
    let verify = |at| bundle.verify(chain, at, LeafUsage::Device).ok();
    let began = || chain.unverified_validity().ok().map(|validity| validity.not_before);
    verify(received_at).or_else(|| verify(began()?))
}

fn position(value: u64) -> Result<Seq, DecodeError> {
    if value > enlace_log::ids::MAX_SEQ { Err(DecodeError::Value("seq")) } else { Ok(Seq(value)) }
}

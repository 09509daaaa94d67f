//! Relays' confirmations that they have erased something, as an entry puts them on the record
//! (PROTOCOL.md §3.18). What each is worth, [`SignedConfirmation`] says.

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_log::SignedConfirmation;

use crate::entry::{EntryKind, PartKind, SignedEntry};

const LABEL: &str = "enlace erasure confirmations v1";

/// What one entry of this kind holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Confirmations(Vec<SignedConfirmation>);

impl Confirmations {
    /// The most that one entry holds.
    pub const MAX: usize = 64;

    /// The most bytes of confirmations in one entry.
    pub const MAX_BYTES: usize = 200 << 10;

    /// As many from the front as fit into one entry; at least one, if there is one.
    #[must_use]
    pub fn take_from(waiting: &mut Vec<SignedConfirmation>) -> Self {
        let mut bytes = 0;
        let fits = |one: &&SignedConfirmation| {
            bytes += one.encode().len();
            bytes <= Self::MAX_BYTES
        };
        let count = waiting.iter().take(Self::MAX).take_while(fits).count();
        let count = count.max(1).min(waiting.len());
        Self(waiting.drain(..count).collect())
    }

    /// The confirmations.
    #[must_use]
    pub fn as_slice(&self) -> &[SignedConfirmation] {
        &self.0
    }

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL).list(&self.0, |w, one| w.bytes(&one.encode())).finish()
    }

    /// What an entry puts on the record; `None` of another entry, and of one that this version can't
    /// read.
    #[must_use]
    pub fn of(entry: &SignedEntry) -> Option<Self> {
        let [part] = entry.parts() else { return None };
        let is_meant = entry.header().kind == EntryKind::Erasures;
        let content = part.content().filter(|_| is_meant && part.kind() == PartKind::Confirmations);
        Self::decode(content?).ok()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let all = r.list("confirmations", Self::MAX, |r| SignedConfirmation::decode(r.bytes()?))?;
        r.finish()?;
        if all.is_empty() { Err(DecodeError::Value("confirmations")) } else { Ok(Self(all)) }
    }
}

//! From a decrypted plaintext to an entry that its author really wrote for this item.

use enlace_identity::canonical::DecodeError;
use enlace_identity::keys::{PublicKey, Signature};
use enlace_identity::names::DeviceName;
use enlace_log::{Commitment, Envelope, ItemKind};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::draft::MAX_TEXT_BYTES;
use super::header::Header;
use super::kinds::PartKind;
use super::part::{Part, PartDigest, Salt};
use super::signed::SignedEntry;

/// The most bytes of a plaintext, padding included.
pub const MAX_PLAINTEXT_BYTES: usize = 512 << 10;

/// Why what was decrypted is not an entry of the item's author. The item stays in the chain, and
/// is shown as refused, with its author.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EntryError {
    /// The plaintext is longer than any entry.
    #[error("the entry is larger than is allowed")]
    TooLarge,
    /// The plaintext is no entry.
    #[error("the entry cannot be read")]
    Plaintext,
    /// The header is not canonical.
    #[error("the entry's header cannot be read: {0}")]
    Header(#[from] DecodeError),
    /// The signature has not 64 bytes, or is not the author's over the header.
    #[error("the entry is not signed by its author")]
    Signature,
    /// The commitment's salt has not 32 bytes.
    #[error("the entry's salt has another length")]
    Salt,
    /// There are more or fewer parts than the header names.
    #[error("the entry has {found} parts, and its header names {named}")]
    PartCount {
        /// In the plaintext.
        found: usize,
        /// In the header.
        named: usize,
    },
    /// A part is not the one that the header names there.
    #[error("part {0} of the entry is not the one that its header names")]
    Part(usize),
    /// A part of text is not UTF-8.
    #[error("part {0} of the entry is not text")]
    PartText(usize),
    /// The item is a commit or a control item.
    #[error("the item is of another kind")]
    ItemKind,
    /// The header, or the head that it quotes, belongs to another channel.
    #[error("the entry was written for another channel")]
    Channel,
    /// The header belongs to another group of the channel.
    #[error("the entry was written for another generation of the channel")]
    Generation,
    /// Header, envelope and MLS sender do not name one device.
    #[error("the entry names another author than its item")]
    Author,
    /// The header's idempotency key is not the envelope's.
    #[error("the entry names another client id than its item")]
    ClientId,
    /// The envelope's commitment is to another entry.
    #[error("the item is bound to another entry")]
    Commitment,
}

/// An entry that can be read, whose parts fit its header; who wrote it is not known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnverifiedEntry(SignedEntry);

/// An entry that was verified against its item and its author's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedEntry(SignedEntry);

impl UnverifiedEntry {
    /// Reads a plaintext. Padding is ignored, whatever it is.
    ///
    /// # Errors
    /// Whatever can be seen without knowing the author's key.
    pub fn decode(plaintext: &[u8]) -> Result<Self, EntryError> {
        if plaintext.len() > MAX_PLAINTEXT_BYTES {
            return Err(EntryError::TooLarge);
        }
        let entry = wire::Entry::decode(plaintext).map_err(|_| EntryError::Plaintext)?;
        let header = Header::decode(&entry.header)?;
        let parts = read_parts(&header.parts, entry.parts)?;
        Ok(Self(SignedEntry {
            header,
            header_bytes: entry.header,
            signature: Signature::try_from(&entry.signature[..])
                .map_err(|_| EntryError::Signature)?,
            salt: read_salt(&entry.salt).ok_or(EntryError::Salt)?,
            parts,
        }))
    }

    /// Checks the entry against its item's envelope, and against the device that MLS names as the
    /// sender with the key of its leaf.
    ///
    /// # Errors
    /// [`EntryError`] says what does not fit.
    pub fn verify(
        self,
        envelope: &Envelope,
        sender: &DeviceName,
        key: &PublicKey,
    ) -> Result<VerifiedEntry, EntryError> {
        let SignedEntry { header, header_bytes, signature, .. } = &self.0;
        if envelope.kind != ItemKind::Entry {
            return Err(EntryError::ItemKind);
        }
        let quoted = header.known_head.clone().map(|head| head.into_signed());
        let foreign = quoted.is_some_and(|h| h.unverified_head().channel != header.channel);
        if foreign || header.channel != envelope.channel {
            return Err(EntryError::Channel);
        }
        if header.generation != envelope.generation {
            return Err(EntryError::Generation);
        }
        if header.author != envelope.device || header.author != *sender {
            return Err(EntryError::Author);
        }
        if header.client_id != envelope.client_id {
            return Err(EntryError::ClientId);
        }
        key.verify(header_bytes, signature).map_err(|_| EntryError::Signature)?;
        if self.0.commitment() != envelope.commitment {
            return Err(EntryError::Commitment);
        }
        Ok(VerifiedEntry(self.0))
    }

    /// The entry, taken as it is.
    pub(super) fn into_unverified(self) -> SignedEntry {
        self.0
    }
}

impl VerifiedEntry {
    /// What the author signed.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.0.header
    }

    /// Whose entry it is.
    #[must_use]
    pub fn author(&self) -> &DeviceName {
        &self.0.header.author
    }

    /// The parts, in reading order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.0.parts
    }

    /// Binds the entry to its item; a later entry names this as its parent.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        self.0.commitment()
    }

    /// Whether this version can't show all that the entry says: it is kept, and shown as *needs a
    /// newer version*.
    #[must_use]
    pub fn needs_newer_version(&self) -> bool {
        let unknown = |part: &Part| !part.kind().is_supported();
        !self.header().kind.is_supported() || self.parts().iter().any(unknown)
    }

    /// The paragraphs joined by line feeds, withdrawn ones left out.
    #[must_use]
    pub fn text(&self) -> String {
        let paragraphs = self.parts().iter().filter(|p| p.kind() == PartKind::Paragraph);
        paragraphs.filter_map(Part::as_text).collect::<Vec<_>>().join("\n")
    }

    /// The words of a restriction, where there are any.
    #[must_use]
    pub fn restriction(&self) -> Option<&str> {
        self.parts().iter().find(|p| p.kind() == PartKind::Restriction).and_then(Part::as_text)
    }

    /// The entry with its signature, to be kept, encrypted again or exported.
    #[must_use]
    pub fn as_signed(&self) -> &SignedEntry {
        &self.0
    }
}

fn read_parts(named: &[PartDigest], found: Vec<wire::Part>) -> Result<Vec<Part>, EntryError> {
    if named.len() != found.len() {
        return Err(EntryError::PartCount { found: found.len(), named: named.len() });
    }
    if found.iter().map(|part| part.content.len()).sum::<usize>() > MAX_TEXT_BYTES {
        return Err(EntryError::TooLarge);
    }
    let pairs = named.iter().zip(found).enumerate();
    pairs.map(|(index, (named, part))| read_part(index, named, part)).collect()
}

fn read_part(index: usize, named: &PartDigest, part: wire::Part) -> Result<Part, EntryError> {
    let kind = PartKind::from_code(part.kind.into());
    let part = match read_salt(&part.salt) {
        Some(salt) => Part::Open { kind, salt, content: part.content },
        None if part.salt.is_empty() && part.content.is_empty() => Part::Withdrawn { kind },
        None => return Err(EntryError::Part(index)),
    };
    if part.kind() != named.kind || part.digest().is_some_and(|digest| digest != *named) {
        return Err(EntryError::Part(index));
    }
    let is_text = |content| std::str::from_utf8(content).is_ok();
    if kind.is_text() && !part.content().is_none_or(is_text) {
        return Err(EntryError::PartText(index));
    }
    Ok(part)
}

fn read_salt(bytes: &[u8]) -> Option<Salt> {
    bytes.try_into().ok().map(Salt::from_bytes)
}

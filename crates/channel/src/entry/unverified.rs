//! From a decrypted plaintext to an entry that its author really wrote for this item.

use enlace_identity::canonical::DecodeError;
use enlace_identity::keys::{PublicKey, Signature};
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{Commitment, Envelope, Generation, ItemKind, QuotedHead, SignedHead};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::draft::MAX_TEXT_BYTES;
use super::header::Header;
use super::kinds::{EntryKind, HandlingCode, PartKind};
use super::part::{self, Part, PartDigest, Salt};
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
    /// The header holds what no honest author writes.
    #[error("the entry's header cannot be read: {0}")]
    Header(#[from] DecodeError),
    /// The head that it quotes holds what no hub signs.
    #[error("the head that the entry quotes cannot be read")]
    Head,
    /// The signature has not 64 bytes, or is not the author's over the header.
    #[error("the entry is not signed by its author")]
    Signature,
    /// The commitment's salt has not 16 bytes.
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
    /// The envelope does not name the MLS sender.
    #[error("the entry names another author than its item")]
    Author,
    /// The envelope's commitment is to another entry.
    #[error("the item is bound to another entry")]
    Commitment,
}

/// An entry that can be read; who wrote it is not known. Its header is made of the plaintext and
/// of the envelope of its item, so that it says nothing else than the envelope does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnverifiedEntry(SignedEntry);

/// An entry that was verified against its item and its author's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedEntry(SignedEntry);

impl UnverifiedEntry {
    /// Reads a plaintext that was in an item with this envelope. Padding is ignored, whatever it
    /// is.
    ///
    /// # Errors
    /// Whatever can be seen without knowing the author's key.
    pub fn decode(plaintext: &[u8], envelope: &Envelope) -> Result<Self, EntryError> {
        if envelope.kind != ItemKind::Entry {
            return Err(EntryError::ItemKind);
        }
        if plaintext.len() > MAX_PLAINTEXT_BYTES {
            return Err(EntryError::TooLarge);
        }
        let entry = wire::EntryPlaintext::decode(plaintext).map_err(|_| EntryError::Plaintext)?;
        let named = name_parts(&entry.parts)?;
        let parts = read_parts(&named, entry.parts)?;
        let time_zone = entry.time_zone.parse().map_err(|_| DecodeError::Value("time_zone"))?;
        let handling = HandlingCode::from_code(entry.handling);
        let header = Header {
            channel: envelope.channel,
            generation: read_generation(envelope, entry.generation)?,
            author: envelope.device().cloned().ok_or(EntryError::ItemKind)?,
            client_id: envelope.client_id,
            local_time: Timestamp::from_millis(entry.local_time),
            time_zone,
            kind: EntryKind::from_code(entry.kind),
            handling: handling.ok_or(DecodeError::Value("handling"))?,
            parent: read_parent(&entry.parent)?,
            known_head: entry.known_head.map(|head| read_head(envelope, head)).transpose()?,
            parts: named,
        };
        Ok(Self(SignedEntry {
            header_bytes: header.encode(),
            header,
            signature: read_signature(&entry.signature)?,
            salt: read_salt(&entry.salt).ok_or(EntryError::Salt)?,
            parts,
        }))
    }

    /// Takes an entry as somebody else kept it, for the item that it is said to be of.
    ///
    /// # Errors
    /// Whatever can be seen without knowing the author's key.
    pub(crate) fn of_kept(entry: SignedEntry, envelope: &Envelope) -> Result<Self, EntryError> {
        let header = &entry.header;
        if envelope.kind != ItemKind::Entry {
            return Err(EntryError::ItemKind);
        }
        let fits = header.channel == envelope.channel
            && header.client_id == envelope.client_id
            && header.generation <= envelope.generation;
        if fits { Ok(Self(entry)) } else { Err(EntryError::Commitment) }
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
        if header.author != *sender {
            return Err(EntryError::Author);
        }
        key.verify(header_bytes, signature).map_err(|_| EntryError::Signature)?;
        if self.0.commitment() != envelope.commitment {
            return Err(EntryError::Commitment);
        }
        Ok(VerifiedEntry(self.0))
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
        let no_pin = self.header().kind == EntryKind::Pin && self.pins().is_none();
        !self.header().kind.is_supported() || self.parts().iter().any(unknown) || no_pin
    }

    /// Whether a pin puts its parent on top, or takes it down; `None` of another entry, and of a pin
    /// that this version doesn't understand.
    #[must_use]
    pub fn pins(&self) -> Option<bool> {
        self.0.pins()
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

/// The group that it was written in: the envelope's, or an earlier one that it could not be sent in
/// any more.
fn read_generation(envelope: &Envelope, written: Option<u64>) -> Result<Generation, EntryError> {
    match written {
        None => Ok(envelope.generation),
        Some(earlier) if earlier < envelope.generation.0 => Ok(Generation(earlier)),
        Some(_) => Err(DecodeError::Value("generation").into()),
    }
}

/// How the header names the parts: by what they hold, or where they were withdrawn, by what the
/// author says that they held. The signature tells whether that is so.
fn name_parts(parts: &[wire::Part]) -> Result<Vec<PartDigest>, EntryError> {
    if parts.len() > Header::MAX_PARTS {
        return Err(EntryError::TooLarge);
    }
    let named = parts.iter().enumerate().map(|(index, part)| {
        let kind = PartKind::from_code(part.kind.into());
        let digest = match read_salt(&part.salt) {
            Some(salt) if part.digest.is_empty() => part::digest(kind, &salt, &part.content),
            Some(_) => return Err(EntryError::Part(index)),
            None => part.digest[..].try_into().map_err(|_| EntryError::Part(index))?,
        };
        Ok(PartDigest { kind, digest })
    });
    named.collect()
}

pub(super) fn read_parts(
    named: &[PartDigest],
    found: Vec<wire::Part>,
) -> Result<Vec<Part>, EntryError> {
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

fn read_parent(bytes: &[u8]) -> Result<Option<Commitment>, EntryError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    match Commitment::try_from(bytes) {
        Ok(parent) if parent != Commitment::NONE => Ok(Some(parent)),
        _ => Err(DecodeError::Value("parent").into()),
    }
}

fn read_head(envelope: &Envelope, head: wire::QuotedHead) -> Result<QuotedHead, EntryError> {
    let head = enlace_proto::relay::v1::SignedHead {
        signature: head.signature,
        signer: head.signer,
        incarnation: head.incarnation,
        seq: head.seq,
        chain: head.chain,
    };
    let signed = SignedHead::from_wire(envelope.channel, &head).map_err(|_| EntryError::Head)?;
    Ok(signed.quoted())
}

pub(super) fn read_salt(bytes: &[u8]) -> Option<Salt> {
    bytes.try_into().ok().map(Salt::from_bytes)
}

pub(super) fn read_signature(bytes: &[u8]) -> Result<Signature, EntryError> {
    Signature::try_from(bytes).map_err(|_| EntryError::Signature)
}

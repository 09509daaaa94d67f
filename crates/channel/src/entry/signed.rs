//! An entry with its author's signature, ready to be encrypted any number of times.

use enlace_identity::canonical::Writer;
use enlace_identity::keys::{Signature, SigningKey};
use enlace_log::{Commitment, Generation, QuotedHead};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::header::Header;
use super::kinds::{EntryKind, PartKind};
use super::part::{Part, PartDigest, Salt};
use super::unverified::{self, EntryError};
use crate::padding;

/// A header, the signature over its bytes, the commitment's salt and the parts. The parts fit the
/// header; whose signature it is, [`VerifiedEntry`](super::VerifiedEntry) says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedEntry {
    pub(super) header: Header,
    pub(super) header_bytes: Vec<u8>,
    pub(super) signature: Signature,
    pub(super) salt: Salt,
    pub(super) parts: Vec<Part>,
}

impl SignedEntry {
    /// Signs a header over parts that it is made to fit.
    pub(crate) fn sign(mut header: Header, parts: Vec<Part>, salt: Salt, key: &SigningKey) -> Self {
        header.parts = parts.iter().filter_map(Part::digest).collect::<Vec<PartDigest>>();
        let header_bytes = header.encode();
        let signature = key.sign(&header_bytes);
        Self { header, header_bytes, signature, salt, parts }
    }

    /// Reads what [`Self::encode`] wrote. The signature is not checked.
    ///
    /// # Errors
    /// [`EntryError`] when the bytes are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        Self::from_wire(wire::Entry::decode(bytes).map_err(|_| EntryError::Plaintext)?)
    }

    /// The same of the message.
    ///
    /// # Errors
    /// [`EntryError`] when it is damaged.
    pub fn from_wire(entry: wire::Entry) -> Result<Self, EntryError> {
        let header = Header::decode(&entry.header)?;
        let parts = unverified::read_parts(&header.parts, entry.parts)?;
        Ok(Self {
            header,
            header_bytes: entry.header,
            signature: unverified::read_signature(&entry.signature)?,
            salt: unverified::read_salt(&entry.salt).ok_or(EntryError::Salt)?,
            parts,
        })
    }

    /// The entry by itself, as it is kept: an `enlace.channel.v1.Entry`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_wire().encode_to_vec()
    }

    /// The same as a message.
    #[must_use]
    pub fn to_wire(&self) -> wire::Entry {
        wire::Entry {
            header: self.header_bytes.clone(),
            signature: self.signature.as_bytes().to_vec(),
            salt: self.salt.as_bytes().to_vec(),
            parts: self.parts.iter().map(|part| part_to_wire(part, None)).collect(),
        }
    }

    /// What the author signed.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's bytes as signed.
    #[must_use]
    pub fn header_bytes(&self) -> &[u8] {
        &self.header_bytes
    }

    /// The author's signature over [`Self::header_bytes`].
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What opens the commitment.
    #[must_use]
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// The parts, in the header's order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The list that the entry passes on, as it travels; nobody has verified it.
    #[must_use]
    pub fn list(&self) -> Option<&[u8]> {
        let [part] = self.parts() else { return None };
        let is_one = self.header().kind.is_for_programs() && part.kind() == PartKind::List;
        part.content().filter(|_| is_one)
    }

    /// What binds this entry to its item (PROTOCOL.md §3.4).
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        let writer = Writer::new("enlace commitment v2").fixed(self.salt.as_bytes());
        Commitment(writer.bytes(&self.header_bytes).fixed(self.signature.as_bytes()).hash())
    }

    /// The same entry without one part's content and salt; nothing happens when there is no such
    /// part. Header, signature and commitment stay.
    #[must_use]
    pub fn without_part(mut self, index: usize) -> Self {
        if let Some(part) = self.parts.get_mut(index) {
            *part = Part::Withdrawn { kind: part.kind() };
        }
        self
    }

    /// The same entry without any part's content and salt.
    #[must_use]
    pub fn without_content(mut self) -> Self {
        for part in &mut self.parts {
            *part = Part::Withdrawn { kind: part.kind() };
        }
        self
    }

    /// Whether it had parts, and holds nothing of them any more.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        let is_gone = |part: &Part| matches!(part, Part::Withdrawn { .. });
        !self.parts.is_empty() && self.parts.iter().all(is_gone)
    }

    /// Whether a pin puts its parent on top, or takes it down; `None` of another entry, and of a pin
    /// that this version doesn't understand.
    #[must_use]
    pub fn pins(&self) -> Option<bool> {
        let (EntryKind::Pin, [part]) = (self.header.kind, &self.parts[..]) else { return None };
        match part.content().filter(|_| part.kind() == PartKind::Pinned)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// The plaintext of an MLS application message, padded to a bucket: without what stands in
    /// the envelope of the item that it goes into.
    #[must_use]
    pub fn to_plaintext(&self) -> Vec<u8> {
        self.to_plaintext_in(self.header.generation)
    }

    /// The same for an item of a later group than the one that it was written in.
    #[must_use]
    pub fn to_plaintext_in(&self, generation: Generation) -> Vec<u8> {
        let header = &self.header;
        let parts = self.parts.iter().enumerate();
        let parts = parts.map(|(index, part)| part_to_wire(part, header.parts.get(index)));
        let mut entry = wire::EntryPlaintext {
            local_time: header.local_time.as_millis(),
            time_zone: header.time_zone.as_str().to_owned(),
            kind: header.kind.code(),
            handling: header.handling.code(),
            parent: header.parent.map(|parent| parent.0.to_vec()).unwrap_or_default(),
            known_head: header.known_head.as_ref().map(head_to_wire),
            signature: self.signature.as_bytes().to_vec(),
            salt: self.salt.as_bytes().to_vec(),
            parts: parts.collect(),
            padding: Vec::new(),
            generation: Some(header.generation.0).filter(|written| *written < generation.0),
        };
        entry.padding = vec![0; padding::padding_field(entry.encoded_len())];
        entry.encode_to_vec()
    }
}

/// `named` gives the digest of a withdrawn part where no header goes along.
fn part_to_wire(part: &Part, named: Option<&PartDigest>) -> wire::Part {
    let kind = u32::try_from(part.kind().code()).unwrap_or(u32::MAX);
    match part {
        Part::Open { salt, content, .. } => wire::Part {
            kind,
            salt: salt.as_bytes().to_vec(),
            content: content.clone(),
            digest: Vec::new(),
        },
        Part::Withdrawn { .. } => wire::Part {
            kind,
            digest: named.map(|named| named.digest.to_vec()).unwrap_or_default(),
            ..wire::Part::default()
        },
    }
}

fn head_to_wire(quoted: &QuotedHead) -> wire::QuotedHead {
    let head = quoted.as_signed().to_wire();
    wire::QuotedHead {
        incarnation: head.incarnation,
        seq: head.seq,
        chain: head.chain,
        signature: head.signature,
        signer: head.signer,
    }
}

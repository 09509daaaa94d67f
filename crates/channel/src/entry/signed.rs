//! An entry with its author's signature, ready to be encrypted any number of times.

use enlace_identity::canonical::Writer;
use enlace_identity::keys::{Signature, SigningKey};
use enlace_log::Commitment;
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::header::Header;
use super::part::{Part, PartDigest, Salt};
use super::unverified::{EntryError, UnverifiedEntry};
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
    pub(super) fn sign(mut header: Header, parts: Vec<Part>, salt: Salt, key: &SigningKey) -> Self {
        header.parts = parts.iter().filter_map(Part::digest).collect::<Vec<PartDigest>>();
        let header_bytes = header.encode();
        let signature = key.sign(&header_bytes);
        Self { header, header_bytes, signature, salt, parts }
    }

    /// Reads back what [`Self::to_plaintext`] wrote into the author's own store. The signature is
    /// not checked.
    ///
    /// # Errors
    /// [`EntryError`] when the store is damaged.
    pub fn reload(plaintext: &[u8]) -> Result<Self, EntryError> {
        UnverifiedEntry::decode(plaintext).map(UnverifiedEntry::into_unverified)
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

    /// What binds this entry to its item (PROTOCOL.md §3.4).
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        let writer = Writer::new("enlace commitment v1").fixed(self.salt.as_bytes());
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

    /// The plaintext of an MLS application message, padded to a bucket.
    #[must_use]
    pub fn to_plaintext(&self) -> Vec<u8> {
        let mut entry = wire::Entry {
            header: self.header_bytes.clone(),
            signature: self.signature.as_bytes().to_vec(),
            salt: self.salt.as_bytes().to_vec(),
            parts: self.parts.iter().map(part_to_wire).collect(),
            padding: Vec::new(),
        };
        entry.padding = vec![0; padding::padding_field(entry.encoded_len())];
        entry.encode_to_vec()
    }
}

fn part_to_wire(part: &Part) -> wire::Part {
    let kind = u32::try_from(part.kind().code()).unwrap_or(u32::MAX);
    match part {
        Part::Open { salt, content, .. } => {
            wire::Part { kind, salt: salt.as_bytes().to_vec(), content: content.clone() }
        }
        Part::Withdrawn { .. } => wire::Part { kind, salt: Vec::new(), content: Vec::new() },
    }
}

//! The parts of an entry and their salted digests (PROTOCOL.md §3.2).

use std::fmt;

use enlace_identity::canonical::Writer;

use super::kinds::PartKind;

/// 16 random bytes, without which nothing can be guessed from a hash.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Salt([u8; Self::BYTES]);

impl Salt {
    /// How many bytes a salt has.
    pub const BYTES: usize = 16;

    /// Takes bytes from a cryptographic random source.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// How a header names a part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PartDigest {
    /// What the part is.
    pub kind: PartKind,
    /// SHA-256 over kind, salt and content.
    pub digest: [u8; 32],
}

/// A part of an entry: a paragraph, a title, a file's name.
#[derive(Clone, Eq, PartialEq)]
pub enum Part {
    /// One that can be read.
    Open {
        /// What it is.
        kind: PartKind,
        /// Hides the content in the digest.
        salt: Salt,
        /// What it says; UTF-8 where [`PartKind::is_text`].
        content: Vec<u8>,
    },
    /// One that was withdrawn or left out, with its salt: the header names it still.
    Withdrawn {
        /// What it was.
        kind: PartKind,
    },
}

impl Part {
    /// A part of text.
    #[must_use]
    pub fn text(kind: PartKind, salt: Salt, text: &str) -> Self {
        Self::Open { kind, salt, content: text.as_bytes().to_vec() }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> PartKind {
        match self {
            Self::Open { kind, .. } | Self::Withdrawn { kind } => *kind,
        }
    }

    /// What it says; `None` where it was withdrawn.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        match self {
            Self::Open { content, .. } => Some(content),
            Self::Withdrawn { .. } => None,
        }
    }

    /// What it says, if it is text and was not withdrawn.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        let content = self.content().filter(|_| self.kind().is_text())?;
        std::str::from_utf8(content).ok()
    }

    /// How the header names it; `None` where it was withdrawn.
    #[must_use]
    pub fn digest(&self) -> Option<PartDigest> {
        let Self::Open { kind, salt, content } = self else { return None };
        Some(PartDigest { kind: *kind, digest: digest(*kind, salt, content) })
    }
}

pub(super) fn digest(kind: PartKind, salt: &Salt, content: &[u8]) -> [u8; 32] {
    Writer::new("enlace part v2").u64(kind.code()).fixed(salt.as_bytes()).bytes(content).hash()
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content() {
            Some(content) => write!(f, "Part({:?}, {} bytes)", self.kind(), content.len()),
            None => write!(f, "Part({:?}, withdrawn)", self.kind()),
        }
    }
}

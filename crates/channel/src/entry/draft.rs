//! From an officer's words to a signed entry.

use enlace_identity::keys::SigningKey;
use enlace_identity::names::DeviceName;
use enlace_identity::suspension::SignedSuspensions;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Commitment, Generation, QuotedHead};

use super::header::{Header, TimeZone};
use super::kinds::{EntryKind, HandlingCode, PartKind};
use super::part::{Part, Salt};
use super::signed::SignedEntry;
use crate::confirmations::Confirmations;
use crate::history::HistoryShare;

/// The most bytes that all parts of an entry can hold together.
pub const MAX_TEXT_BYTES: usize = 256 << 10;

/// The most paragraphs that a text is split into; the rest of [`Header::MAX_PARTS`] is for titles
/// and restrictions.
const MAX_PARAGRAPHS: usize = 1000;

/// A note before it is signed.
#[derive(Clone, Debug)]
pub struct NoteDraft<'a> {
    /// The channel.
    pub channel: ChannelId,
    /// Its present group.
    pub generation: Generation,
    /// The device that signs.
    pub author: &'a DeviceName,
    /// Random; the same however often the entry is sent.
    pub client_id: ClientId,
    /// The author's clock.
    pub local_time: Timestamp,
    /// The author's time zone.
    pub time_zone: TimeZone,
    /// What may be done with the note.
    pub handling: HandlingCode,
    /// The words of the restriction that [`HandlingCode::H3`] stands for.
    pub restriction: Option<&'a str>,
    /// The entry that this one answers.
    pub parent: Option<Commitment>,
    /// The newest head of the hub's that the author holds.
    pub known_head: Option<QuotedHead>,
    /// What the note says. Each line is a paragraph, and a part of its own.
    pub text: &'a str,
}

/// Why a note can't be written like this: the caller tells the officer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ComposeError {
    /// There is no text.
    #[error("the note is empty")]
    Empty,
    /// The text is too long.
    #[error("the note has {bytes} bytes; {MAX_TEXT_BYTES} is the most")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// H3 without the words that it stands for, or words with another code.
    #[error("handling code H3, and no other, needs a restriction in words")]
    Restriction,
}

impl NoteDraft<'_> {
    /// Splits the text into parts and signs. `salts` draws from a cryptographic random source.
    ///
    /// Joined by line feeds, the paragraphs give the text back. A text of more than 1,000 lines
    /// has several lines to a part.
    ///
    /// # Errors
    /// [`ComposeError`].
    pub fn sign(
        self,
        key: &SigningKey,
        salts: impl FnMut() -> Salt,
    ) -> Result<SignedEntry, ComposeError> {
        self.sign_as(EntryKind::Note, key, salts)
    }

    /// The same for another kind of entry that is made of text: a question, an answer, a correction, a
    /// withdrawal. The text of a withdrawal says why, and may be empty.
    ///
    /// # Errors
    /// [`ComposeError`].
    pub fn sign_as(
        self,
        kind: EntryKind,
        key: &SigningKey,
        mut salts: impl FnMut() -> Salt,
    ) -> Result<SignedEntry, ComposeError> {
        if kind != EntryKind::Withdrawal || !self.text.is_empty() {
            self.check()?;
        }
        let restriction = self.restriction.map(|words| (PartKind::Restriction, words.to_owned()));
        let paragraphs = if self.text.is_empty() { Vec::new() } else { paragraphs(self.text) };
        let text = paragraphs.into_iter().map(|lines| (PartKind::Paragraph, lines));
        let parts = restriction
            .into_iter()
            .chain(text)
            .map(|(kind, text)| Part::text(kind, salts(), &text))
            .collect();
        Ok(self.sign_parts(kind, parts, key, salts()))
    }

    /// Puts the parent on top of a forum, or takes it down. The text is left out.
    ///
    /// # Errors
    /// [`ComposeError::Restriction`].
    pub fn sign_pin(
        self,
        pinned: bool,
        key: &SigningKey,
        mut salts: impl FnMut() -> Salt,
    ) -> Result<SignedEntry, ComposeError> {
        if self.handling == HandlingCode::H3 || self.restriction.is_some() {
            return Err(ComposeError::Restriction);
        }
        let content = vec![u8::from(pinned)];
        let part = Part::Open { kind: PartKind::Pinned, salt: salts(), content };
        Ok(self.sign_parts(EntryKind::Pin, vec![part], key, salts()))
    }

    /// Passes a revocation list or a signed statement about suspensions on, as it travels. The text
    /// is left out.
    ///
    /// # Errors
    /// [`ComposeError::Restriction`]; [`ComposeError::TooLong`].
    pub fn sign_list(
        self,
        list: &[u8],
        key: &SigningKey,
        mut salts: impl FnMut() -> Salt,
    ) -> Result<SignedEntry, ComposeError> {
        if self.handling == HandlingCode::H3 || self.restriction.is_some() {
            return Err(ComposeError::Restriction);
        }
        if list.len() > MAX_TEXT_BYTES {
            return Err(ComposeError::TooLong { bytes: list.len() });
        }
        let kind = match SignedSuspensions::is_meant(list) {
            true => EntryKind::Suspension,
            false => EntryKind::RevocationList,
        };
        let part = Part::Open { kind: PartKind::List, salt: salts(), content: list.to_vec() };
        Ok(self.sign_parts(kind, vec![part], key, salts()))
    }

    /// Gives a device what it missed. The text is left out.
    pub fn sign_share(
        self,
        share: &HistoryShare,
        key: &SigningKey,
        mut salts: impl FnMut() -> Salt,
    ) -> SignedEntry {
        let part = Part::Open { kind: PartKind::Shared, salt: salts(), content: share.encode() };
        self.sign_parts(EntryKind::HistoryShare, vec![part], key, salts())
    }

    /// Puts relays' confirmations on the record. The text is left out.
    pub fn sign_confirmations(
        self,
        confirmations: &Confirmations,
        key: &SigningKey,
        mut salts: impl FnMut() -> Salt,
    ) -> SignedEntry {
        let content = confirmations.encode();
        let part = Part::Open { kind: PartKind::Confirmations, salt: salts(), content };
        self.sign_parts(EntryKind::Erasures, vec![part], key, salts())
    }

    fn sign_parts(
        self,
        kind: EntryKind,
        parts: Vec<Part>,
        key: &SigningKey,
        salt: Salt,
    ) -> SignedEntry {
        let header = Header {
            channel: self.channel,
            generation: self.generation,
            author: self.author.clone(),
            client_id: self.client_id,
            local_time: self.local_time,
            time_zone: self.time_zone,
            kind,
            handling: self.handling,
            parent: self.parent,
            known_head: self.known_head,
            parts: Vec::new(),
        };
        SignedEntry::sign(header, parts, salt, key)
    }

    fn check(&self) -> Result<(), ComposeError> {
        let restriction = self.restriction.unwrap_or_default().trim();
        let bytes = self.text.len() + self.restriction.map_or(0, str::len);
        if self.text.trim().is_empty() {
            return Err(ComposeError::Empty);
        }
        if bytes > MAX_TEXT_BYTES {
            return Err(ComposeError::TooLong { bytes });
        }
        if (self.handling == HandlingCode::H3) == restriction.is_empty() {
            return Err(ComposeError::Restriction);
        }
        Ok(())
    }
}

fn paragraphs(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let per_part = lines.len().div_ceil(MAX_PARAGRAPHS);
    lines.chunks(per_part).map(|chunk| chunk.join("\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_without_loss() {
        let long = "línea\n".repeat(5_003);
        for text in ["one", "one\ntwo", "\n", "one\n\n two \n", "a\r\nb", &long] {
            let parts = paragraphs(text);
            assert_eq!(parts.join("\n"), text);
            assert!(parts.len() <= MAX_PARAGRAPHS);
        }
        assert_eq!(paragraphs("one\n\ntwo"), ["one", "", "two"]);
    }
}

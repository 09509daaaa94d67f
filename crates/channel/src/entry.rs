//! What a member says inside an item: a signed header and salted parts (PROTOCOL.md §3.1–3.4).
//!
//! The author signs the header once; the header names each part by a salted digest, and the
//! item's commitment binds header and signature. So a copy with parts left out still verifies,
//! and an entry can be encrypted again without being signed again.
//!
//! The way out: [`NoteDraft::sign`] → [`SignedEntry::to_plaintext`] → MLS. The way in: MLS →
//! [`UnverifiedEntry::decode`] → [`UnverifiedEntry::verify`] → [`VerifiedEntry`]. Whether a quoted
//! head is really the hub's, and whether the author may write at all, others check.

mod draft;
mod header;
mod kinds;
mod part;
mod signed;
#[cfg(test)]
mod tests;
mod unverified;

pub use self::draft::{ComposeError, MAX_TEXT_BYTES, NoteDraft};
pub use self::header::{Header, TimeZone, TimeZoneError};
pub use self::kinds::{EntryKind, HandlingCode, HandlingCodeError, PartKind, UnknownKind};
pub use self::part::{Part, PartDigest, Salt};
pub use self::signed::SignedEntry;
pub use self::unverified::{EntryError, MAX_PLAINTEXT_BYTES, UnverifiedEntry, VerifiedEntry};

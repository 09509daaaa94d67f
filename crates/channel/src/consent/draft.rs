//! From a statement to a signed entry.

use enlace_identity::keys::SigningKey;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Commitment, Generation, QuotedHead};

use super::statement::Statement;
use crate::entry::{HandlingCode, Header, Part, PartKind, Salt, SignedEntry, TimeZone};

/// A statement before it is signed.
#[derive(Clone, Debug)]
pub struct StatementDraft<'a> {
    /// The channel.
    pub channel: ChannelId,
    /// Its present group.
    pub generation: Generation,
    /// The device that signs.
    pub author: &'a DeviceName,
    /// Random; the same however often the entry is sent.
    pub client_id: ClientId,
    /// The author's clock. An answer counts for [`Statement::LASTS`] from then on.
    pub local_time: Timestamp,
    /// The author's time zone.
    pub time_zone: TimeZone,
    /// The proposal that is answered.
    pub parent: Option<Commitment>,
    /// The newest head of the hub's that the author holds.
    pub known_head: Option<QuotedHead>,
    /// What is said.
    pub statement: &'a Statement,
}

impl StatementDraft<'_> {
    /// Signs it. `salts` draws from a cryptographic random source.
    #[must_use]
    pub fn sign(self, key: &SigningKey, mut salts: impl FnMut() -> Salt) -> SignedEntry {
        let part = Part::Open {
            kind: PartKind::Statement,
            salt: salts(),
            content: self.statement.encode(),
        };
        let header = Header {
            channel: self.channel,
            generation: self.generation,
            author: self.author.clone(),
            client_id: self.client_id,
            local_time: self.local_time,
            time_zone: self.time_zone,
            kind: self.statement.entry_kind(),
            // It holds nothing of the case.
            handling: HandlingCode::H0,
            parent: self.parent,
            known_head: self.known_head,
            parts: Vec::new(),
        };
        SignedEntry::sign(header, vec![part], salts(), key)
    }
}

//! Notes that say of themselves what isn't so.

use enlace_channel::channel::{Channel, Outgoing};
use enlace_channel::entry::{EntryKind, HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_identity::names::DeviceName;
use enlace_log::{ChainHash, ChannelId, ClientId, Commitment, Head, QuotedHead};

use crate::{Rogue, RogueError};

impl Rogue {
    /// Signs a note.
    #[must_use]
    pub fn sign_note(&self, channel: &Channel, text: &str) -> SignedEntry {
        self.sign_note_quoting(channel, text, channel.known_head())
    }

    /// Signs a note that quotes whatever head its author likes.
    #[must_use]
    pub fn sign_note_quoting(
        &self,
        channel: &Channel,
        text: &str,
        known_head: Option<QuotedHead>,
    ) -> SignedEntry {
        let draft = self.draft(channel, text);
        self.sign_draft(NoteDraft { known_head, ..draft })
    }

    /// Signs, with the own key, a note whose header names that author and that channel.
    #[must_use]
    pub fn sign_note_as(
        &self,
        channel: &Channel,
        text: &str,
        author: &DeviceName,
        of: ChannelId,
    ) -> SignedEntry {
        let draft = self.draft(channel, text);
        self.sign_draft(NoteDraft { author, channel: of, ..draft })
    }

    /// Signs an entry of another kind, entitled or not.
    #[must_use]
    pub fn sign_as(
        &self,
        channel: &Channel,
        kind: EntryKind,
        text: &str,
        parent: Option<Commitment>,
    ) -> SignedEntry {
        let draft = NoteDraft { parent, ..self.draft(channel, text) };
        let salts = || Salt::from_bytes(self.random());
        let signed = match kind {
            EntryKind::Pin => draft.sign_pin(true, self.key(), salts),
            kind => draft.sign_as(kind, self.key(), salts),
        };
        signed.expect("a short text can be an entry")
    }

    /// A head that the hub never signed, at the position of the newest one that is known here.
    #[must_use]
    pub fn false_quote(&self, channel: &Channel) -> Option<QuotedHead> {
        let genuine = channel.known_head()?.into_signed();
        let (signer, chain) = (genuine.signer(), ChainHash(self.random()));
        let head = Head { chain, ..genuine.unverified_head().clone() };
        Some(head.sign(self.key(), signer).quoted())
    }

    /// Encrypts an entry for the present state.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn seal(
        &mut self,
        channel: ChannelId,
        entry: &SignedEntry,
    ) -> Result<Outgoing, RogueError> {
        let id = entry.header().client_id;
        Ok(self.act(channel, |channel, ctx| channel.dangerous_seal_entry(ctx, entry, id))??)
    }

    /// Signs and encrypts a note for the present state.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn build_note(&mut self, channel: ChannelId, text: &str) -> Result<Outgoing, RogueError> {
        let entry = self.read(channel, |rogue, channel| rogue.sign_note(channel, text))?;
        self.seal(channel, &entry)
    }

    /// Signs and encrypts an entry that passes a list on, whatever it is.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn build_list(&mut self, channel: ChannelId, list: &[u8]) -> Result<Outgoing, RogueError> {
        let entry = self.read(channel, |rogue, channel| {
            let salts = || Salt::from_bytes(rogue.random());
            let signed = rogue.draft(channel, "").sign_list(list, rogue.key(), salts);
            signed.expect("a short list can be passed on")
        })?;
        self.seal(channel, &entry)
    }

    fn draft<'a>(&'a self, channel: &Channel, text: &'a str) -> NoteDraft<'a> {
        NoteDraft {
            channel: channel.id(),
            generation: channel.policy().generation(),
            author: self.device(),
            client_id: ClientId(self.random()),
            local_time: self.now(),
            time_zone: TimeZone::utc(),
            handling: HandlingCode::H1,
            restriction: None,
            parent: None,
            known_head: channel.known_head(),
            text,
        }
    }

    fn sign_draft(&self, draft: NoteDraft<'_>) -> SignedEntry {
        let signed = draft.sign(self.key(), || Salt::from_bytes(self.random()));
        signed.expect("a short text can be a note")
    }
}

//! What a round does with tombstones: judged before the hub takes one in, carried out wherever one is
//! appended.

use enlace_log::tombstone::may_erase;
use enlace_log::{ChannelId, Envelope, ItemKind, PayloadHash, Seq, Tombstone};

use super::{Round, unavailable};
use crate::hub::errors::{SubmitError, Unavailable};
use crate::hub::submission::Submission;
use crate::storage::{LogWrite, StoredItem};

impl Round<'_> {
    /// Whether everything that a submitted tombstone names is its author's to erase. For whoever
    /// may not submit here, nothing is looked up, and the refusal doesn't tell what stands where.
    pub(super) fn judge_tombstone(&mut self, submission: &Submission) -> Result<(), SubmitError> {
        let envelope = submission.sealed().envelope();
        let (channel, generation) = (envelope.channel, envelope.generation);
        let trust = &self.options.trust;
        let state = self.cache.find(&channel).map_err(|error| unavailable(&error))?;
        let state = state.ok_or(SubmitError::UnknownChannel)?;
        state
            .check_submitter(self.now, submission, |device| trust.is_revoked(device))
            .map_err(|error| error.or_suspended(|device| trust.is_suspended(device)))?;
        let payload = submission.sealed().payload().ok_or(SubmitError::NoPayload)?;
        let tombstone = Tombstone::decode(payload).map_err(|_| SubmitError::Tombstone)?;
        if (tombstone.channel, tombstone.generation) != (channel, generation) {
            return Err(SubmitError::Tombstone);
        }
        for (seq, hash) in tombstone.erased {
            let found = self.named(&channel, seq, hash)?.ok_or(SubmitError::Tombstone)?;
            let (item, received_at) = (found.envelope, found.stored.received_at);
            if !may_erase(submission.device(), self.now, &item, received_at) {
                return Err(SubmitError::NotTheirs(seq));
            }
        }
        Ok(())
    }

    /// Erases what the tombstones among items, which are appended just now, name. A hub may have
    /// taken in what it should not have: that is passed over.
    pub(super) fn carry_out_tombstones(&mut self, channel: ChannelId, items: &[StoredItem]) {
        // Entries, by far the most, bear no outer signature.
        let signed =
            items.iter().filter(|i| !i.outer_signature.is_empty() && !i.payload.is_empty());
        for item in signed {
            if let Err(why) = self.carry_out(channel, item) {
                self.broken = Some(why);
            }
        }
    }

    fn carry_out(&mut self, channel: ChannelId, item: &StoredItem) -> Result<(), Unavailable> {
        let Ok(envelope) = Envelope::decode(&item.envelope) else { return Ok(()) };
        let Some(by) = envelope.device().filter(|_| envelope.kind == ItemKind::Tombstone) else {
            return Ok(());
        };
        let Ok(tombstone) = Tombstone::decode(&item.payload) else { return Ok(()) };
        let mut items = Vec::new();
        for (seq, hash) in tombstone.erased.into_iter().filter(|(seq, _)| *seq < item.seq) {
            let Some(found) = self.named(&channel, seq, hash)? else { continue };
            if may_erase(by, item.received_at, &found.envelope, found.stored.received_at) {
                items.push(seq);
            }
        }
        tracing::info!(%channel, seq = %item.seq, count = items.len(), "payloads are erased");
        let grown = self.grown.entry(channel).or_default();
        grown.has_erased = true;
        for kept in grown.items.iter_mut().filter(|kept| items.contains(&kept.seq)) {
            kept.payload = bytes::Bytes::new();
        }
        self.writes.log.push(LogWrite::Erase { channel, items });
        Ok(())
    }

    /// What stands at a position, if it is what a tombstone names.
    fn named(
        &mut self,
        channel: &ChannelId,
        seq: Seq,
        hash: PayloadHash,
    ) -> Result<Option<Named>, Unavailable> {
        let grown = self.grown.get(channel).map_or(&[][..], |grown| &grown.items);
        let stored = match grown.iter().find(|item| item.seq == seq) {
            Some(item) => Some(item.clone()),
            None => self.cache.item(channel, seq).map_err(|error| unavailable(&error))?,
        };
        let Some(stored) = stored else { return Ok(None) };
        let envelope = Envelope::decode(&stored.envelope).ok();
        let envelope = envelope.filter(|envelope| envelope.payload_hash == hash);
        Ok(envelope.map(|envelope| Named { envelope, stored }))
    }
}

/// What a tombstone names.
struct Named {
    envelope: Envelope,
    stored: StoredItem,
}

//! Heads that the hub signed, as others quote them: how two sides of a fork find out.

use enlace_identity::names::DeviceName;
use enlace_log::head::HeadError;
use enlace_log::{QuotedHead, VerifiedHead};

use super::{Channel, Context, Event};

/// How many quoted heads beyond this copy's end are kept to be compared later.
const MAX_HEADS_AHEAD: usize = 16;

impl Channel {
    /// Compares a head that a member quoted with this copy of the log.
    pub(super) fn check_quote(
        &mut self,
        ctx: &Context<'_>,
        author: &DeviceName,
        quoted: &QuotedHead,
    ) -> Option<Event> {
        let signed = quoted.clone().into_signed();
        let (head, signer) = (signed.unverified_head().clone(), signed.signer());
        if head.channel != self.id() {
            return Some(Event::FalseQuote(author.clone()));
        }
        if head.seq < self.anchor() {
            return None;
        }
        let Some(key) = ctx.log.head_key(&self.hub(), signer) else {
            self.keep_for_later(quoted);
            return Some(Event::HeadKeyMissing(signer));
        };
        match signed.verify(&key) {
            Err(HeadError::Signature | HeadError::Length | HeadError::Decode(_)) => {
                Some(Event::FalseQuote(author.clone()))
            }
            Ok(verified) if head.seq >= self.replica().next_seq() => {
                self.keep_for_later(&verified.quoted());
                None
            }
            Ok(verified) => self.contradiction(ctx, verified),
        }
    }

    /// Remembers the newest head, and compares those that were ahead of this copy until now.
    pub(super) fn note_head(&mut self, ctx: &Context<'_>, head: &VerifiedHead) -> Vec<Event> {
        self.state.known_head = Some(head.quoted().encode());
        let next = self.replica().next_seq();
        let waiting = std::mem::take(&mut self.state.heads_ahead);
        let mut events = Vec::new();
        for bytes in waiting {
            let Ok(quoted) = QuotedHead::decode(&bytes) else { continue };
            let signed = quoted.into_signed();
            let key = ctx.log.head_key(&self.hub(), signed.signer());
            match key {
                Some(key) if signed.unverified_head().seq < next => {
                    let verified = signed.verify(&key).ok();
                    events.extend(verified.and_then(|head| self.contradiction(ctx, head)));
                }
                _ => self.state.heads_ahead.push(bytes),
            }
        }
        events
    }

    fn contradiction(&self, ctx: &Context<'_>, head: VerifiedHead) -> Option<Event> {
        let here = ctx.log.chain_at(self.id(), head.head().seq)?;
        (here != head.head().chain).then(|| Event::Contradiction(Box::new(head)))
    }

    fn keep_for_later(&mut self, quoted: &QuotedHead) {
        let bytes = quoted.encode();
        let waiting = &mut self.state.heads_ahead;
        if waiting.len() < MAX_HEADS_AHEAD && !waiting.contains(&bytes) {
            waiting.push(bytes);
        }
    }
}

//! Heads that the hub signed, as others quote them: how two sides of a fork find out.

use enlace_identity::names::DeviceName;
use enlace_log::{ChainHash, QuotedHead, VerifiedHead};

use super::{Channel, Context, Event};

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
        let hubs = self.hubs();
        let mut may_sign = hubs.signers(head.seq);
        let Some(key) = may_sign.find_map(|hub| ctx.log.head_key(hub, signer)) else {
            self.keep_for_later(author, quoted);
            return Some(Event::HeadKeyMissing(signer));
        };
        let Ok(verified) = signed.verify(&key) else {
            return Some(Event::FalseQuote(author.clone()));
        };
        let ours = self.state.incarnations();
        match ctx.log.chain_at(self.id(), head.seq) {
            // What the hub signed in another of its lives, and no longer holds, accuses nobody.
            Some(_) if ours.at(head.seq) != head.incarnation => None,
            Some(here) => contradiction(here, verified),
            None => {
                self.keep_for_later(author, quoted);
                None
            }
        }
    }

    /// Remembers the newest head, and compares quoted ones that could not be compared until now.
    pub(super) fn note_head(&mut self, ctx: &Context<'_>, head: &VerifiedHead) -> Vec<Event> {
        self.state.known_head = Some(head.quoted().encode());
        let waiting = std::mem::take(&mut self.state.heads_ahead);
        let mut events = Vec::new();
        for (author, bytes) in waiting {
            let quoted = QuotedHead::decode(&bytes).ok().zip(author.parse::<DeviceName>().ok());
            let Some((quoted, device)) = quoted else { continue };
            match self.check_quote(ctx, &device, &quoted) {
                Some(Event::HeadKeyMissing(_)) | None => {}
                Some(event) => events.push(event),
            }
        }
        events
    }

    /// One for each author, the newest: it says all that the earlier ones said, and nobody's
    /// quotes push out another's.
    fn keep_for_later(&mut self, author: &DeviceName, quoted: &QuotedHead) {
        self.state.heads_ahead.insert(author.to_string(), quoted.encode());
    }
}

fn contradiction(here: ChainHash, head: VerifiedHead) -> Option<Event> {
    (here != head.head().chain).then(|| Event::Contradiction(Box::new(head)))
}

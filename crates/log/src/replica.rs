//! A copy of a log that grows by items and signed heads, and finds out when it is lied to.
//!
//! A follower and a member run the same checks: positions without gaps, the chain, and the hub's
//! signature at the end of every batch. Nothing of a batch counts before all of it is checked.

use crate::chain::{ChainHash, ChainStart};
use crate::envelope::ItemKind;
use crate::head::VerifiedHead;
use crate::ids::{ChannelId, Seq};
use crate::item::Item;

/// Where a copy of a log stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replica {
    channel: ChannelId,
    next: Seq,
    chain: ChainHash,
}

impl Replica {
    /// A copy from the first item on.
    #[must_use]
    pub fn from_start(start: &ChainStart) -> Self {
        Self { channel: start.channel, next: Seq(0), chain: start.hash() }
    }

    /// A copy that continues after a position whose chain is known: a joiner's anchor, or what
    /// was stored.
    #[must_use]
    pub fn after(channel: ChannelId, seq: Seq, chain: ChainHash) -> Self {
        Self { channel, next: seq.next(), chain }
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        self.channel
    }

    /// The position that comes next.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    /// The chain so far.
    #[must_use]
    pub fn chain(&self) -> ChainHash {
        self.chain
    }

    /// Takes a batch whose last position `head` covers; returns the chain after each item.
    /// Items that this copy already has are skipped, so a batch may overlap.
    ///
    /// # Errors
    /// Nothing has changed then. [`ReplicaError::Diverged`] holds the signed head that proves it.
    pub fn append(
        &mut self,
        items: &[Item],
        head: &VerifiedHead,
    ) -> Result<Vec<(Seq, ChainHash)>, ReplicaError> {
        let signed = head.head();
        let last = items.last().ok_or(ReplicaError::Empty)?;
        if signed.channel != self.channel
            || items.iter().any(|item| item.sealed.envelope().channel != self.channel)
        {
            return Err(ReplicaError::OtherChannel);
        }
        if signed.seq != last.seq {
            return Err(ReplicaError::HeadElsewhere { last: last.seq, head: signed.seq });
        }
        let mut next = self.next;
        let mut chain = self.chain;
        let mut added = Vec::with_capacity(items.len());
        for item in items.iter().skip_while(|item| item.seq < self.next) {
            if item.seq != next {
                return Err(ReplicaError::Gap { expected: next, found: item.seq });
            }
            let sealed = &item.sealed;
            if sealed.envelope().kind == ItemKind::Commit && sealed.payload().is_none() {
                return Err(ReplicaError::CommitErased(item.seq));
            }
            chain = item.chain_after(&chain);
            added.push((item.seq, chain));
            next = next.next();
        }
        if added.is_empty() && signed.seq.next() != self.next {
            return Ok(added);
        }
        if chain != signed.chain {
            return Err(ReplicaError::Diverged(Box::new(head.clone())));
        }
        self.next = next;
        self.chain = chain;
        Ok(added)
    }
}

/// Why a batch is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplicaError {
    /// The batch holds nothing.
    #[error("a batch of the log is empty")]
    Empty,
    /// An item or the head belongs to another channel.
    #[error("a batch of the log holds something of another channel")]
    OtherChannel,
    /// The head does not stand at the batch's last item.
    #[error("the signed head stands at {head}, the batch ends at {last}")]
    HeadElsewhere {
        /// The batch's last position.
        last: Seq,
        /// The head's.
        head: Seq,
    },
    /// An item was dropped, repeated or moved.
    #[error("the log continues at {found} where {expected} was expected")]
    Gap {
        /// What should have come.
        expected: Seq,
        /// What came.
        found: Seq,
    },
    /// A commit came without its payload, which is not erased while anybody may need it: whoever
    /// sent this keeps it back. Nobody can judge the commit without.
    #[error("the commit at {0} came without its payload")]
    CommitErased(Seq),
    /// The items do not lead from what this copy holds to what the hub signed: an item was
    /// altered, or the hub signed another history.
    #[error("the log does not lead to the head that its hub signed")]
    Diverged(Box<VerifiedHead>),
}

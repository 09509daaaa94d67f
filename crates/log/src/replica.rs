//! A copy of a log that grows by items and signed heads, and finds out when it is lied to.
//!
//! A follower and a member run the same checks: positions without gaps, the chain, and the hub's
//! signature at the end of every batch. Nothing of a batch counts before all of it is checked.

use crate::chain::{ChainHash, ChainLink, ChainStart};
use crate::envelope::ItemKind;
use crate::head::VerifiedHead;
use crate::ids::{ChannelId, Incarnation, Seq};
use crate::item::Item;
use crate::statement::HubStatement;

/// Where a copy of a log stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replica {
    channel: ChannelId,
    next: Seq,
    chain: ChainHash,
    incarnation: Incarnation,
}

/// A position that a copy has taken in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Added {
    /// Where it stands.
    pub seq: Seq,
    /// The chain up to and with it.
    pub chain: ChainHash,
    /// The hub's incarnation there.
    pub incarnation: Incarnation,
}

impl Replica {
    /// A copy from the first item on.
    #[must_use]
    pub fn from_start(start: &ChainStart) -> Self {
        let (channel, chain) = (start.channel, start.hash());
        Self { channel, next: Seq(0), chain, incarnation: Incarnation(0) }
    }

    /// A copy that continues after a position whose chain and incarnation are known: a joiner's
    /// anchor, or what was stored.
    #[must_use]
    pub fn after(channel: ChannelId, seq: Seq, chain: ChainHash, incarnation: Incarnation) -> Self {
        Self { channel, next: seq.next(), chain, incarnation }
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

    /// The hub's incarnation so far.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Takes a batch whose last position `head` covers; returns what was new. Items that this copy
    /// already has are skipped, so a batch may overlap.
    ///
    /// # Errors
    /// Nothing has changed then. [`ReplicaError::Diverged`] holds the signed head that proves it.
    pub fn append(
        &mut self,
        items: &[Item],
        head: &VerifiedHead,
    ) -> Result<Vec<Added>, ReplicaError> {
        let last = items.last().ok_or(ReplicaError::Empty)?.seq;
        if head.head().seq != last {
            return Err(ReplicaError::HeadElsewhere { last, head: head.head().seq });
        }
        // What an incarnation signs does not reach back before its statement.
        let late = items.iter().skip(1).find(|item| is_statement(item));
        if let Some(item) = late.filter(|item| item.seq >= self.next) {
            return Err(ReplicaError::Statement(item.seq));
        }
        self.extend(items, &[], head)
    }

    /// As [`Self::append`], for a hub that takes back what it signed itself: `head` lies as many
    /// positions after the items as there are links, which lead there.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn refill(
        &mut self,
        items: &[Item],
        rest: &[ChainLink],
        head: &VerifiedHead,
    ) -> Result<Vec<Added>, ReplicaError> {
        let last = items.last().ok_or(ReplicaError::Empty)?.seq;
        if last.0.checked_add(rest.len() as u64) != Some(head.head().seq.0) {
            return Err(ReplicaError::HeadElsewhere { last, head: head.head().seq });
        }
        self.extend(items, rest, head)
    }

    fn extend(
        &mut self,
        items: &[Item],
        rest: &[ChainLink],
        head: &VerifiedHead,
    ) -> Result<Vec<Added>, ReplicaError> {
        let signed = head.head();
        if signed.channel != self.channel
            || items.iter().any(|item| item.sealed.envelope().channel != self.channel)
        {
            return Err(ReplicaError::OtherChannel);
        }
        let mut copy = self.clone();
        let mut added = Vec::with_capacity(items.len());
        for item in items.iter().skip_while(|item| item.seq < self.next) {
            added.push(copy.step(item)?);
        }
        let links = rest.iter().scan(copy.next, |next, link| {
            let seq = *next;
            *next = seq.next();
            Some((seq, link))
        });
        let chain = links.fold(copy.chain, |chain, (seq, link)| chain.after_link(seq, link));
        if added.is_empty() && signed.seq.next() != self.next {
            return Ok(added);
        }
        if chain != signed.chain {
            return Err(ReplicaError::Diverged(Box::new(head.clone())));
        }
        if rest.is_empty() && copy.incarnation != signed.incarnation {
            let (expected, found) = (copy.incarnation, signed.incarnation);
            return Err(ReplicaError::Incarnation { expected, found });
        }
        *self = copy;
        Ok(added)
    }

    fn step(&mut self, item: &Item) -> Result<Added, ReplicaError> {
        if item.seq != self.next {
            return Err(ReplicaError::Gap { expected: self.next, found: item.seq });
        }
        let sealed = &item.sealed;
        if sealed.envelope().kind.is_change() && sealed.payload().is_none() {
            return Err(ReplicaError::CommitErased(item.seq));
        }
        if is_statement(item) {
            let statement = sealed.payload().and_then(|p| HubStatement::decode(p).ok());
            let newer = statement.map(|statement| statement.incarnation);
            let newer = newer.filter(|newer| *newer > self.incarnation);
            self.incarnation = newer.ok_or(ReplicaError::Statement(item.seq))?;
        }
        self.chain = item.chain_after(&self.chain);
        self.next = self.next.next();
        Ok(Added { seq: item.seq, chain: self.chain, incarnation: self.incarnation })
    }
}

fn is_statement(item: &Item) -> bool {
    item.sealed.envelope().kind == ItemKind::HubStatement
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
    /// The head does not stand where the batch ends.
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
    /// A hub's statement that cannot be read, that begins no newer incarnation, or that does not
    /// begin its batch.
    #[error("the hub's statement at {0} cannot stand there")]
    Statement(Seq),
    /// The head is of another incarnation than the log states there: the hub is at fault.
    #[error("the signed head is of incarnation {found}, the log is in {expected}")]
    Incarnation {
        /// The one that the log states.
        expected: Incarnation,
        /// The head's.
        found: Incarnation,
    },
    /// The items do not lead from what this copy holds to what the hub signed: an item was
    /// altered, or the hub signed another history.
    #[error("the log does not lead to the head that its hub signed")]
    Diverged(Box<VerifiedHead>),
}

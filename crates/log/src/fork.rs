//! Proof that a hub signed two histories: it travels, and needs no trust in whoever shows it.

use crate::chain::{ChainHash, ChainLink};
use crate::head::VerifiedHead;
use crate::item::Item;

/// Two heads that one hub signed and that cannot both be true.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForkProof {
    earlier: VerifiedHead,
    later: VerifiedHead,
    between: Option<Between>,
}

/// How the later head was reached without the earlier one.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Between {
    chain_at_earlier: ChainHash,
    links: Vec<ChainLink>,
}

impl ForkProof {
    /// Two heads at one position with different chains.
    #[must_use]
    pub fn at_one_position(first: VerifiedHead, second: VerifiedHead) -> Option<Self> {
        let contradict = same_history(&first, &second)
            && first.head().seq == second.head().seq
            && first.head().chain != second.head().chain;
        contradict.then_some(Self { earlier: first, later: second, between: None })
    }

    /// A head, and a later one that was reached from another chain at the earlier one's position
    /// by the items between. Anybody can check that these items lead to the later head, so the
    /// hub signed both.
    #[must_use]
    pub fn by_items(
        earlier: VerifiedHead,
        later: VerifiedHead,
        chain_at_earlier: ChainHash,
        items: &[Item],
    ) -> Option<Self> {
        let links = items.iter().map(Item::link).collect();
        let proof = Self { earlier, later, between: Some(Between { chain_at_earlier, links }) };
        proof.holds().then_some(proof)
    }

    /// The two contradicting heads, with their signatures.
    #[must_use]
    pub fn heads(&self) -> [&VerifiedHead; 2] {
        [&self.earlier, &self.later]
    }

    fn holds(&self) -> bool {
        let (earlier, later) = (self.earlier.head(), self.later.head());
        let Some(between) = &self.between else { return true };
        let mut chain = between.chain_at_earlier;
        let mut seq = earlier.seq;
        for link in &between.links {
            seq = seq.next();
            chain = chain.after_link(seq, link);
        }
        same_history(&self.earlier, &self.later)
            && between.chain_at_earlier != earlier.chain
            && seq == later.seq
            && chain == later.chain
    }
}

/// After a restore a hub begins a new incarnation: heads of two incarnations do not accuse it.
fn same_history(first: &VerifiedHead, second: &VerifiedHead) -> bool {
    first.head().channel == second.head().channel
        && first.head().incarnation == second.head().incarnation
}

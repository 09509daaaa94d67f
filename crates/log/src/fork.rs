//! Proof that a hub signed two histories: it travels, and needs no trust in whoever shows it.

use enlace_identity::canonical::Writer;
use enlace_identity::time::Timestamp;

use crate::chain::ChainHash;
use crate::head::VerifiedHead;
use crate::ids::Seq;
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
    steps: Vec<Step>,
}

/// All that the chain takes of an item.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Step {
    received_at: Timestamp,
    envelope_hash: [u8; 32],
    signature_hash: [u8; 32],
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
        let steps = items
            .iter()
            .map(|item| Step {
                received_at: item.received_at,
                envelope_hash: enlace_identity::canonical::sha256(item.sealed.envelope_bytes()),
                signature_hash: item.sealed.outer_signature().hash(),
            })
            .collect();
        let proof = Self { earlier, later, between: Some(Between { chain_at_earlier, steps }) };
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
        for step in &between.steps {
            seq = seq.next();
            chain = step.after(&chain, seq);
        }
        same_history(&self.earlier, &self.later)
            && between.chain_at_earlier != earlier.chain
            && seq == later.seq
            && chain == later.chain
    }
}

impl Step {
    fn after(&self, chain: &ChainHash, seq: Seq) -> ChainHash {
        ChainHash(
            Writer::new("enlace chain v1")
                .fixed(&chain.0)
                .u64(seq.0)
                .u64(self.received_at.as_millis())
                .fixed(&self.envelope_hash)
                .fixed(&self.signature_hash)
                .hash(),
        )
    }
}

/// After a restore a hub begins a new incarnation: heads of two incarnations do not accuse it.
fn same_history(first: &VerifiedHead, second: &VerifiedHead) -> bool {
    first.head().channel == second.head().channel
        && first.head().incarnation == second.head().incarnation
}

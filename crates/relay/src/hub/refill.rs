//! What others bring back to a hub that lost it.

use enlace_identity::names::Domain;
use enlace_log::item::ItemError;
use enlace_log::{ChainLink, ChannelNonce, Incarnation, Incarnations, Item, Seq, VerifiedHead};
use enlace_proto::relay::v1 as wire;

/// Consecutive items that lead, with what the chain takes of those after them, to a head that this
/// hub signed.
#[derive(Clone, Debug)]
pub struct Refill {
    /// The items; none to ask where the log goes on.
    pub items: Vec<Item>,
    /// Of each item between these and the head.
    pub rest: Vec<ChainLink>,
    /// The head, its signature verified with a head key of [`Self::signer`].
    pub head: VerifiedHead,
    /// The authority whose head key signed: this one, or a former hub's.
    pub signer: Domain,
    /// What the channel's id is derived from, if whoever brings them knows.
    pub nonce: Option<ChannelNonce>,
    /// What ordered which part of the copy it comes from, which begins at the first.
    pub incarnations: Incarnations,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TakenBack {
    /// Where the hub's log goes on.
    pub next: Seq,
    /// Whether it has gone on without what was offered: whoever holds it goes back to before
    /// `next`.
    pub superseded: bool,
}

impl Refill {
    /// Reads a request whose head the caller has verified.
    ///
    /// # Errors
    /// The caller's fault.
    pub fn read(
        request: wire::RefillRequest,
        head: VerifiedHead,
        signer: Domain,
    ) -> Result<Self, ItemError> {
        let channel = head.head().channel;
        let items = request.items.into_iter().map(|item| Item::from_wire(channel, item));
        let items = items.collect::<Result<_, _>>()?;
        let rest = ChainLink::decode_all(&request.rest)?;
        let nonce = ChannelNonce::try_from(&request.nonce[..]).ok();
        let starts = request.incarnations.iter();
        let incarnations = starts.map(|s| (Seq(s.seq), Incarnation(s.incarnation))).collect();
        Ok(Self { items, rest, head, signer, nonce, incarnations })
    }

    /// How many bytes it holds in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        let payloads = self.items.iter().map(|item| item.sealed.payload().map_or(0, |p| p.len()));
        payloads.sum::<usize>() + 1024 * self.items.len() + ChainLink::BYTES * self.rest.len()
    }
}

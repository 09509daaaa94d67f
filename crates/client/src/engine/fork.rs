//! Fork alarms: two contradicting signatures of one hub, and nothing less.

use enlace_channel::channel::Channel;
use enlace_log::{
    ChainHash, ChannelId, ForkProof, Item, QuotedHead, Seq, SignedHead, VerifiedHead,
};
use enlace_proto::relay::v1 as wire;

use super::items::ReceiveError;
use super::work::Work;
use super::{Engine, EngineError};
use crate::notice::{ForkAlarm, Notice};

impl Engine {
    /// The hub signed a head that contradicts this copy of the log. Where `other` lies beyond it,
    /// `items` are those of the other history from this copy's end to `other`, `chain` what the
    /// relay says of the chain before them. If they prove that the hub signed both, the alarm is raised; else it was the relay
    /// alone. Returns whether there is proof.
    ///
    /// # Errors
    /// When the store fails, or an item does not fit together.
    pub fn prove_fork(
        &mut self,
        id: ChannelId,
        other: SignedHead,
        items: Vec<wire::Item>,
        chain: ChainHash,
    ) -> Result<bool, ReceiveError> {
        let items = items.into_iter().map(|item| Item::from_wire(id, item));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        self.write(|work| {
            let row = work.tx.channel(id)?.ok_or(ReceiveError::UnknownChannel)?;
            let Some(own) = row.head else { return Ok(false) };
            let Some(channel) = work.take(id)? else { return Ok(false) };
            let hubs = channel.hubs();
            work.keep(channel);
            let own = work.verify_head_of(&hubs, own)?;
            let other = work.verify_head_of(&hubs, other)?;
            let proof = if other.head().seq <= own.head().seq {
                work.contradiction(id, &other, own)?
            } else {
                ForkProof::by_items(own, other, chain, &items)
            };
            let proven = proof.is_some();
            if let Some(proof) = proof {
                work.raise_fork(id, row.hub.as_str(), &proof)?;
            }
            Ok(proven)
        })
    }
}

impl Work<'_> {
    /// A head of the hub's, quoted by a member or in an answer, contradicts this copy of the log. To
    /// be called when the hub's head at the end of a batch is known: the other one may stand inside
    /// the batch.
    pub(super) fn raise_contradiction(
        &mut self,
        channel: &Channel,
        quoted: &VerifiedHead,
    ) -> Result<(), EngineError> {
        let id = channel.id();
        let Some(row) = self.tx.channel(id)? else { return Ok(()) };
        let own = channel.head_of(quoted.head().incarnation).map(QuotedHead::into_signed);
        let own = own.or(row.head);
        let Some(own) = own else { return Ok(()) };
        let Ok(own) = self.verify_head_of(&channel.hubs(), own) else { return Ok(()) };
        let proof = self.contradiction(id, quoted, own)?;
        match proof {
            Some(proof) => self.raise_fork(id, row.hub.as_str(), &proof),
            None => {
                tracing::warn!(channel = %id, "a quoted head contradicts the log, without proof");
                Ok(())
            }
        }
    }

    fn contradiction(
        &self,
        id: ChannelId,
        quoted: &VerifiedHead,
        own: VerifiedHead,
    ) -> Result<Option<ForkProof>, EngineError> {
        let (theirs, ours) = (quoted.head().seq, own.head().seq);
        if theirs == ours {
            return Ok(ForkProof::at_one_position(own, quoted.clone()));
        }
        let Some(at_theirs) = self.tx.item(id, theirs)? else { return Ok(None) };
        if theirs > ours {
            return Ok(None);
        }
        let rows = self.tx.items(id, theirs.next(), ours)?;
        let items: Vec<Item> = rows.into_iter().map(|row| row.item).collect();
        Ok(ForkProof::by_items(quoted.clone(), own, at_theirs.chain, &items))
    }

    /// One alarm for each channel: the first proof is as good as any.
    fn raise_fork(
        &mut self,
        id: ChannelId,
        hub: &str,
        proof: &ForkProof,
    ) -> Result<(), EngineError> {
        let setting = format!("fork/{id}");
        if self.tx.setting(&setting)?.is_some() {
            return Ok(());
        }
        let [first, second] = proof.heads().map(|head| to_hex(head.signed()));
        let alarm = ForkAlarm { hub: hub.to_owned(), first, second };
        self.tx.put_setting(&setting, Some("raised"))?;
        let place: Option<(Seq, _)> = None;
        Ok(self.note(Some(id), place, Notice::Fork(alarm))?)
    }
}

fn to_hex(head: &SignedHead) -> String {
    hex::encode(head.quoted().encode())
}

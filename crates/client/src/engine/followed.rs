//! Which logs are taken in, and from where on.

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Incarnation, QuotedHead, Seq, SignedHead, VerifiedHead};
use enlace_proto::relay::v1 as wire;

use super::work::Work;
use super::{Engine, EngineError};
use crate::store::{ChannelStanding, StoreError};

/// A channel that is followed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Followed {
    /// Which.
    pub channel: ChannelId,
    /// The authority whose relay orders it.
    pub hub: Domain,
    /// What comes next.
    pub next: Seq,
    /// The hub's incarnation before that.
    pub incarnation: Incarnation,
    /// Whether this device is a member, as far as its log says, or may turn out to be one.
    pub is_member: bool,
    /// Whether it takes itself for out, and is not sure.
    pub is_out: bool,
    /// The newest signed head known; it may lie beyond what is here, where the hub has answered for an
    /// entry that has not come yet. A hub that is restored learns by it what it has lost.
    pub head: Option<wire::SignedHead>,
}

impl Engine {
    /// The channels whose logs are to be taken in.
    ///
    /// # Errors
    /// When the store fails.
    pub fn followed(&mut self) -> Result<Vec<Followed>, EngineError> {
        self.write(|work| {
            let mut followed = Vec::new();
            for row in work.tx.channels()? {
                let is_over = match row.standing {
                    ChannelStanding::Creating => true,
                    ChannelStanding::Removed => !work.is_taken_for_out(row.id)?,
                    _ => false,
                };
                if is_over {
                    continue;
                }
                match work.followed(row.id) {
                    Ok(found) => followed.extend(found),
                    Err(error) => work.stop_if_alone(row.id, error)?,
                }
            }
            Ok(followed)
        })
    }

    /// One channel to be followed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn followed_channel(&mut self, id: ChannelId) -> Result<Option<Followed>, EngineError> {
        self.write(|work| work.followed(id))
    }
}

impl Work<'_> {
    pub(super) fn followed(&mut self, id: ChannelId) -> Result<Option<Followed>, EngineError> {
        let Some(row) = self.tx.channel(id)? else { return Ok(None) };
        let Some(channel) = self.take(id)? else { return Ok(None) };
        let replica = channel.replica();
        let (next, incarnation) = (replica.next_seq(), replica.incarnation());
        self.keep(channel);
        let head = self.newest_head(id, row.head)?.map(|head| head.to_wire());
        let is_out = self.is_taken_for_out(id)?;
        let is_member = is_out || row.standing != ChannelStanding::Removed;
        Ok(Some(Followed { channel: id, hub: row.hub, next, incarnation, is_member, is_out, head }))
    }

    /// Keeps what the hub signed of a log beyond what is here.
    pub(super) fn keep_promise(
        &mut self,
        id: ChannelId,
        head: &VerifiedHead,
    ) -> Result<(), StoreError> {
        let known = self.promise(id)?;
        if known.is_none_or(|known| order(&known) < order(head.signed())) {
            let text = hex::encode(head.quoted().encode());
            self.tx.put_setting(&promise_setting(id), Some(&text))?;
        }
        Ok(())
    }

    /// Of what is known of a log and what its hub has signed beyond that, the newest.
    pub(super) fn newest_head(
        &self,
        id: ChannelId,
        known: Option<SignedHead>,
    ) -> Result<Option<SignedHead>, StoreError> {
        Ok(known.into_iter().chain(self.promise(id)?).max_by_key(order))
    }

    fn promise(&self, id: ChannelId) -> Result<Option<SignedHead>, StoreError> {
        let Some(text) = self.tx.setting(&promise_setting(id))? else { return Ok(None) };
        let bytes = hex::decode(text).map_err(|_| StoreError::Corrupt("promise"))?;
        let head = QuotedHead::decode(&bytes).map_err(|_| StoreError::Corrupt("promise"))?;
        Ok(Some(head.into_signed()))
    }
}

fn order(head: &SignedHead) -> (Incarnation, Seq) {
    let head = head.unverified_head();
    (head.incarnation, head.seq)
}

fn promise_setting(id: ChannelId) -> String {
    format!("promise/{id}")
}

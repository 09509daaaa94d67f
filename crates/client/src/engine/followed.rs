//! Which logs are taken in, and from where on.

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Incarnation, Seq};
use enlace_proto::relay::v1 as wire;

use super::work::Work;
use super::{Engine, EngineError};
use crate::store::ChannelStanding;

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
    /// Whether this device is a member, as far as its log says.
    pub is_member: bool,
    /// The newest signed head known.
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
                let is_over =
                    matches!(row.standing, ChannelStanding::Creating | ChannelStanding::Removed);
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
        let head = row.head.map(|head| head.to_wire());
        let is_member = row.standing != ChannelStanding::Removed;
        Ok(Some(Followed { channel: id, hub: row.hub, next, incarnation, is_member, head }))
    }
}

//! Heads that peers show: one that this relay signed, and whose items it does not hold, says that
//! its store is an older one.

use enlace_log::{ChannelId, SignedHead};
use enlace_proto::relay::v1 as wire;
use tracing::{debug, error};

use super::Context;
use crate::storage::{ReadStorage, Role};

impl Context {
    /// Looks at a head that a peer knows of a log. One that lies within the log says nothing, nor
    /// does one by a signature that isn't this relay's.
    pub(crate) async fn take_shown(&self, channel: ChannelId, head: &wire::SignedHead) {
        let read = move |storage: &mut dyn ReadStorage| {
            let Some(record) = storage.channel(&channel)? else { return Ok(None) };
            Ok(Some((record, storage.incarnations(&channel)?.newest())))
        };
        let (record, newest) = match self.hub.query(read).await {
            Ok(Some((record, newest))) if record.role == Role::Hub => (record, newest),
            Ok(_) => return,
            Err(error) => {
                error!(%error, "a head that was shown cannot be compared");
                return;
            }
        };
        let Ok(head) = SignedHead::from_wire(channel, head) else { return };
        let claimed = head.unverified_head();
        if claimed.seq <= record.tail.seq && claimed.incarnation <= newest {
            return;
        }
        match self.head_certificates.verify(head, self.domain()).await {
            // That it was not noted is found out when it is shown again.
            Ok(head) => {
                let _ = self.hub.show(head).await;
            }
            Err(error) => debug!(%error, "a head beyond the log is not by this relay"),
        }
    }
}

//! Going back: the hub was restored from an older copy, and nobody brought back what this device
//! has from some position on.

use enlace_log::{ChainHash, Seq};

use super::state::Standing;
use super::{Channel, ChannelError, Context};

/// What going back means for this device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rewound {
    /// It goes on from there.
    GoesOn,
    /// A change of the group is among what is lost, and this device has made it: it cannot follow
    /// the others any more, until it is let in again.
    Stranded,
}

impl Channel {
    /// Goes back to before `from`, where `chain` is the chain and `fence` the newest commit item.
    /// The group stays as it is: keys that were used are gone. Only a copy that reaches back so
    /// far can: `from` lies after [`Self::anchor`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn rewind(
        &mut self,
        ctx: &Context<'_>,
        from: Seq,
        chain: ChainHash,
        fence: Option<Seq>,
    ) -> Result<Rewound, ChannelError> {
        let lost_a_change = self.state.last_valid() >= Some(from);
        self.state.rewind(from, chain, fence);
        if lost_a_change && self.state.standing != Standing::Removed {
            self.state.strand(from, None);
        }
        self.state.save(ctx.store)?;
        Ok(if lost_a_change { Rewound::Stranded } else { Rewound::GoesOn })
    }

    /// The hub began anew before the commit that let this device in, and knows it no more. It is out
    /// of the channel; any welcome of the log that goes on lets it in again, wherever that stands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leave_behind(&mut self, ctx: &Context<'_>) -> Result<(), ChannelError> {
        self.state.standing = Standing::Removed;
        self.state.forget_commits();
        self.state.save(ctx.store)?;
        Ok(())
    }
}

//! Making items. Each kind has a file of its own; what all have in common stands here.

mod commit;
mod control;
mod entry;
mod error;
mod evidence;
mod plan;

use enlace_log::{ClientId, Commitment, Envelope, ItemKind, ListHash, PayloadHash, WelcomesHash};

use super::state::{Standing, next_submit_counter};
use super::{Channel, Context, Outgoing};
use crate::state_store::StateError;

pub(super) use commit::Commit;
pub use error::SealError;

impl Channel {
    pub(super) fn envelope(
        &self,
        ctx: &Context<'_>,
        kind: ItemKind,
        client_id: ClientId,
    ) -> Result<Envelope, StateError> {
        Ok(Envelope {
            channel: self.id(),
            generation: self.state.generation(),
            kind,
            author: ctx.device.name.clone().into(),
            client_id,
            submit_counter: next_submit_counter(ctx.store)?,
            fence: self.state.fence(),
            last_valid_commit: self.state.last_valid(),
            commitment: Commitment::NONE,
            list_hash: ListHash::NONE,
            welcomes_hash: WelcomesHash::NONE,
            payload_hash: PayloadHash([0; 32]),
        })
    }

    pub(super) fn remember(
        &mut self,
        ctx: &Context<'_>,
        mut outgoing: Outgoing,
    ) -> Result<Outgoing, SealError> {
        outgoing.request.hub = self.hub().to_string();
        self.state.sent(&outgoing);
        self.state.save(ctx.store)?;
        Ok(outgoing)
    }

    fn may_write(&self, ctx: &Context<'_>) -> Result<(), SealError> {
        self.check_program(ctx)?;
        match self.state.standing {
            Standing::Provisional if self.awaits_another() => Err(SealError::Unconfirmed),
            Standing::Provisional | Standing::Member => Ok(()),
            Standing::Stranded => Err(SealError::Stranded),
            Standing::Removed => Err(SealError::NotAMember),
        }
    }
}

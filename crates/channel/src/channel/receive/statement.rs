//! What the hub states of itself: that it began anew, what is missing, and that it took over.

use enlace_identity::names::Domain;
use enlace_log::{HubStatement, Item};

use crate::channel::{Channel, ChannelError, Context, Event};

impl Channel {
    /// The signed head over the log vouches for the item; the signature round it is for whoever sees
    /// it without the log. It changes nothing of the group.
    pub(super) fn handle_statement(
        &mut self,
        ctx: &Context<'_>,
        item: &Item,
    ) -> Result<Vec<Event>, ChannelError> {
        let Some(statement) = statement_of(item) else { return Ok(vec![Event::NeedsNewerVersion]) };
        let from = self.hub();
        let to = self.hub_after(ctx, item, self.fence())?;
        self.state.begin_incarnation(item.seq, statement.incarnation);
        let mut events = Vec::new();
        if to != from {
            self.state.move_to(item.seq, &to);
            events.push(Event::Moved { from, to });
        }
        events.push(Event::HubBeganAnew(Box::new(statement)));
        Ok(events)
    }

    /// Whose relay orders the log from this item on, where `fence` is the newest commit item before
    /// it. A head over it counts only by that one's key.
    ///
    /// # Errors
    /// [`ChannelError::MoveRefused`]; when the store is damaged.
    pub fn hub_after(
        &self,
        ctx: &Context<'_>,
        item: &Item,
        fence: Option<enlace_log::Seq>,
    ) -> Result<Domain, ChannelError> {
        let taken_over = statement_of(item).and_then(|statement| statement.taken_over);
        let hubs = self.hubs();
        match taken_over {
            Some(taken_over) if taken_over.hub != *hubs.before(item.seq) => {
                self.check_move(ctx, item, &taken_over, fence)?;
                Ok(taken_over.hub)
            }
            _ => Ok(hubs.before(item.seq).clone()),
        }
    }
}

fn statement_of(item: &Item) -> Option<HubStatement> {
    if item.sealed.envelope().kind != enlace_log::ItemKind::HubStatement {
        return None;
    }
    item.sealed.payload().and_then(|payload| HubStatement::decode(payload).ok())
}

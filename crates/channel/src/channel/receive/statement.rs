//! What the hub states of itself: that it began anew, and what is missing.

use enlace_log::{HubStatement, Item};

use crate::channel::{Channel, Event};

impl Channel {
    /// The signed head over the log vouches for the item; the signature round it is for whoever sees
    /// it without the log. It changes nothing of the group.
    pub(super) fn handle_statement(&mut self, item: &Item) -> Vec<Event> {
        let statement =
            item.sealed.payload().and_then(|payload| HubStatement::decode(payload).ok());
        let Some(statement) = statement else { return vec![Event::NeedsNewerVersion] };
        self.state.begin_incarnation(item.seq, statement.incarnation);
        vec![Event::HubBeganAnew(Box::new(statement))]
    }
}

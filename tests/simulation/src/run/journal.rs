//! What a run writes down while it goes on: lines for people, facts for the model.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enlace_client::store::OutboxState;
use enlace_log::{ChannelId, ClientId};
use tokio::time::Instant;

use crate::facts::{Acknowledged, Asked, DeviceId, Facts, Wish};
use crate::trace::{Topic, Trace};

/// A journal as one node writes it. Clones write into the same one.
#[derive(Clone)]
pub struct Journal {
    trace: Trace,
    facts: Arc<Mutex<Facts>>,
    began: Instant,
    node: DeviceId,
}

impl Journal {
    pub(crate) fn new(trace: Trace) -> Self {
        let facts = Arc::new(Mutex::new(Facts::default()));
        Self { trace, facts, began: Instant::now(), node: "plan".to_owned() }
    }

    /// The same journal, as that node writes it.
    #[must_use]
    pub fn of(&self, node: DeviceId) -> Self {
        Self { node, ..self.clone() }
    }

    /// What the plan does.
    pub fn operation(&self, text: String) {
        self.trace.line(self.at(), Topic::Operation, &self.node, text);
    }

    /// What a node shows.
    pub fn observed(&self, text: String) {
        self.trace.line(self.at(), Topic::Observed, &self.node, text);
    }

    /// What became of something that was asked.
    pub fn outbox(&self, id: &ClientId, state: &OutboxState) {
        let id = hex::encode(id.0);
        let name = &id[..8];
        match state {
            OutboxState::Queued => self.observed(format!("{name} is queued")),
            OutboxState::Failed(reason) => self.observed(format!("{name} failed: {reason}")),
            OutboxState::Accepted(place) => {
                let place = place.map(|seq| seq.0);
                self.observed(format!("{name} is accepted at {place:?}"));
                let (at, device) = (self.at(), self.node.clone());
                self.facts().acknowledged.push(Acknowledged { at, device, id, place });
            }
        }
    }

    /// A program took what its officer asked for.
    pub fn asked(&self, channel: &ChannelId, id: &ClientId, what: Wish) {
        let (channel, id) = (hex::encode(channel.0), hex::encode(id.0));
        self.observed(format!("{} is taken: {what:?}", &id[..8]));
        let (at, device) = (self.at(), self.node.clone());
        self.facts().asked.push(Asked { at, device, channel, id, what });
    }

    /// What devices were asked for under which numbers.
    #[must_use]
    pub fn asked_of(&self, device: &DeviceId) -> Vec<ClientId> {
        let facts = self.facts();
        let ids: BTreeSet<&String> = facts
            .asked
            .iter()
            .filter(|asked| asked.device == *device)
            .map(|asked| &asked.id)
            .collect();
        ids.into_iter()
            .filter_map(|id| Some(ClientId(hex::decode(id).ok()?.try_into().ok()?)))
            .collect()
    }

    /// What was said in all entries.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let facts = self.facts();
        let texts = facts.asked.iter().filter_map(|asked| match &asked.what {
            Wish::Note(text) => Some(text.clone()),
            _ => None,
        });
        texts.collect()
    }

    /// The facts so far.
    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Facts {
    /// How many notes were written.
    #[must_use]
    pub fn notes(&self) -> u64 {
        self.asked.iter().filter(|asked| matches!(asked.what, Wish::Note(_))).count() as u64
    }
}

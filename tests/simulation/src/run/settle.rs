//! The end of a run: all trouble ends, and everybody gets the time to catch up.

use std::collections::BTreeSet;
use std::time::Duration;

use enlace_identity::time::Timestamp;
use enlace_transport::Clock as _;

use super::nodes::Nodes;
use super::published::SOON;
use crate::network::{Listener, NodeId, Quality};
use crate::officer::OfficerNode;
use crate::world;

/// How often to look whether all is quiet.
const LOOK: Duration = Duration::from_secs(2);

/// How often all has to look the same before it counts as quiet.
const SAME: u32 = 3;

/// How long it may take until everybody is back at the one relay after there were two: connections
/// to the other one have to die first.
const FOUND_OUT: Duration = Duration::from_secs(150);

/// How long it may take until all programs have noticed that a day is over.
const LOOKED: Duration = Duration::from_secs(150);

/// The longest that catching up may take.
const LONGEST: Duration = Duration::from_secs(30 * 60);

impl Nodes {
    /// Mends lines, disks and clocks, and starts whoever is down.
    pub(super) async fn heal(&mut self) {
        self.journal.operation("everything is mended".to_owned());
        let nodes = self.nodes();
        for one in &nodes {
            for other in &nodes {
                self.network.set(*one, *other, Quality::default());
            }
        }
        for authority in 0..self.relays.len() {
            self.unite(authority).await;
        }
        for relay in &self.relays {
            relay.fill_disk(false);
            relay.clock.set_ahead(0);
        }
        for officer in &self.officers {
            officer.fill_disk(false);
            officer.clock.set_ahead(0);
        }
        for authority in 0..self.relays.len() {
            if !self.relays[authority].is_up() {
                self.relays[authority].crash().await;
                // A commit that was told to fail does so once.
                let _ = self.start_relay(authority).await || self.start_relay(authority).await;
            }
        }
        for number in 0..self.officers.len() {
            if self.officers[number].client().is_none() {
                self.officers[number].crash().await;
                self.start_officer(number);
            }
            self.officers[number].go_online(&self.journal);
        }
    }

    /// A relay's second history ends, if there is one: all are shown the first one again.
    pub(super) async fn unite(&mut self, authority: usize) {
        self.relays[authority].unite().await;
        let relay = self.relays[authority].node;
        for node in self.nodes() {
            self.network.divert(node, relay, Listener::Genuine);
        }
    }

    fn nodes(&self) -> Vec<NodeId> {
        let relays = (0..self.relays.len()).map(world::relay_node);
        relays.chain((0..self.officers.len()).map(world::officer_node)).collect()
    }

    /// Waits until nothing moves any more, or for as long as is decent.
    pub(super) async fn settle(&mut self) {
        let mut waited = Duration::ZERO;
        let (mut same, mut last) = (0, String::new());
        let least = if self.forked.is_empty() { Duration::ZERO } else { FOUND_OUT };
        while waited < LONGEST && (same < SAME || waited < least) {
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
            let (state, waits) = self.state();
            same = if state == last && !waits { same + 1 } else { 0 };
            last = state;
        }
        self.journal
            .operation(format!("nothing moved any more after {waited:?}: {}", same >= SAME));
    }

    /// Everybody who may writes once more, now that nothing is in the way.
    pub(super) async fn probe(&mut self) {
        // Once a day programs look what has run its time.
        if self.calendar.has_passed() {
            self.calendar.pass(1);
            tokio::time::sleep(LOOKED).await;
        }
        for channel in 0..self.channels.len() {
            for number in 0..self.officers.len() {
                let device = self.officers[number].device();
                let revoked = self.journal.facts().revoked.contains(&device);
                if revoked
                    || self.suspended().contains(&device)
                    || self.dropped().contains(&device)
                    || !self.is_in(number, self.channels[channel])
                {
                    continue;
                }
                let text = match self.post(number, channel) {
                    Ok(text) => text,
                    Err(why) => {
                        self.journal.operation(format!("officer {number} cannot write: {why:#}"));
                        continue;
                    }
                };
                self.journal.facts().probes.push(text);
            }
        }
        self.settle().await;
    }

    /// Where everybody is, and whether somebody still waits for something. Whoever is revoked, has
    /// a modified program, or a relay that was two, may be left behind.
    fn state(&self) -> (String, bool) {
        let facts = self.journal.facts();
        let mut aside: BTreeSet<_> = facts.revoked.union(&facts.modified).cloned().collect();
        drop(facts);
        let suspended = self.suspended();
        aside.extend(suspended.iter().cloned());
        let dropped = self.dropped();
        aside.extend(dropped.iter().cloned());
        let bundle = self.newest_bundle();
        let served = |officer: &&OfficerNode| self.forked.contains(&officer.authority);
        aside.extend(self.officers.iter().filter(served).map(OfficerNode::device));
        let (mut state, mut waits) = (String::new(), self.awaits_an_end());
        for (channel, hub) in self.channels.iter().zip(&self.hubs) {
            let (mut places, mut listed, mut inside, mut away) =
                (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            for officer in self.officers.iter().filter(|o| !aside.contains(&o.device())) {
                let Some(client) = officer.client() else { continue };
                let Ok(Some(details)) = client.show(*channel) else { continue };
                state.push_str(&format!(" {}:{}", officer.number, details.next.0));
                if self.is_in(officer.number, *channel) && !self.forked.contains(hub) {
                    places.insert(details.next);
                    inside.insert(officer.device());
                    listed.extend(details.members.iter().flat_map(|m| &m.devices).cloned());
                    waits |= details.queued > 0;
                    let is_open = !details.policy.is_closed();
                    waits |= is_open && self.has_former_leaves(officer.number, *channel);
                    let now = officer.clock.now();
                    let soon = |until: &Timestamp| *until < now.plus(SOON);
                    waits |= details.policy.stand_ins().values().any(soon);
                    waits |= details.policy.bundle_hash().to_string() != bundle;
                    waits |= details.members.iter().any(|member| member.leaving);
                    let policy = &details.policy;
                    away.extend(policy.suspended().keys().filter(|_| !policy.is_closed()).cloned());
                }
            }
            waits |= places.len() > 1;
            // Whoever was let in may not have heard of it yet.
            let names = listed.iter().map(ToString::to_string);
            waits |= names.filter(|name| !aside.contains(name)).any(|name| !inside.contains(&name));
            // Whoever is suspended may not be out yet, or not back.
            let names: BTreeSet<String> = listed.iter().map(ToString::to_string).collect();
            waits |= suspended.union(&dropped).any(|device| names.contains(device));
            let away = away.difference(&listed).map(ToString::to_string);
            waits |= away.filter(|name| !aside.contains(name)).count() > 0;
        }
        (state, waits)
    }
}

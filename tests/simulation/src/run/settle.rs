//! The end of a run: all trouble ends, and everybody gets the time to catch up.

use std::collections::BTreeSet;
use std::time::Duration;

use super::nodes::Nodes;
use crate::network::Quality;
use crate::world;

/// How often to look whether all is quiet.
const LOOK: Duration = Duration::from_secs(2);

/// How often all has to look the same before it counts as quiet.
const SAME: u32 = 3;

/// The longest that catching up may take.
const LONGEST: Duration = Duration::from_secs(30 * 60);

impl Nodes {
    /// Mends lines, disks and clocks, and starts whoever is down.
    pub(super) async fn heal(&mut self) {
        self.journal.operation("everything is mended".to_owned());
        let relays = (0..self.relays.len()).map(world::relay_node);
        let nodes: Vec<_> =
            relays.chain((0..self.officers.len()).map(world::officer_node)).collect();
        for one in &nodes {
            for other in &nodes {
                self.network.set(*one, *other, Quality::default());
            }
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

    /// Waits until nothing moves any more, or for as long as is decent.
    pub(super) async fn settle(&mut self) {
        let mut waited = Duration::ZERO;
        let (mut same, mut last) = (0, String::new());
        while waited < LONGEST && same < SAME {
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
        for channel in 0..self.channels.len() {
            for number in 0..self.officers.len() {
                let revoked =
                    self.journal.facts().revoked.contains(&self.officers[number].device());
                if revoked || !self.is_in(number, self.channels[channel]) {
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

    /// Where everybody is, and whether somebody still waits for something.
    fn state(&self) -> (String, bool) {
        let revoked = self.journal.facts().revoked.clone();
        let (mut state, mut waits) = (String::new(), false);
        for channel in &self.channels {
            let mut places = BTreeSet::new();
            for officer in self.officers.iter().filter(|o| !revoked.contains(&o.device())) {
                let Some(client) = officer.client() else { continue };
                let Ok(Some(details)) = client.show(*channel) else { continue };
                state.push_str(&format!(" {}:{}", officer.number, details.next.0));
                if self.is_in(officer.number, *channel) {
                    places.insert(details.next);
                    waits |= details.queued > 0;
                    waits |= details.members.iter().any(|member| member.leaving);
                }
            }
            waits |= places.len() > 1;
        }
        (state, waits)
    }
}

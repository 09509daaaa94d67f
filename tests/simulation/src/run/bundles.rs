//! Versions of the network's bundle.

use std::collections::BTreeSet;

use enlace_identity::bundle::SignedBundle;

use super::nodes::Nodes;
use crate::facts::{DeviceId, Relay};
use crate::relay::RelayNode;
use crate::world::World;

/// A version after the first.
pub(super) struct Version {
    signed: SignedBundle,
    listed: Vec<usize>,
}

impl Nodes {
    /// The next version, which lists those authorities, comes to the relay of one of them, and to those
    /// whom the former one did not list: nobody else tells them.
    pub(super) fn rotate(&mut self, listed: &[usize], first: usize) {
        let world = World::get();
        let former = self.bundles.last();
        let signed = world.next_version(former.map_or(&world.signed, |it| &it.signed), listed);
        let told_by_hand: Vec<usize> = (0..self.relays.len())
            .filter(|relay| {
                let was_out = former.is_some_and(|former| !former.listed.contains(relay));
                *relay == first || was_out && listed.contains(relay)
            })
            .collect();
        self.bundles.push(Version { signed, listed: listed.to_vec() });
        let all: Vec<Vec<u8>> = self.bundles.iter().map(|it| it.signed.encode()).collect();
        for relay in told_by_hand {
            self.relays[relay].take_bundles(&all);
        }
        let dropped = self.dropped();
        self.journal.facts().once_dropped.extend(dropped);
    }

    /// Devices of authorities that the newest version does not list.
    pub(super) fn dropped(&self) -> BTreeSet<DeviceId> {
        let Some(newest) = self.bundles.last() else { return BTreeSet::new() };
        let out =
            self.officers.iter().filter(|officer| !newest.listed.contains(&officer.authority));
        out.map(|officer| officer.device()).collect()
    }

    /// Their relays.
    pub(super) fn dropped_relays(&self) -> BTreeSet<Relay> {
        let Some(newest) = self.bundles.last() else { return BTreeSet::new() };
        let out = self.relays.iter().filter(|relay| !newest.listed.contains(&relay.authority));
        out.map(RelayNode::name).collect()
    }

    /// The hash of the newest version.
    pub(super) fn newest_bundle(&self) -> String {
        let newest = self.bundles.last().map_or(&World::get().signed, |newest| &newest.signed);
        newest.hash().to_string()
    }
}

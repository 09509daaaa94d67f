//! Which authorities' relays have a copy of what stands somewhere in a log: those with a device on
//! the list there, and the hub's.

use std::collections::{BTreeMap, BTreeSet};

use enlace_channel::channel::Channel;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::Seq;

use super::EngineError;
use super::work::Work;

/// The authorities that had devices in a channel, by the commit from which on they did.
#[derive(Clone, Debug)]
pub(crate) struct Holders {
    hub: Domain,
    from: BTreeMap<Seq, BTreeSet<Domain>>,
}

impl Holders {
    /// Whose relays hold what stands at a position.
    pub(crate) fn at(&self, seq: Seq) -> BTreeSet<Domain> {
        let last = self.from.range(..=seq).next_back();
        let mut holders = last.map(|(_, domains)| domains.clone()).unwrap_or_default();
        holders.insert(self.hub.clone());
        holders
    }

    /// Whether an authority's relay holds what stands at a position.
    pub(crate) fn held(&self, authority: &Domain, seq: Seq) -> bool {
        let last = self.from.range(..=seq).next_back();
        *authority == self.hub || last.is_some_and(|(_, domains)| domains.contains(authority))
    }
}

impl Work<'_> {
    /// Back to `oldest`, as far as the own copy goes: along the commits that count.
    pub(crate) fn holders(&self, channel: &Channel, oldest: Seq) -> Result<Holders, EngineError> {
        let mut devices: BTreeSet<DeviceName> = channel.devices().iter().cloned().collect();
        let mut holders = Holders { hub: channel.hub(), from: BTreeMap::new() };
        let mut commit = channel.last_valid_commit();
        while let Some(seq) = commit {
            let domains = devices.iter().map(|device| device.domain().clone()).collect();
            holders.from.insert(seq, domains);
            let Some(row) = self.tx.item(channel.id(), seq)?.filter(|_| seq > oldest) else {
                break;
            };
            if let Some(change) = row.item.sealed.list_change() {
                devices.retain(|device| !change.added.contains(device));
                devices.extend(change.removed.iter().cloned());
            }
            let before = row.item.sealed.envelope().last_valid_commit;
            commit = before.filter(|before| *before < seq);
        }
        Ok(holders)
    }
}

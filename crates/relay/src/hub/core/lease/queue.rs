//! Who waits: bounded, so that a crowd costs no memory and keeps no other authority out.

use std::collections::BTreeMap;

use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::time::Timestamp;

use super::place::{Place, Rank};

/// Places in one channel.
pub(super) const PLACES: usize = 64;

/// Of them, one authority's.
pub(super) const PLACES_PER_AUTHORITY: usize = 16;

/// The places, in no order.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Vec<Place>);

impl Queue {
    pub(super) fn find(&self, device: &DeviceName) -> Option<&Place> {
        self.0.iter().find(|place| place.device() == device)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.0.iter()
    }

    pub(super) fn remove(&mut self, device: &DeviceName) {
        self.0.retain(|place| place.device() != device);
    }

    /// Forgets those who did not come back.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.0.retain(|place| place.is_kept(now));
    }

    pub(super) fn is_awaited(&self, now: Timestamp) -> bool {
        self.0.iter().any(|place| place.is_kept(now))
    }

    /// Keeps a place, new or changed; `ranks` are those of all places. Where there is no room, the
    /// last place of its authority, or else of the authority with most places, gives way to one
    /// that ranks before it or is of an authority with fewer; or the newcomer has none.
    pub(super) fn put(&mut self, place: Place, rank: &Rank, ranks: &[Rank]) {
        if let Some(known) = self.0.iter_mut().find(|known| known.device() == place.device()) {
            *known = place;
            return;
        }
        let mut counts: BTreeMap<&Domain, usize> = BTreeMap::new();
        for place in &self.0 {
            *counts.entry(place.authority()).or_default() += 1;
        }
        let own = counts.get(place.authority()).copied().unwrap_or_default();
        let most = counts.iter().max_by_key(|(_, count)| **count);
        let crowded = match most {
            _ if own >= PLACES_PER_AUTHORITY => Some((place.authority().clone(), own)),
            Some((authority, count)) if self.0.len() >= PLACES => {
                Some(((*authority).clone(), *count))
            }
            _ => None,
        };
        let Some((authority, count)) = crowded else {
            self.0.push(place);
            return;
        };
        let of_it =
            self.0.iter_mut().zip(ranks).filter(|(known, _)| *known.authority() == authority);
        let Some((last, its)) = of_it.max_by_key(|(_, rank)| **rank) else { return };
        if rank < its || own + 1 < count {
            *last = place;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

//! Handshakes and hellos in progress: how many there may be, and how they are shared out.
//!
//! Whoever stalls here holds a place for fifteen seconds, and needs no certificate for it. So when
//! places grow scarce, newcomers prove their address first (RFC 9000 §8.1.2), and no network has
//! more than its share. The places of devices without a certificate are counted likewise.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places at once.
pub(crate) const MAX: usize = 256;

/// Beyond this many, places are scarce.
const PLENTY: usize = MAX / 2;

/// The places of one network while they are scarce. A whole office may stand behind one address,
/// and needs a few round trips for each.
const SHARE: usize = MAX / 8;

/// Connections without a certificate at once, and those of one network.
const NEWCOMERS: usize = 32;
const NEWCOMERS_SHARE: usize = 8;

/// The places. Clones are handles to the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Handshakes {
    max: usize,
    plenty: usize,
    share: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By networks whose addresses were proven: others could be anybody's.
    proven: HashMap<IpAddr, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    handshakes: Handshakes,
    network: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoPlace {
    /// The newcomer must prove its address first.
    Prove,
    /// All places, or all of its network's, are taken.
    Full,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self { max: MAX, plenty: PLENTY, share: SHARE, taken: Arc::default() }
    }
}

impl Handshakes {
    /// The places of those who have no certificate; they are always scarce.
    pub(crate) fn of_newcomers() -> Self {
        Self { max: NEWCOMERS, plenty: 0, share: NEWCOMERS_SHARE, taken: Arc::default() }
    }

    /// Takes a place.
    pub(crate) fn take(&self, address: SocketAddr, is_proven: bool) -> Result<Place, NoPlace> {
        let mut taken = self.lock();
        let scarce = taken.all >= self.plenty;
        if taken.all >= self.max {
            return Err(NoPlace::Full);
        }
        if scarce && !is_proven {
            return Err(NoPlace::Prove);
        }
        let network = is_proven.then(|| network_of(address.ip()));
        if let Some(network) = network {
            let own = taken.proven.entry(network).or_default();
            if scarce && *own >= self.share {
                return Err(NoPlace::Full);
            }
            *own += 1;
        }
        taken.all += 1;
        Ok(Place { handshakes: self.clone(), network })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.handshakes.lock();
        taken.all = taken.all.saturating_sub(1);
        let Some(network) = self.network else { return };
        if let Some(own) = taken.proven.get_mut(&network) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.proven.remove(&network);
            }
        }
    }
}

/// An IPv4 address, or the 64 bits that an IPv6 subscriber has to itself.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(ip: &str) -> SocketAddr {
        (ip.parse::<IpAddr>().unwrap(), 1).into()
    }

    #[test]
    fn a_network_that_stalls_leaves_places_for_others() {
        let handshakes = Handshakes::default();
        let mut held = Vec::new();
        for port in 0..2 * MAX {
            let spoofed = SocketAddr::new("192.0.2.7".parse().unwrap(), port as u16);
            match handshakes.take(spoofed, false) {
                Ok(place) => held.push(place),
                Err(no_place) => assert_eq!(no_place, NoPlace::Prove),
            }
            held.extend(handshakes.take(from("192.0.2.7"), true).ok());
        }
        assert!(held.len() < MAX);
        assert_eq!(handshakes.take(from("192.0.2.7"), true).unwrap_err(), NoPlace::Full);
        assert!(handshakes.take(from("198.51.100.1"), true).is_ok());
    }

    #[test]
    fn places_come_back_and_nothing_is_kept_of_who_had_them() {
        let handshakes = Handshakes::default();
        let held: Vec<_> = (0..MAX)
            .map(|n| handshakes.take(from(&format!("10.0.{n}.1")), true).unwrap())
            .collect();
        assert_eq!(handshakes.take(from("198.51.100.1"), true).unwrap_err(), NoPlace::Full);
        drop(held);
        assert!(handshakes.lock().proven.is_empty() && handshakes.lock().all == 0);
    }

    #[test]
    fn newcomers_of_one_network_leave_places_for_those_of_others() {
        let newcomers = Handshakes::of_newcomers();
        let held: Vec<_> =
            (0..NEWCOMERS).map_while(|_| newcomers.take(from("192.0.2.7"), true).ok()).collect();
        assert_eq!(held.len(), NEWCOMERS_SHARE);
        assert!(newcomers.take(from("198.51.100.1"), true).is_ok());
    }

    #[test]
    fn networks_are_addresses_or_half_of_them() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::a"), network("2001:db8:1:2:ffff::b"));
        assert_ne!(network("2001:db8:1:2::a"), network("2001:db8:1:3::a"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}

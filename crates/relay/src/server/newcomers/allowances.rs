//! How often a network may call without a certificate, and how often an invitation may be used.
//!
//! An invitation is counted only once a proof fits: nobody uses up another's.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use enlace_identity::keys::PublicKey;
use tokio::time::Instant;

use crate::server::bucket::Bucket;

/// Calls of one network at once, and per second on the average. A whole office may stand behind one
/// address.
const NETWORK_BURST: u64 = 64;
const NETWORK_PER_SECOND: u64 = 1;

/// Calls with one invitation at once, and per minute on the average.
const INVITATION_BURST: u64 = 16;
const INVITATION_PER_MINUTE: u64 = 6;

/// Entries of each kind. When all of them are in use, others wait.
const MAX: usize = 4096;

/// The allowances.
#[derive(Debug, Default)]
pub(crate) struct NewcomerAllowances {
    networks: Mutex<Table<IpAddr>>,
    invitations: Mutex<Table<PublicKey>>,
}

#[derive(Debug)]
struct Table<K>(HashMap<K, Bucket>);

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl NewcomerAllowances {
    /// Counts a call of a network, or says when to ask again.
    pub(crate) fn take_network(&self, network: IpAddr, now: Instant) -> Result<(), Duration> {
        let full = || Bucket::new(NETWORK_BURST, NETWORK_PER_SECOND, Duration::from_secs(1), now);
        let mut table = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        table.take(network, now, full)
    }

    /// Counts a use of an invitation, or says when to ask again.
    pub(crate) fn take_invitation(&self, id: &PublicKey, now: Instant) -> Result<(), Duration> {
        let minute = Duration::from_secs(60);
        let full = || Bucket::new(INVITATION_BURST, INVITATION_PER_MINUTE, minute, now);
        let mut table = self.invitations.lock().unwrap_or_else(PoisonError::into_inner);
        table.take(*id, now, full)
    }
}

impl<K: Eq + Hash> Table<K> {
    fn take(
        &mut self,
        key: K,
        now: Instant,
        full: impl FnOnce() -> Bucket,
    ) -> Result<(), Duration> {
        if self.0.len() >= MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, bucket| !bucket.is_full(now));
            if self.0.len() >= MAX {
                return Err(Duration::from_secs(1));
            }
        }
        self.0.entry(key).or_insert_with(full).take(1, now)
    }
}

#[cfg(test)]
mod tests {
    use enlace_identity::keys::SigningKey;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn network(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(number).into()
    }

    #[test]
    fn one_networks_calls_are_not_anothers() {
        let (allowances, now) = (NewcomerAllowances::default(), Instant::now());
        for _ in 0..NETWORK_BURST {
            allowances.take_network(network(1), now).unwrap();
        }
        assert_eq!(allowances.take_network(network(1), now), Err(SECOND));
        allowances.take_network(network(2), now).unwrap();
        allowances.take_network(network(1), now + SECOND).unwrap();
    }

    #[test]
    fn one_invitations_uses_are_not_anothers() {
        let (allowances, now) = (NewcomerAllowances::default(), Instant::now());
        let (one, other) = (SigningKey::generate().public(), SigningKey::generate().public());
        for _ in 0..INVITATION_BURST {
            allowances.take_invitation(&one, now).unwrap();
        }
        assert_eq!(allowances.take_invitation(&one, now), Err(10 * SECOND));
        allowances.take_invitation(&other, now).unwrap();
    }

    #[test]
    fn memory_is_bounded_whoever_calls() {
        let (allowances, now) = (NewcomerAllowances::default(), Instant::now());
        let max = u32::try_from(MAX).unwrap();
        for number in 0..max {
            allowances.take_network(network(number), now).unwrap();
        }
        assert!(allowances.take_network(network(max), now).is_err());
        assert!(allowances.take_network(network(0), now).is_ok(), "who is known goes on");
        assert!(allowances.take_network(network(max), now + 3 * SECOND).is_ok());
        assert!(allowances.networks.lock().unwrap().0.len() < 10, "full ones are forgotten");
    }
}

//! What each peer may still use: calls, bytes and, of an authority, claims.
//!
//! An allowance outlives the connection, so that reconnecting wins nothing; it is forgotten once
//! it is full again, so that memory follows those who are active.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use enlace_identity::chain::LeafUsage;
use enlace_identity::names::{Domain, LeafName};
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::config::{Limits, Rate};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Entries from which on full ones are looked for and dropped.
const SWEEP_FROM: usize = 1024;

/// The allowances of all peers.
#[derive(Debug)]
pub(crate) struct Allowances {
    requests: Rate,
    bytes: Rate,
    relay_factor: u32,
    claims_per_hour: u32,
    tables: Mutex<Tables>,
}

#[derive(Debug)]
struct Tables {
    peers: HashMap<LeafName, Peer>,
    claims: HashMap<Domain, Bucket>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Peer {
    requests: Bucket,
    bytes: Bucket,
}

impl Allowances {
    /// Everybody's allowance is full.
    pub(crate) fn new(limits: &Limits) -> Self {
        let tables = Tables { peers: HashMap::new(), claims: HashMap::new(), sweep_at: SWEEP_FROM };
        Self {
            requests: limits.requests,
            bytes: limits.bytes,
            relay_factor: limits.relay_factor,
            claims_per_hour: limits.claims_per_hour,
            tables: Mutex::new(tables),
        }
    }

    /// Takes `count` calls with requests of `bytes` in all, or says when to ask again.
    pub(crate) fn take_calls(
        &self,
        peer: &LeafName,
        usage: LeafUsage,
        count: u64,
        bytes: usize,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.sweep(now);
        let peer = match tables.peers.get_mut(peer) {
            Some(peer) => peer,
            None => tables.peers.entry(peer.clone()).or_insert_with(|| self.full(usage, now)),
        };
        peer.requests.take(count, now)?;
        peer.bytes.take(bytes as u64, now).inspect_err(|_| peer.requests.give_back(count))
    }

    /// Takes `count` key packages for an authority, or says when to ask again.
    pub(crate) fn take_claims(
        &self,
        authority: &Domain,
        count: usize,
        now: Instant,
    ) -> Result<(), Duration> {
        let per_hour = u64::from(self.claims_per_hour);
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = match tables.claims.get_mut(authority) {
            Some(bucket) => bucket,
            None => tables
                .claims
                .entry(authority.clone())
                .or_insert_with(|| Bucket::new(per_hour, per_hour, HOUR, now)),
        };
        bucket.take(count as u64, now)
    }

    fn full(&self, usage: LeafUsage, now: Instant) -> Peer {
        let factor = if usage == LeafUsage::Relay { self.relay_factor } else { 1 };
        let bucket = |rate: Rate| {
            let rate = rate.times(factor);
            Bucket::new(rate.burst, rate.per_second, SECOND, now)
        };
        Peer { requests: bucket(self.requests), bytes: bucket(self.bytes) }
    }
}

impl Tables {
    fn sweep(&mut self, now: Instant) {
        if self.peers.len() < self.sweep_at {
            return;
        }
        self.peers.retain(|_, peer| !(peer.requests.is_full(now) && peer.bytes.is_full(now)));
        self.sweep_at = (self.peers.len() * 2).max(SWEEP_FROM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LimitsSection;

    fn allowances() -> Allowances {
        let section = LimitsSection {
            requests_per_second: 1,
            request_burst: 2,
            claims_per_authority_and_hour: 3,
            ..LimitsSection::default()
        };
        Allowances::new(&Limits::try_from(&section).unwrap())
    }

    #[test]
    fn one_peers_use_is_not_anothers() {
        let allowances = allowances();
        let now = Instant::now();
        let one: LeafName = "laptop.ana.officer.a.example".parse().unwrap();
        let other: LeafName = "laptop.ben.officer.a.example".parse().unwrap();
        for _ in 0..2 {
            allowances.take_calls(&one, LeafUsage::Device, 1, 10, now).unwrap();
        }
        let refused = allowances.take_calls(&one, LeafUsage::Device, 1, 10, now);
        assert_eq!(refused, Err(SECOND));
        allowances.take_calls(&other, LeafUsage::Device, 1, 10, now).unwrap();
    }

    #[test]
    fn a_relay_may_do_more() {
        let allowances = allowances();
        let now = Instant::now();
        let relay: LeafName = "r1.relay.b.example".parse().unwrap();
        for _ in 0..200 {
            allowances.take_calls(&relay, LeafUsage::Relay, 1, 10, now).unwrap();
        }
        assert!(allowances.take_calls(&relay, LeafUsage::Relay, 1, 10, now).is_err());
    }

    #[test]
    fn claims_are_counted_by_authority() {
        let allowances = allowances();
        let now = Instant::now();
        let (a, b) = ("a.example".parse().unwrap(), "b.example".parse().unwrap());
        allowances.take_claims(&a, 3, now).unwrap();
        assert!(allowances.take_claims(&a, 1, now).is_err());
        allowances.take_claims(&b, 1, now).unwrap();
        allowances.take_claims(&a, 1, now + HOUR / 3).unwrap();
    }

    #[test]
    fn memory_follows_those_who_are_active() {
        let allowances = allowances();
        let now = Instant::now();
        for number in 0..3 * SWEEP_FROM {
            let name = format!("d.n{number}.officer.a.example").parse().unwrap();
            let at = now + SECOND * u32::try_from(number).unwrap();
            allowances.take_calls(&name, LeafUsage::Device, 1, 10, at).unwrap();
        }
        assert!(allowances.tables.lock().unwrap().peers.len() <= SWEEP_FROM);
    }
}

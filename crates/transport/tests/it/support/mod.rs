//! A small network to test with: authorities, relays, devices, and a clock that tests move.

mod authority;
mod raw;
mod relay;
mod simulated;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::{Timestamp, Validity};
use enlace_transport::{Clock, Trust};

pub(crate) use self::authority::{Authority, Credential};
pub(crate) use self::raw::{Groups, RawClient, exchange, hello};
pub(crate) use self::relay::{Device, Relay, loopback, serve};
pub(crate) use self::simulated::{Network, Sent};

/// Long enough for a loaded machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Waits for an event, but not for ever.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.expect("the event comes in time")
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(START.as_millis())))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// The bundle of these authorities.
pub(crate) fn bundle(authorities: &[&Authority]) -> Bundle {
    let mut signed = SignedBundle::create(content(authorities)).unwrap();
    for authority in authorities {
        signed.sign(&authority.domain, &authority.root_key).unwrap();
    }
    signed.open(&signed.hash()).unwrap()
}

/// The version after the one in force, signed by `signers`.
pub(crate) fn next_bundle(
    trust: &Trust,
    authorities: &[&Authority],
    signers: &[&Authority],
) -> Vec<u8> {
    let present = trust.bundle();
    let (version, previous) = (present.version() + 1, Some(present.hash()));
    let next = BundleContent { version, previous, ..content(authorities) };
    let mut signed = SignedBundle::create(next).unwrap();
    for signer in signers {
        signed.sign_after(&present, &signer.domain, &signer.root_key).unwrap();
    }
    signed.encode()
}

fn content(authorities: &[&Authority]) -> BundleContent {
    BundleContent {
        network: "test".to_owned(),
        version: 1,
        previous: None,
        threshold: 1,
        validity: Validity::starting(START.minus(DAY), 365 * DAY),
        authorities: authorities
            .iter()
            .map(|authority| AuthorityContent {
                domain: authority.domain.clone(),
                country: "XX".to_owned(),
                name: authority.domain.as_str().to_owned(),
                roots: vec![authority.root.certificate().clone()],
            })
            .collect(),
        former: Vec::new(),
    }
}

/// Trusts `authorities`, and knows the revocation lists of `known`.
pub(crate) fn trust(
    authorities: &[&Authority],
    known: &[&Authority],
    clock: &Arc<TestClock>,
) -> Trust {
    let trust = Trust::new(bundle(authorities), RevocationLists::new(), clock.clone());
    for authority in known {
        for list in authority.lists(1, &[]) {
            trust.insert_crl(&list).unwrap();
        }
    }
    trust
}

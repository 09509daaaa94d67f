//! A small network to test with: authorities, relays of the real kind, and devices that speak the
//! protocol without knowing MLS.

mod authority;
mod channel;
mod device;
mod lying_hub;
mod relay;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::{Timestamp, Validity};
use enlace_transport::{Clock, SystemClock, Trust};

pub(crate) use self::authority::{Authority, Credential};
pub(crate) use self::channel::{TestChannel, wire_id};
pub(crate) use self::device::{Device, Reading, call};
pub(crate) use self::lying_hub::{Following, LyingHub};
pub(crate) use self::relay::{Relay, RelayPlace};

/// Long enough for a loaded machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The present, so that a relay in a process of its own agrees; certificates count whole seconds.
pub(crate) static START: LazyLock<Timestamp> =
    LazyLock::new(|| Timestamp::from_secs(SystemClock.now().as_secs()));

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

    pub(crate) fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Authorities that agreed to work together.
pub(crate) struct Network {
    pub(crate) authorities: Arc<Vec<Authority>>,
    pub(crate) signed: SignedBundle,
    pub(crate) clock: Arc<TestClock>,
}

impl Network {
    pub(crate) fn new(domains: &[&str]) -> Self {
        Self::of_first(domains, domains.len())
    }

    /// Authorities of which the bundle lists only the first.
    pub(crate) fn of_first(domains: &[&str], count: usize) -> Self {
        let authorities: Vec<Authority> = domains.iter().map(|d| Authority::new(d)).collect();
        let content = BundleContent {
            network: "test".to_owned(),
            version: 1,
            previous: None,
            threshold: 1,
            validity: Validity::starting(START.minus(DAY), 365 * DAY),
            authorities: authorities[..count].iter().map(Self::entry).collect(),
            former: Vec::new(),
        };
        let mut signed = SignedBundle::create(content).unwrap();
        for authority in &authorities[..count] {
            signed.sign(&authority.domain, &authority.root_key).unwrap();
        }
        Self { authorities: Arc::new(authorities), signed, clock: TestClock::new() }
    }

    /// What a bundle says of an authority.
    pub(crate) fn entry(authority: &Authority) -> AuthorityContent {
        AuthorityContent {
            domain: authority.domain.clone(),
            country: "XX".to_owned(),
            name: authority.domain.as_str().to_owned(),
            roots: vec![authority.root.certificate().clone()],
        }
    }

    /// The same authorities with another bundle.
    pub(crate) fn with(&self, signed: SignedBundle) -> Self {
        Self { authorities: self.authorities.clone(), signed, clock: self.clock.clone() }
    }

    pub(crate) fn bundle(&self) -> Bundle {
        self.signed.open(&self.signed.hash()).unwrap()
    }

    /// Trusts the network, and knows the first revocation lists of one authority.
    pub(crate) fn trust(&self, of: &Authority) -> Trust {
        let trust = Trust::new(self.bundle(), RevocationLists::new(), self.clock.clone());
        for list in of.lists(1, &[]) {
            trust.insert_crl(&list).unwrap();
        }
        trust
    }
}

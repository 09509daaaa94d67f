//! Authorities that agreed to work together.

use std::sync::{Arc, LazyLock};

use enlace_identity::bundle::{AuthorityContent, Bundle, BundleContent, SignedBundle};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::{Timestamp, Validity};
use enlace_transport::{Clock, SystemClock, Trust};

use crate::{Authority, DAY};

/// The present; certificates count whole seconds.
pub static START: LazyLock<Timestamp> =
    LazyLock::new(|| Timestamp::from_secs(SystemClock.now().as_secs()));

/// A network with its bundle.
pub struct Network {
    /// Its authorities.
    pub authorities: Vec<Authority>,
    /// The bundle, signed by all.
    pub signed: SignedBundle,
}

impl Network {
    /// Founds authorities with these domains, and their network.
    #[must_use]
    pub fn new(domains: &[&str]) -> Self {
        let authorities: Vec<Authority> = domains.iter().map(|d| Authority::new(d)).collect();
        let content = BundleContent {
            network: "Red de prueba".to_owned(),
            version: 1,
            previous: None,
            threshold: 1,
            validity: Validity::starting(START.minus(DAY), 365 * DAY),
            authorities: authorities
                .iter()
                .map(|authority| AuthorityContent {
                    domain: authority.domain.clone(),
                    country: "XX".to_owned(),
                    name: authority.domain.to_string(),
                    roots: vec![authority.root.certificate().clone()],
                })
                .collect(),
            former: Vec::new(),
        };
        let mut signed = SignedBundle::create(content).unwrap();
        for authority in &authorities {
            signed.sign(&authority.domain, &authority.root_key).unwrap();
        }
        Self { authorities, signed }
    }

    /// The bundle, opened.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        self.signed.open(&self.signed.hash()).unwrap()
    }

    /// Trusts the network, and knows the first revocation lists of one authority.
    #[must_use]
    pub fn trust(&self, of: &Authority) -> Trust {
        self.trust_at(of, Arc::new(SystemClock))
    }

    /// The same, by another clock.
    #[must_use]
    pub fn trust_at(&self, of: &Authority, clock: Arc<dyn Clock>) -> Trust {
        let trust = Trust::new(self.bundle(), RevocationLists::new(), clock);
        for list in of.lists(1, &[]) {
            trust.insert_crl(&list).unwrap();
        }
        trust
    }
}

//! What a relay keeps over a restart: the means to tell peers of its former life that it has
//! forgotten them (stateless reset, RFC 9000 §10.3). They connect again at once instead of waiting
//! for the idle time-out.
//!
//! Reset tokens and connection ids depend on one secret, derived from the relay's key. Devices have
//! fresh ones in each run: an observer could otherwise tell by them which connections are one
//! device's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use enlace_identity::entropy::Entropy;
use enlace_identity::keys::SigningKey;
use quinn::EndpointConfig;
use quinn_proto::HashedConnectionIdGenerator;

const TOKENS: &[u8] = b"enlace stateless reset v1";
const IDS: &[u8] = b"enlace connection ids v1";

/// At most one reset in this time: thousands of peers want one after a restart, and a flood of
/// forged packets must not get as many answers.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// What outlives a restart. Never shown.
#[derive(Clone)]
pub(crate) struct ResetKey {
    tokens: Arc<hmac::Key>,
    ids: u64,
}

impl ResetKey {
    pub(crate) fn derive(key: &SigningKey) -> Self {
        let seed = hmac::Key::new(hmac::HMAC_SHA256, key.to_seed().as_ref());
        let tokens = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&seed, TOKENS).as_ref());
        let mut ids = [0; 8];
        ids.copy_from_slice(&hmac::sign(&seed, IDS).as_ref()[..8]);
        Self { tokens: Arc::new(tokens), ids: u64::from_be_bytes(ids) }
    }

    /// An endpoint's configuration whose tokens and ids come out the same after a restart.
    pub(crate) fn endpoint_config(&self, entropy: &Entropy) -> EndpointConfig {
        let ids = self.ids;
        let mut config = EndpointConfig::new(self.tokens.clone());
        config
            .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)))
            .min_reset_interval(MIN_INTERVAL)
            .rng_seed(Some(entropy.bytes()));
        config
    }
}

impl fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetKey(…)")
    }
}

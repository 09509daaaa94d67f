//! Watches over one connection for as long as it lives, and cuts it when the peer's certificate
//! no longer holds: revoked, expired, or without a current revocation list.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::bundle::{Bundle, BundleHash};
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::time::Timestamp;
use tokio::task::AbortHandle;

use crate::trust::Trust;
use crate::untrusted::Untrusted;
use crate::watch;

/// The longest time between two looks: lists grow stale and clocks are set without an event.
const LONGEST: Duration = Duration::from_secs(60);

/// The task's handle; the task ends with it.
#[derive(Debug)]
pub(crate) struct Guard(AbortHandle);

impl Guard {
    /// Watches on from `before`, which `peer` was verified after.
    pub(crate) fn spawn(before: Before, quic: quinn::Connection, peer: VerifiedLeaf) -> Self {
        Self(tokio::spawn(watch_over(before, quic, peer)).abort_handle())
    }
}

/// The state of trust before a peer is checked, so that no change falls between check and watch.
pub(crate) struct Before {
    trust: Trust,
    changes: watch::Receiver<u64>,
    bundle: Arc<Bundle>,
    now: Timestamp,
}

impl Before {
    pub(crate) fn note(trust: &Trust) -> Self {
        let changes = trust.changes();
        Self { trust: trust.clone(), changes, bundle: trust.bundle(), now: trust.now() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch_over(before: Before, quic: quinn::Connection, peer: VerifiedLeaf) {
    let Before { trust, mut changes, bundle, now } = before;
    let mut chain = ChainCheck::of(&bundle, now, &peer);
    drop(bundle);
    loop {
        let pause = chain.until.since(trust.now()).clamp(Duration::from_millis(1), LONGEST);
        tokio::select! {
            biased;
            _ = quic.closed() => return,
            _ = changes.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
        if let Err(untrusted) = recheck(&trust, &peer, &mut chain) {
            let code = untrusted.close_code();
            tracing::info!(peer = peer.name().as_str(), %untrusted, ?code, "cutting the connection");
            code.close(&quic);
            return;
        }
    }
}

/// Ten thousand connections look at once when a list comes: signatures are verified again only
/// where their outcome could differ.
fn recheck(trust: &Trust, peer: &VerifiedLeaf, chain: &mut ChainCheck) -> Result<(), Untrusted> {
    if chain.still_answers(trust) {
        return trust.check_revocation(peer);
    }
    *chain = ChainCheck::of(&trust.bundle(), trust.now(), peer);
    trust.recheck(peer)
}

/// What the verification of a chain was based on, noted before it, and until when it answers.
struct ChainCheck {
    bundle: BundleHash,
    from: Timestamp,
    until: Timestamp,
}

impl ChainCheck {
    fn of(bundle: &Bundle, now: Timestamp, peer: &VerifiedLeaf) -> Self {
        let roots = bundle.root_validities_of(peer.name().domain());
        let root_ends = roots.map(|root| root.not_after);
        let until = root_ends
            .filter(|end| *end > now)
            .chain([peer.not_after(), peer.issuing_validity().not_after])
            .min()
            .unwrap_or(now);
        Self { bundle: bundle.hash(), from: now, until }
    }

    fn still_answers(&self, trust: &Trust) -> bool {
        let now = trust.now();
        self.from <= now && now < self.until && self.bundle == trust.bundle().hash()
    }
}

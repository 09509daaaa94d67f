//! Watches over one connection for as long as it lives, and cuts it when the peer's certificate
//! no longer holds: revoked, expired, or without a current revocation list.

use std::time::Duration;

use enlace_identity::chain::VerifiedLeaf;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::trust::Trust;

/// The longest time between two looks: lists grow stale and clocks are set without an event.
const LONGEST: Duration = Duration::from_secs(60);

/// The task's handle; the task ends with it.
#[derive(Debug)]
pub(crate) struct Guard(AbortHandle);

impl Guard {
    /// Begins to watch. `changes` must have been subscribed to before `peer` was checked, so that
    /// no change falls between.
    pub(crate) fn spawn(
        trust: Trust,
        changes: watch::Receiver<u64>,
        quic: quinn::Connection,
        peer: VerifiedLeaf,
    ) -> Self {
        Self(tokio::spawn(watch_over(trust, changes, quic, peer)).abort_handle())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch_over(
    trust: Trust,
    mut changes: watch::Receiver<u64>,
    quic: quinn::Connection,
    peer: VerifiedLeaf,
) {
    loop {
        let until_expiry = peer.not_after().since(trust.now());
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(until_expiry.clamp(Duration::from_millis(1), LONGEST)) => {}
            _ = quic.closed() => return,
        }
        if let Err(untrusted) = trust.recheck(&peer) {
            let code = untrusted.close_code();
            tracing::info!(peer = peer.name().as_str(), %untrusted, ?code, "cutting the connection");
            code.close(&quic);
            return;
        }
    }
}

//! What the relay trusts, kept in its store: bundles and revocation lists.

use std::sync::Arc;
use std::time::Duration;

use super::Context;

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Stores what changes, for as long as the relay runs. Others hear of the own authority's lists once
/// these are stored, so a failure, which was logged, must not last until the next change.
pub(super) async fn keep(context: Arc<Context>) {
    let mut changes = context.trust().changes();
    loop {
        changes.mark_unchanged();
        let bundles = context.bundles.store_news(&context).await;
        let crls = context.crls.store_news(&context).await;
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            () = tokio::time::sleep(AGAIN), if bundles.is_err() || crls.is_err() => {}
        }
    }
}

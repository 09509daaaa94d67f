//! Notes in the store that the relay runs, so that the next start knows how old the store is.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::Context;
use crate::storage::SideWrite;

/// How often. A store that was last in use much longer ago is taken for one of another time.
const PERIOD: Duration = Duration::from_secs(60);

/// Notes it for as long as the relay runs.
pub(super) async fn keep(context: Arc<Context>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        let (at, boot) = (context.trust().now(), context.boot.clone());
        let seen = SideWrite::Seen { at, boot, stopped: false };
        if let Err(error) = context.hub().store(vec![seen]).await {
            warn!(%error, "the store does not say that the relay runs");
        }
    }
}

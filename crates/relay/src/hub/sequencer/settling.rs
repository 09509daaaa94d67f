//! What a hub finds when it starts: whether its store is the newest there ever was.

use std::collections::BTreeSet;

use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;

use super::options::HubOptions;
use crate::hub::core::{Settling, Start};
use crate::storage::{Doubts, ReadStorage, Role, SideWrite, Storage, StorageError, WriteBatch};

/// Channels read at a time.
const PAGE: usize = 256;

/// Judges the store, and notes that it is in use.
pub(super) fn begin(
    storage: &mut dyn Storage,
    options: &HubOptions,
) -> Result<Settling, StorageError> {
    let now = (options.now)();
    let last = storage.reader()?.last_run()?;
    let start = Start::of(&last, now, options.boot.as_deref());
    let head_key = &options.head_key;
    let mut side = vec![SideWrite::HeadCertificate {
        signer: head_key.signer(),
        certificates: head_key.certificates().to_vec(),
    }];
    let mut doubts = last.doubts;
    if start != Start::Sure {
        tracing::warn!(?start, "this may not be the newest state of the store: others are asked");
        doubts = Doubts(doubts.0 + 1);
        side.extend([SideWrite::Doubt, SideWrite::ForgetKeyPackages]);
    }
    side.push(seen(options, now, false));
    storage.commit(&WriteBatch { side, ..WriteBatch::default() })?;
    let unsettled = unsettled(&mut *storage.reader()?, doubts)?;
    Ok(Settling::new(doubts, start, now, unsettled))
}

/// That the relay runs, or stops.
pub(super) fn seen(options: &HubOptions, at: Timestamp, stopped: bool) -> SideWrite {
    SideWrite::Seen { at, boot: options.boot.clone(), stopped }
}

fn unsettled(
    storage: &mut dyn ReadStorage,
    doubts: Doubts,
) -> Result<BTreeSet<ChannelId>, StorageError> {
    let mut unsettled = BTreeSet::new();
    if doubts == Doubts::default() {
        return Ok(unsettled);
    }
    let mut after = None;
    loop {
        let page = storage.channels(after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(unsettled) };
        after = Some(last.channel);
        let here = page.iter().filter(|record| record.role == Role::Hub);
        unsettled.extend(here.filter(|r| r.settled < doubts).map(|record| record.channel));
    }
}

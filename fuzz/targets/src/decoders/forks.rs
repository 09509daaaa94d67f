//! Fork proofs: what anybody may show of one hub that is honest never makes one.
//!
//! Input: an answer of `FetchRange`, whose items and head are held against the hub's own.

use enlace_log::{ChainHash, ForkProof, Item};
use enlace_proto::relay::v1 as wire;

use super::heads;
use crate::check::message;
use crate::scene::{Log, network};
use crate::{Outcome, check};

/// Tries to make a proof of items that the input holds.
pub fn run(data: &[u8]) -> Outcome {
    let range = message::<wire::FetchRangeResponse>(data);
    let read = range.and_then(|range| accuse(&range));
    check::outcome(&read)
}

fn accuse(range: &wire::FetchRangeResponse) -> Option<()> {
    let log = Log::shared();
    let claimed = heads::from_wire(range.head.as_ref()?)?;
    let claimed = claimed.verify(&network().a.head_key().public()).ok();
    let chain = range.items.first().and_then(|item| ChainHash::try_from(&item.chain[..]).ok());
    let items = range.items.iter().cloned();
    let items = items.map(|item| Item::from_wire(Log::channel(), item).ok());
    let items = items.collect::<Option<Vec<_>>>()?;
    let heads = || log.heads.iter().chain(&claimed);
    for earlier in heads() {
        for later in heads() {
            let two = ForkProof::at_one_position(earlier.clone(), later.clone());
            assert_eq!(two, None, "two heads of one history were taken for a fork");
            let Some(chain) = chain else { continue };
            let proof = ForkProof::by_items(earlier.clone(), later.clone(), chain, &items);
            assert_eq!(proof, None, "items accuse a hub that signed one history");
        }
    }
    Some(())
}

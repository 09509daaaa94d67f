//! Invariant 2, of who orders: every relay that keeps a channel's log goes by one hub, which goes by
//! itself.

use std::collections::BTreeSet;

use super::{Findings, Membership};
use crate::facts::Facts;

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (channel, orders) in &facts.ordered_by {
        if facts.is_forked(channel) {
            continue;
        }
        // Whoever has nobody in there any more hears of nothing.
        let has_members = |relay: &String| {
            facts.honest().any(|(device, shown)| {
                shown.relay == *relay
                    && membership.includes_now(channel, device)
                    && !facts.is_cut_off(device)
                    && facts.is_served(device)
            })
        };
        let concerned = orders.iter().filter(|(relay, _)| has_members(relay));
        let hubs: BTreeSet<_> = concerned.map(|(_, hub)| hub).collect();
        if hubs.len() > 1 {
            found.add(2, format!("relays go by different hubs of {channel}: {orders:?}"));
        }
        for hub in hubs {
            if orders.get(hub).is_some_and(|own| own != hub) {
                found.add(2, format!("{hub} is to order {channel}, and does not: {orders:?}"));
            }
        }
    }
}

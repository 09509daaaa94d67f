//! Invariant 2, of who orders: every relay that keeps a channel's log goes by one hub, which goes by
//! itself. And invariant 5: votes that don't count move nothing.

use std::collections::BTreeSet;

use super::{Findings, Membership};
use crate::facts::{Channel, Facts, Place, Relay};

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (_, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            for (place, to) in &view.moves {
                was_wanted(facts, membership, channel, (*place, to), found);
            }
        }
    }
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

/// On devices of more than half of the authorities that had some there.
fn was_wanted(
    facts: &Facts,
    membership: &Membership,
    channel: &Channel,
    (place, to): (Place, &Relay),
    found: &mut Findings,
) {
    let devices = facts.devices.iter();
    let there = devices.filter(|(device, _)| membership.includes(channel, device, place));
    let present: BTreeSet<&Relay> = there.map(|(_, shown)| &shown.relay).collect();
    let votes = facts.hub_votes.iter().filter(|(of, _, hub)| of == channel && hub == to);
    let voters = votes.filter_map(|(_, device, _)| facts.devices.get(device));
    let voting: BTreeSet<&Relay> =
        voters.map(|shown| &shown.relay).filter(|relay| present.contains(relay)).collect();
    if 2 * voting.len() <= present.len() {
        found.add(
            5,
            format!("{channel} goes on at {to} from {place}, wanted by {voting:?} of {present:?}"),
        );
    }
}

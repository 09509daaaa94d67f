//! Invariants 0, 5 and 7 of suspensions: nobody goes by one that was never made; whoever went by one is in
//! again when it is over, as what the officer was before; unless the officer was removed by hand since, or
//! the whole authority is out.

use std::collections::BTreeMap;

use super::membership::{Changes, officer_of};
use super::restored::lost_something;
use super::roles::is_of;
use super::{Findings, Membership};
use crate::facts::{Asked, Change, Channel, DeviceId, Facts, Place, Standing, Wish};

const OWNER: &str = "owner";
const LEAD: &str = "lead";

type Roles = BTreeMap<String, String>;

/// Devices that a suspension took out, with the role that the officer had.
type Away = BTreeMap<DeviceId, Option<String>>;

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (channel, changes) in membership.changes() {
        let away = replay(facts, channel, changes, found);
        if !lost_something(facts, channel) && is_open_for_somebody(facts, channel, changes) {
            are_back(facts, channel, &away, found);
        }
    }
}

/// Who is away in the end.
fn replay(facts: &Facts, channel: &Channel, changes: &Changes, found: &mut Findings) -> Away {
    let mut roles = Roles::new();
    if let Some(opener) = facts.openers.get(channel) {
        roles.insert(opener.clone(), OWNER.to_owned());
    }
    let mut away = Away::new();
    for (place, changes) in changes {
        let before = roles.clone();
        for change in changes {
            match change {
                Change::Role(officer, Some(role)) => {
                    _ = roles.insert(officer.clone(), role.clone())
                }
                Change::Role(officer, None) => _ = roles.remove(officer),
                Change::Expelled(authority) => roles.retain(|o, _| !is_of(o, authority)),
                _ => {}
            }
        }
        for change in changes {
            match change {
                Change::Suspended(device) => {
                    if !facts.once_suspended.contains(device) {
                        let what = format!(
                            "{device} goes at {place} of {channel} for a suspension that nobody made"
                        );
                        found.add(5, what);
                    }
                    let role = officer_of(facts, device).and_then(|officer| before.get(officer));
                    away.insert(device.clone(), role.cloned());
                }
                Change::Returned(device) => {
                    let was = away.remove(device);
                    let role = officer_of(facts, device).and_then(|officer| roles.get(officer));
                    let former = officer_of(facts, device).and_then(|officer| before.get(officer));
                    if !was.is_some_and(|was| comes_back_as(former.or(was.as_ref()), role)) {
                        let what =
                            format!("{device} comes back at {place} of {channel} as {role:?}");
                        found.add(5, what);
                    }
                }
                Change::Admitted(device) => _ = away.remove(device),
                _ => {}
            }
        }
        forget(facts, &mut away, changes, &before, &roles);
    }
    away
}

/// The same, but for owners: there may be another one since.
fn comes_back_as(was: Option<&String>, is: Option<&String>) -> bool {
    was == is || was.is_some_and(|was| was == OWNER) && is.is_some_and(|is| is == LEAD)
}

/// Whoever lost the role otherwise, or whose authority has nobody left, is away no longer, but out.
fn forget(facts: &Facts, away: &mut Away, changes: &[Change], before: &Roles, after: &Roles) {
    let goes_suspended = |officer: &str| {
        changes.iter().any(|change| match change {
            Change::Suspended(device) => officer_of(facts, device).is_some_and(|o| o == officer),
            _ => false,
        })
    };
    let gone = |officer: &str| {
        before.contains_key(officer) && !after.contains_key(officer) && !goes_suspended(officer)
    };
    let is_empty = |authority: &str| {
        let of_it = |officer: &&String| domain(officer) == authority;
        before.keys().any(|o| of_it(&o))
            && !after.keys().any(|o| of_it(&o))
            && !before.keys().filter(of_it).any(|officer| goes_suspended(officer))
    };
    away.retain(|device, _| {
        officer_of(facts, device).is_none_or(|officer| !gone(officer) && !is_empty(domain(officer)))
    });
}

fn domain(officer: &str) -> &str {
    officer.rsplit('@').next().unwrap_or_default()
}

/// Whether an honest member is left who could let others in.
fn is_open_for_somebody(facts: &Facts, channel: &Channel, changes: &Changes) -> bool {
    let last: Option<&Place> = changes.keys().next_back();
    facts.honest().any(|(device, shown)| {
        shown.channels.get(channel).is_some_and(|view| {
            view.standing == Standing::Member
                && view.stopped.is_none()
                && !view.closed
                && !facts.is_cut_off(device)
                && facts.is_served(device)
                && last.is_none_or(|last| view.next > *last)
        })
    })
}

fn are_back(facts: &Facts, channel: &Channel, away: &Away, found: &mut Findings) {
    for device in away.keys().filter(|device| !facts.is_cut_off(device)) {
        let Some(officer) = officer_of(facts, device) else { continue };
        let is_unwanted = |asked: &Asked| match &asked.what {
            Wish::Remove(whom) => whom == officer,
            _ => false,
        };
        let mut asked = facts.asked.iter().filter(|asked| asked.channel == *channel);
        let was_dropped = facts.once_dropped.contains(device);
        let may_stay_out = was_dropped || !facts.is_honest(device) || asked.any(is_unwanted);
        if !may_stay_out {
            found.add(
                0,
                format!("the suspension of {device} is over, and it is not back in {channel}"),
            );
        }
    }
}

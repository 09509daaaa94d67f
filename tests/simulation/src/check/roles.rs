//! Invariant 9 of roles: what members were told leads to the roles that they show; there is never more
//! than one owner; and where the owner goes with all devices, the first lead of the same authority by
//! address succeeds in the same change.

use std::collections::BTreeMap;

use super::membership::{Changes, officer_of};
use super::put_back::somebody_has_forgotten;
use super::restored::lost_something;
use super::{Findings, Membership};
use crate::facts::{Change, Channel, Facts, Place, Standing};

const OWNER: &str = "owner";
const LEAD: &str = "lead";

type Roles = BTreeMap<String, String>;

pub(super) fn check(facts: &Facts, membership: &Membership, found: &mut Findings) {
    for (channel, changes) in membership.changes() {
        let Some(opener) = facts.openers.get(channel) else { continue };
        // What a restored hub lost changed roles that are as before now.
        if lost_something(facts, channel) || somebody_has_forgotten(facts, channel) {
            continue;
        }
        let roles = replay(facts, channel, opener, changes, found);
        are_shown(facts, channel, &roles, changes, found);
    }
}

fn replay(
    facts: &Facts,
    channel: &Channel,
    opener: &str,
    changes: &Changes,
    found: &mut Findings,
) -> Roles {
    // The owner whose suspension left the channel without one: that officer comes back as the owner.
    let mut suspended: Option<String> = None;
    let mut roles = Roles::from([(opener.to_owned(), OWNER.to_owned())]);
    for (place, changes) in changes {
        let before = roles.clone();
        for change in changes {
            match change {
                Change::Role(officer, Some(role)) => {
                    roles.insert(officer.clone(), role.clone());
                }
                Change::Role(officer, None) => {
                    roles.remove(officer);
                }
                Change::Expelled(authority) => roles.retain(|o, _| !is_of(o, authority)),
                _ => {}
            }
        }
        let (was, expected) = (owner(&before), heir(&before, &roles));
        let owners = roles.values().filter(|role| *role == OWNER).count();
        let is_right = match was {
            None => owners == 0 || owner(&roles) == suspended.as_ref(),
            Some(was) if roles.contains_key(was) => owners == 1,
            Some(_) => owners <= 1 && owner(&roles) == expected.as_ref(),
        };
        if !is_right {
            let what = format!(
                "{channel} at {place}: from {before:?} to {roles:?}; the heir is {expected:?}"
            );
            found.add(9, what);
        }
        if owners > 0 {
            suspended = None;
        } else if was.is_some_and(|was| goes_suspended(facts, was, changes)) {
            suspended = was.cloned();
        }
    }
    roles
}

fn goes_suspended(facts: &Facts, officer: &String, changes: &[Change]) -> bool {
    changes.iter().any(|change| match change {
        Change::Suspended(device) => officer_of(facts, device) == Some(officer),
        _ => false,
    })
}

/// Whether an officer is of an authority.
pub(super) fn is_of(officer: &str, authority: &str) -> bool {
    officer.rsplit_once('@').is_some_and(|(_, domain)| domain == authority)
}

fn owner(roles: &Roles) -> Option<&String> {
    roles.iter().find(|(_, role)| *role == OWNER).map(|(officer, _)| officer)
}

/// Who succeeds an owner that is there no longer.
fn heir(before: &Roles, after: &Roles) -> Option<String> {
    let authority = |officer: &str| officer.rsplit('@').next().map(str::to_owned);
    let home = authority(owner(before)?);
    let mut leads = before.iter().filter(|(_, role)| *role == LEAD).map(|(officer, _)| officer);
    leads.find(|o| authority(o.as_str()) == home && after.contains_key(*o)).cloned()
}

fn are_shown(
    facts: &Facts,
    channel: &Channel,
    roles: &Roles,
    changes: &Changes,
    found: &mut Findings,
) {
    let last: Option<&Place> = changes.keys().next_back();
    for (device, shown) in facts.honest() {
        let Some(view) = shown.channels.get(channel) else { continue };
        let is_current = view.standing == Standing::Member
            && view.stopped.is_none()
            && !facts.is_cut_off(device)
            && last.is_none_or(|last| view.next > *last);
        if is_current && view.roles != *roles {
            found.add(
                9,
                format!("{device} shows {:?} in {channel} instead of {roles:?}", view.roles),
            );
        }
    }
}

//! Invariants 0, 1 and 7 of certificates: the next one is there before the present one ends, and in each channel;
//! what was written under the former one is still its author's; and who is cut off gets none.

use std::time::Duration;

use super::Findings;
use crate::facts::{Asked, Channel, DeviceId, Facts, Outcome, Standing, View, Wish};

/// What a relay had handed out before it heard that a device is cut off may still be on its way so long.
const ON_ITS_WAY: Duration = Duration::from_secs(30);

pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for (device, former) in &facts.due {
        let present = facts.devices.get(device).and_then(|shown| shown.certificate);
        if takes_part(facts, device) && present.is_none_or(|present| present <= *former) {
            found.add(0, format!("{device} asked for its next certificate, and has not got it"));
        }
    }
    for renewed in &facts.renewed {
        let since = facts.cut_off_at.get(&renewed.device);
        if since.is_some_and(|since| renewed.at > *since + ON_ITS_WAY) {
            found.add(7, format!("{} is cut off, and got another certificate", renewed.device));
        }
    }
    for asked in facts.asked.iter().filter(|asked| matches!(asked.what, Wish::Admit(_))) {
        let outcome = facts.devices.get(&asked.device).and_then(|it| it.outcomes.get(&asked.id));
        if let Some(Outcome::Failed(reason)) = outcome
            && reason.contains("expired")
            && !is_of_one_cut_off_before(facts, asked, reason)
        {
            found.add(
                0,
                format!("nobody comes in by {:?} of {}: {reason}", asked.what, asked.device),
            );
        }
    }
    for (device, shown) in facts.honest() {
        for (channel, view) in &shown.channels {
            for place in view.unproven.iter().filter(|_| takes_part(facts, device)) {
                let what = format!(
                    "nothing on {device} proves who wrote what stands at {place} of {channel}"
                );
                found.add(1, what);
            }
            if takes_part(facts, device) && is_open_member(view) && !facts.is_forked(channel) {
                leaves_follow(facts, channel, (device, view), found);
            }
        }
    }
}

/// Whether the certificate that keeps an admission from being made is one of a device that was cut off before:
/// it gets no other one, and the one that it had may end before anybody tries to admit it.
fn is_of_one_cut_off_before(facts: &Facts, asked: &Asked, reason: &str) -> bool {
    let mut cut_off = facts.cut_off_at.iter().filter(|(_, since)| **since <= asked.at);
    cut_off.any(|(device, _)| reason.contains(&format!("the certificate of {device} is expired")))
}

fn takes_part(facts: &Facts, device: &DeviceId) -> bool {
    facts.is_honest(device) && facts.is_served(device) && !facts.is_cut_off(device)
}

fn is_open_member(view: &View) -> bool {
    view.standing == Standing::Member && view.stopped.is_none() && !view.closed
}

/// Every member stands in the channel with the certificate that it has.
fn leaves_follow(
    facts: &Facts,
    channel: &Channel,
    (witness, seen): (&DeviceId, &View),
    found: &mut Findings,
) {
    for (device, end) in &seen.leaves {
        let Some(shown) = facts.devices.get(device).filter(|_| takes_part(facts, device)) else {
            continue;
        };
        let is_member = shown.channels.get(channel).is_some_and(is_open_member);
        if is_member && shown.certificate.is_some_and(|certificate| certificate != *end) {
            let what = format!(
                "{device} stands in {channel} with a former certificate, as {witness} sees it"
            );
            found.add(0, what);
        }
    }
}

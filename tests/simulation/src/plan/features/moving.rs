//! Officers vote for another relay to order a channel, while the present one runs or does not.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    // What a hub that is set back forgets of a move: ARCHITECTURE.md, known limits.
    if draft.sets_a_hub_back() {
        return;
    }
    // A channel whose hub a bundle drops stands still until its members vote.
    let dropped = dropped_at_some_time(draft);
    let hubs: Vec<usize> = (0..draft.authorities).filter(|at| !dropped.contains(at)).collect();
    let mut millis = dice.within(GATHERED..draft.length);
    for _ in 0..dice.within(1..4) {
        let (channel, to) = (dice.index(draft.channels), *dice.pick(&hubs));
        let hub = draft.officers[draft.opener(channel)];
        if dice.chance(400) {
            let down = dice.millis(2000..400_000);
            let before = dice.within(0..2000);
            let what = match dice.chance(500) {
                true => Operation::StopRelay { authority: hub, down },
                false => {
                    Operation::CrashRelay { authority: hub, effects: dice.within(0..40), down }
                }
            };
            draft.add(millis.saturating_sub(before), what);
        }
        for by in 0..draft.officers.len() {
            if dice.chance(800) {
                let soon = *dice.pick(&[100, 3000, 20_000]);
                // Somebody may want another one.
                let to = if dice.chance(900) { to } else { *dice.pick(&hubs) };
                draft.add(millis + dice.within(0..soon), Operation::Move { by, channel, to });
            }
        }
        for _ in 0..dice.within(1..8) {
            let (what, before) = (meanwhile(draft, dice, channel), dice.within(0..1000));
            let soon = *dice.pick(&[300, 3000, 30_000]);
            draft.add((millis + dice.within(0..soon)).saturating_sub(before), what);
        }
        millis += dice.within(500..60_000);
    }
}

/// Authorities that some bundle does not list.
fn dropped_at_some_time(draft: &Draft<'_>) -> BTreeSet<usize> {
    let listings = draft.operations.iter().filter_map(|timed| match &timed.what {
        Operation::Rotate { listed, .. } => Some(listed),
        _ => None,
    });
    let all = 0..draft.authorities;
    listings.flat_map(|listed| all.clone().filter(|at| !listed.contains(at))).collect()
}

fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, channel: usize) -> Operation {
    let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    let authority = dice.index(draft.authorities);
    match dice.within(0..12) {
        0..4 => Operation::Post { by, channel },
        4 => Operation::Renew { by, channel },
        5 => Operation::Admit { by, channel, who, role: Rank::Lead },
        6 => Operation::Remove { by, channel, who },
        7 => Operation::CancelMove { by, channel },
        8 => Operation::Offline { who: by },
        9 => {
            let (effects, down) = (dice.within(0..40), dice.millis(50..60_000));
            Operation::CrashRelay { authority, effects, down }
        }
        10 => Operation::StopRelay { authority, down: dice.millis(50..60_000) },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

//! Newer bundles of the network: with the same authorities, or without one.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};
use crate::world::AUTHORITIES;

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    if !draft.sets_a_hub_back() {
        rotate(draft, dice);
    }
}

/// The same in plans that set a hub back, which the feature above leaves out.
pub(in crate::plan) fn add_beside_a_restored_hub(draft: &mut Draft<'_>, dice: &mut Dice) {
    // A forum's hub may be one that is dropped.
    let is_forum = |what: &Operation| matches!(what, Operation::OpenForum { .. });
    if draft.sets_a_hub_back() && !draft.operations.iter().any(|timed| is_forum(&timed.what)) {
        rotate(draft, dice);
    }
}

fn rotate(draft: &mut Draft<'_>, dice: &mut Dice) {
    let hubs: BTreeSet<usize> =
        (0..draft.channels).map(|channel| draft.officers[draft.opener(channel)]).collect();
    let others: Vec<usize> = (0..AUTHORITIES).filter(|index| !hubs.contains(index)).collect();
    let mut out = None;
    let mut millis = dice.within(GATHERED / 2..draft.length);
    for _ in 0..dice.within(1..4) {
        // A channel whose own hub is dropped stands still.
        out = match out {
            None if !others.is_empty() && dice.chance(600) => Some(*dice.pick(&others)),
            out => out,
        };
        let listed: Vec<usize> = (0..AUTHORITIES).filter(|index| Some(*index) != out).collect();
        let relays: Vec<usize> =
            listed.iter().copied().filter(|index| *index < draft.authorities).collect();
        let first = *dice.pick(&relays);
        draft.add(millis, Operation::Rotate { listed, first });
        for _ in 0..dice.within(0..6) {
            let what = meanwhile(draft, dice);
            let soon = *dice.pick(&[300, 3000, 20_000]);
            let at = (millis + dice.within(0..soon)).saturating_sub(dice.within(0..1000));
            draft.add(at, what);
        }
        millis += dice.within(500..40_000);
    }
}

fn meanwhile(draft: &Draft<'_>, dice: &mut Dice) -> Operation {
    let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    let channel = dice.index(draft.channels);
    let authority = dice.index(draft.authorities);
    match dice.within(0..9) {
        0..3 => Operation::Post { by, channel },
        3 => Operation::Renew { by, channel },
        4 => Operation::Admit { by, channel, who, role: Rank::Lead },
        5 => Operation::Remove { by, channel, who },
        // Left out there: docs/RELIABILITY.md.
        6 if draft.sets_a_hub_back() => Operation::Renew { by, channel },
        6 => Operation::NewGroup { by: draft.opener(channel), channel, classic: false },
        7 => {
            let (effects, down) = (dice.within(0..12), dice.millis(50..20_000));
            Operation::CrashRelay { authority, effects, down }
        }
        _ => Operation::Offline { who: by },
    }
}

//! A forum: guides publish, answer and pin; members ask; people come and go.

use std::time::Duration;

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

/// More than any device has.
const MANY: usize = 12;

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    let openings =
        draft.operations.iter().filter(|timed| matches!(timed.what, Operation::Open { .. }));
    let last = openings.map(|timed| timed.at).max().unwrap_or(Duration::ZERO);
    let opened = u64::try_from(last.as_millis()).unwrap_or(GATHERED) + dice.within(500..5000);
    // Nobody goes on whose own hub's authority is out.
    let rotates = draft.operations.iter().any(|t| matches!(t.what, Operation::Rotate { .. }));
    if rotates || opened + GATHERED >= draft.length {
        return;
    }
    let (by, channel) = (dice.index(draft.officers.len()), draft.channels);
    draft.channels += 1;
    draft.add(opened, Operation::OpenForum { by, classic: dice.chance(500) });
    let gathered = opened + GATHERED / 2;
    gather(draft, dice, (by, channel), opened..gathered);
    for _ in 0..dice.within(5..20) {
        let what = act(draft, dice, channel);
        let millis = dice.within(gathered..draft.length);
        draft.add(millis, what);
        // Several answer at once.
        if let Operation::Answer { which, .. } = what_again(draft) {
            for _ in 0..dice.within(0..3) {
                let by = dice.index(draft.devices());
                let at = millis + dice.within(0..300);
                draft.add(at, Operation::Answer { by, channel, which });
            }
        }
    }
}

/// What was added last.
fn what_again(draft: &Draft<'_>) -> Operation {
    let last = draft.operations.last().map(|timed| timed.what.clone());
    last.unwrap_or(Operation::Open { by: 0 })
}

/// The owner lets in colleagues, and of each other authority one who lets in the others.
fn gather(
    draft: &mut Draft<'_>,
    dice: &mut Dice,
    (owner, channel): (usize, usize),
    time: std::ops::Range<u64>,
) {
    let middle = u64::midpoint(time.start, time.end);
    let home = draft.officers[owner];
    for who in (0..draft.officers.len()).filter(|who| *who != owner) {
        let authority = draft.officers[who];
        let first = draft.officers.iter().position(|of| *of == authority).unwrap_or(who);
        let (by, role, millis) = match (authority == home, first == who) {
            (false, true) => (owner, Rank::Lead, dice.within(time.start + 500..middle)),
            (true, _) => (owner, any_role(dice), dice.within(time.start + 500..time.end)),
            (false, false) => (first, any_role(dice), dice.within(middle..time.end)),
        };
        draft.add(millis, Operation::Admit { by, channel, who, role });
    }
}

fn any_role(dice: &mut Dice) -> Rank {
    *dice.pick(&[Rank::Guide, Rank::Member, Rank::Member, Rank::Observer, Rank::Lead])
}

fn act(draft: &Draft<'_>, dice: &mut Dice, channel: usize) -> Operation {
    let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    let which = dice.index(MANY);
    match dice.within(0..16) {
        0..5 => Operation::Ask { by, channel },
        5..9 => Operation::Answer { by, channel, which },
        9 | 10 => Operation::Pin { by, channel, which, pinned: dice.chance(700) },
        11 => Operation::Post { by, channel },
        12 => Operation::SetRole { by, channel, who, role: any_role(dice) },
        13 => Operation::Remove { by, channel, who },
        14 => Operation::Admit { by, channel, who, role: any_role(dice) },
        _ => Operation::Renew { by, channel },
    }
}

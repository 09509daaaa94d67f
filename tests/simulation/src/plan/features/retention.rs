//! Closed channels whose time at an authority runs out, while another one keeps them, or holds its copies.

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    let channel = dice.index(draft.channels);
    let owner = draft.opener(channel);
    for _ in 0..dice.within(1..4) {
        // The first officer of each authority is a lead.
        let by = if dice.chance(800) { dice.index(draft.authorities) } else { owner };
        let days = *dice.pick(&[1, 1, 2, 3]);
        draft.add(dice.within(GATHERED..draft.length), Operation::Retain { by, channel, days });
    }
    let mut millis = dice.within(GATHERED..draft.length);
    for _ in 0..dice.within(1..4) {
        if dice.chance(800) {
            let closed = dice.chance(800);
            draft.add(millis, Operation::SetClosed { by: owner, channel, closed });
        }
        for _ in 0..dice.within(0..6) {
            let what = meanwhile(draft, dice, channel);
            draft.add((millis + dice.within(0..8000)).saturating_sub(4000), what);
        }
        millis += dice.within(500..20_000);
        draft.add(millis, Operation::DaysPass { days: dice.within(1..4) });
        millis += dice.within(500..20_000);
    }
}

fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, channel: usize) -> Operation {
    let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    match dice.within(0..10) {
        0..3 => Operation::Post { by, channel },
        3 => Operation::Withdraw { by, channel, which: dice.index(8) },
        4 => Operation::Correct { by, channel, which: dice.index(8) },
        5 | 6 => Operation::Hold { by, channel, placed: dice.chance(600) },
        7 => Operation::Admit { by, channel, who, role: Rank::Member },
        8 => Operation::Offline { who: by },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

//! Officers who correct what they wrote, and withdraw it: at once or later, on several devices, while
//! others are away, come in, or lose their power.

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

/// More than any device has of its officer's.
const MANY: usize = 12;

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    for _ in 0..dice.within(2..7) {
        let (by, channel) = (dice.index(draft.devices()), dice.index(draft.channels));
        let millis = dice.within(GATHERED / 2..draft.length);
        // Something to take back.
        if dice.chance(600) {
            draft.add(millis, Operation::Post { by, channel });
        }
        if dice.chance(300) {
            let (who, away) = (dice.index(draft.devices()), dice.within(500..60_000));
            draft.add(millis, Operation::Offline { who });
            draft.add(millis + away, Operation::Online { who });
        }
        if dice.chance(250) {
            let lead = dice.index(draft.authorities.min(draft.officers.len()));
            let (placed, lasts) = (dice.within(GATHERED / 2..millis + 1), dice.within(0..60_000));
            draft.add(placed, Operation::Hold { by: lead, channel, placed: true });
            if dice.chance(600) {
                draft.add(placed + lasts, Operation::Hold { by: lead, channel, placed: false });
            }
        }
        let mut later = millis + dice.within(100..20_000);
        for _ in 0..dice.within(1..4) {
            let what = says_of_it(draft, dice, (by, channel));
            draft.add(later, what);
            let soon = *dice.pick(&[50, 2000, 20_000]);
            later += dice.within(0..soon);
        }
        for _ in 0..dice.within(0..3) {
            let what = meanwhile(draft, dice, channel);
            draft.add(later + dice.within(0..3000), what);
        }
    }
}

fn says_of_it(draft: &Draft<'_>, dice: &mut Dice, (by, channel): (usize, usize)) -> Operation {
    let which = dice.index(MANY);
    let second = draft.second_devices.iter().position(|first| *first == by);
    // The same officer on the other device, where there is one.
    let by = match second {
        Some(second) if dice.chance(400) => draft.officers.len() + second,
        _ => by,
    };
    match dice.within(0..10) {
        0..3 => Operation::Correct { by, channel, which },
        3..9 => Operation::Withdraw { by, channel, which },
        _ => Operation::Withdraw { by: dice.index(draft.devices()), channel, which },
    }
}

fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, channel: usize) -> Operation {
    let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    match dice.within(0..6) {
        0 => Operation::Admit { by, channel, who, role: Rank::Member },
        1 => Operation::Remove { by, channel, who },
        2 => Operation::Renew { by, channel },
        3 => Operation::Post { by, channel },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

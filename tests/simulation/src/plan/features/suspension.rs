//! Devices and officers that are suspended, and what others do meanwhile; lifted again, or ending by itself.

use std::time::Duration;

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

/// It is never over in a run.
const LONG: Duration = Duration::from_secs(14 * 24 * 3600);

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    for _ in 0..dice.within(1..4) {
        let who = dice.index(draft.devices());
        let all = dice.chance(500);
        let begin = dice.within(GATHERED / 2..draft.length);
        let ends_soon = dice.chance(250);
        let length = if ends_soon { dice.millis(10_000..90_000) } else { LONG };
        draft.add(begin, Operation::Suspend { who, all, length });
        let longest = *dice.pick(&[300, 5000, 30_000, 60_000]);
        let lifted = begin + dice.within(0..longest);
        for _ in 0..dice.within(0..5) {
            let what = meanwhile(draft, dice, who);
            draft.add(begin + dice.within(0..longest), what);
        }
        if !ends_soon && dice.chance(800) {
            draft.add(lifted, Operation::Lift { who, length: LONG });
            for _ in 0..dice.within(0..3) {
                let what = meanwhile(draft, dice, who);
                draft.add(lifted + dice.within(0..10_000), what);
            }
        }
    }
}

/// What is done just then, by the suspended or by others, mostly about the suspended.
fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, suspended: usize) -> Operation {
    let (by, channel) = (dice.index(draft.devices()), dice.index(draft.channels));
    let officer = match suspended.checked_sub(draft.officers.len()) {
        Some(second) => draft.second_devices[second],
        None => suspended,
    };
    let who = if dice.chance(600) { officer } else { dice.index(draft.officers.len()) };
    let role = *dice.pick(&[Rank::Lead, Rank::Member, Rank::Observer]);
    match dice.within(0..12) {
        0..3 => Operation::Post { by: suspended, channel },
        3 | 4 => Operation::Post { by, channel },
        5 => Operation::Admit { by, channel, who, role },
        6 => Operation::Remove { by, channel, who },
        7 => Operation::SetRole { by, channel, who, role },
        8 => Operation::SetClosed { by, channel, closed: dice.chance(400) },
        9 => Operation::Renew { by: suspended, channel },
        10 => Operation::Leave { by: suspended, channel },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

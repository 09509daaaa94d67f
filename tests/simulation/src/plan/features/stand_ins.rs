//! Officers who stand in for another until a day, on a registrar's mandate.

use std::time::Duration;

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

/// It is never over in a run.
const LONG: Duration = Duration::from_secs(30 * 24 * 3600);

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    for _ in 0..dice.within(1..4) {
        let channel = dice.index(draft.channels);
        let owner = draft.opener(channel);
        let who = dice.index(draft.officers.len());
        let begin = dice.within(GATHERED..draft.length);
        // Only who is not in stands in.
        if dice.chance(900) {
            let before = dice.within(1000..15_000);
            draft.add(begin.saturating_sub(before), Operation::Remove { by: owner, channel, who });
        }
        let by = if dice.chance(850) { owner } else { dice.index(draft.devices()) };
        let length = if dice.chance(700) { dice.millis(5000..60_000) } else { LONG };
        draft.add(begin, Operation::StandIn { by, channel, who, length });
        for _ in 0..dice.within(1..8) {
            let soon = *dice.pick(&[300, 5000, 60_000]);
            let what = meanwhile(draft, dice, (who, channel));
            draft.add(begin + dice.within(0..soon), what);
        }
        if dice.chance(300) {
            let length = dice.millis(5000..60_000);
            let again = begin + dice.within(0..60_000);
            draft.add(again, Operation::StandIn { by: owner, channel, who, length });
        }
    }
}

/// What a stand-in does, or others with it.
fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, (deputy, channel): (usize, usize)) -> Operation {
    let (anybody, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    let by = if dice.chance(600) { deputy } else { anybody };
    match dice.within(0..12) {
        0..4 => Operation::Post { by, channel },
        4 => Operation::Admit { by, channel, who, role: Rank::Member },
        5 => Operation::Remove { by, channel, who },
        6 => Operation::SetRole { by, channel, who, role: Rank::Lead },
        7 => Operation::Admit { by: anybody, channel, who: deputy, role: Rank::Lead },
        8 => Operation::Renew { by, channel },
        9 => Operation::SetClosed { by, channel, closed: dice.chance(500) },
        10 => Operation::Offline { who: by },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

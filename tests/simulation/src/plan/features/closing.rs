//! Cases that are closed, and opened again, while others are about to write and to let people in.

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Misdeed, Operation, Rank};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    for _ in 0..dice.within(1..4) {
        let channel = dice.index(draft.channels);
        let owner = draft.opener(channel);
        let by = if dice.chance(850) { owner } else { dice.index(draft.devices()) };
        let closed = dice.within(GATHERED / 2..draft.length);
        draft.add(closed, Operation::SetClosed { by, channel, closed: true });
        for _ in 0..dice.within(0..4) {
            let what = meanwhile(draft, dice, channel);
            draft.add(closed + dice.within(0..400), what);
        }
        let length = *dice.pick(&[300, 5000, 60_000]);
        let opened = closed + dice.within(0..length);
        for _ in 0..dice.within(0..3) {
            let what = meanwhile(draft, dice, channel);
            draft.add(dice.within(closed..opened + 1), what);
        }
        if dice.chance(750) {
            draft.add(opened, Operation::SetClosed { by, channel, closed: false });
        }
        misdeeds(draft, dice, channel, closed);
    }
}

/// What somebody else does just then.
fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, channel: usize) -> Operation {
    let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    let role = *dice.pick(&[Rank::Lead, Rank::Member, Rank::Observer]);
    match dice.within(0..9) {
        0..3 => Operation::Post { by, channel },
        3..5 => Operation::Admit { by, channel, who, role },
        5 => Operation::Remove { by, channel, who },
        6 => Operation::SetRole { by, channel, who, role },
        7 => Operation::Renew { by, channel },
        _ => Operation::Leave { by, channel },
    }
}

/// What a modified program does about it, where there is one.
fn misdeeds(draft: &mut Draft<'_>, dice: &mut Dice, channel: usize, closed: u64) {
    let modified = draft.operations.iter().find_map(|timed| match timed.what {
        Operation::Misdeed { by, .. } => Some(by),
        _ => None,
    });
    let Some(by) = modified else { return };
    for _ in 0..dice.within(1..4) {
        let what = *dice.pick(&[Misdeed::Closing(true), Misdeed::Closing(false), Misdeed::Late]);
        let millis = closed + dice.within(0..10_000);
        draft.add(millis, Operation::Misdeed { by, channel, what });
    }
}

//! Devices whose disk is put back as it was a while ago, as from a snapshot of the machine.

use crate::dice::Dice;
use crate::plan::Operation;
use crate::plan::draw::{Draft, GATHERED};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    for _ in 0..dice.within(1..4) {
        let who = dice.index(draft.devices());
        let kept = dice.within(GATHERED / 2..draft.length - 5000);
        let longest = *dice.pick(&[3000, 20_000, 80_000]);
        let age = dice.within(500..longest).min(draft.length - kept);
        draft.add(kept, Operation::CopyDevice { who });
        for _ in 0..dice.within(1..6) {
            let what = meanwhile(draft, dice, who);
            draft.add(kept + dice.within(0..age + 5000), what);
        }
        draft.add(kept + age, Operation::SetDeviceBack { who, down: dice.millis(50..20_000) });
    }
}

/// What is done on it, or by others, since the copy was made.
fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, device: usize) -> Operation {
    let (anybody, channel) = (dice.index(draft.devices()), dice.index(draft.channels));
    let by = if dice.chance(600) { device } else { anybody };
    match dice.within(0..8) {
        0..5 => Operation::Post { by, channel },
        5 => Operation::Renew { by, channel },
        6 => Operation::Offline { who: by },
        _ => Operation::Online { who: by },
    }
}

//! Officers with a second device, who make backups on one and restore them on the other.

use crate::dice::Dice;
use crate::plan::Operation;
use crate::plan::draw::{Draft, GATHERED};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    let officers = draft.officers.len();
    for (number, first) in draft.second_devices.clone().into_iter().enumerate() {
        let second = officers + number;
        for _ in 0..dice.within(1..4) {
            let (of, who) = *dice.pick(&[(first, second), (first, second), (second, first)]);
            let made = dice.within(GATHERED / 2..draft.length);
            let longest = *dice.pick(&[300, 20_000, 80_000]);
            let restored = made + dice.within(0..longest);
            draft.add(made, Operation::BackUpDevice { who: of });
            draft.add(restored, Operation::RestoreBackup { who, of });
            for _ in 0..dice.within(0..5) {
                let (by, channel) = (*dice.pick(&[of, who]), dice.index(draft.channels));
                let what = match dice.within(0..6) {
                    0..3 => Operation::Post { by, channel },
                    3 => Operation::Withdraw { by, channel, which: dice.index(8) },
                    4 => Operation::Correct { by, channel, which: dice.index(8) },
                    _ => Operation::CrashDevice {
                        who,
                        effects: dice.within(0..8),
                        down: dice.millis(50..10_000),
                    },
                };
                let at = *dice.pick(&[made, restored]) + dice.within(0..3000);
                draft.add(at.saturating_sub(1500), what);
            }
        }
    }
}

//! Officers with a second device: named on the first one, sometimes also the other way round; used,
//! taken away, revoked.

use crate::dice::Dice;
use crate::plan::Operation;
use crate::plan::draw::Draft;

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    for _ in 0..dice.within(1..4) {
        let first = dice.index(draft.officers.len());
        if !draft.second_devices.contains(&first) {
            let second = draft.officers.len() + draft.second_devices.len();
            draft.second_devices.push(first);
            use_both(draft, dice, first, second);
        }
    }
}

fn use_both(draft: &mut Draft<'_>, dice: &mut Dice, first: usize, second: usize) {
    let named = dice.within(1000..draft.length * 2 / 3);
    draft.add(named, Operation::AddDevice { by: first, device: second });
    if dice.chance(400) {
        let later = named + dice.within(0..20_000);
        draft.add(later, Operation::AddDevice { by: second, device: first });
    }
    for _ in 0..dice.within(1..8) {
        let (by, channel) = (*dice.pick(&[first, second, second]), dice.index(draft.channels));
        let millis = dice.within(named..draft.length);
        let renews = dice.chance(200);
        let what = match renews {
            true => Operation::Renew { by, channel },
            false => Operation::Post { by, channel },
        };
        draft.add(millis, what);
    }
    if dice.chance(400) {
        let (who, millis) = (second, dice.within(named..draft.length));
        draft.add(millis, Operation::Offline { who });
        draft.add(millis + dice.within(1000..60_000), Operation::Online { who });
    }
    if dice.chance(250) {
        let (who, millis) = (*dice.pick(&[first, second]), dice.within(named..draft.length));
        let (effects, down) = (dice.within(0..20), dice.millis(50..40_000));
        draft.add(millis, Operation::CrashDevice { who, effects, down });
    }
    if dice.chance(400) {
        let (by, device) = *dice.pick(&[(first, second), (first, second), (second, first)]);
        // Sometimes while it is still on its way in.
        let soon = if dice.chance(300) { 500 } else { 60_000 };
        let millis = named + dice.within(0..soon);
        draft.add(millis, Operation::RemoveDevice { by, device });
        if dice.chance(400) {
            let later = millis + dice.within(0..20_000);
            draft.add(later, Operation::AddDevice { by, device });
        }
    }
    if dice.chance(200) {
        let (who, millis) = (*dice.pick(&[first, second]), dice.within(named..draft.length));
        draft.add(millis, Operation::Revoke { who });
    }
}

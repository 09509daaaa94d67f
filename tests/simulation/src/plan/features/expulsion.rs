//! A whole authority is put out of a channel, while its officers and the others write, come and go.

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    // Of two authorities none puts the other out.
    if draft.authorities < 3 || draft.sets_a_hub_back() {
        return;
    }
    for _ in 0..dice.within(1..3) {
        let channel = dice.index(draft.channels);
        let owner = draft.opener(channel);
        let by = if dice.chance(800) { owner } else { dice.index(draft.devices()) };
        let authority = dice.index(draft.authorities);
        let millis = dice.within(GATHERED..draft.length);
        draft.add(millis, Operation::Expel { by, channel, authority });
        for _ in 0..dice.within(1..8) {
            let (what, before) =
                (meanwhile(draft, dice, (channel, authority)), dice.within(0..400));
            let soon = *dice.pick(&[100, 2000, 20_000]);
            draft.add((millis + dice.within(0..soon)).saturating_sub(before), what);
        }
        // It may be let in again, with the consent of all.
        if dice.chance(300) {
            let back: Vec<usize> = officers_of(draft, authority);
            let later = dice.within(5000..40_000);
            for who in back {
                let role = *dice.pick(&[Rank::Lead, Rank::Member]);
                draft.add(millis + later, Operation::Admit { by: owner, channel, who, role });
            }
        }
    }
}

fn officers_of(draft: &Draft<'_>, authority: usize) -> Vec<usize> {
    (0..draft.officers.len()).filter(|who| draft.officers[*who] == authority).collect()
}

fn meanwhile(
    draft: &Draft<'_>,
    dice: &mut Dice,
    (channel, authority): (usize, usize),
) -> Operation {
    let theirs = officers_of(draft, authority);
    let by = match dice.chance(500) && !theirs.is_empty() {
        true => *dice.pick(&theirs),
        false => dice.index(draft.devices()),
    };
    let who = dice.index(draft.officers.len());
    match dice.within(0..10) {
        0..4 => Operation::Post { by, channel },
        4 => Operation::Renew { by, channel },
        5 => Operation::Admit { by, channel, who, role: Rank::Member },
        6 => Operation::Remove { by, channel, who },
        7 => Operation::Offline { who: by },
        8 => Operation::Online { who: by },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

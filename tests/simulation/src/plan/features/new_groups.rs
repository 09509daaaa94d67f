//! Channels that go on in a new group, with fresh keys, while others write, come and go, or
//! are away.

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    if !draft.sets_a_hub_back() {
        found(draft, dice);
    }
}

/// The same in plans that restore a hub, which the feature above leaves out.
pub(in crate::plan) fn add_beside_a_restored_hub(draft: &mut Draft<'_>, dice: &mut Dice) {
    if draft.restores_a_hub() {
        found(draft, dice);
    }
}

fn found(draft: &mut Draft<'_>, dice: &mut Dice) {
    for _ in 0..dice.within(1..4) {
        let channel = dice.index(draft.channels);
        let owner = draft.opener(channel);
        let by = if dice.chance(900) { owner } else { dice.index(draft.devices()) };
        let millis = dice.within(GATHERED / 2..draft.length);
        let what = Operation::NewGroup { by, channel, classic: dice.chance(250) };
        draft.add(millis, what);
        for _ in 0..dice.within(1..8) {
            let (what, before) = (meanwhile(draft, dice, (by, channel)), dice.within(0..400));
            let soon = *dice.pick(&[100, 1000, 10_000]);
            draft.add((millis + dice.within(0..soon)).saturating_sub(before), what);
        }
        if dice.chance(300) {
            let (who, away) = (dice.index(draft.devices()), dice.within(500..60_000));
            draft.add(millis.saturating_sub(away), Operation::Offline { who });
            draft.add(millis + away, Operation::Online { who });
        }
    }
}

fn meanwhile(draft: &Draft<'_>, dice: &mut Dice, (founder, channel): (usize, usize)) -> Operation {
    let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
    match dice.within(0..12) {
        0..4 => Operation::Post { by, channel },
        4 => Operation::Renew { by, channel },
        5 => Operation::Admit { by, channel, who, role: Rank::Member },
        6 => Operation::Remove { by, channel, who },
        7 => Operation::SetRole {
            by: founder,
            channel,
            who,
            role: *dice.pick(&[Rank::Owner, Rank::Lead]),
        },
        8 => Operation::Leave { by, channel },
        9 => Operation::NewGroup { by, channel, classic: false },
        10 => Operation::CrashDevice {
            who: founder,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

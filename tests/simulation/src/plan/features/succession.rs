//! Owners who hand their ownership on, and owners whose devices are revoked.

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    let channel = dice.index(draft.channels);
    let mut owner = draft.opener(channel);
    let mut millis = dice.within(GATHERED..draft.length);
    for _ in 0..dice.within(0..3) {
        let who = dice.index(draft.officers.len());
        draft.add(millis, Operation::SetRole { by: owner, channel, who, role: Rank::Owner });
        // Two heirs at once, or the heir goes.
        if dice.chance(300) {
            let other = dice.index(draft.officers.len());
            let role = *dice.pick(&[Rank::Owner, Rank::Lead, Rank::Observer]);
            let at = millis + dice.within(0..300);
            draft.add(at, Operation::SetRole { by: owner, channel, who: other, role });
        }
        if dice.chance(300) {
            draft.add(millis + dice.within(0..300), Operation::Leave { by: who, channel });
        }
        owner = who;
        millis += dice.within(1000..30_000);
    }
    if dice.chance(600) {
        draft.add(millis, Operation::Revoke { who: owner });
        for _ in 0..dice.within(1..5) {
            let (by, who) = (dice.index(draft.devices()), dice.index(draft.officers.len()));
            let what = match dice.within(0..4) {
                0 => Operation::Admit { by, channel, who, role: Rank::Member },
                1 => Operation::SetRole { by, channel, who, role: Rank::Lead },
                2 => Operation::SetClosed { by, channel, closed: dice.chance(500) },
                _ => Operation::Post { by, channel },
            };
            let at = (millis + 20_000).saturating_sub(dice.within(0..30_000));
            draft.add(at, what);
        }
    }
}

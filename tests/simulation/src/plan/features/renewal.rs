//! Devices whose certificate ends soon: days pass, programs ask for the next one, registrars answer, and the
//! former one ends.

use crate::dice::Dice;
use crate::plan::draw::{Draft, GATHERED};
use crate::plan::{Operation, Rank};

/// It outlives a run.
const LONG: u64 = 60;

pub(in crate::plan) fn add(draft: &mut Draft<'_>, dice: &mut Dice) {
    let earliest = dice.within(6..9);
    for device in 0..draft.devices() {
        if dice.chance(700) {
            let days = earliest + dice.within(0..2);
            draft.certificates_end.insert(device, days);
        }
    }
    if dice.chance(400) {
        // As elsewhere, the owner aside.
        let who = 1 + dice.index(draft.devices() - 1);
        draft.add(dice.within(GATHERED..draft.length), Operation::Revoke { who });
    }
    let mut millis = dice.within(GATHERED / 2..GATHERED + 20_000);
    for _ in 0..dice.within(2..7) {
        if millis >= draft.length {
            return;
        }
        draft.add(millis, Operation::DaysPass { days: dice.within(1..3) });
        for _ in 0..dice.within(0..6) {
            let what = meanwhile(draft, dice);
            draft.add(millis + dice.within(0..20_000), what);
        }
        millis = renewed(draft, dice, millis) + dice.within(0..20_000);
    }
}

/// Most programs are started again, the registrars look after what these ask for, and most are started again.
fn renewed(draft: &mut Draft<'_>, dice: &mut Dice, millis: u64) -> u64 {
    let asked = millis + dice.within(200..8000);
    let answered = asked + dice.within(200..8000);
    let fetched = answered + dice.within(100..8000);
    for at in [asked, fetched] {
        for who in 0..draft.devices() {
            if dice.chance(850) {
                let begin = at.saturating_sub(dice.within(0..3000));
                draft.add(begin, Operation::Offline { who });
                draft.add(begin + dice.within(0..3000), Operation::Online { who });
            }
        }
    }
    for authority in 0..draft.authorities {
        if dice.chance(900) {
            let days = *dice.pick(&[7, 10, LONG]);
            draft.add(answered + dice.within(0..1000), Operation::IssueDue { authority, days });
        }
    }
    fetched
}

/// What is done while some have the next certificate and others do not.
fn meanwhile(draft: &Draft<'_>, dice: &mut Dice) -> Operation {
    let (by, channel) = (dice.index(draft.devices()), dice.index(draft.channels));
    let who = dice.index(draft.officers.len());
    match dice.within(0..12) {
        0..4 => Operation::Post { by, channel },
        4 | 5 => Operation::Admit { by, channel, who, role: Rank::Member },
        6 => Operation::Remove { by, channel, who },
        7 => Operation::Renew { by, channel },
        8 if !draft.sets_a_hub_back() => {
            Operation::NewGroup { by: draft.opener(channel), channel, classic: false }
        }
        9 => {
            let down = dice.millis(50..20_000);
            Operation::StopRelay { authority: dice.index(draft.authorities), down }
        }
        10 => Operation::SetRole { by, channel, who, role: Rank::Observer },
        _ => Operation::CrashDevice {
            who: by,
            effects: dice.within(0..12),
            down: dice.millis(50..20_000),
        },
    }
}

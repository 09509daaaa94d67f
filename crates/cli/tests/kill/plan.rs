//! Who writes when, and who is killed when.

use crate::random::Random;

pub(crate) const NOTES: usize = 300;
pub(crate) const OFFICERS: usize = 3;
pub(crate) const KILLS: usize = 24;

const RELAYS: usize = 2;

/// A killed relay is back after at most so many steps.
const LONGEST_ABSENCE: usize = 12;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// An officer writes a note, and is told that it is safe.
    Write(usize),
    Kill(Target),
    /// An officer writes a note and is killed before anybody knows what became of it.
    KillWhileWriting(usize),
    /// A relay starts again.
    Restart(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    Officer(usize),
    Relay(usize),
}

pub(crate) struct Plan(Vec<Step>);

impl Plan {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut steps: Vec<Step> = (0..NOTES).map(|note| Step::Write(note % OFFICERS)).collect();
        random.shuffle(&mut steps);
        for number in 0..KILLS {
            // Each kind gets its share: the relays half of it.
            if number % 2 == 0 {
                kill_relay(&mut steps, number / 2 % RELAYS, random);
            } else {
                kill_officer(&mut steps, random);
            }
        }
        // Whoever is still away comes back.
        steps.extend((0..RELAYS).map(Step::Restart));
        Self(steps)
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

/// Puts a kill where the relay is up, and its return some steps later.
fn kill_relay(steps: &mut Vec<Step>, relay: usize, random: &mut Random) {
    loop {
        let place = random.below(steps.len());
        let back = (place + 1 + random.below(LONGEST_ABSENCE)).min(steps.len());
        let is_same = |step: &Step| match *step {
            Step::Kill(Target::Relay(other)) | Step::Restart(other) => other == relay,
            _ => false,
        };
        let near = steps[..place].iter().rev().find(|step| is_same(step));
        let is_up = !matches!(near, Some(Step::Kill(_)));
        if is_up && !steps[place..back].iter().any(is_same) {
            steps.insert(back, Step::Restart(relay));
            steps.insert(place, Step::Kill(Target::Relay(relay)));
            return;
        }
    }
}

/// Kills an officer between two notes, or in the middle of one.
fn kill_officer(steps: &mut Vec<Step>, random: &mut Random) {
    loop {
        let place = random.below(steps.len());
        let Step::Write(officer) = steps[place] else { continue };
        if random.below(2) == 0 {
            steps[place] = Step::KillWhileWriting(officer);
        } else {
            steps.insert(place + 1, Step::Kill(Target::Officer(officer)));
        }
        return;
    }
}

//! What a hub does before it sequences again: it asks whoever is within reach, takes in what they
//! hold beyond its end, and states what happened under a new incarnation.

use crate::hub::Hub;
use crate::log::{Incarnation, Item, Log, Place};
use crate::rules::{NewIncarnation, Refill, Rules};

/// Who answers a hub that asks.
#[derive(Clone, Debug, Default)]
pub struct Reached<'a> {
    /// Followers' copies.
    pub followers: Vec<&'a Log>,
    /// Members' copies.
    pub members: Vec<&'a Log>,
    /// Places that the hub told members, beyond their copies.
    pub told: Vec<(Incarnation, Place)>,
    /// Whether these are all that there are.
    pub is_everybody: bool,
    /// Whether one of them says less than it knows.
    pub withheld: bool,
}

impl Reached<'_> {
    /// Every copy within reach.
    pub fn copies(&self) -> impl Iterator<Item = &Log> {
        self.followers.iter().chain(&self.members).copied()
    }
}

impl Hub {
    /// Recovers with whoever is within reach.
    pub fn recover(&mut self, reached: &Reached<'_>, rules: &Rules) {
        let (followers, members) = (reached.followers.iter(), reached.members.iter());
        let asked: Vec<&Log> = match rules.refill {
            Refill::FromAll => followers.chain(members).copied().collect(),
            Refill::FromFollowers => followers.copied().collect(),
            Refill::Never => Vec::new(),
        };
        let rank = |log: &Log| {
            let (incarnation, next) = log.reach();
            (if rules.by_incarnation { incarnation } else { 0 }, next)
        };
        // Of equal ones its own.
        let best =
            asked.into_iter().filter(|log| rank(log) > rank(&self.log)).max_by_key(|log| rank(log));
        let refilled = best.is_some();
        if let Some(best) = best {
            self.log = best.clone();
        }
        let lost = reached.told.iter().any(|told| *told > self.log.reach());
        self.is_sure = true;
        if reached.is_everybody && !refilled && !lost && !rules.always_anew {
            if !reached.withheld {
                self.forget_unknown();
            }
            return;
        }
        let incarnation = match rules.new_incarnation {
            NewIncarnation::Unique => {
                self.signed.iter().map(|(number, _)| number + 1).max().unwrap_or(0)
            }
            NewIncarnation::Next => self.log.incarnation() + 1,
            NewIncarnation::Same => self.log.incarnation(),
        };
        self.append(Item::Statement { incarnation, refilled, lost }, rules);
    }

    /// Nobody has what it signed beyond its log: it accuses nobody any more.
    fn forget_unknown(&mut self) {
        let (incarnation, log) = (self.log.incarnation(), self.log.clone());
        self.signed.retain(|(number, _)| *number < incarnation);
        self.signed.push((incarnation, log));
    }

    /// Whether somebody's copy shows the hub its own signature beyond its end.
    #[must_use]
    pub fn is_behind(&self, copy: &Log) -> bool {
        copy.reach() > self.log.reach()
    }
}

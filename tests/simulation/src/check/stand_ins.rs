//! Invariants 0 and 5 of stand-ins: nobody is one without a mandate, and nobody when that is over.

use super::Findings;
use super::restored::lost_something;
use crate::facts::{Facts, Standing};

pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for (device, shown) in facts.honest().filter(|(device, _)| !facts.is_cut_off(device)) {
        for (channel, view) in &shown.channels {
            let is_current = view.standing == Standing::Member && view.stopped.is_none();
            if !is_current || facts.is_forked(channel) || !facts.is_served(device) {
                continue;
            }
            for (officer, is_over) in &view.stand_ins {
                if !facts.mandates.contains(&(channel.clone(), officer.clone())) {
                    found.add(5, format!("{device} takes {officer} for a stand-in in {channel}, whom nobody mandated"));
                }
                // Whoever is suspended is not in; whoever is there alone with it takes no part in that.
                let is_in = view.roles.contains_key(officer) && shown.officer != *officer;
                if *is_over && is_in && !lost_something(facts, channel) {
                    found.add(0, format!("{officer} is still in {channel}, by a mandate that is over, says {device}"));
                }
            }
        }
    }
}

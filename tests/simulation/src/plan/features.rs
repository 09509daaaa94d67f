//! What plans have learnt to hold since the first ones, in the order in which they learnt it.
//!
//! A seed has a feature by chance, drawn apart from all else, so that whoever adds one changes no
//! plan that lacks it. Each is one file here that adds operations to a plan, and one line at the
//! **end** of [`FEATURES`]; what an operation does stands in `run`, what must hold of it in `check`.
//! A seed that broke something is kept with its [`Edition`], so that it stays what it was.

mod bundles;
mod closing;
mod devices;
mod devices_set_back;
mod expulsion;
mod forums;
mod moving;
mod new_groups;
mod renewal;
mod retention;
mod stand_ins;
mod succession;
mod suspension;
mod taking_back;

use super::draw::Draft;
use crate::dice::Dice;

/// How many features plans know. Those of an older edition are what they were then.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Edition(pub usize);

impl Edition {
    /// The newest one.
    pub const NEWEST: Self = Self(FEATURES.len());

    /// Whether there is a feature of that name.
    #[must_use]
    pub fn knows(self, name: &str) -> bool {
        self.features().any(|feature| feature.name == name)
    }

    /// Whether a seed's plan has the feature.
    #[must_use]
    pub fn gives(self, seed: u64, name: &str) -> bool {
        let dice = super::dice(seed);
        self.features()
            .any(|feature| feature.name == name && feature.is_drawn(&mut dice.fork(name)))
    }

    fn features(self) -> impl Iterator<Item = &'static Feature> {
        FEATURES.iter().take(self.0)
    }
}

struct Feature {
    /// What its chance is drawn by; never changed.
    name: &'static str,
    /// How many plans of a thousand have it.
    per_mille: u64,
    add: fn(&mut Draft<'_>, &mut Dice),
}

impl Feature {
    fn is_drawn(&self, dice: &mut Dice) -> bool {
        dice.chance(self.per_mille)
    }
}

const FEATURES: &[Feature] = &[
    Feature { name: "second devices", per_mille: 350, add: devices::add },
    Feature { name: "closing", per_mille: 300, add: closing::add },
    Feature { name: "succession", per_mille: 250, add: succession::add },
    Feature { name: "suspension", per_mille: 250, add: suspension::add },
    Feature { name: "taking back", per_mille: 250, add: taking_back::add },
    Feature { name: "new groups", per_mille: 250, add: new_groups::add },
    Feature { name: "bundles", per_mille: 200, add: bundles::add },
    Feature { name: "forums", per_mille: 150, add: forums::add },
    Feature { name: "moving", per_mille: 150, add: moving::add },
    Feature {
        name: "bundles beside a restored hub",
        per_mille: 400,
        add: bundles::add_beside_a_restored_hub,
    },
    Feature { name: "expulsion", per_mille: 200, add: expulsion::add },
    Feature {
        name: "new groups beside a restored hub",
        per_mille: 400,
        add: new_groups::add_beside_a_restored_hub,
    },
    Feature { name: "stand-ins", per_mille: 200, add: stand_ins::add },
    Feature { name: "retention", per_mille: 150, add: retention::add },
    Feature { name: "devices set back", per_mille: 200, add: devices_set_back::add },
    Feature { name: "renewal", per_mille: 200, add: renewal::add },
];

/// Adds what the seed has of the features of an edition.
pub(super) fn add(draft: &mut Draft<'_>, edition: Edition) {
    for feature in edition.features() {
        let mut dice = draft.dice.fork(feature.name);
        if feature.is_drawn(&mut dice) {
            (feature.add)(draft, &mut dice);
        }
    }
}

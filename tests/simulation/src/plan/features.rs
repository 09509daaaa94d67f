//! What plans have learnt to hold since the first ones, in the order in which they learnt it.
//!
//! A seed has a feature by chance, drawn apart from all else, so that whoever adds one changes no
//! plan that lacks it. Each is one file here that adds operations to a plan, and one line at the
//! **end** of [`FEATURES`]; what an operation does stands in `run`, what must hold of it in `check`.
//! A seed that broke something is kept with its [`Edition`], so that it stays what it was.

mod closing;
mod devices;
mod succession;

use super::draw::Draft;
use crate::dice::Dice;

/// How many features plans know. Those of an older edition are what they were then.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Edition(pub usize);

impl Edition {
    /// The newest one.
    pub const NEWEST: Self = Self(FEATURES.len());
}

struct Feature {
    /// What its chance is drawn by; never changed.
    name: &'static str,
    /// How many plans of a thousand have it.
    per_mille: u64,
    add: fn(&mut Draft<'_>, &mut Dice),
}

const FEATURES: &[Feature] = &[
    Feature { name: "second devices", per_mille: 350, add: devices::add },
    Feature { name: "closing", per_mille: 300, add: closing::add },
    Feature { name: "succession", per_mille: 250, add: succession::add },
];

/// Adds what the seed has of the features of an edition.
pub(super) fn add(draft: &mut Draft<'_>, edition: Edition) {
    for Feature { name, per_mille, add } in FEATURES.iter().take(edition.0) {
        let mut dice = draft.dice.fork(name);
        if dice.chance(*per_mille) {
            add(draft, &mut dice);
        }
    }
}

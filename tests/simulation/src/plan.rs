//! What happens in a run, and when: all of it follows from the seed and can be read beforehand.
//!
//! Each seed chooses which kinds of trouble it brings, so that some runs are nearly quiet, some
//! know one kind alone, and some know all. What an operation meets when its time comes, nobody
//! knows: one that is not possible then is passed over, and the history says so.

mod draw;
mod features;
mod misdeed;
mod operation;
mod rank;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

pub use self::features::Edition;
pub use self::misdeed::Misdeed;
pub use self::operation::{LineQuality, Operation, Timed};
pub use self::rank::Rank;

use crate::dice::Dice;

/// A run's script.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many authorities take part, each with a relay.
    pub authorities: usize,
    /// The authority of each officer. The first officer opens the first channel.
    pub officers: Vec<usize>,
    /// The officer whose device each second one is. Their numbers follow those of the first devices.
    pub second_devices: Vec<usize>,
    /// Devices whose first certificate ends so many days after the start. That of others outlives the run.
    pub certificates_end: BTreeMap<usize, u64>,
    /// What happens, by time.
    pub operations: Vec<Timed>,
    /// When the trouble ends.
    pub end: Duration,
}

/// Which kinds of trouble a run knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, in any combination")]
pub struct Troubles {
    /// Delay, loss, duplication, reordering.
    pub bad_lines: bool,
    /// Links that are cut, and heal.
    pub partitions: bool,
    /// Relays lose their power.
    pub relay_crashes: bool,
    /// Devices lose their power.
    pub device_crashes: bool,
    /// Disks that fill up or fail.
    pub disks: bool,
    /// Clocks that are set wrong.
    pub clocks: bool,
    /// Devices that are revoked.
    pub revocations: bool,
    /// Several commits at once.
    pub races: bool,
    /// A device whose program is modified.
    pub rogue: bool,
    /// A relay that signs two histories.
    pub fork: bool,
    /// A relay that is started on an older copy of its disk.
    pub restore: bool,
}

/// What a seed's plan is drawn with.
fn dice(seed: u64) -> Dice {
    Dice::new(seed).fork("plan")
}

impl Plan {
    /// The script of a seed.
    #[must_use]
    pub fn of(seed: u64, edition: Edition) -> Self {
        draw::plan(&mut dice(seed), edition)
    }

    /// A script in which two officers of two authorities exchange one note and nothing goes wrong.
    #[must_use]
    pub fn quiet() -> Self {
        let at = |millis, what| Timed { at: Duration::from_millis(millis), what };
        let operations = vec![
            at(1000, Operation::Open { by: 0 }),
            at(2000, Operation::Admit { by: 0, channel: 0, who: 1, role: Rank::Lead }),
            at(6000, Operation::Post { by: 0, channel: 0 }),
            at(7000, Operation::Post { by: 1, channel: 0 }),
        ];
        Self {
            authorities: 2,
            officers: vec![0, 1],
            second_devices: Vec::new(),
            certificates_end: BTreeMap::new(),
            operations,
            end: Duration::from_secs(8),
        }
    }
}

//! Draws a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use super::features::{self, Edition};
use super::misdeed::Misdeed;
use super::operation::{Operation, Timed};
use super::rank::Rank;
use super::{Plan, Troubles};
use crate::dice::Dice;
use crate::network::{NodeId, Quality};
use crate::world::{self, AUTHORITIES};

/// Everybody who is to be admitted at the beginning was asked for by then.
pub(super) const GATHERED: u64 = 20_000;

pub(super) fn plan(dice: &mut Dice, edition: Edition) -> Plan {
    let authorities = if dice.chance(700) { 2 } else { AUTHORITIES };
    let count = [3, 3, 4, 4, 4, 5, 5, 6, 8][dice.index(9)];
    let officers: Vec<usize> = (0..count)
        .map(|officer| if officer < authorities { officer } else { dice.index(authorities) })
        .collect();
    let troubles = troubles(dice);
    let length = dice.within(60_000..180_000);
    let mut draft = Draft {
        dice,
        authorities,
        officers,
        second_devices: Vec::new(),
        certificates_end: BTreeMap::new(),
        length,
        channels: 1,
        operations: Vec::new(),
    };
    draft.gather();
    draft.work(troubles);
    draft.disturb(troubles);
    features::add(&mut draft, edition);
    let Draft { officers, second_devices, certificates_end, mut operations, .. } = draft;
    // Stable: what was drawn first happens first.
    operations.sort_by_key(|timed| timed.at);
    let end = Duration::from_millis(length);
    Plan { authorities, officers, second_devices, certificates_end, operations, end }
}

fn troubles(dice: &mut Dice) -> Troubles {
    let likely = *dice.pick(&[0, 150, 350, 350, 700]);
    // Drawn apart, so that the plans of all other seeds stay what they were before there were these.
    let rogue = dice.fork("is there a rogue").chance(200);
    let fork = dice.fork("is there a fork").chance(120);
    let restore = dice.fork("is there a restore").chance(200) && !fork;
    let mut some = || dice.chance(likely);
    Troubles {
        rogue,
        fork,
        restore,
        bad_lines: some(),
        partitions: some(),
        relay_crashes: some(),
        device_crashes: some(),
        disks: some(),
        clocks: some(),
        revocations: some(),
        races: some(),
    }
}

pub(super) struct Draft<'d> {
    pub(super) dice: &'d mut Dice,
    pub(super) authorities: usize,
    pub(super) officers: Vec<usize>,
    /// Whose device each second one is.
    pub(super) second_devices: Vec<usize>,
    /// When devices' first certificates end, in days after the start.
    pub(super) certificates_end: BTreeMap<usize, u64>,
    pub(super) length: u64,
    pub(super) channels: usize,
    pub(super) operations: Vec<Timed>,
}

impl Draft<'_> {
    pub(super) fn add(&mut self, millis: u64, what: Operation) {
        self.operations.push(Timed { at: Duration::from_millis(millis), what });
    }

    /// Whether a relay is started on an older copy, or signs two histories.
    pub(super) fn sets_a_hub_back(&self) -> bool {
        let sets_back =
            |what: &Operation| matches!(what, Operation::Fork { .. } | Operation::Restore { .. });
        self.operations.iter().any(|timed| sets_back(&timed.what))
    }

    /// Whether a relay is started on an older copy, and none signs two histories.
    pub(super) fn restores_a_hub(&self) -> bool {
        let is_fork = |timed: &Timed| matches!(timed.what, Operation::Fork { .. });
        self.sets_a_hub_back() && !self.operations.iter().any(is_fork)
    }

    /// How many devices there are.
    pub(super) fn devices(&self) -> usize {
        self.officers.len() + self.second_devices.len()
    }

    /// Who opens a channel.
    pub(super) fn opener(&self, channel: usize) -> usize {
        let mut openings: Vec<(Duration, usize)> = Vec::new();
        for Timed { at, what } in &self.operations {
            if let Operation::Open { by } = what {
                openings.push((*at, *by));
            }
        }
        openings.sort_by_key(|(at, _)| *at);
        openings.get(channel).map_or(0, |(_, by)| *by)
    }

    fn any_time(&mut self) -> u64 {
        self.dice.within(GATHERED / 2..self.length)
    }

    fn anybody(&mut self) -> usize {
        self.dice.index(self.officers.len())
    }

    fn anywhere(&mut self) -> usize {
        self.dice.index(self.channels)
    }

    /// The owner opens a channel and admits one lead of each authority; these admit the others.
    fn gather(&mut self) {
        self.add(500, Operation::Open { by: 0 });
        for who in 1..self.officers.len() {
            let leads = who < self.authorities;
            let by = if leads { 0 } else { self.officers[who] };
            let role = match self.dice.within(0..10) {
                _ if leads => Rank::Lead,
                0 => Rank::Observer,
                1 => Rank::Lead,
                _ => Rank::Member,
            };
            let time = if leads { 1000..6000 } else { 7000..GATHERED };
            let millis = self.dice.within(time);
            self.add(millis, Operation::Admit { by, channel: 0, who, role });
        }
        if self.dice.chance(250) {
            let by = self.anybody();
            let millis = self.any_time();
            self.add(millis, Operation::Open { by });
            self.channels = 2;
        }
    }

    fn work(&mut self, troubles: Troubles) {
        for _ in 0..self.dice.within(8..30) {
            let (by, channel, millis) =
                (self.anybody(), self.anywhere(), self.dice.within(3000..self.length));
            self.add(millis, Operation::Post { by, channel });
            if self.dice.chance(200) {
                for _ in 0..self.dice.within(1..6) {
                    let after = self.dice.within(0..40);
                    self.add(millis + after, Operation::Post { by, channel });
                }
            }
        }
        for _ in 0..self.dice.within(1..6) {
            self.change(None);
        }
        if troubles.races {
            for _ in 0..self.dice.within(1..4) {
                let at = self.any_time();
                for _ in 0..self.dice.within(2..5) {
                    self.change(Some(at));
                }
            }
        }
        for _ in 0..self.dice.within(0..3) {
            let (who, millis) = (self.anybody(), self.any_time());
            let away = self.dice.within(1000..60_000);
            self.add(millis, Operation::Offline { who });
            self.add(millis + away, Operation::Online { who });
        }
    }

    /// A change of membership or keys.
    fn change(&mut self, at: Option<u64>) {
        let spread = self.dice.within(0..200);
        let millis = at.map_or_else(|| self.any_time(), |at| at + spread);
        let (by, who, channel) = (self.anybody(), self.anybody(), self.anywhere());
        let role = *self.dice.pick(&[Rank::Lead, Rank::Member, Rank::Member, Rank::Observer]);
        let what = match self.dice.within(0..12) {
            0..4 => Operation::Renew { by, channel },
            4..7 => Operation::Admit { by, channel, who, role },
            7..10 => Operation::Remove { by, channel, who },
            10 => Operation::SetRole { by, channel, who, role },
            _ => Operation::Leave { by, channel },
        };
        self.add(millis, what);
        // Whoever went may come back.
        if self.dice.chance(400) {
            let later = self.dice.within(2000..30_000);
            let by = if self.dice.chance(500) { 0 } else { self.anybody() };
            self.add(millis + later, Operation::Admit { by, channel, who, role });
        }
    }

    fn disturb(&mut self, troubles: Troubles) {
        if troubles.bad_lines {
            self.bad_lines();
        }
        if troubles.partitions {
            self.partitions();
        }
        if troubles.relay_crashes {
            self.relay_crashes();
        }
        if troubles.device_crashes {
            for _ in 0..self.dice.within(1..6) {
                let (who, millis) = (self.anybody(), self.any_time());
                let (effects, down) = (self.effects(), self.dice.millis(50..40_000));
                self.add(millis, Operation::CrashDevice { who, effects, down });
            }
        }
        if troubles.disks {
            self.disks();
        }
        if troubles.clocks {
            for _ in 0..self.dice.within(1..4) {
                let millis = self.any_time();
                let node = self.any_node();
                let by = i64::try_from(self.dice.within(0..240_000)).unwrap_or_default() - 120_000;
                self.add(millis, Operation::Clock { node, ahead_ms: by });
            }
        }
        if troubles.revocations {
            let who = self.anybody();
            // An owner who is revoked leaves a channel that nobody may repair yet.
            if who != 0 {
                let millis = self.dice.within(GATHERED..self.length);
                self.add(millis, Operation::Revoke { who });
                // A lead of the same authority takes the device out of the group as well.
                if self.dice.chance(700) {
                    let by = self.officers[who];
                    let later = self.dice.within(1000..20_000);
                    self.add(millis + later, Operation::Remove { by, channel: 0, who });
                }
            }
        }
        if troubles.rogue {
            self.misdeeds();
        }
        if troubles.fork {
            self.forks();
        }
        if troubles.restore {
            self.restores();
        }
    }

    /// A relay is started on a copy of its disk that was kept a while ago.
    fn restores(&mut self) {
        let mut dice = self.dice.fork("restore");
        let count = dice.within(1..3);
        for _ in 0..count {
            // Mostly the first one, which orders the first channel.
            let authority = if dice.chance(750) { 0 } else { dice.index(self.authorities) };
            // A follower's copy from before it had the channel is mended by its hub, unless that was
            // set back as well, to before it gave the welcome out.
            let earliest = if authority == 0 || count == 1 { 200 } else { GATHERED };
            let kept = dice.within(earliest..self.length - 5000);
            let longest = *dice.pick(&[3000, 15_000, 60_000]);
            let age = dice.within(500..longest).min(self.length - kept);
            let down = dice.millis(50..30_000);
            self.add(kept, Operation::BackUp { authority });
            self.add(kept + age, Operation::Restore { authority, down });
        }
    }

    /// A relay shows some of those who are connected to it another history from some time on.
    fn forks(&mut self) {
        let mut dice = self.dice.fork("second history");
        // Mostly of the first one, which orders the first channel.
        let authority = if dice.chance(750) { 0 } else { dice.index(self.authorities) };
        let relay = world::relay_node(authority);
        let pairs = self.pairs().into_iter();
        let peers = pairs.filter_map(|pair| match pair {
            (one, other) if one == relay => Some(other),
            (one, other) if other == relay => Some(one),
            _ => None,
        });
        let shown_to: Vec<NodeId> = peers.filter(|_| dice.chance(450)).collect();
        let millis = dice.within(GATHERED / 2..self.length);
        let length = dice.within(5000..90_000);
        // A relay that can't be sure of its store begins anew, and then its two histories prove
        // nothing against it: this one is always sure.
        self.operations.retain(|timed| {
            !matches!(
                timed.what,
                Operation::CrashRelay { authority: whose, .. }
                | Operation::RelayDisk { authority: whose, .. }
                | Operation::FailCommit { authority: whose, .. } if whose == authority
            )
        });
        self.add(millis, Operation::Fork { authority, shown_to });
        self.add(millis + length, Operation::Unite { authority });
    }

    /// One officer's program is modified, and does one bad thing after the other.
    fn misdeeds(&mut self) {
        let mut dice = self.dice.fork("rogue");
        let officers = self.officers.len();
        let by = dice.index(officers);
        for _ in 0..dice.within(2..10) {
            let whom = (by + 1 + dice.index(officers - 1)) % officers;
            let channel = dice.index(self.channels);
            let rank = *dice.pick(&[Rank::Lead, Rank::Member, Rank::Observer]);
            let what = *dice.pick(&[
                Misdeed::Removal(whom),
                Misdeed::Removal(whom),
                Misdeed::Role(whom, rank),
                Misdeed::Role(by, Rank::Lead),
                Misdeed::List(whom),
                Misdeed::List(whom),
                Misdeed::Garbled,
                Misdeed::CutShort,
                Misdeed::AnothersName(whom),
                Misdeed::AnothersEnvelope(whom),
                Misdeed::Commitment,
                Misdeed::Quote,
                Misdeed::Contest,
            ]);
            let millis = dice.within(GATHERED / 2..self.length);
            self.add(millis, Operation::Misdeed { by, channel, what });
        }
    }

    fn bad_lines(&mut self) {
        let all = self.pairs();
        let begin = if self.dice.chance(300) { 0 } else { self.any_time() };
        for (one, other) in all {
            if self.dice.chance(500) {
                continue;
            }
            let quality = Quality {
                delay: self.dice.millis(1..200),
                jitter: self.dice.millis(0..150),
                loss: self.dice.within(0..80),
                duplication: self.dice.within(0..60),
                reordering: self.dice.within(0..200),
                bandwidth: *self.dice.pick(&[20_000, 200_000, 5_000_000, 100_000_000]),
                ..Quality::default()
            };
            let after = self.dice.within(0..2000);
            self.add(begin + after, Operation::Line { one, other, quality });
        }
    }

    fn partitions(&mut self) {
        for _ in 0..self.dice.within(1..5) {
            let pairs = self.pairs();
            let (one, other) = *self.dice.pick(&pairs);
            let (millis, length) = (self.any_time(), self.dice.within(500..70_000));
            let cut = Quality { cut: true, ..Quality::default() };
            self.add(millis, Operation::Line { one, other, quality: cut });
            self.add(millis + length, Operation::Line { one, other, quality: Quality::default() });
        }
    }

    fn relay_crashes(&mut self) {
        for _ in 0..self.dice.within(1..5) {
            let (authority, millis) = (self.dice.index(self.authorities), self.any_time());
            let down = self.dice.millis(50..40_000);
            if self.dice.chance(150) {
                self.add(millis, Operation::StopRelay { authority, down });
            } else {
                let effects = self.effects();
                self.add(millis, Operation::CrashRelay { authority, effects, down });
            }
        }
    }

    fn disks(&mut self) {
        for _ in 0..self.dice.within(1..5) {
            let (millis, length) = (self.any_time(), self.dice.within(100..20_000));
            let authority = self.dice.index(self.authorities);
            let who = self.anybody();
            match self.dice.within(0..4) {
                0 => {
                    self.add(millis, Operation::RelayDisk { authority, full: true });
                    self.add(millis + length, Operation::RelayDisk { authority, full: false });
                }
                1 => {
                    self.add(millis, Operation::DeviceDisk { who, full: true });
                    self.add(millis + length, Operation::DeviceDisk { who, full: false });
                }
                kept => self.add(millis, Operation::FailCommit { authority, kept: kept == 2 }),
            }
        }
    }

    /// Mostly soon: then something is under way.
    fn effects(&mut self) -> u64 {
        let limit = *self.dice.pick(&[1, 4, 12, 40]);
        self.dice.within(0..limit)
    }

    fn any_node(&mut self) -> NodeId {
        let nodes = self.nodes();
        *self.dice.pick(&nodes)
    }

    fn nodes(&self) -> Vec<NodeId> {
        let relays = (0..self.authorities).map(world::relay_node);
        relays.chain((0..self.officers.len()).map(world::officer_node)).collect()
    }

    /// Relays with each other, and officers with their relay.
    fn pairs(&self) -> Vec<(NodeId, NodeId)> {
        let mut pairs = Vec::new();
        for one in 0..self.authorities {
            for other in one + 1..self.authorities {
                pairs.push((world::relay_node(one), world::relay_node(other)));
            }
        }
        for (officer, authority) in self.officers.iter().enumerate() {
            pairs.push((world::officer_node(officer), world::relay_node(*authority)));
        }
        pairs
    }
}

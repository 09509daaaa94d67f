//! What authorities publish of devices that are revoked or suspended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use enlace_identity::certificate::Serial;
use enlace_identity::suspension::Suspended;
use enlace_identity::time::Validity;

use super::nodes::Nodes;
use crate::clock::START;
use crate::facts::DeviceId;
use crate::world::World;

/// What one authority has published.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// Devices whose certificate is revoked.
    revoked: Vec<usize>,
    statement: Option<Statement>,
    /// What devices got after the certificate that they were enrolled with.
    pub(super) issued: BTreeMap<usize, Vec<Issued>>,
}

/// A certificate.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) serial: Serial,
    pub(super) validity: Validity,
}

/// The newest statement about suspensions.
#[derive(Clone, Debug)]
struct Statement {
    serial: u64,
    /// By their text, as they stand in it.
    suspended: Vec<Suspended>,
    /// When it was made and when it ends, since the start of the run.
    issued: Duration,
    until: Duration,
}

impl Nodes {
    /// A device's certificate is revoked.
    pub(super) fn revoke(&mut self, who: usize) {
        let authority = self.officers[who].authority;
        let revoked = &mut self.published.entry(authority).or_default().revoked;
        if !revoked.contains(&who) {
            revoked.push(who);
        }
        self.publish(authority);
        self.journal.facts().revoked.insert(self.officers[who].device());
        self.note_cut_off();
    }

    /// A device is suspended, or all of its officer's, with whoever is now.
    pub(super) fn suspend(&mut self, who: usize, all: bool, length: Duration) {
        let officer = &self.officers[who];
        let name = officer.credential().device_name();
        let named = match all {
            true => Suspended::Officer(name.officer().clone()),
            false => Suspended::Device(name.clone()),
        };
        let mut suspended = self.stated(officer.authority);
        suspended.push(named);
        self.state_suspended(officer.authority, suspended, length);
        let suspended = self.suspended();
        self.journal.facts().once_suspended.extend(suspended);
        self.note_cut_off();
    }

    /// The suspension of an officer's devices is lifted.
    pub(super) fn lift(&mut self, who: usize, length: Duration) -> anyhow::Result<()> {
        let officer = &self.officers[who];
        let mut suspended = self.stated(officer.authority);
        let before = suspended.len();
        suspended.retain(|one| match one {
            Suspended::Device(device) => device.officer() != officer.address(),
            Suspended::Officer(address) => address != officer.address(),
        });
        anyhow::ensure!(suspended.len() < before, "it is not suspended");
        self.state_suspended(officer.authority, suspended, length);
        Ok(())
    }

    /// Whether a device's certificate is revoked.
    pub(super) fn is_revoked(&self, who: usize) -> bool {
        let published = self.published.get(&self.officers[who].authority);
        published.is_some_and(|published| published.revoked.contains(&who))
    }

    /// The devices that are suspended now.
    pub(super) fn suspended(&self) -> BTreeSet<DeviceId> {
        let is_suspended = |officer: &&crate::officer::OfficerNode| {
            let name = officer.credential().device_name();
            self.stated(officer.authority).iter().any(|one| one.covers(name))
        };
        self.officers.iter().filter(is_suspended).map(|officer| officer.device()).collect()
    }

    /// Whether a suspension will be over before long.
    pub(super) fn awaits_an_end(&self) -> bool {
        let ends = |authority: &usize| {
            let statement = self.published[authority].statement.as_ref();
            statement.is_some_and(|statement| statement.until < self.calendar.elapsed() + SOON)
        };
        self.published
            .keys()
            .any(|authority| ends(authority) && !self.stated(*authority).is_empty())
    }

    /// Whom an authority suspends now.
    fn stated(&self, authority: usize) -> Vec<Suspended> {
        let statement = self.published.get(&authority).and_then(|it| it.statement.as_ref());
        let statement = statement.filter(|statement| self.calendar.elapsed() < statement.until);
        statement.map(|statement| statement.suspended.clone()).unwrap_or_default()
    }

    fn state_suspended(
        &mut self,
        authority: usize,
        mut suspended: Vec<Suspended>,
        length: Duration,
    ) {
        suspended.sort_by_key(ToString::to_string);
        suspended.dedup();
        let issued = self.calendar.elapsed();
        let published = self.published.entry(authority).or_default();
        let serial = 1 + published.statement.as_ref().map_or(0, |statement| statement.serial);
        let until = issued + length;
        published.statement = Some(Statement { serial, suspended, issued, until });
        self.publish(authority);
    }

    /// An authority's relay gets what it has published.
    fn publish(&mut self, authority: usize) {
        let published = &self.published[&authority];
        let mut serials: Vec<&Serial> = published
            .revoked
            .iter()
            .map(|number| &self.officers[*number].credential().serial)
            .collect();
        let renewed = published.revoked.iter().filter_map(|number| published.issued.get(number));
        serials.extend(renewed.flatten().map(|issued| &issued.serial));
        let number = 1 + serials.len() as u64;
        let world = &World::get().authorities[authority];
        let mut lists = world.lists(number, &serials);
        lists.extend(published.statement.as_ref().map(|statement| {
            let Statement { serial, suspended, issued, until } = statement;
            world.suspensions(*serial, START.plus(*issued), START.plus(*until), suspended.clone())
        }));
        self.relays[authority].take_lists(lists);
    }
}

/// A suspension or a mandate that ends within this time is waited for in the end.
pub(super) const SOON: Duration = Duration::from_secs(3600);

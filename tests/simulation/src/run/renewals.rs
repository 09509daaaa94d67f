//! Certificates that end, and registrars who issue the next ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::LeafName;
use enlace_identity::time::{Timestamp, Validity};
use enlace_identity::warnings::alarm;

use super::nodes::Nodes;
use super::published::Issued;
use crate::clock::START;
use crate::facts::{DeviceId, Renewed};
use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is left of every certificate when days pass: nobody is put out by its end who could have had the next
/// one, and a day passes in the end without anybody's asking.
const RESERVE: u64 = 2;

/// Lists that relays have from the beginning hold so long.
const LISTS_HOLD: u64 = 28;

/// Certificates that are issued in the end outlive the run.
const LONG: u64 = 60;

/// In so many rounds everybody has one of those.
const ROUNDS: usize = 6;

/// In so long a program that is started again has its answers.
const MORNING: Duration = Duration::from_secs(30);

/// How long it may take until all programs have noticed that a day is over.
const LOOKED: Duration = Duration::from_secs(150);

impl Nodes {
    /// Days pass, unless a certificate would end before its device could have the next one.
    pub(super) fn pass_days(&mut self, days: u64) -> anyhow::Result<()> {
        if self.exchange.is_some() {
            self.note_certificates();
            let then = START.plus(self.calendar.elapsed()).plus(days_of(days + RESERVE));
            ensure!(then < START.plus(days_of(LISTS_HOLD)), "revocation lists would end");
            for (number, officer) in self.officers.iter().enumerate() {
                let lasts = self.is_revoked(number) || then < officer.least_end();
                ensure!(lasts, "a certificate of {} would end", officer.device());
            }
        }
        self.calendar.pass(days);
        Ok(())
    }

    /// A registrar looks at what is asked for, and issues what is due for so many days.
    pub(super) fn issue_due(&mut self, authority: usize, days: u64) -> anyhow::Result<()> {
        let directory =
            self.relays[authority].renewals().context("no certificate ends")?.to_owned();
        let mut answered = Vec::new();
        for path in files_in(&directory.join("requests"))? {
            let request = CertificateRequest::from_pem(&fs::read_to_string(&path)?)?;
            let name = request.name().context("a request names its device")?.clone();
            if let Some(pem) = self.issue(&name, &request, days)? {
                fs::write(directory.join("issued").join(format!("{}.pem", name.as_str())), pem)?;
                fs::remove_file(&path)?;
                answered.push(name.to_string());
            }
        }
        ensure!(!answered.is_empty(), "nothing is due");
        self.journal.operation(format!("issued: {}", answered.join(", ")));
        Ok(())
    }

    /// Whoever has a good certificate of that name and key, of which half is over, gets the next one.
    fn issue(
        &mut self,
        name: &LeafName,
        request: &CertificateRequest,
        days: u64,
    ) -> anyhow::Result<Option<String>> {
        let is_it = |device: DeviceId| device == name.as_str();
        let number = self.officers.iter().position(|officer| is_it(officer.device()));
        let number = number.context("nobody has that name")?;
        let officer = &self.officers[number];
        let authority = officer.authority;
        let now = START.plus(self.calendar.elapsed());
        let is_own = request.public_key() == officer.credential().key.public();
        let published = self.published.entry(authority).or_default();
        let issued = published.issued.entry(number).or_default();
        let newest = issued.last().map_or(officer.certificate(), |issued| issued.validity);
        let is_due = alarm(newest, now).is_some() && newest.check(now).is_ok();
        if !is_own || !is_due || self.is_revoked(number) {
            return Ok(None);
        }
        let validity =
            Validity { not_before: now.minus(DAY / 24), not_after: now.plus(days_of(days)) };
        let issued = self.published.entry(authority).or_default().issued.entry(number).or_default();
        let world = &World::get().authorities[authority];
        let (chain, serial) = world.next_certificate(name, request, issued.len(), validity)?;
        issued.push(Issued { serial, validity });
        Ok(Some(chain.to_pem()))
    }

    /// Notes who has a later certificate than at the last look.
    pub(super) fn note_certificates(&mut self) {
        if self.exchange.is_none() {
            return;
        }
        for officer in &mut self.officers {
            if !officer.sees_later_certificate() {
                continue;
            }
            let (device, until) = (officer.device(), officer.certificate().not_after);
            let days = until.since(START).as_secs() / DAY.as_secs();
            self.journal.of(device.clone()).observed(format!("its certificate ends on day {days}"));
            let (at, until) = (self.began.elapsed(), until.as_millis());
            self.journal.facts().renewed.push(Renewed { at, device, until });
        }
    }

    /// Notes since when each device is cut off that is.
    pub(super) fn note_cut_off(&self) {
        let (suspended, at) = (self.suspended(), self.began.elapsed());
        let mut facts = self.journal.facts();
        let now: BTreeSet<DeviceId> = facts.revoked.union(&suspended).cloned().collect();
        facts.cut_off_at.retain(|device, _| now.contains(device));
        for device in now {
            facts.cut_off_at.entry(device).or_insert(at);
        }
    }

    /// Where certificates end soon: everybody gets one that outlives the run, before the present one ends; then
    /// all those end that there were before.
    pub(super) async fn renew_all(&mut self) {
        for _ in 0..ROUNDS {
            self.note_certificates();
            let Some(next) = self.next_to_end() else { break };
            if let Err(why) = self.wait_until(next.not_before.plus(halved(next))) {
                self.journal.operation(format!("no more days pass: {why:#}"));
                break;
            }
            self.morning().await;
        }
        if self.exchange.is_some() {
            self.settle().await;
            let last = self.last_end();
            if let Err(why) = self.wait_until(last) {
                self.journal.operation(format!("no more days pass: {why:#}"));
            }
            tokio::time::sleep(LOOKED).await;
            self.note_cut_off();
        }
    }

    /// Everybody starts the program, which asks for what is due; the registrars answer; everybody starts it again.
    async fn morning(&mut self) {
        let now = START.plus(self.calendar.elapsed());
        let mut due = Vec::new();
        for (number, officer) in self.officers.iter().enumerate() {
            let present = officer.certificate();
            if alarm(present, now).is_some() && !self.is_cut_off(number) {
                due.push((officer.device(), present.not_after.as_millis()));
            }
        }
        self.start_programs().await;
        for authority in 0..self.relays.len() {
            if let Err(why) = self.issue_due(authority, LONG) {
                self.journal.operation(format!("registrar {authority}: {why:#}"));
            }
        }
        self.start_programs().await;
        self.note_certificates();
        self.journal.facts().due.extend(due);
    }

    async fn start_programs(&mut self) {
        for officer in &mut self.officers {
            officer.go_offline();
            officer.go_online(&self.journal);
        }
        tokio::time::sleep(MORNING).await;
    }

    fn wait_until(&mut self, then: Timestamp) -> anyhow::Result<()> {
        let left = then.since(START.plus(self.calendar.elapsed()));
        match left.as_secs().div_ceil(DAY.as_secs()) {
            0 => {}
            days => {
                self.pass_days(days)?;
                self.journal.operation(format!("{days} days pass"));
            }
        }
        Ok(())
    }

    /// Of those that end in the run, the one that ends first.
    fn next_to_end(&self) -> Option<Validity> {
        let ends_soon = |validity: &Validity| validity.not_after < START.plus(days_of(LISTS_HOLD));
        let officers = self.officers.iter().enumerate();
        let all = officers.filter(|(number, _)| !self.is_cut_off(*number));
        let present = all.map(|(_, officer)| officer.certificate()).filter(ends_soon);
        self.exchange.as_ref()?;
        present.min_by_key(|validity| validity.not_after)
    }

    /// When the last one ends of those that end in the run.
    fn last_end(&self) -> Timestamp {
        let facts = self.journal.facts();
        let known = facts.due.values().copied().chain(facts.renewed.iter().map(|it| it.until));
        let ends =
            known.map(|millis| START.plus(Duration::from_millis(millis - START.as_millis())));
        let soon = ends.filter(|end| *end < START.plus(days_of(LISTS_HOLD)));
        soon.max().unwrap_or(START)
    }

    fn is_cut_off(&self, number: usize) -> bool {
        let device = self.officers[number].device();
        self.is_revoked(number)
            || self.suspended().contains(&device)
            || self.dropped().contains(&device)
    }

    /// Whether somebody stands in a channel with another certificate than the device has.
    pub(super) fn has_former_leaves(&self, who: usize, channel: enlace_log::ChannelId) -> bool {
        let officer = &self.officers[who];
        let Some(client) = officer.client().filter(|_| self.exchange.is_some()) else {
            return false;
        };
        let leaves = client.certificates_in(channel).unwrap_or_default();
        let own = leaves.get(officer.credential().device_name());
        let present = client.certificate().map(|leaf| leaf.not_after());
        own.is_some_and(|own| present.is_ok_and(|present| present != *own))
    }
}

/// So many days.
pub(super) fn days_of(days: u64) -> Duration {
    DAY * u32::try_from(days).unwrap_or(u32::MAX)
}

fn halved(validity: Validity) -> Duration {
    validity.not_after.since(validity.not_before) / 2
}

/// Sorted; none, where nobody has asked yet.
fn files_in(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for file in fs::read_dir(directory)? {
        files.push(file?.path());
    }
    files.sort();
    Ok(files)
}

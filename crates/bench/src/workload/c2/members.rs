//! The forum in memory, and what its members do.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use enlace_channel::mls::Suite;
use enlace_log::Seq;
use enlace_proto::relay::v1::SubmitRequest;
use enlace_test_authorities::Network;
use prost::Message as _;

use super::parallel::each;
use crate::case::{Author, BareMember, Hub, Newcomer};
use crate::cpu::{Meter, this_thread};

/// A guide who owns the forum, its members, and one of whom only the MLS group is there.
pub(super) struct Forum {
    network: Network,
    hub: Hub,
    suite: Suite,
    guide: Author,
    members: Vec<Member>,
    bare: Option<BareMember>,
    enrolled: usize,
}

struct Member {
    author: Author,
    joining: Duration,
    notes: Duration,
    changes: Duration,
}

/// A batch of officers who were let in.
pub(super) struct Batch {
    pub(super) admitted: usize,
    /// The lead's CPU time.
    pub(super) making: Duration,
    pub(super) commit_bytes: usize,
    pub(super) welcome_bytes: usize,
    /// What those who came did.
    pub(super) joining: Round,
    /// What those did who were there.
    pub(super) round: Round,
}

/// What each member did for something.
#[derive(Default)]
pub(super) struct Round {
    pub(super) each: Vec<Duration>,
    /// What MLS alone takes.
    pub(super) bare: Option<Duration>,
    /// What travels to each.
    pub(super) bytes: usize,
}

/// What a member takes in.
#[derive(Clone, Copy)]
enum Kind {
    Note,
    Change,
}

impl Forum {
    pub(super) fn open(suite: Suite) -> Result<Self> {
        let network = Network::new(&["a.example"]);
        let mut hub = Hub::new(&network.authorities[0]);
        let (mut guide, first) = Newcomer::new(&network, "guide", &hub)?.open_forum(&hub, suite)?;
        hub.accept(&first)?;
        guide.take_in(&hub)?;
        let (members, bare) = (Vec::new(), None);
        Ok(Self { network, hub, suite, guide, members, bare, enrolled: 0 })
    }

    /// The guide and the bare one included.
    pub(super) fn members(&self) -> usize {
        1 + self.members.len() + usize::from(self.bare.is_some())
    }

    /// Lets so many in with one change; with the last of them one who has MLS alone.
    pub(super) fn admit(&mut self, count: usize, missing: usize) -> Result<Batch> {
        let mut bare = None;
        let mut admissions = Vec::new();
        if count == missing {
            let member = BareMember::new(&self.network, "bare")?;
            admissions.push(member.admission_to(self.suite)?);
            bare = Some(member);
        }
        let mut newcomers = Vec::new();
        while admissions.len() < count {
            self.enrolled += 1;
            let name = format!("o{}", self.enrolled);
            let newcomer = Newcomer::new(&self.network, &name, &self.hub)?;
            admissions.push(newcomer.admission_to(self.suite)?);
            newcomers.push(newcomer);
        }
        let mut meter = Meter::new(&[std::process::id()]);
        let before = meter.sample()?;
        let request = self.guide.admit(admissions)?;
        let seq = self.hub.accept(&request)?;
        self.guide.take_in(&self.hub)?;
        let making = meter.sample()?.saturating_sub(before);
        let round = self.take_in(seq, Kind::Change)?;

        let offer = self.hub.offer(seq, &request)?;
        let joined = each(newcomers, |newcomer| {
            let started = this_thread()?;
            let author = newcomer.join(&offer)?;
            let joining = this_thread()?.saturating_sub(started);
            let (notes, changes) = (Duration::ZERO, Duration::ZERO);
            Ok(Member { author, joining, notes, changes })
        })?;
        let took = joined.iter().map(|member| member.joining).collect();
        let mut joining = Round { each: took, ..Round::default() };
        self.members.extend(joined);
        if let Some(mut member) = bare {
            let started = this_thread()?;
            member.join(&request)?;
            joining.bare = Some(this_thread()?.saturating_sub(started));
            self.bare = Some(member);
        }
        let welcome = request.welcomes.first().map_or(0, |welcome| welcome.message.len());
        Ok(Batch {
            admitted: count,
            making,
            commit_bytes: request.payload.len(),
            welcome_bytes: welcome,
            joining,
            round,
        })
    }

    /// Several rounds as one: what each member did on the average.
    pub(super) fn repeat(
        &mut self,
        times: u32,
        round: fn(&mut Self) -> Result<Round>,
    ) -> Result<Round> {
        let mut sum = Round::default();
        for _ in 0..times {
            let round = round(self)?;
            sum.each.resize(round.each.len(), Duration::ZERO);
            sum.each.iter_mut().zip(&round.each).for_each(|(sum, one)| *sum += *one / times);
            sum.bare = Some(sum.bare.unwrap_or_default() + round.bare.unwrap_or_default() / times);
            sum.bytes = round.bytes;
        }
        Ok(sum)
    }

    /// The guide publishes, and all read it.
    pub(super) fn publish(&mut self) -> Result<Round> {
        let newest = self.hub.head_at(Seq(self.hub.next().0 - 1)).quoted();
        let note = self.guide.note(&crate::case::text(1), newest)?;
        self.order(&note.request, Kind::Note)
    }

    /// The guide renews its keys.
    pub(super) fn renew(&mut self) -> Result<Round> {
        let request = self.guide.renew()?;
        self.order(&request, Kind::Change)
    }

    /// The guide takes the first member out.
    pub(super) fn remove_one(&mut self) -> Result<Round> {
        let gone = self.members.first().context("there is a member")?.author.officer();
        let request = self.guide.remove(gone)?;
        self.order(&request, Kind::Change)
    }

    /// Bytes in the store of each.
    pub(super) fn stored(&self) -> Vec<usize> {
        self.members.iter().map(|member| member.author.stored()).collect()
    }

    /// What each did and holds so far: a line of comma-separated values for each.
    pub(super) fn table(&self) -> String {
        let mut table = "member,joining_us,notes_us,changes_us,stored_bytes\n".to_owned();
        for (number, member) in self.members.iter().enumerate() {
            let Member { author, joining, notes, changes } = member;
            let [joining, notes, changes] = [joining, notes, changes].map(|time| time.as_micros());
            let stored = author.stored();
            let _ = writeln!(table, "{},{joining},{notes},{changes},{stored}", number + 1);
        }
        table
    }

    fn order(&mut self, request: &SubmitRequest, kind: Kind) -> Result<Round> {
        let seq = self.hub.accept(request)?;
        self.guide.take_in(&self.hub)?;
        self.take_in(seq, kind)
    }

    fn take_in(&mut self, seq: Seq, kind: Kind) -> Result<Round> {
        let hub = &self.hub;
        let took = each(self.members.iter_mut().collect(), |member| {
            let started = this_thread()?;
            member.author.take_in(hub)?;
            let took = this_thread()?.saturating_sub(started);
            match kind {
                Kind::Note => member.notes += took,
                Kind::Change => member.changes += took,
            }
            Ok(took)
        })?;
        let mut round = Round { each: took, ..Round::default() };
        let (items, _) = self.hub.batch(seq.0..seq.0 + 1)?;
        if let Some(bare) = &mut self.bare {
            let started = this_thread()?;
            match kind {
                Kind::Note => _ = bare.decrypt(&items[0])?,
                Kind::Change => bare.process(&items[0])?,
            }
            round.bare = Some(this_thread()?.saturating_sub(started));
        }
        round.bytes = self.hub.batch_on_the_wire(seq.0..seq.0 + 1)?.encoded_len();
        Ok(round)
    }
}

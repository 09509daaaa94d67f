//! A channel with real MLS, whose log this process orders: what a client has to do, and nothing of
//! networks and relays.
//!
//! ```text
//! Author (MLS in memory) ── items ──> Hub ── batches, welcomes ──┬─> Reader: the client's engine
//!                                                                └─> Bare:   the parts by themselves
//! ```

mod author;
mod bare;
mod hub;
mod reader;
mod traffic;

use anyhow::{Context as _, Result};
use enlace_channel::channel::{Admission, Device};
use enlace_channel::mls::{Provider, Suite, generate_key_package};
use enlace_channel::policy::Role;
use enlace_log::Seq;
use enlace_proto::relay::v1::SubmitRequest;
use enlace_test_authorities::{Authority, Network};

pub(crate) use self::author::{Author, Newcomer, Note};
pub(crate) use self::bare::{BareMember, BareStore, check};
pub(crate) use self::hub::Hub;
pub(crate) use self::reader::{Profile, Reader};
pub(crate) use self::traffic::written;

/// Of every case channel.
const SUITE: Suite = Suite::PostQuantum;

/// Officers that one commit admits: building it costs more than in proportion.
const AT_ONCE: usize = 125;

/// A channel, who orders it, and its owner.
pub(crate) struct Case {
    /// One authority.
    pub(crate) network: Network,
    /// Who orders its items.
    pub(crate) hub: Hub,
    owner: Author,
    members: usize,
}

impl Case {
    /// Opens one.
    pub(crate) fn open() -> Result<Self> {
        let network = Network::new(&["a.example"]);
        let mut hub = Hub::new(&network.authorities[0]);
        let (mut owner, first) = Newcomer::new(&network, "owner", &hub)?.open(&hub)?;
        hub.accept(&first)?;
        owner.take_in(&hub)?;
        Ok(Self { network, hub, owner, members: 1 })
    }

    /// Admits officers of whom nothing more is heard, until there are so many members.
    pub(crate) fn fill(&mut self, members: usize) -> Result<()> {
        while self.members < members {
            let numbers = self.members..members.min(self.members + AT_ONCE);
            let admissions = numbers.map(|number| {
                Newcomer::new(&self.network, &format!("o{number}"), &self.hub)?.admission()
            });
            let admissions = admissions.collect::<Result<_>>()?;
            self.admit(admissions)?;
        }
        Ok(())
    }

    /// Admits officers with one commit; returns its place, and what came with it.
    pub(crate) fn admit(&mut self, admissions: Vec<Admission>) -> Result<(Seq, SubmitRequest)> {
        self.members += admissions.len();
        let request = self.owner.admit(admissions)?;
        Ok((self.accept_from_owner(&request)?, request))
    }

    /// The owner renews its keys: a commit for the others.
    pub(crate) fn renew(&mut self) -> Result<Seq> {
        let request = self.owner.renew()?;
        self.accept_from_owner(&request)
    }

    /// The owner and others write so many notes in turn, each when it has read all that came before.
    pub(crate) fn write(&mut self, others: &mut [Author], count: u64) -> Result<Vec<Note>> {
        let mut notes = Vec::new();
        for number in 0..count {
            let turn = number as usize % (others.len() + 1);
            let author = others.get_mut(turn).unwrap_or(&mut self.owner);
            let newest = self.hub.head_at(Seq(self.hub.next().0 - 1)).quoted();
            let note = author.note(&text(number), newest)?;
            self.hub.accept(&note.request)?;
            notes.push(note);
        }
        Ok(notes)
    }

    fn accept_from_owner(&mut self, request: &SubmitRequest) -> Result<Seq> {
        let seq = self.hub.accept(request)?;
        self.owner.take_in(&self.hub)?;
        Ok(seq)
    }
}

/// 200 characters, of which a few take two bytes; no two alike.
pub(crate) fn text(number: u64) -> String {
    let text = "La ciudadanía pidió información. ".chars().cycle();
    format!("{number:05} ").chars().chain(text).take(200).collect()
}

/// A new device of an officer.
fn device(authority: &Authority, officer: &str) -> Device {
    let (name, credential) = authority.device(officer);
    Device { name, key: credential.key, chain: credential.chain }
}

/// What it takes to admit a device: a key package, whose private keys go to the provider's store.
fn admission(device: &Device, provider: &Provider<'_>, suite: Suite) -> Result<Admission> {
    let package = generate_key_package(provider, &device.key, &device.chain, suite, false);
    let key_package = package.context("a key package cannot be made")?.message;
    Ok(Admission { officer: device.name.officer().clone(), role: Role::Member, key_package })
}

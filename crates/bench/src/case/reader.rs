//! The client under test: its engine on an SQLCipher file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use enlace_channel::channel::{Admission, Device};
use enlace_channel::entry::TimeZone;
use enlace_channel::mls::Backend;
use enlace_channel::policy::Role;
use enlace_client::engine::{Action, Answer, Engine, Lanes, NewNote, Wish};
use enlace_client::store::SqlCipher;
use enlace_identity::keys::Passphrase;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{self as wire, LeaseResponse, SubmitResponse, WelcomeDelivery};
use enlace_test_authorities::{Network, START};
use enlace_transport::Trust;

use super::{Hub, SUITE, device};

/// Everybody's.
const PASSPHRASE: &str = "correct horse battery staple";

/// A device with its file, closed.
pub(crate) struct Profile {
    device: Device,
    trust: Trust,
    file: PathBuf,
}

/// The program, running.
pub(crate) struct Reader {
    engine: Engine,
    lanes: Lanes,
    profile: Profile,
}

impl Profile {
    /// A new device of the network's first authority, with a file in that directory.
    pub(crate) fn new(network: &Network, dir: &Path) -> Self {
        let authority = &network.authorities[0];
        let (device, trust) = (device(authority, "reader"), network.trust(authority));
        Self { device, trust, file: dir.join("reader.db") }
    }

    /// Starts the program: everything that is done before the relay is asked for the first time.
    pub(crate) fn start(self) -> Result<Reader> {
        let store = self.open()?;
        self.start_on(store)
    }

    /// Opens the file alone: most of that time goes into deriving its key.
    pub(crate) fn open(&self) -> Result<SqlCipher> {
        Ok(SqlCipher::open(&self.file, &Passphrase::new(PASSPHRASE))?)
    }

    /// What follows once the file is open.
    pub(crate) fn start_on(self, store: SqlCipher) -> Result<Reader> {
        let Device { name, key, chain } = &self.device;
        let device = Device { name: name.clone(), key: key.clone(), chain: chain.clone() };
        let mut engine = Engine::new(Box::new(store), device, Backend::new()?, self.trust.clone());
        engine.load_crls()?;
        engine.check_submit_counter(0)?;
        engine.followed()?;
        engine.renew_keys()?;
        let mut lanes = Lanes::default();
        engine.plan(&mut lanes)?;
        Ok(Reader { engine, lanes, profile: self })
    }
}

impl Reader {
    /// Ends the program.
    pub(crate) fn end(self) -> Profile {
        self.profile
    }

    /// A key package of its, as its relay would give it out.
    pub(crate) fn admission(&mut self) -> Result<Admission> {
        let published = self.engine.fill_pool(SUITE, 0)?;
        self.engine.published(&published)?;
        let key_package = published.key_packages.into_iter().next();
        Ok(Admission {
            officer: self.profile.device.name.officer().clone(),
            role: Role::Member,
            key_package: key_package.context("an empty pool is filled")?,
        })
    }

    /// Joins.
    pub(crate) fn join(&mut self, welcome: WelcomeDelivery) -> Result<()> {
        self.engine.take_welcome(welcome)?;
        Ok(())
    }

    /// Takes a batch in.
    pub(crate) fn receive(&mut self, batch: wire::Items) -> Result<()> {
        let channel = batch.channel.context("a batch names its channel")?;
        let channel = ChannelId::try_from(&channel.value[..])?;
        let head = batch.head.context("a batch has a head")?;
        self.engine.receive(channel, batch.items, &head)?;
        Ok(())
    }

    /// Signs a note, encrypts it and puts it in the outbox.
    pub(crate) fn post(&mut self, channel: ChannelId, text: &str) -> Result<()> {
        let note = NewNote {
            text: text.to_owned(),
            handling: None,
            restriction: None,
            time_zone: TimeZone::utc(),
            client_id: None,
        };
        self.engine.post(channel, note)?;
        Ok(())
    }

    /// Asks for new keys; the commit is made when it is submitted.
    pub(crate) fn wish_for_new_keys(&mut self, channel: ChannelId) -> Result<()> {
        self.engine.wish(channel, Wish::RenewKeys)?;
        // The lease.
        match self.next_call()? {
            action @ Action::Lease(..) => {
                let lease = LeaseResponse { expires_in_ms: 600_000, fence: u64::MAX };
                self.engine.take_answer(&action, Answer::Leased(lease), &mut self.lanes)?;
                Ok(())
            }
            action => bail!("a commit begins with a lease, not with {action:?}"),
        }
    }

    /// Submits what waits, and takes the hub's answer; returns its place, and how long it took to
    /// make it.
    pub(crate) fn submit(&mut self, hub: &mut Hub) -> Result<(Seq, Duration)> {
        let started = Instant::now();
        let action = self.next_call()?;
        let elapsed = started.elapsed();
        let Action::Submit(_, _, request) = &action else {
            bail!("an item is submitted, not {action:?}")
        };
        let seq = hub.accept(request)?;
        let head = Some(hub.head_at(seq).to_wire());
        let accepted = SubmitResponse { seq: seq.0, received_at_ms: START.as_millis(), head };
        self.engine.take_answer(&action, Answer::Accepted(accepted), &mut self.lanes)?;
        Ok((seq, elapsed))
    }

    fn next_call(&mut self) -> Result<Action> {
        self.engine.plan(&mut self.lanes)?.actions.pop().context("there is something to call")
    }
}

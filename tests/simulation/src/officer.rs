//! An officer's device as a node: the real SDK on a simulated socket and a store in memory.

mod certificate;
mod disk;
mod rogue;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_client::notice::Notice;
use enlace_client::{Client, ClientEvent};
use enlace_identity::entropy::Entropy;
use enlace_identity::names::OfficerAddress;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use self::certificate::Certificate;
use self::disk::Disk;
use crate::clock::NodeClock;
use crate::facts::DeviceId;
use crate::network::{Network, NodeId, NodeRuntime};
use crate::power::Power;
use crate::run::Journal;
use crate::world::{self, Credential};

/// How long an officer waits before starting a program again that gave up.
const AGAIN: Duration = Duration::from_secs(5);

/// A device over all its lives.
pub struct OfficerNode {
    /// Its number.
    pub number: usize,
    /// Its authority.
    pub authority: usize,
    /// Its place in the network.
    pub node: NodeId,
    /// Its clock.
    pub clock: Arc<NodeClock>,
    credential: &'static Credential,
    certificate: Certificate,
    disk: Disk,
    /// The copy of the disk that was kept last.
    copy: Option<Disk>,
    entropy: Entropy,
    online: bool,
    lives: u32,
    life: Option<Life>,
}

struct Life {
    client: Client,
    power: Power,
    runtime: Arc<NodeRuntime>,
    sync: Option<JoinHandle<()>>,
    watcher: JoinHandle<()>,
}

impl OfficerNode {
    /// A device that was enrolled and has never run.
    ///
    /// # Errors
    /// When its disk can't be made.
    pub fn new(
        number: usize,
        authority: usize,
        credential: &'static Credential,
        clock: NodeClock,
        entropy: Entropy,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            number,
            authority,
            node: world::officer_node(number),
            clock: Arc::new(clock),
            credential,
            certificate: Certificate::of(credential)?,
            disk: Disk::new()?,
            copy: None,
            entropy,
            online: true,
            lives: 0,
            life: None,
        })
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.credential.device_name().to_string()
    }

    /// The officer's address.
    #[must_use]
    pub fn address(&self) -> &OfficerAddress {
        self.credential.address()
    }

    /// What identifies it.
    #[must_use]
    pub fn credential(&self) -> &'static Credential {
        self.credential
    }

    /// The SDK, if the program runs and has power.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.life.as_ref().filter(|life| life.power.is_on()).map(|life| &life.client)
    }

    /// The power of its present life.
    #[must_use]
    pub fn power(&self) -> Option<&Power> {
        self.life.as_ref().map(|life| &life.power)
    }

    /// Starts the program on what its disk holds, online or not, as it was before.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start(&mut self, network: &Network, journal: &Journal) -> anyhow::Result<()> {
        self.lives += 1;
        let (power, runtime) = (Power::default(), Arc::new(NodeRuntime::default()));
        let client = self.open(network, &power, &runtime)?;
        consent(&client);
        resume(&client, &power, &journal.of(self.device()));
        let watcher = tokio::spawn(watch(client.clone(), power.clone(), journal.of(self.device())));
        self.life = Some(Life { client, power, runtime, sync: None, watcher });
        if self.online {
            self.go_online(journal);
        }
        Ok(())
    }

    /// Stays in touch with the relay from now on.
    pub fn go_online(&mut self, journal: &Journal) {
        self.online = true;
        let journal = journal.of(self.device());
        let Some(life) = &mut self.life else { return };
        if life.sync.is_none() {
            let client = life.client.clone();
            life.sync = Some(tokio::spawn(sync(client, journal)));
        }
    }

    /// Whether it stays in touch with the relay.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// Loses touch, wherever that is.
    pub fn go_offline(&mut self) {
        self.online = false;
        if let Some(sync) = self.life.as_mut().and_then(|life| life.sync.take()) {
            sync.abort();
        }
    }

    /// Takes its power; nothing of it is left but its disk.
    pub async fn crash(&mut self) {
        let Some(life) = self.life.take() else { return };
        life.power.cut_after(0);
        life.watcher.abort();
        let _ = life.watcher.await;
        if let Some(sync) = life.sync {
            sync.abort();
            let _ = sync.await;
        }
        drop(life.client);
        life.runtime.end();
        tokio::task::yield_now().await;
    }

    /// Keeps a copy of its disk, which may be in use.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn keep_copy(&mut self) -> anyhow::Result<()> {
        self.copy = Some(self.disk.copy()?);
        self.certificate.is_copied();
        Ok(())
    }

    /// Takes its power; the last copy takes its disk's place.
    ///
    /// # Errors
    /// When no copy was kept.
    pub async fn set_back(&mut self) -> anyhow::Result<()> {
        let copy = self.copy.as_ref().ok_or_else(|| anyhow::anyhow!("no copy was kept"))?;
        let disk = copy.copy()?;
        self.crash().await;
        self.disk = disk;
        Ok(())
    }

    /// Fills its disk, or empties it.
    pub fn fill_disk(&self, full: bool) {
        self.disk.fill(full);
    }
}

/// Syncs for as long as the officer wants it: whoever gives up is started again.
async fn sync(client: Client, journal: Journal) {
    loop {
        if let Err(error) = client.run_sync().await {
            journal.observed(format!("the program gives up: {error}"));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Notes what the program tells its officer.
async fn watch(client: Client, power: Power, journal: Journal) {
    let mut events = client.events();
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => {
                journal.observed(format!("{missed} events were missed"));
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        // Whoever has no power shows nothing.
        if !power.is_on() {
            return;
        }
        tell(&client, &power, event, &journal);
    }
}

fn tell(client: &Client, power: &Power, event: ClientEvent, journal: &Journal) {
    match event {
        ClientEvent::Outbox { client_id, state, .. } => journal.outbox(&client_id, &state),
        ClientEvent::Entry { channel, seq } => {
            journal.observed(format!("reads an entry at {} of {}", seq.0, short(&channel)));
        }
        ClientEvent::Notice { channel, id } => {
            let rows = client.notices(channel, id.saturating_sub(1), 1).unwrap_or_default();
            for row in rows {
                let place = row.seq.map_or_else(String::new, |seq| format!(" at {}", seq.0));
                journal.observed(format!("is told{place}: {:?}", row.notice));
                match row.notice {
                    Notice::ConsentAsked { .. } => consent(client),
                    Notice::SnapshotRestored { .. } => resume(client, power, journal),
                    _ => {}
                }
            }
        }
        ClientEvent::Connected(there) => journal.observed(format!("connected: {there}")),
        ClientEvent::Channel(channel) => {
            journal.observed(format!("channel {} changed", short(&channel)))
        }
        ClientEvent::StoreChanged => journal.observed("the store changed".to_owned()),
    }
}

/// Officers consent to whatever they are asked, also to what they were asked when their program ended.
fn consent(client: &Client) {
    let own = client.address().domain();
    for row in client.channels().unwrap_or_default() {
        let Ok(Some(details)) = client.show(row.id) else { continue };
        for asked in details.agreements.iter().filter(|asked| asked.waiting_for.contains(own)) {
            // Whoever is no lead is not heard, and has nothing to say.
            let _ = client.answer(row.id, &asked.whom, Answer::Yes, TimeZone::utc());
        }
    }
}

/// An officer whose device was set back has it take part again, a little later.
fn resume(client: &Client, power: &Power, journal: &Journal) {
    let (client, power, journal) = (client.clone(), power.clone(), journal.clone());
    tokio::spawn(async move {
        tokio::time::sleep(AGAIN).await;
        if power.is_on() && client.resume_device().is_ok() {
            journal.observed("takes part again".to_owned());
        }
    });
}

/// A channel's id as histories show it.
#[must_use]
pub fn short(channel: &enlace_log::ChannelId) -> String {
    hex::encode(&channel.0[..4])
}

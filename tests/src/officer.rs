//! An officer's device with the real SDK and an encrypted store.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enlace_channel::entry::TimeZone;
use enlace_client::client::{EntryState, EntryView};
use enlace_client::engine::NewNote;
use enlace_client::notice::Notice;
use enlace_client::profile::Enrollment;
use enlace_client::store::{NoticeRow, OutboxState};
use enlace_client::{Client, Profile};
use enlace_identity::certificate::Serial;
use enlace_identity::keys::Passphrase;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_log::{ChannelId, ClientId, Seq};
use enlace_transport::Clock;
use tempfile::TempDir;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::{Network, PATIENCE, START};

/// An officer with one device.
pub struct Officer {
    directory: TempDir,
    client: Option<Client>,
    sync: Option<JoinHandle<()>>,
    /// Of the device's certificate.
    pub serial: Serial,
    address: OfficerAddress,
    device: DeviceName,
}

impl Officer {
    /// Enrols the first device of an officer, whose home relay is at that port. It is offline.
    pub async fn enrol(network: &Network, authority: usize, name: &str, port: u16) -> Self {
        Self::enrol_device(network, authority, name, "pc", port).await
    }

    /// Enrols a device of an officer by its own name.
    pub async fn enrol_device(
        network: &Network,
        authority: usize,
        name: &str,
        label: &'static str,
        port: u16,
    ) -> Self {
        let authority = &network.authorities[authority];
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join("profile");
        let address: OfficerAddress = format!("{name}@{}", authority.domain).parse().unwrap();
        let officer = address.clone();
        let mut profile = off_thread(move || new_profile(&at, &officer, label)).await;
        let (chain, serial) = authority.approve(&profile.request().unwrap());
        let enrollment = Enrollment {
            certificates: &chain.to_pem(),
            bundle: &network.signed.encode(),
            bundle_hash: network.signed.hash(),
            endpoint_record: &authority.endpoint_record(port),
            crls: &[],
        };
        profile.enroll(&enrollment, *START).unwrap();
        let device = profile.device().clone();
        let mut officer = Self { directory, client: None, sync: None, serial, address, device };
        officer.open().await;
        officer
    }

    /// The program on a profile that is there, in `profile` of that directory. It is offline.
    pub async fn of_profile(directory: TempDir, clock: Arc<dyn Clock>) -> Self {
        let at = directory.path().join("profile");
        let opened =
            off_thread(move || Client::open_with_clock(&at, &passphrase(), clock).unwrap());
        let client = opened.await;
        let serial = client.certificate().unwrap().serial().clone();
        let (address, device) = (client.address().clone(), client.device().clone());
        Self { directory, client: Some(client), sync: None, serial, address, device }
    }

    /// Ends the program.
    pub fn close(&mut self) {
        self.client = None;
    }

    /// The profile's directory.
    #[must_use]
    pub fn profile_dir(&self) -> PathBuf {
        self.directory.path().join("profile")
    }

    /// The SDK.
    #[must_use]
    pub fn client(&self) -> &Client {
        self.client.as_ref().expect("the program runs")
    }

    /// The officer's address.
    #[must_use]
    pub fn address(&self) -> OfficerAddress {
        self.address.clone()
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        &self.device
    }

    /// Publishes key packages and takes in what waits, once.
    pub async fn introduce(&self) {
        self.client().sync_once(PATIENCE).await.unwrap();
    }

    /// Stays in touch with the relay from now on.
    pub fn go_online(&mut self) {
        let client = self.client().clone();
        self.sync = Some(tokio::spawn(async move {
            // It ends only with the test, or when nothing more can be done: the test sees that.
            let _ = client.run_sync().await;
        }));
    }

    /// Loses touch, at whatever point.
    pub async fn go_offline(&mut self) {
        if let Some(sync) = self.sync.take() {
            sync.abort();
            let _ = sync.await;
        }
    }

    /// Ends the program, and starts it again offline.
    pub async fn restart(&mut self) {
        self.go_offline().await;
        self.client = None;
        self.open().await;
    }

    async fn open(&mut self) {
        let at = self.profile_dir();
        self.client = Some(off_thread(move || open(&at)).await);
    }

    /// Waits until something can be seen in the store.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn until<T>(&self, what: &str, mut seen: impl FnMut(&Client) -> Option<T>) -> T {
        let client = self.client();
        let mut events = client.events();
        let waiting = async {
            loop {
                if let Some(value) = seen(client) {
                    return value;
                }
                match events.recv().await {
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => panic!("no more events come"),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(value) => value,
            Err(_) => panic!("{} waited in vain: {what}\n{}", self.address, self.account()),
        }
    }

    /// Posts a note; it is sent when it can be.
    #[must_use]
    pub fn post(&self, channel: ChannelId, text: &str) -> ClientId {
        self.client().post(channel, note(text)).unwrap()
    }

    /// Waits until something asked for has its place.
    ///
    /// # Panics
    /// When it fails.
    pub async fn accepted(&self, asked: ClientId) -> Option<Seq> {
        let outcome = self.settled(asked).await;
        match outcome {
            OutboxState::Accepted(seq) => seq,
            other => panic!("{}: {other:?}", self.address),
        }
    }

    /// Waits until something asked for has its place, or never will.
    pub async fn settled(&self, asked: ClientId) -> OutboxState {
        let what = format!("what became of {asked:?}");
        self.until(&what, |client| match client.state_of(asked).unwrap() {
            OutboxState::Queued => None,
            state => Some(state),
        })
        .await
    }

    /// Waits until this device is in a channel.
    pub async fn joined(&self, channel: ChannelId) {
        self.until("admission", |client| client.show(channel).unwrap()).await;
    }

    /// Waits until a text is read.
    pub async fn reads(&self, channel: ChannelId, text: &str) {
        let what = format!("the text {text:?}");
        let is_here = |client: &Client| {
            logged(client, channel).iter().any(|entry| entry.body == text).then_some(())
        };
        self.until(&what, is_here).await;
    }

    /// The texts of a channel's log as this device has it.
    #[must_use]
    pub fn texts(&self, channel: ChannelId) -> Vec<String> {
        logged(self.client(), channel).into_iter().map(|entry| entry.body).collect()
    }

    /// What this device was told of a channel, besides entries.
    #[must_use]
    pub fn notices(&self, channel: ChannelId) -> Vec<Notice> {
        rows(self.client(), Some(channel)).into_iter().map(|row| row.notice).collect()
    }

    /// What can be said of this device when a test fails.
    fn account(&self) -> String {
        let client = self.client();
        let mut lines: Vec<String> = Vec::new();
        for row in client.channels().unwrap() {
            lines.push(format!("channel {} is {}, {:?}", row.id, row.standing, row.stopped));
        }
        for row in rows(client, None) {
            lines.push(format!("told at {:?}: {:?}", row.seq, row.notice));
        }
        lines.push(format!("{:?}", client.status()));
        lines.join("\n")
    }

    /// Waits until this device is told something.
    pub async fn is_told<T>(
        &self,
        channel: ChannelId,
        what: &str,
        mut looked_for: impl FnMut(&NoticeRow) -> Option<T>,
    ) -> T {
        self.until(what, |client| rows(client, Some(channel)).iter().find_map(&mut looked_for))
            .await
    }
}

impl Drop for Officer {
    fn drop(&mut self) {
        if let Some(sync) = &self.sync {
            sync.abort();
        }
    }
}

/// A profile without a certificate. To lock a key takes a while, on purpose: in each process a
/// device of one name does it once, and has the same key in every network.
fn new_profile(at: &Path, officer: &OfficerAddress, label: &'static str) -> Profile {
    type Files = Vec<(OsString, Vec<u8>)>;
    static MADE: Mutex<BTreeMap<(OfficerAddress, &str), Files>> = Mutex::new(BTreeMap::new());

    let device = (officer.clone(), label);
    if let Some(files) = MADE.lock().unwrap().get(&device) {
        fs::create_dir(at).unwrap();
        files.iter().for_each(|(name, content)| fs::write(at.join(name), content).unwrap());
        return Profile::open(at).unwrap();
    }
    let (profile, _) = Profile::create(at, officer, label, "Ana Ruiz", &passphrase()).unwrap();
    let files = fs::read_dir(at).unwrap().map(|file| {
        let file = file.unwrap();
        (file.file_name(), fs::read(file.path()).unwrap())
    });
    MADE.lock().unwrap().insert(device, files.collect());
    profile
}

/// Opens a profile of these tests.
#[must_use]
pub fn open(profile: &Path) -> Client {
    Client::open(profile, &passphrase()).unwrap()
}

/// The passphrase of every profile here.
#[must_use]
pub fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple")
}

/// A note that says this.
#[must_use]
pub fn note(text: &str) -> NewNote {
    NewNote {
        text: text.to_owned(),
        handling: None,
        restriction: None,
        time_zone: TimeZone::utc(),
        client_id: None,
    }
}

/// The entries of a channel that have their place.
#[must_use]
pub fn logged(client: &Client, channel: ChannelId) -> Vec<EntryView> {
    let mut entries = client.read(channel, Seq(0), 10_000).unwrap();
    entries.retain(|entry| matches!(entry.state, EntryState::Logged { .. }));
    entries
}

fn rows(client: &Client, channel: Option<ChannelId>) -> Vec<NoticeRow> {
    client.notices(channel, 0, 10_000).unwrap()
}

/// Key derivation takes a while: it must not hold up the relays in this process.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// How long to look whether something happens that must not happen.
pub const A_MOMENT: Duration = Duration::from_millis(300);

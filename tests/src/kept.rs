//! A network as a former build of this program left it on disk: two relays, two of three officers,
//! one closed case, and what went over the wire. `cargo xtask record-kept` makes it anew.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use enlace_channel::policy::Role;
use enlace_identity::bundle::{Bundle, SignedBundle};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::ServiceName;
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;
use enlace_proto::relay::v1::{FetchDirectoryRequest, FetchRangeRequest};
use enlace_relay::config::{
    ConfigFile, HeadSection, LimitsSection, LogSection, Material, NetworkSection, RelaySection,
    Settings,
};
use enlace_relay::hub::HeadKey;
use enlace_relay::server::Server;
use enlace_transport::{Clock, LocalIdentity, SystemClock, Target, Trust};
use prost::Message as _;
use tempfile::TempDir;

use crate::case::open_channel;
use crate::{Case, Network, Officer, RelayPlace, Rogue, call, wire_id};

/// The relays' ports: no other test takes them.
const PORTS: [u16; 2] = [19_871, 19_872];

/// What was written in the case, in order.
pub const TEXTS: [&str; 4] = [
    "La reunión es el lunes a las diez.",
    "Ficheiro recebido: três páginas.",
    "Le témoin V-07 est en sécurité.",
    "Nothing is missing.",
];

/// A clock that goes on where the recording ended.
#[derive(Debug)]
struct Resumed {
    began: Timestamp,
    now_then: Timestamp,
}

impl Clock for Resumed {
    fn now(&self) -> Timestamp {
        self.began.plus(SystemClock.now().since(self.now_then))
    }
}

/// Plays the case and keeps what is on disk afterwards. The third officer is removed at the end: a
/// hub that stands on a copy waits for every member.
///
/// # Panics
/// When something fails.
pub async fn record(to: &Path) {
    let network = Network::new(&["a.example", "b.example"]);
    let mut places = [RelayPlace::new(&network, 0), RelayPlace::new(&network, 1)];
    for (place, port) in places.iter_mut().zip(PORTS) {
        place.port = port;
    }
    let relays = [
        Some(places[0].start(&network, &[&places[1]]).await),
        Some(places[1].start(&network, &[&places[0]]).await),
    ];
    let channel = ChannelId([0; 32]);
    let mut case = Case { network, places, relays, officers: Vec::new(), channel };
    let ana = case.enrol(0, "ana").await;
    case.channel = open_channel(&ana, "Operación Faro").await;
    case.officers.push(ana);
    for (authority, name, role) in [(0, "ben", Role::Member), (1, "cid", Role::Lead)] {
        let who = case.join_in(authority, name).await;
        case.admit(0, who, role).await;
    }
    for (text, author) in TEXTS.into_iter().zip([0, 1, 2, 0]) {
        let author = &case.officers[author];
        author.accepted(author.post(case.channel, text)).await;
        for officer in &case.officers {
            officer.reads(case.channel, text).await;
        }
    }
    let ana = &case.officers[0];
    let ben = case.officers[1].address();
    ana.accepted(ana.client().remove_member(case.channel, ben).unwrap()).await;
    ana.accepted(ana.client().set_closed(case.channel, true).unwrap()).await;
    let is_closed = |client: &enlace_client::Client| {
        let details = client.show(case.channel).ok().flatten()?;
        details.policy.is_closed().then_some(())
    };
    for officer in [0, 2] {
        case.officers[officer].until("the case is closed", is_closed).await;
    }
    for former in ["a", "b", "ana", "cid", "transcript"] {
        let _ = fs::remove_dir_all(to.join(former));
    }
    fs::create_dir_all(to.join("transcript")).unwrap();
    keep_transcript(&case, &to.join("transcript")).await;
    for officer in &mut case.officers {
        officer.go_offline().await;
    }
    for authority in [0, 1] {
        case.stop_relay(authority).await;
        case.places[authority].keep(&case.network, &to.join(["a", "b"][authority]));
    }
    let profiles = [("ana", 0), ("cid", 2)];
    for (name, index) in profiles {
        let from = case.officers[index].profile_dir();
        case.officers[index].close();
        copy(&from, &to.join(name).join("profile"));
    }
    fs::write(to.join("network.bundle"), case.network.signed.encode()).unwrap();
    fs::write(to.join("channel"), case.channel.to_string()).unwrap();
    fs::write(to.join("time"), SystemClock.now().as_millis().to_string()).unwrap();
}

async fn keep_transcript(case: &Case, to: &Path) {
    let rogue = Rogue::of(&case.network, &case.officers[0]).await;
    let dialled = rogue.dial(&case.target(0)).await.unwrap();
    fs::write(to.join("hello.response"), dialled.hello.encode_to_vec()).unwrap();
    let request = range(case.channel);
    let response = call(&dialled.connection, &request).await.unwrap();
    fs::write(to.join("fetch-range.request"), request.encode_to_vec()).unwrap();
    fs::write(to.join("fetch-range.response"), response.encode_to_vec()).unwrap();
    let response = call(&dialled.connection, &FetchDirectoryRequest {}).await.unwrap();
    fs::write(to.join("fetch-directory.response"), response.encode_to_vec()).unwrap();
}

/// All items of the case.
#[must_use]
pub fn range(channel: ChannelId) -> FetchRangeRequest {
    FetchRangeRequest {
        channel: Some(wire_id(channel)),
        from_seq: 0,
        max_items: 100,
        hub: "a.example".to_owned(),
    }
}

/// A copy of what was kept, in a directory of its own.
pub struct Kept {
    directory: TempDir,
    clock: Arc<Resumed>,
}

impl Kept {
    /// Takes a copy.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    pub fn take(from: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        copy(from, directory.path());
        let time = fs::read_to_string(from.join("time")).unwrap();
        let began = Timestamp::from_millis(time.parse().unwrap());
        let clock = Arc::new(Resumed { began, now_then: SystemClock.now() });
        Self { directory, clock }
    }

    /// The case.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        fs::read_to_string(self.path("channel")).unwrap().parse().unwrap()
    }

    /// A message that went over the wire.
    #[must_use]
    pub fn message(&self, name: &str) -> Vec<u8> {
        fs::read(self.path("transcript").join(name)).unwrap()
    }

    /// An officer's program on the profile that was kept, offline.
    pub async fn officer(&self, name: &str) -> Officer {
        let directory = tempfile::tempdir().unwrap();
        copy(&self.path(name), directory.path());
        Officer::of_profile(directory, self.clock.clone()).await
    }

    /// Starts the relay of an authority, `a` or `b`, on the store that was kept.
    pub async fn relay(&self, which: &str) -> Server {
        let other = if which == "a" { "b" } else { "a" };
        let (own, other) = (self.path(which), self.path(other));
        let trust = self.trust(&own);
        let (relay, key) = credential(&own, "relay");
        let (head, head_key) = credential(&own, "head");
        let material = Material {
            identity: LocalIdentity::new(&trust, &relay, key).unwrap(),
            head: HeadKey::new(head_key, head.ders()),
            endpoint_record: fs::read(own.join("endpoint.record")).unwrap(),
            endpoint_records: vec![fs::read(other.join("endpoint.record")).unwrap()],
            trust,
        };
        let port = PORTS[usize::from(which == "b")];
        let name: ServiceName = format!("r1.relay.{which}.example").parse().unwrap();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
        let file = ConfigFile {
            relay: RelaySection { listen, ..RelaySection::named(name.to_string()) },
            head: HeadSection::standard(),
            network: NetworkSection::of_bundle(self.signed().hash().to_string()),
            limits: LimitsSection::default(),
            log: LogSection::default(),
        };
        Server::start(Settings::new(&file, &own).unwrap(), material).await.unwrap()
    }

    /// How an officer's device connects, and where to.
    #[must_use]
    pub fn wire_of(&self, name: &str) -> (crate::Wire, Target) {
        let profile = enlace_client::Profile::open(&self.path(name).join("profile")).unwrap();
        let unlocked = profile.unlock(&crate::officer::passphrase()).unwrap();
        let trust = self.trust(&self.path("a"));
        let identity = LocalIdentity::new(&trust, &unlocked.device.chain, unlocked.device.key);
        let expected = enlace_transport::Expected::Relay("r1.relay.a.example".parse().unwrap());
        let target = Target { expected, addresses: vec![("127.0.0.1".to_owned(), PORTS[0])] };
        (crate::Wire::new(identity.unwrap(), trust), target)
    }

    fn trust(&self, own: &Path) -> Trust {
        let trust = Trust::new(self.bundle(), RevocationLists::new(), self.clock.clone());
        for list in ["0.crl", "1.crl"] {
            trust.insert_crl(&fs::read(own.join("crls").join(list)).unwrap()).unwrap();
        }
        trust
    }

    fn bundle(&self) -> Bundle {
        let signed = self.signed();
        signed.open(&signed.hash()).unwrap()
    }

    fn signed(&self) -> SignedBundle {
        SignedBundle::decode(&fs::read(self.path("network.bundle")).unwrap()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn credential(from: &Path, name: &str) -> (UnverifiedChain, SigningKey) {
    let pem = fs::read_to_string(from.join(format!("{name}.pem"))).unwrap();
    let key = fs::read_to_string(from.join(format!("{name}.key"))).unwrap();
    (UnverifiedChain::from_pem(&pem).unwrap(), SigningKey::from_pem(&key, None).unwrap())
}

/// Copies a directory with all that is in it.
///
/// # Panics
/// When it can't be read or written.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

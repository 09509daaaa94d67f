//! Officers' devices on disk, a hub, and the moves between them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use enlace_channel::channel::Device;
use enlace_channel::entry::{HandlingCode, TimeZone};
use enlace_channel::known_rules::ProgramRules;
use enlace_channel::mls::{Backend, Suite};
use enlace_channel::policy::{Policy, Role};
use enlace_identity::keys::{Passphrase, SigningKey};
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Seq};
use enlace_proto::relay::v1::{ErrorCode, LeaseResponse};
use enlace_transport::{CallError, Clock as _, Lost, Refusal, Trust};
use tempfile::TempDir;

use super::hub::Hub;
use crate::engine::{
    Action, Answer, Disposition, Engine, Lanes, NewChannel, NewNote, ReceiveError, Received, Wish,
};
use crate::notice::Notice;
use crate::store::{OutboxState, SqlCipher};
use crate::testing::{TestClock, TestNetwork};

pub(crate) const TITLE: &str = "Caso Jacaranda";

/// A device: what is on disk, and the running program.
pub(crate) struct Officer {
    pub(crate) name: DeviceName,
    key: SigningKey,
    chain: enlace_identity::certificate::UnverifiedChain,
    pub(crate) store: PathBuf,
    pub(crate) engine: Engine,
    pub(crate) lanes: Lanes,
}

/// A hub that gives the lease to one at a time, as real ones do.
#[derive(Default)]
pub(crate) struct Leases {
    holder: Option<(DeviceName, Timestamp)>,
    /// How often somebody asked for it in vain.
    pub(crate) refused: usize,
}

pub(crate) struct World {
    /// Without it everybody gets the lease.
    pub(crate) leases: Option<Leases>,
    pub(crate) network: TestNetwork,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) hub: Hub,
    pub(crate) officers: BTreeMap<&'static str, Officer>,
    pub(crate) dir: TempDir,
    /// Whose program applies other rules than this one.
    pub(crate) rules: BTreeMap<DeviceName, ProgramRules>,
}

/// Garbles every path secret.
struct GarbleAll;

impl enlace_channel::mls::Tamper for GarbleAll {
    fn sealed(&self, _: &[u8], ciphertext: &mut Vec<u8>) {
        if let Some(last) = ciphertext.last_mut() {
            *last ^= 1;
        }
    }
}

impl Officer {
    pub(crate) fn key_for_tests(&self) -> SigningKey {
        self.key.clone()
    }

    pub(crate) fn chain_for_tests(&self) -> enlace_identity::certificate::UnverifiedChain {
        self.chain.clone()
    }
}

impl World {
    /// Ana and Eva of the hub's authority, Bruno of the other.
    pub(crate) fn new() -> Self {
        let network = TestNetwork::new();
        let hub = Hub::new(&network.fge);
        let mut world = Self {
            leases: None,
            network,
            clock: TestClock::new(),
            hub,
            officers: BTreeMap::new(),
            dir: TempDir::new().unwrap(),
            rules: BTreeMap::new(),
        };
        for (name, domain) in [("ana", "fge"), ("bruno", "mp"), ("eva", "fge")] {
            world.enroll(name, domain);
        }
        world
    }

    pub(crate) fn enroll(&mut self, name: &'static str, domain: &str) {
        self.enroll_device(name, "pc", name, domain);
    }

    /// A device of an officer; `name` is what it is called here.
    pub(crate) fn enroll_device(
        &mut self,
        name: &'static str,
        label: &str,
        officer: &str,
        domain: &str,
    ) {
        let authority = match domain {
            "fge" => &self.network.fge,
            "mp" => &self.network.mp,
            _ => &self.network.ucc,
        };
        let key = SigningKey::generate();
        let leaf = format!("{label}.{officer}.officer");
        let chain = authority.leaf(&leaf, &key.public());
        let device: DeviceName = format!("{leaf}.{}", authority.domain).parse().unwrap();
        let store = self.dir.path().join(format!("{name}.db"));
        let engine = self.open(&device, &key, &chain, &store);
        let lanes = Lanes::default();
        let officer = Officer { name: device, key, chain, store, engine, lanes };
        self.officers.insert(name, officer);
        self.go_online(name);
        self.publish(name);
    }

    fn open(
        &self,
        name: &DeviceName,
        key: &SigningKey,
        chain: &enlace_identity::certificate::UnverifiedChain,
        store: &std::path::Path,
    ) -> Engine {
        let store = SqlCipher::open(store, &Passphrase::new("clave")).unwrap();
        let device = Device { name: name.clone(), key: key.clone(), chain: chain.clone() };
        let lists = RevocationLists::new();
        let trust = Trust::new(self.network.bundle(), lists, self.clock.clone());
        let rules = self.rules.get(name).copied().unwrap_or(ProgramRules::CURRENT);
        let backend = Backend::new().unwrap().with_rules(rules);
        Engine::new(Box::new(store), device, backend, trust)
    }

    /// Another process of the same officer, which has not said hello.
    pub(crate) fn offline_process(&self, name: &str) -> Engine {
        let officer = &self.officers[name];
        self.open(&officer.name, &officer.key, &officer.chain, &officer.store)
    }

    /// Another process on the same profile.
    pub(crate) fn second_process(&self, name: &str) -> Engine {
        let officer = &self.officers[name];
        let mut engine = self.offline_process(name);
        let counter = self.hub.counters.get(&officer.name).copied().unwrap_or_default();
        assert!(engine.check_submit_counter(counter).unwrap());
        engine
    }

    /// The program is exchanged for one that garbles all that it seals to others, or back.
    pub(crate) fn garble(&mut self, name: &'static str, garbles: bool) {
        let officer = self.officers.remove(name).unwrap();
        let Officer { name: device, key, chain, store, engine, .. } = officer;
        drop(engine);
        let open = SqlCipher::open(&store, &Passphrase::new("clave")).unwrap();
        let own = Device { name: device.clone(), key: key.clone(), chain: chain.clone() };
        let trust = Trust::new(self.network.bundle(), RevocationLists::new(), self.clock.clone());
        let backend = match garbles {
            true => Backend::dangerous_with_tamper(Box::new(GarbleAll)),
            false => Backend::new(),
        };
        let engine = Engine::new(Box::new(open), own, backend.unwrap(), trust);
        let lanes = Lanes::default();
        self.officers.insert(name, Officer { name: device, key, chain, store, engine, lanes });
        self.go_online(name);
    }

    /// The program ends at once and is started again.
    pub(crate) fn restart(&mut self, name: &'static str) {
        let officer = self.officers.remove(name).unwrap();
        let Officer { name: device, key, chain, store, engine, .. } = officer;
        drop(engine);
        self.reinsert(name, device, key, chain, store);
        self.go_online(name);
    }

    /// The program is started on a store.
    pub(crate) fn reinsert(
        &mut self,
        name: &'static str,
        device: DeviceName,
        key: SigningKey,
        chain: enlace_identity::certificate::UnverifiedChain,
        store: PathBuf,
    ) {
        let engine = self.open(&device, &key, &chain, &store);
        let lanes = Lanes::default();
        self.officers.insert(name, Officer { name: device, key, chain, store, engine, lanes });
    }

    /// Hello.
    pub(crate) fn go_online(&mut self, name: &str) -> bool {
        let officer = self.officers.get_mut(name).unwrap();
        let counter = self.hub.counters.get(&officer.name).copied().unwrap_or_default();
        officer.engine.take_head_certificate(None, self.hub.head_certificates()).unwrap();
        officer.engine.check_submit_counter(counter).unwrap()
    }

    pub(crate) fn publish(&mut self, name: &str) {
        let officer = self.officers.get_mut(name).unwrap();
        let pool = self.hub.pools.entry(officer.name.officer().clone()).or_default();
        if officer.engine.has_lost_pool(Suite::default()).unwrap() {
            pool.retain(|(device, _)| *device != officer.name);
            officer.engine.pool_was_dropped(Suite::default()).unwrap();
        }
        let kept = pool.iter().filter(|(device, _)| *device == officer.name).count();
        let publication = officer.engine.fill_pool(Suite::default(), kept).unwrap();
        let packages = publication.key_packages.iter().cloned();
        pool.extend(packages.map(|package| (officer.name.clone(), package)));
        officer.engine.published(&publication).unwrap();
    }

    /// Key packages of that suite alone: what was there before is used up.
    pub(crate) fn publish_of(&mut self, name: &str, suite: Suite) {
        let officer = self.officers.get_mut(name).unwrap();
        let pool = self.hub.pools.entry(officer.name.officer().clone()).or_default();
        pool.retain(|(device, _)| *device != officer.name);
        let publication = officer.engine.fill_pool(suite, 0).unwrap();
        let packages = publication.key_packages.iter().cloned();
        pool.extend(packages.map(|package| (officer.name.clone(), package)));
        officer.engine.published(&publication).unwrap();
    }

    pub(crate) fn create_forum(&mut self, name: &str, suite: Suite) -> ChannelId {
        let new = NewChannel {
            title: "Foro".to_owned(),
            case_reference: None,
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
        };
        let forum = self.engine(name).create_forum(new, suite).unwrap();
        self.settle();
        forum
    }

    pub(crate) fn engine(&mut self, name: &str) -> &mut Engine {
        &mut self.officers.get_mut(name).unwrap().engine
    }

    pub(crate) fn device(&self, name: &str) -> DeviceName {
        self.officers[name].name.clone()
    }

    pub(crate) fn address(&self, name: &str) -> OfficerAddress {
        self.officers[name].name.officer().clone()
    }

    pub(crate) fn chain_of(&self, name: &str) -> enlace_identity::certificate::UnverifiedChain {
        self.officers[name].chain.clone()
    }

    pub(crate) fn policy(&mut self, name: &str, channel: ChannelId) -> Policy {
        let policy = self.engine(name).write::<_, crate::engine::EngineError>(|work| {
            let channel = work.take(channel)?.unwrap();
            let policy = channel.policy().clone();
            work.keep(channel);
            Ok(policy)
        });
        policy.unwrap()
    }

    /// What the hub answers.
    pub(crate) fn call(&mut self, action: &Action) -> Answer {
        let now = self.clock.now();
        let answer = match action {
            Action::Create(_, _, request) => {
                self.hub.create(request.clone(), now).map(Answer::Accepted)
            }
            Action::Submit(_, _, request) => {
                self.hub.submit(request.clone(), now).map(Answer::Accepted)
            }
            Action::Lease(_, channel, _) => {
                let fence = self.hub.logs[channel]
                    .items
                    .iter()
                    .rev()
                    .find(|item| item.sealed.envelope().kind.is_change());
                let fence = fence.map_or(u64::MAX, |item| item.seq.0);
                Ok(Answer::Leased(LeaseResponse { expires_in_ms: 10_000, fence }))
            }
            Action::Claim(_, _, request) => self.hub.claim(request).map(Answer::Claimed),
            Action::Contacts(_, _, request) => Ok(Answer::Contacts(self.hub.contacts(request))),
        };
        answer.unwrap_or_else(Answer::Failed)
    }

    /// One round of calls; returns how many there were.
    pub(crate) fn pump(&mut self, name: &str) -> usize {
        let officer = self.officers.get_mut(name).unwrap();
        let plan = officer.engine.plan(&mut officer.lanes).unwrap();
        for action in &plan.actions {
            let answer = self.refused(name, action).unwrap_or_else(|| self.call(action));
            let officer = self.officers.get_mut(name).unwrap();
            officer.engine.take_answer(action, answer, &mut officer.lanes).unwrap();
        }
        plan.actions.len()
    }

    /// The refusal of a lease that somebody else holds. It ends with what was done under it.
    fn refused(&mut self, name: &str, action: &Action) -> Option<Answer> {
        let (now, device) = (self.clock.now(), self.device(name));
        let leases = self.leases.as_mut()?;
        leases.holder = leases.holder.take().filter(|(_, until)| *until > now);
        match (action, &leases.holder) {
            (Action::Lease(..), Some((holder, until))) if *holder != device => {
                leases.refused += 1;
                let wait = until.since(now);
                let refusal = Refusal::new(ErrorCode::LeaseHeld, "").retry_after(wait);
                Some(Answer::Failed(CallError::Refused(refusal)))
            }
            (Action::Lease(..), _) => {
                leases.holder = Some((device, now.plus(Duration::from_secs(10))));
                None
            }
            (Action::Submit(..), Some((holder, _))) if *holder == device => {
                leases.holder = None;
                None
            }
            _ => None,
        }
    }

    /// As [`Self::pump`], but the answers are lost on the way.
    pub(crate) fn pump_into_the_void(&mut self, name: &str) -> usize {
        let officer = self.officers.get_mut(name).unwrap();
        let plan = officer.engine.plan(&mut officer.lanes).unwrap();
        for action in &plan.actions {
            let _ = self.call(action);
            let lost = Answer::Failed(CallError::Lost(Lost::Silent));
            let officer = self.officers.get_mut(name).unwrap();
            officer.engine.take_answer(action, lost, &mut officer.lanes).unwrap();
        }
        plan.actions.len()
    }

    /// Welcomes and items that wait for a device; returns how many there were.
    pub(crate) fn deliver(&mut self, name: &str) -> usize {
        let device = self.officers[name].name.clone();
        let mut came = 0;
        for delivery in self.hub.welcomes.remove(&device).unwrap_or_default() {
            match self.engine(name).take_welcome(delivery.clone()) {
                Err(error) if error.disposition() == Disposition::Keep => {
                    self.hub.welcomes.entry(device.clone()).or_default().push(delivery);
                }
                joined => {
                    joined.unwrap();
                    came += 1;
                }
            }
        }
        for followed in self.engine(name).followed().unwrap() {
            let (mut items, mut head) = self.hub.frame(followed.channel, followed.next);
            while !items.is_empty() {
                came += items.len();
                let received = self.engine(name).receive(followed.channel, items, &head).unwrap();
                if received.ended {
                    break;
                }
                (items, head) = self.hub.frame(followed.channel, received.next);
            }
        }
        came
    }

    pub(crate) fn receive(
        &mut self,
        name: &str,
        channel: ChannelId,
        from: Seq,
    ) -> Result<Received, ReceiveError> {
        let (items, head) = self.hub.frame(channel, from);
        self.engine(name).receive(channel, items, &head)
    }

    /// Until nothing moves any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..200 {
            let names: Vec<&'static str> = self.officers.keys().copied().collect();
            let moved: usize = names.iter().map(|name| self.deliver(name) + self.pump(name)).sum();
            self.clock.advance(Duration::from_millis(200));
            let waiting: usize =
                names.iter().map(|name| self.engine(name).pending().unwrap().len()).sum();
            if moved == 0 && waiting == 0 {
                return;
            }
        }
        panic!("it never settles");
    }

    /// Time goes by, for what waits on purpose.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.clock.now().plus(time);
        while self.clock.now() < end {
            let names: Vec<&'static str> = self.officers.keys().copied().collect();
            names.iter().for_each(|name| _ = self.deliver(name) + self.pump(name));
            self.clock.advance(Duration::from_millis(200));
        }
        self.settle();
    }

    pub(crate) fn create(&mut self, name: &str) -> ChannelId {
        let channel = self.engine(name).create_channel(new_case()).unwrap();
        self.settle();
        channel
    }

    /// A channel of Ana's with Bruno as the lead of his authority, and Eva.
    pub(crate) fn case(&mut self) -> ChannelId {
        let channel = self.create("ana");
        for (officer, role) in [("bruno", Role::Lead), ("eva", Role::Member)] {
            let officer = self.address(officer);
            self.engine("ana").wish(channel, Wish::Add(officer, role)).unwrap();
            self.settle();
        }
        channel
    }

    pub(crate) fn post(&mut self, name: &str, channel: ChannelId, text: &str) -> ClientId {
        let note = NewNote {
            text: text.to_owned(),
            handling: None,
            restriction: None,
            time_zone: TimeZone::utc(),
            client_id: None,
        };
        self.engine(name).post(channel, note).unwrap()
    }

    /// The texts of a channel, in the log's order.
    /// What became of something that an officer asked for.
    pub(crate) fn state_of(&mut self, name: &str, asked: ClientId) -> OutboxState {
        self.engine(name).state_of(asked).unwrap().unwrap()
    }

    pub(crate) fn texts(&mut self, name: &str, channel: ChannelId) -> Vec<String> {
        let entries = self.engine(name).read(|tx| tx.entries(channel, Seq(0), 10_000)).unwrap();
        entries.into_iter().map(|entry| entry.body).collect()
    }

    pub(crate) fn notices(&mut self, name: &str, channel: ChannelId) -> Vec<Notice> {
        let rows = self.engine(name).read(|tx| tx.notices(Some(channel), 0, 10_000)).unwrap();
        rows.into_iter().map(|row| row.notice).collect()
    }

    /// All members that have processed the same log hold the same secrets and the same policy.
    pub(crate) fn assert_agreement(&mut self, channel: ChannelId, names: &[&str]) {
        let mut seen = Vec::new();
        for name in names {
            let state = self.engine(name).write::<_, crate::engine::EngineError>(|work| {
                let channel = work.take(channel)?.unwrap();
                let state = (channel.epoch_authenticator(), channel.policy().encode().to_vec());
                work.keep(channel);
                Ok(state)
            });
            seen.push(state.unwrap());
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "members disagree");
    }
}

pub(crate) fn new_case() -> NewChannel {
    NewChannel {
        title: TITLE.to_owned(),
        case_reference: Some("FGE/2026/117".to_owned()),
        legal_basis: String::new(),
        default_handling: HandlingCode::H1,
    }
}

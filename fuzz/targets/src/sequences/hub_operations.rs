//! A hub over a disk that breaks: submissions, leases, reads, crashes and restarts in any order.
//!
//! What holds throughout: an item that was acknowledged stays where it was, whatever crashed, and is
//! accepted once; refused ones change nothing; every head that the hub signed lies on one chain;
//! whoever was never a member reads nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arbitrary::Unstructured;
use enlace_channel::channel::Device;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::control::{Contest, LeafHash, Leave};
use enlace_log::{
    ChainHash, ClientId, DeviceList, Generation, Item, ItemKind, PayloadHash, Seq, SignedHead,
};
use enlace_relay::hub::core::{Class, LeaseClaim};
use enlace_relay::hub::{
    Accepted, Caller, Handle, HeadKey, HubOptions, Next, Reader, Sequencer, Submission, SubmitError,
};
use enlace_relay::storage::{CommitFault, MemoryDisk, ReadLimit, Storage as _};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::Outcome;
use crate::decoders::requests::Trust;
use crate::scene::{Draft, Log, NOW, network};

/// The most operations of one input.
const MOST: usize = 64;
const LIMIT: ReadLimit = ReadLimit { items: 1000, bytes: 1 << 20 };

/// Runs the operations that the input tells.
pub fn run(data: &[u8]) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut input = Unstructured::new(data);
    let mut world = World::new(runtime);
    for _ in 0..MOST {
        if input.is_empty() || world.step(&mut input).is_err() {
            break;
        }
    }
    world.finish()
}

/// A hub, and what a model that knows nothing of its insides expects of it.
struct World {
    runtime: Runtime,
    disk: MemoryDisk,
    clock: Arc<AtomicU64>,
    running: Option<(Sequencer, JoinHandle<()>)>,
    officers: Vec<Device>,
    /// What was submitted, to be sent again.
    drafts: Vec<Draft>,
    acknowledged: BTreeMap<(DeviceName, ClientId), Accepted>,
    heads: BTreeMap<Seq, ChainHash>,
    /// The device list that the last accepted commit leads to.
    list: DeviceList,
    fence: Option<Seq>,
    /// Whether a commit's outcome is unknown, so that the two above may be behind.
    is_unsure: bool,
    fault: bool,
    count: u64,
}

impl World {
    fn new(runtime: Runtime) -> Self {
        let network = network();
        let a = ["ana", "ben", "eva"].map(|officer| network.a.device(officer));
        let b = ["cid", "dora"].map(|officer| network.b.device(officer));
        let mut world = Self {
            runtime,
            disk: MemoryDisk::default(),
            clock: Arc::new(AtomicU64::new(NOW.as_millis())),
            running: None,
            officers: a.into_iter().chain(b).collect(),
            drafts: Vec::new(),
            acknowledged: BTreeMap::new(),
            heads: BTreeMap::new(),
            list: DeviceList::default(),
            fence: None,
            is_unsure: false,
            fault: false,
            count: 0,
        };
        world.start();
        world.create();
        world
    }

    fn start(&mut self) {
        let _guard = self.runtime.enter();
        let clock = self.clock.clone();
        let now = Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)));
        let hub = &network().a;
        let head_key = HeadKey::new(hub.head_key(), hub.head_chain().ders());
        let name = format!("r1.relay.{}", hub.domain).parse().expect("a relay's name");
        let mut options = HubOptions::new(name, head_key, Arc::new(Trust), now);
        // Its process ends, not its machine: the store stays the newest there ever was.
        options.boot = Some("boot".into());
        let storage = self.disk.open().expect("no other process has the disk");
        let (sequencer, work) = Sequencer::inline(Box::new(storage), options).unwrap();
        self.running = Some((sequencer, self.runtime.spawn(work)));
    }

    /// The process ends with nothing in flight; what it had in memory is gone.
    fn restart(&mut self) {
        self.stop();
        self.start();
    }

    fn stop(&mut self) {
        if let Some((sequencer, work)) = self.running.take() {
            drop(sequencer);
            self.runtime.block_on(work).expect("the hub ends without a panic");
        }
    }

    fn hub(&self) -> Handle {
        self.running.as_ref().expect("the hub runs").0.handle()
    }

    fn create(&mut self) {
        let list: DeviceList = self.officers[..2].iter().map(|o| o.name.clone()).collect();
        let draft = Draft::commit(&self.officers[0], None, &DeviceList::default(), &list);
        let submission = check(&draft).unwrap();
        let hub = self.hub();
        let accepted = self.runtime.block_on(hub.create(submission, Log::NONCE)).unwrap();
        self.list = list;
        self.fence = Some(accepted.seq);
        self.acknowledge(&draft, accepted);
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        match input.int_in_range(0..=11)? {
            0..=2 => {
                let draft = self.entry(input)?;
                self.submit(draft);
            }
            3 | 4 => {
                let draft = self.commit(input)?;
                if input.ratio(7, 8)? {
                    let claim = self.claim(input)?;
                    self.lease(&draft.device, claim);
                }
                self.submit(draft);
            }
            5 => {
                let draft = self.control(input)?;
                self.submit(draft);
            }
            6 => {
                if let Some(draft) = self.again(input)? {
                    self.submit(draft);
                }
            }
            7 => {
                let device = self.officer(input)?.name.clone();
                let claim = self.claim(input)?;
                self.lease(&device, claim);
            }
            8 => {
                let fault = *input.choose(&[CommitFault::NothingKept, CommitFault::AllKept])?;
                self.disk.fail_next_commit(fault);
                self.fault = true;
            }
            // The hub's own first write would meet the fault, and it would not start.
            9 if self.fault => {}
            9 => self.restart(),
            10 => {
                let back = input.ratio(1, 4)?;
                let by = u64::from(input.arbitrary::<u16>()?);
                let step = |now: u64| if back { now - by.min(now) } else { now + by };
                self.clock.store(step(self.clock.load(Ordering::Relaxed)), Ordering::Relaxed);
            }
            _ => self.read(input)?,
        }
        Ok(())
    }

    fn officer(&self, input: &mut Unstructured<'_>) -> arbitrary::Result<&Device> {
        input.choose(&self.officers)
    }

    /// The fence that is right, or one that was or never was.
    fn some_fence(&self, input: &mut Unstructured<'_>) -> arbitrary::Result<u64> {
        let right = self.fence.map_or(0, |fence| fence.0);
        Ok(if input.ratio(7, 8)? { right } else { input.int_in_range(0..=right + 2)? })
    }

    fn entry(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<Draft> {
        self.count += 1;
        let fence = self.some_fence(input)?;
        Ok(Draft::entry(self.officer(input)?, fence, &format!("entry {}", self.count)))
    }

    /// A commit that lets one officer come or go.
    fn commit(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<Draft> {
        let fence = self.some_fence(input)?;
        let who = self.officer(input)?.name.clone();
        let others = self.list.iter().filter(|device| **device != who).cloned();
        let comes = (!self.list.contains(&who)).then_some(who.clone());
        let after = others.chain(comes).collect();
        self.count += 1;
        let author = self.officer(input)?;
        let mut draft = Draft::commit(author, Some(fence), &self.list, &after);
        let payload = format!("{} {}", self.count, String::from_utf8_lossy(&draft.payload));
        draft.envelope.payload_hash = PayloadHash::of(payload.as_bytes());
        draft.envelope.client_id =
            ClientId(self.count.to_be_bytes().repeat(2).try_into().expect("16 bytes"));
        draft.payload = payload.into();
        Ok(draft)
    }

    fn control(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<Draft> {
        let fence = self.some_fence(input)?;
        let commit = Seq(input.int_in_range(0..=8)?);
        let author = self.officer(input)?;
        let (channel, generation) = (Log::channel(), Generation(0));
        if input.arbitrary()? {
            let contest = Contest { channel, generation, commit };
            Ok(Draft::new(author, ItemKind::Contest, Some(fence), &contest.encode()))
        } else {
            let device = author.name.clone();
            let leave = Leave { channel, generation, device, leaf: LeafHash([5; 32]) };
            Ok(Draft::new(author, ItemKind::Leave, Some(fence), &leave.encode()))
        }
    }

    /// Something that was submitted before: as it was, or encrypted again for the present fence.
    fn again(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<Option<Draft>> {
        if self.drafts.is_empty() {
            return Ok(None);
        }
        let mut draft = input.choose(&self.drafts)?.clone();
        if draft.envelope.kind == ItemKind::Entry && input.arbitrary()? {
            self.count += 1;
            let payload = format!("again {}", self.count);
            draft.envelope.payload_hash = PayloadHash::of(payload.as_bytes());
            draft.envelope.fence = self.fence;
            draft.payload = payload.into();
        }
        Ok(Some(draft))
    }

    fn claim(&self, input: &mut Unstructured<'_>) -> arbitrary::Result<LeaseClaim> {
        let classes =
            [Class::Revocation, Class::Removal, Class::Admission, Class::Policy, Class::SelfUpdate];
        let class = *input.choose(&classes)?;
        let revoked = Some(self.officer(input)?.name.clone());
        Ok(LeaseClaim { class, revoked: revoked.filter(|_| class == Class::Revocation) })
    }

    fn lease(&mut self, device: &DeviceName, claim: LeaseClaim) {
        let hub = self.hub();
        let granted = self.runtime.block_on(hub.lease(Log::channel(), device.clone(), claim));
        if let Ok(grant) = granted
            && !self.is_unsure
        {
            assert!(self.list.contains(device) || self.contested(), "a lease for a stranger");
            assert_eq!(grant.fence, self.fence);
            assert!(grant.expires_in <= Duration::from_secs(10));
        }
    }

    /// Whether a contest may have put devices back that the model counts as dropped.
    fn contested(&self) -> bool {
        self.drafts.iter().any(|draft| draft.envelope.kind == ItemKind::Contest)
    }

    fn submit(&mut self, draft: Draft) {
        let Ok(submission) = check(&draft) else { return };
        let before = self.tail();
        let hub = self.hub();
        match self.runtime.block_on(hub.submit(submission)) {
            Ok(accepted) => self.accepted(&draft, accepted),
            Err(SubmitError::Unavailable(_)) => {
                assert!(self.fault, "the disk was not told to fail");
                self.fault = false;
                self.is_unsure |= draft.envelope.kind == ItemKind::Commit;
            }
            Err(_) => assert_eq!(self.tail(), before, "a refused item moved the log"),
        }
        if self.drafts.len() < MOST {
            self.drafts.push(draft);
        }
    }

    fn accepted(&mut self, draft: &Draft, accepted: Accepted) {
        let envelope = &draft.envelope;
        if !accepted.is_duplicate {
            let fits = self.is_unsure || envelope.fence == self.fence;
            assert!(fits, "an item with another fence was accepted");
        }
        if envelope.kind == ItemKind::Commit && self.fence < Some(accepted.seq) {
            self.fence = Some(accepted.seq);
            let change = draft.change.clone().unwrap_or_default();
            self.list = self.list.apply(&change).unwrap_or_else(|_| self.list.clone());
        }
        self.acknowledge(draft, accepted);
    }

    /// What was acknowledged once is acknowledged again with the same place and time.
    fn acknowledge(&mut self, draft: &Draft, accepted: Accepted) {
        self.note_head(&accepted.head);
        assert!(accepted.head.unverified_head().seq >= accepted.seq);
        let key = (draft.device.clone(), draft.envelope.client_id);
        if let Some(known) = self.acknowledged.get(&key) {
            assert!(accepted.is_duplicate, "an item was accepted twice");
            let place = (accepted.seq, accepted.received_at);
            assert_eq!((known.seq, known.received_at), place, "an acknowledged item moved");
        }
        let others = self.acknowledged.iter().filter(|(other, _)| **other != key);
        let mut places = others.map(|(_, other)| other.seq);
        assert!(places.all(|seq| seq != accepted.seq), "two items have one place");
        self.acknowledged.insert(key, accepted);
    }

    /// Two heads at one position are the same: the hub never contradicts itself.
    fn note_head(&mut self, head: &SignedHead) {
        let key = network().a.head_key().public();
        let head = head.clone().verify(&key).expect("the hub signs its heads");
        let head = head.head();
        let known = self.heads.insert(head.seq, head.chain);
        assert!(known.is_none_or(|chain| chain == head.chain), "the hub signed two histories");
    }

    fn tail(&self) -> Option<Seq> {
        let hub = self.hub();
        let record = self.runtime.block_on(hub.channel(Log::channel())).unwrap();
        record.map(|record| record.tail.seq)
    }

    /// Somebody reads: whole batches, in order, that lead to a head.
    fn read(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let from = Seq(input.int_in_range(0..=40)?);
        let reader = match input.ratio(1, 4)? {
            true => Reader::Relay(network().b.domain.clone()),
            false => Reader::Device(self.officer(input)?.name.clone()),
        };
        let hub = self.hub();
        let log = self.runtime.block_on(hub.subscribe(Log::channel(), reader)).unwrap();
        let read = self.runtime.block_on(log.read(from, LIMIT));
        if let Ok(Some(Next::Batch(batch))) = read {
            self.note_head(&batch.head);
            let items = batch.items.into_iter();
            let items = items.map(|item| Item::from_wire(Log::channel(), item).unwrap());
            let items: Vec<Item> = items.collect();
            assert_eq!(items.first().map(|item| item.seq), Some(from));
            assert_eq!(items.last().map(|item| item.seq), Some(batch.last));
            assert!(items.windows(2).all(|pair| pair[0].seq.next() == pair[1].seq));
        }
        let stranger = Reader::Device(network().b.device("nobody").name);
        let log = self.runtime.block_on(hub.subscribe(Log::channel(), stranger)).unwrap();
        assert!(self.runtime.block_on(log.read(from, LIMIT)).is_err(), "a stranger reads");
        Ok(())
    }

    /// The disk holds one chain, with everything that was acknowledged, once.
    fn finish(&mut self) -> Outcome {
        self.stop();
        let storage = self.disk.open().unwrap();
        let mut reader = storage.reader().unwrap();
        let stored = reader.items(&Log::channel(), Seq(0), LIMIT).unwrap();
        let mut items = Vec::new();
        for stored in &stored {
            let item = Item::from_wire(Log::channel(), stored.to_wire().unwrap());
            items.push(item.expect("what is stored is good"));
        }
        let mut chain = Log::shared().from_start().chain();
        for (item, stored) in items.iter().zip(&stored) {
            chain = item.chain_after(&chain);
            assert_eq!(chain, stored.chain);
            if let Some(signed) = self.heads.get(&item.seq) {
                assert_eq!(*signed, chain, "a head was signed that the log does not lead to");
            }
        }
        for ((device, client_id), accepted) in &self.acknowledged {
            let held = items.iter().filter(|item| {
                let envelope = item.sealed.envelope();
                envelope.author == *device && envelope.client_id == *client_id
            });
            let places: Vec<Seq> = held.map(|item| item.seq).collect();
            assert_eq!(places, [accepted.seq], "an acknowledged item is not where it was");
        }
        Outcome::when(self.acknowledged.len() > 1)
    }
}

fn check(draft: &Draft) -> Result<Submission, SubmitError> {
    let caller = Caller::Device(draft.device.clone());
    Submission::check(&caller, draft.request(), &Trust)
}

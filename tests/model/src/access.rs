//! Who may read and write, as relays hold it: [`Membership`] itself, played from a model's log.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use bytes::Bytes;
use enlace_identity::names::DeviceName;
use enlace_log::control::Contest;
use enlace_log::{
    ChannelId, ClientId, Commitment, DeviceList, Envelope, Generation, ItemKind, ListHash,
    Membership, PayloadHash, Sealed as RealSealed, Seq, SubmitCounter, WelcomesHash,
};

use crate::log::{Body, Device, Devices, Item, Log, Place, Sealed};

const CHANNEL: ChannelId = ChannelId([7; 32]);
const GENERATION: Generation = Generation(0);

/// Who may read and write after a log's items.
#[derive(Clone, Debug)]
pub struct Access(Rc<Membership>);

impl Access {
    /// At the end of a log. Remembered: a search meets each log in many states.
    #[must_use]
    pub fn after(log: &Log) -> Self {
        thread_local! {
            static KNOWN: RefCell<HashMap<Log, Access>> = RefCell::default();
        }
        if let Some(known) = KNOWN.with_borrow(|known| known.get(log).cloned()) {
            return known;
        }
        let access = Self(Rc::new(match log.items() {
            [] | [_] => created(),
            [.., last] => {
                let before = log.before(log.next() - 1);
                let mut membership = Membership::clone(&Self::after(&before).0);
                if let Item::Sealed(sealed) = last {
                    let item = real(&before, sealed);
                    let seq = Seq(before.next().into());
                    if let Ok(Some(event)) = membership.plan(seq, &item, |_| false) {
                        membership.apply(&event);
                    }
                }
                membership
            }
        }));
        KNOWN.with_borrow_mut(|known| known.insert(log.clone(), access.clone()));
        access
    }

    /// Whether the hub takes an item at the end of `log`, as far as its author's rights go.
    #[must_use]
    pub fn permits(log: &Log, sealed: &Sealed) -> bool {
        let seq = Seq(log.next().into());
        Self::after(log).0.plan(seq, &real(log, sealed), |_| false).is_ok()
    }

    /// Whether a device may write.
    #[must_use]
    pub fn writes(&self, device: Device) -> bool {
        self.0.current().contains(&name(device))
    }

    /// Whether a device may read a position.
    #[must_use]
    pub fn reads(&self, device: Device, place: Place) -> bool {
        let ranges = self.0.read_ranges(&name(device));
        ranges.iter().any(|range| range.contains(Seq(place.into())))
    }

    /// The newest commit item.
    #[must_use]
    pub fn fence(&self) -> Place {
        let fence = self.0.fence().map_or(0, |seq| seq.0);
        Place::try_from(fence).expect("a model's log is short")
    }
}

/// After the first commit, which admits everybody.
fn created() -> Membership {
    Membership::anchored(Seq(0), name(Device::Ana), GENERATION, names(Devices::ALL))
}

fn name(device: Device) -> DeviceName {
    let name = match device {
        Device::Ana => "laptop.ana.officer.a.example",
        Device::Ben => "laptop.ben.officer.a.example",
        Device::Cid => "laptop.cid.officer.b.example",
    };
    name.parse().expect("these are names of devices")
}

fn names(devices: Devices) -> DeviceList {
    devices.iter().map(name).collect()
}

/// The list that a commit's envelope names.
fn list_at(log: &Log, place: Place) -> Option<DeviceList> {
    match log.items().get(usize::from(place))? {
        Item::Created => Some(names(Devices::ALL)),
        Item::Sealed(Sealed { body: Body::Commit { list, .. }, .. }) => Some(names(*list)),
        Item::Sealed(_) | Item::Statement { .. } => None,
    }
}

/// The item as the real log has it, but for what `Membership` does not look at.
fn real(log: &Log, sealed: &Sealed) -> RealSealed {
    let (kind, payload) = match sealed.body {
        Body::Entry => (ItemKind::Entry, b"entry".to_vec()),
        Body::Commit { .. } => (ItemKind::Commit, b"commit".to_vec()),
        Body::Contest { commit } => {
            let commit = Seq(commit.into());
            let contest = Contest { channel: CHANNEL, generation: GENERATION, commit };
            (ItemKind::Contest, contest.encode())
        }
    };
    let (list_hash, change) = match sealed.body {
        Body::Commit { list, .. } => {
            let list = names(list);
            let base = list_at(log, sealed.valid).unwrap_or_default();
            (list.hash(), Some(base.change_to(&list)))
        }
        Body::Entry | Body::Contest { .. } => (ListHash::NONE, None),
    };
    let is_entry = kind == ItemKind::Entry;
    let envelope = Envelope {
        channel: CHANNEL,
        generation: GENERATION,
        kind,
        author: name(sealed.author).into(),
        client_id: ClientId([sealed.id; 16]),
        submit_counter: SubmitCounter(1),
        fence: Some(Seq(sealed.fence.into())),
        last_valid_commit: Some(Seq(sealed.valid.into())),
        commitment: if is_entry { Commitment([1; 32]) } else { Commitment::NONE },
        list_hash,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash::of(&payload),
    };
    let signature: &[u8] = if is_entry { &[] } else { &[0; 64] };
    let change = change.map(|change| change.to_wire());
    RealSealed::read(
        Bytes::from(envelope.encode()),
        signature,
        Bytes::from(payload),
        change.as_ref(),
    )
    .expect("a model's items fit together")
}

//! What was observed from outside: what officers asked for, what their programs told them, and what
//! their stores show in the end. Plain words and numbers: the model that judges them
//! ([`crate::check`]) knows nothing of the implementation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A device, by its name.
pub type DeviceId = String;

/// A channel, by its id.
pub type Channel = String;

/// A position in a log.
pub type Place = u64;

/// A relay, by its authority.
pub type Relay = String;

/// Everything known of a run.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What officers asked for and their program took, in order.
    pub asked: Vec<Asked>,
    /// What programs told their officers to be accepted, in order.
    pub acknowledged: Vec<Acknowledged>,
    /// What each device shows in the end.
    pub devices: BTreeMap<DeviceId, Shown>,
    /// Devices whose certificate was revoked.
    pub revoked: BTreeSet<DeviceId>,
    /// Devices that are suspended in the end.
    pub suspended: BTreeSet<DeviceId>,
    /// Devices of authorities that the newest bundle does not list.
    pub dropped: BTreeSet<DeviceId>,
    /// Relays of those authorities.
    pub dropped_relays: BTreeSet<Relay>,
    /// Devices of authorities that some bundle did not list.
    pub once_dropped: BTreeSet<DeviceId>,
    /// The hash of the newest bundle.
    pub bundle: String,
    /// Devices that were suspended at some time.
    pub once_suspended: BTreeSet<DeviceId>,
    /// Devices that ran a modified program, or whose owner did.
    pub modified: BTreeSet<DeviceId>,
    /// Changes that break the rules, made by modified programs, where a hub gave them a place.
    pub breaches: Vec<Breach>,
    /// Of each device, the last copy of its disk.
    pub copies: BTreeMap<DeviceId, Copied>,
    /// Devices whose disk was put back.
    pub set_back: BTreeMap<DeviceId, Vec<SetBack>>,
    /// The certificates that devices were seen to have after the one that they were enrolled with, in order.
    pub renewed: Vec<Renewed>,
    /// When each device was cut off that still is.
    pub cut_off_at: BTreeMap<DeviceId, Duration>,
    /// Devices that had everything in the end to get their next certificate, with the end of the former one.
    pub due: BTreeMap<DeviceId, u64>,
    /// Who was given a mandate to stand in, where.
    pub mandates: BTreeSet<(Channel, String)>,
    /// Texts that nobody said, made by modified programs.
    pub forged: Vec<String>,
    /// Who opened each channel.
    pub openers: BTreeMap<Channel, String>,
    /// What officers said of their own entries.
    pub taken_back: Vec<TakenBack>,
    /// Which other devices officers said on a device to be theirs, until they took it back.
    pub named: BTreeMap<DeviceId, BTreeSet<DeviceId>>,
    /// All that were ever named.
    pub once_named: BTreeSet<DeviceId>,
    /// What relays keep: stores and logs, as text to be searched.
    pub kept_by_relays: Vec<(String, Vec<u8>)>,
    /// Notes that were written at the end, when every relay knew every revocation.
    pub probes: Vec<String>,
    /// Words that only members may ever see.
    pub secrets: Vec<String>,
    /// Panics, with their place.
    pub panics: Vec<String>,
    /// Votes for another hub: in which channel, on which device, and for whose relay.
    pub hub_votes: BTreeSet<(Channel, DeviceId, Relay)>,
    /// Channels whose hub was restored from an older copy, or that may have gone on at another one
    /// without all that it had ordered.
    pub restored: BTreeSet<Channel>,
    /// Channels whose hub signed two histories.
    pub forked: BTreeSet<Channel>,
    /// Who orders each channel, as each relay that keeps its log goes by.
    pub ordered_by: BTreeMap<Channel, BTreeMap<Relay, Relay>>,
    /// Who orders each channel.
    pub hubs: BTreeMap<Channel, Relay>,
    /// What each relay keeps of each channel's log: the chain, by place.
    pub logs: BTreeMap<(Relay, Channel), BTreeMap<Place, String>>,
    /// Of each relay's copy of a channel's log: at which places it has an entry's payload.
    pub payloads: BTreeMap<(Relay, Channel), BTreeSet<Place>>,
    /// Which places relays were told to erase, by the relay's own copy.
    pub tombstones: BTreeMap<(Relay, Channel), Vec<Tombstone>>,
    /// Who may read what of a channel's log, by what its relay keeps.
    pub readers: BTreeMap<(Relay, Channel), Vec<Right>>,
    /// Relays that pretended to be two.
    pub liars: BTreeSet<Relay>,
    /// Copies of logs of which a relay keeps a proof that their hub signed two histories.
    pub proofs: BTreeSet<(Relay, Channel)>,
}

/// What is known of a copy of a device's disk.
#[derive(Clone, Debug, Default)]
pub struct Copied {
    /// When it was made.
    pub at: Duration,
    /// Which other devices were named on it.
    pub named: BTreeSet<DeviceId>,
    /// Which place of each channel came next.
    pub next: BTreeMap<Channel, Place>,
}

/// A device has a certificate that ends later than the one before.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// When that was seen.
    pub at: Duration,
    /// Which.
    pub device: DeviceId,
    /// When it ends, in milliseconds.
    pub until: u64,
}

/// A device's disk was put back.
#[derive(Clone, Debug)]
pub struct SetBack {
    /// To this copy.
    pub copied: Copied,
    /// When.
    pub until: Duration,
}

/// A device may read these places; from a place on, without an end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Right {
    /// Which.
    pub device: DeviceId,
    /// The first place.
    pub from: Place,
    /// The last one.
    pub to: Option<Place>,
}

impl Facts {
    /// Whether a channel's hub signed two histories. Who is in it, and what it holds, is then no
    /// one thing any more.
    #[must_use]
    pub fn is_forked(&self, channel: &Channel) -> bool {
        self.forked.contains(channel)
    }

    /// Whether a device's own relay was one thing all the time. Of another one nothing is certain:
    /// what it took for its devices may be gone with the second of the two.
    #[must_use]
    pub fn is_served(&self, device: &DeviceId) -> bool {
        self.devices.get(device).is_none_or(|shown| !self.liars.contains(&shown.relay))
    }

    /// Whether a relay may send a device what stands at a place.
    #[must_use]
    pub fn may_read(
        &self,
        relay: &Relay,
        channel: &Channel,
        device: impl Fn(&DeviceId) -> bool,
        place: Place,
    ) -> bool {
        let rights = self.readers.get(&(relay.clone(), channel.clone()));
        rights.into_iter().flatten().any(|right| {
            device(&right.device) && right.from <= place && right.to.is_none_or(|to| place <= to)
        })
    }

    /// Whether a device runs the program as it is. A modified one is held to nothing.
    #[must_use]
    pub fn is_honest(&self, device: &DeviceId) -> bool {
        !self.modified.contains(device)
    }

    /// Whether a device is revoked, suspended or of no authority in the end.
    #[must_use]
    pub fn is_cut_off(&self, device: &DeviceId) -> bool {
        [&self.revoked, &self.suspended, &self.dropped].iter().any(|all| all.contains(device))
    }

    /// Whether a device was cut off before it could hear that a restored hub went on without
    /// something. What it shows of the channel is nobody's any more.
    #[must_use]
    pub fn is_left_behind(&self, device: &DeviceId, channel: &Channel) -> bool {
        self.restored.contains(channel) && self.is_cut_off(device)
    }

    /// The same of a relay, whose authority the newest bundle does not list.
    #[must_use]
    pub fn is_relay_left_behind(&self, relay: &Relay, channel: &Channel) -> bool {
        self.restored.contains(channel) && self.dropped_relays.contains(relay)
    }

    /// Whether what a device did at a time is no longer on its disk, which was put back to before.
    #[must_use]
    pub fn is_undone(&self, device: &DeviceId, at: Duration) -> bool {
        let mut undone = self.set_back.get(device).into_iter().flatten();
        // From then on it is down: what has the same time was done before.
        undone.any(|undone| (undone.copied.at..=undone.until).contains(&at))
    }

    /// What honest devices show.
    pub fn honest(&self) -> impl Iterator<Item = (&DeviceId, &Shown)> {
        self.devices.iter().filter(|(device, _)| self.is_honest(device))
    }
}

/// An officer asked for something, and the program said that it is kept.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub at: Duration,
    /// On which device.
    pub device: DeviceId,
    /// In which channel.
    pub channel: Channel,
    /// Under which number.
    pub id: String,
    /// What.
    pub what: Wish,
}

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wish {
    /// A note with this text.
    Note(String),
    /// Admit an officer.
    Admit(String),
    /// Remove an officer.
    Remove(String),
    /// Give an officer a role.
    Role(String, String),
    /// Close the channel, or open it again.
    Closed(bool),
    /// Go on in a new group.
    NewGroup,
    /// Put an authority out.
    Expel(String),
    /// Leave.
    Leave,
    /// Something else that needs no words.
    Other,
}

/// An officer's entry corrects or withdraws another one of the same officer's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TakenBack {
    /// In which channel.
    pub channel: Channel,
    /// Who said so, and under which number.
    pub by: (DeviceId, String),
    /// Of what: its author, and its number there.
    pub of: (DeviceId, String),
    /// Whether it is withdrawn.
    pub withdrawn: bool,
}

/// Relays were told to erase what stands at a place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tombstone {
    /// By whom.
    pub by: DeviceId,
    /// Whose it was.
    pub author: DeviceId,
    /// What.
    pub erased: Place,
}

/// A change that breaks the rules has a place in a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Breach {
    /// In which channel.
    pub channel: Channel,
    /// Where.
    pub place: Place,
    /// By which device.
    pub author: DeviceId,
}

/// A program told its officer that something is accepted.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// When.
    pub at: Duration,
    /// On which device.
    pub device: DeviceId,
    /// Under which number.
    pub id: String,
    /// Where it stands; an act that was no longer needed stands nowhere.
    pub place: Option<Place>,
}

/// What a device shows in the end.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Its officer.
    pub officer: String,
    /// Its relay.
    pub relay: Relay,
    /// What became of what was asked.
    pub outcomes: BTreeMap<String, Outcome>,
    /// Its channels.
    pub channels: BTreeMap<Channel, View>,
    /// Which of the texts that anybody wrote are on its disk, wherever that is.
    pub holds: BTreeSet<String>,
    /// When its certificate ends, in milliseconds; nothing, when it is over.
    pub certificate: Option<u64>,
}

/// What became of something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It still waits.
    Queued,
    /// It has its place.
    Accepted(Option<Place>),
    /// It was said to fail.
    Failed(String),
    /// The program knows nothing of it.
    Forgotten,
}

/// How a device stands to a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// In it, or on the way in.
    Member,
    /// In it, without the keys.
    Stranded,
    /// Out of it.
    Removed,
}

/// A channel as one device shows it.
#[derive(Clone, Debug)]
pub struct View {
    /// How the device stands to it.
    pub standing: Standing,
    /// Why its log is no longer taken in.
    pub stopped: Option<String>,
    /// The place that comes next.
    pub next: Place,
    /// The same at all members of an epoch.
    pub authenticator: String,
    /// The policy, as one text.
    pub policy: String,
    /// The hash of the bundle that it goes by.
    pub bundle: String,
    /// Where it went on at another relay: whose.
    pub moves: BTreeMap<Place, Relay>,
    /// Devices in the channel.
    pub members: BTreeSet<DeviceId>,
    /// Its officers' roles.
    pub roles: BTreeMap<String, String>,
    /// Who stands in, and whether that is over by the device's clock.
    pub stand_ins: BTreeMap<String, bool>,
    /// Whether it is closed.
    pub closed: bool,
    /// Whether its time at the device's authority is over by the device's clock, and how it stands there:
    /// closed, and under no hold.
    pub is_due: bool,
    /// Whether the officer was told that it was over once.
    pub has_expired: bool,
    /// How many acts its officer was told of that were not done.
    pub not_done: usize,
    /// Of a forum, by the place of a question or of what is pinned: its answer's, and whether it is on
    /// top.
    pub threads: BTreeMap<Place, (Option<Place>, bool)>,
    /// Entries that have their place, as listed.
    pub entries: Vec<Entry>,
    /// What changed in membership, by place.
    pub changes: BTreeMap<Place, Vec<Change>>,
    /// Where it was let in.
    pub joined: BTreeSet<Place>,
    /// Commits that were void, with their author.
    pub void: BTreeMap<Place, DeviceId>,
    /// The chain, by place.
    pub chain: BTreeMap<Place, String>,
    /// The commits in the log, with their author, whether they are void or not.
    pub commits: BTreeMap<Place, DeviceId>,
    /// Places of which the device was told that what stood there is lost, since the hub was
    /// restored; and where the log that goes on parts from the one that is lost.
    pub lost: BTreeMap<Place, Place>,
    /// Where the hub began anew.
    pub restarts: BTreeSet<Place>,
    /// Fork alarms.
    pub alarms: Vec<Alarm>,
    /// Places of entries that came without their content.
    pub without_content: BTreeSet<Place>,
    /// Entries that the device could not read, with their author.
    pub unreadable: BTreeMap<Place, DeviceId>,
    /// Where somebody went on without the device's authority, and who.
    pub left_out: BTreeMap<Place, DeviceId>,
    /// When the certificates end with which devices stand in it, in milliseconds.
    pub leaves: BTreeMap<DeviceId, u64>,
    /// Places of entries that nothing proves to be their author's.
    pub unproven: BTreeSet<Place>,
}

/// An entry as it is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its place.
    pub place: Place,
    /// Who wrote it.
    pub author: DeviceId,
    /// Its number at its author.
    pub id: String,
    /// What it says; nothing when it was erased.
    pub text: String,
    /// Whether it was erased.
    pub erased: bool,
    /// The place and the chain there that its author saw signed by the hub, if there was one.
    pub quotes: Option<(Place, String)>,
}

impl Entry {
    /// Whether two devices show the same, though one of them may have erased what it says.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let Self { place, author, id, text, erased, quotes } = self;
        let says_same = *text == other.text || *erased || other.erased;
        (place, author, id, quotes) == (&other.place, &other.author, &other.id, &other.quotes)
            && says_same
    }
}

/// A change of membership.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// A device came in.
    Admitted(DeviceId),
    /// A device went out.
    Removed(DeviceId),
    /// An officer has this role from now on, or none.
    Role(String, Option<String>),
    /// A device that came in with this change was suspended before.
    Returned(DeviceId),
    /// A device that went with this change is suspended.
    Suspended(DeviceId),
    /// The channel was closed, or opened again.
    Closed(bool),
    /// The channel goes on in a new group.
    Founded,
    /// An authority is out, with all of its devices.
    Expelled(String),
    /// An authority keeps its copies from now on, or no longer.
    Hold(String, bool),
    /// A device that went with this change is of no authority of the network any more.
    Dropped(DeviceId),
    /// A device that had lost the keys at that place has them again.
    PutBack(DeviceId, Place),
    /// Anything else.
    Other(String),
}

/// Two heads that are said to contradict each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Alarm {
    /// Both carry the hub's genuine signature.
    pub genuine: bool,
    /// They are two.
    pub contradicting: bool,
}

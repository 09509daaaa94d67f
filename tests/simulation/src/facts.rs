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
    /// Devices that ran a modified program, or whose owner did.
    pub modified: BTreeSet<DeviceId>,
    /// What relays keep: stores and logs, as text to be searched.
    pub kept_by_relays: Vec<(String, Vec<u8>)>,
    /// Notes that were written at the end, when every relay knew every revocation.
    pub probes: Vec<String>,
    /// Words that only members may ever see.
    pub secrets: Vec<String>,
    /// Panics, with their place.
    pub panics: Vec<String>,
    /// Where the hub was restored from an older copy, and says so.
    pub restored: bool,
    /// A hub signed two histories.
    pub forked: bool,
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
    /// Leave.
    Leave,
    /// Something else that needs no words.
    Other,
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
    /// What became of what was asked.
    pub outcomes: BTreeMap<String, Outcome>,
    /// Its channels.
    pub channels: BTreeMap<Channel, View>,
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
    /// Devices in the channel.
    pub members: BTreeSet<DeviceId>,
    /// Entries that have their place, as listed.
    pub entries: Vec<Entry>,
    /// What changed in membership, by place.
    pub changes: BTreeMap<Place, Vec<Change>>,
    /// Commits that were void, with their author.
    pub void: BTreeMap<Place, DeviceId>,
    /// The chain, by place.
    pub chain: BTreeMap<Place, String>,
    /// Fork alarms.
    pub alarms: Vec<Alarm>,
    /// Places whose entry the device could not read.
    pub unreadable: BTreeSet<Place>,
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
    /// What it says.
    pub text: String,
}

/// A change of membership.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// A device came in.
    Admitted(DeviceId),
    /// A device went out.
    Removed(DeviceId),
    /// Anything else.
    Other(String),
}

/// Two heads that are said to contradict each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Alarm {
    /// Both carry the hub's genuine signature.
    pub genuine: bool,
    /// They can't both be true.
    pub contradicting: bool,
}

//! What the officer is told besides entries.

mod change_act;

use enlace_channel::channel::Culprit;
use enlace_channel::consent::Subject;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_identity::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::change_act::ChangeAct;
use crate::serde_text::{as_millis, as_text, as_text_or_none};
use crate::task::Task;

/// Something that happened. Its JSON form is what the store keeps and programs read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// This device was admitted.
    Joined {
        /// By whom.
        #[serde(with = "as_text")]
        by: DeviceName,
    },
    /// This device was stranded, and was put back.
    PutBack {
        /// By whom.
        #[serde(with = "as_text")]
        by: DeviceName,
    },
    /// A colleague gave this device what it had missed.
    HistoryShared {
        /// Who.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// How many entries this device did not have yet.
        entries: u64,
    },
    /// A member's device says that a change left it behind, and asks to be put back.
    BackRequested {
        /// The device.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// The change's position, by the word of the device.
        since: u64,
        /// Whose change stands there, if that is known.
        #[serde(with = "as_text_or_none")]
        guilty: Option<DeviceName>,
    },
    /// What is said in this forum can be read by who records it and has a quantum computer one day:
    /// its suite is the classic one.
    ReadableLater,
    /// Another member's item confirmed what the welcome said.
    Confirmed,
    /// Membership or policy changed.
    Changed {
        /// By whom.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// What was done; nothing when keys were renewed alone.
        acts: Vec<ChangeAct>,
    },
    /// A change that broke the rules had no effect.
    VoidChange {
        /// Who made it.
        author: Author,
        /// Why it had no effect.
        reason: String,
    },
    /// An entry could not be read.
    Unreadable {
        /// Whose it is.
        author: Author,
        /// Why.
        reason: String,
    },
    /// An officer wanted to correct or withdraw what another one wrote: nothing came of it.
    NotTheirs {
        /// Who.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// The place of the other's entry.
        place: u64,
    },
    /// An entry puts a confirmation on the record that no relay has given, or of something else: it
    /// counts for nothing.
    FalseConfirmation {
        /// Whose entry it is.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry came without its content, and the log says of nobody that it was erased: by the
    /// relay's word, as long as it does not.
    WithoutContent {
        /// Whose it is.
        author: Author,
    },
    /// An entry that came without its content was erased, by somebody who may have that done.
    ErasedUnread {
        /// Whose it was.
        #[serde(with = "as_text")]
        author: DeviceName,
        /// Who had it erased.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// Where it stands.
        place: u64,
    },
    /// The time for which this authority keeps the case is over: what was written is erased here.
    Expired {
        /// How many entries.
        entries: u64,
    },
    /// Entries were brought by a backup.
    Restored {
        /// How many.
        entries: u64,
        /// When it was made.
        #[serde(with = "as_millis")]
        made_at: Timestamp,
    },
    /// A member asked to leave.
    LeaveRequested {
        /// Who.
        #[serde(with = "as_text")]
        by: DeviceName,
    },
    /// A device objected to a change.
    Contested {
        /// Who.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// The change's position.
        commit: u64,
    },
    /// A member asks the authorities for their consent.
    ConsentAsked {
        /// Who asks.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// To what.
        matter: Matter,
        /// The officer or the authority that it is about.
        whom: String,
    },
    /// A lead has answered what this officer asked.
    ConsentAnswered {
        /// Who.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// To what.
        matter: Matter,
        /// The officer or the authority that it is about.
        whom: String,
        /// Whether it consents.
        yes: bool,
    },
    /// This device is no longer a member.
    Removed {
        /// By whom.
        #[serde(with = "as_text")]
        by: DeviceName,
    },
    /// A change did not reach this device: it can't write until it is let back in.
    Stranded {
        /// Whose change it was.
        #[serde(with = "as_text")]
        by: DeviceName,
        /// Whether this officer may give everybody fresh keys, in case nobody can go on.
        #[serde(default)]
        may_rescue: bool,
    },
    /// The channel goes on in a new group, of which this device is not: its authority is out, unless
    /// the others do not accept that.
    LeftOut {
        /// Who founded it.
        #[serde(with = "as_text")]
        by: DeviceName,
    },
    /// This device can read again.
    Resumed,
    /// Something that only a newer version of this program can show.
    NeedsNewerVersion,
    /// A member claimed to have seen a log that the hub never signed.
    FalseQuote {
        /// Who.
        #[serde(with = "as_text")]
        by: DeviceName,
    },
    /// The hub signed two histories: the proof is here.
    Fork(ForkAlarm),
    /// The relay that orders the channel could not be sure that it had kept everything: it says so,
    /// and goes on from there.
    HubBeganAnew {
        /// The hub's authority.
        hub: String,
        /// Whether others brought back something that it had lost.
        brought_back: bool,
        /// Until which former position something is lost that nobody brought back.
        lost_until: Option<u64>,
        /// The authorities that could not be asked whether they hold more.
        unheard: Vec<String>,
    },
    /// A lead wants the channel to go on at another authority's relay.
    MoveWanted {
        /// Who.
        by: String,
        /// Whose relay orders it.
        from: String,
        /// Whose is to.
        to: String,
    },
    /// The authority whose relay orders the channel is no longer in the network: the channel is to move.
    HubDropped {
        /// The authority.
        hub: String,
    },
    /// The channel goes on at another authority's relay.
    Moved {
        /// Whose relay ordered it.
        from: String,
        /// Whose does now.
        to: String,
    },
    /// This device had received what the relay has lost. Own notes are sent again; the others stay
    /// on this device, and are no longer part of the channel's log.
    SetBack {
        /// From which position on.
        from: u64,
        /// Up to before which position this device had the log.
        until: u64,
        /// How many notes that concerns.
        entries: u64,
        /// Whether the device has to be let in again.
        is_stranded: bool,
    },
    /// The relay sent a log that does not fit; the channel rests until it does.
    Stopped {
        /// Why.
        reason: String,
    },
    /// A welcome was refused.
    WelcomeRefused {
        /// Why.
        reason: String,
    },
    /// Something the officer asked for can't be done.
    NotDone {
        /// What was asked for.
        task: Task,
        /// Why not.
        reason: String,
    },
    /// Officers who were to be admitted together and were not: of none of them is there a device that
    /// could be let in.
    NotAdmitted {
        /// Who.
        officers: Vec<String>,
        /// Why, where it is not that their programs have never run.
        reason: Option<String>,
    },
    /// An officer has no key package at the relay: the program must run there once.
    NoKeyPackage {
        /// Who.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
    },
    /// The store was restored from a copy: this device writes nothing until it is let in anew.
    SnapshotRestored {
        /// Encryptions that the relay has seen.
        relay: u64,
        /// Encryptions that the store knows of.
        store: u64,
    },
}

/// What leads are asked to consent to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// The officer's authority enters, the officer as its first lead.
    Authority,
    /// The officer becomes the owner, in the place of one whose devices are gone.
    Owner,
    /// The authority is put out, with all of its officers.
    Expulsion,
}

impl From<&Subject> for Matter {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Authority(_) => Self::Authority,
            Subject::Owner(_) => Self::Owner,
            Subject::Expulsion(_) => Self::Expulsion,
        }
    }
}

/// Whom something is blamed on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Author {
    /// The device.
    #[serde(with = "as_text")]
    pub device: DeviceName,
    /// Whether only the relay says so: no signature of the device vouches for it.
    pub by_relays_word: bool,
}

/// Two heads that one hub signed and that can't both be true, each as a quoted head (PROTOCOL.md
/// §3.8) in hexadecimal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ForkAlarm {
    /// The hub's authority.
    pub hub: String,
    /// The earlier position.
    pub first: String,
    /// The later position, or the same one.
    pub second: String,
}

impl Notice {
    /// Whether the officer has to be told at once.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        matches!(
            self,
            Self::Fork(_)
                | Self::Stranded { .. }
                | Self::SnapshotRestored { .. }
                | Self::SetBack { .. }
                | Self::HubBeganAnew { lost_until: Some(_), .. }
        )
    }
}

impl From<&Culprit> for Author {
    fn from(culprit: &Culprit) -> Self {
        Self {
            device: culprit.device().clone(),
            by_relays_word: matches!(culprit, Culprit::ByRelaysWord(_)),
        }
    }
}

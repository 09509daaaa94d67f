//! What an item of the log meant, as the caller learns it.

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::head::HeadSigner;
use enlace_log::{ClientId, HubStatement, PayloadHash, Seq, VerifiedHead};

use crate::entry::VerifiedEntry;
use crate::rules::Act;

/// Something that an item brought about. The caller stores what it shows of it in the same
/// transaction.
#[derive(Clone, Debug)]
pub enum Event {
    /// Another member's entry.
    Entry(Box<VerifiedEntry>),
    /// An entry of this device has its place in the log.
    OwnEntry(ClientId),
    /// A commit took effect; `own` names it where this device made it.
    Changed {
        /// Its author.
        by: DeviceName,
        /// What it did.
        acts: Vec<Act>,
        /// The client id, if this device made it.
        own: Option<ClientId>,
    },
    /// A commit brought later versions of the network's bundle along, signed, in order: the channel
    /// goes by the last of them. Items after it need it.
    Bundles(Vec<Vec<u8>>),
    /// A commit has no effect.
    Void {
        /// Whose it is, as far as can be said.
        author: Culprit,
        /// Why, in the words of PROTOCOL.md's decision table.
        reason: String,
    },
    /// An entry that nobody can read, or that does not fit together.
    Unreadable {
        /// Whose it is, as far as can be said.
        author: Culprit,
        /// Why.
        reason: String,
    },
    /// The relays were told to erase what these entries say. Whether `by` may is for whoever has their
    /// envelopes: [`enlace_log::tombstone::may_erase`].
    ErasedAtRelays {
        /// Who told them.
        by: DeviceName,
        /// Which, with their payloads' hashes.
        erased: Vec<(Seq, PayloadHash)>,
    },
    /// An entry that came without its content: erased, or kept back.
    WithoutContent(DeviceName),
    /// A commit of this device can no longer get a place: plan it again.
    CommitLost(ClientId),
    /// A member asks to be removed: whoever can, commits it.
    LeaveRequested(DeviceName),
    /// A member's device says that it cannot follow since a commit, and asks to be put back: whoever
    /// can, commits it.
    BackRequested {
        /// The device.
        device: DeviceName,
        /// The commit, by the word of the device.
        since: Seq,
    },
    /// A device objects to a commit.
    Contested {
        /// Whose objection it is.
        by: DeviceName,
        /// The commit.
        commit: Seq,
    },
    /// A void commit dropped this device from the hub's list: contest it.
    ContestDue(Seq),
    /// This device is no longer a member, by the act of `by`.
    Removed {
        /// Who removed it.
        by: DeviceName,
    },
    /// A commit's secrets did not reach this device: it must not write.
    Stranded {
        /// The commit's author.
        by: DeviceName,
    },
    /// The channel's next group was founded without this device. Whether that counts it cannot see:
    /// where the others go on without, it goes on as a member.
    LeftOut {
        /// Who founded it.
        by: DeviceName,
    },
    /// This stranded device is in the next group, as its founder says, and could not open it: it asks
    /// to be put back into that one, too.
    LockedOut {
        /// Where its founding stands.
        succession: Seq,
    },
    /// A change came before this stranded device was put back, as it had asked without naming its leaf: it
    /// asks again.
    RequestLapsed,
    /// An item that this device could read showed that it is not stranded after all.
    Resumed,
    /// Another member's item decrypted: the channel is what its welcome said.
    Confirmed,
    /// Another authority's relay orders the channel from here on, as leads of most authorities want.
    Moved {
        /// Whose relay did before.
        from: Domain,
        /// Whose does now.
        to: Domain,
    },
    /// The hub began a new incarnation: it may lack what it once signed, and says what it knows.
    HubBeganAnew(Box<HubStatement>),
    /// An item of a kind that only a newer version knows.
    NeedsNewerVersion,
    /// A quoted head could not be checked for want of this certificate.
    HeadKeyMissing(HeadSigner),
    /// A member quoted a head whose signature is not the hub's.
    FalseQuote(DeviceName),
    /// A head that the hub signed contradicts this copy of the log: a fork.
    Contradiction(Box<VerifiedHead>),
}

/// Whom an item that has no effect is blamed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Culprit {
    /// The member whose signature is on it.
    Member(DeviceName),
    /// The item names this device, by the word of the relay alone.
    ByRelaysWord(DeviceName),
}

impl Culprit {
    /// The device that the item names.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        match self {
            Self::Member(device) | Self::ByRelaysWord(device) => device,
        }
    }
}

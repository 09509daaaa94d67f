//! One thing that happens.

use std::fmt;
use std::time::Duration;

use enlace_channel::policy::Role;

use crate::network::{NodeId, Quality};

/// An operation and its time since the start.
#[derive(Clone, Debug)]
pub struct Timed {
    /// When.
    pub at: Duration,
    /// What.
    pub what: Operation,
}

/// A member's role, as a plan gives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rank {
    /// May admit and remove its authority's officers.
    Lead,
    /// Writes.
    Member,
    /// Reads.
    Observer,
}

impl Rank {
    /// As the rules know it.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Lead => Role::Lead,
            Self::Member => Role::Member,
            Self::Observer => Role::Observer,
        }
    }
}

/// What a modified program does that no honest one would.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Misdeed {
    /// Commits a removal that its officer may not make.
    Removal(usize),
    /// Commits a role for somebody that its officer may not give.
    Role(usize, Rank),
    /// Commits, and tells the hub a list of devices that lacks somebody who is in the group.
    List(usize),
    /// Commits what is no message of MLS, in an envelope that is in order.
    Garbled,
    /// Commits the beginning of a genuine commit.
    CutShort,
    /// Signs a note as somebody else's.
    AnothersName(usize),
    /// Sends a note as somebody else's.
    AnothersEnvelope(usize),
    /// Sends a note under a commitment to another.
    Commitment,
    /// Quotes a head that the hub never signed.
    Quote,
    /// Objects to a change that concerns nobody.
    Contest,
}

impl Misdeed {
    /// Whether it is a change that every honest member has to void.
    #[must_use]
    pub fn is_breach(self) -> bool {
        match self {
            Self::Removal(_) | Self::Role(..) | Self::List(_) | Self::Garbled | Self::CutShort => {
                true
            }
            Self::AnothersName(_)
            | Self::AnothersEnvelope(_)
            | Self::Commitment
            | Self::Quote
            | Self::Contest => false,
        }
    }
}

/// What a line is like from now on.
pub type LineQuality = Quality;

/// Something that happens. Officers, relays (by authority) and channels are numbered from 0.
#[derive(Clone, Debug)]
pub enum Operation {
    /// An officer opens a channel.
    Open {
        /// Who.
        by: usize,
    },
    /// An officer asks for another to be admitted.
    Admit {
        /// Who asks.
        by: usize,
        /// Where.
        channel: usize,
        /// Whom.
        who: usize,
        /// As what.
        role: Rank,
    },
    /// An officer asks for another to be removed.
    Remove {
        /// Who asks.
        by: usize,
        /// Where.
        channel: usize,
        /// Whom.
        who: usize,
    },
    /// An officer asks for another role for somebody.
    SetRole {
        /// Who asks.
        by: usize,
        /// Where.
        channel: usize,
        /// Whose.
        who: usize,
        /// Which.
        role: Rank,
    },
    /// An officer renews the keys.
    Renew {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
    },
    /// An officer asks to leave.
    Leave {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
    },
    /// An officer writes a note.
    Post {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
    },
    /// An officer's program, which is modified, does what no honest one would.
    Misdeed {
        /// Whose.
        by: usize,
        /// Where.
        channel: usize,
        /// What.
        what: Misdeed,
    },
    /// An officer's program goes offline.
    Offline {
        /// Whose.
        who: usize,
    },
    /// And online again.
    Online {
        /// Whose.
        who: usize,
    },
    /// A device loses its power after so many more effects, and is started again later.
    CrashDevice {
        /// Whose.
        who: usize,
        /// Datagrams and commits that still take place.
        effects: u64,
        /// How long it is down.
        down: Duration,
    },
    /// The same for a relay.
    CrashRelay {
        /// Whose.
        authority: usize,
        /// Datagrams and commits that still take place.
        effects: u64,
        /// How long it is down.
        down: Duration,
    },
    /// A relay is stopped in good order, and started again later.
    StopRelay {
        /// Whose.
        authority: usize,
        /// How long it is down.
        down: Duration,
    },
    /// An operator keeps a copy of a relay's disk.
    BackUp {
        /// Whose.
        authority: usize,
    },
    /// A relay's disk is lost: it is started again later on the copy that was kept last.
    Restore {
        /// Whose.
        authority: usize,
        /// How long it is down.
        down: Duration,
    },
    /// A relay begins to sign a second history, and shows it to some nodes alone.
    Fork {
        /// Whose.
        authority: usize,
        /// Who is shown the second one.
        shown_to: Vec<NodeId>,
    },
    /// The second history ends; whoever was shown it is shown the first one again.
    Unite {
        /// Whose.
        authority: usize,
    },
    /// Both directions between two nodes become like this.
    Line {
        /// One node.
        one: NodeId,
        /// The other.
        other: NodeId,
        /// Like this.
        quality: LineQuality,
    },
    /// A relay's next commit fails; kept all the same, or not.
    FailCommit {
        /// Whose.
        authority: usize,
        /// Whether it is kept.
        kept: bool,
    },
    /// A relay's disk is full, or has room again.
    RelayDisk {
        /// Whose.
        authority: usize,
        /// Whether it is full.
        full: bool,
    },
    /// A device's disk is full, or has room again.
    DeviceDisk {
        /// Whose.
        who: usize,
        /// Whether it is full.
        full: bool,
    },
    /// A node's clock is set.
    Clock {
        /// Whose.
        node: NodeId,
        /// By how much it is ahead of the right time.
        ahead_ms: i64,
    },
    /// A device's certificate is revoked; its authority's relay hears of it.
    Revoke {
        /// Whose.
        who: usize,
    },
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { by } => write!(f, "officer {by} opens a channel"),
            Self::Admit { by, channel, who, role } => {
                write!(f, "officer {by} admits officer {who} to channel {channel} as {role:?}")
            }
            Self::Remove { by, channel, who } => {
                write!(f, "officer {by} removes officer {who} from channel {channel}")
            }
            Self::SetRole { by, channel, who, role } => {
                write!(f, "officer {by} makes officer {who} {role:?} in channel {channel}")
            }
            Self::Renew { by, channel } => {
                write!(f, "officer {by} renews keys in channel {channel}")
            }
            Self::Leave { by, channel } => write!(f, "officer {by} leaves channel {channel}"),
            Self::Post { by, channel } => write!(f, "officer {by} writes in channel {channel}"),
            Self::Misdeed { by, channel, what } => {
                write!(f, "officer {by}'s modified program in channel {channel}: {what:?}")
            }
            Self::Offline { who } => write!(f, "officer {who} goes offline"),
            Self::Online { who } => write!(f, "officer {who} goes online"),
            Self::CrashDevice { who, effects, down } => {
                write!(
                    f,
                    "officer {who}'s device loses power after {effects} effects, for {down:?}"
                )
            }
            Self::CrashRelay { authority, effects, down } => {
                write!(f, "relay {authority} loses power after {effects} effects, for {down:?}")
            }
            Self::StopRelay { authority, down } => {
                write!(f, "relay {authority} stops for {down:?}")
            }
            Self::BackUp { authority } => write!(f, "a copy of relay {authority}'s disk is kept"),
            Self::Restore { authority, down } => {
                write!(f, "relay {authority} loses its disk, and has the last copy after {down:?}")
            }
            Self::Fork { authority, shown_to } => {
                let nodes: Vec<u8> = shown_to.iter().map(|node| node.0).collect();
                write!(f, "relay {authority} signs a second history, for nodes {nodes:?}")
            }
            Self::Unite { authority } => write!(f, "relay {authority}'s second history ends"),
            Self::Line { one, other, quality } => {
                write!(f, "the line between nodes {} and {} becomes {quality:?}", one.0, other.0)
            }
            Self::FailCommit { authority, kept } => {
                write!(f, "relay {authority}'s next commit fails, kept: {kept}")
            }
            Self::RelayDisk { authority, full } => {
                write!(f, "relay {authority}'s disk is full: {full}")
            }
            Self::DeviceDisk { who, full } => write!(f, "officer {who}'s disk is full: {full}"),
            Self::Clock { node, ahead_ms } => {
                write!(f, "node {}'s clock is {ahead_ms} ms ahead", node.0)
            }
            Self::Revoke { who } => write!(f, "officer {who}'s certificate is revoked"),
        }
    }
}

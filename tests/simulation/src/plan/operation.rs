//! One thing that happens.

use std::time::Duration;

use super::misdeed::Misdeed;
use super::rank::Rank;
use crate::network::{NodeId, Quality};

/// An operation and its time since the start.
#[derive(Clone, Debug)]
pub struct Timed {
    /// When.
    pub at: Duration,
    /// What.
    pub what: Operation,
}

/// What a line is like from now on.
pub type LineQuality = Quality;

/// Something that happens. Officers, relays (by authority) and channels are numbered from 0. An officer's
/// number is that of the first device, too; second devices have the numbers after all officers'.
#[derive(Clone, Debug)]
pub enum Operation {
    /// An officer opens a channel.
    Open {
        /// Who.
        by: usize,
    },
    /// An officer opens a forum, which has the next number among the channels.
    OpenForum {
        /// Who.
        by: usize,
        /// Whether its keys are of the classic suite.
        classic: bool,
    },
    /// An officer asks something in a forum.
    Ask {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
    },
    /// An officer answers a question.
    Answer {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// Which, of those that the device has then.
        which: usize,
    },
    /// An officer puts an entry on top of a forum, or takes it down.
    Pin {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// Which, of those that the device has then.
        which: usize,
        /// Which of the two.
        pinned: bool,
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
    /// An officer asks for another to stand in, on the mandate of that officer's registrar.
    StandIn {
        /// Who asks.
        by: usize,
        /// Where.
        channel: usize,
        /// Who stands in.
        who: usize,
        /// For how long.
        length: Duration,
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
    /// An officer has a channel go on in a new group.
    NewGroup {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// Whether its keys are of the classic suite.
        classic: bool,
    },
    /// An officer asks for a whole authority to be put out.
    Expel {
        /// Who asks.
        by: usize,
        /// Where.
        channel: usize,
        /// Which.
        authority: usize,
    },
    /// An officer votes for another authority's relay to order a channel.
    Move {
        /// Who.
        by: usize,
        /// Which.
        channel: usize,
        /// Whose relay is wanted.
        to: usize,
    },
    /// An officer takes that vote back.
    CancelMove {
        /// Who.
        by: usize,
        /// Which.
        channel: usize,
    },
    /// An officer has the own authority keep its copies, or no longer.
    Hold {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// Which of the two.
        placed: bool,
    },
    /// An officer says how many days after its closing the own authority keeps what is in a channel.
    Retain {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// How many.
        days: u32,
    },
    /// An officer asks to leave.
    Leave {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
    },
    /// An officer closes a channel, or opens it again.
    SetClosed {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// Which of the two.
        closed: bool,
    },
    /// An officer says on one device that another is hers too.
    AddDevice {
        /// On which.
        by: usize,
        /// The other one.
        device: usize,
    },
    /// An officer says on one device that another is hers no longer.
    RemoveDevice {
        /// On which.
        by: usize,
        /// The other one.
        device: usize,
    },
    /// An officer writes a note.
    Post {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
    },
    /// An officer corrects one of the own entries.
    Correct {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// Which, of those that the device has then.
        which: usize,
    },
    /// An officer withdraws one of the own entries.
    Withdraw {
        /// Who.
        by: usize,
        /// Where.
        channel: usize,
        /// Which, of those that the device has then.
        which: usize,
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
    /// A copy of a device's disk is kept.
    CopyDevice {
        /// Whose.
        who: usize,
    },
    /// A device's disk is put back as it was when the last copy was kept; the program is started again
    /// later.
    SetDeviceBack {
        /// Whose.
        who: usize,
        /// How long it is down.
        down: Duration,
    },
    /// A relay loses its power after so many more effects, and is started again later.
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
    /// Days pass in which nothing happens.
    DaysPass {
        /// How many.
        days: u64,
    },
    /// A registrar issues the certificates that its authority's devices ask for and that are due.
    IssueDue {
        /// Whose.
        authority: usize,
        /// For how long.
        days: u64,
    },
    /// The network's next bundle lists these authorities, and comes to one's relay first.
    Rotate {
        /// Whom it lists.
        listed: Vec<usize>,
        /// Whose relay has it first.
        first: usize,
    },
    /// A device is suspended, or all of its officer's; its authority's relay hears of it.
    Suspend {
        /// Whose.
        who: usize,
        /// Whether all of the officer's are.
        all: bool,
        /// When it ends by itself.
        length: Duration,
    },
    /// The suspension of an officer's devices is lifted.
    Lift {
        /// Whose.
        who: usize,
        /// When those of others, whom the same statement names, end by themselves.
        length: Duration,
    },
    /// A device's certificate is revoked; its authority's relay hears of it.
    Revoke {
        /// Whose.
        who: usize,
    },
}

//! What the writer is asked to do, and by whom it is awaited.

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{ChannelId, ChannelNonce, Incarnation, Seq, VerifiedHead, VerifiedHubVote};

use crate::hub::core::{Holder, LeaseClaim, Moving};
use crate::hub::errors::{IngestError, RefillRefused, SubmitError, Unavailable};
use crate::hub::handle::{Accepted, Answer, LeaseGrant};
use crate::hub::ingest::{Anchor, Copy};
use crate::hub::moves::{TakenOver, TakingOver};
use crate::hub::refill::{Refill, TakenBack};
use crate::hub::submission::Submission;
use crate::storage::{ClaimedKeyPackage, SideWrite};

/// One request.
#[derive(Debug)]
pub(crate) enum Request {
    /// Items, in the order in which they are to be sequenced; an answer for each.
    Submit { submissions: Vec<Submission>, answer: Answer<Vec<Result<Accepted, SubmitError>>> },
    /// The first item of a channel, whose id follows from the nonce.
    Create {
        submission: Box<Submission>,
        nonce: ChannelNonce,
        answer: Answer<Result<Accepted, SubmitError>>,
    },
    /// A lease.
    Lease {
        channel: ChannelId,
        device: DeviceName,
        claim: LeaseClaim,
        answer: Answer<Result<LeaseGrant, SubmitError>>,
    },
    /// A batch of another hub's log.
    Ingest { copy: Copy, answer: Answer<Result<Seq, IngestError>> },
    /// A welcome from another hub.
    Anchor { anchor: Box<Anchor>, answer: Answer<Result<(), IngestError>> },
    /// The hub has no more for a copy.
    EndCopy { channel: ChannelId, hub: Domain, answer: Answer<Result<(), IngestError>> },
    /// A copy goes back to that head: its hub no longer has what came after it.
    Rewind {
        hub: Domain,
        head: VerifiedHead,
        newest: Incarnation,
        answer: Answer<Result<Seq, IngestError>>,
    },
    /// A head that this hub signed, in somebody else's hands.
    Shown { head: VerifiedHead, answer: Answer<Result<(), Unavailable>> },
    /// Where the copies of somebody end who may hold more than this hub.
    Heard { holder: Holder, ends: Vec<(ChannelId, Seq)>, answer: Answer<Result<(), Unavailable>> },
    /// What this hub signed and may have lost.
    Refill { refill: Refill, answer: Answer<Result<TakenBack, RefillRefused>> },
    /// Votes for another hub; none to judge those that are known.
    Votes {
        channel: ChannelId,
        votes: Vec<VerifiedHubVote>,
        answer: Answer<Result<Option<Moving>, Unavailable>>,
    },
    /// A channel is to be taken over, if it is time.
    TakeOver { channel: ChannelId, answer: Answer<Result<TakingOver, Unavailable>> },
    /// A hub has taken over without what stands here.
    Displace { taken_over: Box<TakenOver>, answer: Answer<Result<Domain, IngestError>> },
    /// Writes beside the logs.
    Store { writes: Vec<SideWrite>, answer: Answer<Result<(), Unavailable>> },
    /// Key packages.
    TakeKeyPackages {
        suite: u16,
        devices: Vec<DeviceName>,
        answer: Answer<Result<Vec<ClaimedKeyPackage>, Unavailable>>,
    },
}

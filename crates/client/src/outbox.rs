//! What is sent next, and what an answer means. Pure: rows and answers in, decisions out.
//!
//! Entries keep the order in which the officer wrote them; whatever needs a commit waits for its
//! lease without holding them up. An item that was sealed for the present fence is sent as it is,
//! as often as it takes; once the log has passed its fence it can get no place any more and is
//! sealed anew. Only a hub's durable refusal ends it: silence never does.

use std::ops::RangeInclusive;
use std::time::Duration;

use enlace_identity::time::Timestamp;
use enlace_log::Seq;
use enlace_proto::relay::v1::{ErrorCode, LeasePurpose};
use enlace_transport::{CallError, Refusal};

use crate::store::OutboxRow;
use crate::task::{Claim, Task};

/// What sending in one channel depends on.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// The time.
    pub now: Timestamp,
    /// Whether this device may write.
    pub is_open: bool,
    /// Whether it has lost step with the channel: all that it may do then is to found the next group.
    pub is_stranded: bool,
    /// The newest commit item processed.
    pub fence: Option<Seq>,
    /// The hub's fence, where it said that this device lags behind.
    pub awaited: Option<Seq>,
    /// Whether this device holds the lease.
    pub has_lease: bool,
    /// Until when somebody else may hold it, as far as the hub said at this fence: whoever commits
    /// gives it back.
    pub lease_held_until: Option<Timestamp>,
    /// Whether this device must renew its keys before it encrypts more.
    pub must_renew: bool,
}

/// What to do about a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step<'a> {
    /// Claim a key package of that officer.
    Claim(Claim<'a>),
    /// Ask the relay whom it knows.
    Contacts,
    /// Ask for the lease.
    Lease(LeasePurpose),
    /// Make the item for the present state of the channel.
    Seal,
    /// Submit what was made.
    Send,
}

/// What to do next in a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next<'a> {
    /// This.
    Do(&'a OutboxRow, Step<'a>),
    /// Nothing before that time.
    Wait(Timestamp),
    /// Nothing until something happens.
    Nothing,
}

/// Decides what to do next in a channel whose queued rows are `rows`, in order.
#[must_use]
pub fn next<'a>(rows: &'a [OutboxRow], lane: &Lane) -> Next<'a> {
    if lane.awaited > lane.fence {
        return Next::Nothing;
    }
    // Objections go first: until the hub has them, it takes nothing else from this device. A device
    // that may not write may still object, and ask to be put back.
    let mut objections = rows.iter().filter(|row| row.task.is_objection());
    let until = objections.clone().map(|row| due_at(row, lane)).min();
    if let Some(row) = objections.find(|row| is_due(row, lane)) {
        let step = if row.sealed.is_some() {
            step_of_sealed(row, lane)
        } else {
            step_of_unsealed(row, lane)
        };
        return Next::Do(row, step);
    }
    let rest = match (lane.is_open, lane.is_stranded) {
        (true, _) => next_of_rest(rows, lane),
        (false, true) => next_of_the_stranded(rows, lane),
        (false, false) => Next::Nothing,
    };
    match (until, rest) {
        (Some(until), Next::Nothing) => Next::Wait(until),
        (Some(until), Next::Wait(rest)) => Next::Wait(rest.min(until)),
        (_, rest) => rest,
    }
}

fn next_of_the_stranded<'a>(rows: &'a [OutboxRow], lane: &Lane) -> Next<'a> {
    match rows.iter().find(|row| row.task.is_for_the_stranded()) {
        Some(row) if !is_due(row, lane) => Next::Wait(due_at(row, lane)),
        Some(row) if row.sealed.is_some() => Next::Do(row, step_of_sealed(row, lane)),
        Some(row) => Next::Do(row, step_of_unsealed(row, lane)),
        None => Next::Nothing,
    }
}

fn next_of_rest<'a>(rows: &'a [OutboxRow], lane: &Lane) -> Next<'a> {
    if let Some(row) = rows.iter().find(|row| row.sealed.is_some()) {
        return if is_due(row, lane) {
            Next::Do(row, step_of_sealed(row, lane))
        } else {
            Next::Wait(due_at(row, lane))
        };
    }
    let first_entry = rows.iter().position(|row| row.task == Task::Entry);
    let renews = lane.must_renew && rows.iter().any(|row| row.task == Task::SelfUpdate);
    let candidates = rows
        .iter()
        .enumerate()
        .filter(|(index, row)| row.task != Task::Entry || Some(*index) == first_entry)
        .map(|(_, row)| row)
        .filter(|row| !renews || row.task == Task::SelfUpdate);
    match candidates.clone().find(|row| is_due(row, lane)) {
        Some(row) => Next::Do(row, step_of_unsealed(row, lane)),
        None => {
            let first = candidates.map(|row| due_at(row, lane)).min();
            first.map_or(Next::Nothing, Next::Wait)
        }
    }
}

/// Whether a row's pause is over. No pause is longer than [`LONGEST_WAIT`]: one that ends later was
/// begun by a clock that has been set back since.
fn is_due(row: &OutboxRow, lane: &Lane) -> bool {
    let at = due_at(row, lane);
    at <= lane.now || at > lane.now.plus(LONGEST_WAIT)
}

/// When something can be done about a row: after its own pause and, where all that it lacks is a
/// lease that somebody else holds, after that.
fn due_at(row: &OutboxRow, lane: &Lane) -> Timestamp {
    let lacks_lease =
        row.task.lease().is_some() && row.task.missing_key_package().is_none() && !lane.has_lease;
    let held_until = lane.lease_held_until.filter(|_| lacks_lease);
    held_until.map_or(row.not_before, |until| until.max(row.not_before))
}

fn step_of_sealed<'a>(row: &OutboxRow, lane: &Lane) -> Step<'a> {
    let is_current = row.sealed.as_ref().is_some_and(|sealed| sealed.fence == lane.fence);
    match row.task.lease() {
        _ if !is_current => Step::Seal,
        Some(purpose) if !lane.has_lease => Step::Lease(purpose),
        _ => Step::Send,
    }
}

fn step_of_unsealed<'a>(row: &'a OutboxRow, lane: &Lane) -> Step<'a> {
    if matches!(row.task, Task::AdmitAll { .. }) {
        return Step::Contacts;
    }
    if let Some(claim) = row.task.missing_key_package() {
        return Step::Claim(claim);
    }
    match row.task.lease() {
        Some(purpose) if !lane.has_lease => Step::Lease(purpose),
        _ => Step::Seal,
    }
}

/// What an answer other than acceptance means for a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Nothing is known, or nobody can take it now: the same again, on this connection after that
    /// time or on the next one, for ever.
    Again(Duration),
    /// A no that may turn into a yes: the same again after that time, not for ever.
    MayPass(Duration),
    /// The hub's log has a newer commit: process what comes, then seal anew.
    Behind(Option<Seq>),
    /// Somebody else holds the lease, or goes first.
    LeaseHeld {
        /// When to ask again at the latest.
        wait: Duration,
        /// How many commits of others come first, the holder's aside: then to ask at once.
        ahead: u32,
    },
    /// The lease has lapsed: ask for it again.
    LeaseLapsed,
    /// It will never be accepted.
    Refused(String),
}

/// How often a refusal that may pass is taken for one that doesn't.
const PATIENCE: u32 = 8;

/// The shortest and the longest pause that a relay can ask for.
const ASKED: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(300);

/// Longer than any pause.
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 3600);

/// Judges an answer. `refusals` is how often the row was refused in a way that may pass, `outages`
/// how often in a row nobody could take anything of the channel.
#[must_use]
pub fn judge(error: &CallError, refusals: u32, outages: u32) -> Verdict {
    match error {
        CallError::Refused(refusal) => judge_refusal(refusal, refusals, outages),
        CallError::TooLong(error) => Verdict::Refused(error.to_string()),
        CallError::Malformed(_)
        | CallError::Unanswered
        | CallError::TimedOut
        | CallError::Lost(_) => Verdict::Again(pause(outages)),
    }
}

fn judge_refusal(refusal: &Refusal, refusals: u32, outages: u32) -> Verdict {
    use ErrorCode as E;
    let asked = refusal.retry_after.map(|asked| asked.clamp(*ASKED.start(), *ASKED.end()));
    match refusal.code {
        E::StaleFence => {
            Verdict::Behind(enlace_log::ids::seq_from_u64("fence", refusal.fence).ok().flatten())
        }
        E::LeaseHeld => Verdict::LeaseHeld {
            wait: asked.unwrap_or(Duration::from_secs(1)),
            ahead: refusal.ahead,
        },
        E::LeaseMissing => Verdict::LeaseLapsed,
        // The relay may hear of the channel or of the admission a moment later, and an objection
        // that restores this device to the list may be on its way.
        E::UnknownChannel | E::NotAMember if refusals < PATIENCE => {
            Verdict::MayPass(pause(refusals))
        }
        E::NoKeyPackage => Verdict::Again(asked.unwrap_or(Duration::from_secs(30))),
        E::Unspecified
        | E::Limit
        | E::HubUnreachable
        | E::Recovering
        | E::Stopping
        | E::Internal
        | E::StaleCrl
        | E::Suspended
        | E::CredentialExpired => Verdict::Again(asked.unwrap_or_else(|| pause(outages))),
        E::Malformed
        | E::Unsupported
        | E::NotAllowed
        | E::UnknownChannel
        | E::NotAMember
        | E::BadEnvelope
        | E::CredentialRevoked
        | E::ClientIdReused
        | E::ChannelExists => Verdict::Refused(refusal.to_string()),
    }
}

/// Doubling pauses, from a quarter of a second to half a minute.
pub(crate) fn pause(times: u32) -> Duration {
    Duration::from_millis(250u64 << times.min(7)).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests;

//! A channel that moves to another hub: votes, the next hub's statement, and what it means for
//! those who keep a copy (PROTOCOL.md §6.9).

use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, Domain, ServiceName};
use enlace_identity::time::Timestamp;
use enlace_log::hub_vote::FormerDomains;
use enlace_log::{
    HubStatement, Hubs, Item, ItemKind, Membership, Seq, SignedHubVote, TakeOver, VerifiedHubVote,
};

use super::{ChannelState, Lease};
use crate::hub::errors::{IngestError, SubmitError};
use crate::hub::head_key::HeadKey;
use crate::hub::trust::DeviceTrust;
use crate::storage::{LogWrite, Role, StorageError, StoredItem};

/// Where a channel's move stands at this relay.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Moving {
    /// The hub that a majority wants, by the votes that count here now.
    pub next: Option<Domain>,
    /// Whether a vote was new.
    pub is_news: bool,
    /// Whether a vote is of a state of the channel that this relay's log has not reached.
    pub is_behind: bool,
    /// Whether a vote is of a state that this relay's log has left behind.
    pub is_past: bool,
    /// Why the last vote that was not taken does not count here.
    pub refused: Option<VoteRefused>,
}

/// Why a vote does not count here. It is passed over.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VoteRefused {
    /// It is about another channel.
    #[error("the vote is about another channel")]
    OtherChannel,
    /// Its device is no member.
    #[error("the vote is of a device that is not a member of the channel")]
    NotAMember,
    /// The hub that it names as the present one is not.
    #[error("the channel's hub is {0}")]
    OtherHub(Domain),
    /// The next hub would be one without members.
    #[error("{0} has no members in the channel")]
    NoMembers(Domain),
    /// It names another commit than the newest.
    #[error("the fence is at {0:?}")]
    Fence(Option<Seq>),
}

impl ChannelState {
    /// With what is stored of its hubs and of votes.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`].
    pub fn with_moves(
        mut self,
        moves: Vec<(Seq, Domain)>,
        votes: &[(DeviceName, bytes::Bytes)],
    ) -> Result<Self, StorageError> {
        moves.into_iter().for_each(|(seq, hub)| self.hubs.move_to(seq, hub));
        for (device, vote) in votes {
            let vote = SignedHubVote::decode(vote).map_err(|_| StorageError::Corrupt("vote"))?;
            self.votes.insert(device.clone(), vote);
        }
        Ok(self)
    }

    /// Whose relay ordered which part of the log.
    #[must_use]
    pub fn hubs(&self) -> &Hubs {
        &self.hubs
    }

    /// The authority whose relay orders the channel, as far as this one knows.
    #[must_use]
    pub fn hub(&self) -> &Domain {
        &self.hub
    }

    /// Whether this relay is to take over.
    #[must_use]
    pub fn is_next_hub(&self) -> bool {
        self.is_next_hub
    }

    /// Whose relay created the channel, where that is not the hub.
    pub(super) fn foreign_creator(&self) -> Option<&Domain> {
        Some(self.hubs.first()).filter(|creating| **creating != self.hub)
    }

    /// Takes in the votes that count here now; what there is to write. Those that don't count any
    /// more are forgotten.
    pub fn take_votes(
        &mut self,
        votes: Vec<VerifiedHubVote>,
        moving: &mut Moving,
    ) -> Vec<LogWrite> {
        let fence = self.membership.fence();
        let former = self.votes.len();
        self.votes.retain(|_, vote| Some(vote.unverified_vote().fence) == fence);
        let mut has_changed = self.votes.len() != former;
        for vote in votes {
            match self.check_vote(&vote) {
                Ok(()) => {
                    let (device, signed) = (vote.device().clone(), vote.signed().clone());
                    if self.votes.get(&device) != Some(&signed) {
                        self.votes.insert(device, signed);
                        (moving.is_news, has_changed) = (true, true);
                    }
                }
                Err(refused) => {
                    if let VoteRefused::Fence(_) = refused {
                        let is_behind = Some(vote.fence) > fence;
                        moving.is_behind |= is_behind;
                        moving.is_past |= !is_behind;
                    }
                    moving.refused = Some(refused);
                }
            }
        }
        if has_changed { vec![self.votes_write()] } else { Vec::new() }
    }

    fn check_vote(&self, vote: &VerifiedHubVote) -> Result<(), VoteRefused> {
        let members = self.membership.current();
        if vote.channel != self.channel() {
            return Err(VoteRefused::OtherChannel);
        }
        if vote.from != *self.hubs.newest() {
            return Err(VoteRefused::OtherHub(self.hubs.newest().clone()));
        }
        if Some(vote.fence) != self.membership.fence() {
            return Err(VoteRefused::Fence(self.membership.fence()));
        }
        if !members.contains(vote.device()) {
            return Err(VoteRefused::NotAMember);
        }
        if !members.iter().any(|device| *device.domain() == vote.to) {
            return Err(VoteRefused::NoMembers(vote.to.clone()));
        }
        Ok(())
    }

    fn votes_write(&self) -> LogWrite {
        let votes = self.votes.iter();
        let votes = votes.map(|(device, vote)| (device.clone(), vote.encode().into())).collect();
        LogWrite::Votes { channel: self.channel(), votes }
    }

    /// The hub that a majority wants, and the votes for it: of devices whose certificates hold now.
    #[must_use]
    pub fn wanted_hub(&self, trust: &dyn DeviceTrust) -> Option<(Domain, Vec<SignedHubVote>)> {
        self.majority(&trust.former_domains(), |device, vote| {
            let found = trust.device_key(vote.chain()).ok()?;
            (!trust.is_revoked(device)).then_some(found)
        })
    }

    /// The same, whoever of the devices is revoked or suspended: where the former hub has stepped down
    /// by these votes, they count on, or nobody would order the channel any more.
    #[must_use]
    pub fn agreed_hub(
        &self,
        trust: &dyn DeviceTrust,
        now: Timestamp,
    ) -> Option<(Domain, Vec<SignedHubVote>)> {
        self.majority(&trust.former_domains(), |_, vote| {
            trust.device_key_at(vote.chain(), now).ok()
        })
    }

    fn majority(
        &self,
        former: &FormerDomains,
        certified: impl Fn(&DeviceName, &SignedHubVote) -> Option<(DeviceName, PublicKey)>,
    ) -> Option<(Domain, Vec<SignedHubVote>)> {
        let verified = self.votes.iter().filter_map(|(device, vote)| {
            let (name, key) = certified(device, vote)?;
            (name == *device).then(|| vote.clone().verify(name, &key).ok()).flatten()
        });
        let verified: Vec<_> = verified.collect();
        let from = self.hubs.newest();
        let (to, votes) = self.membership.next_hub(&verified, self.channel(), from, former)?;
        Some((to, bounded(votes, former)))
    }

    /// This relay becomes something else to the channel, or follows another hub; nothing else of the
    /// log changes. Leases are forgotten.
    pub fn turn(&mut self, role: Role, hub: Domain) -> LogWrite {
        (self.role, self.hub) = (role, hub.clone());
        (self.is_next_hub, self.lease) = (false, Lease::default());
        LogWrite::Turned { channel: self.channel(), role, hub }
    }

    /// Notes whether this relay is to take over; whether that is new.
    pub fn set_next_hub(&mut self, is_next_hub: bool) -> bool {
        std::mem::replace(&mut self.is_next_hub, is_next_hub) != is_next_hub
    }

    /// Takes over: states by which votes, and orders the log from here on.
    ///
    /// # Errors
    /// [`SubmitError::ClockStep`]; nothing has changed then.
    pub fn take_over(
        &mut self,
        now: Timestamp,
        votes: Vec<SignedHubVote>,
        unheard: Vec<Domain>,
        relay: &ServiceName,
        key: &HeadKey,
    ) -> Result<(StoredItem, Vec<LogWrite>), SubmitError> {
        let hub = relay.domain().clone();
        let taken_over = Some(TakeOver { hub: hub.clone(), votes });
        let (statement, mut writes) =
            self.go_on_anew(now, None, unheard, taken_over, relay, key)?;
        writes.extend(self.move_to(statement.seq, hub.clone(), Role::Hub));
        Ok((statement, writes))
    }

    /// What follows from an item that ends this copy now, if it is a hub's statement that it takes
    /// over: whose, once the votes were judged.
    ///
    /// # Errors
    /// [`IngestError::TakeOver`].
    pub fn judge_statement(
        &self,
        item: &Item,
        trust: &dyn DeviceTrust,
    ) -> Result<Option<Domain>, IngestError> {
        judge_statement(item, &self.membership, &self.hubs, trust)
    }

    /// Whether a batch that ends at a head comes from who may sign there: the hub of that position, a
    /// later one, or the one to which the log moves with the batch's first item.
    ///
    /// # Errors
    /// [`IngestError::NotAFollower`], [`IngestError::OtherHub`].
    pub fn check_signer(
        &self,
        signer: &Domain,
        moved: Option<&Domain>,
        end: Seq,
    ) -> Result<(), IngestError> {
        let may_sign = match moved {
            Some(next) => next == signer,
            None => self.hubs.may_sign(signer, end),
        };
        match self.role {
            Role::Hub => Err(IngestError::NotAFollower),
            Role::Follower if may_sign => Ok(()),
            Role::Follower => Err(IngestError::OtherHub(self.hubs.newest().clone())),
        }
    }

    /// Where a former hub's part of the log has ended, if a head of its lies beyond that.
    #[must_use]
    pub fn end_of_hub(&self, signer: &Domain, head: Seq) -> Option<Seq> {
        if self.hubs.may_sign(signer, head) {
            return None;
        }
        let moves = self.hubs.moves().filter(|(seq, _)| *seq <= head);
        let later = moves.collect::<Vec<_>>().into_iter().rev();
        later.take_while(|(_, hub)| *hub != signer).map(|(seq, _)| seq).last()
    }

    /// The log goes on at another hub from `seq` on.
    pub fn move_to(&mut self, seq: Seq, hub: Domain, role: Role) -> Vec<LogWrite> {
        let channel = self.channel();
        self.hubs.move_to(seq, hub.clone());
        self.votes.clear();
        vec![
            self.turn(role, hub.clone()),
            LogWrite::Moved { channel, seq, hub },
            self.votes_write(),
        ]
    }
}

/// Whose statement an item is, if it is one that takes over where `membership` and `hubs` end.
///
/// # Errors
/// [`IngestError::TakeOver`]: too few votes count.
pub fn judge_statement(
    item: &Item,
    membership: &Membership,
    hubs: &Hubs,
    trust: &dyn DeviceTrust,
) -> Result<Option<Domain>, IngestError> {
    let envelope = item.sealed.envelope();
    if envelope.kind != ItemKind::HubStatement {
        return Ok(None);
    }
    let statement = item.sealed.payload().and_then(|payload| HubStatement::decode(payload).ok());
    let Some(taken_over) = statement.and_then(|statement| statement.taken_over) else {
        return Ok(None);
    };
    if envelope.author.domain() != &taken_over.hub {
        return Err(IngestError::TakeOver("another hub's relay made the statement"));
    }
    let verified = taken_over.votes.into_iter().filter_map(|vote| {
        let (name, key) = trust.device_key_at(vote.chain(), item.received_at).ok()?;
        vote.verify(name, &key).ok()
    });
    let verified: Vec<_> = verified.filter(|vote| vote.to == taken_over.hub).collect();
    let (from, former) = (hubs.newest(), trust.former_domains());
    match membership.next_hub(&verified, envelope.channel, from, &former) {
        Some(_) => Ok(Some(taken_over.hub)),
        None => Err(IngestError::TakeOver("too few votes count")),
    }
}

/// As many as a statement holds: of each authority one before the others.
fn bounded(votes: Vec<&VerifiedHubVote>, former: &FormerDomains) -> Vec<SignedHubVote> {
    let mut of_each = std::collections::BTreeMap::<&Domain, usize>::new();
    let mut ranked: Vec<(usize, &VerifiedHubVote)> = Vec::with_capacity(votes.len());
    for vote in votes {
        let domain = vote.device().domain();
        let rank = of_each.entry(former.get(domain).unwrap_or(domain)).or_default();
        ranked.push((*rank, vote));
        *rank += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut bytes = 0;
    let fitting = ranked.into_iter().take(TakeOver::MAX_VOTES).take_while(|(_, vote)| {
        bytes += vote.signed().encode().len();
        bytes <= TakeOver::MAX_BYTES
    });
    fitting.map(|(_, vote)| vote.signed().clone()).collect()
}

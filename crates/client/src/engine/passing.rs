//! Revocation lists and suspensions travel in the channels, too, so that no relay can keep its own
//! authority's from the others: the first member who hears of one passes it on, and whoever reads it
//! takes it in and tells the own relay.
//!
//! Only what was issued since this device came into the channel, so that nobody repeats what was said
//! there before; and of revocation lists only those that revoke what no other one there did.

use std::collections::BTreeSet;
use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::entry::EntryKind;
use enlace_channel::policy::Role;
use enlace_identity::canonical::sha256;
use enlace_identity::names::{DeviceName, Domain};
use enlace_identity::revocation::{MAX_SKEW, RevocationList};
use enlace_identity::suspension::SignedSuspensions;
use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;

use super::turns;
use super::work::Work;
use super::{Engine, EngineError};

/// The longest list that an entry holds, in bytes; longer ones reach relays and members as before.
const MAX_LIST: usize = 192 << 10;

/// By how much others go later than leads of the list's authority.
const OTHERS: Duration = Duration::from_secs(2);

/// A list that this device will pass on, unless another member does first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Passing {
    pub(super) channel: ChannelId,
    pub(super) list: Vec<u8>,
    pub(super) at: Timestamp,
}

/// What of a list decides whether it is news.
enum Claims {
    Suspensions(u64),
    Revoked(BTreeSet<Vec<u8>>),
}

impl Engine {
    /// Writes down and follows up what has come by entries or hello.
    pub(super) fn notice_lists(&mut self) -> Result<(), EngineError> {
        if self.lists.has_changed().unwrap_or(false) {
            self.lists.mark_unchanged();
            self.save_crls()?;
        }
        Ok(())
    }

    /// Puts the lists in the outbox whose time has come, where they are still news.
    pub(super) fn pass_lists_on(&mut self) -> Result<(), EngineError> {
        let now = self.trust.now();
        let (due, later) = self.passing.drain(..).partition(|passing: &Passing| passing.at <= now);
        self.passing = later;
        let due: Vec<Passing> = due;
        if due.is_empty() {
            return Ok(());
        }
        self.write(|work| due.iter().try_for_each(|passing| work.pass_on(passing)))
    }
}

impl Work<'_> {
    /// What this device is to pass on in a channel, and when.
    pub(super) fn lists_to_pass_on(
        &self,
        channel: &Channel,
        joined_at: Timestamp,
    ) -> Result<Vec<Passing>, EngineError> {
        let policy = channel.policy();
        let role = self.own_role(policy);
        if !role.is_some_and(Role::may_write) || policy.is_closed() {
            return Ok(Vec::new());
        }
        let mut passing = Vec::new();
        let bundle = self.trust.bundle();
        for authority in policy.authorities().into_iter().flat_map(|a| bundle.domains_of(a)) {
            for list in self.trust.crls_of(authority) {
                if list.len() <= MAX_LIST
                    && issued_at(&list).is_some_and(|at| at.plus(MAX_SKEW) > joined_at)
                    && self.is_news_there(channel.id(), &list)?
                {
                    let at = self.now().plus(self.passing_turn(channel, authority, &list));
                    passing.push(Passing { channel: channel.id(), list, at });
                }
            }
        }
        Ok(passing)
    }

    fn passing_turn(&self, channel: &Channel, authority: &Domain, list: &[u8]) -> Duration {
        let rank = |device: &DeviceName| {
            let role =
                channel.policy().role_of(device.officer()).filter(|role| role.may_write())?;
            let is_own = channel.policy().are_one(device.domain(), authority);
            let is_first = role.is_lead() && is_own;
            Some(if is_first { Duration::ZERO } else { OTHERS })
        };
        turns::turn(self.me(), sha256(list), channel.devices().iter(), rank)
    }

    fn is_news_there(&self, id: ChannelId, list: &[u8]) -> Result<bool, EngineError> {
        let Some(claims) = claims_of(list) else { return Ok(false) };
        let kind = match claims {
            Claims::Suspensions(_) => EntryKind::Suspension,
            Claims::Revoked(_) => EntryKind::RevocationList,
        };
        let (mut newest, mut revoked) = (0, BTreeSet::new());
        for row in self.tx.entries_of_kind(id, kind.code())? {
            let entry = super::settle::reload(&row.signed)?;
            match entry.list().filter(|there| is_of_one_authority(there, list)).and_then(claims_of)
            {
                Some(Claims::Suspensions(serial)) => newest = newest.max(serial),
                Some(Claims::Revoked(serials)) => revoked.extend(serials),
                None => {}
            }
        }
        Ok(match claims {
            Claims::Suspensions(serial) => serial > newest,
            Claims::Revoked(serials) => !serials.is_subset(&revoked),
        })
    }

    fn pass_on(&mut self, passing: &Passing) -> Result<(), EngineError> {
        let id = passing.channel;
        if !self.is_news_there(id, &passing.list)? {
            return Ok(());
        }
        let Some(channel) = self.take(id)? else { return Ok(()) };
        let draft = self.draft_own(&channel);
        self.keep(channel);
        match draft.sign_list(&passing.list, &self.ctx.device.key, || self.salt()) {
            Ok(entry) => Ok(self.put_own_entry(&entry)?),
            Err(_) => Ok(()),
        }
    }
}

fn issued_at(list: &[u8]) -> Option<Timestamp> {
    if SignedSuspensions::is_meant(list) {
        let signed = SignedSuspensions::decode(list).ok()?;
        return Some(signed.unverified_statement().ok()?.issued_at);
    }
    Some(RevocationList::from_bytes(list).ok()?.unverified_claims().ok()?.0)
}

/// What a list claims; `None` when nobody is concerned.
fn claims_of(list: &[u8]) -> Option<Claims> {
    if SignedSuspensions::is_meant(list) {
        let signed = SignedSuspensions::decode(list).ok()?;
        return Some(Claims::Suspensions(signed.unverified_statement().ok()?.serial));
    }
    let (_, revoked) = RevocationList::from_bytes(list).ok()?.unverified_claims().ok()?;
    let revoked: BTreeSet<_> = revoked.iter().map(|serial| serial.as_bytes().to_vec()).collect();
    (!revoked.is_empty()).then_some(Claims::Revoked(revoked))
}

/// Serial numbers of revocation lists are random, those of suspensions each authority's own.
fn is_of_one_authority(a: &[u8], b: &[u8]) -> bool {
    let domain = |list: &[u8]| {
        let signed = SignedSuspensions::decode(list).ok()?;
        Some(signed.unverified_statement().ok()?.domain)
    };
    domain(a) == domain(b)
}

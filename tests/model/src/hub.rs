//! What the hub does with what members send (PROTOCOL.md §6.1).

use crate::access::Access;
use crate::log::{Body, Device, Incarnation, Item, Log, Sealed};
use crate::rules::{Rules, Unsure};

/// The relay that orders the channel.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Hub {
    /// Its log: all of it is durable and signed.
    pub log: Log,
    /// Whether it is sure of its log, and takes items.
    pub is_sure: bool,
    /// Who holds the lease. A restart forgets it.
    pub lease: Option<Device>,
    /// Who held the lease for the newest commit. A restart forgets it. Looked at only where
    /// verdicts are not pure.
    pub leased: Option<Device>,
    /// What it ever signed: of each incarnation the longest log. A hub does not know this; what it
    /// signed stays in the world.
    pub signed: Vec<(Incarnation, Log)>,
    /// Whether it signed two logs in one incarnation: a fork alarm, and an honest hub accused.
    pub has_contradicted: bool,
}

impl Hub {
    /// At the channel's beginning.
    #[must_use]
    pub fn new() -> Self {
        Self {
            log: Log::created(),
            is_sure: true,
            lease: None,
            leased: None,
            signed: vec![(0, Log::created())],
            has_contradicted: false,
        }
    }

    /// Whether it takes an item, whose author knows so much of the log.
    #[must_use]
    pub fn takes(&self, rules: &Rules, sealed: &Sealed, known: &Log) -> bool {
        let is_commit = matches!(sealed.body, Body::Commit { .. });
        let is_contest = matches!(sealed.body, Body::Contest { .. });
        let is_new = self.log.find(sealed.author, sealed.id).is_none();
        let is_fenced = sealed.fence == Access::after(&self.log).fence() || !rules.fence;
        // The fence may be this log's by number, and be a commit that a restart replaced.
        let is_heard = known.incarnation() == self.log.incarnation() || !rules.incarnation;
        let is_cut_off = is_contest && rules.contest_without_fence;
        (self.is_sure || !rules.read_only)
            && (is_new || !rules.once)
            && ((is_fenced && is_heard) || is_cut_off)
            && (!is_commit || !rules.lease || self.lease == Some(sealed.author))
            && (!is_contest || rules.contest)
            && Access::permits(&self.log, sealed)
    }

    /// Puts an item at the end of its log and signs.
    pub fn append(&mut self, item: Item, rules: &Rules) {
        self.log = self.log.with(item);
        if let Item::Sealed(Sealed { body: Body::Commit { .. }, author, .. }) = item {
            self.lease = None;
            self.leased = (!rules.pure_verdict).then_some(author);
        }
        self.sign();
    }

    /// The process ends, and starts on some state that its store once had.
    pub fn restart(&mut self, log: Log, looks_clean: bool, rules: &Rules) {
        self.is_sure = match rules.unsure {
            Unsure::AfterEachStart => false,
            Unsure::WhenUncleanOrShown => looks_clean,
        };
        self.log = log;
        self.lease = None;
        self.leased = None;
    }

    fn sign(&mut self) {
        let incarnation = self.log.incarnation();
        match self.signed.iter_mut().find(|(number, _)| *number == incarnation) {
            None => self.signed.push((incarnation, self.log.clone())),
            Some((_, signed)) if signed.leads_to(&self.log) => *signed = self.log.clone(),
            Some((_, signed)) => self.has_contradicted |= !self.log.leads_to(signed),
        }
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

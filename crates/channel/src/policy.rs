//! What the members agreed on, as the group context holds it (extension 0xF0E1): kind, title,
//! roles and the rest. No relay ever sees it.
//!
//! [`Policy`] can only hold what is well-formed by itself. Who may change what is
//! [`crate::rules`]'.

mod edit;
mod former;
mod founding;
mod suspended;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use enlace_identity::bundle::BundleHash;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Generation};

use crate::entry::HandlingCode;

pub use self::edit::{NewCase, PolicyEdit};
pub use self::former::former_domains;
pub use self::founding::{Expulsion, Founding, FoundingReason};
pub use self::suspended::SuspendedDevice;

/// The version of the rules that this program applies.
pub const RULES_VERSION: u32 = 1;

/// The policy of a channel, with the bytes that it was read from or is written as.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    content: Content,
    bytes: Vec<u8>,
    has_unknown_fields: bool,
}

/// The fields of a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) rules_version: u32,
    pub(crate) channel: ChannelId,
    pub(crate) generation: Generation,
    pub(crate) kind: ChannelKind,
    pub(crate) title: String,
    pub(crate) case_references: BTreeMap<Domain, String>,
    pub(crate) legal_basis: String,
    pub(crate) default_handling: HandlingCode,
    pub(crate) retention: BTreeMap<Domain, u32>,
    pub(crate) hub: Domain,
    pub(crate) creating_hub: Option<Domain>,
    pub(crate) roles: BTreeMap<OfficerAddress, Role>,
    pub(crate) bundle_hash: BundleHash,
    pub(crate) authorities_version: u64,
    pub(crate) closed: bool,
    pub(crate) holds: BTreeSet<Domain>,
    pub(crate) founding: Option<Founding>,
    pub(crate) stand_ins: BTreeMap<OfficerAddress, Timestamp>,
    pub(crate) mandate_serials: BTreeMap<Domain, u64>,
    pub(crate) suspension_serials: BTreeMap<Domain, u64>,
    pub(crate) suspended: BTreeMap<DeviceName, SuspendedDevice>,
    pub(crate) former_domains: BTreeMap<Domain, Domain>,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ChannelKind {
    /// 3 to 50 officers, all of whom may write.
    Case,
    /// Up to thousands; guides publish, participants ask.
    Forum,
}

/// What an officer may do in a channel.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// Admits new authorities; one per channel. Also a lead of its own authority.
    Owner,
    /// Admits and removes officers of its own authority.
    Lead,
    /// Reads and writes; in a forum, reads and asks.
    Member,
    /// Publishes in a forum.
    Guide,
    /// Reads only.
    Observer,
}

/// Why bytes or fields are no policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// The bytes are no such message.
    #[error("the channel's policy cannot be read")]
    Malformed,
    /// A field holds a value that no policy can have.
    #[error("the channel's policy holds a value that is not allowed in: {0}")]
    Value(&'static str),
    /// A list is not sorted, or names somebody twice.
    #[error("the channel's policy is not in order in: {0}")]
    Order(&'static str),
    /// The officer to admit is in the channel already.
    #[error("{0} is in the channel already")]
    AlreadyMember(OfficerAddress),
    /// The officer to change or remove is not in the channel.
    #[error("{0} is not in the channel")]
    NotAMember(OfficerAddress),
    /// There are fields of a newer version, which this one would lose: an update is needed.
    #[error("changing this channel needs a newer version of this program")]
    NeedsNewerVersion,
}

impl Policy {
    /// The most bytes that a policy can have.
    pub const MAX_BYTES: usize = 2 << 20;
    /// The most officers.
    pub const MAX_ROLES: usize = 20_000;
    /// The most authorities of which a serial is recorded: as many as a bundle may list.
    pub const MAX_AUTHORITIES: usize = 512;
    /// The most devices of one officer.
    pub const MAX_DEVICES: usize = 8;
    /// The most case references, and the most authorities with a retention.
    pub const MAX_PER_AUTHORITY: usize = 64;
    /// The most characters of a title or a case reference.
    pub const MAX_TITLE_CHARS: usize = 200;
    /// The most characters of a legal basis.
    pub const MAX_LEGAL_BASIS_CHARS: usize = 2000;
    /// The longest retention, in days.
    pub const MAX_RETENTION_DAYS: u32 = 36_525;

    /// Reads the extension's bytes. Fields of a newer version are kept, and noted.
    ///
    /// # Errors
    /// [`PolicyError`]: no honest member would have written this.
    pub fn decode(bytes: &[u8]) -> Result<Self, PolicyError> {
        let content = wire::decode(bytes)?;
        let has_unknown_fields = wire::encode(&content) != bytes;
        Ok(Self { content, bytes: bytes.to_vec(), has_unknown_fields })
    }

    /// The extension's bytes; of a policy that was read, the same ones.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Whether there is more in it than this version knows.
    #[must_use]
    pub fn has_unknown_fields(&self) -> bool {
        self.has_unknown_fields
    }

    /// Which version of the rules the channel follows.
    #[must_use]
    pub fn rules_version(&self) -> u32 {
        self.content.rules_version
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        self.content.channel
    }

    /// Which of its groups.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.content.generation
    }

    /// What the channel is for.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        self.content.kind
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.content.title
    }

    /// Each authority's own reference of the case.
    #[must_use]
    pub fn case_references(&self) -> &BTreeMap<Domain, String> {
        &self.content.case_references
    }

    /// What the exchange rests on; may be empty.
    #[must_use]
    pub fn legal_basis(&self) -> &str {
        &self.content.legal_basis
    }

    /// The handling code that a note gets unless its author chooses another.
    #[must_use]
    pub fn default_handling(&self) -> HandlingCode {
        self.content.default_handling
    }

    /// How many days each authority keeps entries.
    #[must_use]
    pub fn retention(&self) -> &BTreeMap<Domain, u32> {
        &self.content.retention
    }

    /// The authorities that keep their copies for now, whatever is withdrawn or has run its time.
    #[must_use]
    pub fn holds(&self) -> &BTreeSet<Domain> {
        &self.content.holds
    }

    /// The authority whose relay orders the channel.
    #[must_use]
    pub fn hub(&self) -> &Domain {
        &self.content.hub
    }

    /// The authority at whose relay the channel began: its id is derived from it.
    #[must_use]
    pub fn creating_hub(&self) -> &Domain {
        self.content.creating_hub.as_ref().unwrap_or(&self.content.hub)
    }

    /// Whether another policy says the same of the channel's hubs.
    pub(crate) fn has_same_hubs(&self, other: &Self) -> bool {
        (&self.content.hub, &self.content.creating_hub)
            == (&other.content.hub, &other.content.creating_hub)
    }

    /// Every officer of the channel and the officer's role.
    #[must_use]
    pub fn roles(&self) -> &BTreeMap<OfficerAddress, Role> {
        &self.content.roles
    }

    /// The network bundle that certificates are judged by.
    #[must_use]
    pub fn bundle_hash(&self) -> BundleHash {
        self.content.bundle_hash
    }

    /// 1 at first, and one more for each authority that enters or goes, and for each owner whom leads
    /// have appointed.
    #[must_use]
    pub fn authorities_version(&self) -> u64 {
        self.content.authorities_version
    }

    /// An officer's role; `None` for who is not in the channel.
    #[must_use]
    pub fn role_of(&self, officer: &OfficerAddress) -> Option<Role> {
        self.content.roles.get(officer).copied()
    }

    /// The officers who own the channel: one, in every valid policy, or none where the owner's
    /// certificate was withdrawn and nobody succeeded.
    pub fn owners(&self) -> impl Iterator<Item = &OfficerAddress> {
        self.officers_with(|_, role| role == Role::Owner)
    }

    /// The officers who may admit and remove officers of an authority: its leads, and the owner if
    /// it is one of its officers.
    pub fn leads_of<'a>(&'a self, domain: &'a Domain) -> impl Iterator<Item = &'a OfficerAddress> {
        self.officers_with(move |officer, role| {
            self.are_one(officer.domain(), domain) && role.is_lead()
        })
    }

    /// Who succeeds an owner whose certificate is withdrawn, the first who is there: the other leads
    /// of the same authority, stand-ins aside, sorted by the bytes of their addresses.
    pub fn successors<'a>(
        &'a self,
        owner: &'a OfficerAddress,
    ) -> impl Iterator<Item = &'a OfficerAddress> {
        let leads = self.officers_with(move |officer, role| {
            self.are_one(officer.domain(), owner.domain())
                && role == Role::Lead
                && !self.content.stand_ins.contains_key(officer)
        });
        let mut leads: Vec<_> = leads.collect();
        leads.sort_by_key(ToString::to_string);
        leads.into_iter()
    }

    /// Those of [`Self::leads_of`] who are leads at `at`: the mandate of a stand-in ends.
    pub fn leads_at<'a>(
        &'a self,
        domain: &'a Domain,
        at: Timestamp,
    ) -> impl Iterator<Item = &'a OfficerAddress> {
        self.leads_of(domain).filter(move |officer| !self.has_ended(officer, at))
    }

    /// What an officer may do at `at`: as [`Self::role_of`], but that a stand-in whose mandate has ended
    /// is a member.
    #[must_use]
    pub fn role_at(&self, officer: &OfficerAddress, at: Timestamp) -> Option<Role> {
        match self.role_of(officer) {
            Some(Role::Lead) if self.has_ended(officer, at) => Some(Role::Member),
            role => role,
        }
    }

    /// Whether an officer is a stand-in whose mandate has ended at `at`: anybody may remove it.
    #[must_use]
    pub fn has_ended(&self, officer: &OfficerAddress, at: Timestamp) -> bool {
        self.content.stand_ins.get(officer).is_some_and(|end| at >= *end)
    }

    /// The stand-ins, each with the end of its mandate.
    #[must_use]
    pub fn stand_ins(&self) -> &BTreeMap<OfficerAddress, Timestamp> {
        &self.content.stand_ins
    }

    /// The highest serial of each authority's mandates that were used.
    #[must_use]
    pub fn mandate_serials(&self) -> &BTreeMap<Domain, u64> {
        &self.content.mandate_serials
    }

    /// Whether the case is closed: nothing is written any more, and nobody comes in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.content.closed
    }

    /// Why the channel's present group began; `None` of the first one.
    #[must_use]
    pub fn founding(&self) -> Option<&Founding> {
        self.content.founding.as_ref()
    }

    /// Whether an officer may close the channel at `at`, and open it again: the owner, and where there is
    /// none every lead.
    #[must_use]
    pub fn may_close(&self, officer: &OfficerAddress, at: Timestamp) -> bool {
        match self.role_at(officer, at) {
            Some(Role::Owner) => true,
            Some(Role::Lead) => self.owners().next().is_none(),
            _ => false,
        }
    }

    /// The authorities that have an officer in the channel, by their present domains, sorted.
    #[must_use]
    pub fn authorities(&self) -> BTreeSet<&Domain> {
        self.content.roles.keys().map(|officer| self.present(officer.domain())).collect()
    }

    /// The authorities that appoint an owner at `at`: those with an officer in the channel, and where
    /// there is no owner, of these the ones with a lead.
    #[must_use]
    pub fn electors(&self, at: Timestamp) -> BTreeSet<&Domain> {
        let has_owner = self.owners().next().is_some();
        let elects = |officer: &OfficerAddress| {
            has_owner || self.role_at(officer, at).is_some_and(Role::is_lead)
        };
        let electors = self.officers_with(|officer, _| elects(officer));
        electors.map(|officer| self.present(officer.domain())).collect()
    }

    /// The authorities that have a lead at `at`, or the owner.
    pub(crate) fn led_authorities(&self, at: Timestamp) -> BTreeSet<&Domain> {
        let leads = |officer: &OfficerAddress| self.role_at(officer, at).is_some_and(Role::is_lead);
        let leads = self.officers_with(|officer, _| leads(officer));
        leads.map(|officer| self.present(officer.domain())).collect()
    }

    fn officers_with(
        &self,
        predicate: impl Fn(&OfficerAddress, Role) -> bool,
    ) -> impl Iterator<Item = &OfficerAddress> {
        let roles = self.content.roles.iter();
        roles.filter(move |(officer, role)| predicate(officer, **role)).map(|(officer, _)| officer)
    }

    /// Takes fields that may have come from anywhere.
    fn from_content(content: Content) -> Result<Self, PolicyError> {
        wire::check(&content)?;
        let bytes = wire::encode(&content);
        if bytes.len() > Self::MAX_BYTES {
            return Err(PolicyError::Value("roles"));
        }
        Ok(Self { content, bytes, has_unknown_fields: false })
    }
}

impl Role {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Owner, "owner"),
        (Self::Lead, "lead"),
        (Self::Member, "member"),
        (Self::Guide, "guide"),
        (Self::Observer, "observer"),
    ];

    /// Whether it comes with the rights of a lead: an owner is one too.
    #[must_use]
    pub fn is_lead(self) -> bool {
        matches!(self, Self::Owner | Self::Lead)
    }

    /// Whether channels of that kind know it.
    #[must_use]
    pub fn exists_in(self, kind: ChannelKind) -> bool {
        self != Self::Guide || kind == ChannelKind::Forum
    }

    /// Whether it may write entries at all.
    #[must_use]
    pub fn may_write(self) -> bool {
        self != Self::Observer
    }

    /// Whether it speaks to everybody in a forum; members ask.
    #[must_use]
    pub fn may_publish(self) -> bool {
        matches!(self, Self::Owner | Self::Lead | Self::Guide)
    }
}

/// The text is not the name of a role.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a role is owner, lead, member, guide or observer")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        found.map(|(role, _)| role).ok_or(RoleError)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            Self::ALL.into_iter().find(|(role, _)| role == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

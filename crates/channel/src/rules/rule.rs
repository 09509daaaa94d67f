//! The rules by name, as PROTOCOL.md §5 lists them.

use std::fmt;

/// Defines the rules, each with its name in PROTOCOL.md and a sentence for reports.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $id:literal, $sentence:literal;)*) => {
        /// A rule that a commit, a welcome or an entry can break.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// Its name in PROTOCOL.md.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$rule => $id,)*
                }
            }

            /// What was done against it, as a report says it.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$rule => $sentence,)*
                }
            }
        }
    };
}

rules! {
    /// The device in the envelope is the MLS sender.
    Sender = "R-SENDER", "its envelope names another device than its author";
    /// The committer is a member before and after.
    Committer = "R-COMMITTER", "its author removes itself, or is no member";
    /// The envelope's list is the tree's.
    List = "R-LIST", "its device list is not the one of the group after it";
    /// No two leaves carry one device name.
    DeviceUnique = "R-DEVICE-UNIQUE", "two leaves carry the name of one device, or one carries none";
    /// Each officer with a role has one to eight devices, and each device an officer with a role.
    RolesMatch = "R-ROLES-MATCH", "an officer has no device or too many, or a device no officer with a role";
    /// Only the committer's own leaf changes.
    OwnLeaf = "R-OWN-LEAF", "it changes another member's leaf";
    /// A new certificate verifies at `received_at` and fits its leaf.
    Certificate = "R-CERTIFICATE", "a new certificate is refused";
    /// The policy can be read.
    PolicyForm = "R-POLICY-FORM", "the channel's policy cannot be read after it";
    /// A policy with unknown fields is left alone.
    PolicyUnknown = "R-POLICY-UNKNOWN", "it changes a policy that holds fields of a newer version";
    /// Some fields never change.
    PolicyFixed = "R-POLICY-FIXED", "it changes a field of the policy that is fixed";
    /// The policy says whose relay orders the channel.
    PolicyHub = "R-POLICY-HUB", "it does not name the hub that orders the channel";
    /// The owner raises the version of the rules, by one, once everybody's program applies it.
    RulesVersion = "R-RULES-VERSION", "it raises the rules beyond what every member's program knows, or as none may";
    /// Some fields are the owner's.
    PolicyOwner = "R-POLICY-OWNER", "only the owner may change this field of the policy";
    /// Some fields are each authority's own.
    PolicyAuthority = "R-POLICY-AUTHORITY", "only a lead of that authority may change this field";
    /// A channel follows the network's bundle, by versions that follow each other.
    Bundle = "R-BUNDLE", "it does not follow the network's bundle as it should";
    /// `authorities_version` counts authorities that enter or go.
    AuthoritiesVersion = "R-AUTHORITIES-VERSION", "it does not count the authorities that enter or go";
    /// An officer is admitted by a lead of the same authority.
    AdmitSovereign = "R-ADMIT-SOVEREIGN", "only a lead of the same authority may admit this officer";
    /// A new authority enters through the owner, with one officer, who becomes its lead.
    AdmitAuthority = "R-ADMIT-AUTHORITY", "a new authority enters through the owner, with one lead";
    /// Whoever is admitted becomes lead, member or observer, or in a forum guide.
    AdmitRole = "R-ADMIT-ROLE", "nobody can be admitted with this role";
    /// The authorities present consent to a new one in a case channel.
    AdmitConsent = "R-ADMIT-CONSENT", "not every authority in the channel has consented to the new one";
    /// Stand-ins are recorded as their mandates say, and own no channel.
    StandIn = "R-STAND-IN", "it does not record stand-ins as their mandates say, or makes one the owner";
    /// An officer is removed by a lead of the same authority, or by its own wish; a device by its
    /// officer, too.
    RemoveSovereign = "R-REMOVE-SOVEREIGN", "only a lead of the same authority may remove this officer";
    /// The owner hands the ownership on before it goes.
    RemoveOwner = "R-REMOVE-OWNER", "the owner cannot be removed";
    /// Evidence is genuine, fits the present leaf and is needed.
    Evidence = "R-EVIDENCE", "its evidence does not hold";
    /// Which statements about suspensions took effect, and who may come back, is recorded.
    Suspension = "R-SUSPENSION", "it does not record suspensions as they are";
    /// There is exactly one owner.
    OneOwner = "R-ONE-OWNER", "a channel has exactly one owner";
    /// Only the owner hands the ownership on, to a lead or member, and becomes a lead.
    Handover = "R-HANDOVER", "only the owner may hand the ownership on, to a lead or a member";
    /// Where the owner is gone, leads of most authorities appoint another.
    AppointOwner = "R-APPOINT-OWNER", "too few of the authorities in the channel have consented to another owner";
    /// Roles are set by a lead of the same authority.
    RoleSovereign = "R-ROLE-SOVEREIGN", "only a lead of the same authority may change this role";
    /// The role exists in this kind of channel.
    RoleKind = "R-ROLE-KIND", "there is no such role in this kind of channel";
    /// An officer's role passes as it is to the address that succeeds the officer's.
    SucceedAddress = "R-SUCCEED-ADDRESS", "an officer's role passes to another address only as it is";
    /// Who changes its own role admits nobody in the same commit.
    OwnRoleAlone = "R-OWN-ROLE-ALONE", "its author changes its own role and admits somebody";
    /// The owner closes a channel and opens it again; where there is none, a lead.
    Close = "R-CLOSE", "only the owner may close this channel or open it again";
    /// Nobody comes into a closed channel.
    Closed = "R-CLOSED", "the channel is closed, and nobody comes in";
    /// Nothing is written in a closed channel.
    EntryClosed = "E-CLOSED", "the channel is closed";
    /// Observers write no entries.
    EntryRole = "E-ROLE", "its author may read only";
    /// In a forum members ask; guides, leads and the owner publish, answer and pin. In a case nobody
    /// asks, answers or pins.
    EntryKind = "E-KIND", "its author may not write such an entry in this kind of channel";
    /// The channel follows rules that this program knows.
    WelcomeVersion = "J-VERSION", "the channel needs a newer version of this program";
    /// A case keeps what it says from who records it for a quantum computer.
    WelcomeSuite = "J-SUITE", "a case needs the hybrid post-quantum keys";
    /// The hub is an authority of the network.
    WelcomeHub = "J-HUB", "the channel's hub is no authority of the network";
    /// Each member's certificate was issued by its authority.
    WelcomeCertificate = "J-CERTIFICATE", "a member's certificate is refused";
    /// Whoever signed the welcome was entitled to admit this device.
    WelcomeEntitled = "J-ENTITLED", "whoever admits this device is not entitled to";
    /// Who may found a channel's next group.
    Founder = "S-FOUNDER", "its author may not found the channel's next group";
    /// The members of the next group are those of the one before.
    FoundingMembers = "S-MEMBERS", "the next group has not the members of the one before";
    /// The founder tells the truth about the next group's suite and leaves.
    FoundingLeaves = "S-LEAVES", "its author tells of other leaves or another suite than the next group has";
    /// The policy of the next group is that of the one before.
    FoundingPolicy = "S-POLICY", "the next group has another policy than the one before";
    /// Where the next group follows on.
    FoundingPlace = "S-PLACE", "the next group was founded for another state of the channel";
    /// Leads of a majority of the other authorities consent to an expulsion.
    FoundingExpulsion = "S-EXPULSION", "an authority is put out without the consents that this takes";
    /// Only a renewal changes the suite.
    FoundingSuite = "S-SUITE", "only a renewal may change the channel's cipher suite";
    /// A channel moves to the relay of another authority in it.
    MoveHub = "M-HUB", "the next hub is the present one, or of an authority that is not in the channel";
    /// Leads of most authorities have voted for the next hub, in the present state of the channel.
    MoveVotes = "M-VOTES", "too few of the authorities' leads have voted for this hub";
    /// The group of a new channel holds its creator alone.
    Creation = "R-CREATION", "a channel begins with its owner alone";
}

/// Why a commit, a welcome or an entry has no effect: the fault of its author.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Void {
    rule: Rule,
    subject: String,
}

impl Void {
    /// A breach of `rule`; `subject` says by whom, by what or where.
    #[must_use]
    pub fn new(rule: Rule, subject: impl fmt::Display) -> Self {
        Self { rule, subject: subject.to_string() }
    }

    /// The rule that was broken.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Whom or what it is about: a device, an officer, a field.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for Void {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}; {})", self.rule.sentence(), self.subject, self.rule.id())
    }
}

impl std::error::Error for Void {}

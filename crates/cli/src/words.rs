//! What officers are told, in their language.
//!
//! A [`Text`] is what is to be said; each language's file says it. A text that one of them lacks
//! does not compile. The words are the officers' own: no epoch, no commit, no key package.

mod en;
mod es;
mod fr;
mod pt;

use enlace_channel::policy::Role;
use enlace_client::client::Level;
use enlace_client::store::ChannelStanding;

use crate::language::Language;

/// Something to be said to an officer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'a> {
    // Marks of lines on standard error.
    Error,
    CausedBy,
    Hint,
    Warning,

    // Labels before a value.
    Officer,
    Name,
    Device,
    Key,
    ValidUntil,
    Request,
    Channel,
    OrderedBy,
    CaseReference,
    LegalBasis,
    Handling,
    Members,
    Comparison,
    Consents,
    Leads,
    DaysKept,
    HeldBy,
    Kind,
    Encryption,
    Restriction,

    // What was done, and what comes next.
    DeviceMade { directory: &'a str },
    HandRequestToRegistrar { file: &'a str },
    Enrolled { network: &'a str },
    SyncOnce,
    NotEnrolledYet,
    RequestAtRelay,
    ReadKeyOut,
    EnrollAgain,
    InvitationSpent,
    InvitationRefused,
    InvitationMayBeStolen,
    RelayAskedTooOften { seconds: u64 },
    ChannelOpened { title: &'a str, id: &'a str },
    NoChannels,
    Accepted,
    Queued,
    SyncSends,
    NeverSent { reason: &'a str },
    LinesTaken { count: usize },
    WriteNote,

    // A channel's and an officer's standing.
    Standing(ChannelStanding),
    Role(Role),
    Leaving,
    IsClosed,
    Forum,
    Suite { classic: bool },
    ReadableLater,
    InChannels { count: usize },
    StillToCome { count: usize },
    DeviceResumes { count: usize },
    DeviceIsNoCopy,
    CountCannotBe { seen: u64 },
    ThisDevice,
    Waiting { count: usize },
    BatchProgress { done: usize, all: usize },
    BatchDone { count: usize, admits: bool },
    BatchAlready { count: usize, admits: bool },
    BatchOthers { officer: &'a str },
    BatchRefused { officer: &'a str, reason: Option<&'a str> },
    OwnerStays { officer: &'a str },
    WaitsForConsent { officer: &'a str, of: &'a str },
    ConsentRefused { officer: &'a str, by: &'a str },
    OneLead { domain: &'a str },
    NoLead { domain: &'a str },
    ChannelStopped { reason: &'a str },
    ChannelNeedsNewerVersion,

    // Entries.
    NeedsNewerVersion,
    CorrectedAt { place: u64 },
    Corrects { place: Option<u64> },
    WithdrawnAt { place: u64 },
    Withdraws { place: Option<u64> },
    ErasedExpired,
    FromBackup,
    ErasedHereAt { when: &'a str },
    KeptHere,
    CameWithoutContent,
    RelaysTold { by: &'a str, place: u64 },
    RelaysNotTold,
    NothingErased,
    CountsForNothing,
    WhatConfirmingMeans,
    RelayConfirmed { authority: &'a str, when: &'a str, place: Option<u64> },
    RelayHasNotConfirmed { authority: &'a str },
    RelayLeftBefore { authority: &'a str },

    // Backups.
    BackupWritten { file: &'a str },
    BackupRestored { channels: usize, entries: usize },
    RestoredReads,
    RestoreRefused { entries: usize },
    WaitsForReceiver { device: &'a str },
    WaitsForSender { device: &'a str },
    HistoryOnItsWay { device: &'a str },
    HistorySent { device: &'a str },
    HistoryPartly { device: &'a str, refused: u64 },
    HistoryUnconfirmed { device: &'a str },
    LookThere,
    DeviceNotAdded { device: &'a str },
    AddDevice { device: &'a str },
    DevicesApart { device: &'a str },
    BringTogether,
    DeviceWithOtherKey { device: &'a str },
    OtherKey { device: &'a str },
    OtherDeviceAway,
    OtherDeviceMidway,
    BothAtOnce,
    TransferRefused { why: &'a str },
    ErasuresLeftOut { count: usize },
    BackupExists,
    OthersBackup { officer: &'a str },

    Question,
    Answers { place: Option<u64> },
    LateAnswer { place: Option<u64> },
    Pins { place: Option<u64> },
    Unpins { place: Option<u64> },
    Pinned,
    AnsweredAt { place: u64 },
    NotAnswered,

    // Sync.
    AllInAndOut,
    NotCaughtUp,
    Connected,
    Disconnected,
    NewNote { title: &'a str },
    RelayOutOfReach { why: &'a str },
    DoctorHelps,

    // Doctor.
    Level(Level),
    AllWell,
    Problems { count: usize },

    // Prompts.
    PassphraseOf { what: &'a str },
    NewPassphraseOf { what: &'a str },
    Again,
    BundleHash,

    // What went wrong.
    NoProfile { directory: &'a str },
    MakeProfile,
    AskRegistrar,
    WrongHash { found: &'a str, told: &'a str },
    CompareHash,
    NoCertificate,
    CertificateFile,
    AskRightFile,
    EnrolAgain,
    WrongPassphrase,
    PassphrasesDiffer,
    PassphraseTooShort { characters: usize },
    GoodPassphrase,
    NoSuchChannel { name: &'a str },
    SeveralChannels { name: &'a str },
    ListChannels,
    NoLongerMember,
    ObserversOnlyRead,
    ChannelClosed,
    NobodyEntersClosed,
    OwnerCloses,
    OwnerRaisesRules,
    NewestRules,
    ProgramsBehind { devices: &'a str },
    OwnerRenews,
    OwnerExpels,
    NobodyAgrees,
    ExpelsHub { domain: &'a str },
    AuthorityNotThere { domain: &'a str },
    MoveAsked { domain: &'a str },
    MoveCancelled,
    MoveOrderedBy { domain: &'a str },
    MoveVotes { domain: &'a str, voters: &'a str },
    MoveNeeds { count: usize, missing: &'a str },
    MoveComes,
    NobodyMoves,
    AlreadyOrdered { domain: &'a str },
    NotAskedToMove,
    OthersDevice { device: &'a str },
    FormerDevice { device: &'a str },
    DeviceInUse,
    ReopenIt,
    NotEntitled,
    MandateRefused { why: &'a str },
    MandateElsewhere,
    HasLead { domain: &'a str },
    NotAsked { officer: &'a str },
    OwnerCannotLeave,
    HandOwnershipOn,
    NoSuchAuthority { domain: &'a str },
    NotInChannel { officer: &'a str },
    AlreadyInChannel { officer: &'a str },
    NotAForum,
    OnlyGuidesPublish,
    AskInstead,
    NoQuestionThere,
    AnsweredAlready { place: u64 },
    IdUsed,
    NoEntryThere,
    OthersEntry,
    EntryStands,
    WithdrawnAlready,
    EmptyNote,
    RestrictionGoesWithH3,

    Notice(&'a Notice<'a>),
}

/// Something that happened in a channel, as far as it has words of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice<'a> {
    Joined { by: &'a str },
    PutBack { by: &'a str },
    HistoryShared { by: &'a str, entries: u64 },
    BackRequested { device: &'a str, guilty: Option<&'a str> },
    DevicePutBack { device: &'a str, by: &'a str },
    ReadableLater,
    Confirmed,
    Admitted { by: &'a str, officer: &'a str, role: Role },
    RemovedOther { by: &'a str, officer: &'a str },
    Left { officer: &'a str },
    RemovedRevoked { by: &'a str, officer: &'a str },
    RemovedSuspended { by: &'a str, officer: &'a str },
    RemovedDropped { officer: &'a str },
    Returned { officer: &'a str },
    RoleChanged { by: &'a str, officer: &'a str, role: Role },
    AsksForAuthority { by: &'a str, officer: &'a str },
    AsksForOwner { by: &'a str, officer: &'a str },
    AsksForExpulsion { by: &'a str, authority: &'a str },
    Consents { by: &'a str, officer: &'a str },
    Refuses { by: &'a str, officer: &'a str },
    KeysRenewed { by: &'a str },
    AddressChanged { former: &'a str, officer: &'a str },
    DeviceAdded { device: &'a str, by: &'a str },
    DeviceRemoved { device: &'a str, by: &'a str },
    DeviceRevoked { device: &'a str },
    DeviceSuspended { device: &'a str },
    Closed { by: &'a str },
    Reopened { by: &'a str },
    Founded { by: &'a str },
    FoundedAgain { by: &'a str },
    Expelled { by: &'a str, authority: &'a str },
    LeftOut { by: &'a str },
    RulesRaised { by: &'a str },
    BundleChanged { version: u64 },
    PolicyChanged { by: &'a str },
    VoidChange { by: &'a str, reason: &'a str },
    Unreadable { by: &'a str, reason: &'a str },
    NotTheirs { by: &'a str, place: u64 },
    FalseConfirmation { by: &'a str, reason: &'a str },
    WithoutContent { by: &'a str },
    ErasedUnread { author: &'a str, by: &'a str, place: u64 },
    HoldPlaced { by: &'a str, authority: &'a str },
    HoldLifted { by: &'a str, authority: &'a str },
    Expired { entries: u64 },
    Restored { entries: u64 },
    LeaveRequested { by: &'a str },
    Contested { by: &'a str },
    Removed { by: &'a str },
    Stranded { by: &'a str, may_rescue: bool },
    Resumed,
    NeedsNewerVersion,
    FalseQuote { by: &'a str },
    Fork { hub: &'a str },
    HubBeganAnew { hub: &'a str, brought_back: bool, lost: bool },
    MoveWanted { by: &'a str, from: &'a str, to: &'a str },
    Moved { from: &'a str, to: &'a str },
    HubDropped { hub: &'a str },
    SetBack { entries: u64, is_stranded: bool },
    Stopped { reason: &'a str },
    WelcomeRefused { reason: &'a str },
    NotDone { reason: &'a str },
    NotAdmitted { officers: &'a str, reason: Option<&'a str> },
    NoKeyPackage { officer: &'a str },
    SnapshotRestored,
}

impl Language {
    /// Says it.
    pub(crate) fn say(self, text: Text<'_>) -> String {
        match self {
            Self::Es => es::say(text),
            Self::Pt => pt::say(text),
            Self::En => en::say(text),
            Self::Fr => fr::say(text),
        }
    }
}

#[cfg(test)]
mod tests {
    /// What only those who build this talk about.
    const JARGON: [&str; 6] = ["epoch", "commit ", "follower", "fence", "key package", "mls"];

    #[test]
    fn officers_are_spared_our_own_words() {
        for (language, source) in [
            ("es", include_str!("words/es.rs")),
            ("pt", include_str!("words/pt.rs")),
            ("en", include_str!("words/en.rs")),
            ("fr", include_str!("words/fr.rs")),
        ] {
            let source = source.to_lowercase();
            for word in JARGON {
                assert!(!source.contains(word), "{language}: {word}");
            }
        }
    }
}

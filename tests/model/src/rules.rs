//! The protocol's mechanisms, each of which can be taken out to see what it is there for.

/// How the network behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// The hub takes only what was made for its newest commit item.
    pub fence: bool,
    /// The hub takes only what was made in its present incarnation: an author who has not heard of
    /// a restart may name the same fence and mean another commit.
    pub incarnation: bool,
    /// The hub takes a commit only from the holder of the lease.
    pub lease: bool,
    /// A commit is judged by the log alone. Without: also by whether the hub, asked, remembers a
    /// lease for it.
    pub pure_verdict: bool,
    /// Whoever a commit drops without evidence may object.
    pub contest: bool,
    /// An objection is taken whatever its fence and incarnation: whoever was cut off can't know the
    /// newest.
    pub contest_without_fence: bool,
    /// The hub takes each idempotency key once.
    pub once: bool,
    /// A hub that is not sure of its log takes nothing.
    pub read_only: bool,
    /// When a hub is not sure.
    pub unsure: Unsure,
    /// Before it goes on, it takes what others hold beyond its end.
    pub refill: Refill,
    /// Of several longer logs, it takes the one of the highest incarnation, not the longest.
    pub by_incarnation: bool,
    /// It begins anew though everybody was heard and nobody has more.
    pub always_anew: bool,
    /// A reader goes back to where its copy and the log part. Without: to just before the statement
    /// of the higher incarnation, or not at all.
    pub back_to_common: bool,
    /// What it signs from then on.
    pub new_incarnation: NewIncarnation,
}

/// When a hub is not sure of its log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unsure {
    /// After each start.
    AfterEachStart,
    /// After a start that does not look clean, and when somebody shows it its own signature beyond
    /// its end. But a copy made while the relay rested, or of the whole machine, looks clean.
    WhenUncleanOrShown,
}

/// Whom a hub asks that is not sure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refill {
    /// Followers and members.
    FromAll,
    /// Followers.
    FromFollowers,
    /// Nobody.
    Never,
}

/// The number of a new incarnation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NewIncarnation {
    /// One that no copy can bring back, as the time is.
    Unique,
    /// One more than that of the log.
    Next,
    /// There is none: it goes on under the old one.
    Same,
}

impl Rules {
    /// The protocol as it is.
    pub const PROTOCOL: Self = Self {
        fence: true,
        incarnation: true,
        lease: true,
        pure_verdict: true,
        contest: true,
        contest_without_fence: true,
        once: true,
        read_only: true,
        unsure: Unsure::AfterEachStart,
        refill: Refill::FromAll,
        by_incarnation: true,
        always_anew: true,
        back_to_common: true,
        new_incarnation: NewIncarnation::Unique,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::PROTOCOL
    }
}

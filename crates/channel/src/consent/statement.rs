//! The canonical form of a statement.

use std::time::Duration;

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::{Domain, OfficerAddress};

use crate::entry::{EntryKind, Part, PartKind, SignedEntry};

const LABEL: &str = "enlace statement v1";

/// What a lead is asked, or answers. It holds for one state of the channel's authorities, so that it
/// can't be used again later.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Statement {
    /// What it is about.
    pub subject: Subject,
    /// The policy's `authorities_version` when it was said.
    pub authorities_version: u64,
    /// The answer; none where it asks.
    pub answer: Option<Answer>,
}

/// What a statement is about.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    /// The officer's authority enters the channel, the officer as its first lead.
    Authority(OfficerAddress),
    /// The officer becomes the owner, in the place of one whose devices are gone.
    Owner(OfficerAddress),
    /// The authority is put out of the channel, with all of its officers.
    Expulsion(Domain),
}

/// What a lead says to it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Answer {
    /// It consents.
    Yes,
    /// It does not.
    No,
}

/// Why an entry holds no statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatementError {
    /// The entry is neither a proposal nor a consent.
    #[error("the entry is neither a proposal nor a consent")]
    Kind,
    /// It has not exactly one part, that of the statement, with its content.
    #[error("the entry does not consist of a statement")]
    Parts,
    /// The statement holds what nobody honest writes.
    #[error("the statement cannot be read: {0}")]
    Form(#[from] DecodeError),
    /// A proposal that answers, or a consent that asks.
    #[error("the statement does not fit the kind of its entry")]
    Answer,
}

impl Statement {
    /// How long an answer counts, from its entry's `local_time` on.
    pub const LASTS: Duration = Duration::from_secs(30 * 24 * 3600);

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let code = match &self.subject {
            Subject::Authority(_) => 1,
            Subject::Owner(_) => 2,
            Subject::Expulsion(_) => 3,
        };
        let answer = match self.answer {
            None => 0,
            Some(Answer::Yes) => 1,
            Some(Answer::No) => 2,
        };
        Writer::new(LABEL)
            .u64(code)
            .bytes(self.subject.whom().as_bytes())
            .u64(self.authorities_version)
            .u64(answer)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever [`Self::encode`] would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let code = r.u64()?;
        let whom = r.text()?;
        let officer = || whom.parse().map_err(|_| DecodeError::Value("whom"));
        let subject = match code {
            1 => Subject::Authority(officer()?),
            2 => Subject::Owner(officer()?),
            3 => Subject::Expulsion(whom.parse().map_err(|_| DecodeError::Value("whom"))?),
            _ => return Err(DecodeError::Value("subject")),
        };
        let authorities_version = r.u64()?;
        let answer = match r.u64()? {
            0 => None,
            1 => Some(Answer::Yes),
            2 => Some(Answer::No),
            _ => return Err(DecodeError::Value("answer")),
        };
        r.finish()?;
        Ok(Self { subject, authorities_version, answer })
    }

    /// The statement that an entry consists of. Whose entry it is, and whether it counts, others check.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn of(entry: &SignedEntry) -> Result<Self, StatementError> {
        let kind = entry.header().kind;
        if !kind.is_statement() {
            return Err(StatementError::Kind);
        }
        let [Part::Open { kind: PartKind::Statement, content, .. }] = entry.parts() else {
            return Err(StatementError::Parts);
        };
        let statement = Self::decode(content)?;
        if statement.entry_kind() == kind { Ok(statement) } else { Err(StatementError::Answer) }
    }

    /// The kind of the entry that it stands in.
    #[must_use]
    pub fn entry_kind(&self) -> EntryKind {
        if self.answer.is_some() { EntryKind::Consent } else { EntryKind::Proposal }
    }
}

impl Subject {
    /// The officer whom it is about, if it is about one.
    #[must_use]
    pub fn officer(&self) -> Option<&OfficerAddress> {
        match self {
            Self::Authority(officer) | Self::Owner(officer) => Some(officer),
            Self::Expulsion(_) => None,
        }
    }

    /// The officer or the authority that it is about, as it is written.
    #[must_use]
    pub fn whom(&self) -> String {
        match self {
            Self::Authority(officer) | Self::Owner(officer) => officer.to_string(),
            Self::Expulsion(authority) => authority.to_string(),
        }
    }
}

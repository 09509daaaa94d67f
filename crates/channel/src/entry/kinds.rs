//! The numbers that say what an entry or a part is, and how it may be used (PROTOCOL.md §3.3).

use std::fmt;

/// A number that this version has no name for. It exists only as the result of reading one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnknownKind(u64);

/// Defines an open enumeration: known numbers have names, others are kept as they are.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// One of a newer version.
            Unknown(UnknownKind),
        }

        impl $name {
            /// Its number in a header.
            #[must_use]
            pub fn code(self) -> u64 {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Unknown(UnknownKind(code)) => code,
                }
            }

            /// The kind with that number.
            #[must_use]
            pub fn from_code(code: u64) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    code => Self::Unknown(UnknownKind(code)),
                }
            }
        }
    };
}

kinds!(
    /// What an entry is.
    EntryKind {
        /// Text for the members.
        Note = 1,
        /// Replaces what its parent says.
        Correction = 2,
        /// Takes its parent back.
        Withdrawal = 3,
        /// Asks another authority for something.
        Request = 4,
        /// Moves a request on.
        RequestUpdate = 5,
        /// Offers a document.
        Document = 6,
        /// Signs a document.
        Signature = 7,
        /// Confirms that something was read or taken.
        Receipt = 8,
        /// Gives a device the entries that it missed.
        HistoryShare = 9,
        /// Closes the channel.
        Closing = 10,
        /// Suspends withdrawal and retention.
        Hold = 11,
        /// Asks the other authorities for their consent.
        Proposal = 12,
        /// A lead consents to what was asked, or refuses.
        Consent = 13,
        /// Asks something of a forum's guides.
        Question = 14,
        /// Answers its parent, a question.
        Answer = 15,
        /// Passes an authority's revocation list on.
        RevocationList = 16,
        /// Passes an authority's statement about suspensions on.
        Suspension = 17,
        /// Puts its parent on top of a forum, or takes it down again.
        Pin = 18,
        /// Puts on the record which relays have confirmed that something is erased there.
        Erasures = 21,
    }
);

kinds!(
    /// What a part of an entry is.
    PartKind {
        /// A paragraph of text.
        Paragraph = 1,
        /// A title.
        Title = 2,
        /// The words of a restriction, for [`HandlingCode::H3`].
        Restriction = 3,
        /// Where a file's ciphertext is, and its key.
        FileReference = 4,
        /// A file's name.
        FileName = 5,
        /// A [`Statement`](crate::consent::Statement) in its canonical form.
        Statement = 12,
        /// A [`HistoryShare`](crate::history::HistoryShare) in its canonical form.
        Shared = 13,
        /// A revocation list, or a signed statement about suspensions, as it travels.
        List = 14,
        /// [`Confirmations`](crate::confirmations::Confirmations) in their canonical form.
        Confirmations = 15,
        /// Whether a pin puts its parent on top: one byte, 1 or 0.
        Pinned = 16,
    }
);

impl EntryKind {
    /// Whether this version shows what such an entry says; else it is kept, and shown as *needs a
    /// newer version*.
    #[must_use]
    pub fn is_supported(self) -> bool {
        matches!(
            self,
            Self::Note
                | Self::Correction
                | Self::Withdrawal
                | Self::HistoryShare
                | Self::Proposal
                | Self::Consent
                | Self::RevocationList
                | Self::Suspension
                | Self::Question
                | Self::Answer
                | Self::Pin
                | Self::Erasures
        )
    }

    /// Whether it can be written in a channel that is closed: what is erased then is put on the
    /// record, who is put back gets what it missed, and where the owner is gone, leads still have to
    /// agree on another, who opens the channel again.
    #[must_use]
    pub fn outlasts_closing(self) -> bool {
        self.is_statement() || matches!(self, Self::Erasures | Self::HistoryShare)
    }

    /// Whether it holds a [`Statement`](crate::consent::Statement) and nothing else.
    #[must_use]
    pub fn is_statement(self) -> bool {
        matches!(self, Self::Proposal | Self::Consent)
    }

    /// The kind of its one part, where it has no other: so text cannot go by another name.
    #[must_use]
    pub fn only_part(self) -> Option<PartKind> {
        match self {
            Self::HistoryShare => Some(PartKind::Shared),
            Self::Proposal | Self::Consent => Some(PartKind::Statement),
            Self::RevocationList | Self::Suspension => Some(PartKind::List),
            Self::Pin => Some(PartKind::Pinned),
            Self::Erasures => Some(PartKind::Confirmations),
            _ => None,
        }
    }

    /// Whether a forum has it only about another entry: without one, a correction would publish.
    #[must_use]
    pub fn speaks_of_another(self) -> bool {
        matches!(self, Self::Correction | Self::Answer | Self::Pin)
    }

    /// Whether it passes on what others have signed, which they vouch for, and says nothing.
    #[must_use]
    pub fn is_for_programs(self) -> bool {
        matches!(self, Self::RevocationList | Self::Suspension | Self::Erasures)
    }

    /// Whether it is there for forums alone.
    #[must_use]
    pub fn is_of_forums(self) -> bool {
        matches!(self, Self::Question | Self::Answer | Self::Pin)
    }

    /// Whether it speaks to everybody: in a forum, only guides, leads and the owner do.
    #[must_use]
    pub fn publishes(self) -> bool {
        matches!(
            self,
            Self::Note
                | Self::Request
                | Self::RequestUpdate
                | Self::Document
                | Self::Signature
                | Self::Answer
                | Self::Pin
        )
    }

    /// Whether such an entry can be corrected or withdrawn: what says something can, what does
    /// something stands.
    #[must_use]
    pub fn can_be_taken_back(self) -> bool {
        matches!(
            self,
            Self::Note
                | Self::Correction
                | Self::Request
                | Self::RequestUpdate
                | Self::Document
                | Self::Question
                | Self::Answer
        )
    }
}

impl PartKind {
    /// Whether the content is UTF-8.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Paragraph | Self::Title | Self::Restriction | Self::FileName)
    }

    /// Whether this version shows such a part.
    #[must_use]
    pub fn is_supported(self) -> bool {
        self.is_text()
            || matches!(
                self,
                Self::Statement | Self::Shared | Self::List | Self::Confirmations | Self::Pinned
            )
    }
}

/// What may be done with a piece of information, as SIENA's codes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HandlingCode {
    /// To prevent and combat crime.
    H0,
    /// Not in judicial proceedings without permission.
    H1,
    /// Not to be passed on without permission.
    H2,
    /// A restriction in words.
    H3,
}

impl HandlingCode {
    /// Its number in headers and policies.
    #[must_use]
    pub fn code(self) -> u64 {
        match self {
            Self::H0 => 1,
            Self::H1 => 2,
            Self::H2 => 3,
            Self::H3 => 4,
        }
    }

    /// The code with that number.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        [Self::H0, Self::H1, Self::H2, Self::H3].into_iter().find(|h| h.code() == code)
    }
}

impl fmt::Display for HandlingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::H0 => "H0",
            Self::H1 => "H1",
            Self::H2 => "H2",
            Self::H3 => "H3",
        })
    }
}

/// The text is no handling code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a handling code is H0, H1, H2 or H3")]
pub struct HandlingCodeError;

impl std::str::FromStr for HandlingCode {
    type Err = HandlingCodeError;

    fn from_str(text: &str) -> Result<Self, HandlingCodeError> {
        [Self::H0, Self::H1, Self::H2, Self::H3]
            .into_iter()
            .find(|code| code.to_string() == text)
            .ok_or(HandlingCodeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_one_kind_and_back() {
        for code in [0, 1, 2, 6, 11, 12, u64::MAX] {
            assert_eq!(EntryKind::from_code(code).code(), code);
            assert_eq!(PartKind::from_code(code).code(), code);
        }
        assert_eq!(EntryKind::from_code(1), EntryKind::Note);
        assert_eq!(EntryKind::from_code(11), EntryKind::Hold);
        assert_eq!(PartKind::from_code(5), PartKind::FileName);
        assert!(matches!(EntryKind::from_code(0), EntryKind::Unknown(_)));
    }

    #[test]
    fn handling_codes_are_closed() {
        assert_eq!(HandlingCode::from_code(0), None);
        assert_eq!(HandlingCode::from_code(5), None);
        assert_eq!("H2".parse(), Ok(HandlingCode::H2));
        assert_eq!("h2".parse::<HandlingCode>(), Err(HandlingCodeError));
    }
}

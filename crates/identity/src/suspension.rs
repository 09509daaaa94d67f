//! Suspensions: whom an authority has cut off for the time being (PROTOCOL.md §3.14).
//!
//! Revocation is final; a suspension is lifted again, or runs out. A statement is the authority's
//! *whole* present list, signed by a duty key, so that the duty officer needs neither the root nor
//! the issuing CA at three in the morning. Of an authority's statements the one with the highest
//! serial counts and no other: see [`Suspensions`]. To lift a suspension is to state a list without
//! it.

mod kept;
mod signed;
mod statement;

use crate::canonical::DecodeError;
use crate::chain::ChainError;
use crate::names::Domain;
use crate::revocation::RevocationStatusError;
use crate::time::ValidityError;

pub use self::kept::{Suspensions, Taken};
pub use self::signed::{SignedSuspensions, VerifiedSuspensions};
pub use self::statement::{Suspended, SuspensionStatement};

/// Why a statement about suspensions is refused, or could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SuspensionError {
    /// The bytes are no such statement.
    #[error("this is not a statement about suspensions: {0}")]
    Decode(#[from] DecodeError),
    /// The certificate that comes with it is refused.
    #[error("the signer of the suspensions is refused: {0}")]
    Signer(#[from] ChainError),
    /// Its signer's certificate is revoked.
    #[error("the signer of the suspensions is refused: {0}")]
    Revocation(#[from] RevocationStatusError),
    /// The key belongs to another authority than the statement is about.
    #[error("suspensions of {statement} are signed by {signer}")]
    OtherAuthority {
        /// Whose statement it claims to be.
        statement: Domain,
        /// Who signed it.
        signer: Domain,
    },
    /// The signature does not fit.
    #[error("the signature of the suspensions does not fit")]
    Signature,
    /// It is past its end where it has to hold, or was issued more than
    /// [`MAX_SKEW`](crate::revocation::MAX_SKEW) ahead.
    #[error("the statement of {domain} about suspensions is {problem}")]
    Validity {
        /// The authority.
        domain: Domain,
        /// On which side of its validity the time lies.
        problem: ValidityError,
    },
    /// A newer one is known. Harmless, unless somebody insists.
    #[error("statement {offered} of {domain} about suspensions is older than statement {kept}")]
    Older {
        /// The authority.
        domain: Domain,
        /// The serial that stays.
        kept: u64,
        /// The serial that was refused.
        offered: u64,
    },
    /// The authority signed two statements of the same serial; the first stays.
    #[error("{domain} signed two different statements about suspensions with serial {serial}")]
    SameSerial {
        /// The authority.
        domain: Domain,
        /// Their serial.
        serial: u64,
    },
}

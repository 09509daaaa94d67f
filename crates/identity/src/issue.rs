//! The registrar's side: roots, issuing CAs, certificates and revocation lists.
//!
//! ```text
//! Root::create ──issue_ca──▶ IssuingCa ──issue──▶ leaf          (CertificateRequest of a device)
//!      └─revocation_list          └─revocation_list
//! ```
//!
//! Times and serial numbers are arguments, and Ed25519 is deterministic: the same arguments make
//! the same bytes. What is issued is checked against the profile before it is handed out.

mod ca;
mod request;
mod signer;

use crate::certificate::{ProfileError, Serial};
use crate::names::{Domain, LeafName};
use crate::time::{Timestamp, Validity};

pub use self::ca::{IssuingCa, Root};
pub use self::request::{CertificateRequest, RequestError};

/// What the registrar approved: all that a certificate says but its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approval {
    /// The one name of the certificate; it decides what the certificate is for.
    pub name: LeafName,
    /// The person's or service's name, to be shown; at most 64 characters.
    pub common_name: String,
    /// When the certificate holds.
    pub validity: Validity,
    /// Never used before by this CA: [`Serial::generate`].
    pub serial: Serial,
}

/// What a revocation list is to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationContent {
    /// Higher than every earlier list of this issuer.
    pub number: u64,
    /// When it was made, and when the next one is due at the latest.
    pub validity: Validity,
    /// The revoked certificates of this issuer, and since when.
    pub revoked: Vec<(Serial, Timestamp)>,
}

/// Why nothing was issued.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IssueError {
    /// The certificate or key that was loaded is not that CA's.
    #[error("the key does not belong to the CA's certificate")]
    WrongKey,
    /// The certificate that was loaded, or would be issued, departs from the profile.
    #[error("the certificate would not be accepted by anybody: {0}")]
    Profile(#[from] ProfileError),
    /// The name belongs to another authority.
    #[error("{name} does not belong to {domain}")]
    OtherDomain {
        /// The name that was asked for.
        name: LeafName,
        /// The authority of this CA.
        domain: Domain,
    },
    /// The request names somebody else than was approved.
    #[error("the request is for {requested}, but {approved} was approved")]
    NotApproved {
        /// The name in the request.
        requested: Box<LeafName>,
        /// The name that was approved.
        approved: Box<LeafName>,
    },
    /// The span of time is empty, reaches beyond the CA's own, or can't be written.
    #[error("the validity is empty, or reaches beyond the CA's own")]
    Validity,
    /// The structure can't be encoded.
    #[error("the certificate could not be encoded")]
    Encoding,
}

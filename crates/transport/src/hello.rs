//! Hello, the first call on every connection (PROTOCOL.md §4.4): what is said, and what is checked
//! before anything else is served or asked for.
//!
//! Each side sends the newest revocation lists of its own authority. After merging them, the peer's
//! certificate must be known to be unrevoked: that is what makes two relays that never met able to
//! judge each other.

use enlace_identity::bundle::{Bundle, BundleHash};
use enlace_identity::chain::VerifiedLeaf;
use enlace_proto::relay::v1::{HelloRequest, HelloResponse, KnownHead};

use crate::close::CloseCode;
use crate::local::LocalIdentity;
use crate::trust::Trust;
use crate::untrusted::Untrusted;

/// The protocol versions spoken here, newest first.
pub const VERSIONS: [u32; 1] = [1];

/// How many versions before its newest a dialler names.
const MAX_FORMER: usize = 64;

/// Revocation lists taken from one hello; an authority has a handful.
const MAX_CRLS: usize = 64;

/// What a dialler says of itself beyond its certificate.
#[derive(Clone, Debug, Default)]
pub struct HelloOffer {
    /// The newest signed head known of each channel of interest.
    pub known_heads: Vec<KnownHead>,
    /// For the operator's log, such as `enlace 0.1.0`.
    pub software: String,
}

/// What a relay answers; time, version and revocation lists are filled in here.
#[derive(Clone, Debug, Default)]
pub struct HelloReply {
    /// The highest submit counter seen from this device.
    pub submit_counter: u64,
    /// The relay's own authority's newest endpoint record, signed.
    pub endpoint_record: Vec<u8>,
    /// The newest signed head known of each channel that the caller named.
    pub known_heads: Vec<KnownHead>,
}

/// Why hello fails on this side.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HelloError {
    /// The peer is of another network.
    #[error("the peer uses another network's bundle")]
    OtherNetwork,
    /// One of the two needs a newer release.
    #[error("the peer speaks no version of the protocol that is spoken here")]
    NoCommonVersion,
    /// The peer's certificate is revoked, or nothing current says that it isn't.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
}

impl HelloError {
    /// What to tell the peer.
    #[must_use]
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::OtherNetwork => CloseCode::OtherNetwork,
            Self::NoCommonVersion => CloseCode::NoCommonVersion,
            Self::Untrusted(untrusted) => untrusted.close_code(),
        }
    }
}

pub(crate) fn request(trust: &Trust, local: &LocalIdentity, offer: HelloOffer) -> HelloRequest {
    let bundle = trust.bundle();
    let former = bundle.all_known().skip(1).take(MAX_FORMER);
    HelloRequest {
        versions: VERSIONS.to_vec(),
        bundle_hash: bundle.hash().as_bytes().to_vec(),
        former_bundles: former.map(|version| version.hash().as_bytes().to_vec()).collect(),
        crls: trust.crls_of(local.leaf().name().domain()),
        known_heads: offer.known_heads,
        software: offer.software,
    }
}

pub(crate) fn response(
    trust: &Trust,
    local: &LocalIdentity,
    version: u32,
    reply: HelloReply,
) -> HelloResponse {
    let bundle = trust.bundle();
    HelloResponse {
        version,
        bundle_hash: bundle.hash().as_bytes().to_vec(),
        bundle_version: bundle.version(),
        submit_counter: reply.submit_counter,
        time_ms: trust.now().as_millis(),
        crls: trust.crls_of(local.leaf().name().domain()),
        endpoint_record: reply.endpoint_record,
        known_heads: reply.known_heads,
    }
}

/// Spares a revoked relay the hello: it would tell it which channels are of interest. Without a
/// current list the answer has to come first, because it brings one.
pub(crate) fn refuse_if_known_revoked(trust: &Trust, peer: &VerifiedLeaf) -> Result<(), Untrusted> {
    trust.check_revocation(peer).or_else(|untrusted| match untrusted.close_code() {
        CloseCode::StaleCrl => Ok(()),
        _ => Err(untrusted),
    })
}

/// Judges a request; returns the version to speak.
pub(crate) fn check_request(
    trust: &Trust,
    peer: &VerifiedLeaf,
    request: &HelloRequest,
) -> Result<u32, HelloError> {
    // Before anything that the other says is taken in.
    if !names_this_network(&trust.bundle(), request) {
        return Err(HelloError::OtherNetwork);
    }
    merge(trust, &request.crls);
    trust.check_revocation(peer)?;
    common_version(&request.versions).ok_or(HelloError::NoCommonVersion)
}

/// Judges a response.
pub(crate) fn check_response(
    trust: &Trust,
    peer: &VerifiedLeaf,
    response: &HelloResponse,
) -> Result<(), HelloError> {
    let bundle = trust.bundle();
    let is_newer = response.bundle_version > bundle.version();
    if !is_newer && hash_of(&response.bundle_hash).and_then(|hash| bundle.known(&hash)).is_none() {
        return Err(HelloError::OtherNetwork);
    }
    merge(trust, &response.crls);
    trust.check_revocation(peer)?;
    common_version(&[response.version]).map(|_| ()).ok_or(HelloError::NoCommonVersion)
}

/// Whether the caller's newest version is known here, or the newest one here to the caller. What it
/// names proves nothing, and opens nothing: its certificate holds already.
fn names_this_network(bundle: &Bundle, request: &HelloRequest) -> bool {
    let theirs = hash_of(&request.bundle_hash);
    let mut former = request.former_bundles.iter().take(MAX_FORMER);
    theirs.is_some_and(|hash| bundle.known(&hash).is_some())
        || former.any(|hash| hash == bundle.hash().as_bytes())
}

fn hash_of(bytes: &[u8]) -> Option<BundleHash> {
    Some(BundleHash::from_bytes(bytes.try_into().ok()?))
}

fn common_version(theirs: &[u32]) -> Option<u32> {
    VERSIONS.into_iter().find(|ours| theirs.contains(ours))
}

/// Takes whatever list proves to be signed by its issuer and not older than the one known. A bad
/// list is no reason to refuse its bearer: what counts is whether good ones are known afterwards.
pub(crate) fn merge(trust: &Trust, crls: &[Vec<u8>]) {
    for crl in crls.iter().take(MAX_CRLS) {
        if let Err(error) = trust.insert_crl(crl) {
            tracing::debug!(%error, "a revocation list in hello was not taken");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{VERSIONS, common_version};

    #[test]
    fn the_newest_common_version_is_spoken() {
        assert_eq!(common_version(&[9, 1]), Some(1));
        assert_eq!(common_version(&VERSIONS), Some(VERSIONS[0]));
        assert_eq!(common_version(&[2, 3]), None);
        assert_eq!(common_version(&[]), None);
    }
}

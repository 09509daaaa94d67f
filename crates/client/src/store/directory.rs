//! What relays told about the network, and small settings.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, HeadSigner, Seq};

use super::StoreError;

/// The certificates of a key that signs a hub's heads. They were verified when they were stored;
/// heads that it signed stay valid after it expires.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeadCertificate {
    /// The authority of the hub.
    pub hub: Domain,
    /// Hash of the leaf.
    pub signer: HeadSigner,
    /// The key that it certifies.
    pub key: PublicKey,
    /// The chain.
    pub chain: UnverifiedChain,
}

/// A welcome by its hub, its head and its commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WelcomeDigest(pub [u8; 32]);

/// A welcome that was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusedWelcome {
    /// Whose it claims to be; `None` if no authority of the network is named.
    pub hub: Option<Domain>,
    /// Where it claims to lead.
    pub channel: ChannelId,
    /// The commit.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
}

/// A kind of signed document that is kept as received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DocumentKind {
    /// A revocation list.
    RevocationList,
    /// An authority's endpoint record, by domain.
    EndpointRecord,
    /// A version of the network's bundle, by number.
    Bundle,
    /// The newest vote for another hub of each device in a channel, by channel and device.
    HubVote,
    /// The newest certificates of this device, by its name, PEM.
    OwnCertificates,
}

/// The network as known here.
pub trait DirectoryRows {
    /// Keeps a head key's certificates; nothing happens when they are here.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_head_certificate(&self, row: &HeadCertificate) -> Result<(), StoreError>;

    /// The certificates of a head key of an authority.
    ///
    /// # Errors
    /// When the engine fails.
    fn head_certificate(
        &self,
        hub: &Domain,
        signer: HeadSigner,
    ) -> Result<Option<HeadCertificate>, StoreError>;

    /// Replaces all documents of a kind.
    ///
    /// # Errors
    /// When the engine fails.
    fn replace_documents(
        &self,
        kind: DocumentKind,
        documents: &[(String, Vec<u8>)],
    ) -> Result<(), StoreError>;

    /// All documents of a kind, by name.
    ///
    /// # Errors
    /// When the engine fails.
    fn documents(&self, kind: DocumentKind) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Remembers a welcome that this device joined by.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_welcome(&self, digest: WelcomeDigest) -> Result<(), StoreError>;

    /// Whether this device joined by that welcome.
    ///
    /// # Errors
    /// When the engine fails.
    fn has_welcome(&self, digest: WelcomeDigest) -> Result<bool, StoreError>;

    /// Remembers a refused welcome, unless one at its place is remembered or `limit` of its hub
    /// are. Those are forgotten first that were not refused between `since` and the new one.
    /// Whether it was remembered.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_refused_welcome(
        &self,
        refused: &RefusedWelcome,
        since: Timestamp,
        limit: u64,
    ) -> Result<bool, StoreError>;

    /// A setting.
    ///
    /// # Errors
    /// When the engine fails.
    fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Writes a setting, or removes it.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_setting(&self, name: &str, value: Option<&str>) -> Result<(), StoreError>;
}

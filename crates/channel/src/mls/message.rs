//! What a message says about itself before it is decrypted.

use openmls::framing::PrivateMessageIn;
use openmls::prelude::{ContentType, MlsMessageBodyIn, MlsMessageIn};
use tls_codec::{Deserialize, Serialize, VLByteSlice};

use super::error::VoidReason;
use super::ids::{Epoch, GroupId};

/// The cleartext of a message. Nothing of it is authenticated before the message is processed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageInfo {
    /// The group it is for.
    pub group_id: GroupId,
    /// The epoch it was made in.
    pub epoch: Epoch,
    /// What is inside.
    pub kind: MessageKind,
    /// The additional authenticated data.
    pub unverified_aad: Vec<u8>,
}

/// What a message holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageKind {
    /// An entry.
    Application,
    /// A change of the group.
    Commit,
}

/// Reads a message's cleartext, and refuses whatever is not a private message with an entry or a
/// commit inside.
pub fn message_info(message: &[u8]) -> Result<MessageInfo, VoidReason> {
    parse(message).map(|(info, _)| info)
}

/// An entry's message without what every reader knows or works out from the envelope: version,
/// wire format, group, content type and authenticated data. What stays is the epoch (8 bytes) and,
/// from the encrypted sender data on, the end of the message (RFC 9420 §6.3).
///
/// `None` when it is not a message with an entry in this group under this data.
#[must_use]
pub fn compact(group: GroupId, aad: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let rest = message.strip_prefix(&before_epoch(group)[..])?;
    let (epoch, rest) = rest.split_first_chunk::<EPOCH_BYTES>()?;
    let encrypted = rest.strip_prefix(&after_epoch(aad)[..])?;
    Some([&epoch[..], encrypted].concat())
}

/// The message that [`compact`] made shorter; it decrypts only under the same data.
#[must_use]
pub fn expand(group: GroupId, aad: &[u8], compact: &[u8]) -> Option<Vec<u8>> {
    let (epoch, encrypted) = compact.split_first_chunk::<EPOCH_BYTES>()?;
    Some([&before_epoch(group)[..], epoch, &after_epoch(aad), encrypted].concat())
}

/// The epoch of a message that [`compact`] made shorter.
#[must_use]
pub fn compact_epoch(compact: &[u8]) -> Option<Epoch> {
    let (epoch, _) = compact.split_first_chunk::<EPOCH_BYTES>()?;
    Some(Epoch(u64::from_be_bytes(*epoch)))
}

const EPOCH_BYTES: usize = 8;

/// Version MLS 1.0, wire format *private message*, group id.
fn before_epoch(group: GroupId) -> Vec<u8> {
    let group = VLByteSlice(group.as_bytes()).tls_serialize_detached();
    [&[0, 1, 0, 2][..], &group.expect("a group id is short")].concat()
}

/// Content type *application*, authenticated data.
fn after_epoch(aad: &[u8]) -> Vec<u8> {
    let aad = VLByteSlice(aad).tls_serialize_detached();
    [&[1][..], &aad.expect("an envelope is short")].concat()
}

/// The cleartext, and the message for openmls.
pub(super) fn parse(message: &[u8]) -> Result<(MessageInfo, PrivateMessageIn), VoidReason> {
    let message =
        MlsMessageIn::tls_deserialize_exact(message).map_err(|_| VoidReason::Malformed)?;
    let MlsMessageBodyIn::PrivateMessage(message) = message.extract() else {
        return Err(VoidReason::NotPrivate);
    };
    let kind = match message.content_type() {
        ContentType::Application => MessageKind::Application,
        ContentType::Commit => MessageKind::Commit,
        ContentType::Proposal => return Err(VoidReason::ContentType),
    };
    let info = MessageInfo {
        group_id: GroupId::of_mls(message.group_id()).ok_or(VoidReason::OtherGroup)?,
        epoch: message.epoch().into(),
        kind,
        unverified_aad: message.aad().to_vec(),
    };
    Ok((info, message))
}

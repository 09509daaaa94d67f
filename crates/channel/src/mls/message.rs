//! What a message says about itself before it is decrypted.

use openmls::framing::PrivateMessageIn;
use openmls::prelude::{ContentType, MlsMessageBodyIn, MlsMessageIn};
use tls_codec::Deserialize;

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

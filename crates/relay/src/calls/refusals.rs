//! Refusals that more than one call uses. Their messages hold no content.

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::ChannelId;
use enlace_proto::relay::v1::{self as wire, ErrorCode};
use enlace_transport::Refusal;
use tracing::error;

use crate::hub::ReadError;

/// The request breaks the schema's rules.
pub(crate) fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::Malformed, what)
}

/// The certificate does not entitle to this.
pub(crate) fn not_allowed(why: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::NotAllowed, why)
}

/// A quota or a rate.
pub(crate) fn limit(which: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::Limit, which)
}

/// The relay's own failure, of which the caller learns no more.
pub(crate) fn internal(error: impl std::fmt::Display) -> Refusal {
    error!(%error, "a call failed here");
    Refusal::new(ErrorCode::Internal, "the relay failed; its log says why")
}

/// A log, or something beside it, that can't be read.
pub(crate) fn unreadable(error: &ReadError) -> Refusal {
    if let ReadError::Storage(error) = error {
        error!(%error, "the storage failed");
    }
    error.to_wire().into()
}

/// Reads a channel's id.
pub(crate) fn channel_id(id: Option<&wire::ChannelId>) -> Result<ChannelId, Refusal> {
    id.and_then(|id| ChannelId::try_from(&id.value[..]).ok())
        .ok_or_else(|| malformed("a channel id has 32 bytes"))
}

/// Reads a device's name.
pub(crate) fn device_name(text: &str) -> Result<DeviceName, Refusal> {
    text.parse().map_err(|_| malformed("that is not a device's name"))
}

/// Reads an authority's domain; nothing where none is named.
pub(crate) fn optional_domain(text: &str) -> Result<Option<Domain>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| malformed("the hub is not named by a domain"))
}

/// Reads an MLS suite's number.
pub(crate) fn suite(number: u32) -> Result<u16, Refusal> {
    u16::try_from(number).map_err(|_| malformed("an MLS suite has 16 bits"))
}

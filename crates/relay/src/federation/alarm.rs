//! Keeps what proves that a hub signed two histories: its head here, the one that contradicts it,
//! and the items that lead there.
//!
//! Two files for each pair, which the operator hands to whoever has to judge: `.txt` with both
//! heads as entries quote them (PROTOCOL.md §3.8), in hexadecimal, and `.items`, a message `Items`
//! of the schema: the batch as the hub sent it, or, where another relay was the witness, the items
//! from the earlier head's position to the later head, the first of them with its chain.

use std::io;

use enlace_identity::names::Domain;
use enlace_log::ids::MAX_SEQ;
use enlace_log::{ChannelId, Seq, VerifiedHead};
use enlace_proto::relay::v1::Items;
use prost::Message as _;
use tracing::{error, warn};

use crate::head_certificates::HeadCertificateError;
use crate::hub::ReadError;
use crate::server::Context;

/// Keeps the newest head known here beside the one that a batch of its hub contradicts it with.
pub(super) async fn keep_batch(
    context: &Context,
    hub: &Domain,
    contradicting: &VerifiedHead,
    batch: &Items,
) {
    match known_head(context, hub, contradicting.head().channel, Seq(MAX_SEQ)).await {
        Ok(known) => keep(context, &known, contradicting, batch),
        Err(error) => warn!(%error, "the head that is contradicted cannot be read"),
    }
}

/// Keeps two heads and the items that go with them.
pub(super) fn keep(
    context: &Context,
    known: &VerifiedHead,
    contradicting: &VerifiedHead,
    items: &Items,
) {
    let channel = contradicting.head().channel;
    let text = format!(
        "channel {channel}\nknown {}\ncontradicting {}\n",
        hex(&known.quoted().encode()),
        hex(&contradicting.quoted().encode()),
    );
    let seq = contradicting.head().seq;
    let name = format!("{channel}-{seq}");
    let files = [
        (format!("{name}.txt"), text.into_bytes()),
        (format!("{name}.items"), items.encode_to_vec()),
    ];
    for (file, content) in files {
        match context.proofs().keep(&file, &content) {
            Ok(()) => error!(file, "proof is kept"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => error!(file, %error, "proof cannot be kept"),
        }
    }
}

/// The newest head known here of a channel, up to a position.
pub(super) async fn known_head(
    context: &Context,
    hub: &Domain,
    channel: ChannelId,
    to: Seq,
) -> Result<VerifiedHead, HeadCertificateError> {
    let newest = context.hub().query(move |storage| storage.newest_head(&channel, Seq(0), to));
    let newest = newest.await?.ok_or(ReadError::UnknownChannel)?;
    context.head_certificates().verify(newest, hub).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

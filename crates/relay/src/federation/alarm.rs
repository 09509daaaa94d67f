//! Keeps what proves that a hub signed two histories: its head here, and the one that
//! contradicts it.
//!
//! One file for each pair, with both heads as entries quote them (PROTOCOL.md §3.8), in
//! hexadecimal: the operator hands it to whoever has to judge.

use std::io;
use std::path::Path;

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Seq, VerifiedHead};
use tracing::{error, warn};

use crate::head_certificates::HeadCertificateError;
use crate::hub::ReadError;
use crate::server::Context;

/// Keeps the newest head known here beside the contradicting one.
pub(super) async fn keep(context: &Context, hub: &Domain, contradicting: &VerifiedHead) {
    let channel = contradicting.head().channel;
    let known = match known_head(context, hub, channel).await {
        Ok(known) => known,
        Err(error) => {
            warn!(%error, "the head that is contradicted cannot be read");
            return;
        }
    };
    let text = format!(
        "channel {channel}\nknown {}\ncontradicting {}\n",
        hex(&known.quoted().encode()),
        hex(&contradicting.quoted().encode()),
    );
    let seq = contradicting.head().seq;
    let name = format!("{channel}-{seq}.txt");
    match write(context.alarms(), &name, &text) {
        Ok(()) => error!(file = name, "both signed heads are kept"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => error!(%error, "the signed heads cannot be kept"),
    }
}

async fn known_head(
    context: &Context,
    hub: &Domain,
    channel: ChannelId,
) -> Result<VerifiedHead, HeadCertificateError> {
    let newest = context.hub().query(move |storage| {
        let Some(record) = storage.channel(&channel)? else { return Ok(None) };
        storage.newest_head(&channel, Seq(0), record.tail.seq)
    });
    let newest = newest.await?.ok_or(ReadError::UnknownChannel)?;
    context.head_certificates().verify(newest, hub).await
}

fn write(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    crate::config::write_private(&directory.join(name), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The officer's store as a channel asks it.

use enlace_channel::channel::LogBook;
use enlace_client::store::Transaction;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::Domain;
use enlace_log::{ChainHash, ChannelId, HeadSigner, Seq};

/// An open transaction. What can't be read is not there.
pub(crate) struct Book<'a>(pub(crate) &'a dyn Transaction);

impl LogBook for Book<'_> {
    fn head_key(&self, hub: &Domain, signer: HeadSigner) -> Option<PublicKey> {
        self.0.head_certificate(hub, signer).ok()?.map(|row| row.key)
    }

    fn chain_at(&self, channel: ChannelId, seq: Seq) -> Option<ChainHash> {
        self.0.item(channel, seq).ok()?.map(|row| row.chain)
    }
}

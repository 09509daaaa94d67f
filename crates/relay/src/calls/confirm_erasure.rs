//! `ConfirmErasure` and `FetchErasureConfirmation`: what this relay signs of its own store, and what
//! another authority's relay does, for a device of this one.
//!
//! Nothing is kept for it: a confirmation says what the store holds when it is asked for.

use enlace_identity::names::Domain;
use enlace_log::ids::MAX_SEQ;
use enlace_log::{
    ChainHash, ChannelId, Envelope, ErasureConfirmation, ItemKind, PayloadHash, Seq, Tombstone,
};
use enlace_proto::relay::v1::{
    ConfirmErasureRequest, ConfirmErasureResponse, FetchErasureConfirmationRequest,
    FetchErasureConfirmationResponse,
};
use enlace_transport::Refusal;

use super::fetch_range::read;
use super::refusals::{channel_id, internal, malformed, unreadable};
use super::{Caller, Handle};
use crate::hub::Reader;
use crate::storage::{ReadLimit, ReadStorage, StorageError, StoredItem};

const ONE: ReadLimit = ReadLimit { items: 1, bytes: 1 };

impl Handle for ConfirmErasureRequest {
    async fn handle(self, caller: &Caller) -> Result<ConfirmErasureResponse, Refusal> {
        let channel = channel_id(self.channel.as_ref())?;
        let tombstone = position(self.tombstone)?;
        check_reader(caller, channel, caller.reader(), tombstone).await?;
        let confirmation = confirm(caller, channel, tombstone).await?;
        Ok(ConfirmErasureResponse { confirmation })
    }
}

impl Handle for FetchErasureConfirmationRequest {
    async fn handle(self, caller: &Caller) -> Result<FetchErasureConfirmationResponse, Refusal> {
        let channel = channel_id(self.channel.as_ref())?;
        let tombstone = position(self.tombstone)?;
        let device = caller.own_device()?.clone();
        let authority: Domain =
            self.authority.parse().map_err(|_| malformed("the authority is not named"))?;
        check_reader(caller, channel, Reader::Device(device), tombstone).await?;
        let confirmation = if authority == *caller.context().domain() {
            confirm(caller, channel, tombstone).await?
        } else {
            let request =
                ConfirmErasureRequest { channel: self.channel, tombstone: self.tombstone };
            caller.context().links().call(&authority, &request).await?.confirmation
        };
        Ok(FetchErasureConfirmationResponse { confirmation })
    }
}

/// Whether the caller may read the tombstone; whoever may not learns not even whether one is here.
async fn check_reader(
    caller: &Caller,
    channel: ChannelId,
    reader: Reader,
    tombstone: Seq,
) -> Result<(), Refusal> {
    let hub = caller.context().hub();
    read(hub, channel, reader, tombstone, ONE).await.map_err(|error| unreadable(&error))?;
    Ok(())
}

/// The signed confirmation; empty while this relay holds anything of it, or has not come there.
async fn confirm(caller: &Caller, channel: ChannelId, tombstone: Seq) -> Result<Vec<u8>, Refusal> {
    let context = caller.context();
    let gone = context.hub().query(move |storage| gone(storage, channel, tombstone)).await;
    let Some((chain, erased)) = gone.map_err(|error| unreadable(&error))? else {
        return Ok(Vec::new());
    };
    let at = context.trust().now();
    let head_key = context.hub().head_key();
    let signer = head_key.signer();
    let gone = ErasureConfirmation { channel, tombstone, chain, erased, at, signer };
    let signed = head_key.confirm(&gone).map_err(internal)?;
    tracing::info!(%channel, seq = %tombstone, "an erasure is confirmed");
    Ok(signed.encode())
}

type Gone = (ChainHash, Vec<(Seq, PayloadHash)>);

/// What a tombstone names and the store holds nothing of, in no row and in no file.
fn gone(
    storage: &mut dyn ReadStorage,
    channel: ChannelId,
    tombstone: Seq,
) -> Result<Option<Gone>, StorageError> {
    let Some((item, envelope)) = item_at(storage, channel, tombstone)? else { return Ok(None) };
    let named = Tombstone::decode(&item.payload);
    let Some(named) = named.ok().filter(|_| envelope.kind == ItemKind::Tombstone) else {
        return Ok(None);
    };
    let mut erased = Vec::new();
    for (seq, hash) in named.erased.into_iter().filter(|(seq, _)| *seq < tombstone) {
        let Some((item, envelope)) = item_at(storage, channel, seq)? else { continue };
        let is_named = envelope.kind == ItemKind::Entry && envelope.payload_hash == hash;
        if is_named && item.payload.is_empty() {
            erased.push((seq, hash));
        }
    }
    if erased.is_empty() || storage.has_residue()? {
        return Ok(None);
    }
    Ok(Some((item.chain, erased)))
}

fn item_at(
    storage: &mut dyn ReadStorage,
    channel: ChannelId,
    seq: Seq,
) -> Result<Option<(StoredItem, Envelope)>, StorageError> {
    let item = storage.items(&channel, seq, ONE)?.into_iter().find(|item| item.seq == seq);
    let Some(item) = item else { return Ok(None) };
    let envelope =
        Envelope::decode(&item.envelope).map_err(|_| StorageError::Corrupt("envelope"))?;
    Ok(Some((item, envelope)))
}

fn position(seq: u64) -> Result<Seq, Refusal> {
    if seq > MAX_SEQ { Err(malformed("no log reaches that position")) } else { Ok(Seq(seq)) }
}

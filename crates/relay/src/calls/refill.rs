//! `Refill`: a hub that was restored gets back what it signed and no longer holds.
//!
//! Whoever holds it may bring it: what counts is this hub's own signature, and that the items lead
//! to it.

use enlace_identity::names::Domain;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, Item, Seq, SignedHead, VerifiedHead};
use enlace_proto::relay::v1::{self as wire, RefillRequest, RefillResponse};
use enlace_transport::Refusal;

use super::refusals::{channel_id, malformed, unreadable};
use super::submit::hub_of;
use super::{Caller, Handle};
use crate::hub::{Copy, IngestError, Refill, TakenBack};
use crate::server::Context;
use crate::storage::ReadStorage;

impl Handle for RefillRequest {
    async fn handle(self, caller: &Caller) -> Result<RefillResponse, Refusal> {
        caller.unless_stopping()?;
        let own = caller.context().domain();
        let hub = hub_of(caller, self.channel.as_ref(), &self.hub)?;
        match hub.filter(|hub| hub != own) {
            Some(hub) => forward(&self, caller, &hub).await,
            None => take_back(self, caller).await,
        }
    }
}

async fn take_back(request: RefillRequest, caller: &Caller) -> Result<RefillResponse, Refusal> {
    let context = caller.context();
    let channel = channel_id(request.channel.as_ref())?;
    let head = request.head.as_ref().ok_or_else(|| malformed("no head"))?;
    let head = SignedHead::from_wire(channel, head).map_err(|_| malformed("no head"))?;
    let verified = context.head_certificates().verify_any(head).await;
    let (head, signer) = verified.map_err(|_| malformed("the head is no hub's"))?;
    if context.hub().moves().is_to_take_over(&channel) {
        return take_ahead(context, request, head, signer).await;
    }
    let refill = Refill::read(request, head, signer);
    let refill = refill.map_err(|_| malformed("the items cannot be read"))?;
    let is_former = refill.signer != *context.domain();
    if is_former && context.hub().moves().hub_of(&channel).is_none() {
        return Err(malformed("the head is not this relay's"));
    }
    let taken = context.hub().refill(refill).await.map_err(|error| error.to_wire())?;
    let TakenBack { next, superseded } = taken;
    let head = if superseded { head_of_statement(context, channel).await? } else { None };
    Ok(RefillResponse { next_seq: next.0, superseded, head })
}

/// The next hub copies, before it takes over, what the others hold beyond it: as any copy grows, by
/// frames that end at a head of the present hub's.
async fn take_ahead(
    context: &Context,
    request: RefillRequest,
    head: VerifiedHead,
    signer: Domain,
) -> Result<RefillResponse, Refusal> {
    let channel = head.head().channel;
    let items = request.items.into_iter().map(|item| Item::from_wire(channel, item));
    let items = items.collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|_| malformed("the items cannot be read"))?;
    if !items.is_empty() && request.rest.is_empty() {
        let copied = context.hub().ingest(Copy { hub: signer, items, head }).await;
        match copied {
            // They begin elsewhere: whoever brings them learns where to begin.
            Ok(_) | Err(IngestError::Replica(ReplicaError::Gap { .. })) => {}
            Err(error) => return Err(error.to_wire().into()),
        }
        context.links().moved(channel);
    }
    let record = context.hub().channel(channel).await.map_err(|error| unreadable(&error))?;
    let next = record.map_or(Seq(0), |record| record.tail.seq.next());
    Ok(RefillResponse { next_seq: next.0, superseded: false, head: None })
}

/// The hub's word for whoever held what was lost, and nothing that was written since: a head over
/// the statement with which it began anew.
async fn head_of_statement(
    context: &Context,
    channel: ChannelId,
) -> Result<Option<wire::SignedHead>, Refusal> {
    let read =
        move |storage: &mut dyn ReadStorage| Ok(storage.incarnations(&channel)?.iter().last());
    let hub = context.hub();
    let newest = hub.query(read).await.map_err(|error| unreadable(&error))?;
    let Some((seq, incarnation)) = newest else { return Ok(None) };
    let chain = hub.chain_at(channel, seq).await.map_err(|error| unreadable(&error))?;
    let key = hub.head_key();
    Ok(chain.map(|chain| key.sign(channel, incarnation, seq, chain).to_wire()))
}

/// An own device brings it to another authority's hub.
async fn forward(
    request: &RefillRequest,
    caller: &Caller,
    hub: &Domain,
) -> Result<RefillResponse, Refusal> {
    caller.own_device()?;
    caller.context().links().call(hub, request).await
}

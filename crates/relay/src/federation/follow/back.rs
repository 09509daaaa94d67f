//! A hub whose log is shorter than this relay's copy, or has gone on without it: it was restored
//! from an older one. What it signed is offered to it; where it has stated that it begins anew
//! without that, the copy goes back to where the two agree.

use enlace_identity::names::Domain;
use enlace_log::{ChainLink, ChannelId, Incarnation, Seq, SignedHead};
use enlace_proto::relay::v1::{
    self as wire, FetchRangeRequest, IncarnationStart, Item, Items, RefillRequest, RefillResponse,
    subscription_control::Control,
};
use enlace_transport::{CallError, Connection};
use prost::Message as _;
use tracing::{error, info, warn};

use super::{FollowError, cursor_of, wire_id};
use crate::calls::short;
use crate::federation::CALL_TIME;
use crate::federation::alarm;
use crate::federation::link::Link;
use crate::federation::moving;
use crate::head_certificates::HeadCertificateError;
use crate::hub::{IngestError, LogBatch, Next, Reader};
use crate::server::Context;
use crate::storage::{ChannelRecord, ReadLimit, ReadStorage, StorageError};

/// What is offered at once.
const PAGE: ReadLimit = ReadLimit { items: 256, bytes: 1 << 20 };

/// What is to be done about a channel now.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Tell the hub.
    Say(Control),
    /// Ask again after a while: somebody else may have what is missing.
    Later,
    /// Nothing: the log has ended for this relay.
    Nothing,
}

/// The other relay's side of a channel.
pub(super) struct Other<'a> {
    pub(super) context: &'a Context,
    pub(super) authority: &'a Domain,
    pub(super) link: &'a Link,
    pub(super) connection: &'a Connection,
}

/// Items that lead, with what the chain takes of those after them, to a head.
struct Page {
    items: Vec<Item>,
    rest: Vec<ChainLink>,
    head: SignedHead,
}

impl Page {
    fn empty(head: SignedHead) -> Self {
        Self { items: Vec::new(), rest: Vec::new(), head }
    }
}

/// What stands before a position.
struct Last {
    items: Vec<Item>,
    head: Option<SignedHead>,
}

impl Other<'_> {
    /// The hub's log departs from the copy at that position.
    pub(super) async fn offer(
        &self,
        channel: ChannelId,
        from: Seq,
    ) -> Result<Outcome, FollowError> {
        let Some(record) = self.context.hub().channel(channel).await? else {
            return Ok(Outcome::Nothing);
        };
        let own = self.context.domain().clone();
        let log = self.context.hub().subscribe(channel, Reader::Relay(own)).await?;
        // The newest item is offered again where only the incarnation says that the two depart.
        let mut from = from.min(record.tail.seq);
        let mut may_begin_earlier = true;
        while from <= record.tail.seq {
            let page = match log.read(from, PAGE).await {
                // The next hub copies what its present one signed.
                Ok(Some(Next::Batch(page))) if !self.is_ordered_here(channel).await? => {
                    let LogBatch { items, head, .. } = page;
                    Page { items, rest: Vec::new(), head }
                }
                Ok(Some(Next::Batch(page))) => self.to_newest(page).await?,
                // The copy begins later.
                _ => return Ok(Outcome::Later),
            };
            let answer = match self.bring(&record, page).await {
                Err(FollowError::Call(CallError::Refused(refusal))) => {
                    warn!(channel = %short(&channel), hub = %self.authority, %refusal,
                        "a hub does not take back what it signed");
                    self.compare(channel, from).await?;
                    return Ok(Outcome::Later);
                }
                answer => answer?,
            };
            let next = Seq(answer.next_seq);
            if answer.superseded {
                return self.go_back(channel, next, answer.head).await;
            }
            if next == from || next < from && !std::mem::take(&mut may_begin_earlier) {
                return Ok(Outcome::Later);
            }
            info!(channel = %short(&channel), hub = %self.authority, %next, "a hub was refilled");
            from = next;
        }
        self.follow_again(channel).await
    }

    /// Whether the log says that the other relay is its hub.
    async fn is_ordered_here(&self, channel: ChannelId) -> Result<bool, FollowError> {
        let read = move |storage: &mut dyn ReadStorage| {
            let moved = storage.hub_moves(&channel)?.pop().map(|(_, hub)| hub);
            let creating = storage.channel(&channel)?.map(|record| record.creating_hub);
            Ok(moved.or(creating))
        };
        Ok(self.context.hub().query(read).await?.as_ref() == Some(self.authority))
    }

    /// The hub says that nobody here reads a log any more, though the copy says otherwise. It may
    /// have lost what made them members.
    pub(super) async fn question_end(&self, channel: ChannelId) -> Result<Outcome, FollowError> {
        let own = self.context.domain().clone();
        let read = move |storage: &mut dyn ReadStorage| {
            let readers = storage.readers(&channel)?;
            let reads_on = readers.iter().any(|(d, r)| d.domain() == &own && r.to.is_none());
            let Some(record) = storage.channel(&channel)?.filter(|_| reads_on) else {
                return Ok(None);
            };
            let head = storage.newest_head(&channel, Seq(0), record.tail.seq)?;
            Ok(head.map(|head| (record, head)))
        };
        let Some((record, head)) = self.context.hub().query(read).await? else {
            return Ok(Outcome::Nothing);
        };
        let last = record.tail.seq;
        match self.bring(&record, Page::empty(head)).await {
            Ok(answer) if Seq(answer.next_seq) <= last => {
                self.offer(channel, Seq(answer.next_seq)).await
            }
            Ok(_) | Err(FollowError::Call(CallError::Refused(_))) => Ok(Outcome::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Looks at what the hub signed where its log ends: it may be another history.
    async fn compare(&self, channel: ChannelId, next: Seq) -> Result<(), FollowError> {
        if let Some(head) = self.last_before(channel, next).await?.head {
            self.link.witness().show(head);
        }
        Ok(())
    }

    /// The item before a position, and the hub's signature there.
    async fn last_before(&self, channel: ChannelId, next: Seq) -> Result<Last, FollowError> {
        let last = next.0.saturating_sub(1);
        let (id, hub) = (Some(wire_id(channel)), self.authority.to_string());
        let request = FetchRangeRequest { channel: id, from_seq: last, max_items: 1, hub };
        let range = self.connection.call(&request, CALL_TIME).await?;
        let head = range.head.and_then(|head| SignedHead::from_wire(channel, &head).ok());
        let head = head.filter(|head| head.unverified_head().seq == Seq(last));
        Ok(Last { items: range.items, head })
    }

    async fn bring(
        &self,
        record: &ChannelRecord,
        page: Page,
    ) -> Result<RefillResponse, FollowError> {
        let channel = record.channel;
        let read = move |storage: &mut dyn ReadStorage| storage.incarnations(&channel);
        let later = self.context.hub().query(read).await?;
        let starts = std::iter::once((Seq(0), Incarnation::default())).chain(later.iter());
        let start =
            |(seq, i): (Seq, Incarnation)| IncarnationStart { seq: seq.0, incarnation: i.0 };
        let request = RefillRequest {
            channel: Some(wire_id(channel)),
            hub: self.authority.to_string(),
            head: Some(page.head.to_wire()),
            items: page.items,
            nonce: record.nonce.0.to_vec(),
            rest: page.rest.iter().flat_map(ChainLink::encode).collect(),
            incarnations: starts.map(start).collect(),
        };
        Ok(self.connection.call(&request, CALL_TIME).await?)
    }

    /// A page with a head that says in which incarnation this copy has gone on: for less, a hub
    /// gives up nothing that it has.
    async fn to_newest(&self, page: LogBatch) -> Result<Page, FollowError> {
        let LogBatch { channel, items, last, head } = page;
        let ordered = head.unverified_head().incarnation;
        let read =
            move |storage: &mut dyn ReadStorage| way_to_newest(storage, channel, last, ordered);
        Ok(match self.context.hub().query(read).await? {
            Some((rest, head)) => Page { items, rest, head },
            None => Page { items, rest: Vec::new(), head },
        })
    }

    /// The hub has begun anew at `next` without what came here: `newest` says so. What both have
    /// lies before: the hub's signature there has to say that.
    async fn go_back(
        &self,
        channel: ChannelId,
        next: Seq,
        newest: Option<wire::SignedHead>,
    ) -> Result<Outcome, FollowError> {
        let newest = newest.and_then(|head| SignedHead::from_wire(channel, &head).ok());
        let Some(newest) = newest else { return Ok(Outcome::Later) };
        let Last { items, head } = self.last_before(channel, next).await?;
        let Some(head) = head else { return Ok(Outcome::Later) };
        let certificates = self.context.head_certificates();
        let verified = async {
            let newest = certificates.verify(newest, self.authority).await?;
            // What lies before may be a former hub's.
            Ok::<_, HeadCertificateError>((newest, certificates.verify_any(head).await?.0))
        };
        let (newest, head) = match verified.await {
            Ok(verified) => verified,
            Err(error) => {
                warn!(channel = %short(&channel), hub = %self.authority, %error, "no way back");
                return Ok(Outcome::Later);
            }
        };
        let record = self.context.hub().channel(channel).await?;
        if record.is_some_and(|record| record.hub != *self.authority) {
            // It took over before what is here: its statement has to say so, by votes.
            moving::look(self.context, self.authority, channel, head.head().seq).await;
        }
        self.keep_what_goes(channel, next).await?;
        match self.context.hub().rewind(self.authority.clone(), head, &newest).await {
            Ok(_) => self.follow_again(channel).await,
            Err(IngestError::Unavailable(_)) => Err(FollowError::Store),
            Err(error @ (IngestError::NotSuperseded | IngestError::OtherHub(_))) => {
                warn!(channel = %short(&channel), hub = %self.authority, %error, "no way back");
                Ok(Outcome::Later)
            }
            Err(error) => {
                error!(channel = %short(&channel), hub = %self.authority, %error,
                    "ALARM: a log is followed no further, its hub began anew without this copy");
                if let IngestError::Replica(enlace_log::replica::ReplicaError::Diverged(head)) =
                    error
                {
                    let channel = Some(wire_id(channel));
                    let batch = Items { channel, items, head: Some(head.to_wire()) };
                    alarm::keep_batch(self.context, self.authority, &head, &batch).await;
                }
                self.link.forsake(channel);
                Ok(Outcome::Nothing)
            }
        }
    }

    /// What the hub signed and no longer knows is kept for whoever has to judge.
    async fn keep_what_goes(&self, channel: ChannelId, next: Seq) -> Result<(), FollowError> {
        let own = self.context.domain().clone();
        let log = self.context.hub().subscribe(channel, Reader::Relay(own)).await?;
        let Ok(Some(Next::Batch(batch))) = log.read(next, PAGE).await else { return Ok(()) };
        let file = format!("{channel}-{next}.superseded");
        match self.context.proofs().keep(&file, &batch.into_wire().encode_to_vec()) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                error!(file, %error, "what a hub dropped cannot be kept");
            }
            _ => {}
        }
        Ok(())
    }

    async fn follow_again(&self, channel: ChannelId) -> Result<Outcome, FollowError> {
        let cursor = cursor_of(self.context, self.authority, channel).await?;
        Ok(cursor.map_or(Outcome::Nothing, |cursor| Outcome::Say(Control::Follow(cursor))))
    }
}

/// What leads from `last`, which that incarnation ordered, to a head of the newest incarnation that a
/// copy has; `None` when there is no newer one, or it begins too far from there.
fn way_to_newest(
    storage: &mut dyn ReadStorage,
    channel: ChannelId,
    last: Seq,
    ordered: Incarnation,
) -> Result<Option<(Vec<ChainLink>, SignedHead)>, StorageError> {
    let newest = storage.incarnations(&channel)?.iter().last();
    let Some((began, _)) = newest.filter(|(_, newest)| *newest > ordered) else { return Ok(None) };
    let Some(head) = storage.next_head(&channel, began)? else { return Ok(None) };
    let end = head.unverified_head().seq;
    if end.0.saturating_sub(last.0) > ChainLink::MAX_AT_ONCE as u64 {
        return Ok(None);
    }
    let mut links = Vec::new();
    let mut next = last.next();
    while next <= end {
        let items = storage.items(&channel, next, PAGE)?;
        let Some(newest) = items.last() else { return Ok(None) };
        next = newest.seq.next();
        for stored in items.iter().filter(|stored| stored.seq <= end) {
            let item = enlace_log::Item::from_wire(channel, stored.to_wire()?);
            links.push(item.map_err(|_| StorageError::Corrupt("item"))?.link());
        }
    }
    Ok(Some((links, head)))
}

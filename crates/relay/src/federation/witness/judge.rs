//! What a head that another relay shows means for the copy here.
//!
//! It says something only once the hub's signature on it was verified. Where the copy holds another
//! chain at its place, both signed heads and the items from the one to the other are a proof
//! ([`ForkProof`]): the hub is followed no further. Where the copy has not come that far, the head
//! waits for it; if it takes its time, the witness is asked what it holds where the copy ends.

use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::head::HeadError;
use enlace_log::item::ItemError;
use enlace_log::{ChainHash, ForkProof, Item, SignedHead, VerifiedHead};
use enlace_proto::relay::v1::{
    FetchHeadCertificateRequest, FetchRangeRequest, FetchRangeResponse, Items,
};
use enlace_transport::{CallError, Connection};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::shown_own_signature;
use super::state::Shown;
use crate::calls::{read_range, short};
use crate::federation::link::Link;
use crate::federation::{CALL_TIME, alarm, follow};
use crate::head_certificates::HeadCertificateError;
use crate::hub::{ReadError, Reader, hubs_of};
use crate::server::Context;
use crate::storage::{ChannelRecord, ReadLimit, Role};

/// How long a copy that is behind a witness may stand still.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The shortest piece of a log that ends with a signed head.
const SHORTEST: ReadLimit = ReadLimit { items: 1, bytes: 1 };

/// Why a head that was shown says nothing.
#[derive(Debug, thiserror::Error)]
enum JudgeError {
    /// The hub has not signed it, or it can't be verified.
    #[error(transparent)]
    Head(#[from] HeadCertificateError),
    /// An item that the witness sent doesn't fit together.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The witness doesn't answer, or not with what it was asked for.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The witness's answer lacks something.
    #[error("the witness does not say what it holds: {0}")]
    Incomplete(&'static str),
    /// The storage can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl JudgeError {
    /// Whether this relay failed, and may do better later.
    fn is_our_own(&self) -> bool {
        match self {
            Self::Read(error) | Self::Head(HeadCertificateError::Read(error)) => {
                matches!(error, ReadError::Storage(_) | ReadError::Stopped)
            }
            Self::Head(HeadCertificateError::Store) => true,
            _ => false,
        }
    }
}

impl From<HeadError> for JudgeError {
    fn from(error: HeadError) -> Self {
        Self::Head(error.into())
    }
}

/// Judges all that a relay has shown; without a connection to it, what can be judged without.
pub(super) async fn all(
    context: &Context,
    witness: &Domain,
    link: &Link,
    connection: Option<&Connection>,
) {
    let judge = Judge { context, witness, connection };
    for shown in link.witness().shown() {
        let channel = shown.head.unverified_head().channel;
        let left = match judge.judge(shown.clone()).await {
            Ok(left) => left,
            Err(JudgeError::Head(HeadCertificateError::Unknown(_))) if connection.is_none() => {
                Some(Shown { ask_from: Some(Instant::now()), ..shown })
            }
            Err(error) if error.is_our_own() => {
                debug!(%witness, %error, "a head cannot be judged now");
                Some(Shown { ask_from: Some(Instant::now() + PATIENCE), ..shown })
            }
            Err(error @ JudgeError::Call(_)) => {
                debug!(%witness, %error, "a witness does not say more");
                None
            }
            Err(error) => {
                let channel = short(&channel);
                warn!(channel, %witness, %error, "what a relay shows of a hub proves nothing");
                None
            }
        };
        link.witness().judged(channel, left);
    }
}

struct Judge<'j> {
    context: &'j Context,
    witness: &'j Domain,
    connection: Option<&'j Connection>,
}

impl Judge<'_> {
    /// Judges one head; what is left to be judged later.
    async fn judge(&self, shown: Shown) -> Result<Option<Shown>, JudgeError> {
        let hub = self.context.hub();
        let channel = shown.head.unverified_head().channel;
        let Some(record) = hub.channel(channel).await? else { return Ok(None) };
        if self.is_forsaken(&record) {
            return Ok(None);
        }
        // A former hub's word about what it doesn't order any more says nothing.
        let (head, signer) = self.verified(shown.head.clone()).await?;
        let hubs = hub.query(move |storage| hubs_of(storage, &channel)).await?;
        if !hubs.is_some_and(|hubs| hubs.may_sign(&signer, head.head().seq)) {
            return Ok(None);
        }
        let (seq, chain) = (head.head().seq, head.head().chain);
        let is_ahead = seq > record.tail.seq;
        let here = if is_ahead { None } else { hub.chain_at(channel, seq).await? };
        match record.role {
            Role::Hub if here == Some(chain) => Ok(None),
            Role::Hub if signer != *self.context.domain() => Ok(None),
            Role::Hub => {
                shown_own_signature(self.context, self.witness, head).await;
                Ok(None)
            }
            // What the hub itself is ahead, it sends.
            Role::Follower if is_ahead && record.hub == *self.witness => Ok(None),
            Role::Follower if is_ahead => self.ask(&record, shown).await,
            Role::Follower => {
                // Before the copy's own beginning there is nothing to compare with.
                if here.is_some_and(|here| here != chain) {
                    let own = Reader::Relay(self.context.domain().clone());
                    let range = read_range(hub, channel, own, seq, SHORTEST).await?;
                    self.accuse(&signer, &head, range, Side::Witness).await?;
                }
                Ok(None)
            }
        }
    }

    /// Asks the witness, which is ahead, what it holds where the copy ends: once the copy has stood
    /// still for a while, and once for each place.
    async fn ask(
        &self,
        record: &ChannelRecord,
        mut shown: Shown,
    ) -> Result<Option<Shown>, JudgeError> {
        let (channel, tail) = (record.channel, record.tail);
        let now = Instant::now();
        if shown.tail.replace(tail.seq) != Some(tail.seq) {
            shown.ask_from = Some(now + PATIENCE);
        }
        let is_time = shown.ask_from.is_some_and(|ask_from| ask_from <= now);
        let Some(connection) = self.connection.filter(|_| is_time) else { return Ok(Some(shown)) };
        let request = FetchRangeRequest {
            channel: Some(follow::wire_id(channel)),
            from_seq: tail.seq.0,
            max_items: 1,
            hub: record.hub.to_string(),
        };
        let range = connection.call(&request, CALL_TIME).await?;
        if first_chain(&range)? != tail.chain {
            let known = alarm::known_head(self.context, &record.hub, channel, tail.seq).await?;
            self.accuse(&record.hub, &known, range, Side::Here).await?;
            return Ok(None);
        }
        if self.context.links().link(&record.hub).is_some_and(|link| link.live().is_some()) {
            warn!(channel = %short(&channel), hub = %record.hub, witness = %self.witness,
                "another relay has more of a log than its hub gives this one");
        }
        Ok(Some(Shown { ask_from: None, ..shown }))
    }

    /// Holds a head of one side against the log of the other from that place on. If both are
    /// the hub's, nothing more is believed of it.
    async fn accuse(
        &self,
        hub: &Domain,
        head: &VerifiedHead,
        range: FetchRangeResponse,
        whose: Side,
    ) -> Result<(), JudgeError> {
        let channel = head.head().channel;
        let end = range.head.as_ref().ok_or(JudgeError::Incomplete("head"))?;
        let (end, signer) = self.verified(SignedHead::from_wire(channel, end)?).await?;
        if signer != *hub {
            let (expected, found) = (hub.clone(), signer);
            return Err(HeadCertificateError::OtherAuthority { expected, found }.into());
        }
        let chain = first_chain(&range)?;
        let after = range.items.iter().skip(1).cloned();
        let after = after.map(|item| Item::from_wire(channel, item));
        let after = after.collect::<Result<Vec<_>, _>>()?;
        if ForkProof::by_items(head.clone(), end.clone(), chain, &after).is_none() {
            debug!(channel = %short(&channel), %hub, witness = %self.witness,
                "two histories of two incarnations, or items that lead nowhere: no proof");
            return Ok(());
        }
        error!(channel = %short(&channel), %hub, witness = %self.witness,
            "ALARM: a log is followed no further, its hub signed two histories");
        let (known, contradicting) = match whose {
            Side::Here => (head, &end),
            Side::Witness => (&end, head),
        };
        let FetchRangeResponse { items, head } = range;
        let items = Items { channel: Some(follow::wire_id(channel)), items, head };
        alarm::keep(self.context, known, contradicting, &items);
        if let Some(link) = self.context.links().link(hub) {
            link.forsake(channel);
        }
        Ok(())
    }

    fn is_forsaken(&self, record: &ChannelRecord) -> bool {
        let link = self.context.links().link(&record.hub);
        link.is_some_and(|link| link.is_forsaken(&record.channel))
    }

    /// Verifies a head; the certificate of an unknown key is the witness's to show.
    async fn verified(&self, head: SignedHead) -> Result<(VerifiedHead, Domain), JudgeError> {
        let certificates = self.context.head_certificates();
        match (certificates.verify_any(head.clone()).await, self.connection) {
            (Err(HeadCertificateError::Unknown(signer)), Some(connection)) => {
                let request = FetchHeadCertificateRequest { signer: signer.0.to_vec() };
                let answer = connection.call(&request, CALL_TIME).await?;
                certificates.learn(&answer.certificates).await?;
                Ok(certificates.verify_any(head).await?)
            }
            (verified, _) => Ok(verified?),
        }
    }
}

/// Whose head it is.
#[derive(Clone, Copy, Debug)]
enum Side {
    Here,
    Witness,
}

/// The chain at the first item of a range.
fn first_chain(range: &FetchRangeResponse) -> Result<ChainHash, JudgeError> {
    let first = range.items.first().ok_or(JudgeError::Incomplete("items"))?;
    ChainHash::try_from(&first.chain[..]).map_err(|_| JudgeError::Incomplete("chain"))
}

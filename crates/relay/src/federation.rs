//! Links to other authorities' relays: one each, dialled when there is something to do and kept.
//!
//! Over a link this relay follows the logs that the other orders ([`follow`]), hands over the
//! welcomes that wait for it ([`outbox`]), passes revocation lists on ([`spread`])
//! and votes for other hubs ([`moving`]), compares what
//! hubs have signed ([`witness`]), and makes calls on behalf of its own devices ([`Links::call`]).
//! What the other wants of this relay comes over a link of its own.

mod alarm;
mod follow;
mod forward;
mod heartbeat;
mod link;
mod linked;
pub(crate) mod moving;
mod outbox;
mod session;
mod spread;
mod witness;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use enlace_identity::names::Domain;
use enlace_log::{ChannelId, Seq, SignedHead};
use enlace_proto::method::Call;
use enlace_proto::relay::v1::{ErrorCode, RequestWelcomeRequest};
use enlace_transport::{CallError, Refusal};

use self::forward::Forward;
use self::link::Link;
use self::witness::Moved;
use crate::server::Context;

pub(crate) use self::forward::{ForwardAnswers, Forwarded};
pub(crate) use self::linked::{Tasks, keep as keep_links};
pub(crate) use self::spread::unsent as unsent_crls;
pub(crate) use self::witness::watch as watch_heads;

/// How long a caller waits for a link to come up. Together with [`CALL_TIME`] it is less than a
/// device waits for its own relay's answer.
const DIAL_TIME: Duration = Duration::from_secs(8);

/// How long another relay may take for an answer.
const CALL_TIME: Duration = Duration::from_secs(10);

/// The links to all other authorities of the network, as its bundle lists them now.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: RwLock<BTreeMap<Domain, Arc<Link>>>,
    moved: Moved,
}

impl Links {
    /// Makes a call at another authority's relay. What that relay refuses, the caller's device is
    /// refused. `HUB_UNREACHABLE` means that nothing was sent, `INTERNAL` that no answer came.
    pub(crate) async fn call<C: Call>(
        &self,
        authority: &Domain,
        request: &C,
    ) -> Result<C::Response, Refusal> {
        let link = self.linked(authority)?;
        let Some(connection) = link.connection(DIAL_TIME).await else {
            return Err(unreachable(authority));
        };
        connection.call(request, CALL_TIME).await.map_err(|error| match error {
            CallError::Refused(refusal) => refusal,
            CallError::TooLong(_) => {
                Refusal::new(ErrorCode::Malformed, "the request is too long to be passed on")
            }
            error => {
                tracing::debug!(%authority, %error, "what became of a forwarded call is not known");
                let message = format!("the relay of {authority} did not answer: send it again");
                Refusal::new(ErrorCode::Internal, message)
            }
        })
    }

    /// Submits own devices' items at another authority's relay; returns as soon as they have their
    /// place in the queue. What is returned is ready when each is answered, as [`Self::call`] says.
    pub(crate) async fn submit(
        &self,
        authority: &Domain,
        items: Vec<Forwarded>,
    ) -> Result<impl Future<Output = ForwardAnswers> + use<>, Refusal> {
        let link = self.linked(authority)?;
        let (count, authority) = (items.len(), authority.clone());
        let (forward, answers) = Forward::new(items);
        link.forward(forward).await;
        Ok(
            async move { answers.await.unwrap_or_else(|_| vec![Err(unreachable(&authority)); count]) },
        )
    }

    /// The channel is to be followed from where its copy ends.
    pub(crate) fn follow(&self, authority: &Domain, channel: ChannelId) {
        if let Some(link) = self.link(authority) {
            link.follow(channel);
            self.moved(channel);
        }
    }

    /// An own device asks for a channel that it may not read any more, by the copy here: where nobody
    /// here may, the hub sends no more of it by itself, also when a later change lets them read on.
    /// Of one channel not often.
    pub(crate) fn follow_again(&self, authority: &Domain, channel: ChannelId) {
        if let Some(link) = self.link(authority)
            && link.may_look(channel)
        {
            link.follow(channel);
        }
    }

    /// Own devices follow a channel of which this relay has no copy, though by their word that
    /// authority orders it: this relay was restored to a state from before the copy began. The
    /// welcome with which it began is asked for. Of one channel not often.
    pub(crate) async fn request_welcome(&self, authority: &Domain, channel: ChannelId) {
        let Some(link) = self.link(authority) else { return };
        if !link.may_request(channel) {
            return;
        }
        let request = RequestWelcomeRequest { channel: Some(channel.to_wire()) };
        match self.call(authority, &request).await {
            Ok(_) => {
                tracing::info!(%channel, %authority, "a copy that is not here is asked for anew");
            }
            Err(refusal) => {
                tracing::debug!(%channel, %authority, %refusal, "a copy that is not here stays lost");
            }
        }
    }

    /// The copy of a log that another authority orders has grown.
    pub(crate) fn moved(&self, channel: ChannelId) {
        self.moved.add(channel);
    }

    /// Another authority's relay, which may read the channel, shows a head of it and is told the
    /// newest one here, which stands at `newest`.
    pub(crate) fn show(&self, authority: &Domain, head: SignedHead, newest: Seq) {
        if let Some(link) = self.link(authority) {
            link.witness().told(head.unverified_head().channel, newest);
            link.witness().show(head);
        }
    }

    /// The other authority's relay was heard of: it can be dialled again at once.
    pub(crate) fn peer_is_up(&self, authority: &Domain) {
        if let Some(link) = self.link(authority) {
            link.hurry();
        }
    }

    /// There is something to do at every authority.
    pub(crate) fn wake_all(&self) {
        for link in self.read().values() {
            link.wake();
        }
    }

    fn linked(&self, authority: &Domain) -> Result<Arc<Link>, Refusal> {
        self.link(authority).ok_or_else(|| {
            Refusal::new(ErrorCode::NotAllowed, "that authority is not of this network")
        })
    }

    fn link(&self, authority: &Domain) -> Option<Arc<Link>> {
        self.read().get(authority).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Domain, Arc<Link>>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the links when a welcome for another authority was stored.
pub(crate) async fn watch_outbound(context: Arc<Context>) {
    let mut changes = context.hub().watch_outbound();
    while changes.changed().await.is_ok() {
        context.links().wake_all();
    }
}

fn unreachable(authority: &Domain) -> Refusal {
    Refusal::new(ErrorCode::HubUnreachable, format!("the relay of {authority} does not answer"))
}

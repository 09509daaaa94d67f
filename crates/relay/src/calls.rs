//! What each call of the protocol does here, one file per call or pair of calls.

mod bundles;
mod caller;
mod confirm_erasure;
mod contacts;
mod create_channel;
mod crls;
mod deliver_welcome;
mod directory;
mod exchange_heads;
mod fetch_range;
mod head_certificate;
mod history;
mod hub_votes;
mod key_packages;
mod lease;
mod refill;
mod refusals;
mod renew_certificate;
mod request_welcome;
mod submit;
mod submit_stream;

use std::future::Future;

use enlace_proto::method::{Call, Method};
use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, ConfirmErasureRequest, CreateChannelRequest, DeliverWelcomeRequest,
    ErrorCode, ExchangeHeadsRequest, FetchBundleRequest, FetchContactsRequest,
    FetchDirectoryRequest, FetchErasureConfirmationRequest, FetchHeadCertificateRequest,
    FetchRangeRequest, LeaseRequest, PublishBundleRequest, PublishCrlsRequest,
    PublishHubVotesRequest, PublishKeyPackagesRequest, ReceiveHistoryRequest, RefillRequest,
    RenewCertificateRequest, RequestWelcomeRequest, SendHistoryRequest, SubmitRequest,
};
use enlace_transport::{IncomingCall, IncomingStream, Refusal, RequestError};
use tracing::debug;

use crate::subscription;

pub(crate) use self::caller::{Caller, Peer};
pub(crate) use self::deliver_welcome::short;
pub(crate) use self::exchange_heads::MAX_HEADS;
pub(crate) use self::fetch_range::read as read_range;
pub(crate) use self::refusals::{channel_id, internal, limit, malformed, unreadable};

/// A request that the relay answers.
pub(crate) trait Handle: Call {
    /// Does what is asked, or says why not.
    fn handle(
        self,
        caller: &Caller,
    ) -> impl Future<Output = Result<Self::Response, Refusal>> + Send;
}

/// Serves one stream of a connection: a call from its first byte to its answer.
pub(crate) async fn serve(caller: Caller, stream: IncomingStream) {
    if let Err(error) = dispatch(&caller, stream).await {
        debug!(peer = %caller.name(), %error, "a call came to nothing");
    }
}

/// Each kind of call takes its own memory, and none that of the largest: a subscription lasts as
/// long as its connection.
async fn dispatch(caller: &Caller, stream: IncomingStream) -> Result<(), RequestError> {
    let call = Box::pin(stream.read()).await?;
    match call.method() {
        Method::Hello => {
            let refusal = Refusal::new(ErrorCode::Malformed, "hello comes once");
            // Whether the peer hears of it changes nothing here.
            let _ = call.refuse(refusal).await;
            Ok(())
        }
        Method::SubmitStream => {
            let stream = Box::pin(call.into_submit_stream()).await?;
            Box::pin(submit_stream::serve(caller, stream)).await;
            Ok(())
        }
        Method::Subscribe => {
            let subscription = Box::pin(call.into_subscription()).await?;
            Box::pin(subscription::serve(caller, subscription)).await
        }
        _ => Box::pin(dispatch_to_handler(caller, call)).await,
    }
}

async fn dispatch_to_handler(caller: &Caller, call: IncomingCall) -> Result<(), RequestError> {
    match call.method() {
        Method::PublishKeyPackages => answer::<PublishKeyPackagesRequest>(caller, call).await,
        Method::ClaimKeyPackages => answer::<ClaimKeyPackagesRequest>(caller, call).await,
        Method::CreateChannel => answer::<CreateChannelRequest>(caller, call).await,
        Method::Lease => answer::<LeaseRequest>(caller, call).await,
        Method::Submit => answer::<SubmitRequest>(caller, call).await,
        Method::FetchRange => answer::<FetchRangeRequest>(caller, call).await,
        Method::FetchDirectory => answer::<FetchDirectoryRequest>(caller, call).await,
        Method::DeliverWelcome => answer::<DeliverWelcomeRequest>(caller, call).await,
        Method::PublishCrls => answer::<PublishCrlsRequest>(caller, call).await,
        Method::FetchHeadCertificate => answer::<FetchHeadCertificateRequest>(caller, call).await,
        Method::Refill => answer::<RefillRequest>(caller, call).await,
        Method::ExchangeHeads => answer::<ExchangeHeadsRequest>(caller, call).await,
        Method::RequestWelcome => answer::<RequestWelcomeRequest>(caller, call).await,
        Method::FetchContacts => answer::<FetchContactsRequest>(caller, call).await,
        Method::FetchBundle => answer::<FetchBundleRequest>(caller, call).await,
        Method::PublishBundle => answer::<PublishBundleRequest>(caller, call).await,
        Method::ConfirmErasure => answer::<ConfirmErasureRequest>(caller, call).await,
        Method::FetchErasureConfirmation => {
            answer::<FetchErasureConfirmationRequest>(caller, call).await
        }
        Method::RenewCertificate => answer::<RenewCertificateRequest>(caller, call).await,
        Method::ReceiveHistory => answer::<ReceiveHistoryRequest>(caller, call).await,
        Method::SendHistory => answer::<SendHistoryRequest>(caller, call).await,
        Method::PublishHubVotes => answer::<PublishHubVotesRequest>(caller, call).await,
        // Not of this kind: `dispatch` has them, or nobody with a certificate may make them.
        Method::Hello
        | Method::SubmitStream
        | Method::Subscribe
        | Method::Enroll
        | Method::FetchEnrolment => Ok(()),
    }
}

async fn answer<C: Handle>(caller: &Caller, call: IncomingCall) -> Result<(), RequestError> {
    let _ongoing = caller.context().begin_call();
    let (request, reply) = call.decode::<C>().await?;
    let _turn = caller.turn(C::METHOD).await;
    let answer = match caller.admit(request.encoded_len()) {
        Ok(()) => request.handle(caller).await,
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = &answer {
        debug!(peer = %caller.name(), method = ?C::METHOD, %refusal, "refused");
    }
    if let Err(error) = reply.send(answer).await {
        debug!(peer = %caller.name(), method = ?C::METHOD, %error, "an answer was not sent");
    }
    Ok(())
}

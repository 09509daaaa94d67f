//! A relay that answers calls in a few fixed ways, and a device that dials it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use enlace_proto::method::Method;
use enlace_proto::relay::v1::{
    ChannelEnded, ErrorCode, FetchRangeRequest, FetchRangeResponse, Item, LeaseRequest,
    LeaseResponse, SubmitRequest, SubscriptionControl, SubscriptionEvent, subscription_control,
    subscription_event,
};
use enlace_transport::{
    ConnectError, Connection, Dialled, Endpoint, Expected, HandshakeError, HelloOffer, HelloReply,
    IncomingCall, Refusal, Target, Trust,
};
use tokio::sync::mpsc;

use super::{Authority, Credential, soon};

pub(crate) struct Relay {
    pub(crate) endpoint: Endpoint,
    pub(crate) target: Target,
    accepted: mpsc::Receiver<Result<Connection, HandshakeError>>,
}

pub(crate) struct Device {
    pub(crate) endpoint: Endpoint,
}

pub(crate) fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

impl Relay {
    /// Serves as `label` of `authority`.
    pub(crate) fn start(authority: &Authority, label: &str, trust: &Trust) -> Self {
        Self::start_as(&authority.relay(label), Expected::Relay(authority.relay_name(label)), trust)
    }

    pub(crate) fn start_as(credential: &Credential, expected: Expected, trust: &Trust) -> Self {
        let identity = credential.identity(trust);
        let endpoint = Endpoint::bind(loopback(), identity, trust.clone()).unwrap();
        let port = endpoint.local_address().unwrap().port();
        let target = Target { expected, addresses: vec![("127.0.0.1".to_owned(), port)] };
        Self::on_endpoint(endpoint, target)
    }

    /// Serves on an endpoint that is there.
    pub(crate) fn on_endpoint(endpoint: Endpoint, target: Target) -> Self {
        let (report, accepted) = mpsc::channel(64);
        tokio::spawn(run(endpoint.clone(), report));
        Self { endpoint, target, accepted }
    }

    /// What became of the next connection that somebody opened.
    pub(crate) async fn accepted(&mut self) -> Result<Connection, HandshakeError> {
        soon(self.accepted.recv()).await.expect("the relay runs")
    }
}

impl Device {
    pub(crate) fn new(credential: &Credential, trust: &Trust) -> Self {
        let identity = credential.identity(trust);
        Self { endpoint: Endpoint::bind(loopback(), identity, trust.clone()).unwrap() }
    }

    pub(crate) async fn connect(&self, target: &Target) -> Result<Dialled, ConnectError> {
        let offer = HelloOffer { software: "test".to_owned(), ..HelloOffer::default() };
        soon(self.endpoint.connect(target, offer, Duration::from_secs(20))).await
    }

    pub(crate) async fn connected(&self, target: &Target) -> Connection {
        self.connect(target).await.unwrap().connection
    }
}

async fn run(endpoint: Endpoint, report: mpsc::Sender<Result<Connection, HandshakeError>>) {
    while let Some(incoming) = endpoint.accept().await {
        let report = report.clone();
        tokio::spawn(async move {
            let accepted = match incoming.greet().await {
                Ok(greeting) => {
                    greeting
                        .welcome(HelloReply { submit_counter: 5, ..HelloReply::default() })
                        .await
                }
                Err(error) => Err(error),
            };
            if let Ok(connection) = &accepted {
                tokio::spawn(serve(connection.clone()));
            }
            drop(report.send(accepted).await);
        });
    }
}

/// Answers calls on a connection, each in its own task.
pub(crate) async fn serve(connection: Connection) {
    while let Ok(stream) = connection.accept().await {
        tokio::spawn(async move {
            if let Ok(call) = stream.read().await {
                drop(answer(call).await);
            }
        });
    }
}

async fn answer(call: IncomingCall) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match call.method() {
        Method::Lease => {
            let (request, reply) = call.decode::<LeaseRequest>().await?;
            let fence = request.device.len() as u64;
            reply.send(Ok(LeaseResponse { expires_in_ms: 10_000, fence })).await?;
        }
        Method::Submit => {
            let (request, reply) = call.decode::<SubmitRequest>().await?;
            let refusal = Refusal::new(ErrorCode::StaleFence, "behind")
                .with_fence(request.payload.len() as u64)
                .retry_after(Duration::from_millis(250));
            reply.send(Err(refusal)).await?;
        }
        Method::FetchRange => {
            let (request, reply) = call.decode::<FetchRangeRequest>().await?;
            let item =
                Item { payload: vec![7; request.max_items as usize].into(), ..Item::default() };
            reply.send(Ok(FetchRangeResponse { items: vec![item], head: None })).await?;
        }
        Method::Subscribe => echo(call).await?,
        // Dropped without an answer.
        _ => {}
    }
    Ok(())
}

/// Sends each acknowledgement back, and refuses to unfollow.
async fn echo(call: IncomingCall) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut subscription = call.into_subscription().await?;
    while let Some(SubscriptionControl { control }) = subscription.controls.next().await? {
        match control {
            Some(subscription_control::Control::Acknowledge(acknowledge)) => {
                let last_seq = acknowledge.seq;
                let ended = ChannelEnded { channel: acknowledge.channel, last_seq };
                let event = Some(subscription_event::Event::Ended(ended));
                subscription.events.send(&SubscriptionEvent { event }).await?;
            }
            _ => {
                let refusal = Refusal::new(ErrorCode::UnknownChannel, "no such channel");
                subscription.events.refuse(refusal).await?;
                return Ok(());
            }
        }
    }
    subscription.events.finish();
    Ok(())
}

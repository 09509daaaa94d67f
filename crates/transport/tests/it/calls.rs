//! Calls and subscriptions between well-behaved peers.

use std::time::Duration;

use enlace_proto::frame::TooLong;
use enlace_proto::method::Method;
use enlace_proto::relay::v1::{
    Acknowledge, ChannelEnded, ChannelId, DeliverWelcomeRequest, ErrorCode, FetchDirectoryRequest,
    FetchRangeRequest, LeaseRequest, PublishKeyPackagesRequest, SubmitRequest, SubscribeRequest,
    SubscriptionControl, SubscriptionEvent, subscription_control, subscription_event,
};
use enlace_transport::{CallError, CloseCode, Lost, Refusal, StreamError};

use crate::support::{Authority, DAY, Device, PATIENCE, Relay, TestClock, serve, soon, trust};

#[tokio::test]
async fn a_call_is_answered() {
    let (connection, _relay) = pair().await;
    let request = LeaseRequest { device: "abc".to_owned(), ..LeaseRequest::default() };
    let response = connection.call(&request, PATIENCE).await.unwrap();
    assert_eq!(response.fence, 3);
}

#[tokio::test]
async fn a_refusal_carries_what_the_caller_needs() {
    let (connection, _relay) = pair().await;
    let request = SubmitRequest { payload: vec![1; 9].into(), ..SubmitRequest::default() };
    let refusal = Refusal::new(ErrorCode::StaleFence, "behind")
        .with_fence(9)
        .retry_after(Duration::from_millis(250));
    let error = connection.call(&request, PATIENCE).await.unwrap_err();
    assert_eq!(error, CallError::Refused(refusal));
}

#[tokio::test]
async fn large_messages_pass_up_to_their_limit_and_no_further() {
    let (connection, _relay) = pair().await;
    let submit = |length: u32| SubmitRequest {
        payload: vec![1; length as usize].into(),
        ..SubmitRequest::default()
    };
    let limit = Method::Submit.request_limit();
    let error = connection.call(&submit(limit - 5), PATIENCE).await.unwrap_err();
    assert!(
        matches!(error, CallError::Refused(Refusal { fence, .. }) if fence == u64::from(limit - 5))
    );
    let error = connection.call(&submit(limit), PATIENCE).await.unwrap_err();
    assert!(matches!(error, CallError::TooLong(TooLong { .. })), "{error:?}");

    let fetch = |max_items| FetchRangeRequest { max_items, ..FetchRangeRequest::default() };
    let range = connection.call(&fetch(5 << 20), PATIENCE).await.unwrap();
    assert_eq!(range.items[0].payload.len(), 5 << 20);
    // The relay can't send it, and says so.
    let error = connection.call(&fetch(11 << 20), PATIENCE).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(Refusal { code: ErrorCode::Internal, .. })));
}

#[tokio::test]
async fn a_call_that_nobody_answers_ends() {
    let (connection, _relay) = pair().await;
    let error = connection.call(&FetchDirectoryRequest {}, PATIENCE).await.unwrap_err();
    assert_eq!(error, CallError::Unanswered);
}

#[tokio::test]
async fn a_call_ends_with_its_connection() {
    let (connection, relay) = pair().await;
    relay.endpoint.close(CloseCode::Stopping);
    assert_eq!(soon(connection.closed()).await, Lost::ByPeer(CloseCode::Stopping));
    let error = connection.call(&FetchDirectoryRequest {}, PATIENCE).await.unwrap_err();
    assert_eq!(error, CallError::Lost(Lost::ByPeer(CloseCode::Stopping)));
    soon(relay.endpoint.idle()).await;
}

#[tokio::test]
async fn the_kind_of_certificate_limits_the_calls() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", DAY), &all).connected(&relay.target).await;
    let error = device.call(&DeliverWelcomeRequest::default(), PATIENCE).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(Refusal { code: ErrorCode::NotAllowed, .. })));
    let other = Device::new(&a.relay("r2"), &all).connected(&relay.target).await;
    let error = other.call(&PublishKeyPackagesRequest::default(), PATIENCE).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(Refusal { code: ErrorCode::NotAllowed, .. })));
    let error = other.call(&DeliverWelcomeRequest::default(), PATIENCE).await.unwrap_err();
    assert_eq!(error, CallError::Unanswered, "allowed, though this relay has no answer");
}

#[tokio::test]
async fn relays_call_each_other_over_one_connection() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let all = trust(&[&a, &b], &[&a, &b], &clock);
    let mut relay = Relay::start(&a, "r1", &all);
    let dialler = Device::new(&b.relay("r1"), &all).connected(&relay.target).await;
    tokio::spawn(serve(dialler.clone()));
    let accepted = relay.accepted().await.unwrap();
    let request = LeaseRequest { device: "abcd".to_owned(), ..LeaseRequest::default() };
    assert_eq!(accepted.call(&request, PATIENCE).await.unwrap().fence, 4);
    assert_eq!(dialler.call(&request, PATIENCE).await.unwrap().fence, 4);
}

#[tokio::test]
async fn a_subscription_flows_both_ways_until_it_is_finished() {
    let (connection, _relay) = pair().await;
    let mut stream = connection.subscribe(&SubscribeRequest::default(), PATIENCE).await.unwrap();
    for seq in 0..100 {
        stream.controls.send(&acknowledge(seq)).await.unwrap();
    }
    for seq in 0..100 {
        let event = soon(stream.events.next()).await.unwrap().unwrap();
        assert_eq!(event, ended(seq));
    }
    stream.controls.finish();
    assert_eq!(soon(stream.events.next()).await, Ok(None));
}

#[tokio::test]
async fn a_subscription_can_be_ended_with_a_reason() {
    let (connection, _relay) = pair().await;
    let mut stream = connection.subscribe(&SubscribeRequest::default(), PATIENCE).await.unwrap();
    let unfollow = subscription_control::Control::Unfollow(ChannelId::default());
    let control = SubscriptionControl { control: Some(unfollow) };
    stream.controls.send(&control).await.unwrap();
    let error = soon(stream.events.next()).await.unwrap_err();
    let refusal = Refusal::new(ErrorCode::UnknownChannel, "no such channel");
    assert_eq!(error, StreamError::Refused(refusal));
}

#[tokio::test]
async fn a_subscription_keeps_its_connection_open() {
    let (connection, _relay) = pair().await;
    let mut stream = connection.subscribe(&SubscribeRequest::default(), PATIENCE).await.unwrap();
    drop(connection);
    stream.controls.send(&acknowledge(1)).await.unwrap();
    assert_eq!(soon(stream.events.next()).await, Ok(Some(ended(1))));
}

async fn pair() -> (enlace_transport::Connection, Relay) {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", DAY), &all);
    (device.connected(&relay.target).await, relay)
}

fn acknowledge(seq: u64) -> SubscriptionControl {
    let acknowledge = Acknowledge { channel: None, seq };
    SubscriptionControl { control: Some(subscription_control::Control::Acknowledge(acknowledge)) }
}

fn ended(last_seq: u64) -> SubscriptionEvent {
    let ended = ChannelEnded { channel: None, last_seq };
    SubscriptionEvent { event: Some(subscription_event::Event::Ended(ended)) }
}

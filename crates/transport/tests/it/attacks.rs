//! Whoever stalls, floods or has been revoked takes nobody else along.

use std::time::Duration;

use enlace_proto::method::Method;
use enlace_proto::relay::v1::{Error, ErrorCode, LeaseRequest};
use enlace_transport::{Endpoint, Expected, HelloOffer, Target};
use prost::Message;

use crate::support::{
    Authority, DAY, Device, Groups, RawClient, Relay, TestClock, exchange, soon, trust,
};

#[tokio::test]
async fn connections_that_never_say_hello_keep_nobody_else_out() {
    let a = Authority::new("a.example");
    let trust = trust(&[&a], &[&a], &TestClock::new());
    let relay = Relay::start(&a, "r1", &trust);
    let stalling = RawClient::new(&a.device("stalls", DAY), Groups::Hybrid, b"enlace/1");
    let mut held = Vec::new();
    while let Ok(connection) = stalling.connect(&relay.target).await {
        held.push(connection);
        assert!(held.len() < 256, "all places are taken from one address");
    }
    let elsewhere = "127.0.0.2:0".parse().unwrap();
    let identity = a.device("laptop", DAY).identity(&trust);
    let honest = Endpoint::bind(elsewhere, identity, trust.clone()).unwrap();
    let limit = Duration::from_secs(20);
    soon(honest.connect(&relay.target, HelloOffer::default(), limit)).await.unwrap();
}

#[tokio::test]
async fn a_revoked_relay_does_not_hide_the_others_of_its_authority() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let theirs = trust(&[&a], &[&a], &clock);
    let stolen = a.relay("r1");
    let any = Expected::AnyRelayOf(a.domain.clone());
    let thief = Relay::start_as(&stolen, any.clone(), &theirs);
    let ours = trust(&[&a], &[], &clock);
    for list in a.lists(2, &[&stolen]) {
        ours.insert_crl(&list).unwrap();
    }
    let good = Relay::start(&a, "r2", &ours);
    let addresses = [&thief, &good].map(|relay| relay.target.addresses[0].clone()).to_vec();
    let device = Device::new(&a.device("laptop", DAY), &ours);
    let connection = device.connected(&Target { expected: any, addresses }).await;
    assert_eq!(connection.peer().name().as_str(), "r2.relay.a.example");
}

#[tokio::test]
async fn a_flood_of_empty_elements_is_refused_and_costs_nobody_memory() {
    let a = Authority::new("a.example");
    let trust = trust(&[&a], &[&a], &TestClock::new());
    let relay = Relay::start(&a, "r1", &trust);
    let client = RawClient::new(&a.device("laptop", DAY), Groups::Hybrid, b"enlace/1");
    let connection = client.greeted(&relay.target, &trust).await;
    let body = [5 << 3 | 2, 0].repeat(1 << 20);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let flood = [&Method::Submit.number().to_be_bytes()[..], &length, &body].concat();
    let answer = exchange(&connection, &flood).await.unwrap();
    let refused = Error::decode(&answer[6..]).unwrap();
    assert_eq!(refused.code, i32::from(ErrorCode::Malformed));
    let device = Device::new(&a.device("other", DAY), &trust).connected(&relay.target).await;
    device.call(&LeaseRequest::default(), Duration::from_secs(20)).await.unwrap();
}

//! Resumed sessions, on which TLS runs no verifier: the certificate is looked at all the same.

use enlace_transport::connect::Refused;
use enlace_transport::{ConnectError, HandshakeError, HelloError, Untrusted};

use crate::support::{Authority, DAY, Device, HOUR, Relay, TestClock, trust};

#[tokio::test]
async fn a_second_connection_is_resumed() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", DAY), &all);
    for _ in 0..3 {
        device.connected(&relay.target).await;
        relay.accepted().await.unwrap();
    }
    assert_eq!(relay.endpoint.full_handshakes(), 1);
    assert_eq!(device.endpoint.full_handshakes(), 1);
}

#[tokio::test]
async fn a_device_revoked_in_between_is_refused_on_a_resumed_connection() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let knowing = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &knowing);
    let credential = a.device("laptop", DAY);
    let device = Device::new(&credential, &trust(&[&a], &[&a], &clock));
    device.connected(&relay.target).await;
    relay.accepted().await.unwrap();

    for list in a.lists(2, &[&credential]) {
        knowing.insert_crl(&list).unwrap();
    }
    assert_eq!(
        device.connect(&relay.target).await.unwrap_err(),
        ConnectError::Refused(Refused::Revoked)
    );
    let refused = relay.accepted().await.unwrap_err();
    assert!(
        matches!(refused, HandshakeError::Hello(HelloError::Untrusted(Untrusted::Revocation(_)))),
        "{refused:?}"
    );
    assert_eq!(relay.endpoint.full_handshakes(), 1, "the second connection was resumed");
}

#[tokio::test]
async fn a_device_expired_in_between_is_refused_on_a_resumed_connection() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", HOUR), &all);
    device.connected(&relay.target).await;
    relay.accepted().await.unwrap();

    clock.advance(2 * HOUR);
    assert_eq!(
        device.connect(&relay.target).await.unwrap_err(),
        ConnectError::Refused(Refused::Expired)
    );
    let refused = relay.accepted().await.unwrap_err();
    assert!(matches!(refused, HandshakeError::Untrusted(Untrusted::Chain(_))), "{refused:?}");
    assert_eq!(relay.endpoint.full_handshakes(), 1, "the second connection was resumed");
}

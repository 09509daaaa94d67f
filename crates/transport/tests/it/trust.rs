//! Who gets in, and who doesn't: each refusal fails if its check is taken out.

use enlace_identity::chain::ChainError;
use enlace_identity::revocation::RevocationStatusError;
use enlace_proto::method::Caller;
use enlace_transport::connect::{ClockDoubt, Refused};
use enlace_transport::{
    CloseCode, ConnectError, Endpoint, Expected, HandshakeError, HelloError, LocalIdentity,
    LocalIdentityError, Lost, TakenBundle, Target, Untrusted,
};
use rcgen::SanType;

use crate::support::{
    Authority, DAY, Device, Groups, HOUR, PATIENCE, RawClient, Relay, START, TestClock,
    next_bundle, soon, trust,
};

#[tokio::test]
async fn a_device_and_its_relay_know_each_other() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let mut relay = Relay::start(&a, "r1", &trust(&[&a], &[&a], &clock));
    let credential = a.device("laptop", DAY);
    let device = Device::new(&credential, &trust(&[&a], &[], &clock));

    let dialled = device.connect(&relay.target).await.unwrap();
    assert_eq!(dialled.connection.peer().name().as_str(), "r1.relay.a.example");
    assert_eq!(dialled.connection.caller(), Caller::Relay);
    assert_eq!(dialled.hello.submit_counter, 5);
    assert_eq!(dialled.hello.time_ms, START.as_millis());
    assert_eq!(dialled.connection.version(), 1);

    let accepted = relay.accepted().await.unwrap();
    assert_eq!(accepted.peer().name().as_str(), "laptop.ana-ruiz.officer.a.example");
    assert_eq!(accepted.caller(), Caller::Device);
    assert_eq!(device.endpoint.trust().crls_of(&a.domain).len(), 2, "hello brought the lists");
}

#[tokio::test]
async fn relays_that_never_met_judge_each_other_by_the_lists_in_hello() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let both = [&a, &b];
    let mut ours = Relay::start(&a, "r1", &trust(&both, &[&a], &clock));
    let theirs = Device::new(&b.relay("r1"), &trust(&both, &[&b], &clock));
    theirs.connect(&ours.target).await.unwrap();
    assert_eq!(ours.accepted().await.unwrap().caller(), Caller::Relay);
}

#[tokio::test]
async fn any_relay_of_an_authority_may_be_expected() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let both = trust(&[&a, &b], &[&a, &b], &clock);
    let relay = Relay::start(&a, "r1", &both);
    let device = Device::new(&a.device("laptop", DAY), &both);
    let any = |authority: &Authority| Target {
        expected: Expected::AnyRelayOf(authority.domain.clone()),
        ..relay.target.clone()
    };
    device.connect(&any(&a)).await.unwrap();
    let refused = device.connect(&any(&b)).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Untrusted(Untrusted::OtherName { .. })), "{refused:?}");
}

#[tokio::test]
async fn another_relay_than_the_expected_is_refused() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", DAY), &all);
    let target = Target { expected: Expected::Relay(a.relay_name("r2")), ..relay.target.clone() };
    let refused = device.connect(&target).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Untrusted(Untrusted::OtherName { .. })), "{refused:?}");
    assert!(matches!(relay.accepted().await, Err(HandshakeError::Tls(_))));
}

#[tokio::test]
async fn unknown_authorities_are_refused_on_both_sides() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let narrow = trust(&[&a], &[&a], &clock);
    let wide = trust(&[&a, &b], &[&a, &b], &clock);

    let mut relay = Relay::start(&a, "r1", &narrow);
    let stranger = Device::new(&b.device("laptop", DAY), &wide);
    assert_eq!(
        stranger.connect(&relay.target).await.unwrap_err(),
        ConnectError::Refused(Refused::Unknown)
    );
    assert!(matches!(relay.accepted().await, Err(HandshakeError::Tls(_))));

    let strange = Relay::start(&b, "r1", &wide);
    let device = Device::new(&a.device("laptop", DAY), &narrow);
    assert_eq!(
        device.connect(&strange.target).await.unwrap_err(),
        ConnectError::Untrusted(Untrusted::Chain(ChainError::UnknownAuthority(b.domain.clone())))
    );
}

#[tokio::test]
async fn a_certificate_for_another_domain_is_refused() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let mut relay = Relay::start(&a, "r1", &trust(&[&a, &b], &[&a, &b], &clock));
    let name = dns("laptop.ana-ruiz.officer.a.example");
    let forged = RawClient::new(&b.forge(&[name]), Groups::Hybrid, b"enlace/1");
    assert_tls_refuses(&forged, &mut relay).await;
}

#[tokio::test]
async fn a_second_name_is_refused() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let mut relay = Relay::start(&a, "r1", &trust(&[&a], &[&a], &clock));
    let name = dns("laptop.ana-ruiz.officer.a.example");
    for second in [
        dns("phone.ana-ruiz.officer.a.example"),
        SanType::URI("https://b.example".try_into().unwrap()),
    ] {
        let forged = a.forge(&[name.clone(), second]);
        let client = RawClient::new(&forged, Groups::Hybrid, b"enlace/1");
        assert_tls_refuses(&client, &mut relay).await;
    }
}

#[tokio::test]
async fn an_expired_device_is_refused_and_told_so() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", HOUR), &all);
    clock.advance(2 * HOUR);
    assert_eq!(
        device.connect(&relay.target).await.unwrap_err(),
        ConnectError::Refused(Refused::Expired)
    );
    assert!(matches!(relay.accepted().await, Err(HandshakeError::Tls(_))));
}

#[tokio::test]
async fn clocks_that_disagree_are_told_from_expired_certificates() {
    let a = Authority::new("a.example");
    let (ours, theirs) = (TestClock::new(), TestClock::new());
    let relay = Relay::start(&a, "r1", &trust(&[&a], &[&a], &theirs));
    let device = Device::new(&a.device("laptop", HOUR), &trust(&[&a], &[&a], &ours));
    theirs.advance(2 * HOUR);
    assert_eq!(
        device.connect(&relay.target).await.unwrap_err(),
        ConnectError::Clock(ClockDoubt::OursHoldsHere)
    );
    ours.set(START.minus(2 * DAY));
    assert_eq!(
        device.connect(&relay.target).await.unwrap_err(),
        ConnectError::Clock(ClockDoubt::TheirsLiesAhead)
    );
}

#[tokio::test]
async fn a_device_that_a_list_revokes_is_refused() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let knowing = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &knowing);
    let credential = a.device("laptop", DAY);
    let device = Device::new(&credential, &trust(&[&a], &[&a], &clock));
    for list in a.lists(2, &[&credential]) {
        knowing.insert_crl(&list).unwrap();
    }
    assert_eq!(
        device.connect(&relay.target).await.unwrap_err(),
        ConnectError::Refused(Refused::Revoked)
    );
    assert_revoked(relay.accepted().await.unwrap_err());
}

#[tokio::test]
async fn a_relay_is_refused_by_a_list_that_its_own_hello_brought() {
    let a = Authority::new("a.example");
    let b = Authority::new("b.example");
    let clock = TestClock::new();
    let both = [&a, &b];
    let mut ours = Relay::start(&a, "r1", &trust(&both, &[&a], &clock));
    let credential = b.relay("r1");
    let theirs = trust(&both, &[&b], &clock);
    let revoked = Device::new(&credential, &theirs);
    for list in b.lists(2, &[&credential]) {
        theirs.insert_crl(&list).unwrap();
    }
    assert_eq!(
        revoked.connect(&ours.target).await.unwrap_err(),
        ConnectError::Refused(Refused::Revoked)
    );
    assert_revoked(ours.accepted().await.unwrap_err());
}

#[tokio::test]
async fn a_revoked_relay_is_not_even_greeted() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let credential = a.relay("r1");
    let expected = Expected::Relay(a.relay_name("r1"));
    let mut relay = Relay::start_as(&credential, expected, &trust(&[&a], &[&a], &clock));
    let knowing = trust(&[&a], &[&a], &clock);
    for list in a.lists(2, &[&credential]) {
        knowing.insert_crl(&list).unwrap();
    }
    let device = Device::new(&a.device("laptop", DAY), &knowing);
    let refused = device.connect(&relay.target).await.unwrap_err();
    let revoked = RevocationStatusError::Revoked(knowing_name(&a));
    assert_eq!(refused, ConnectError::Untrusted(Untrusted::Revocation(revoked)));
    let closed = relay.accepted().await.unwrap_err();
    assert_eq!(closed, HandshakeError::Lost(Lost::ByPeer(CloseCode::Revoked)));
}

#[tokio::test]
async fn without_a_current_list_nobody_passes() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let both = [&a, &b];
    let mut ours = Relay::start(&a, "r1", &trust(&both, &[&a], &clock));
    // It has no lists of its own to show, though it knows ours.
    let theirs = Device::new(&b.relay("r1"), &trust(&both, &[&a], &clock));
    assert_eq!(
        theirs.connect(&ours.target).await.unwrap_err(),
        ConnectError::Refused(Refused::StaleCrl)
    );
    let stale = RevocationStatusError::Stale(b.domain.clone());
    let expected = HelloError::Untrusted(Untrusted::Revocation(stale));
    assert_eq!(ours.accepted().await.unwrap_err(), HandshakeError::Hello(expected));
}

#[tokio::test]
async fn a_list_past_its_time_no_longer_vouches() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", 100 * DAY), &all);
    clock.advance(31 * DAY);
    let refused = device.connect(&relay.target).await.unwrap_err();
    assert_eq!(refused, ConnectError::Refused(Refused::StaleCrl));
}

#[tokio::test]
async fn another_network_is_told_by_its_bundle() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let mut relay = Relay::start(&a, "r1", &trust(&[&a, &b], &[&a], &clock));
    let device = Device::new(&a.device("laptop", DAY), &trust(&[&a], &[&a], &clock));
    assert_eq!(
        device.connect(&relay.target).await.unwrap_err(),
        ConnectError::Hello(HelloError::OtherNetwork)
    );
    assert_eq!(
        relay.accepted().await.unwrap_err(),
        HandshakeError::Hello(HelloError::OtherNetwork)
    );
}

#[tokio::test]
async fn versions_of_one_network_get_on() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let of_both = || trust(&[&a, &b], &[&a, &b], &clock);
    let (ahead, behind) = (of_both(), of_both());
    // Both know the very same first version.
    let next = next_bundle(&ahead, &[&a, &b], &[&b]);
    assert_eq!(ahead.take_bundle(&next), Ok(TakenBundle::InForce));
    for (relays, devices, version) in [(&ahead, &behind, 2), (&behind, &ahead, 1)] {
        let mut relay = Relay::start(&a, "r1", relays);
        let device = Device::new(&a.device("laptop", DAY), devices);
        let dialled = device.connect(&relay.target).await.unwrap();
        assert_eq!(dialled.hello.bundle_version, version);
        relay.accepted().await.unwrap();
    }
    // Another second version is of another network, whoever dials.
    let forked = of_both();
    forked.take_bundle(&next_bundle(&forked, &[&a, &b], &[&a, &b]).clone()).unwrap();
    assert_eq!(forked.bundle().hash(), ahead.bundle().hash());
    let forked = of_both();
    forked.take_bundle(&next_bundle(&forked, &[&a], &[&a])).unwrap();
    for (relays, devices) in [(&ahead, &forked), (&forked, &ahead)] {
        let relay = Relay::start(&a, "r1", relays);
        let device = Device::new(&a.device("laptop", DAY), devices);
        let refused = device.connect(&relay.target).await.unwrap_err();
        assert_eq!(refused, ConnectError::Hello(HelloError::OtherNetwork));
    }
}

#[tokio::test]
async fn a_live_connection_is_cut_when_a_list_revokes_it() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let knowing = trust(&[&a], &[&a], &clock);
    let relay = Relay::start(&a, "r1", &knowing);
    let (bad, good) = (a.device("laptop", DAY), a.device("phone", DAY));
    let others = trust(&[&a], &[&a], &clock);
    let bad_connection = Device::new(&bad, &others).connected(&relay.target).await;
    let good_connection = Device::new(&good, &others).connected(&relay.target).await;
    for list in a.lists(2, &[&bad]) {
        knowing.insert_crl(&list).unwrap();
    }
    assert_eq!(soon(bad_connection.closed()).await, Lost::ByPeer(CloseCode::Revoked));
    assert_eq!(good_connection.lost(), None);
}

#[tokio::test]
async fn a_live_connection_is_cut_when_its_certificate_expires() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let relay = Relay::start(&a, "r1", &trust(&[&a], &[&a], &clock));
    let still = TestClock::new();
    let credential = a.device("laptop", HOUR);
    let device = Device::new(&credential, &trust(&[&a], &[&a], &still));
    // The relay's guard will look again a tenth of a second from now.
    clock.advance(HOUR - std::time::Duration::from_millis(100));
    let connection = device.connected(&relay.target).await;
    clock.advance(HOUR);
    assert_eq!(soon(connection.closed()).await, Lost::ByPeer(CloseCode::Expired));
}

#[tokio::test]
async fn a_live_connection_is_cut_when_its_authority_leaves_the_bundle() {
    let (a, b) = (Authority::new("a.example"), Authority::new("b.example"));
    let clock = TestClock::new();
    let wide = trust(&[&a, &b], &[&a, &b], &clock);
    let relay = Relay::start(&a, "r1", &wide);
    let device = Device::new(&b.device("laptop", DAY), &trust(&[&a, &b], &[&a, &b], &clock));
    let connection = device.connected(&relay.target).await;
    let without = next_bundle(&wide, &[&a], &[&a]);
    assert_eq!(wide.take_bundle(&without), Ok(TakenBundle::InForce));
    assert_eq!(soon(connection.closed()).await, Lost::ByPeer(CloseCode::Untrusted));
}

#[tokio::test]
async fn only_the_hybrid_key_agreement_is_negotiated() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &all);
    let credential = a.device("laptop", DAY);
    let classic = RawClient::new(&credential, Groups::ClassicOnly, b"enlace/1");
    classic.connect(&relay.target).await.unwrap_err();
    assert!(matches!(relay.accepted().await, Err(HandshakeError::Tls(_))));
    // A client that prefers the classic one is brought over.
    for groups in [Groups::Hybrid, Groups::Both] {
        let client = RawClient::new(&credential, groups, b"enlace/1");
        client.greeted(&relay.target, &all).await;
        relay.accepted().await.unwrap();
    }
}

#[tokio::test]
async fn another_application_protocol_is_refused() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let mut relay = Relay::start(&a, "r1", &trust(&[&a], &[&a], &clock));
    let client = RawClient::new(&a.device("laptop", DAY), Groups::Hybrid, b"h3");
    client.connect(&relay.target).await.unwrap_err();
    assert!(matches!(relay.accepted().await, Err(HandshakeError::Tls(_))));
}

#[tokio::test]
async fn no_answer_on_udp_is_told_from_a_refusal() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", DAY), &all);
    // A socket that nobody reads.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent_address = silent.local_addr().unwrap();
    let mut target = relay.target.clone();
    target.addresses = vec![("127.0.0.1".to_owned(), silent_address.port())];
    let limit = std::time::Duration::from_millis(300);
    let attempt = device.endpoint.connect(&target, Default::default(), limit);
    let failed = soon(attempt).await.unwrap_err();
    assert_eq!(failed, ConnectError::NoAnswer { tried: vec![silent_address] });

    // The next address is tried.
    target.addresses.extend(relay.target.addresses.clone());
    let attempt = device.endpoint.connect(&target, Default::default(), PATIENCE / 15);
    soon(attempt).await.unwrap();

    target.addresses = vec![("no-such-host.invalid".to_owned(), 1)];
    let failed = device.connect(&target).await.unwrap_err();
    assert!(matches!(failed, ConnectError::NoAddress { .. }), "{failed:?}");
}

#[tokio::test]
async fn an_own_certificate_that_nobody_would_accept_is_noticed_at_home() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let (one, other) = (a.device("laptop", HOUR), a.device("phone", HOUR));
    let mixed = LocalIdentity::new(&all, &one.chain, other.key.clone()).unwrap_err();
    assert_eq!(mixed, LocalIdentityError::OtherKey);
    clock.advance(2 * HOUR);
    let expired = LocalIdentity::new(&all, &one.chain, one.key.clone()).unwrap_err();
    assert!(matches!(expired, LocalIdentityError::Chain(ChainError::LeafValidity { .. })));
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_from_then_on() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let mut relay = Relay::start(&a, "r1", &all);
    let device = Device::new(&a.device("laptop", HOUR), &all);
    drop(device.connected(&relay.target).await);
    relay.accepted().await.unwrap();
    let renewed = a.device("laptop", 10 * HOUR);
    device.endpoint.replace_identity(renewed.identity(&all)).unwrap();
    clock.advance(2 * HOUR);
    let _connection = device.connected(&relay.target).await;
    assert_eq!(relay.accepted().await.unwrap().peer().serial(), &renewed.serial);
}

#[tokio::test]
async fn a_socket_serves_both_families() {
    let a = Authority::new("a.example");
    let clock = TestClock::new();
    let all = trust(&[&a], &[&a], &clock);
    let relay = Relay::start(&a, "r1", &all);
    let identity = a.device("laptop", DAY).identity(&all);
    let endpoint = Endpoint::dial_only(identity, all).unwrap();
    let attempt = endpoint.connect(&relay.target, Default::default(), PATIENCE / 2);
    soon(attempt).await.unwrap();
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn knowing_name(a: &Authority) -> enlace_identity::names::LeafName {
    enlace_identity::names::LeafName::Service(a.relay_name("r1"))
}

fn assert_revoked(error: HandshakeError) {
    assert!(
        matches!(
            error,
            HandshakeError::Hello(HelloError::Untrusted(Untrusted::Revocation(
                RevocationStatusError::Revoked(_)
            )))
        ),
        "{error:?}"
    );
}

/// In TLS 1.3 the client may believe for a moment that it is through.
async fn assert_tls_refuses(client: &RawClient, relay: &mut Relay) {
    if let Ok(connection) = client.connect(&relay.target).await {
        let closed = soon(connection.closed()).await;
        assert!(matches!(closed, quinn::ConnectionError::ConnectionClosed(_)), "{closed:?}");
    }
    let refused = relay.accepted().await;
    assert!(matches!(refused, Err(HandshakeError::Tls(_))), "{refused:?}");
}

//! An authority in two networks: a relay, a root and profiles of its own for each. Nothing that
//! belongs to one is ever at a relay or a device of the other.

use std::fs;

use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_identity::names::ServiceKind;
use enlace_log::ChannelId;
use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, FetchBundleRequest, FetchContactsRequest, FetchDirectoryRequest,
    FetchHeadCertificateRequest, FetchRangeRequest, LeasePurpose, LeaseRequest,
    PublishBundleRequest, PublishCrlsRequest,
};
use enlace_tests::rogue::identity;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Network, Officer, START, Wire, call, wire_id};
use enlace_transport::connect::Refused;
use enlace_transport::{ConnectError, Connection, LocalIdentity};

use crate::traces::{files, found, holds, pages};

/// Ana, and another officer of A; an officer of another authority, who leads there; and A's
/// colleague who is in no channel. In both networks the same people of A, each with a profile for
/// each network.
async fn case(other: &str, title: &str, lead: &str, idle: &str) -> Case {
    let network = Network::new(&["a.example", other]);
    let mut case = Case::opened_in(network, title).await;
    case.join_in(0, "ben").await;
    case.join_in(1, lead).await;
    case.join_in(0, idle).await;
    case.admit(ANA, BEN, Role::Member).await;
    case.admit(ANA, CID, Role::Lead).await;
    let note = case.officers[ANA].post(case.channel, title);
    case.officers[ANA].accepted(note).await;
    case.officers[CID].reads(case.channel, title).await;
    case
}

/// What tells one network from another, wherever it stands.
fn traces(case: &Case, title: &str, lead: &str, idle: &str) -> Vec<(String, Vec<u8>)> {
    let network = &case.network;
    let (a, other) = (&network.authorities[0], &network.authorities[1]);
    let mut traces = vec![
        ("the channel's title".to_owned(), title.as_bytes().to_vec()),
        ("the lead's name".to_owned(), lead.as_bytes().to_vec()),
        ("an officer's name".to_owned(), idle.as_bytes().to_vec()),
        ("the other authority".to_owned(), other.domain.as_str().as_bytes().to_vec()),
        ("the channel's id".to_owned(), case.channel.0.to_vec()),
        ("the channel's id in hexadecimal".to_owned(), hex::encode(case.channel.0).into_bytes()),
        ("the bundle".to_owned(), network.signed.encode()),
        ("the bundle's hash".to_owned(), network.signed.hash().to_string().into_bytes()),
    ];
    for authority in [a, other] {
        let domain = &authority.domain;
        let root = authority.root.certificate().as_bytes().to_vec();
        traces.push((format!("the root of {domain}"), root));
        let lists = authority.lists(1, &[]);
        traces.extend(lists.into_iter().map(|list| (format!("a list of {domain}"), list)));
    }
    for place in &case.places {
        let address = [b"127.0.0.1", &u64::from(place.port).to_be_bytes()[..]].concat();
        traces.push((format!("the address of {}", place.authority(network).domain), address));
        traces.push(("a head key".to_owned(), place.head.chain.leaf().as_bytes().to_vec()));
    }
    for officer in &case.officers {
        let leaf = officer.client().certificate().unwrap().leaf_der().as_bytes().to_vec();
        traces.push((format!("the certificate of {}", officer.address()), leaf));
    }
    traces
}

/// All that a network's relays and devices keep on disk.
fn kept(case: &Case) -> Vec<Vec<u8>> {
    let relays = case.places.iter().map(|place| place.directory().to_owned());
    let profiles = case.officers.iter().map(Officer::profile_dir);
    let directories = relays.chain(profiles).flat_map(|directory| files(&directory));
    let mut kept: Vec<_> = directories.map(|file| fs::read(file).unwrap()).collect();
    kept.extend(case.officers.iter().map(|officer| pages(&officer.profile_dir())));
    kept
}

async fn stop(case: &mut Case) {
    for officer in &mut case.officers {
        officer.go_offline().await;
    }
    for authority in [0, 1] {
        case.stop_relay(authority).await;
    }
}

/// Somebody of one network, who has found out all about the other, wants to be let in there.
async fn assert_turned_away(who: LocalIdentity, there: &Case) {
    let name = who.leaf().name().clone();
    for authority in [0, 1] {
        let trust = there.network.trust(&there.network.authorities[authority]);
        let refused = Wire::new(who.clone(), trust).dial(&there.target(authority)).await;
        let refused = refused.map(|dialled| dialled.hello.bundle_version).unwrap_err();
        assert_eq!(refused, ConnectError::Refused(Refused::Unknown), "{name}");
    }
}

/// What a relay says to whoever asks for a channel, with and without a change in mind.
async fn answers(at: &Connection, channel: ChannelId, hub: &str) -> (String, String) {
    let range = FetchRangeRequest {
        channel: Some(wire_id(channel)),
        from_seq: 0,
        max_items: 10,
        hub: hub.to_owned(),
    };
    let lease = LeaseRequest {
        channel: Some(wire_id(channel)),
        purpose: LeasePurpose::Removal.into(),
        ..LeaseRequest::default()
    };
    let range = call(at, &range).await.map(|answer| answer.items.len());
    let lease = call(at, &lease).await.map(|answer| answer.fence);
    (format!("{:?}", range.unwrap_err()), format!("{:?}", lease.unwrap_err()))
}

/// Somebody of the network `here` asks a relay of it for what belongs to `there`, and brings it.
async fn assert_learns_nothing(at: &Connection, here: &Case, there: &Case) {
    let unknown = ChannelId([7; 32]);
    for hub in there.network.authorities.iter().map(|authority| authority.domain.as_str()) {
        let asked = answers(at, there.channel, hub).await;
        assert_eq!(asked, answers(at, unknown, hub).await, "as of a channel that does not exist");
    }
    let head = there.places[0].head.chain.leaf().fingerprint();
    let request = FetchHeadCertificateRequest { signer: head.as_bytes().to_vec() };
    assert!(call(at, &request).await.unwrap().certificates.is_empty());

    let foreign = PublishBundleRequest { bundle: there.network.signed.encode() };
    call(at, &foreign).await.unwrap_err();
    let newest = call(at, &FetchBundleRequest { version: 1 }).await.unwrap();
    assert_eq!((newest.bundle, newest.newest), (here.network.signed.encode(), 1));

    // A's own lists of the other network are nobody's here: another root signs for it.
    let mut brought = Vec::new();
    for authority in &there.network.authorities {
        brought.extend(authority.lists(9, &[]));
        let all = [format!("ana@{}", authority.domain)];
        brought.push(authority.suspensions(9, *START, &all.each_ref().map(String::as_str)));
    }
    for list in brought {
        let _ = call(at, &PublishCrlsRequest { crls: vec![list] }).await;
    }
    let directory = call(at, &FetchDirectoryRequest {}).await.unwrap();
    let served = [directory.bundle].into_iter();
    let served = served.chain(directory.endpoint_records).chain(directory.crls);
    let served: Vec<u8> = served.flatten().collect();
    for (what, trace) in traces(there, "–", "–", "–") {
        assert!(!holds(&served, &trace), "the directory shows {what}");
    }

    let of_there = there.officers.iter().map(|officer| officer.address().to_string());
    let strangers = of_there.filter(|address| {
        !here.officers.iter().any(|officer| officer.address().to_string() == *address)
    });
    for officer in strangers {
        let suite = Suite::PostQuantum.code().into();
        let claim = ClaimKeyPackagesRequest { suite, officers: vec![officer], devices: vec![] };
        let claimed = call(at, &claim).await.map(|answer| answer.key_packages.len());
        assert!(claimed.as_ref().map_or(true, |claimed| *claimed == 0), "{claimed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_network_is_in_the_other() {
    let words = [
        ["b.example", "Operation Lighthouse", "cidonia", "faustina"],
        ["c.example", "Operation Harbour", "gumersinda", "leocadia"],
    ];
    let [one, two] = words.map(|[other, title, lead, idle]| case(other, title, lead, idle));
    let (mut one, mut two) = tokio::join!(one, two);

    for (here, there) in [(&one, &two), (&two, &one)] {
        for who in [ANA, CID] {
            assert_turned_away(identity(&here.network, &here.officers[who]).await, there).await;
        }
        for authority in &here.network.authorities {
            let relay = authority.service("r1", ServiceKind::Relay);
            assert_turned_away(relay.identity(&here.network.trust(authority)), there).await;
        }
        for who in [ANA, CID] {
            let authority = usize::from(who == CID);
            let wire = Wire::new(
                identity(&here.network, &here.officers[who]).await,
                here.network.trust(&here.network.authorities[authority]),
            );
            for at in [0, 1] {
                let connection = wire.connect(&here.target(at)).await;
                assert_learns_nothing(&connection, here, there).await;
            }
        }
        let ana = identity(&here.network, &here.officers[ANA]).await;
        let wire = Wire::new(ana, here.network.trust(&here.network.authorities[0]));
        let at_home = wire.connect(&here.target(0)).await;
        let suite = Suite::PostQuantum.code().into();
        let contacts = FetchContactsRequest { suite, ..FetchContactsRequest::default() };
        let contacts = call(&at_home, &contacts).await.unwrap().officers;
        let idle = there.officers[DORA].address().to_string();
        assert!(!contacts.is_empty() && !contacts.contains(&idle), "{contacts:?}");
        here.assert_same_state(&[ANA, BEN, CID]).await;
    }

    stop(&mut one).await;
    stop(&mut two).await;
    for (here, there, [_, title, lead, idle]) in [(&one, &two, words[1]), (&two, &one, words[0])] {
        let (names, all): (Vec<_>, Vec<_>) = traces(there, title, lead, idle).into_iter().unzip();
        let in_their_own = found(&kept(there), &all);
        for (name, is_there) in names.iter().zip(in_their_own) {
            assert!(is_there, "looked for in a form that nobody keeps: {name}");
        }
        for (name, has_leaked) in names.iter().zip(found(&kept(here), &all)) {
            assert!(!has_leaked, "{name}");
        }
    }
}

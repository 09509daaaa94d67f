//! Canonical byte strings: what is hashed or signed.

use enlace_channel::entry::{HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_channel::policy::NewCase;
use enlace_log::control::{Contest, LeafHash, Leave};
use enlace_log::membership::Event;
use enlace_log::{ClientId, Generation, HubStatement, Incarnation, Seq, TakeOver};
use enlace_proto::relay::v1::HeadCertificate;
use prost::Message as _;

use super::Seed;
use crate::scene::{Log, NOW, network};

pub(super) fn seeds() -> Vec<Seed> {
    let log = Log::shared();
    let envelopes = log.items.iter().enumerate().map(|(at, item)| {
        let bytes = item.sealed.envelope_bytes().to_vec();
        Seed::new("items", format!("envelope-{at}"), bytes)
    });
    let heads = [
        Seed::new("heads", "bare", log.heads[3].head().encode()),
        Seed::new("heads", "quoted", log.heads[3].quoted().encode()),
    ];
    let rest = [controls(), events(), entries(), policies(), documents(), certificates()].concat();
    envelopes.chain(heads).chain(rest).collect()
}

fn controls() -> Vec<Seed> {
    let channel = Log::channel();
    let leave = Leave {
        channel,
        generation: Generation(0),
        device: network().a.device("ben").name,
        leaf: LeafHash([5; 32]),
    };
    let contest = Contest { channel, generation: Generation(0), commit: Seq(2) };
    let statement = HubStatement {
        incarnation: Incarnation(2),
        held: Some(Seq(2)),
        lost: Some(Log::shared().heads[3].quoted()),
        unheard: vec![network().a.domain.clone(), network().b.domain.clone()],
        signer: network().a.head_signer(),
        taken_over: None,
    };
    let votes =
        [network().a.device("ben"), network().b.device("cid")].map(|device| Log::vote(&device));
    let hub = network().b.domain.clone();
    let taken_over = HubStatement {
        taken_over: Some(TakeOver { hub, votes: votes.to_vec() }),
        ..statement.clone()
    };
    vec![
        Seed::new("controls", "statement", statement.encode()),
        Seed::new("controls", "take-over", taken_over.encode()),
        Seed::new("controls", "vote", votes[0].unverified_vote().encode()),
        Seed::new("controls", "signed-vote", votes[0].encode()),
        Seed::new("controls", "leave", leave.encode()),
        Seed::new("controls", "contest", contest.encode()),
    ]
}

fn events() -> Vec<Seed> {
    let device = |officer: &str| network().a.device(officer).name;
    let change = Log::shared().items[2].sealed.list_change().cloned().unwrap_or_default();
    let all = [
        Event::Anchor {
            seq: Seq(2),
            author: device("ana"),
            generation: Generation(0),
            list: [device("ana")].into_iter().collect(),
        },
        Event::Commit {
            seq: Seq(2),
            author: device("ana"),
            parent: Some(Seq(0)),
            succeeds: true,
            change,
            final_drops: [device("ben")].into(),
        },
        Event::Leave { device: device("ben") },
        Event::Contest { seq: Seq(5), device: device("ben"), commit: Seq(2) },
        Event::Confirmation { seq: Seq(3), commit: Seq(2) },
    ];
    let all = all.iter().enumerate();
    all.map(|(at, event)| Seed::new("list_changes", format!("event-{at}"), event.encode()))
        .collect()
}

/// A note of Ana's.
///
/// # Panics
/// Never: the draft is good.
#[must_use]
pub fn genuine_entry() -> SignedEntry {
    let ana = network().a.device("ana");
    let mut salt = 0;
    let salts = || {
        salt += 1;
        Salt::from_bytes([salt; Salt::BYTES])
    };
    let draft = NoteDraft {
        channel: Log::channel(),
        generation: Generation(0),
        author: &ana.name,
        client_id: ClientId([3; 16]),
        local_time: NOW,
        time_zone: "America/Bogota".parse::<TimeZone>().unwrap(),
        handling: HandlingCode::H3,
        restriction: Some("solo para el caso"),
        parent: None,
        known_head: Some(Log::shared().heads[3].quoted()),
        text: "primera línea\nsegunda",
    };
    draft.sign(&ana.key, salts).unwrap()
}

fn entries() -> Vec<Seed> {
    let note = genuine_entry();
    let without = note.clone().without_part(1).to_plaintext();
    vec![
        Seed::new("entries", "plaintext", note.to_plaintext()),
        Seed::new("entries", "withdrawn", without),
        Seed::new("entries", "header", note.header_bytes().to_vec()),
        Seed::tagged("entries", "signed-again", 0, &note.encode()),
    ]
}

fn policies() -> Vec<Seed> {
    let case = NewCase {
        channel: Log::channel(),
        owner: network().a.device("ana").name.officer().clone(),
        title: "Operación Faro".into(),
        case_reference: Some("DP 123/2026".into()),
        legal_basis: "art. 18 UNTOC".into(),
        default_handling: HandlingCode::H1,
        hub: network().a.domain.clone(),
        bundle_hash: network().bundle.hash(),
    };
    let policy = case.into_policy().unwrap();
    let lead = enlace_channel::policy::Role::Lead;
    let cid = network().b.device("cid").name;
    let two = policy.edit().unwrap().role(cid.officer(), lead);
    let two = two.retention(&network().b.domain, Some(400)).finish().unwrap();
    vec![
        Seed::new("policies", "new", policy.encode()),
        Seed::new("policies", "two-authorities", two.encode()),
    ]
}

fn documents() -> Vec<Seed> {
    let network = network();
    let content = network.signed.unverified_content().unwrap().encode();
    let record = network.a.endpoint_record().encode();
    vec![
        Seed::new("bundles", "signed", network.signed.encode()),
        Seed::tagged("bundles", "content", 1, &content),
        Seed::new("endpoints", "signed", network.a.signed_endpoint_record().encode()),
        Seed::tagged("endpoints", "record", 1, &record),
        Seed::new("suspensions", "signed", network.a.signed_suspensions().encode()),
        Seed::tagged("suspensions", "statement", 1, &network.a.suspensions().encode()),
    ]
}

fn certificates() -> Vec<Seed> {
    let network = network();
    let message = |chain: &enlace_identity::certificate::UnverifiedChain| {
        HeadCertificate { certificates: chain.ders() }.encode_to_vec()
    };
    let mut seeds = Vec::new();
    for (leaf, name) in
        [("laptop.ana.officer", "device"), ("r1.relay", "relay"), ("h1.head", "head")]
    {
        let chain = network.a.leaf(leaf);
        for mode in 0..3 {
            seeds.push(Seed::tagged(
                "certificates",
                format!("{name}-{mode}"),
                mode,
                &message(&chain),
            ));
        }
    }
    let pem = network.b.leaf("e1.endpoint").to_pem();
    seeds.push(Seed::tagged("certificates", "pem", 0, pem.as_bytes()));
    let request = network.a.request();
    seeds.push(Seed::new("certificate_requests", "der", request.der().to_vec()));
    seeds.push(Seed::new("certificate_requests", "pem", request.to_pem().into_bytes()));
    seeds.push(Seed::tagged("certificate_requests", "signed-again", 0, request.der()));
    let [root, issuing] = network.a.crls();
    seeds.push(Seed::tagged("crls", "root-again", 0, &root));
    seeds.push(Seed::tagged("crls", "issuing-again", 1, &issuing));
    seeds.push(Seed::new("crls", "root", root));
    let list = enlace_identity::revocation::RevocationList::from_bytes(&issuing).unwrap();
    seeds.push(Seed::new("crls", "pem", list.to_pem().into_bytes()));
    seeds.push(Seed::new("crls", "issuing", issuing));
    seeds
}

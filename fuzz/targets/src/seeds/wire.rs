//! Messages of the wire: every request, response, event and control.

use enlace_log::Item;
use enlace_proto::frame;
use enlace_proto::method::Method;
use enlace_proto::relay::v1::{
    self as wire, SubscriptionControl, SubscriptionEvent, subscription_control::Control,
    subscription_event::Event,
};
use prost::Message;

use super::Seed;
use crate::decoders::{frames, key_packages, requests, responses, turned};
use crate::scene::{Log, network};

pub(super) fn seeds() -> Vec<Seed> {
    let number = |method: Method| u8::try_from(method.number()).expect("there are few methods");
    let name = |method: Method| format!("{method:?}").to_lowercase();
    let requests = Method::ALL.iter().flat_map(|method| {
        let bodies = request(*method);
        bodies.into_iter().enumerate().flat_map(move |(at, body)| {
            let tagged =
                Seed::tagged("requests", format!("{}-{at}", name(*method)), number(*method), &body);
            [tagged, framed(&format!("request-{}-{at}", name(*method)), 0, method.number(), &body)]
        })
    });
    let responses = Method::ALL.iter().flat_map(|method| {
        let body = response(*method);
        let tagged = Seed::tagged("responses", name(*method), number(*method), &body);
        let tag = frames::RESPONSE + number(*method);
        [tagged, framed(&format!("response-{}", name(*method)), tag, frame::OK, &body)]
    });
    let error = wire::Error { code: 6, message: "stale".into(), fence: 4, ..Default::default() };
    let error = Seed::tagged("responses", "error", u8::MAX, &error.encode_to_vec());
    requests
        .chain(signed_again())
        .chain(responses)
        .chain([error])
        .chain(subscriptions())
        .chain(of_items())
        .collect()
}

/// What is signed again after it was altered.
fn signed_again() -> Vec<Seed> {
    let seed = |method: Method, name: String, message: &dyn ErasedMessage| {
        let number = u8::try_from(method.number()).expect("there are few methods");
        Seed::tagged("requests", name, number + requests::SIGNED_AGAIN, &message.bytes())
    };
    let log = Log::shared();
    let first = Some(log.requests[0].clone());
    let create = wire::CreateChannelRequest { first, nonce: Log::NONCE.0.to_vec() };
    let deliver = wire::DeliverWelcomeRequest { welcome: Some(log.delivery()) };
    let mut seeds = vec![
        seed(Method::CreateChannel, "createchannel-again".into(), &create),
        seed(Method::DeliverWelcome, "deliverwelcome-again".into(), &deliver),
    ];
    for (at, draft) in turned::drafts().iter().enumerate() {
        seeds.push(seed(Method::Submit, format!("submit-again-{at}"), &draft.request()));
    }
    for (at, to) in [4, 5].into_iter().enumerate() {
        let range = log.range(3, to).encode_to_vec();
        let name = format!("fetchrange-again-{at}");
        seeds.push(Seed::tagged("responses", name, responses::SIGNED_AGAIN, &range));
    }
    seeds
}

/// A frame with its place, cut into small pieces.
fn framed(name: &str, place: u8, kind: u16, body: &[u8]) -> Seed {
    let body = &body[..body.len().min(600)];
    let length = u32::try_from(body.len()).expect("a short body");
    let frame = [&[place, 6], &kind.to_be_bytes()[..], &length.to_be_bytes(), body].concat();
    Seed::new("frames", name, frame)
}

fn channel() -> Option<wire::ChannelId> {
    Some(Log::channel().to_wire())
}

fn known_heads() -> Vec<wire::KnownHead> {
    let head = Log::shared().heads[3].to_wire();
    vec![wire::KnownHead { channel: channel(), head: Some(head) }]
}

fn votes() -> wire::HubVotes {
    let votes = [network().a.device("ben"), network().b.device("cid")];
    let votes = votes.map(|device| Log::vote(&device).encode());
    wire::HubVotes { channel: channel(), votes: votes.into() }
}

fn cursor() -> wire::Cursor {
    wire::Cursor { channel: channel(), next_seq: 3, hub: "a.example".into(), incarnation: 0 }
}

fn request(method: Method) -> Vec<Vec<u8>> {
    let network = network();
    let log = Log::shared();
    let device = "laptop.ana.officer.a.example".to_owned();
    let one = |message: &dyn ErasedMessage| vec![message.bytes()];
    match method {
        Method::Hello => one(&wire::HelloRequest {
            versions: vec![1],
            bundle_hash: network.bundle.hash().as_bytes().to_vec(),
            crls: network.a.crls().into(),
            known_heads: known_heads(),
            software: "enlace 0.1.0".into(),
            former_bundles: vec![vec![7; 32]],
        }),
        Method::PublishKeyPackages => one(&wire::PublishKeyPackagesRequest {
            suite: 0x4d,
            key_packages: vec![vec![1; 40], vec![2; 40]],
            last_resort: vec![3; 40],
            replace: true,
        }),
        Method::ClaimKeyPackages => one(&wire::ClaimKeyPackagesRequest {
            suite: 0x4d,
            devices: vec![device],
            officers: vec!["cid@b.example".into()],
        }),
        Method::CreateChannel => one(&wire::CreateChannelRequest {
            first: Some(log.requests[0].clone()),
            nonce: Log::NONCE.0.to_vec(),
        }),
        Method::Lease => one(&wire::LeaseRequest {
            channel: channel(),
            device,
            purpose: 1,
            revoked: "laptop.cid.officer.b.example".into(),
            certificates: network.b.device("cid").chain.ders(),
        }),
        Method::Submit => log.requests.iter().map(Message::encode_to_vec).collect(),
        Method::Subscribe => {
            one(&wire::SubscribeRequest { cursors: vec![cursor()], devices: vec![device] })
        }
        Method::FetchRange => one(&wire::FetchRangeRequest {
            channel: channel(),
            from_seq: 2,
            max_items: 9,
            hub: "a.example".into(),
        }),
        Method::FetchDirectory => one(&wire::FetchDirectoryRequest {}),
        Method::DeliverWelcome => {
            one(&wire::DeliverWelcomeRequest { welcome: Some(log.delivery()) })
        }
        Method::PublishCrls => one(&wire::PublishCrlsRequest { crls: network.crls.clone() }),
        Method::SubmitStream => one(&wire::SubmitStreamRequest {}),
        Method::FetchHeadCertificate => {
            one(&wire::FetchHeadCertificateRequest { signer: network.a.head_signer().0.to_vec() })
        }
        Method::Refill => {
            [(0, 2), (0, 3)].map(|(from, to)| log.refill(from, to).encode_to_vec()).into()
        }
        Method::ExchangeHeads => one(&wire::ExchangeHeadsRequest { known_heads: known_heads() }),
        Method::RequestWelcome => one(&wire::RequestWelcomeRequest { channel: channel() }),
        Method::PublishHubVotes => one(&wire::PublishHubVotesRequest { votes: Some(votes()) }),
        Method::ConfirmErasure => {
            one(&wire::ConfirmErasureRequest { channel: channel(), tombstone: 9 })
        }
        Method::FetchErasureConfirmation => one(&wire::FetchErasureConfirmationRequest {
            channel: channel(),
            tombstone: 9,
            authority: "fge.example".to_owned(),
        }),
        Method::FetchContacts => {
            one(&wire::FetchContactsRequest { suite: 3, after: "ana@fge.example".to_owned() })
        }
        Method::RenewCertificate => {
            one(&wire::RenewCertificateRequest { request: network.a.request().der().to_vec() })
        }
        Method::ReceiveHistory => {
            let request = network.a.signed_history_request();
            let receipt = network.a.signed_history_receipt();
            one(&wire::ReceiveHistoryRequest { request, taken: 7, done: true, receipt })
        }
        Method::SendHistory => one(&wire::SendHistoryRequest {
            device: "pc.ana.officer.fge.example".to_owned(),
            from: 7,
            portion: vec![1, 2, 3],
            anew: true,
        }),
        Method::Enroll => {
            let (invitation, request) = (network.a.invitation(), network.a.request());
            let proof = invitation.prove(&requests::BINDING, Some(&request)).as_bytes().to_vec();
            let invitation = invitation.id().as_bytes().to_vec();
            one(&wire::EnrollRequest { invitation, proof, request: request.der().to_vec() })
        }
        Method::FetchEnrolment => {
            let invitation = network.a.invitation();
            let proof = invitation.prove(&requests::BINDING, None).as_bytes().to_vec();
            let (id, bundle_hash) = (invitation.id(), invitation.bundle_hash.as_bytes().to_vec());
            let invitation = id.as_bytes().to_vec();
            one(&wire::FetchEnrolmentRequest { invitation, proof, bundle_hash })
        }
        Method::FetchBundle => one(&wire::FetchBundleRequest { version: 2 }),
        Method::PublishBundle => {
            one(&wire::PublishBundleRequest { bundle: network.signed.encode() })
        }
    }
}

fn response(method: Method) -> Vec<u8> {
    let network = network();
    let log = Log::shared();
    let submitted = wire::SubmitResponse {
        seq: 3,
        received_at_ms: 1_800_000_003_000,
        head: Some(log.heads[3].to_wire()),
    };
    match method {
        Method::Hello => wire::HelloResponse {
            version: 1,
            submit_counter: 7,
            time_ms: 1_800_000_000_000,
            crls: network.a.crls().into(),
            endpoint_record: network.a.signed_endpoint_record().encode(),
            known_heads: known_heads(),
            bundle_hash: network.bundle.hash().as_bytes().to_vec(),
            bundle_version: 1,
        }
        .encode_to_vec(),
        Method::PublishKeyPackages => {
            wire::PublishKeyPackagesResponse { available: 100 }.encode_to_vec()
        }
        Method::ClaimKeyPackages => {
            let package = wire::ClaimedKeyPackage {
                device: "laptop.ana.officer.a.example".into(),
                key_package: key_packages::genuine().to_vec(),
                last_resort: true,
            };
            wire::ClaimKeyPackagesResponse { key_packages: vec![package] }.encode_to_vec()
        }
        Method::CreateChannel => {
            wire::CreateChannelResponse { first: Some(submitted) }.encode_to_vec()
        }
        Method::Lease => wire::LeaseResponse { expires_in_ms: 10_000, fence: 2 }.encode_to_vec(),
        Method::Submit => submitted.encode_to_vec(),
        Method::Subscribe => events().swap_remove(0).encode_to_vec(),
        Method::FetchRange => log.range(1, 4).encode_to_vec(),
        Method::FetchDirectory => wire::FetchDirectoryResponse {
            bundle: network.signed.encode(),
            endpoint_records: vec![network.b.signed_endpoint_record().encode()],
            crls: network.crls.clone(),
        }
        .encode_to_vec(),
        Method::DeliverWelcome => wire::DeliverWelcomeResponse {}.encode_to_vec(),
        Method::PublishCrls => wire::PublishCrlsResponse {}.encode_to_vec(),
        Method::SubmitStream => {
            let accepted = wire::AcceptedItems {
                first_index: 0,
                seqs: vec![3, 4],
                received_at_ms: 1_800_000_003_000,
                head: Some(log.heads[4].to_wire()),
            };
            let error = wire::Error { code: 6, fence: 4, ..wire::Error::default() };
            let refused = wire::RefusedItem { index: 2, error: Some(error) };
            wire::SubmitAnswers { accepted: vec![accepted], refused: vec![refused] }.encode_to_vec()
        }
        Method::FetchHeadCertificate => {
            wire::FetchHeadCertificateResponse { certificates: network.a.head_chain().ders() }
                .encode_to_vec()
        }
        Method::Refill => {
            let head = Some(Log::shared().heads[0].to_wire());
            wire::RefillResponse { next_seq: 3, superseded: true, head }.encode_to_vec()
        }
        Method::ExchangeHeads => {
            wire::ExchangeHeadsResponse { known_heads: known_heads() }.encode_to_vec()
        }
        Method::RequestWelcome => wire::RequestWelcomeResponse {}.encode_to_vec(),
        Method::PublishHubVotes => wire::PublishHubVotesResponse {}.encode_to_vec(),
        Method::ConfirmErasure => {
            wire::ConfirmErasureResponse { confirmation: vec![7; 40] }.encode_to_vec()
        }
        Method::FetchErasureConfirmation => {
            wire::FetchErasureConfirmationResponse { confirmation: vec![7; 40] }.encode_to_vec()
        }
        Method::FetchBundle => {
            wire::FetchBundleResponse { bundle: network.signed.encode(), newest: 1 }.encode_to_vec()
        }
        Method::PublishBundle => wire::PublishBundleResponse { newest: 2 }.encode_to_vec(),
        Method::FetchContacts => {
            wire::FetchContactsResponse { officers: vec!["ana@fge.example".to_owned()], more: true }
                .encode_to_vec()
        }
        Method::Enroll => {
            wire::EnrollResponse { certificates: vec![vec![48, 0], vec![48, 0]] }.encode_to_vec()
        }
        Method::FetchEnrolment => wire::FetchEnrolmentResponse {
            bundle: network.signed.encode(),
            endpoint_record: network.a.signed_endpoint_record().encode(),
            crls: vec![vec![48, 0]],
        }
        .encode_to_vec(),
        Method::RenewCertificate => {
            wire::RenewCertificateResponse { certificates: vec![vec![48, 0], vec![48, 0]] }
                .encode_to_vec()
        }
        Method::ReceiveHistory => {
            wire::ReceiveHistoryResponse { portion: vec![1, 2, 3], anew: true }.encode_to_vec()
        }
        Method::SendHistory => {
            let request = network.a.signed_history_request();
            let receipt = network.a.signed_history_receipt();
            wire::SendHistoryResponse { request, taken: 7, receipt, held: 3 }.encode_to_vec()
        }
    }
}

fn events() -> Vec<SubscriptionEvent> {
    let network = network();
    let log = Log::shared();
    let range = log.range(2, 5);
    let items = wire::Items { channel: channel(), items: range.items, head: range.head };
    let certificates = network.a.head_chain().ders();
    let all = [
        Event::Items(items),
        Event::Welcome(log.delivery()),
        Event::HeadCertificate(wire::HeadCertificate { certificates }),
        Event::Ended(wire::ChannelEnded { channel: channel(), last_seq: 4 }),
        Event::Crls(wire::Crls { crls: network.crls.clone() }),
        Event::Behind(wire::Behind { channel: channel(), next_seq: 3 }),
        Event::Bundle(network.signed.encode()),
        Event::HubVotes(votes()),
    ];
    all.map(|event| SubscriptionEvent { event: Some(event) }).into()
}

fn controls() -> Vec<SubscriptionControl> {
    let all = [
        Control::Follow(cursor()),
        Control::Acknowledge(wire::Acknowledge { channel: channel(), seq: 4 }),
        Control::Welcome(wire::AcknowledgeWelcome { channel: channel(), seq: 2 }),
        Control::Unfollow(channel().expect("it is there")),
    ];
    all.map(|control| SubscriptionControl { control: Some(control) }).into()
}

fn subscriptions() -> Vec<Seed> {
    let events = events().into_iter().enumerate().map(|(at, event)| {
        Seed::tagged("subscriptions", format!("event-{at}"), 0, &event.encode_to_vec())
    });
    let controls = controls().into_iter().enumerate().map(|(at, control)| {
        Seed::tagged("subscriptions", format!("control-{at}"), 1, &control.encode_to_vec())
    });
    events.chain(controls).chain(streams()).collect()
}

/// Frames of the long-lived streams.
fn streams() -> [Seed; 4] {
    let control = self::controls()[0].encode_to_vec();
    let event = self::events()[3].encode_to_vec();
    let entry = Log::shared().requests[1].encode_to_vec();
    [
        framed("control", 1, frame::CONTROL, &control),
        framed("event", 2, frame::EVENT, &event),
        framed("submission", 3, frame::SUBMISSION, &entry),
        framed("answers", 4, frame::ANSWERS, &response(Method::SubmitStream)),
    ]
}

fn of_items() -> Vec<Seed> {
    let log = Log::shared();
    let items = log.items.iter().map(Item::to_wire).enumerate();
    let items =
        items.map(|(at, item)| Seed::new("items", format!("item-{at}"), item.encode_to_vec()));
    let head = Seed::new("heads", "signed", log.heads[2].to_wire().encode_to_vec());
    let changes = log.requests.iter().filter_map(|request| request.list_change.as_ref());
    let changes = changes.enumerate().map(|(at, change)| {
        Seed::new("list_changes", format!("change-{at}"), change.encode_to_vec())
    });
    let range = Seed::new("forks", "range", log.range(1, 4).encode_to_vec());
    items.chain([head, range]).chain(changes).collect()
}

/// A message, whatever its type.
trait ErasedMessage {
    fn bytes(&self) -> Vec<u8>;
}

impl<M: Message> ErasedMessage for M {
    fn bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

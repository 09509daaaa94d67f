//! What a client, or a relay that asks another one, reads of each answer.
//!
//! Input: the method's number, then the response; behind 255, an `Error`; behind [`SIGNED_AGAIN`], a
//! range of a log that its hub signs, whatever it is.

use enlace_channel::mls::{Suite, validate_key_package};
use enlace_channel::transfer::SignedTransferHeader;
use enlace_identity::bundle::SignedBundle;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::LeafUsage;
use enlace_identity::endpoint::SignedEndpointRecord;
use enlace_identity::names::OfficerAddress;
use enlace_log::replica::Added;
use enlace_log::{ChainHash, Incarnation, Replica, Seq, SignedConfirmation};
use enlace_proto::method::Method;
use enlace_proto::relay::v1 as wire;
use prost::Message as _;

use super::{heads, items, requests, subscriptions, turned};
use crate::Outcome;
use crate::check::{message, outcome};
use crate::scene::{Log, NOW, backend, network};

/// The number of no method.
pub const SIGNED_AGAIN: u8 = 254;

/// Reads a response and does with it what whoever asked does.
pub fn run(data: &[u8]) -> Outcome {
    let [method, body @ ..] = data else { return Outcome::Refused };
    if *method == u8::MAX {
        return Outcome::of(&wire::Error::decode(body));
    }
    if *method == SIGNED_AGAIN {
        return outcome(&message(body).and_then(|range| turned::copy(&range)));
    }
    let Some(method) = Method::from_number((*method).into()) else { return Outcome::Refused };
    let read = match method {
        Method::Hello => message::<wire::HelloResponse>(body).map(|hello| {
            requests::take_crls(&hello.crls);
            endpoint(&hello.endpoint_record);
            for known in &hello.known_heads {
                let _ = head(known.head.as_ref());
            }
        }),
        Method::PublishKeyPackages => message::<wire::PublishKeyPackagesResponse>(body).map(drop),
        Method::ClaimKeyPackages => message::<wire::ClaimKeyPackagesResponse>(body).map(claimed),
        Method::CreateChannel => message::<wire::CreateChannelResponse>(body)
            .and_then(|created| submitted(created.first?)),
        Method::Lease => message::<wire::LeaseResponse>(body).map(drop),
        Method::Submit => message(body).and_then(submitted),
        Method::Subscribe => subscriptions::event(body),
        Method::FetchRange => message(body).and_then(|range| replicate(&range)),
        Method::FetchDirectory => message::<wire::FetchDirectoryResponse>(body).map(|directory| {
            requests::take_crls(&directory.crls);
            directory.endpoint_records.iter().for_each(|record| endpoint(record));
            let bundle = SignedBundle::decode(&directory.bundle);
            drop(bundle.map(|bundle| bundle.open(&network().bundle.hash())));
        }),
        Method::DeliverWelcome => message::<wire::DeliverWelcomeResponse>(body).map(drop),
        Method::PublishCrls => message::<wire::PublishCrlsResponse>(body).map(drop),
        Method::Refill => message::<wire::RefillResponse>(body).map(drop),
        Method::SubmitStream => message(body).and_then(|answers| answered(&answers)),
        Method::FetchHeadCertificate => message::<wire::FetchHeadCertificateResponse>(body)
            .and_then(|response| head_certificate(&response.certificates)),
        Method::ExchangeHeads => message::<wire::ExchangeHeadsResponse>(body)
            .and_then(|response| response.known_heads.iter().try_for_each(requests::shown)),
        Method::RequestWelcome => message::<wire::RequestWelcomeResponse>(body).map(drop),
        Method::PublishHubVotes => message::<wire::PublishHubVotesResponse>(body).map(drop),
        Method::ConfirmErasure => message::<wire::ConfirmErasureResponse>(body)
            .map(|response| drop(SignedConfirmation::decode(&response.confirmation))),
        Method::FetchErasureConfirmation => message::<wire::FetchErasureConfirmationResponse>(body)
            .map(|response| drop(SignedConfirmation::decode(&response.confirmation))),
        Method::FetchBundle => message::<wire::FetchBundleResponse>(body)
            .and_then(|response| requests::successor(&response.bundle)),
        Method::PublishBundle => message::<wire::PublishBundleResponse>(body).map(drop),
        Method::FetchContacts => message::<wire::FetchContactsResponse>(body).map(|response| {
            response.officers.iter().for_each(|one| drop(one.parse::<OfficerAddress>()));
        }),
        Method::RenewCertificate => message::<wire::RenewCertificateResponse>(body)
            .and_then(|response| UnverifiedChain::from_ders(&response.certificates).ok().map(drop)),
        Method::ReceiveHistory => message::<wire::ReceiveHistoryResponse>(body).map(|response| {
            // What precedes a backup.
            let _ = SignedTransferHeader::decode(&response.portion);
        }),
        Method::SendHistory => message::<wire::SendHistoryResponse>(body).and_then(|response| {
            let _ = requests::history_receipt(&response.receipt);
            requests::history_request(&response.request)
        }),
        Method::Enroll => message::<wire::EnrollResponse>(body)
            .and_then(|response| UnverifiedChain::from_ders(&response.certificates).ok().map(drop)),
        Method::FetchEnrolment => {
            message::<wire::FetchEnrolmentResponse>(body).and_then(|response| {
                endpoint(&response.endpoint_record);
                requests::successor(&response.bundle)
            })
        }
    };
    outcome(&read)
}

fn endpoint(record: &[u8]) {
    if let Ok(signed) = SignedEndpointRecord::decode(record) {
        let genuine = [&network().a, &network().b].map(|a| a.signed_endpoint_record());
        assert!(signed.verify(&network().bundle, NOW).is_err() || genuine.contains(&signed));
    }
}

fn head(head: Option<&wire::SignedHead>) -> Option<()> {
    heads::verify(heads::from_wire(head?)?);
    Some(())
}

fn claimed(claimed: wire::ClaimKeyPackagesResponse) {
    for package in claimed.key_packages.iter().take(4) {
        let backend = backend("whoever admits");
        drop(validate_key_package(&backend, &package.key_package, Suite::PostQuantum));
    }
}

fn submitted(response: wire::SubmitResponse) -> Option<()> {
    head(response.head.as_ref())
}

fn answered(answers: &wire::SubmitAnswers) -> Option<()> {
    answers.accepted.iter().try_for_each(|accepted| head(accepted.head.as_ref()))
}

/// Grows a copy of the log by a batch: only by what the hub has ordered.
pub(super) fn replicate(range: &wire::FetchRangeResponse) -> Option<()> {
    let log = Log::shared();
    let items: Option<Vec<_>> = range.items.iter().cloned().map(items::read_item).collect();
    let items = items?;
    let claimed = heads::from_wire(range.head.as_ref()?)?;
    let head = claimed.verify(&network().a.head_key().public()).ok()?;
    let first = items.first()?.seq;
    let before = first.0.checked_sub(1).and_then(|before| {
        let chain = log.chains.get(usize::try_from(before).ok()?)?;
        Some((Seq(before), *chain))
    });
    let mut replica = match before {
        Some((seq, chain)) => Replica::after(Log::channel(), seq, chain, Incarnation(0)),
        None => log.from_start(),
    };
    let added = replica.append(&items, &head).ok()?;
    for Added { seq, chain, .. } in added {
        let at = usize::try_from(seq.0).expect("a short log");
        assert_eq!(log.chains.get(at), Some(&chain), "an item that the hub never ordered");
    }
    Some(())
}

pub(super) fn head_certificate(certificates: &[Vec<u8>]) -> Option<()> {
    let chain = UnverifiedChain::from_ders(certificates).ok()?;
    network().bundle.verify(&chain, NOW, LeafUsage::Head).ok()?;
    assert!(network().chains.contains(&chain), "a chain that no authority issued");
    Some(())
}

/// The chain hash that comes with an item whose predecessor does not.
pub(super) fn chain_of(item: &wire::Item) -> Option<ChainHash> {
    ChainHash::try_from(&item.chain[..]).ok()
}

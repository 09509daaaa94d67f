//! Devices without a certificate: whoever holds an invitation gets the bundle, hands a request in,
//! and comes back for what the registrar issued (PROTOCOL.md §7.9).
//!
//! Anybody can call. Until a proof fits, nothing is looked up and nothing is kept but how often a
//! network has called; so an invitation that is not known, and one whose secret somebody guesses at,
//! look the same.

mod allowances;

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::LeafUsage;
use enlace_identity::invitation::{Binding, Enrolment, EnrolmentError, verify_possession};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::keys::{PublicKey, Signature};
use enlace_identity::names::{Domain, LeafName};
use enlace_identity::time::Timestamp;
use enlace_proto::relay::v1::{
    EnrollRequest, EnrollResponse, ErrorCode, FetchEnrolmentRequest, FetchEnrolmentResponse,
};
use enlace_transport::{Newcomer, NewcomerCall, Refusal, Trust};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::Context;
use crate::calls::{internal, limit, malformed};
use crate::enrolments::{Admission, EnrolmentDirectory};

pub(crate) use self::allowances::NewcomerAllowances;

/// How often the directory is looked at.
const POLL: Duration = Duration::from_secs(2);

/// Where invitations are, and what those who come with them may still use.
#[derive(Debug)]
pub(crate) struct Enrolments {
    directory: Arc<EnrolmentDirectory>,
    allowances: NewcomerAllowances,
}

impl Enrolments {
    pub(super) fn new(directory: EnrolmentDirectory) -> Self {
        Self { directory: Arc::new(directory), allowances: NewcomerAllowances::default() }
    }
}

/// Admits newcomers while there are invitations: who invites nobody has nothing open.
pub(super) async fn watch(context: Arc<Context>) {
    let Some(enrolments) = context.enrolments() else { return };
    let mut admitted = false;
    loop {
        let directory = enrolments.directory.clone();
        let expected = tokio::task::spawn_blocking(move || directory.has_invitations()).await;
        let expected = expected.unwrap_or(admitted);
        if expected != admitted {
            match context.endpoint().admit_newcomers(expected) {
                Ok(()) => admitted = expected,
                Err(error) => warn!(%error, "devices with invitations cannot be served"),
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Serves a newcomer's calls, for the little time that it has.
pub(super) async fn serve(context: &Context, mut newcomer: Newcomer) {
    let ends_at = newcomer.ends_at();
    let served = tokio::time::timeout_at(ends_at, async {
        while let Some(call) = newcomer.next().await {
            answer(context, &newcomer, call).await;
        }
    });
    if served.await.is_err() {
        debug!("a newcomer took too long");
    }
}

async fn answer(context: &Context, newcomer: &Newcomer, call: NewcomerCall) {
    let _ongoing = context.begin_call();
    let sent = match call {
        NewcomerCall::Enroll(request, reply) => {
            reply.send(enroll(context, newcomer, request).await).await
        }
        NewcomerCall::Fetch(request, reply) => {
            reply.send(fetch(context, newcomer, request).await).await
        }
    };
    if let Err(error) = sent {
        debug!(%error, "a newcomer was not answered");
    }
}

async fn fetch(
    context: &Context,
    newcomer: &Newcomer,
    request: FetchEnrolmentRequest,
) -> Result<FetchEnrolmentResponse, Refusal> {
    let enrolments = admit(context, newcomer)?;
    let invitation = check_possession(&request, newcomer.binding())?;
    enrolments.allowances.take_invitation(&invitation, Instant::now()).map_err(later)?;
    let (directory, now) = (enrolments.directory.clone(), context.trust().now());
    let open = tokio::task::spawn_blocking(move || directory.is_open(&invitation, now)).await;
    if !open.map_err(internal)?.map_err(internal)? {
        return Err(refused());
    }
    let newest = context.trust().bundle();
    let named = newest.all_known().find(|known| known.hash().as_bytes()[..] == request.bundle_hash);
    Ok(FetchEnrolmentResponse {
        bundle: named.map(|known| known.signed().to_vec()).unwrap_or_default(),
        endpoint_record: context.directory().own(),
        crls: context.trust().crls_of(context.domain()),
    })
}

async fn enroll(
    context: &Context,
    newcomer: &Newcomer,
    request: EnrollRequest,
) -> Result<EnrollResponse, Refusal> {
    let enrolments = admit(context, newcomer)?;
    let enrolment = check_request(&request, *newcomer.binding(), context.domain())?;
    let invitation = *enrolment.invitation();
    enrolments.allowances.take_invitation(&invitation, Instant::now()).map_err(later)?;
    let (directory, trust) = (enrolments.directory.clone(), context.trust().clone());
    let exchanged = tokio::task::spawn_blocking(move || exchange(&directory, &enrolment, &trust));
    let (admission, certificates) = exchanged.await.map_err(internal)?.map_err(internal)?;
    match admission {
        Admission::Refused => return Err(refused()),
        Admission::First => info!("a device hands in its request with an invitation"),
        Admission::Again => {}
    }
    Ok(EnrollResponse { certificates })
}

/// Counts a call before anything of it is looked at.
fn admit<'a>(context: &'a Context, newcomer: &Newcomer) -> Result<&'a Enrolments, Refusal> {
    let enrolments = context.enrolments().ok_or_else(refused)?;
    if context.is_stopping() {
        return Err(Refusal::new(ErrorCode::Stopping, "the relay is being stopped"));
    }
    enrolments.allowances.take_network(newcomer.network(), Instant::now()).map_err(later)?;
    Ok(enrolments)
}

fn check_possession(
    request: &FetchEnrolmentRequest,
    binding: &Binding,
) -> Result<PublicKey, Refusal> {
    let (invitation, proof) = claim(&request.invitation, &request.proof)?;
    verify_possession(&invitation, binding, &proof).map_err(|_| refused())?;
    Ok(invitation)
}

fn check_request(
    request: &EnrollRequest,
    binding: Binding,
    domain: &Domain,
) -> Result<Enrolment, Refusal> {
    let (invitation, proof) = claim(&request.invitation, &request.proof)?;
    let enrolment = Enrolment::verify(invitation, binding, &request.request, proof).map_err(
        |error| match error {
            EnrolmentError::Request(error) => malformed(error.to_string()),
            EnrolmentError::Proof | EnrolmentError::Decode(_) => refused(),
        },
    )?;
    match enrolment.request().name() {
        Some(LeafName::Device(device)) if device.domain() == domain => Ok(enrolment),
        _ => Err(malformed("it is not for a device of the relay's own authority")),
    }
}

/// Bytes that can be no key or signature are as good as wrong ones.
fn claim(invitation: &[u8], proof: &[u8]) -> Result<(PublicKey, Signature), Refusal> {
    let invitation = PublicKey::try_from(invitation).map_err(|_| refused())?;
    Ok((invitation, Signature::try_from(proof).map_err(|_| refused())?))
}

fn exchange(
    directory: &EnrolmentDirectory,
    enrolment: &Enrolment,
    trust: &Trust,
) -> std::io::Result<(Admission, Vec<Vec<u8>>)> {
    let now: Timestamp = trust.now();
    let admission = directory.admit(enrolment, now)?;
    let issued = (admission == Admission::Again).then(|| directory.issued(enrolment.invitation()));
    let answers = |chain: &UnverifiedChain| is_answer(chain, enrolment.request(), trust);
    let certificates = issued.flatten().filter(answers).map(|chain| chain.ders());
    Ok((admission, certificates.unwrap_or_default()))
}

/// Whether a certificate holds and is for the name and key that were asked for.
fn is_answer(chain: &UnverifiedChain, request: &CertificateRequest, trust: &Trust) -> bool {
    trust.verify_chain(chain, &[LeafUsage::Device]).is_ok_and(|leaf| {
        request.name() == Some(leaf.name()) && leaf.public_key() == request.public_key()
    })
}

/// Always the same, whatever the reason.
fn refused() -> Refusal {
    Refusal::new(ErrorCode::NotAllowed, "no invitation that counts here")
}

fn later(wait: Duration) -> Refusal {
    limit("too many calls").retry_after(wait)
}

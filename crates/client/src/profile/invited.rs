//! Enrolling with a one-time invitation (PROTOCOL.md §7.9): the relay carries the request to the
//! registrar and the certificate back, and nothing that it says is believed.

use std::sync::Arc;
use std::time::Duration;

use enlace_identity::bundle::{Bundle, SignedBundle};
use enlace_identity::certificate::{CertificateFormatError, UnverifiedChain};
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::endpoint::RelayAddress;
use enlace_identity::entropy::Entropy;
use enlace_identity::invitation::{Enrolment, Invitation};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::revocation::RevocationLists;
use enlace_identity::suspension::SignedSuspensions;
use enlace_proto::relay::v1::{
    EnrollRequest, ErrorCode, FetchEnrolmentRequest, FetchEnrolmentResponse,
};
use enlace_transport::{
    BindError, CallError, Clock, ConnectError, Expected, NewcomerEndpoint, Refusal, Trust,
    UnverifiedRelay,
};

use super::{EnrollError, Enrollment, Profile, ProfileError};

/// How long one address may take to answer.
const PER_ADDRESS: Duration = Duration::from_secs(10);

/// How long a call may take.
const CALL_TIME: Duration = Duration::from_secs(20);

/// How far an enrolment has come.
#[derive(Clone, Debug)]
pub enum Invited {
    /// The relay has the request; the registrar has not answered yet. Ask again later.
    Waiting,
    /// The certificate is there, and the network that it is of.
    Enrolled(Box<VerifiedLeaf>, String),
}

/// Why an invitation did not lead to a certificate. Nothing has changed then, and it may be tried
/// again.
#[derive(Debug, thiserror::Error)]
pub enum InvitedError {
    /// The invitation is for another device than this profile's.
    #[error("the invitation is for {found}, and this device is {expected}")]
    OtherDevice {
        /// This device.
        expected: String,
        /// Whom it is for.
        found: String,
    },
    /// No socket can be opened.
    #[error(transparent)]
    Socket(#[from] BindError),
    /// No relay of the authority can be reached, or whoever answers is none.
    #[error(transparent)]
    Relay(#[from] ConnectError),
    /// The relay doesn't accept the invitation: it has ended, has served another device, or the
    /// relay has not heard of it.
    #[error("the relay does not accept this invitation")]
    Refused,
    /// Too many have asked; ask again after that time.
    #[error("the relay is asked too often")]
    Later(Duration),
    /// The call failed.
    #[error(transparent)]
    Call(CallError),
    /// The relay doesn't know the network that the invitation names.
    #[error("the relay does not know the network of this invitation")]
    OtherNetwork,
    /// What came is no pair of certificates.
    #[error(transparent)]
    Certificates(#[from] CertificateFormatError),
    /// What came is refused.
    #[error(transparent)]
    Enroll(#[from] EnrollError),
    /// The profile can't be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl Profile {
    /// Hands the profile's request in with an invitation, and takes the certificate in once it was
    /// issued. Until then ask again with the same invitation: the relay keeps the first request.
    ///
    /// # Errors
    /// [`InvitedError`], of the last relay that answered; nothing has changed then.
    pub async fn enroll_by_invitation(
        &mut self,
        invitation: &Invitation,
        clock: Arc<dyn Clock>,
    ) -> Result<Invited, InvitedError> {
        if invitation.device != *self.device() {
            let (expected, found) = (self.device().to_string(), invitation.device.to_string());
            return Err(InvitedError::OtherDevice { expected, found });
        }
        let request = self.request()?;
        let socket = NewcomerEndpoint::open(clock.clone(), &Entropy::system())?;
        let come = Come { invitation, request, clock: clock.clone() };
        let came = come.with(&socket).await;
        socket.close().await;
        let Some(delivery) = came? else { return Ok(Invited::Waiting) };
        let leaf = self.enroll(
            &Enrollment {
                certificates: &delivery.certificates.to_pem(),
                bundle: &delivery.bundle,
                bundle_hash: invitation.bundle_hash,
                endpoint_record: &delivery.endpoint_record,
                crls: &delivery.crls,
            },
            clock.now(),
        )?;
        Ok(Invited::Enrolled(Box::new(leaf), delivery.network))
    }
}

/// A device that comes with its invitation.
struct Come<'a> {
    invitation: &'a Invitation,
    request: CertificateRequest,
    clock: Arc<dyn Clock>,
}

/// What a relay of the authority handed over; the certificates are unverified.
struct Delivery {
    certificates: UnverifiedChain,
    network: String,
    bundle: Vec<u8>,
    endpoint_record: Vec<u8>,
    crls: Vec<Vec<u8>>,
}

impl Come<'_> {
    /// Tries one relay after the other. What one of them says against the invitation says nothing
    /// about the next: it may be no relay at all.
    async fn with(&self, socket: &NewcomerEndpoint) -> Result<Option<Delivery>, InvitedError> {
        let mut failure: Option<InvitedError> = None;
        for address in &self.invitation.relays {
            match self.to(address, socket).await {
                Ok(delivery) => return Ok(delivery),
                // Of several relays the one that answered has more to say.
                Err(InvitedError::Relay(ConnectError::NoAnswer { .. })) if failure.is_some() => {}
                Err(error) => failure = Some(error),
            }
        }
        let nowhere = || ConnectError::NoAnswer { tried: Vec::new() }.into();
        Err(failure.unwrap_or_else(nowhere))
    }

    async fn to(
        &self,
        address: &RelayAddress,
        socket: &NewcomerEndpoint,
    ) -> Result<Option<Delivery>, InvitedError> {
        let address = (address.host.as_str().to_owned(), address.port);
        let unverified = socket.dial(&[address], PER_ADDRESS).await?;
        let fetched = self.fetch(&unverified).await?;
        let trust = Trust::new(self.open(&fetched)?, RevocationLists::new(), self.clock.clone());
        let expected = Expected::AnyRelayOf(self.invitation.domain().clone());
        let relay = unverified.verify(&trust, &expected, &fetched.crls)?;

        let invitation = self.invitation;
        let enrolment = Enrolment::prove(invitation, *relay.binding(), self.request.clone());
        let request = EnrollRequest {
            invitation: invitation.id().as_bytes().to_vec(),
            proof: enrolment.proof().as_bytes().to_vec(),
            request: self.request.der().to_vec(),
        };
        let answer = relay.enroll(&request, CALL_TIME).await.map_err(InvitedError::of)?;
        if answer.certificates.is_empty() {
            return Ok(None);
        }
        let lists = trust.crls_of(invitation.domain()).into_iter();
        Ok(Some(Delivery {
            certificates: UnverifiedChain::from_ders(&answer.certificates)?,
            network: trust.bundle().network().to_owned(),
            bundle: fetched.bundle,
            endpoint_record: fetched.endpoint_record,
            crls: lists.filter(|list| !SignedSuspensions::is_meant(list)).collect(),
        }))
    }

    async fn fetch(&self, relay: &UnverifiedRelay) -> Result<FetchEnrolmentResponse, InvitedError> {
        let request = FetchEnrolmentRequest {
            invitation: self.invitation.id().as_bytes().to_vec(),
            proof: self.invitation.prove(relay.binding(), None).as_bytes().to_vec(),
            bundle_hash: self.invitation.bundle_hash.as_bytes().to_vec(),
        };
        relay.fetch(&request, CALL_TIME).await.map_err(InvitedError::of)
    }

    /// The bundle that the invitation names, and no other.
    fn open(&self, fetched: &FetchEnrolmentResponse) -> Result<Bundle, InvitedError> {
        if fetched.bundle.is_empty() {
            return Err(InvitedError::OtherNetwork);
        }
        let signed = SignedBundle::decode(&fetched.bundle).map_err(EnrollError::BundleFile)?;
        let opened = signed.open(&self.invitation.bundle_hash);
        let bundle = opened.map_err(EnrollError::Bundle)?;
        if bundle.contains(self.invitation.domain()) {
            Ok(bundle)
        } else {
            Err(EnrollError::NotAMember(self.invitation.domain().clone()).into())
        }
    }
}

impl InvitedError {
    fn of(error: CallError) -> Self {
        match error {
            CallError::Refused(Refusal { code: ErrorCode::NotAllowed, .. }) => Self::Refused,
            CallError::Refused(Refusal { code: ErrorCode::Limit, retry_after, .. }) => {
                Self::Later(retry_after.unwrap_or(CALL_TIME))
            }
            error => Self::Call(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use enlace_identity::bundle::{BundleError, BundleHash};
    use enlace_identity::keys::Passphrase;
    use tempfile::TempDir;

    use super::*;
    use crate::testing::TestNetwork;

    fn invitation(device: &str, hash: BundleHash) -> Invitation {
        let relay = RelayAddress { host: "127.0.0.1".parse().unwrap(), port: 9 };
        let end = crate::testing::NOW;
        let device = device.parse().unwrap();
        Invitation::new(&Entropy::system(), device, "Ana".into(), hash, end, vec![relay]).unwrap()
    }

    fn profile(dir: &TempDir) -> (Profile, CertificateRequest) {
        let address = "ana@fge.example".parse().unwrap();
        let at = dir.path().join("profile");
        Profile::create(&at, &address, "pc", "Ana", &Passphrase::new("clave")).unwrap()
    }

    #[test]
    fn another_bundle_than_the_invitations_is_refused_before_anything_is_handed_in() {
        let (network, dir) = (TestNetwork::new(), TempDir::new().unwrap());
        let (_, request) = profile(&dir);
        let clock: Arc<dyn Clock> = Arc::new(enlace_transport::SystemClock);
        let fetched = FetchEnrolmentResponse {
            bundle: network.signed.encode(),
            ..FetchEnrolmentResponse::default()
        };
        let open = |device: &str, hash: BundleHash, fetched: &FetchEnrolmentResponse| {
            let invitation = invitation(device, hash);
            let come =
                Come { invitation: &invitation, request: request.clone(), clock: clock.clone() };
            come.open(fetched)
        };
        let (ours, good) = ("pc.ana.officer.fge.example", network.signed.hash());
        assert_eq!(open(ours, good, &fetched).unwrap().hash(), good);
        let other = open(ours, BundleHash::from_bytes([7; 32]), &fetched).unwrap_err();
        let wrong = matches!(
            other,
            InvitedError::Enroll(EnrollError::Bundle(BundleError::WrongHash { .. }))
        );
        assert!(wrong, "{other}");
        let none = open(ours, good, &FetchEnrolmentResponse::default()).unwrap_err();
        assert!(matches!(none, InvitedError::OtherNetwork), "{none}");
        let outside = open("pc.ana.officer.elsewhere.example", good, &fetched).unwrap_err();
        assert!(matches!(outside, InvitedError::Enroll(EnrollError::NotAMember(_))), "{outside}");
    }

    #[tokio::test]
    async fn anothers_invitation_is_not_used() {
        let (network, dir) = (TestNetwork::new(), TempDir::new().unwrap());
        let (mut profile, _) = profile(&dir);
        let others = invitation("pc.eva.officer.fge.example", network.signed.hash());
        let clock = Arc::new(enlace_transport::SystemClock);
        let refused = profile.enroll_by_invitation(&others, clock).await.unwrap_err();
        assert!(matches!(refused, InvitedError::OtherDevice { .. }), "{refused}");
    }
}

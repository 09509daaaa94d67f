//! `RenewCertificate`: a device asks its authority for a new certificate before the present one
//! expires. The relay keeps the request for the registrar, and hands out what the registrar
//! issued; it can issue nothing itself.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{LeafUsage, VerifiedLeaf};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::names::LeafName;
use enlace_proto::relay::v1::{ErrorCode, RenewCertificateRequest, RenewCertificateResponse};
use enlace_transport::{Refusal, Trust};

use super::refusals::{internal, malformed, not_allowed};
use super::{Caller, Handle};

impl Handle for RenewCertificateRequest {
    async fn handle(self, caller: &Caller) -> Result<RenewCertificateResponse, Refusal> {
        caller.unless_stopping()?;
        let device = caller.own_device()?.clone();
        let unsupported = || Refusal::new(ErrorCode::Unsupported, "no registrar is asked here");
        let directory = caller.context().renewals().ok_or_else(unsupported)?.clone();
        let request =
            CertificateRequest::from_der(&self.request).map_err(|e| malformed(e.to_string()))?;
        let present = caller.leaf().clone();
        check_request(&request, &present)?;
        let trust = caller.context().trust().clone();
        let exchanged = directory.run(move |directory| {
            let issued = directory.issued(&device);
            if let Some(chain) = issued.filter(|chain| renews(chain, &present, &trust)) {
                directory.forget(&device);
                return Ok(chain.ders());
            }
            directory.keep(&device, &request).map(|()| Vec::new())
        });
        let certificates = exchanged.await.map_err(internal)?.map_err(internal)?;
        Ok(RenewCertificateResponse { certificates })
    }
}

/// Nobody asks for a certificate of another name or key than it has.
fn check_request(request: &CertificateRequest, present: &VerifiedLeaf) -> Result<(), Refusal> {
    let is_own = request.name() == Some(present.name());
    if is_own && request.public_key() == present.public_key() {
        Ok(())
    } else {
        Err(not_allowed("a device renews its own certificate, for the key that it has"))
    }
}

/// Whether a certificate takes the place of the present one.
fn renews(chain: &UnverifiedChain, present: &VerifiedLeaf, trust: &Trust) -> bool {
    let Ok(leaf) = trust.verify_chain(chain, &[LeafUsage::Device]) else { return false };
    let name: &LeafName = leaf.name();
    name == present.name()
        && leaf.public_key() == present.public_key()
        && leaf.not_after() > present.not_after()
}

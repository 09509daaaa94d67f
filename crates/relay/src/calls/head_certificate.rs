//! `FetchHeadCertificate`: the certificates of a head key. Of an unknown key there are none.

use enlace_log::head::HeadSigner;
use enlace_proto::relay::v1::{FetchHeadCertificateRequest, FetchHeadCertificateResponse};
use enlace_transport::Refusal;

use super::refusals::{malformed, unreadable};
use super::{Caller, Handle};

impl Handle for FetchHeadCertificateRequest {
    async fn handle(self, caller: &Caller) -> Result<FetchHeadCertificateResponse, Refusal> {
        let signer = HeadSigner::try_from(&self.signer[..])
            .map_err(|_| malformed("a head key is named by 32 bytes"))?;
        let found = caller.context().head_certificates().certificates(signer).await;
        let certificates = found.map_err(|error| unreadable(&error))?.unwrap_or_default();
        Ok(FetchHeadCertificateResponse { certificates })
    }
}

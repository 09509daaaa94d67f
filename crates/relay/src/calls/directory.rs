//! `FetchDirectory`: bundle, endpoint records and revocation lists, as their signers made them.

use enlace_proto::relay::v1::{FetchDirectoryRequest, FetchDirectoryResponse};
use enlace_transport::Refusal;

use super::{Caller, Handle};

impl Handle for FetchDirectoryRequest {
    async fn handle(self, caller: &Caller) -> Result<FetchDirectoryResponse, Refusal> {
        let context = caller.context();
        Ok(FetchDirectoryResponse {
            bundle: context.trust().bundle().signed().to_vec(),
            endpoint_records: context.directory().all(),
            crls: context.trust().all_crls(),
        })
    }
}

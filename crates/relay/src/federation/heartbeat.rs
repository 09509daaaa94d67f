//! Finds out soon that the other relay is gone, or was restarted and has forgotten the link:
//! QUIC's own keep-alive is made for thousands of idle devices and takes its time.

use std::time::Duration;

use enlace_proto::relay::v1::FetchHeadCertificateRequest;
use enlace_transport::{CallError, Connection};

const PERIOD: Duration = Duration::from_secs(5);
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// Asks for something small again and again; returns when no answer comes.
pub(super) async fn run(connection: &Connection) -> CallError {
    // No certificate has this hash: the answer is empty.
    let request = FetchHeadCertificateRequest { signer: vec![0; 32] };
    loop {
        tokio::time::sleep(PERIOD).await;
        match connection.call(&request, ANSWER_TIME).await {
            Ok(_) | Err(CallError::Refused(_)) => {}
            Err(error) => return error,
        }
    }
}

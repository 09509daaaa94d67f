//! A relay, seen from a device that has neither a certificate nor the network's bundle.
//!
//! [`NewcomerEndpoint::dial`] → [`UnverifiedRelay::fetch`] → [`UnverifiedRelay::verify`] →
//! [`VerifiedRelay::enroll`]: the request can't be handed to a relay that isn't the authority's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use enlace_identity::entropy::Entropy;
use enlace_identity::invitation::Binding;
use enlace_proto::relay::v1::{
    EnrollRequest, EnrollResponse, FetchEnrolmentRequest, FetchEnrolmentResponse,
};

use super::{ENROLMENT_ALPN, binding};
use crate::call::{CallError, call, in_time};
use crate::clock::Clock;
use crate::close::CloseCode;
use crate::connect::{ConnectError, resolve};
use crate::connection::{protocol_of, verify_peer};
use crate::endpoint::{BindError, any_socket};
use crate::expected::Expected;
use crate::hello;
use crate::quic::{self, Wire};
use crate::tls;
use crate::trust::Trust;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Stands for the server's name inside TLS; it is never sent, and nothing is compared with it.
const NOBODY: &str = "unverified";

/// A socket of a device that has no certificate yet.
#[derive(Debug)]
pub struct NewcomerEndpoint {
    quic: quinn::Endpoint,
    config: quinn::ClientConfig,
}

/// Whoever answered. Nothing about it is known.
#[derive(Debug)]
pub struct UnverifiedRelay {
    quic: quinn::Connection,
    binding: Binding,
}

/// A relay of the authority that was expected.
#[derive(Debug)]
pub struct VerifiedRelay(UnverifiedRelay);

impl NewcomerEndpoint {
    /// Opens a socket for dialling, on any port.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn open(clock: Arc<dyn Clock>, entropy: &Entropy) -> Result<Self, BindError> {
        let mut config = tls::newcomer(clock)?;
        config.transport_config(quic::dialling(Wire::Kernel));
        let quic = any_socket(quic::dialling_endpoint(entropy))?;
        Ok(Self { quic, config })
    }

    /// Dials the first of these addresses at which anybody answers.
    ///
    /// # Errors
    /// [`ConnectError`]: of the last address that answered, else [`ConnectError::NoAnswer`].
    pub async fn dial(
        &self,
        addresses: &[(String, u16)],
        per_address: Duration,
    ) -> Result<UnverifiedRelay, ConnectError> {
        let mut tried = Vec::new();
        let mut failure = None;
        for address in resolve(addresses).await? {
            tried.push(address);
            match tokio::time::timeout(per_address, self.handshake(address)).await {
                Ok(Ok(relay)) => return Ok(relay),
                Ok(Err(ConnectError::NoAnswer { .. })) | Err(_) => {}
                Ok(Err(error)) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or(ConnectError::NoAnswer { tried }))
    }

    /// Tells whoever is still connected that nobody needs the connection any more.
    pub async fn close(self) {
        self.quic.close(CloseCode::Done.wire(), b"");
        // A relay that doesn't answer finds out by itself.
        let _ = tokio::time::timeout(FAREWELL, self.quic.wait_idle()).await;
    }

    async fn handshake(&self, address: SocketAddr) -> Result<UnverifiedRelay, ConnectError> {
        let unroutable = |error: quinn::ConnectError| ConnectError::Unroutable {
            address,
            reason: error.to_string(),
        };
        let connecting =
            self.quic.connect_with(self.config.clone(), address, NOBODY).map_err(unroutable)?;
        // There is no certificate of ours that could be at fault.
        let quic =
            connecting.await.map_err(|error| ConnectError::ending_of(error, address, || false))?;
        if protocol_of(&quic).as_deref() != Some(ENROLMENT_ALPN) {
            return Err(ConnectError::Tls("the relay speaks another protocol".to_owned()));
        }
        let binding = binding(&quic).ok_or_else(|| {
            ConnectError::Tls("nothing can be bound to the connection".to_owned())
        })?;
        Ok(UnverifiedRelay { quic, binding })
    }
}

impl UnverifiedRelay {
    /// What proofs on this connection have to hold for.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Fetches the bundle and what goes with it. Whoever answers learns which invitation this is,
    /// and can use the proof nowhere else.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn fetch(
        &self,
        request: &FetchEnrolmentRequest,
        limit: Duration,
    ) -> Result<FetchEnrolmentResponse, CallError> {
        in_time(limit, call(&self.quic, request)).await
    }

    /// Verifies the certificate that was shown, as hello does, by a bundle that has been verified by
    /// its hash. `crls` are what this relay says of its authority's revocations: those count that
    /// the authority signed.
    ///
    /// # Errors
    /// [`ConnectError`]; the connection is closed then.
    pub fn verify(
        self,
        trust: &Trust,
        expected: &Expected,
        crls: &[Vec<u8>],
    ) -> Result<VerifiedRelay, ConnectError> {
        let verify = || {
            let peer = verify_peer(trust, &self.quic)?;
            expected.check(&peer)?;
            hello::merge(trust, crls);
            trust.check_revocation(&peer)
        };
        match verify() {
            Ok(()) => Ok(VerifiedRelay(self)),
            Err(untrusted) => {
                untrusted.close_code().close(&self.quic);
                Err(ConnectError::untrusted(untrusted))
            }
        }
    }
}

impl VerifiedRelay {
    /// What proofs on this connection have to hold for.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.0.binding
    }

    /// Hands the request in, and fetches the certificate if it was issued.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn enroll(
        &self,
        request: &EnrollRequest,
        limit: Duration,
    ) -> Result<EnrollResponse, CallError> {
        in_time(limit, call(&self.0.quic, request)).await
    }
}

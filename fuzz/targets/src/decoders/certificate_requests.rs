//! Certificate requests, as a registrar reads them.
//!
//! Input: a request in DER or PEM; or, behind a zero byte, one that the device signs again.

use enlace_identity::issue::{Approval, CertificateRequest};
use enlace_identity::names::LeafName;

use crate::Outcome;
use crate::scene::{network, seeded_key, sign_again};

/// Reads a request and issues what it asks for.
pub fn run(data: &[u8]) -> Outcome {
    let request = match data {
        [0, der @ ..] => {
            let key = seeded_key("phone.ana.officer.a.example");
            sign_again(der, &key).and_then(|der| CertificateRequest::from_der(&der).ok())
        }
        bytes => {
            let pem = str::from_utf8(bytes).ok();
            let pem = pem.and_then(|pem| CertificateRequest::from_pem(pem).ok());
            pem.or_else(|| CertificateRequest::from_der(bytes).ok())
        }
    };
    if let Some(request) = &request {
        issue(request);
    }
    Outcome::when(request.is_some())
}

fn issue(request: &CertificateRequest) {
    let again = CertificateRequest::from_pem(&request.to_pem());
    assert_eq!(again.as_ref(), Ok(request), "a request that was read cannot be passed on");
    let authority = &network().a;
    let approved: LeafName = "phone.ana.officer.a.example".parse().unwrap();
    let approval = Approval {
        name: approved.clone(),
        common_name: "Ana".into(),
        validity: authority.issuing.validity(),
        serial: "01".parse().unwrap(),
    };
    let issued = authority.issuing.issue(request, &approval);
    let names_another = request.name().is_some_and(|name| *name != approved);
    assert_eq!(issued.is_err(), names_another, "{issued:?}");
}

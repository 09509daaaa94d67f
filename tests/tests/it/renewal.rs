//! A device's certificate runs out, and the next one is there before anybody notices.

use std::path::PathBuf;

use enlace_client::notice::{ChangeAct, Notice};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::issue::CertificateRequest;
use enlace_identity::time::{Timestamp, Validity};
use enlace_tests::{ANA, BEN, CID, Case, DAY, START};

/// The certificate that a device's request asks for, good from `not_before` for so many days.
fn certify(
    case: &Case,
    request: &CertificateRequest,
    not_before: Timestamp,
    days: u32,
) -> UnverifiedChain {
    let validity = Validity::starting(not_before, days * DAY);
    case.network.authorities[0].approve_for(request, validity).0
}

/// Ben's program starts with a certificate of which half is over.
async fn age(case: &mut Case) -> CertificateRequest {
    let ben = &mut case.officers[BEN];
    let profile = enlace_client::Profile::open(&ben.profile_dir()).unwrap();
    let request = profile.request().unwrap();
    ben.go_offline().await;
    let old = certify(case, &request, START.minus(DAY), 1 + 1);
    let ben = &mut case.officers[BEN];
    std::fs::write(ben.profile_dir().join("certificates.pem"), old.to_pem()).unwrap();
    ben.restart().await;
    request
}

fn renewals(case: &Case, file: &str) -> PathBuf {
    case.places[0].path("data/renewals").join(file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_by_way_of_the_relay() {
    let mut case = Case::with_four().await;
    let asked = age(&mut case).await;
    let device = case.officers[BEN].device().clone();
    let end = case.officers[BEN].client().certificate().unwrap().not_after();
    case.officers[BEN].introduce().await;
    let request = renewals(&case, &format!("requests/{device}.csr"));
    let pem = std::fs::read_to_string(&request).unwrap();
    let request = CertificateRequest::from_pem(&pem).unwrap();
    assert_eq!(request.public_key(), asked.public_key());

    // A relay that is not honest, or mixes things up, puts Ana's in its place first.
    let anas = enlace_client::Profile::open(&case.officers[ANA].profile_dir()).unwrap();
    let issued = renewals(&case, &format!("issued/{device}.pem"));
    let others = certify(&case, &anas.request().unwrap(), START.minus(DAY), 300);
    std::fs::write(&issued, others.to_pem()).unwrap();
    case.officers[BEN].restart().await;
    case.officers[BEN].introduce().await;
    assert_eq!(case.officers[BEN].client().certificate().unwrap().not_after(), end);

    let chain = certify(&case, &request, START.minus(DAY), 300);
    std::fs::write(&issued, chain.to_pem()).unwrap();
    case.officers[BEN].introduce().await;
    assert!(case.officers[BEN].client().certificate().unwrap().not_after() > end);
    case.officers[BEN].restart().await;
    case.officers[BEN].go_online();
    let ben = &case.officers[BEN];
    assert!(ben.client().certificate().unwrap().not_after() > end, "it is kept");
    ben.accepted(ben.client().renew_keys(case.channel).unwrap()).await;
    for who in [ANA, CID] {
        let renewed = case.officers[who].is_told(case.channel, "the renewal", |row| {
            let Notice::Changed { acts, .. } = &row.notice else { return None };
            acts.contains(&ChangeAct::Renewed { device: device.clone() }).then_some(())
        });
        renewed.await;
    }
    case.assert_healthy().await;
}

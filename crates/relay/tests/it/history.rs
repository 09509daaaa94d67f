//! A relay brings two devices of one officer together, and nobody else.

use enlace_proto::relay::v1::{ErrorCode, ReceiveHistoryRequest, SendHistoryRequest};

use crate::support::{Device, Network, RelayPlace, call};

fn receive(request: &[u8], taken: u64, done: bool) -> ReceiveHistoryRequest {
    ReceiveHistoryRequest { request: request.to_vec(), taken, done, receipt: Vec::new() }
}

fn send(to: &Device, from: u64, portion: &[u8]) -> SendHistoryRequest {
    let (device, portion) = (to.name.to_string(), portion.to_vec());
    SendHistoryRequest { device, from, portion, anew: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_two_devices_of_one_officer_are_brought_together() {
    let network = Network::new(&["a.example", "b.example"]);
    let place = RelayPlace::new(&network, 0);
    let relay = place.start(&network, &[]).await;
    let [ana, phone] = ["pc", "phone"].map(|label| Device::labelled(&network, 0, "ana", label));
    let (ben, cid) = (Device::new(&network, 0, "ben"), Device::new(&network, 1, "cid"));
    let (at_ana, at_phone) = tokio::join!(ana.connect(&relay.target), phone.connect(&relay.target));
    let (at_ben, at_cid) = tokio::join!(ben.connect(&relay.target), cid.connect(&relay.target));

    let receiving = async {
        let first = call(&at_phone, &receive(b"request", 0, false)).await.unwrap();
        assert_eq!(first.portion, b"all of it");
        call(&at_phone, &receive(b"request", 9, true)).await.unwrap();
        let receipt = b"receipt".to_vec();
        let done = ReceiveHistoryRequest { receipt, ..receive(b"request", 9, true) };
        call(&at_phone, &done).await.unwrap();
    };
    let sending = async {
        let asked = call(&at_ana, &send(&phone, 0, b"")).await.unwrap();
        assert_eq!((&asked.request[..], asked.taken), (&b"request"[..], 0));
        for (at, to) in [(&at_ben, &phone), (&at_ana, &ben), (&at_ana, &ana), (&at_cid, &phone)] {
            let refused = call(at, &send(to, 0, b"forged")).await.unwrap_err();
            assert_eq!(refused.code, ErrorCode::NotAllowed);
        }
        let taken = call(&at_ana, &send(&phone, 0, b"all of it")).await.unwrap();
        assert_eq!(taken.taken, 9);
        let told = call(&at_ana, &send(&phone, 9, b"")).await.unwrap();
        assert_eq!((&told.receipt[..], told.taken), (&b"receipt"[..], 9));
    };
    tokio::join!(receiving, sending);

    // A device that has lost what it sent has the other one begin anew.
    let begun = async {
        call(&at_phone, &receive(b"another", 0, false)).await.unwrap();
        call(&at_phone, &receive(b"another", 4, false)).await.unwrap()
    };
    let lost = async {
        call(&at_ana, &send(&phone, 0, b"")).await.unwrap();
        call(&at_ana, &send(&phone, 0, b"part")).await.unwrap();
        let anew = SendHistoryRequest { anew: true, ..send(&phone, 0, b"") };
        call(&at_ana, &anew).await.unwrap()
    };
    let (begun, lost) = tokio::join!(begun, lost);
    assert!(begun.anew && lost.request.is_empty());

    let malformed = [receive(b"", 0, false), receive(&[1; 16 * 1024 + 1], 0, false)];
    for request in malformed {
        assert_eq!(call(&at_phone, &request).await.unwrap_err().code, ErrorCode::Malformed);
    }
    let receipt = vec![1; 16 * 1024 + 1];
    for early in [
        ReceiveHistoryRequest { receipt: b"early".to_vec(), ..receive(b"request", 0, false) },
        ReceiveHistoryRequest { receipt, ..receive(b"request", 9, true) },
    ] {
        assert_eq!(call(&at_phone, &early).await.unwrap_err().code, ErrorCode::Malformed);
    }
    let foreign = call(&at_cid, &receive(b"request", 0, false)).await.unwrap_err();
    assert_eq!(foreign.code, ErrorCode::NotAllowed, "each asks at its own authority's relay");
    let long = call(&at_ana, &send(&phone, 0, &vec![0; (1 << 20) + 1])).await.unwrap_err();
    assert_eq!(long.code, ErrorCode::Malformed);
    let nobody = call(&at_ana, &send(&phone, 0, b"again")).await.unwrap();
    assert_eq!(nobody.taken, 4, "who is to begin anew is sent no more");
}

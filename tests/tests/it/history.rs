//! An officer's new device gets the history from the one that she has.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use enlace_client::client::{Delivered, TransferProgress};
use enlace_client::engine::{Restored, TransferError};
use enlace_tests::{ANA, BEN, Case, Officer, PATIENCE};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::block_in_place;

/// Ana has a phone, which she has added; the case began before.
async fn with_phone() -> (Case, Officer) {
    let case = Case::with_four().await;
    for text in ["one", "two", "three"] {
        let note = case.officers[BEN].post(case.channel, text);
        case.officers[BEN].accepted(note).await;
        case.officers[ANA].reads(case.channel, text).await;
    }
    let port = case.places[0].port;
    let mut phone = Officer::enrol_device(&case.network, 0, "ana", "phone", port).await;
    phone.introduce().await;
    phone.go_online();
    case.officers[ANA].client().add_device(phone.device()).unwrap();
    phone.joined(case.channel).await;
    assert!(phone.texts(case.channel).is_empty());
    (case, phone)
}

fn file(of: &Officer, name: &str) -> PathBuf {
    of.profile_dir().join(name)
}

async fn send(from: &Officer, to: &Officer) -> Result<Delivered, TransferError> {
    let (client, parcel) = (from.client(), file(from, "parcel"));
    let mut last = None;
    let sent = client.send_history(to.device(), &parcel, PATIENCE, |now| last = Some(now)).await?;
    assert_eq!(last, Some(TransferProgress { taken: sent.bytes, total: sent.bytes }));
    assert!(!parcel.exists());
    Ok(sent)
}

async fn receive(to: &Officer) -> Result<Restored, TransferError> {
    let (parcel, scratch) = (file(to, "parcel"), file(to, "scratch"));
    let mut grown = Vec::new();
    let count = |now: TransferProgress| grown.push(now.taken);
    let received = to.client().receive_history(&parcel, &scratch, PATIENCE, count).await;
    assert!(grown.is_sorted());
    assert!(!parcel.exists() && !scratch.exists());
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_gets_the_history_from_the_other_one() {
    let (mut case, phone) = with_phone().await;
    let ana = &case.officers[ANA];
    let (sent, received) = tokio::join!(send(ana, &phone), receive(&phone));
    let (restored, texts) = (received.unwrap(), ana.texts(case.channel));
    let sent = sent.unwrap();
    assert!(sent.bytes > 0);
    let said = (sent.channels, sent.entries as usize, sent.refused as usize);
    assert_eq!(said, (1, restored.entries, restored.refused), "as the phone has signed");
    assert_eq!((restored.device.as_str(), restored.entries), (ana.device().as_str(), texts.len()));
    assert!(texts.ends_with(&["one", "two", "three"].map(str::to_owned)));
    assert_eq!(phone.texts(case.channel), texts);
    let note = phone.post(case.channel, "from the phone");
    phone.accepted(note).await;
    case.officers[BEN].reads(case.channel, "from the phone").await;
    // A second time nothing is new.
    let (_, again) = tokio::join!(send(&case.officers[ANA], &phone), receive(&phone));
    assert_eq!(again.unwrap().entries, 0);
    assert_eq!(phone.texts(case.channel).len(), texts.len() + 1);
    case.officers.push(phone);
    case.assert_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_the_other_device_and_outlives_a_restart_of_the_relay() {
    let (mut case, phone) = with_phone().await;
    case.stop_relay(0).await;
    let ana = case.officers.remove(ANA);
    let receiving = async {
        let received = receive(&phone).await;
        received.unwrap()
    };
    let (sent, restored, ()) = tokio::join!(send(&ana, &phone), receiving, case.start_relay(0));
    assert!(sent.is_ok());
    assert_eq!(restored.entries, ana.texts(case.channel).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_alone_is_told_after_a_while() {
    let (case, phone) = with_phone().await;
    let (parcel, scratch) = (file(&phone, "parcel"), file(&phone, "scratch"));
    let none = Duration::ZERO;
    let alone = phone.client().receive_history(&parcel, &scratch, none, |_| {}).await;
    assert!(matches!(alone, Err(TransferError::TimedOut)), "{alone:?}");
    let (ana, bens) = (&case.officers[ANA], case.officers[BEN].device());
    let others = ana.client().send_history(bens, &file(ana, "parcel"), none, |_| {}).await;
    assert!(matches!(others, Err(TransferError::Others(_))), "{others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_was_switched_off_on_the_way_is_started_again_and_no_more() {
    let (case, phone) = with_phone().await;
    let ana = &case.officers[ANA];
    let receiving = async {
        let (parcel, scratch) = (file(&phone, "parcel"), file(&phone, "scratch"));
        phone.client().receive_history(&parcel, &scratch, PATIENCE, |_| {}).await
    };
    let sending = async {
        let parcel = file(ana, "parcel");
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let mut begun = Some(begun);
        let watch = |now: TransferProgress| {
            if now.taken > 0 {
                let _ = begun.take().map(|begun| begun.send(()));
            }
        };
        tokio::select! {
            biased;
            begun = has_begun => begun.unwrap(),
            sent = ana.client().send_history(phone.device(), &parcel, PATIENCE, watch) => {
                panic!("it was over before: {sent:?}");
            }
        }
        send(ana, &phone).await
    };
    let (sent, received) = tokio::join!(sending, receiving);
    let (sent, restored) = (sent.unwrap(), received.unwrap());
    assert_eq!((sent.entries as usize, restored.refused), (restored.entries, 0));
    assert_eq!(phone.texts(case.channel), ana.texts(case.channel));
}

/// Who sees that all has come when the relay goes down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cut {
    /// The new device, which has not said so yet: neither that nor the answer gets through.
    Receiving,
    /// The other one. The new device takes it in, and cannot say that it has.
    Sending,
}

async fn is_cut(at: Cut) {
    let (mut case, phone) = with_phone().await;
    let ana = case.officers.remove(ANA);
    let texts = ana.texts(case.channel);
    let (relay, is_down) = (Mutex::new(case.relays[0].take()), Notify::new());
    let cut = |by: Cut, now: TransferProgress| {
        if by == at
            && now.taken == now.total
            && let Some(relay) = relay.lock().unwrap().take()
        {
            block_in_place(|| Handle::current().block_on(relay.stop()));
            is_down.notify_one();
        }
    };
    let sending = async {
        let (client, parcel) = (ana.client(), file(&ana, "parcel"));
        let cut = |now| cut(Cut::Sending, now);
        client.send_history(phone.device(), &parcel, PATIENCE, cut).await
    };
    let receiving = async {
        let (parcel, scratch) = (file(&phone, "parcel"), file(&phone, "scratch"));
        let cut = |now| cut(Cut::Receiving, now);
        phone.client().receive_history(&parcel, &scratch, PATIENCE, cut).await
    };
    let coming_back = async {
        is_down.notified().await;
        // Without a relay that hears of it, too.
        phone.reads(case.channel, "three").await;
        case.start_relay(0).await;
    };
    let (sent, received, ()) = tokio::join!(sending, receiving, coming_back);
    assert_eq!(received.unwrap().entries, texts.len(), "what has come is kept");
    assert_eq!(sent.unwrap().entries, texts.len() as u64, "and it is heard of");
    assert_eq!(phone.texts(case.channel), texts);

    // Whoever does it once more has nothing twice.
    let (sent, received) = tokio::join!(send(&ana, &phone), receive(&phone));
    assert_eq!((sent.unwrap().entries, received.unwrap().entries), (0, 0));
    assert_eq!(phone.texts(case.channel), texts);
    case.officers.insert(ANA, ana);
    case.officers.push(phone);
    case.assert_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_goes_down_when_all_has_come() {
    is_cut(Cut::Receiving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_goes_down_before_it_hears_that_all_was_taken_in() {
    is_cut(Cut::Sending).await;
}

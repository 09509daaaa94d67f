//! Cases about what is kept beside the logs.

use bytes::Bytes;
use enlace_log::SubmitCounter;
use enlace_log::head::HeadSigner;

use super::samples::{device, domain};
use super::{TestStore, side};
use crate::storage::{REMEMBERED_KEY_PACKAGES, SideWrite, Storage};

fn publish(
    name: &str,
    suite: u16,
    packages: &[&str],
    last_resort: Option<&'static str>,
) -> SideWrite {
    SideWrite::KeyPackages {
        device: device(name),
        suite,
        key_packages: packages.iter().map(|text| Bytes::from((*text).to_owned())).collect(),
        last_resort: last_resort.map(Bytes::from),
    }
}

fn take(storage: &mut dyn Storage, suite: u16, names: &[&str]) -> Vec<(String, bool)> {
    let devices: Vec<_> = names.iter().map(|name| device(name)).collect();
    let taken = storage.take_key_packages(suite, &devices).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    taken.iter().map(|t| (text(&t.key_package), t.last_resort)).collect()
}

pub(super) fn dropped_key_packages(store: &dyn TestStore) {
    let mut storage = store.open().unwrap();
    storage
        .commit(&side([
            publish("ana", 1, &["lost"], Some("lost too")),
            publish("ana", 2, &["other suite"], None),
            publish("ben", 1, &["other device"], None),
            SideWrite::DropKeyPackages { device: device("ana"), suite: 1 },
            SideWrite::DropKeyPackages { device: device("cid"), suite: 1 },
            publish("ana", 1, &["lost", "new"], None),
        ]))
        .unwrap();
    let pooled = |text: &str| (text.to_owned(), false);
    assert_eq!(take(&mut *storage, 1, &["ana", "ana"]), [pooled("new")]);
    assert_eq!(take(&mut *storage, 2, &["ana"]), [pooled("other suite")]);
    assert_eq!(take(&mut *storage, 1, &["ben"]), [pooled("other device")]);
}

pub(super) fn key_packages(store: &dyn TestStore) {
    let mut storage = store.open().unwrap();
    storage
        .commit(&side([
            publish("ana", 1, &["a1", "a2"], Some("last")),
            publish("ana", 2, &["other suite"], None),
            publish("ben", 1, &["b1"], None),
        ]))
        .unwrap();
    let pooled = |text: &str| (text.to_owned(), false);
    assert_eq!(take(&mut *storage, 1, &["ana", "ben", "cid"]), [pooled("a1"), pooled("b1")]);
    let mut read = storage.reader().unwrap();
    assert_eq!(read.key_packages(&device("ana"), 1).unwrap(), 1);
    let officer = device("ana").officer().clone();
    assert_eq!(read.devices_with_key_packages(&officer, 1).unwrap(), [device("ana")]);
    let ben = device("ben").officer().clone();
    assert!(read.devices_with_key_packages(&ben, 1).unwrap().is_empty());
    assert_eq!(read.officers_with_key_packages(1, "", 10).unwrap(), std::slice::from_ref(&officer));
    assert_eq!(read.officers_with_key_packages(3, "", 10).unwrap(), []);
    assert_eq!(read.officers_with_key_packages(1, &officer.to_string(), 10).unwrap(), []);
    drop(storage);

    let mut storage = store.open().unwrap();
    assert_eq!(take(&mut *storage, 1, &["ana", "ana"]), [pooled("a2"), ("last".into(), true)]);
    assert_eq!(take(&mut *storage, 1, &["ana", "ben"]), [("last".into(), true)]);
    let mut read = storage.reader().unwrap();
    assert_eq!(read.devices_with_key_packages(&officer, 1).unwrap(), [device("ana")]);
    storage.commit(&side([publish("ben", 1, &["b2"], None)])).unwrap();
    assert_eq!(read.officers_with_key_packages(1, "", 10).unwrap(), [officer.clone(), ben.clone()]);
    assert_eq!(read.officers_with_key_packages(1, "", 1).unwrap(), std::slice::from_ref(&officer));
    assert_eq!(read.officers_with_key_packages(1, &officer.to_string(), 10).unwrap(), [ben]);
    assert_eq!(take(&mut *storage, 1, &["ben"]), [pooled("b2")]);
    storage.commit(&side([publish("ana", 1, &["a3"], Some("newer"))])).unwrap();
    assert_eq!(take(&mut *storage, 1, &["ana", "ana"]), [pooled("a3"), ("newer".into(), true)]);
    assert_eq!(take(&mut *storage, 2, &["ana", "ana"]), [pooled("other suite")]);
}

pub(super) fn published_twice(store: &dyn TestStore) {
    let pooled = |text: &str| (text.to_owned(), false);
    let mut storage = store.open().unwrap();
    storage.commit(&side([publish("ana", 1, &["a1", "a1", "a2"], None)])).unwrap();
    assert_eq!(take(&mut *storage, 1, &["ana"]), [pooled("a1")]);
    drop(storage);

    // Whoever was not answered publishes again, also what was handed out meanwhile.
    let mut storage = store.open().unwrap();
    storage.commit(&side([publish("ana", 1, &["a1", "a2", "a3"], None)])).unwrap();
    assert_eq!(storage.reader().unwrap().key_packages(&device("ana"), 1).unwrap(), 2);
    assert_eq!(take(&mut *storage, 1, &["ana", "ana", "ana"]), [pooled("a2"), pooled("a3")]);

    // Nobody's else, and not for ever.
    storage.commit(&side([publish("ben", 1, &["a1"], None)])).unwrap();
    assert_eq!(take(&mut *storage, 1, &["ben"]), [pooled("a1")]);
    let many: Vec<String> = (0..REMEMBERED_KEY_PACKAGES).map(|n| format!("{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    storage
        .commit(&side([publish("ben", 1, &many, None), publish("ben", 1, &["a1"], None)]))
        .unwrap();
    let read = storage.reader().unwrap().key_packages(&device("ben"), 1).unwrap();
    assert_eq!(read as usize, REMEMBERED_KEY_PACKAGES + 1);
}

pub(super) fn counters(store: &dyn TestStore) {
    let ana = device("ana");
    let mut storage = store.open().unwrap();
    let mut read = storage.reader().unwrap();
    assert_eq!(read.submit_counter(&ana).unwrap(), SubmitCounter(0));
    for counter in [7, 5, 8, 8, 1] {
        let counter = SubmitCounter(counter);
        storage.commit(&side([SideWrite::SubmitCounter { device: ana.clone(), counter }])).unwrap();
    }
    assert_eq!(read.submit_counter(&ana).unwrap(), SubmitCounter(8));
    assert_eq!(read.submit_counter(&device("ben")).unwrap(), SubmitCounter(0));
}

pub(super) fn replaced(store: &dyn TestStore) {
    let (signer, other) = (HeadSigner([1; 32]), HeadSigner([2; 32]));
    let chain = |text: &str| vec![text.as_bytes().to_vec(), b"ca".to_vec()];
    let crls = |name: &str, crls: &[&str]| SideWrite::Crls {
        authority: domain(name),
        crls: crls.iter().map(|crl| crl.as_bytes().to_vec()).collect(),
    };
    let record = |name: &str, record: &'static str| SideWrite::EndpointRecord {
        domain: domain(name),
        record: Bytes::from(record),
    };
    let bundle =
        |version, signed: &'static str| SideWrite::Bundle { version, signed: signed.into() };
    let mut storage = store.open().unwrap();
    storage
        .commit(&side([
            SideWrite::HeadCertificate { signer, certificates: chain("old") },
            SideWrite::HeadCertificate { signer, certificates: chain("leaf") },
            crls("b", &["1", "2", "3"]),
            crls("a", &["4"]),
            crls("b", &["5", "6"]),
            crls("a", &[]),
            record("a", "one"),
            record("b", "two"),
            record("a", "three"),
            bundle(2, "second"),
            bundle(1, "first"),
            bundle(2, "another"),
        ]))
        .unwrap();
    drop(storage);
    let mut read = store.open().unwrap().reader().unwrap();
    assert_eq!(read.head_certificate(&signer).unwrap(), Some(chain("leaf")));
    assert_eq!(read.head_certificate(&other).unwrap(), None);
    assert_eq!(read.crls().unwrap(), [(domain("b"), vec![b"5".to_vec(), b"6".to_vec()])]);
    let records = [(domain("a"), Bytes::from("three")), (domain("b"), Bytes::from("two"))];
    assert_eq!(read.endpoint_records().unwrap(), records);
    assert_eq!(read.bundles().unwrap(), [(1, Bytes::from("first")), (2, Bytes::from("second"))]);
}

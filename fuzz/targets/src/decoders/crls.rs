//! Revocation lists.
//!
//! Input: a list as it travels, or in PEM; or, behind a byte 0 or 1, one that root or issuing CA
//! signs again.

use enlace_identity::revocation::{Inserted, RevocationList, RevocationLists};

use crate::Outcome;
use crate::scene::{NOW, network, sign_again};

/// Reads a list and takes it in.
pub fn run(data: &[u8]) -> Outcome {
    let authority = &network().a;
    match data {
        [0, list @ ..] => insert_again(list, &authority.root_key),
        [1, list @ ..] => insert_again(list, &authority.issuing_key),
        bytes => {
            let pem = str::from_utf8(bytes).ok().and_then(|pem| RevocationList::from_pem(pem).ok());
            let bytes = pem.map_or_else(|| bytes.to_vec(), |list| list.to_bytes());
            let taken = insert(&bytes);
            let genuine = network().crls.contains(&bytes);
            assert!(!taken || genuine, "a list that no authority signed");
            Outcome::when(taken)
        }
    }
}

fn insert_again(list: &[u8], key: &enlace_identity::keys::SigningKey) -> Outcome {
    let again = || {
        let read = RevocationList::from_bytes(list).ok()?;
        let mut bytes = sign_again(read.crl_der(), key)?;
        bytes.extend(read.issuing_der().map(|der| der.as_bytes()).unwrap_or_default());
        Some(bytes)
    };
    Outcome::when(again().is_some_and(|bytes| insert(&bytes)))
}

fn insert(bytes: &[u8]) -> bool {
    let bundle = &network().bundle;
    if let Ok(list) = RevocationList::from_bytes(bytes) {
        assert_eq!(list.to_bytes(), bytes, "a list that was read cannot be passed on");
    }
    let mut lists = RevocationLists::new();
    if lists.insert(bytes, bundle, NOW).is_err() {
        assert!(lists.all().is_empty(), "a list that was refused has left something");
        return false;
    }
    assert_eq!(lists.all(), [bytes.to_vec()]);
    assert_eq!(lists.insert(bytes, bundle, NOW), Ok(Inserted::Known));
    true
}

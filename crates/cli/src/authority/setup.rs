//! A new authority: its root, its issuing CA, and their first revocation lists.

use std::fs;
use std::path::{Path, PathBuf};

use enlace_identity::certificate::Serial;
use enlace_identity::issue::{IssuingCa, RevocationContent, Root};
use enlace_identity::keys::{Passphrase, PublicKey, SigningKey};
use enlace_identity::names::Domain;
use enlace_identity::time::{Timestamp, Validity};

use super::directory::{make_directories, private_file, public_file, write_registry};
use super::lists::{ISSUING_LIST_DAYS, ROOT_LIST_DAYS, list_validity};
use super::registry::{Issued, Kind, ListState, Registry};
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::when::DAY;

/// A root outlives what it signs by far: a new one takes a new bundle in every hand.
const ROOT_DAYS: u32 = 20 * 365;
const ISSUING_DAYS: u32 = 5 * 365;

/// What an authority is made of.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) domain: &'a Domain,
    pub(crate) name: &'a str,
    pub(crate) country: &'a str,
    pub(crate) root_passphrase: &'a Passphrase,
    pub(crate) passphrase: &'a Passphrase,
}

/// Makes an authority's directory, whole or not at all.
pub(crate) fn set_up(path: &Path, setup: &Setup<'_>, now: Timestamp) -> Result<(), Failure> {
    let beside = beside(path);
    let made = fill(&beside, setup, now).and_then(|()| {
        fs::rename(&beside, path)
            .and_then(|()| files::sync_directory_of(path))
            .context(|| format!("{} cannot be made", path.display()))
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&beside);
    }
    made
}

/// A directory beside `path`, to be moved there when it is complete.
fn beside(path: &Path) -> PathBuf {
    let trimmed: PathBuf = path.components().collect();
    files::with_suffix(&trimmed, &format!(".{}.new", std::process::id()))
}

fn fill(directory: &Path, setup: &Setup<'_>, now: Timestamp) -> Result<(), Failure> {
    make_directories(directory)?;
    // Clocks of others may be slow.
    let start = now.minus(DAY);
    let root_key = SigningKey::generate();
    let root_serial = Serial::generate();
    let root_validity = Validity::starting(start, DAY * ROOT_DAYS);
    let root = Root::create(setup.domain, root_key.clone(), root_validity, &root_serial)?;

    let issuing_key = SigningKey::generate();
    let issuing_serial = Serial::generate();
    let issuing_validity = Validity::starting(start, DAY * ISSUING_DAYS);
    let certificate = root.issue_ca(&issuing_key.public(), issuing_validity, &issuing_serial)?;
    let issuing =
        IssuingCa::load(setup.domain, root.certificate(), &certificate, issuing_key.clone())?;

    let private = |name: &str, key: &SigningKey, passphrase: &Passphrase| {
        let pem = key.to_pem(Some(passphrase));
        files::create(&private_file(directory, name), pem.as_bytes(), Mode::Private)
    };
    private("root.key", &root_key, setup.root_passphrase)?;
    private("issuing.key", &issuing_key, setup.passphrase)?;

    let public = |what: &str, pem: String| {
        let path = public_file(directory, setup.domain, what);
        files::create(&path, pem.as_bytes(), Mode::Public)
    };
    public("root.pem", root.certificate().to_pem())?;
    public("issuing.pem", certificate.to_pem())?;
    let (root_list, issuing_list) = (list(now, ROOT_LIST_DAYS), list(now, ISSUING_LIST_DAYS));
    public("root.crl", root.revocation_list(&empty(&root_list))?.to_pem())?;
    public("issuing.crl", issuing.revocation_list(&empty(&issuing_list))?.to_pem())?;

    let (name, country) = (setup.name.to_owned(), setup.country.to_owned());
    let mut registry =
        Registry::new(setup.domain.clone(), name, country, [root_list, issuing_list]);
    registry.certificates = vec![
        entry(Kind::Root, root_serial, root_key.public(), root_validity),
        entry(Kind::IssuingCa, issuing_serial, issuing_key.public(), issuing_validity),
    ];
    write_registry(directory, &registry)
}

fn list(now: Timestamp, days: u32) -> ListState {
    let Validity { not_before, not_after } = list_validity(now, days);
    ListState { number: 1, not_before, not_after }
}

fn empty(list: &ListState) -> RevocationContent {
    RevocationContent { number: list.number, validity: list.validity(), revoked: Vec::new() }
}

fn entry(kind: Kind, serial: Serial, key: PublicKey, validity: Validity) -> Issued {
    let (name, common_name) = match kind {
        Kind::Root => ("root", "root"),
        _ => ("issuing-ca", "issuing CA"),
    };
    Issued {
        serial,
        kind,
        name: name.to_owned(),
        common_name: common_name.to_owned(),
        public_key: hex::encode(key.as_bytes()),
        not_before: validity.not_before,
        not_after: validity.not_after,
        revoked: None,
    }
}

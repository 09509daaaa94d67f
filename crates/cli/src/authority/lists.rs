//! New revocation lists.

use std::path::PathBuf;

use enlace_identity::issue::{IssuingCa, RevocationContent, Root};
use enlace_identity::revocation::RevocationList;
use enlace_identity::time::{Timestamp, Validity};

use super::directory::Directory;
use super::registry::ListState;
use crate::failure::Failure;
use crate::files::{self, Mode};
use crate::when::DAY;

/// How long the issuing CA's list counts. Relays refuse the authority's officers when it has run
/// out, so half of it is time for the registrar to make the next.
pub(crate) const ISSUING_LIST_DAYS: u32 = 30;
/// How long the root's list counts; a little over a year, as it is made once a year.
pub(crate) const ROOT_LIST_DAYS: u32 = 400;

/// From an hour ago on: clocks of others may be slow.
pub(super) fn list_validity(now: Timestamp, days: u32) -> Validity {
    let start = now.minus(DAY / 24);
    Validity { not_before: start, not_after: now.plus(DAY * days) }
}

/// Writes the issuing CA's next list, and returns where.
pub(crate) fn write_issuing_list(
    directory: &mut Directory,
    issuing: &IssuingCa,
    now: Timestamp,
    days: u32,
) -> Result<PathBuf, Failure> {
    let content = next(directory, false, now, days)?;
    write(directory, "issuing.crl", &issuing.revocation_list(&content)?)
}

/// Writes the root's next list, and returns where.
pub(crate) fn write_root_list(
    directory: &mut Directory,
    root: &Root,
    now: Timestamp,
    days: u32,
) -> Result<PathBuf, Failure> {
    let content = next(directory, true, now, days)?;
    write(directory, "root.crl", &root.revocation_list(&content)?)
}

/// Takes the next number; the registry is durable before the list is signed.
fn next(
    directory: &mut Directory,
    of_root: bool,
    now: Timestamp,
    days: u32,
) -> Result<RevocationContent, Failure> {
    let revoked = directory.registry.revoked(of_root);
    let registry = &mut directory.registry;
    let list = if of_root { &mut registry.root_list } else { &mut registry.issuing_list };
    let number = list.number.saturating_add(1);
    let validity = list_validity(now, days);
    *list = ListState { number, not_before: validity.not_before, not_after: validity.not_after };
    directory.save()?;
    Ok(RevocationContent { number, validity, revoked })
}

fn write(directory: &Directory, what: &str, list: &RevocationList) -> Result<PathBuf, Failure> {
    let path = directory.public(what);
    files::replace(&path, list.to_pem().as_bytes(), Mode::Public)?;
    Ok(path)
}

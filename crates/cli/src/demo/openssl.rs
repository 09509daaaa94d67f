//! Stock openssl's opinion of every certificate that was issued.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::case::Stage;
use super::checks::Finding;
use crate::failure::{Explain as _, Failure};
use crate::files;
use crate::training::TrainingAuthority;

const MISSING: &str = "the command openssl cannot be run: install it (apt-get install openssl)";

/// Verifies all certificates of both authorities, with revocation lists.
pub(super) fn check(stage: Stage<'_>) -> Result<Finding, Failure> {
    let authorities = stage.network.authorities();
    let mut roots = String::new();
    for authority in authorities {
        roots.push_str(&files::read_text(&authority.public("root.pem"))?);
    }
    let place = tempfile::tempdir().context(|| "no temporary directory can be made".to_owned())?;
    let roots_file = place.path().join("roots.pem");
    fs::write(&roots_file, roots)?;
    let mut certificates = 0;
    let mut objections = Vec::new();
    for authority in authorities {
        let (good, revoked) = issued(authority)?;
        certificates += good.len();
        let lists = place.path().join("lists.pem");
        let [root_list, issuing_list] = authority.revocation_lists();
        let text = files::read_text(&root_list)? + &files::read_text(&issuing_list)?;
        fs::write(&lists, text)?;
        let verify = |certificates: &[PathBuf]| run(authority, &roots_file, &lists, certificates);
        match verify(&good) {
            Ok(Ok(())) => {}
            Ok(Err(said)) => objections.push(said),
            Err(error) => return Ok(Finding::bad(format!("{MISSING}: {error}"))),
        }
        for revoked in revoked {
            let refused = matches!(verify(&[revoked]), Ok(Err(said)) if said.contains("revoked"));
            if !refused {
                objections.push("openssl accepts a certificate that is revoked".to_owned());
            }
        }
    }
    if certificates == 0 {
        objections.push("there are no certificates".to_owned());
    }
    stage.say(stage.words.openssl, &[&certificates]);
    Ok(Finding::unless(&objections))
}

/// The certificates that an authority has issued, its issuing CA's too: good ones, revoked ones.
fn issued(authority: &TrainingAuthority) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let dir = authority.registrar_dir().join("issued");
    let mut files = vec![authority.public("issuing.pem")];
    for entry in fs::read_dir(&dir).context(|| format!("{} cannot be read", dir.display()))? {
        files.push(entry?.path());
    }
    let revoked = authority.revoked_serials()?;
    let is_revoked = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        revoked.iter().any(|serial| name.contains(serial))
    };
    let (revoked, good) = files.into_iter().partition(is_revoked);
    Ok((good, revoked))
}

/// What openssl says: nothing if all is well.
fn run(
    authority: &TrainingAuthority,
    roots: &Path,
    lists: &Path,
    certificates: &[PathBuf],
) -> std::io::Result<Result<(), String>> {
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-crl_check_all", "-CAfile"])
        .arg(roots)
        .arg("-untrusted")
        .arg(authority.public("issuing.pem"))
        .arg("-CRLfile")
        .arg(lists)
        .args(certificates)
        .output()?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let said = [output.stderr, output.stdout].concat();
    Ok(Err(String::from_utf8_lossy(&said).trim().replace('\n', "; ")))
}

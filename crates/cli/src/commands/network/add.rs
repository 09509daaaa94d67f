//! `enlace network add`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::certificate::CertificateDer;
use serde::Serialize;

use crate::country::Country;
use crate::failure::{Explain as _, Failure};
use crate::files;
use crate::network::{AuthorityEntry, Draft, bundle_path};
use crate::ui::Ui;

/// What `add` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The network's directory.
    dir: PathBuf,
    /// The authority's root certificate.
    #[arg(long, value_name = "FILE")]
    authority_certificate: PathBuf,
    /// The authority's country, two letters (ISO 3166-1).
    #[arg(long)]
    country: Country,
    /// The authority's name, as others see it.
    #[arg(long)]
    name: String,
    /// Put this in the place of what was added for the same domain.
    #[arg(long)]
    replace: bool,
    /// The authority has this root beside those that were added for it: it is changing its root.
    #[arg(long, conflicts_with = "replace")]
    another_root: bool,
    /// Change the bundle although authorities have signed it: their signatures are lost.
    #[arg(long)]
    discard_signatures: bool,
}

#[derive(Debug, Serialize)]
struct Added {
    domain: String,
    /// SHA-256 of the root certificate, in hexadecimal.
    root_fingerprint: String,
    authorities: usize,
    bundle: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { dir, authority_certificate, country, name, .. } = arguments;
    let mut draft = Draft::open(dir)?;
    if !arguments.discard_signatures {
        Draft::refuse_signed(dir)?;
    }
    let place = authority_certificate.display();
    let root = CertificateDer::from_pem(&files::read_text(authority_certificate)?)
        .context(|| format!("{place} holds no certificate"))?;
    let domain = root
        .root_domain()
        .context(|| format!("{place} is no authority's root certificate"))
        .hint(|| "The registrar has it as public/<domain>.root.pem.".to_owned())?;
    let mut roots = vec![root.to_pem()];
    if arguments.replace {
        draft.authorities.retain(|entry| entry.domain != domain);
    } else if arguments.another_root {
        let Some(index) = draft.authorities.iter().position(|entry| entry.domain == domain) else {
            return Err(Failure::new(format!("{domain} is not in the bundle")));
        };
        roots.splice(0..0, draft.authorities.remove(index).roots);
    } else if draft.authorities.iter().any(|entry| entry.domain == domain) {
        return Err(Failure::new(format!("{domain} is in the bundle already"))
            .hint("--replace puts this in its place."));
    }
    draft.authorities.push(AuthorityEntry {
        domain: domain.clone(),
        country: country.to_string(),
        name: name.clone(),
        roots,
    });
    draft.save(dir)?;
    ui.report(&Added {
        domain: domain.to_string(),
        root_fingerprint: root.fingerprint().to_string(),
        authorities: draft.authorities.len(),
        bundle: bundle_path(dir),
    })?;
    ui.note("\nHave the authority's registrar read out the SHA-256 of its root certificate,");
    ui.note("and compare. When all are in, each authority signs:");
    ui.note(format_args!("  enlace network sign {} --authority DIR", bundle_path(dir).display()));
    Ok(())
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Added {}; authorities now: {}.", self.domain, self.authorities)?;
        writeln!(f, "SHA-256 of its root  {}", self.root_fingerprint)?;
        write!(f, "File                 {}", self.bundle.display())
    }
}

//! `enlace network rename`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::certificate::CertificateDer;
use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use serde::Serialize;

use crate::failure::{Explain as _, Failure};
use crate::files;
use crate::network::{Draft, bundle_path};
use crate::ui::Ui;
use crate::when::{self, rfc3339};

/// What `rename` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The network's directory, in which the next version was begun.
    dir: PathBuf,
    /// The domain that the authority has had.
    domain: Domain,
    /// The authority's root certificate for its new domain. Without it, the end of a domain that is
    /// a former one already is moved.
    #[arg(long, value_name = "FILE")]
    authority_certificate: Option<PathBuf>,
    /// Until when certificates of the former domain hold: a day, which counts in full (UTC), or a
    /// time such as 2026-12-24T18:00Z.
    #[arg(long, value_name = "TIME", value_parser = when::parse_end)]
    until: Timestamp,
    /// Change the bundle although authorities have signed it: their signatures are lost.
    #[arg(long)]
    discard_signatures: bool,
}

#[derive(Debug, Serialize)]
struct Renamed {
    former: String,
    domain: String,
    #[serde(with = "rfc3339")]
    until: Timestamp,
    bundle: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { dir, domain, authority_certificate, until, .. } = arguments;
    let mut draft = Draft::open(dir)?;
    if !arguments.discard_signatures {
        Draft::refuse_signed(dir)?;
    }
    let now = match authority_certificate {
        Some(certificate) => {
            let place = certificate.display();
            let root = CertificateDer::from_pem(&files::read_text(certificate)?)
                .context(|| format!("{place} holds no certificate"))?;
            let now = root
                .root_domain()
                .context(|| format!("{place} is no authority's root certificate"))?;
            draft.rename(domain, &now, &root, *until)?;
            now
        }
        None => draft.end_former(domain, *until)?,
    };
    draft.save(dir)?;
    ui.report(&Renamed {
        former: domain.to_string(),
        domain: now.to_string(),
        until: *until,
        bundle: bundle_path(dir),
    })?;
    if authority_certificate.is_some() {
        ui.note(
            "\nNow the authority signs with both roots, and others as the present version asks:",
        );
        ui.note(format_args!("  enlace network sign {} --authority OLD-DIR", dir.display()));
        ui.note(format_args!("  enlace network sign {} --authority NEW-DIR", dir.display()));
    }
    Ok(())
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is now {}.", self.former, self.domain)?;
        writeln!(f, "Certificates of {} hold until {}", self.former, when::show(self.until))?;
        write!(f, "File  {}", self.bundle.display())
    }
}

//! `enlace network show`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::bundle::{Authority, Bundle, BundleHash};
use enlace_identity::time::Timestamp;
use enlace_identity::warnings;
use serde::Serialize;

use crate::failure::{Explain as _, Failure};
use crate::network::{bundle_path, previous_of, read_bundle};
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};

/// What `show` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The bundle's file, or the network's directory.
    bundle: PathBuf,
    /// Fail unless this is the bundle's hash.
    #[arg(long, value_name = "HEX")]
    hash: Option<BundleHash>,
    /// The version before, if it doesn't lie beside the bundle as `network.N.bundle`.
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
}

/// What a bundle says.
#[derive(Debug, Serialize)]
pub(super) struct Contents {
    network: String,
    version: u64,
    previous: Option<String>,
    threshold: u64,
    #[serde(with = "rfc3339")]
    not_before: Timestamp,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    authorities: Vec<Entry>,
    /// The domains that authorities had before.
    former: Vec<Former>,
    /// Authorities of the version before that are not in this one.
    dropped: Vec<String>,
    /// In groups of four digits, to be read out.
    hash: String,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Entry {
    domain: String,
    country: String,
    name: String,
    signed: bool,
    roots: Vec<Root>,
}

#[derive(Debug, Serialize)]
struct Former {
    domain: String,
    authority: String,
    #[serde(with = "rfc3339")]
    until: Timestamp,
}

#[derive(Debug, Serialize)]
struct Root {
    fingerprint: String,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let path = bundle_path(&arguments.bundle);
    let signed = read_bundle(&path)?;
    let expected = arguments.hash.unwrap_or_else(|| signed.hash());
    let bundle = signed.open(&expected).context(|| "the bundle is refused".to_owned())?;
    // A bundle counts by its hash also where the version before is not at hand.
    let previous = previous_of(&path, arguments.previous.as_deref());
    let previous = if arguments.previous.is_some() { previous? } else { previous.ok().flatten() };
    let bundle = match &previous {
        Some(previous) => signed.preview_after(previous)?,
        None => bundle,
    };
    let finished = previous.as_ref().map(|previous| signed.open_after(previous));
    let mut contents = Contents::of(&bundle, previous.as_ref(), now());
    if let Some(Err(unfinished)) = finished {
        contents.warnings.push(format!("it cannot be put to use yet: {unfinished}"));
    }
    for warning in &contents.warnings {
        ui.warning(warning);
    }
    ui.report(&contents)?;
    if arguments.hash.is_none() {
        ui.note("\nA bundle counts by its hash: have it read out by somebody you know of the");
        ui.note("network's secretariat or another authority, and compare all of it.");
    }
    Ok(())
}

impl Contents {
    /// `previous` is the version before, where there is one and it is at hand.
    pub(super) fn of(bundle: &Bundle, previous: Option<&Bundle>, now: Timestamp) -> Self {
        let content = bundle.content();
        let before = previous.map_or(&[][..], Bundle::authorities).iter().map(Authority::domain);
        let dropped = before.filter(|domain| bundle.authority_of(domain).is_none());
        let former = bundle.former_domains().iter().map(|former| Former {
            domain: former.domain().to_string(),
            authority: former.authority().to_string(),
            until: former.until(),
        });
        let warnings = warnings::of_bundle(bundle, now);
        Self {
            network: content.network.clone(),
            version: content.version,
            previous: content.previous.map(|hash| hash.to_string()),
            threshold: content.threshold,
            not_before: content.validity.not_before,
            not_after: content.validity.not_after,
            authorities: bundle.authorities().iter().map(|a| Entry::of(a, bundle)).collect(),
            former: former.collect(),
            dropped: dropped.map(ToString::to_string).collect(),
            hash: bundle.hash().to_string(),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Entry {
    fn of(authority: &Authority, bundle: &Bundle) -> Self {
        let roots = authority.roots().zip(authority.root_validities());
        Self {
            domain: authority.domain().to_string(),
            country: authority.country().to_owned(),
            name: authority.name().to_owned(),
            signed: bundle.signers().contains(authority.domain()),
            roots: roots
                .map(|(root, validity)| Root {
                    fingerprint: root.fingerprint().to_string(),
                    not_after: validity.not_after,
                })
                .collect(),
        }
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Network      {}", self.network)?;
        writeln!(f, "Version      {}", self.version)?;
        let (from, until) = (when::show_day(self.not_before), when::show_day(self.not_after));
        writeln!(f, "In use       {from} to {until}")?;
        let (threshold, all) = (self.threshold, self.authorities.len());
        writeln!(f, "Next version takes the signatures of {threshold} of {all} authorities")?;
        writeln!(f)?;
        for Entry { domain, country, name, signed, roots } in &self.authorities {
            let signed = if *signed { "has signed" } else { "has not signed" };
            writeln!(f, "{domain}  {country}  {name}  ({signed})")?;
            for Root { fingerprint, not_after } in roots {
                writeln!(f, "    root {fingerprint}, until {}", when::show_day(*not_after))?;
            }
        }
        for Former { domain, authority, until } in &self.former {
            let until = when::show(*until);
            writeln!(f, "{domain}  (now {authority}; its certificates hold until {until})")?;
        }
        for domain in &self.dropped {
            writeln!(f, "{domain}  (no longer in the network)")?;
        }
        writeln!(f)?;
        writeln!(f, "Hash         {}", self.hash)
    }
}

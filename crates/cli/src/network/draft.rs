//! `network.json`: a bundle in the making.

use std::path::Path;

use enlace_identity::bundle::{
    AuthorityContent, Bundle, BundleContent, FormerContent, SignedBundle,
};
use enlace_identity::certificate::CertificateDer;
use enlace_identity::names::Domain;
use enlace_identity::time::{Timestamp, Validity};
use serde::{Deserialize, Serialize};

use super::bundle_file::{bundle_path, checked, previous_of, read_bundle, write_bundle};
use crate::as_text;
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::when::rfc3339;

const FILE: &str = "network.json";

/// The version of the file that this program writes.
const VERSION: u32 = 1;

/// What the bundle is to say. Unknown keys are refused.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    version: u32,
    /// The bundle's version, from 1.
    #[serde(default = "first")]
    bundle_version: u64,
    /// The hash of the version before.
    #[serde(default)]
    previous: Option<String>,
    /// The network's name, to be shown.
    name: String,
    /// How many must sign the next bundle; more than half of them unless said.
    threshold: Option<u64>,
    #[serde(with = "rfc3339")]
    not_before: Timestamp,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    pub(crate) authorities: Vec<AuthorityEntry>,
    /// The domains that authorities had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<FormerEntry>,
}

/// A domain that an authority had before.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FormerEntry {
    #[serde(with = "as_text")]
    domain: Domain,
    /// The authority's present domain.
    #[serde(with = "as_text")]
    authority: Domain,
    /// Root certificates, in PEM.
    roots: Vec<String>,
    #[serde(with = "rfc3339")]
    until: Timestamp,
}

/// An authority of the bundle.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityEntry {
    #[serde(with = "as_text")]
    pub(crate) domain: Domain,
    pub(crate) country: String,
    pub(crate) name: String,
    /// Root certificates, in PEM.
    pub(crate) roots: Vec<String>,
}

impl Draft {
    pub(crate) fn new(name: String, threshold: Option<u64>, validity: Validity) -> Self {
        let Validity { not_before, not_after } = validity;
        Self {
            version: VERSION,
            bundle_version: first(),
            previous: None,
            name,
            threshold,
            not_before,
            not_after,
            authorities: Vec::new(),
            former: Vec::new(),
        }
    }

    /// The version after `bundle`, with what it says.
    pub(crate) fn after(bundle: &Bundle, threshold: Option<u64>, validity: Validity) -> Self {
        let authorities = bundle.content().authorities.iter().map(AuthorityEntry::of).collect();
        Self {
            bundle_version: bundle.version() + 1,
            previous: Some(bundle.hash().to_string()),
            authorities,
            former: bundle.content().former.iter().map(FormerEntry::of).collect(),
            ..Self::new(bundle.network().to_owned(), threshold, validity)
        }
    }

    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let file = dir.join(FILE);
        if !file.is_file() {
            return Err(Failure::new(format!("{} is no network's directory", dir.display()))
                .hint("Make one with `enlace network init`."));
        }
        let draft: Self = serde_json::from_str(&files::read_text(&file)?)
            .context(|| format!("{} is damaged", file.display()))?;
        if draft.version > VERSION {
            let newer = format!("{} was written by a newer version of enlace", file.display());
            return Err(Failure::new(newer));
        }
        Ok(draft)
    }

    /// Writes the draft, and the bundle that it describes as soon as there is one.
    pub(crate) fn save(&self, dir: &Path) -> Result<(), Failure> {
        let bundle = self.bundle()?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        files::replace(&dir.join(FILE), text.as_bytes(), Mode::Public)?;
        match &bundle {
            Some(bundle) => write_bundle(&bundle_path(dir), bundle),
            None => Ok(()),
        }
    }

    /// Fails if an authority has signed the bundle: it must not change under its signature.
    pub(crate) fn refuse_signed(dir: &Path) -> Result<(), Failure> {
        let path = bundle_path(dir);
        if !path.exists() {
            return Ok(());
        }
        let opened = checked(&read_bundle(&path)?, previous_of(&path, None)?.as_ref())?;
        let Some(signer) = opened.signers().first() else { return Ok(()) };
        let hint = "With --discard-signatures the authorities have to sign again, and everybody \
                    to compare a new hash.";
        Err(Failure::new(format!("{signer} has signed this bundle already")).hint(hint))
    }

    /// Leaves an authority out, and the domains that it had. Whether it was there.
    pub(crate) fn drop_authority(&mut self, domain: &Domain) -> bool {
        let before = self.authorities.len();
        self.authorities.retain(|entry| entry.domain != *domain);
        self.former.retain(|former| former.authority != *domain);
        self.authorities.len() < before
    }

    /// An authority takes another domain.
    pub(crate) fn rename(
        &mut self,
        former: &Domain,
        domain: &Domain,
        root: &CertificateDer,
        until: Timestamp,
    ) -> Result<(), Failure> {
        if self.previous.is_none() {
            return Err(Failure::new("a domain changes by a next version of the bundle")
                .hint("Begin one with `enlace network next`."));
        }
        let entry = self.authorities.iter_mut().find(|entry| entry.domain == *former);
        let Some(entry) = entry else {
            return Err(Failure::new(format!("{former} is not in the bundle")));
        };
        entry.domain = domain.clone();
        let roots = std::mem::replace(&mut entry.roots, vec![root.to_pem()]);
        for earlier in self.former.iter_mut().filter(|earlier| earlier.authority == *former) {
            earlier.authority = domain.clone();
        }
        let (domain, authority) = (former.clone(), domain.clone());
        self.former.push(FormerEntry { domain, authority, roots, until });
        Ok(())
    }

    /// Moves the end of a former domain; whose it was.
    pub(crate) fn end_former(
        &mut self,
        domain: &Domain,
        until: Timestamp,
    ) -> Result<Domain, Failure> {
        let former = self.former.iter_mut().find(|former| former.domain == *domain);
        let Some(former) = former else {
            return Err(Failure::new(format!("{domain} is no authority's former domain"))
                .hint("Name its new root with --authority-certificate."));
        };
        former.until = until;
        Ok(former.authority.clone())
    }

    pub(crate) fn bundle(&self) -> Result<Option<SignedBundle>, Failure> {
        if self.authorities.is_empty() {
            return Ok(None);
        }
        let authorities = self.authorities.iter().map(AuthorityEntry::content);
        let former = self.former.iter().map(FormerEntry::content);
        let half = self.authorities.len() as u64 / 2;
        // A threshold that cannot be reached yet waits for more authorities.
        let most = self.authorities.len() as u64;
        let content = BundleContent {
            network: self.name.clone(),
            version: self.bundle_version,
            previous: self.previous.as_deref().map(str::parse).transpose()?,
            threshold: self.threshold.unwrap_or(half + 1).min(most),
            validity: Validity { not_before: self.not_before, not_after: self.not_after },
            authorities: authorities.collect::<Result<_, Failure>>()?,
            former: former.collect::<Result<_, Failure>>()?,
        };
        Ok(Some(SignedBundle::create(content)?))
    }
}

const fn first() -> u64 {
    1
}

impl AuthorityEntry {
    fn of(content: &AuthorityContent) -> Self {
        Self {
            domain: content.domain.clone(),
            country: content.country.clone(),
            name: content.name.clone(),
            roots: content.roots.iter().map(CertificateDer::to_pem).collect(),
        }
    }

    fn content(&self) -> Result<AuthorityContent, Failure> {
        let roots = self.roots.iter().map(|pem| CertificateDer::from_pem(pem));
        Ok(AuthorityContent {
            domain: self.domain.clone(),
            country: self.country.clone(),
            name: self.name.clone(),
            roots: roots.collect::<Result<_, _>>()?,
        })
    }
}

impl FormerEntry {
    fn of(content: &FormerContent) -> Self {
        Self {
            domain: content.domain.clone(),
            authority: content.authority.clone(),
            roots: content.roots.iter().map(CertificateDer::to_pem).collect(),
            until: content.until,
        }
    }

    fn content(&self) -> Result<FormerContent, Failure> {
        let roots = self.roots.iter().map(|pem| CertificateDer::from_pem(pem));
        Ok(FormerContent {
            domain: self.domain.clone(),
            authority: self.authority.clone(),
            roots: roots.collect::<Result<_, _>>()?,
            until: self.until,
        })
    }
}

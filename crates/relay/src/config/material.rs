//! What the configured files hold: keys, certificates, the network, revocation lists.
//!
//! Loading goes on after the first problem, so that `check` can list all of them. Whatever a
//! relay can start without is a problem in the list; the rest leaves no [`Material`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use enlace_identity::bundle::{Bundle, BundleError, SignedBundle};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{LeafUsage, VerifiedLeaf};
use enlace_identity::endpoint::SignedEndpointRecord;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::LeafName;
use enlace_identity::revocation::RevocationLists;
use enlace_transport::{Clock, LocalIdentity, Trust};

use super::problem::Problem;
use super::secret_file::{SecretFileError, load_key};
use super::settings::{KeyPaths, Settings};
use crate::crl_directory::CrlDirectory;
use crate::expiry;
use crate::hub::HeadKey;

/// The end of the name of a file with an endpoint record.
const ENDPOINT_EXTENSION: &str = "endpoint";

/// All that a relay needs beyond its settings.
#[derive(Debug)]
pub struct Material {
    /// The network and the revocation lists.
    pub trust: Trust,
    /// The relay's certificate and key.
    pub identity: LocalIdentity,
    /// The key that signs heads.
    pub head: HeadKey,
    /// The own authority's signed endpoint record; empty when there is none.
    pub endpoint_record: Vec<u8>,
    /// Other authorities' signed endpoint records.
    pub endpoint_records: Vec<Vec<u8>>,
}

impl Material {
    /// Loads everything; the problems that were found come along, worst first.
    #[must_use]
    pub fn load(settings: &Settings, clock: Arc<dyn Clock>) -> (Option<Self>, Vec<Problem>) {
        let mut loader = Loader { settings, problems: Vec::new() };
        let material = loader.load(clock);
        let mut problems = loader.problems;
        problems.sort_by_key(|problem| !problem.is_error());
        (material, problems)
    }
}

struct Loader<'s> {
    settings: &'s Settings,
    problems: Vec<Problem>,
}

impl Loader<'_> {
    fn load(&mut self, clock: Arc<dyn Clock>) -> Option<Material> {
        let relay_key = self.key(&self.settings.relay_key);
        let head_key = self.key(&self.settings.head_key);
        let relay_chain = self.chain(&self.settings.relay_key.certificate);
        let head_chain = self.chain(&self.settings.head_key.certificate);
        let bundle = self.bundle()?;
        let trust = Trust::new(bundle, RevocationLists::new(), clock);
        self.crls(&trust);
        let endpoint_record = self.own_endpoint_record(&trust);
        let endpoint_records = self.endpoint_records(&trust);
        let identity = self.identity(&trust, relay_chain, relay_key);
        let head = self.head(&trust, head_chain, head_key);
        self.problems.extend(expiry::of_bundle(&trust));
        self.problems.extend(expiry::of_lists(&trust, self.settings.name.domain()));
        Some(Material {
            identity: identity?,
            head: head?,
            trust,
            endpoint_record,
            endpoint_records,
        })
    }

    fn key(&mut self, paths: &KeyPaths) -> Option<SigningKey> {
        match load_key(&paths.key, paths.passphrase.as_deref()) {
            Ok(key) => Some(key),
            Err(error) => {
                let problem = self.at(&paths.key, &error);
                self.problems.push(match error {
                    SecretFileError::Exposed(_) => {
                        problem.hint("chmod 600 makes it readable by its owner alone.")
                    }
                    _ => problem,
                });
                None
            }
        }
    }

    fn chain(&mut self, path: &Path) -> Option<UnverifiedChain> {
        let pem = self.text(path)?;
        match UnverifiedChain::from_pem(&pem) {
            Ok(chain) => Some(chain),
            Err(error) => self.error(path, error),
        }
    }

    fn bundle(&mut self) -> Option<Bundle> {
        let path = &self.settings.network.bundle;
        let bytes = self.bytes(path)?;
        let opened = SignedBundle::decode(&bytes)
            .map_err(BundleError::from)
            .and_then(|signed| signed.open(&self.settings.bundle_hash));
        let bundle = match opened {
            Ok(bundle) => bundle,
            Err(error) => return self.error(path, error),
        };
        if bundle.authority_of(self.settings.name.domain()).is_none() {
            let domain = self.settings.name.domain();
            return self.error(path, format!("{domain} is no authority of this network"));
        }
        Some(bundle)
    }

    fn crls(&mut self, trust: &Trust) {
        let path = &self.settings.network.crls;
        let files = match CrlDirectory::new(path).changed() {
            Ok(files) => files,
            Err(error) => {
                self.problems.push(self.at(path, format!("it cannot be read: {error}")));
                return;
            }
        };
        for file in files {
            let taken = match file.list {
                Ok(list) => trust.insert_crl(&list).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = taken {
                self.problems.push(Problem::warning(file.path.display().to_string(), error));
            }
        }
    }

    fn own_endpoint_record(&mut self, trust: &Trust) -> Vec<u8> {
        let path = &self.settings.network.endpoint_record;
        let Ok(bytes) = fs::read(path) else {
            let problem = Problem::warning(
                path.display().to_string(),
                "the own authority's endpoint record cannot be read: others do not learn where \
                 this relay is",
            );
            self.problems.push(problem);
            return Vec::new();
        };
        let name = &self.settings.name;
        let problem = match verify_record(trust, &bytes) {
            Ok(record) if record.domain != *name.domain() => {
                format!("it is the record of {}, not of {}", record.domain, name.domain())
            }
            Ok(record) if !record.relays.iter().any(|relay| relay.name == *name) => {
                format!("it does not name {name}")
            }
            Ok(record) => {
                self.problems.extend(expiry::of_record(&place(path), &record, trust.now()));
                return bytes;
            }
            Err(error) => error,
        };
        self.problems.push(Problem::warning(path.display().to_string(), problem));
        Vec::new()
    }

    fn endpoint_records(&mut self, trust: &Trust) -> Vec<Vec<u8>> {
        let path = &self.settings.network.endpoints;
        let mut records = Vec::new();
        for path in files_in(path, ENDPOINT_EXTENSION) {
            let Some(bytes) = self.bytes(&path) else { continue };
            match verify_record(trust, &bytes) {
                Ok(record) => {
                    self.problems.extend(expiry::of_record(&place(&path), &record, trust.now()));
                    records.push(bytes);
                }
                Err(error) => {
                    self.problems.push(Problem::warning(path.display().to_string(), error));
                }
            }
        }
        records
    }

    fn identity(
        &mut self,
        trust: &Trust,
        chain: Option<UnverifiedChain>,
        key: Option<SigningKey>,
    ) -> Option<LocalIdentity> {
        let (chain, key) = (chain?, key?);
        let path = &self.settings.relay_key.certificate;
        let identity = match LocalIdentity::new(trust, &chain, key) {
            Ok(identity) => identity,
            Err(error) => return self.error(path, error),
        };
        let expected = LeafName::Service(self.settings.name.clone());
        if *identity.leaf().name() != expected {
            let found = identity.leaf().name();
            return self
                .error(path, format!("it is the certificate of {found}, not of {expected}"));
        }
        self.leaf_in_use(path, trust, identity.leaf());
        Some(identity)
    }

    fn head(
        &mut self,
        trust: &Trust,
        chain: Option<UnverifiedChain>,
        key: Option<SigningKey>,
    ) -> Option<HeadKey> {
        let (chain, key) = (chain?, key?);
        let path = &self.settings.head_key.certificate;
        let leaf = match trust.verify_chain(&chain, &[LeafUsage::Head]) {
            Ok(leaf) => leaf,
            Err(error) => return self.error(path, error),
        };
        if leaf.name().domain() != self.settings.name.domain() {
            return self.error(path, format!("it is the certificate of {}", leaf.name()));
        }
        if leaf.public_key() != key.public() {
            return self.error(path, "the private key does not belong to the certificate");
        }
        self.leaf_in_use(path, trust, &leaf);
        Some(HeadKey::new(key, leaf.chain_ders()))
    }

    fn leaf_in_use(&mut self, path: &Path, trust: &Trust, leaf: &VerifiedLeaf) {
        self.problems.extend(expiry::of_leaf(&place(path), leaf, trust.now()));
        if let Err(error) = trust.check_revocation(leaf) {
            let problem = self.at(path, error);
            self.problems.push(problem.hint("Put the authority's newest lists into network.crls."));
        }
    }

    fn bytes(&mut self, path: &Path) -> Option<Vec<u8>> {
        match fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => self.error(path, format!("it cannot be read: {error}")),
        }
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) => self.error(path, format!("it cannot be read: {error}")),
        }
    }

    fn at(&self, path: &Path, message: impl ToString) -> Problem {
        Problem::error(path.display().to_string(), message)
    }

    fn error<T>(&mut self, path: &Path, message: impl ToString) -> Option<T> {
        self.problems.push(self.at(path, message));
        None
    }
}

fn place(path: &Path) -> String {
    path.display().to_string()
}

fn verify_record(
    trust: &Trust,
    bytes: &[u8],
) -> Result<enlace_identity::endpoint::EndpointRecord, String> {
    let verified = SignedEndpointRecord::decode(bytes)
        .map_err(|error| error.to_string())?
        .verify(&trust.bundle(), trust.now())
        .map_err(|error| error.to_string())?;
    Ok(verified.record().clone())
}

fn files_in(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

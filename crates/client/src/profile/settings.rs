//! `profile.toml`: what the file says, and what it means.

use enlace_identity::bundle::BundleHash;
use enlace_identity::names::OfficerAddress;
use serde::{Deserialize, Serialize};

use super::ProfileError;
use crate::serde_text::as_text;

/// The version of the file that this program writes.
const VERSION: u32 = 1;

/// The settings of a device. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    version: u32,
    /// The officer.
    #[serde(with = "as_text")]
    pub(super) address: OfficerAddress,
    /// The device's label, one DNS label.
    pub(super) device: String,
    /// The officer's name.
    pub(super) name: String,
    /// Once enrolled.
    pub(super) network: Option<Network>,
}

/// The network that the device belongs to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    /// Hash of the bundle.
    #[serde(with = "as_text")]
    pub(super) bundle: BundleHash,
}

impl Settings {
    pub(super) fn new(address: OfficerAddress, device: String, name: String) -> Self {
        Self { version: VERSION, address, device, name, network: None }
    }

    pub(super) fn parse(text: &str) -> Result<Self, ProfileError> {
        let settings: Self =
            toml::from_str(text).map_err(|error| ProfileError::Settings(error.to_string()))?;
        if settings.version > VERSION {
            return Err(ProfileError::Settings("a newer program has written them".to_owned()));
        }
        Ok(settings)
    }

    pub(super) fn to_toml(&self) -> Result<String, ProfileError> {
        toml::to_string(self).map_err(|error| ProfileError::Settings(error.to_string()))
    }
}

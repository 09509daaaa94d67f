//! Countries as bundles write them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Two letters, ISO 3166-1 alpha-2.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Country(String);

/// The text is no country.
#[derive(Debug, thiserror::Error)]
#[error("a country is two capital letters, such as ES or BR")]
pub(crate) struct CountryError;

impl Country {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        let letters = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
        if letters { Ok(Self(text.to_owned())) } else { Err(CountryError) }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! How a relay is told what it is.
//!
//! [`ConfigFile`] is the TOML file as it stands, [`Settings`] its checked values, and
//! [`Material`] what the files that it names hold: keys, certificates, bundle, records.
//! `enlace-relay check` walks the same way and lists every [`Problem`] on it.

mod file;
mod limits;
mod material;
mod problem;
mod secret_file;
mod settings;

pub use self::file::{
    ConfigFile, HeadSection, LimitsSection, LogSection, NetworkSection, RelaySection,
};
pub use self::limits::{Limits, Rate, ZeroLimit};
pub use self::material::Material;
pub use self::problem::{Problem, Severity};
pub(crate) use self::secret_file::write_private;
pub use self::settings::{KeyPaths, LogFormat, LogSettings, NetworkPaths, Settings, SettingsError};

//! Key packages of this device; their private keys are in the MLS state.

use enlace_channel::mls::KeyPackageReference;
use enlace_identity::time::Timestamp;

use super::StoreError;

/// A key package that was made here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyPackageRow {
    /// Names its private keys.
    pub reference: KeyPackageReference,
    /// The MLS suite.
    pub suite: u16,
    /// Whether it is the one handed out when the pool is empty.
    pub last_resort: bool,
    /// The MLS message, until the relay has it.
    pub message: Option<Vec<u8>>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Key packages.
pub trait KeyPackageRows {
    /// Adds a key package, or writes it anew.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_key_package(&self, row: &KeyPackageRow) -> Result<(), StoreError>;

    /// Forgets a key package.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_key_package_row(&self, reference: &KeyPackageReference) -> Result<(), StoreError>;

    /// All key packages of a suite, oldest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn key_packages(&self, suite: u16) -> Result<Vec<KeyPackageRow>, StoreError>;
}

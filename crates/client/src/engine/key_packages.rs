//! The pool of key packages that others admit this device with: private keys here, the rest at the
//! home relay.

use std::time::Duration;

use enlace_channel::mls::{
    KeyPackageError, KeyPackageReference, Suite, delete_key_package, generate_key_package,
};

use super::work::Work;
use super::{Engine, EngineError};
use crate::store::{KeyPackageRow, StoreError};

/// How many the relay should have of each suite.
const POOL: usize = 20;

/// When a last resort is replaced although nobody is known to have used it.
const LAST_RESORT_AGE: Duration = Duration::from_secs(30 * 86_400);

/// How long the private keys of a replaced last resort stay: a welcome may be on its way.
const KEPT_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// Key packages to be published.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// For the pool.
    pub key_packages: Vec<Vec<u8>>,
    /// The last resort, if it is to be replaced.
    pub last_resort: Option<Vec<u8>>,
    references: Vec<KeyPackageReference>,
}

impl Publication {
    /// Whether there is nothing to publish.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.key_packages.is_empty() && self.last_resort.is_none()
    }
}

/// No key package could be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// MLS refuses.
    #[error(transparent)]
    KeyPackage(#[from] KeyPackageError),
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for PoolError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// What to publish when the relay has so many. What was made and not confirmed is published
    /// again.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn fill_pool(&mut self, suite: Suite, available: usize) -> Result<Publication, PoolError> {
        self.write(|work| work.fill_pool(suite, available))
    }

    /// The relay has what was published.
    ///
    /// # Errors
    /// When the store fails.
    pub fn published(&mut self, publication: &Publication) -> Result<(), StoreError> {
        self.write(|work| {
            for suite in [Suite::PostQuantum, Suite::Classic] {
                for row in work.tx.key_packages(suite.code())? {
                    if !publication.references.contains(&row.reference) {
                        continue;
                    }
                    if row.last_resort {
                        work.tx.put_key_package(&KeyPackageRow { message: None, ..row })?;
                    } else {
                        work.tx.delete_key_package_row(&row.reference)?;
                    }
                }
            }
            Ok(())
        })
    }
}

impl Work<'_> {
    fn fill_pool(&mut self, suite: Suite, available: usize) -> Result<Publication, PoolError> {
        let rows = self.tx.key_packages(suite.code())?;
        let mut publication = Publication::default();
        for row in rows.iter().filter(|row| !row.last_resort) {
            publication.add(row);
        }
        while available + publication.key_packages.len() < POOL {
            let row = self.make_key_package(suite, false)?;
            publication.add(&row);
        }
        let newest = rows.iter().rev().find(|row| row.last_resort);
        let is_old = |row: &KeyPackageRow| self.now().since(row.made_at) > LAST_RESORT_AGE;
        match newest {
            Some(row) if row.message.is_some() => publication.add(row),
            // An empty pool means that the last resort may be in use.
            Some(row) if available > 0 && !is_old(row) => {}
            _ => {
                let row = self.make_key_package(suite, true)?;
                publication.add(&row);
                self.drop_old_last_resorts(&rows)?;
            }
        }
        Ok(publication)
    }

    fn make_key_package(
        &self,
        suite: Suite,
        last_resort: bool,
    ) -> Result<KeyPackageRow, PoolError> {
        let device = self.ctx.device;
        let provider = self.ctx.backend.on(self.ctx.store);
        let made = generate_key_package(&provider, &device.key, &device.chain, suite, last_resort)?;
        let row = KeyPackageRow {
            reference: made.reference,
            suite: suite.code(),
            last_resort,
            message: Some(made.message),
            made_at: self.now(),
        };
        self.tx.put_key_package(&row)?;
        Ok(row)
    }

    fn drop_old_last_resorts(&self, rows: &[KeyPackageRow]) -> Result<(), PoolError> {
        let provider = self.ctx.backend.on(self.ctx.store);
        let old = |row: &&KeyPackageRow| {
            row.last_resort && self.now().since(row.made_at) > LAST_RESORT_AGE + KEPT_AFTER
        };
        for row in rows.iter().filter(old) {
            delete_key_package(&provider, &row.reference)?;
            self.tx.delete_key_package_row(&row.reference)?;
        }
        Ok(())
    }
}

impl Publication {
    fn add(&mut self, row: &KeyPackageRow) {
        let Some(message) = row.message.clone() else { return };
        self.references.push(row.reference.clone());
        if row.last_resort {
            self.last_resort = Some(message);
        } else {
            self.key_packages.push(message);
        }
    }
}

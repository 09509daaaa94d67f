//! The pool of key packages that others admit this device with: private keys here, the rest at the
//! home relay.
//!
//! Each of the pool is published at most once: one that came to the relay twice would be handed out
//! twice, and whoever admits with the second one admits nobody. What becomes of a publication that
//! isn't answered nobody needs to know: the relay says how many it has.

use std::time::Duration;

use enlace_channel::mls::{
    KeyPackageError, KeyPackageReference, NewKeyPackage, Suite, delete_key_package,
    generate_key_package,
};

use super::work::Work;
use super::{Engine, EngineError};
use crate::store::{KeyPackageRow, StoreError};

/// Those for which others find key packages of this device.
pub(crate) const SUITES: [Suite; 2] = [Suite::PostQuantum, Suite::Classic];

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
    last_resort_row: Option<(Suite, KeyPackageReference)>,
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
    /// What to publish when the relay has so many. Another call never names a key package of the
    /// pool again; a last resort is named until it is confirmed.
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
        let Some((suite, reference)) = &publication.last_resort_row else { return Ok(()) };
        self.write(|work| {
            for row in work.tx.key_packages(suite.code())? {
                if row.reference == *reference {
                    work.tx.put_key_package(&KeyPackageRow { message: None, ..row })?;
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
        for _ in available..POOL {
            publication.key_packages.push(self.generate(suite, false)?.message);
        }
        let newest = rows.iter().rev().find(|row| row.last_resort);
        let is_old = |row: &KeyPackageRow| self.now().since(row.made_at) > LAST_RESORT_AGE;
        match newest {
            Some(row) if row.message.is_some() => publication.set_last_resort(suite, row),
            // An empty pool means that the last resort may be in use.
            Some(row) if available > 0 && !is_old(row) => {}
            _ => {
                let row = self.make_last_resort(suite)?;
                publication.set_last_resort(suite, &row);
                self.drop_old_last_resorts(&rows)?;
            }
        }
        Ok(publication)
    }

    fn make_last_resort(&self, suite: Suite) -> Result<KeyPackageRow, PoolError> {
        let made = self.generate(suite, true)?;
        let row = KeyPackageRow {
            reference: made.reference,
            suite: suite.code(),
            last_resort: true,
            message: Some(made.message),
            made_at: self.now(),
        };
        self.tx.put_key_package(&row)?;
        Ok(row)
    }

    fn generate(&self, suite: Suite, last_resort: bool) -> Result<NewKeyPackage, KeyPackageError> {
        let device = self.ctx.device;
        let provider = self.ctx.backend.on(self.ctx.store);
        generate_key_package(&provider, &device.key, &device.chain, suite, last_resort)
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
    fn set_last_resort(&mut self, suite: Suite, row: &KeyPackageRow) {
        self.last_resort.clone_from(&row.message);
        self.last_resort_row = Some((suite, row.reference.clone()));
    }
}

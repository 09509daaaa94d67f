//! Welcomes that lead nowhere: why, what to do with them, and what the officer is told.
//!
//! Anybody who can deliver a welcome can deliver false ones, as many as it likes. So the officer
//! is told of a few a day of each hub; all of them are in the program's log.

use std::time::Duration;

use enlace_channel::channel::JoinRefused;
use enlace_identity::certificate::CertificateFormatError;
use enlace_identity::chain::ChainError;
use enlace_identity::names::{Domain, NameError};
use enlace_log::device_list::ListError;
use enlace_log::head::HeadError;
use enlace_log::item::ItemError;
use enlace_log::{ChannelId, Seq};

use crate::engine::EngineError;
use crate::engine::directory::DirectoryError;
use crate::engine::work::Work;
use crate::notice::Notice;
use crate::store::{RefusedWelcome, StoreError};

/// Of how many refused welcomes of one hub the officer is told within [`PERIOD`].
const LIMIT: u64 = 16;

/// How long a refused welcome is remembered.
const PERIOD: Duration = Duration::from_secs(86_400);

/// Why a welcome led nowhere.
#[derive(Debug, thiserror::Error)]
pub enum WelcomeError {
    /// It misses a part, or one has a wrong length.
    #[error("the welcome is incomplete: {0}")]
    Incomplete(&'static str),
    /// A domain or device can't be read.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The commit can't be read.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The head doesn't hold.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The device list can't be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// A certificate can't be read.
    #[error(transparent)]
    Certificate(#[from] CertificateFormatError),
    /// The head key is not the hub's.
    #[error("the hub's head key is refused: {0}")]
    HeadKey(#[source] DirectoryError),
    /// The welcome itself is refused.
    #[error(transparent)]
    Refused(JoinRefused),
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for WelcomeError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<JoinRefused> for WelcomeError {
    fn from(error: JoinRefused) -> Self {
        match error {
            JoinRefused::Channel(error) => Self::Engine(error.into()),
            refused => Self::Refused(refused),
        }
    }
}

/// What to do with a welcome that led nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disposition {
    /// It will never be good: acknowledge it.
    Drop,
    /// It may be good later, when the log before it is handled, the clock is set or another bundle
    /// is here: keep it unacknowledged.
    Keep,
    /// The store failed: nothing more can be done in this session.
    Broken,
}

impl WelcomeError {
    /// What to do with the welcome.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        let may_pass = |error: &ChainError| {
            matches!(
                error,
                ChainError::UnknownAuthority(_)
                    | ChainError::LeafValidity { .. }
                    | ChainError::IssuingValidity { .. }
                    | ChainError::RootValidity { .. }
            )
        };
        match self {
            // Nobody's welcome may end the session.
            Self::Engine(error) if error.of_one_channel().is_some() => Disposition::Keep,
            Self::Engine(_) => Disposition::Broken,
            Self::Refused(JoinRefused::LogFirst | JoinRefused::NeedsNewerVersion) => {
                Disposition::Keep
            }
            Self::Refused(JoinRefused::BundleMissing(_)) => Disposition::Keep,
            Self::Refused(JoinRefused::Certificate(error)) if may_pass(error) => Disposition::Keep,
            Self::HeadKey(DirectoryError::Chain(error)) if may_pass(error) => Disposition::Keep,
            _ => Disposition::Drop,
        }
    }
}

impl Work<'_> {
    /// Tells the officer of a refusal for good: once for each place, and within the limit.
    pub(super) fn note_refusal(
        &mut self,
        hub: &str,
        (channel, seq): (ChannelId, Seq),
        error: &WelcomeError,
    ) -> Result<(), StoreError> {
        let is_old = matches!(error, WelcomeError::Refused(JoinRefused::AlreadyMember));
        if error.disposition() != Disposition::Drop || is_old {
            return Ok(());
        }
        let hub = hub.parse().ok();
        let hub = hub.filter(|hub: &Domain| self.ctx.bundle.authority_of(hub).is_some());
        let at = self.now();
        let refused = RefusedWelcome { hub, channel, seq, at };
        if self.tx.put_refused_welcome(&refused, at.minus(PERIOD), LIMIT)? {
            let reason = error.to_string();
            self.note(Some(channel), None, Notice::WelcomeRefused { reason })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use enlace_channel::channel::ChannelError;
    use enlace_channel::mls::GroupError;
    use enlace_channel::state_store::StateError;

    use super::*;

    #[test]
    fn only_a_store_that_fails_ends_a_session() {
        let of =
            |error: ChannelError| WelcomeError::from(JoinRefused::Channel(error)).disposition();
        assert_eq!(of(ChannelError::Group(GroupError::Foreign)), Disposition::Keep);
        let failed = StateError::Engine("the disk is full".into());
        assert_eq!(of(ChannelError::State(failed)), Disposition::Broken);
    }
}

//! What went wrong, in the officer's words.

use std::error::Error;
use std::io::ErrorKind;

use enlace_channel::channel::VoteError;
use enlace_client::client::{OpenError, WaitError};
use enlace_client::engine::{
    ActError, BackupError, CreateChannelError, DeviceError, EngineError, MoveError, PostError,
    ResumeError, TransferError,
};
use enlace_client::profile::{CreateError, EnrollError, InvitedError, ProfileError};
use enlace_client::store::StoreError;
use enlace_client::sync::SyncError;
use enlace_identity::bundle::BundleError;
use enlace_identity::keys::KeyFileError;

use crate::failure::Failure;
use crate::ui::Ui;
use crate::words::Text;

/// Turns an error of the SDK into a failure.
pub(crate) trait Explained<T> {
    /// Says it in the officer's language, with what to do about it.
    fn explained(self, ui: &Ui) -> Result<T, Failure>;
}

impl<T, E: Explain> Explained<T> for Result<T, E> {
    fn explained(self, ui: &Ui) -> Result<T, Failure> {
        self.map_err(|error| error.explain(ui))
    }
}

/// An error that officers meet.
pub(crate) trait Explain {
    fn explain(self, ui: &Ui) -> Failure;
}

fn said(ui: &Ui, text: Text<'_>) -> Failure {
    Failure::new(ui.say(text))
}

fn as_it_is(error: impl Error + Send + Sync + 'static) -> Failure {
    Failure::from(error)
}

impl Explain for ProfileError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Missing(directory) => {
                let directory = &directory.display().to_string();
                said(ui, Text::NoProfile { directory }).hint(ui.say(Text::MakeProfile))
            }
            Self::NotEnrolled => said(ui, Text::NotEnrolledYet).hint(ui.say(Text::AskRegistrar)),
            Self::Key(KeyFileError::WrongPassphrase) => said(ui, Text::WrongPassphrase),
            error if is_repaired_by_enrolling(&error) => {
                as_it_is(error).hint(ui.say(Text::EnrolAgain))
            }
            error => as_it_is(error),
        }
    }
}

fn is_repaired_by_enrolling(error: &ProfileError) -> bool {
    match error {
        ProfileError::Certificates(_) | ProfileError::Bundle(_) | ProfileError::BundleFile(_) => {
            true
        }
        ProfileError::Disk { path, error } => {
            error.kind() == ErrorKind::NotFound
                && ["certificates.pem", "network.bundle", "endpoint.record"]
                    .iter()
                    .any(|name| path.ends_with(name))
        }
        _ => false,
    }
}

impl Explain for StoreError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::WrongPassphrase => said(ui, Text::WrongPassphrase),
            error => as_it_is(error),
        }
    }
}

impl Explain for EngineError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Store(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for OpenError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Profile(error) => error.explain(ui),
            Self::Store(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for CreateError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Profile(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for EnrollError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Profile(error) => error.explain(ui),
            Self::Format(_) => said(ui, Text::NoCertificate).hint(ui.say(Text::CertificateFile)),
            Self::Bundle(BundleError::WrongHash { expected, found }) => {
                let (found, told) = (&found.to_string(), &expected.to_string());
                said(ui, Text::WrongHash { found, told }).hint(ui.say(Text::CompareHash))
            }
            Self::BundleFile(_)
            | Self::OtherName { .. }
            | Self::OtherKey
            | Self::EndpointRecord(_)
            | Self::OtherRecord(_) => as_it_is(self).hint(ui.say(Text::AskRightFile)),
            error => as_it_is(error),
        }
    }
}

impl Explain for InvitedError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Refused => {
                said(ui, Text::InvitationRefused).hint(ui.say(Text::InvitationMayBeStolen))
            }
            Self::Later(wait) => {
                said(ui, Text::RelayAskedTooOften { seconds: wait.as_secs().max(1) })
            }
            Self::Enroll(error) => error.explain(ui),
            Self::Profile(error) => error.explain(ui),
            error @ (Self::OtherDevice { .. } | Self::OtherNetwork | Self::Certificates(_)) => {
                as_it_is(error).hint(ui.say(Text::AskRightFile))
            }
            error => said(ui, Text::RelayOutOfReach { why: &error.to_string() }),
        }
    }
}

impl Explain for CreateChannelError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Engine(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for PostError {
    fn explain(self, ui: &Ui) -> Failure {
        use enlace_channel::entry::ComposeError;

        match self {
            Self::Removed => said(ui, Text::NoLongerMember),
            Self::Observer => said(ui, Text::ObserversOnlyRead),
            Self::Closed => said(ui, Text::ChannelClosed).hint(ui.say(Text::ReopenIt)),
            Self::NotAForum => said(ui, Text::NotAForum),
            Self::OnlyGuides => said(ui, Text::OnlyGuidesPublish).hint(ui.say(Text::AskInstead)),
            Self::NoQuestion => said(ui, Text::NoQuestionThere),
            Self::AnsweredAlready(seq) => said(ui, Text::AnsweredAlready { place: seq.0 }),
            Self::ClientIdUsed => said(ui, Text::IdUsed),
            Self::NoSuchEntry => said(ui, Text::NoEntryThere),
            Self::OthersEntry => said(ui, Text::OthersEntry),
            Self::Stands => said(ui, Text::EntryStands),
            Self::WithdrawnAlready => said(ui, Text::WithdrawnAlready),
            Self::Compose(ComposeError::Empty) => said(ui, Text::EmptyNote),
            Self::Compose(ComposeError::Restriction) => said(ui, Text::RestrictionGoesWithH3),
            Self::Engine(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for BackupError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Exists => said(ui, Text::BackupExists),
            Self::WrongPassphrase => said(ui, Text::WrongPassphrase),
            Self::OtherOfficer(officer) => said(ui, Text::OthersBackup { officer: &officer }),
            Self::Engine(error) => error.explain(ui),
            error @ Self::Disk(_) => as_it_is(error),
        }
    }
}

impl Explain for TransferError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::NotAdded(device) => {
                let device = device.as_str();
                said(ui, Text::DeviceNotAdded { device }).hint(ui.say(Text::AddDevice { device }))
            }
            Self::NotTogether(device) => said(ui, Text::DevicesApart { device: device.as_str() })
                .hint(ui.say(Text::BringTogether)),
            Self::OtherKey(device) => {
                let device = device.as_str();
                let hint = ui.say(Text::OtherKey { device });
                said(ui, Text::DeviceWithOtherKey { device }).hint(hint)
            }
            Self::Others(device) => said(ui, Text::OthersDevice { device: device.as_str() }),
            Self::TimedOut => said(ui, Text::OtherDeviceAway).hint(ui.say(Text::BothAtOnce)),
            Self::Midway => said(ui, Text::OtherDeviceMidway).hint(ui.say(Text::BothAtOnce)),
            Self::Unconfirmed(device) => {
                said(ui, Text::HistoryUnconfirmed { device: device.as_str() })
                    .hint(ui.say(Text::LookThere))
            }
            Self::Sync(error) => error.explain(ui),
            Self::Call(error) => said(ui, Text::RelayOutOfReach { why: &error.to_string() }),
            Self::Backup(error) => error.explain(ui),
            error @ (Self::Refused(_)
            | Self::Certificate(_)
            | Self::Untrusted(_)
            | Self::TooLong
            | Self::Altered) => said(ui, Text::TransferRefused { why: &error.to_string() }),
        }
    }
}

impl Explain for DeviceError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Others(device) => said(ui, Text::OthersDevice { device: device.as_str() }),
            Self::ThisOne => said(ui, Text::DeviceInUse),
            Self::Former(device) => said(ui, Text::FormerDevice { device: device.as_str() }),
            Self::Engine(error) => error.explain(ui),
        }
    }
}

impl Explain for ResumeError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::NotACopy => said(ui, Text::DeviceIsNoCopy),
            Self::Count(seen) => said(ui, Text::CountCannotBe { seen }),
            Self::Engine(error) => error.explain(ui),
        }
    }
}

impl Explain for ActError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Removed => said(ui, Text::NoLongerMember),
            Self::Closed => said(ui, Text::NobodyEntersClosed).hint(ui.say(Text::ReopenIt)),
            Self::OwnerCloses => said(ui, Text::OwnerCloses),
            Self::OwnerRaisesRules => said(ui, Text::OwnerRaisesRules),
            Self::NewestRules => said(ui, Text::NewestRules),
            Self::ProgramsBehind(devices) => said(ui, Text::ProgramsBehind { devices: &devices }),
            Self::NeedsNewerVersion => said(ui, Text::ChannelNeedsNewerVersion),
            Self::OwnerRenews => said(ui, Text::OwnerRenews),
            Self::UnknownAuthority(domain) => {
                said(ui, Text::NoSuchAuthority { domain: domain.as_str() })
            }
            Self::NotInChannel(officer) => {
                said(ui, Text::NotInChannel { officer: &officer.to_string() })
            }
            Self::AlreadyInChannel(officer, _) => {
                said(ui, Text::AlreadyInChannel { officer: &officer.to_string() })
            }
            Self::OwnerStays(officer) => {
                said(ui, Text::OwnerStays { officer: &officer.to_string() })
            }
            Self::OwnerLeaves => {
                said(ui, Text::OwnerCannotLeave).hint(ui.say(Text::HandOwnershipOn))
            }
            Self::NotEntitled => said(ui, Text::NotEntitled),
            Self::Mandate(error) => said(ui, Text::MandateRefused { why: &error.to_string() }),
            Self::MandateElsewhere => said(ui, Text::MandateElsewhere),
            Self::HasLead(domain) => said(ui, Text::HasLead { domain: domain.as_str() }),
            Self::NotAsked(whom) => said(ui, Text::NotAsked { officer: &whom }),
            Self::OwnerExpels => said(ui, Text::OwnerExpels),
            Self::NobodyAgrees => said(ui, Text::NobodyAgrees),
            Self::AuthorityNotThere(domain) => {
                said(ui, Text::AuthorityNotThere { domain: domain.as_str() })
            }
            Self::Engine(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for MoveError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Vote(VoteError::NotALead) => said(ui, Text::NotEntitled),
            Self::Vote(VoteError::NotAMember) => said(ui, Text::NoLongerMember),
            Self::Vote(VoteError::NotInChannel(domain)) => {
                said(ui, Text::AuthorityNotThere { domain: domain.as_str() })
            }
            Self::Vote(VoteError::AlreadyThere(domain)) => {
                said(ui, Text::AlreadyOrdered { domain: domain.as_str() })
            }
            Self::NotAsked => said(ui, Text::NotAskedToMove),
            Self::Engine(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for WaitError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Engine(error) => error.explain(ui),
            error => as_it_is(error),
        }
    }
}

impl Explain for SyncError {
    fn explain(self, ui: &Ui) -> Failure {
        match self {
            Self::Engine(error) => error.explain(ui),
            error => {
                let why = error.to_string();
                said(ui, Text::RelayOutOfReach { why: &why }).hint(ui.say(Text::DoctorHelps))
            }
        }
    }
}

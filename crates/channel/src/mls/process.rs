//! Receiving: decrypt, check, and hand over what to judge.

use std::fmt;

use openmls::group::{ProcessMessageError, StageCommitError, StagedCommit as MlsStaged};
use openmls::prelude::{ApplyUpdatePathError, ProcessedMessageContent, Sender};

use super::backend::Provider;
use super::error::{MergeError, MlsError, ProcessError, VoidReason};
use super::group::Group;
use super::ids::LeafIndex;
use super::inspect::CommitDetails;
use super::message::{self, MessageInfo};
use super::storage::StorageFailure;
use super::view::{self, Member};

/// A message that was decrypted and whose signature is its sender's.
pub enum Processed {
    /// An entry.
    Application {
        /// Who sent it.
        sender: Member,
        /// The authenticated data.
        aad: Vec<u8>,
        /// What was encrypted.
        plaintext: Vec<u8>,
    },
    /// A commit, not merged yet.
    Commit(Box<StagedCommit>),
    /// The message claims to be this device's own. Nothing backs that claim: unless the caller
    /// knows the very bytes as its own, the message is void.
    OwnMessage,
}

/// A commit of another member that can be merged with [`Group::merge_staged`].
pub struct StagedCommit {
    /// What it does.
    pub details: CommitDetails,
    /// The authenticated data.
    pub aad: Vec<u8>,
    inner: MlsStaged,
}

impl Group {
    /// Decrypts and checks a message.
    ///
    /// The ratchet moves in the store: open a savepoint before, and when the message turns out to
    /// be void here or later, roll back and [`reload`](Self::reload).
    pub fn process(
        &mut self,
        provider: &Provider<'_>,
        message: &[u8],
    ) -> Result<Processed, ProcessError> {
        if !self.is_member() {
            return Err(ProcessError::NotAMember);
        }
        let (info, message) = message::parse(message)?;
        self.check_address(&info)?;
        let processed = self.inner.process_message(provider.mls(), message);
        provider.check_store()?;
        let processed = processed.map_err(classify)?;

        let aad = processed.aad().to_vec();
        let Sender::Member(sender) = *processed.sender() else {
            return Err(VoidReason::ContentType.into());
        };
        let sender = sender.into();
        match processed.into_content() {
            ProcessedMessageContent::ApplicationMessage(content) => Ok(Processed::Application {
                sender: self.member(sender)?,
                aad,
                plaintext: content.into_bytes(),
            }),
            ProcessedMessageContent::StagedCommitMessage(staged) => {
                let details = self.inspect(provider, sender, &staged)?;
                Ok(Processed::Commit(Box::new(StagedCommit { details, aad, inner: *staged })))
            }
            ProcessedMessageContent::OwnPrivateMessage => Ok(Processed::OwnMessage),
            _ => Err(VoidReason::ContentType.into()),
        }
    }

    /// Merges another member's commit. A pending commit of this device is cleared by it.
    pub fn merge_staged(
        &mut self,
        provider: &Provider<'_>,
        staged: StagedCommit,
    ) -> Result<(), MergeError> {
        let merged = self.inner.merge_staged_commit(provider.mls(), staged.inner);
        provider.check_store()?;
        self.has_changed(Some(staged.details.after.clone()));
        merged.map_err(|error| MergeError::Mls(MlsError::new(error)))?;
        self.check_merged(&staged.details)
    }

    /// The group must now be what was judged.
    fn check_merged(&self, details: &CommitDetails) -> Result<(), MergeError> {
        match self.view() {
            Ok(view) if view == details.after => Ok(()),
            _ => Err(MergeError::Inconsistent),
        }
    }

    fn check_address(&self, info: &MessageInfo) -> Result<(), VoidReason> {
        if info.group_id != self.id {
            return Err(VoidReason::OtherGroup);
        }
        if info.epoch != self.epoch() {
            return Err(VoidReason::OtherEpoch { message: info.epoch, group: self.epoch() });
        }
        Ok(())
    }

    fn member(&self, leaf: LeafIndex) -> Result<Member, VoidReason> {
        let member = self.inner.member_at(leaf.into()).ok_or(VoidReason::ContentType)?;
        let rules = view::stated_rules(self.inner.public_group().leaf(leaf.into()));
        Member::of_mls(member, rules).map_err(VoidReason::Leaf)
    }
}

/// Everything is void but what depends on this device's own secrets: those a commit's author can
/// make fail for some members only (garbled, missing or never given path secrets).
fn classify(error: ProcessMessageError<StorageFailure>) -> ProcessError {
    use ApplyUpdatePathError::{MissingCiphertext, MissingSender, PathMismatch, UnableToDecrypt};

    match error {
        ProcessMessageError::InvalidCommit(StageCommitError::UpdatePathError(
            UnableToDecrypt | PathMismatch | MissingCiphertext | MissingSender,
        )) => ProcessError::Stranded,
        ProcessMessageError::GroupStateError(_) => ProcessError::NotAMember,
        error => VoidReason::Mls(MlsError::new(error)).into(),
    }
}

impl fmt::Debug for Processed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application { sender, .. } => {
                f.debug_struct("Application").field("sender", &sender.leaf).finish_non_exhaustive()
            }
            Self::Commit(staged) => staged.fmt(f),
            Self::OwnMessage => f.write_str("OwnMessage"),
        }
    }
}

impl fmt::Debug for StagedCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedCommit").field("details", &self.details).finish_non_exhaustive()
    }
}

//! What the officer writes: channels and notes. Both are durable before these return.

use enlace_channel::channel::{Channel, ChannelDraft, ChannelError, SealError};
use enlace_channel::entry::{ComposeError, EntryKind, HandlingCode, NoteDraft, TimeZone};
use enlace_channel::mls::Suite;
use enlace_channel::policy::{ChannelKind, NewCase, PolicyError};
use enlace_log::{ChannelId, ChannelNonce, ClientId, Commitment, Generation, Seq};

use super::seal::Sealing;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::store::{ChannelRow, ChannelStanding, OutboxRow, OutboxState, SealedItem, StoreError};
use crate::task::Task;

/// A channel to be opened. This device's officer owns it; the own authority's relay orders it.
#[derive(Clone, Debug)]
pub struct NewChannel {
    /// One line.
    pub title: String,
    /// The own authority's reference of the case.
    pub case_reference: Option<String>,
    /// What the exchange rests on; may be empty.
    pub legal_basis: String,
    /// What notes get unless their author chooses.
    pub default_handling: HandlingCode,
}

/// A note to be sent.
#[derive(Clone, Debug)]
pub struct NewNote {
    /// What it says.
    pub text: String,
    /// What may be done with it; the channel's default if not given.
    pub handling: Option<HandlingCode>,
    /// The restriction in words that H3 stands for.
    pub restriction: Option<String>,
    /// The author's time zone.
    pub time_zone: TimeZone,
    /// The same for the same note, so that asking twice sends it once.
    pub client_id: Option<ClientId>,
}

/// Why no channel was opened. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum CreateChannelError {
    /// The title, or something else of it, can't be like this.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The group could not be made.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The relay has seen a later state of this device.
    #[error("this device was restored from a copy and must not write")]
    SnapshotRestored,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why a note was not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no such channel on this device.
    #[error("there is no such channel on this device")]
    UnknownChannel,
    /// This device is not a member any more.
    #[error("this device is not a member of the channel any more")]
    Removed,
    /// The officer's role doesn't allow it.
    #[error("as an observer one reads and does not write")]
    Observer,
    /// Nothing is written in a closed channel.
    #[error("the channel is closed")]
    Closed,
    /// The text can't be like this.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// There is no entry at that place.
    #[error("there is no entry at that place")]
    NoSuchEntry,
    /// Only its own author's officer corrects or withdraws an entry.
    #[error("the entry is another officer's: only its author corrects or withdraws it")]
    OthersEntry,
    /// It does something, and does not only say it.
    #[error("an entry of this kind cannot be corrected or withdrawn")]
    Stands,
    /// It was withdrawn before.
    #[error("the entry is withdrawn already")]
    WithdrawnAlready,
    /// Questions, answers and pins belong to forums.
    #[error("this is not a forum")]
    NotAForum,
    /// Members of a forum ask.
    #[error("in a forum guides, leads and the owner publish; members ask")]
    OnlyGuides,
    /// What is to be answered is no question.
    #[error("the entry at that place is no question")]
    NoQuestion,
    /// A question is answered once.
    #[error("the question is answered already, at place {0}")]
    AnsweredAlready(Seq),
    /// The idempotency key was used for something else.
    #[error("this client id was used for something else")]
    ClientIdUsed,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

macro_rules! from_store {
    ($($error:ty),*) => {$(
        impl From<StoreError> for $error {
            fn from(error: StoreError) -> Self {
                Self::Engine(error.into())
            }
        }

        impl From<ChannelError> for $error {
            fn from(error: ChannelError) -> Self {
                Self::Engine(error.into())
            }
        }
    )*};
}
from_store!(CreateChannelError, PostError);

impl Engine {
    /// Opens a channel: the group is made here and waits for the relay to accept it.
    ///
    /// # Errors
    /// [`CreateChannelError`]; nothing has changed then.
    pub fn create_channel(&mut self, new: NewChannel) -> Result<ChannelId, CreateChannelError> {
        self.create(new, ChannelKind::Case, Suite::default())
    }

    /// Opens a forum in the same way.
    ///
    /// # Errors
    /// [`CreateChannelError`]; nothing has changed then.
    pub fn create_forum(
        &mut self,
        new: NewChannel,
        suite: Suite,
    ) -> Result<ChannelId, CreateChannelError> {
        self.create(new, ChannelKind::Forum, suite)
    }

    fn create(
        &mut self,
        new: NewChannel,
        kind: ChannelKind,
        suite: Suite,
    ) -> Result<ChannelId, CreateChannelError> {
        let snapshot = self.snapshot()?.is_some();
        self.write(|work| {
            if snapshot {
                return Err(CreateChannelError::SnapshotRestored);
            }
            work.create(new, kind, suite)
        })
    }

    /// Signs a note and puts it in the outbox.
    ///
    /// # Errors
    /// [`PostError`]; nothing has changed then.
    pub fn post(&mut self, id: ChannelId, note: NewNote) -> Result<ClientId, PostError> {
        self.write(|work| work.post(id, note, (EntryKind::Note, None)))
    }
}

impl Work<'_> {
    fn create(
        &mut self,
        new: NewChannel,
        kind: ChannelKind,
        suite: Suite,
    ) -> Result<ChannelId, CreateChannelError> {
        let hub = self.me().domain().clone();
        let nonce = ChannelNonce(self.random());
        let id = ChannelId::derive(&hub, &nonce);
        let client_id = self.new_client_id(id);
        let policy = NewCase {
            channel: id,
            owner: self.me().officer().clone(),
            title: new.title,
            case_reference: new.case_reference,
            legal_basis: new.legal_basis,
            default_handling: new.default_handling,
            hub: hub.clone(),
            bundle_hash: self.ctx.bundle.hash(),
        };
        let draft = ChannelDraft { id, client_id, suite, policy: policy.into_policy_of(kind)? };
        self.note_count_before_hello()?;
        let (channel, outgoing) = Channel::create(&self.ctx, draft)?;
        self.tx.put_channel(&ChannelRow {
            id,
            hub,
            title: channel.policy().title().to_owned(),
            standing: ChannelStanding::Creating,
            stopped: None,
            head: None,
            joined_at: self.now(),
            updated_at: self.now(),
        })?;
        self.keep_nonce(id, &nonce)?;
        self.tx.put_outbox(&OutboxRow {
            sealed: Some(SealedItem { fence: outgoing.envelope.fence, request: outgoing.request }),
            ..self.new_row(id, client_id, Task::Create { nonce })
        })?;
        self.add_other_devices(&channel)?;
        self.tell(ClientEvent::Channel(id));
        self.keep(channel);
        Ok(id)
    }

    /// `about` is what kind of entry it is, and of which one it speaks.
    pub(super) fn post(
        &mut self,
        id: ChannelId,
        note: NewNote,
        about: (EntryKind, Option<Commitment>),
    ) -> Result<ClientId, PostError> {
        self.post_or_pin(id, note, about, None)
    }

    /// The same; with `pins` a pin, whose text is left out.
    pub(super) fn post_or_pin(
        &mut self,
        id: ChannelId,
        note: NewNote,
        (kind, parent): (EntryKind, Option<Commitment>),
        pins: Option<bool>,
    ) -> Result<ClientId, PostError> {
        let client_id = note.client_id.unwrap_or_else(|| self.new_client_id(id));
        if let Some(row) = self.tx.outbox_of(client_id)? {
            let is_same = row.channel == id && row.task == Task::Entry;
            return if is_same { Ok(client_id) } else { Err(PostError::ClientIdUsed) };
        }
        let row = self.tx.channel(id)?.ok_or(PostError::UnknownChannel)?;
        if row.standing == ChannelStanding::Removed {
            return Err(PostError::Removed);
        }
        let channel = self.take(id)?.ok_or(PostError::UnknownChannel)?;
        if channel.policy().is_closed() {
            return Err(PostError::Closed);
        }
        let role = self.own_role(channel.policy());
        let role = role.filter(|role| role.may_write()).ok_or(PostError::Observer)?;
        super::forum::check_kind(channel.policy().kind(), role, kind)?;
        let draft = NoteDraft {
            channel: id,
            generation: Generation(0),
            author: self.me(),
            client_id,
            local_time: self.now(),
            time_zone: note.time_zone,
            handling: note.handling.unwrap_or_else(|| channel.policy().default_handling()),
            restriction: note.restriction.as_deref(),
            parent: None,
            known_head: channel.known_head(),
            text: &note.text,
        };
        let draft = NoteDraft { generation: channel.policy().generation(), parent, ..draft };
        let salts = || self.salt();
        let entry = match pins {
            Some(pinned) => draft.sign_pin(pinned, &self.ctx.device.key, salts)?,
            None => draft.sign_as(kind, &self.ctx.device.key, salts)?,
        };
        self.tx.put_outbox(&OutboxRow {
            signed: Some(entry.encode()),
            ..self.new_row(id, client_id, Task::Entry)
        })?;
        self.keep(channel);
        self.tell(ClientEvent::Outbox { channel: id, client_id, state: OutboxState::Queued });
        self.seal_at_once(id)?;
        Ok(client_id)
    }

    /// Makes the item in the same transaction where nothing stands before it: one sync to disk
    /// less on a note's way.
    fn seal_at_once(&mut self, id: ChannelId) -> Result<(), EngineError> {
        let rows = self.tx.queued(Some(id))?;
        let [row] = &rows[..] else { return Ok(()) };
        if !self.may_seal || row.sealed.is_some() {
            return Ok(());
        }
        self.tx.savepoint()?;
        match self.seal(row.clone()) {
            Ok(_) => Ok(self.tx.release()?),
            Err(Sealing::Engine(error)) => Err(error),
            Err(Sealing::Impossible(_)) => {
                // The session finds out again, and says why.
                self.forget(id);
                Ok(self.tx.rollback()?)
            }
        }
    }

    pub(super) fn new_row(&self, id: ChannelId, client_id: ClientId, task: Task) -> OutboxRow {
        OutboxRow {
            position: 0,
            client_id,
            channel: id,
            task,
            signed: None,
            sealed: None,
            state: OutboxState::Queued,
            attempts: 0,
            not_before: enlace_identity::time::Timestamp::default(),
            automatic: false,
            created_at: self.now(),
        }
    }
}

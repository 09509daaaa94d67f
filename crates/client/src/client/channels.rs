//! Channels and their members.

use std::collections::BTreeMap;

use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId};

use super::Client;
use super::views::ChannelDetails;
use crate::engine::{
    ActError, Batches, CreateChannelError, EngineError, MoveError, MoveView, NewChannel, Wish,
};
use crate::store::{ChannelRow, StoreError};

impl Client {
    /// Opens a case channel, owned by this officer and ordered by the own authority's relay. It
    /// can be used at once; others can be added when the relay has accepted it.
    ///
    /// # Errors
    /// [`CreateChannelError`]; nothing has changed then.
    pub fn create_channel(&self, new: NewChannel) -> Result<ChannelId, CreateChannelError> {
        let created = self.with_engine(|engine| engine.create_channel(new))?;
        self.wake();
        Ok(created)
    }

    /// All channels of this device, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channels(&self) -> Result<Vec<ChannelRow>, StoreError> {
        self.with_engine(|engine| engine.read(|tx| tx.channels()))
    }

    /// Everything about a channel; `None` if there is none on this device.
    ///
    /// # Errors
    /// When the store fails.
    pub fn show(&self, channel: ChannelId) -> Result<Option<ChannelDetails>, EngineError> {
        self.with_engine(|engine| engine.details(channel))
    }

    /// The end of each certificate with which a device stands in a channel. Who has another one by now
    /// follows before long.
    ///
    /// # Errors
    /// When the store fails.
    pub fn certificates_in(
        &self,
        channel: ChannelId,
    ) -> Result<BTreeMap<DeviceName, Timestamp>, EngineError> {
        self.with_engine(|engine| engine.certificates_in(channel))
    }

    /// Asks for an officer to be admitted. Durable when it returns; carried out by the sync.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn add_member(
        &self,
        channel: ChannelId,
        officer: OfficerAddress,
        role: Role,
    ) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::Add(officer, role))
    }

    /// Asks for a stand-in to be admitted, by its registrar's signed mandate.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn add_stand_in(&self, channel: ChannelId, mandate: Vec<u8>) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::StandIn(mandate))
    }

    /// Asks for officers of the own authority to be admitted, in batches. Durable when it returns.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn add_members(
        &self,
        channel: ChannelId,
        officers: &[OfficerAddress],
        role: Role,
    ) -> Result<Batches, ActError> {
        let batches = self.with_engine(|engine| engine.admit_many(channel, officers, role))?;
        self.wake();
        Ok(batches)
    }

    /// Asks for all officers of the own authority to be admitted whose programs have been at its
    /// relay. Durable when it returns.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn add_all(&self, channel: ChannelId, role: Role) -> Result<ClientId, ActError> {
        let asked = self.with_engine(|engine| engine.admit_all(channel, role))?;
        self.wake();
        Ok(asked)
    }

    /// Asks for officers of the own authority to be removed, in batches. Durable when it returns.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn remove_members(
        &self,
        channel: ChannelId,
        officers: &[OfficerAddress],
    ) -> Result<Batches, ActError> {
        let batches = self.with_engine(|engine| engine.remove_many(channel, officers))?;
        self.wake();
        Ok(batches)
    }

    /// The batches of a channel that still wait.
    ///
    /// # Errors
    /// When the store fails.
    pub fn batches(&self, channel: ChannelId) -> Result<Vec<ClientId>, StoreError> {
        self.with_engine(|engine| engine.batches(channel))
    }

    /// Asks for an officer to be removed.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn remove_member(
        &self,
        channel: ChannelId,
        officer: OfficerAddress,
    ) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::Remove(officer))
    }

    /// Asks for an officer's role to be changed; `Owner` hands the ownership on.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn set_role(
        &self,
        channel: ChannelId,
        officer: OfficerAddress,
        role: Role,
    ) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::SetRole(officer, role))
    }

    /// Asks for an officer to become the owner, in the place of one whose devices are gone: carried out
    /// when leads of most authorities have consented.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn appoint_owner(
        &self,
        channel: ChannelId,
        officer: OfficerAddress,
    ) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::AppointOwner(officer))
    }

    /// Consents, for this officer's authority, to what was asked about an officer, or refuses.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn answer(
        &self,
        channel: ChannelId,
        whom: &impl ToString,
        answer: Answer,
        time_zone: TimeZone,
    ) -> Result<ClientId, ActError> {
        let client_id = self
            .with_engine(|engine| engine.answer(channel, &whom.to_string(), answer, time_zone))?;
        self.wake();
        Ok(client_id)
    }

    /// Closes a channel, or opens it again.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn set_closed(&self, channel: ChannelId, closed: bool) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::SetClosed(closed))
    }

    /// Switches a channel to the next version of the rules, once every program in it knows it.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn raise_rules(&self, channel: ChannelId) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::RaiseRules)
    }

    /// Gives a channel fresh keys for everybody, of another suite if one is named.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn renew_channel(
        &self,
        channel: ChannelId,
        suite: Option<Suite>,
    ) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::RenewChannel(suite))
    }

    /// Gives a channel fresh keys in which nobody can go on with the present ones. A device may do
    /// this that has lost step itself.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn rescue_channel(&self, channel: ChannelId) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::RescueChannel)
    }

    /// Votes for the relay of another authority in a channel to order it from then on: leads of most
    /// authorities decide. The vote is given again by itself until the channel is there, or it is taken back.
    ///
    /// # Errors
    /// [`MoveError`]; nothing has changed then.
    pub fn move_channel(&self, channel: ChannelId, to: &Domain) -> Result<(), MoveError> {
        self.with_engine(|engine| engine.move_channel(channel, to))?;
        self.wake();
        Ok(())
    }

    /// Takes that vote back.
    ///
    /// # Errors
    /// [`MoveError`]; nothing has changed then.
    pub fn cancel_move(&self, channel: ChannelId) -> Result<(), MoveError> {
        self.with_engine(|engine| engine.cancel_move(channel))?;
        self.wake();
        Ok(())
    }

    /// Whose relay orders a channel, and who wants another one.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn move_view(&self, channel: ChannelId) -> Result<MoveView, MoveError> {
        self.with_engine(|engine| engine.move_view(channel))
    }

    /// Says how many days after closing this authority's devices keep what is in a channel; without,
    /// for ever. A lead does.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn set_retention(
        &self,
        channel: ChannelId,
        days: Option<u32>,
    ) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::SetRetention(days))
    }

    /// Places this authority's hold, or lifts it: while it lasts, its devices erase nothing of what
    /// is withdrawn or has run its time. A lead does.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn set_hold(&self, channel: ChannelId, placed: bool) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::SetHold(placed))
    }

    /// Puts an authority out of a channel, with all of its officers, once leads of a majority of the
    /// others have consented; they are asked.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn expel(&self, channel: ChannelId, authority: Domain) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::Expel(authority))
    }

    /// Asks the others to remove this device.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn leave(&self, channel: ChannelId) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::Leave)
    }

    /// Renews this device's keys in a channel.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn renew_keys(&self, channel: ChannelId) -> Result<ClientId, ActError> {
        self.wish(channel, Wish::RenewKeys)
    }

    fn wish(&self, channel: ChannelId, wish: Wish) -> Result<ClientId, ActError> {
        let client_id = self.with_engine(|engine| engine.wish(channel, wish))?;
        self.wake();
        Ok(client_id)
    }
}

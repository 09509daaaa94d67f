//! What the officer wants changed in a channel: put in the outbox, carried out when it can be.

use enlace_channel::channel::{ChannelError, Context, RulesStanding};
use enlace_channel::consent::Subject;
use enlace_channel::mls::Suite;
use enlace_channel::policy::{Policy, Role};
use enlace_channel::rules;
use enlace_identity::mandate::{MandateError, SignedMandate};
use enlace_identity::names::{Domain, OfficerAddress};
use enlace_log::{ChannelId, ClientId};

use super::succession::may_renew;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::store::{ChannelStanding, OutboxRow, OutboxState, StoreError};
use crate::task::Task;

/// A change that the officer wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wish {
    /// Admit an officer.
    Add(OfficerAddress, Role),
    /// Admit a stand-in, by its registrar's signed mandate.
    StandIn(Vec<u8>),
    /// Remove an officer.
    Remove(OfficerAddress),
    /// Give an officer another role.
    SetRole(OfficerAddress, Role),
    /// Make an officer the owner, in the place of one whose devices are gone, with the consent of leads of
    /// most authorities.
    AppointOwner(OfficerAddress),
    /// Close the channel, or open it again.
    SetClosed(bool),
    /// Follow the next version of the rules.
    RaiseRules,
    /// Give the channel fresh keys for everybody, and another suite if one is named.
    RenewChannel(Option<Suite>),
    /// The same, where nobody can go on with the present keys.
    RescueChannel,
    /// Put an authority out, with all of its officers; others have to consent.
    Expel(Domain),
    /// Say how many days after closing the own authority keeps its copies; without, for ever.
    SetRetention(Option<u32>),
    /// Place the own authority's hold, or lift it.
    SetHold(bool),
    /// Leave.
    Leave,
    /// Renew this device's keys.
    RenewKeys,
}

/// Why a wish was not taken. Nothing has changed. What the rules of the channel forbid shows when
/// it is carried out, as the outbox row's reason.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// There is no such channel on this device.
    #[error("there is no such channel on this device")]
    UnknownChannel,
    /// This device is not a member any more.
    #[error("this device is not a member of the channel any more")]
    Removed,
    /// The officer's authority is not in the network.
    #[error("{0} is no authority of this network")]
    UnknownAuthority(Domain),
    /// The officer is not in the channel.
    #[error("{0} is not in the channel")]
    NotInChannel(OfficerAddress),
    /// The officer is in the channel already, with that role.
    #[error("{0} is in the channel already, as {1}")]
    AlreadyInChannel(OfficerAddress, Role),
    /// The owner is not taken out.
    #[error("{0} owns the channel and cannot be removed")]
    OwnerStays(OfficerAddress),
    /// The owner must hand the ownership on first.
    #[error("the owner cannot leave: hand the ownership to somebody else first")]
    OwnerLeaves,
    /// Nobody comes into a closed channel.
    #[error("the channel is closed: nobody comes in")]
    Closed,
    /// Only the owner closes a channel and opens it again.
    #[error("only the owner of the channel closes it, and opens it again")]
    OwnerCloses,
    /// Only the owner lets the channel follow newer rules.
    #[error("only the owner of the channel switches it to newer rules")]
    OwnerRaisesRules,
    /// The channel follows the newest rules that this program knows.
    #[error("the channel follows the newest rules that this program knows")]
    NewestRules,
    /// Programs in the channel are too old for the next rules: they have to be updated first.
    #[error("the programs of these devices have to be updated first: {0}")]
    ProgramsBehind(String),
    /// This program itself is too old for the channel.
    #[error("this channel needs a newer version of this program")]
    NeedsNewerVersion,
    /// Only the owner gives a channel fresh keys that is not in trouble.
    #[error("only the owner of the channel renews its keys for everybody")]
    OwnerRenews,
    /// Nobody has asked for a consent that concerns this officer.
    #[error("nobody has asked for a consent that concerns {0}")]
    NotAsked(String),
    /// Copies are kept for so many days that nobody counts them, or for none.
    #[error("an authority keeps its copies for 1 to {} days", Policy::MAX_RETENTION_DAYS)]
    Days,
    /// Only the owner puts an authority out, and not its own.
    #[error("only the owner of the channel puts an authority out, another one's")]
    OwnerExpels,
    /// Too few of the other authorities have a lead who could consent.
    #[error(
        "more than half of the other authorities have to consent, each by a lead in the channel"
    )]
    NobodyAgrees,
    /// The authority has no officer in the channel.
    #[error("{0} is not in the channel")]
    AuthorityNotThere(Domain),
    /// The mandate doesn't hold.
    #[error(transparent)]
    Mandate(#[from] MandateError),
    /// The mandate is for another channel.
    #[error("the mandate is for another channel")]
    MandateElsewhere,
    /// A stand-in comes only where an authority has no lead.
    #[error("{0} has a lead in the channel")]
    HasLead(Domain),
    /// The officer's own role doesn't entitle to it.
    #[error("this needs a lead or the owner of the channel")]
    NotEntitled,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<ChannelError> for ActError {
    fn from(error: ChannelError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Puts a wish in the outbox. The same wish twice is one.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn wish(&mut self, id: ChannelId, wish: Wish) -> Result<ClientId, ActError> {
        self.write(|work| work.wish(id, wish))
    }
}

impl Work<'_> {
    fn wish(&mut self, id: ChannelId, wish: Wish) -> Result<ClientId, ActError> {
        if let Wish::Remove(officer) = &wish
            && let Some(done) = self.withdraw_admission(id, officer)?
        {
            return Ok(done);
        }
        if wish == Wish::Leave
            && let Some(done) = self.leave_for_good(id)?
        {
            return Ok(done);
        }
        let task = self.check_wish(id, wish)?;
        let queued = self.tx.queued(Some(id))?;
        if let Some(row) = queued.iter().find(|row| is_same_wish(&row.task, &task)) {
            self.ask_again(id, &task)?;
            return Ok(row.client_id);
        }
        let client_id = self.new_client_id(id);
        self.tx.put_outbox(&self.new_row(id, client_id, task))?;
        self.tell(ClientEvent::Outbox { channel: id, client_id, state: OutboxState::Queued });
        Ok(client_id)
    }

    /// An officer whose admission still waits for a key package is removed by not admitting: the
    /// way back from a misspelt address.
    fn withdraw_admission(
        &mut self,
        id: ChannelId,
        officer: &OfficerAddress,
    ) -> Result<Option<ClientId>, ActError> {
        let waits = |task: &Task| {
            matches!(task, Task::Admit { officer: o, .. } | Task::AdmitStandIn { officer: o, .. }
                if o == officer)
        };
        let queued = self.tx.queued(Some(id))?;
        let Some(row) = queued.into_iter().find(|r| waits(&r.task) && r.sealed.is_none()) else {
            return Ok(None);
        };
        self.fail(row, "it was withdrawn".to_owned())?;
        let client_id = self.new_client_id(id);
        let removal = self.new_row(id, client_id, Task::Remove { officer: officer.clone() });
        let position = self.tx.put_outbox(&removal)?;
        self.accept(OutboxRow { position, ..removal }, None)?;
        Ok(Some(client_id))
    }

    fn check_wish(&mut self, id: ChannelId, wish: Wish) -> Result<Task, ActError> {
        let row = self.tx.channel(id)?.ok_or(ActError::UnknownChannel)?;
        if row.standing == ChannelStanding::Removed {
            return Err(ActError::Removed);
        }
        let channel = self.take(id)?.ok_or(ActError::UnknownChannel)?;
        let policy = channel.policy();
        let me = self.me().officer();
        let now = self.now();
        let own = self.own_role(policy);
        let lead = own.is_some_and(Role::is_lead);
        let task = match wish {
            Wish::Add(..) if policy.is_closed() => Err(ActError::Closed),
            Wish::Add(officer, _) if self.ctx.bundle.authority_of(officer.domain()).is_none() => {
                Err(ActError::UnknownAuthority(officer.domain().clone()))
            }
            Wish::Add(officer, role) => match policy.role_of(&officer) {
                Some(present) => Err(ActError::AlreadyInChannel(officer, present)),
                None if !lead => Err(ActError::NotEntitled),
                // The first of an authority becomes its lead.
                None if !policy.authorities().contains(policy.present(officer.domain())) => {
                    Ok(Task::Admit { officer, role: Role::Lead, key_package: None })
                }
                None => Ok(Task::Admit { officer, role, key_package: None }),
            },
            Wish::StandIn(_) if policy.is_closed() => Err(ActError::Closed),
            Wish::StandIn(_) if own != Some(Role::Owner) => Err(ActError::NotEntitled),
            Wish::StandIn(mandate) => check_mandate(policy, &self.ctx, mandate),
            Wish::Remove(officer) | Wish::SetRole(officer, _)
                if policy.role_of(&officer).is_none() =>
            {
                Err(ActError::NotInChannel(officer))
            }
            Wish::Remove(_) | Wish::SetRole(..) if !lead => Err(ActError::NotEntitled),
            Wish::Remove(officer) => Ok(Task::Remove { officer }),
            Wish::SetRole(officer, role) => Ok(Task::SetRole { officer, role }),
            Wish::AppointOwner(officer) => match policy.role_of(&officer) {
                None => Err(ActError::NotInChannel(officer)),
                Some(Role::Owner) => Err(ActError::AlreadyInChannel(officer, Role::Owner)),
                Some(_) if own == Some(Role::Owner) => {
                    Ok(Task::SetRole { officer, role: Role::Owner })
                }
                Some(_) if !lead => Err(ActError::NotEntitled),
                Some(_) => {
                    let instead_of = policy.owners().next().map(ToString::to_string);
                    Ok(Task::AppointOwner { officer, instead_of })
                }
            },
            Wish::SetClosed(_) if !policy.may_close(me, now) => Err(ActError::OwnerCloses),
            Wish::SetClosed(closed) => Ok(Task::SetClosed { closed }),
            Wish::RaiseRules if own != Some(Role::Owner) => Err(ActError::OwnerRaisesRules),
            Wish::RaiseRules => match channel.rules_standing(&self.ctx)? {
                RulesStanding::CanRise { next } => Ok(Task::RaiseRules { to: next }),
                RulesStanding::Newest => Err(ActError::NewestRules),
                RulesStanding::NeedsNewerVersion => Err(ActError::NeedsNewerVersion),
                RulesStanding::WaitsFor { behind, .. } => {
                    let behind: Vec<_> = behind.iter().map(ToString::to_string).collect();
                    Err(ActError::ProgramsBehind(behind.join(", ")))
                }
            },
            Wish::RenewChannel(_) if !may_renew(policy, own) => Err(ActError::OwnerRenews),
            Wish::RenewChannel(suite) => Ok(self.succession(&channel, false, suite)?),
            Wish::Expel(_) if own != Some(Role::Owner) => Err(ActError::OwnerExpels),
            Wish::Expel(authority) if !policy.authorities().contains(&authority) => {
                Err(ActError::AuthorityNotThere(authority))
            }
            Wish::Expel(authority) if policy.are_one(&authority, me.domain()) => {
                Err(ActError::OwnerExpels)
            }
            Wish::Expel(authority) => {
                let subject = Subject::Expulsion(authority.clone());
                match rules::could_agree(policy, &subject, self.now()) {
                    true => Ok(self.expulsion(&channel, authority)?),
                    false => Err(ActError::NobodyAgrees),
                }
            }
            Wish::RescueChannel if !lead => Err(ActError::NotEntitled),
            Wish::RescueChannel => Ok(self.succession(&channel, true, None)?),
            Wish::SetRetention(_) | Wish::SetHold(_) if !lead => Err(ActError::NotEntitled),
            Wish::SetRetention(Some(days)) if !(1..=Policy::MAX_RETENTION_DAYS).contains(&days) => {
                Err(ActError::Days)
            }
            Wish::SetRetention(days) => Ok(Task::SetRetention { days }),
            Wish::SetHold(placed) => Ok(Task::SetHold { placed }),
            Wish::Leave if own == Some(Role::Owner) => Err(ActError::OwnerLeaves),
            Wish::Leave => Ok(Task::Leave),
            Wish::RenewKeys => Ok(Task::SelfUpdate),
        };
        self.keep(channel);
        task
    }
}

/// A mandate that holds now, for this channel, and where there is no lead.
fn check_mandate(policy: &Policy, ctx: &Context<'_>, mandate: Vec<u8>) -> Result<Task, ActError> {
    let signed = SignedMandate::decode(&mandate).map_err(MandateError::from)?;
    let stated = signed.verify(ctx.bundle, ctx.now)?;
    let officer = stated.officer;
    if stated.channel != *policy.channel().as_bytes() {
        return Err(ActError::MandateElsewhere);
    }
    if let Some(role) = policy.role_of(&officer) {
        return Err(ActError::AlreadyInChannel(officer, role));
    }
    if policy.leads_at(officer.domain(), ctx.now).next().is_some() {
        return Err(ActError::HasLead(officer.domain().clone()));
    }
    Ok(Task::AdmitStandIn { officer, mandate: Some(mandate), key_package: None })
}

/// Whether two tasks want the same, however far the first one has got.
fn is_same_wish(queued: &Task, wanted: &Task) -> bool {
    match (queued, wanted) {
        (Task::Admit { officer: a, role: b, .. }, Task::Admit { officer: c, role: d, .. }) => {
            (a, b) == (c, d)
        }
        (Task::AdmitStandIn { .. }, Task::AdmitStandIn { .. })
        | (Task::Succeed { .. }, Task::Succeed { .. }) => {
            queued.clone().without_key_package() == wanted.clone().without_key_package()
        }
        (queued, wanted) => queued == wanted,
    }
}

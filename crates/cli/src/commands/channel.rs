//! `enlace channel`

mod add;
mod answer;
mod appoint;
mod batch;
mod close;
mod erased;
mod expel;
mod hold;
mod leave;
mod list;
mod move_to;
mod new;
mod remove;
mod renew;
mod reopen;
mod retention;
mod role;
mod show;
mod stand_in;
mod update;

use clap::Subcommand;
use enlace_channel::consent::Answer;

use crate::failure::Failure;
use crate::ui::Ui;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open a case channel or a forum, of which you are the owner.
    New(new::Arguments),
    /// List your channels.
    List(list::Arguments),
    /// Show a channel and who is in it.
    Show(show::Arguments),
    /// Admit an officer, or many.
    Add(add::Arguments),
    /// Admit a stand-in of an authority that has no lead left, by its registrar's mandate.
    StandIn(stand_in::Arguments),
    /// Remove an officer, or many.
    Remove(remove::Arguments),
    /// Give an officer another role.
    Role(role::Arguments),
    /// Consent, for your authority, to what another one asks about an officer.
    Consent(answer::Arguments),
    /// Refuse it.
    Refuse(answer::Arguments),
    /// Put an officer in the place of an owner whose devices are gone.
    Appoint(appoint::Arguments),
    /// Close a case: it stays to be read, and nothing is written any more.
    Close(close::Arguments),
    /// Open a closed case again.
    Reopen(reopen::Arguments),
    /// Switch a channel to newer rules, once every program in it knows them.
    Update(update::Arguments),
    /// Give a channel fresh keys for everybody.
    Renew(renew::Arguments),
    /// Say how long your authority keeps a case after it is closed.
    Retention(retention::Arguments),
    /// Keep your authority's copies, whatever is withdrawn or has run its time; or no longer.
    Hold(hold::Arguments),
    /// Put an authority out of a channel, with all of its officers.
    Expel(expel::Arguments),
    /// Let another authority's relay order a channel, as leads of most authorities decide; or show who
    /// wants that.
    Move(move_to::Arguments),
    /// Leave a channel.
    Leave(leave::Arguments),
}

pub(crate) fn run(command: Command, ui: &Ui) -> Result<(), Failure> {
    match command {
        Command::New(arguments) => new::run(arguments, ui),
        Command::List(arguments) => list::run(&arguments, ui),
        Command::Show(arguments) => show::run(&arguments, ui),
        Command::Add(arguments) => add::run(&arguments, ui),
        Command::StandIn(arguments) => stand_in::run(&arguments, ui),
        Command::Remove(arguments) => remove::run(&arguments, ui),
        Command::Role(arguments) => role::run(&arguments, ui),
        Command::Consent(arguments) => answer::run(&arguments, Answer::Yes, ui),
        Command::Refuse(arguments) => answer::run(&arguments, Answer::No, ui),
        Command::Appoint(arguments) => appoint::run(&arguments, ui),
        Command::Close(arguments) => close::run(&arguments, ui),
        Command::Reopen(arguments) => reopen::run(&arguments, ui),
        Command::Update(arguments) => update::run(&arguments, ui),
        Command::Renew(arguments) => renew::run(&arguments, ui),
        Command::Retention(arguments) => retention::run(&arguments, ui),
        Command::Hold(arguments) => hold::run(&arguments, ui),
        Command::Expel(arguments) => expel::run(&arguments, ui),
        Command::Move(arguments) => move_to::run(&arguments, ui),
        Command::Leave(arguments) => leave::run(&arguments, ui),
    }
}

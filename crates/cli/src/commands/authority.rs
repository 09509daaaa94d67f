//! `enlace authority`: the registrar's commands.

mod crl;
mod endpoint;
mod enrolments;
mod handing;
mod init;
mod invite;
mod issue;
mod list;
mod mandate;
mod renewals;
mod request;
mod revoke;
mod suspend;
mod warn;

use std::path::PathBuf;

use clap::Subcommand;

use crate::authority::Directory;
use crate::failure::Failure;
use crate::ui::Ui;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an authority: root, issuing CA, endpoint key, first revocation lists.
    Init(init::Arguments),
    /// Show what a certificate request asks for.
    Request(request::Arguments),
    /// Issue the certificate that a request asks for, once you know who sent it.
    Issue(issue::Arguments),
    /// Invite an officer's device to enrol through the relay, once.
    Invite(invite::Arguments),
    /// Say which devices come with an invitation, and issue for those that were approved.
    Enrolments(enrolments::Arguments),
    /// Say which devices ask for a new certificate, and issue those that are due.
    Renewals(renewals::Arguments),
    /// Withdraw certificates, for good.
    Revoke(revoke::Arguments),
    /// Suspend officers or devices for the time being, with the duty key.
    Suspend(suspend::SuspendArguments),
    /// Lift suspensions, with the duty key.
    Lift(suspend::LiftArguments),
    /// Name a stand-in for a channel where no lead is left, with the duty key.
    Mandate(mandate::Arguments),
    /// Write the next revocation list.
    Crl(crl::Arguments),
    /// Say what was issued and revoked, and what expires.
    List(list::Arguments),
    /// Sign the endpoint record, which says where the authority's relays are.
    Endpoint(endpoint::Arguments),
}

/// Which authority.
#[derive(Debug, clap::Args)]
pub(crate) struct AuthorityArgument {
    /// The authority's directory.
    #[arg(long, value_name = "DIR", default_value = ".")]
    authority: PathBuf,
}

impl AuthorityArgument {
    pub(crate) fn open(&self) -> Result<Directory, Failure> {
        Directory::open(&self.authority)
    }
}

pub(crate) fn run(command: Command, ui: &Ui) -> Result<(), Failure> {
    match command {
        Command::Init(arguments) => init::run(&arguments, ui),
        Command::Request(arguments) => request::run(&arguments, ui),
        Command::Issue(arguments) => issue::run(&arguments, ui),
        Command::Invite(arguments) => invite::run(&arguments, ui),
        Command::Enrolments(arguments) => enrolments::run(&arguments, ui),
        Command::Renewals(arguments) => renewals::run(&arguments, ui),
        Command::Revoke(arguments) => revoke::run(&arguments, ui),
        Command::Suspend(arguments) => suspend::suspend(&arguments, ui),
        Command::Lift(arguments) => suspend::lift(&arguments, ui),
        Command::Mandate(arguments) => mandate::run(&arguments, ui),
        Command::Crl(arguments) => crl::run(&arguments, ui),
        Command::List(arguments) => list::run(&arguments, ui),
        Command::Endpoint(arguments) => endpoint::run(&arguments, ui),
    }
}

//! `enlace authority invite`

use std::fmt;
use std::path::PathBuf;

use enlace_identity::bundle::Bundle;
use enlace_identity::entropy::Entropy;
use enlace_identity::invitation::Invitation;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_identity::time::Timestamp;
use serde::Serialize;

use super::AuthorityArgument;
use super::endpoint::known_relays;
use super::enrolments::hand_verifier_over;
use crate::authority::{Directory, Invited};
use crate::failure::{Explain as _, Failure};
use crate::files::{self, Mode};
use crate::network::read_bundle;
use crate::ui::Ui;
use crate::when::{self, DAY, now, parse_end, rfc3339};

/// How long an invitation counts if nothing is said, and at most.
const DAYS: u32 = 14;
const MAX_DAYS: u32 = 90;

/// What `invite` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The officer's address.
    #[arg(long, value_name = "NAME@DOMAIN")]
    name: OfficerAddress,
    /// The label of the officer's device, such as `laptop`.
    #[arg(long, value_name = "LABEL")]
    device: String,
    /// The officer's full name, as others see it.
    #[arg(long, value_name = "NAME")]
    common_name: String,
    /// Until when it counts: a day, which counts in full (UTC), or a time such as
    /// 2026-12-24T18:00Z; at most 90 days. 14 days if not said.
    #[arg(long, value_name = "TIME", value_parser = parse_end)]
    until: Option<Timestamp>,
    /// Approve now: whoever comes first with this invitation gets a certificate, and nobody is
    /// asked again. Only where the invitation gets into no other hands.
    #[arg(long)]
    pre_approved: bool,
    /// The network's bundle.
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// Where to write the invitation, for the officer alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The relay's directory of enrolments, to tell the relay at once: `enrolments` in its data
    /// directory. If not given, the next `enlace authority enrolments` does it.
    #[arg(long, value_name = "DIR")]
    enrolments: Option<PathBuf>,
    #[command(flatten)]
    authority: AuthorityArgument,
}

/// A new invitation.
#[derive(Debug, Serialize)]
struct Made {
    file: PathBuf,
    invitation: String,
    device: String,
    common_name: String,
    pre_approved: bool,
    bundle_hash: String,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
    /// Whether the relay knows of it.
    handed_over: bool,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    files::refuse_existing(&arguments.out)?;
    let mut directory = arguments.authority.open()?;
    let now = now();
    let device = whom(arguments, &directory, now)?;
    let not_after = until(arguments, now)?;
    let bundle = bundle(arguments, &directory)?;
    let relays = known_relays(&directory)?.into_iter().flat_map(|relay| relay.addresses);
    let invitation = Invitation::new(
        &Entropy::system(),
        device,
        arguments.common_name.clone(),
        bundle.hash(),
        not_after,
        relays.take(Invitation::MAX_RELAYS).collect(),
    )
    .context(|| "no invitation can say this".to_owned())?;
    let invited = Invited::new(&invitation, arguments.pre_approved);
    directory.registry.invitations.push(invited.clone());
    directory.save()?;
    files::create(&arguments.out, invitation.to_text().as_bytes(), Mode::Private)?;
    if let Some(enrolments) = &arguments.enrolments {
        hand_verifier_over(enrolments, &invited)
            .hint(|| "The next `enlace authority enrolments` tells the relay.".into())?;
    }
    ui.report(&Made {
        file: arguments.out.clone(),
        invitation: invited.invitation,
        device: invited.device.to_string(),
        common_name: invited.common_name,
        pre_approved: invited.pre_approved,
        bundle_hash: invitation.bundle_hash.to_string(),
        not_after,
        handed_over: arguments.enrolments.is_some(),
    })?;
    ui.note(
        "\nHand it to the officer by a way that nobody else reads. Whoever has it first is taken",
    );
    ui.note(if arguments.pre_approved {
        "for the officer, and gets the certificate. Delete your own copy."
    } else {
        "for the officer, until you have compared the key. Delete your own copy."
    });
    Ok(())
}

fn whom(
    arguments: &Arguments,
    directory: &Directory,
    now: Timestamp,
) -> Result<DeviceName, Failure> {
    let Arguments { name, device, .. } = arguments;
    if name.domain() != directory.domain() {
        return Err(Failure::new(format!("{name} does not belong to {}", directory.domain())));
    }
    let device = name.device(device)?;
    if let Some(good) = directory.registry.current(device.as_str(), now).next() {
        let until = when::show_day(good.not_after);
        return Err(Failure::new(format!("{device} has a certificate that is good until {until}"))
            .hint("Certificates renew by themselves. If the device is lost, revoke it first."));
    }
    let mut invitations = directory.registry.invitations.iter();
    if invitations.any(|invited| invited.device == device && invited.is_open(now)) {
        return Err(Failure::new(format!("{device} is invited already"))
            .hint("Withdraw that with `enlace authority enrolments DIR --withdraw` first."));
    }
    Ok(device)
}

fn until(arguments: &Arguments, now: Timestamp) -> Result<Timestamp, Failure> {
    let not_after = arguments.until.unwrap_or_else(|| now.plus(DAY * DAYS));
    if not_after <= now {
        return Err(Failure::new("the invitation would be over already"));
    }
    let longest = now.plus(DAY * MAX_DAYS);
    if not_after > longest {
        let longest = when::show(longest);
        return Err(Failure::new(format!("an invitation made now ends by {longest}")));
    }
    Ok(not_after)
}

/// The registrar knows the network; the officer knows it by this hash.
fn bundle(arguments: &Arguments, directory: &Directory) -> Result<Bundle, Failure> {
    let signed = read_bundle(&arguments.bundle)?;
    let bundle = signed
        .open(&signed.hash())
        .context(|| format!("{} cannot be used", arguments.bundle.display()))?;
    if bundle.contains(directory.domain()) {
        Ok(bundle)
    } else {
        let domain = directory.domain();
        Err(Failure::new(format!("{domain} is no authority of the network {}", bundle.network())))
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.pre_approved { "Invited and approved" } else { "Invited" };
        writeln!(f, "{how}: {} ({})", self.device, self.common_name)?;
        writeln!(f, "Counts until  {}", when::show(self.not_after))?;
        writeln!(f, "Network       {}", self.bundle_hash)?;
        write!(f, "File          {}", self.file.display())?;
        if !self.handed_over {
            write!(f, "\nThe relay does not know of it yet: enlace authority enrolments DIR")?;
        }
        Ok(())
    }
}

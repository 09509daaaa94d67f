//! Enrolling with an invitation: the device is made, its request handed to the relay, and the
//! certificate taken in once the registrar has issued it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use enlace_client::profile::{Invited, Profile};
use enlace_identity::invitation::Invitation;
use enlace_transport::SystemClock;
use serde::Serialize;
use zeroize::Zeroizing;

use super::report;
use crate::failure::{Explain as _, Failure};
use crate::fingerprint::key_digest;
use crate::officer::{Explained as _, ProfileArguments, block_on};
use crate::ui::Ui;
use crate::words::Text;

/// How long to wait before the relay is asked again.
const PAUSE: Duration = Duration::from_secs(10);

/// A request that the registrar has not answered.
#[derive(Debug, Serialize)]
struct Waiting {
    /// `waiting`.
    state: &'static str,
    officer: String,
    device: String,
    /// SHA-256 of the key, in groups, to be read out.
    key: String,
    #[serde(skip)]
    words: [String; 3],
}

pub(super) fn run(
    file: &Path,
    wait: bool,
    arguments: &ProfileArguments,
    ui: &Ui,
) -> Result<(), Failure> {
    let invitation = read(file)?;
    let mut profile = open(&invitation, arguments, ui)?;
    let waiting = waiting(&profile, ui)?;
    let mut said = false;
    let (leaf, network) = loop {
        let asked = profile.enroll_by_invitation(&invitation, Arc::new(SystemClock));
        match block_on(async { asked.await.explained(ui) })? {
            Invited::Enrolled(leaf, network) => break (leaf, network),
            Invited::Waiting if wait => {
                if !said {
                    ui.note(&waiting);
                    said = true;
                }
                block_on(async {
                    tokio::time::sleep(PAUSE).await;
                    Ok(())
                })?;
            }
            Invited::Waiting => {
                ui.report(&waiting)?;
                ui.note(format_args!("\n{}", ui.say(Text::EnrollAgain)));
                return Ok(());
            }
        }
    };
    report(&profile, network, invitation.bundle_hash, &leaf, ui)?;
    ui.note(format_args!("\n{}", ui.say(Text::SyncOnce)));
    ui.note(ui.say(Text::InvitationSpent));
    Ok(())
}

/// The secret comes from a file or standard input, never from an argument.
fn read(file: &Path) -> Result<Invitation, Failure> {
    let place = file.display();
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).context(|| format!("{place} cannot be read"))?)
    };
    let mut text = Zeroizing::new(String::with_capacity(Invitation::MAX_BYTES + 1));
    source
        .take(Invitation::MAX_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .context(|| format!("{place} cannot be read"))?;
    Invitation::from_text(&text).context(|| format!("{place} cannot be used"))
}

/// The device that is invited: made now, or by an earlier try.
fn open(
    invitation: &Invitation,
    arguments: &ProfileArguments,
    ui: &Ui,
) -> Result<Profile, Failure> {
    let directory = arguments.directory()?;
    if directory.join("profile.toml").exists() {
        return arguments.open(ui);
    }
    let device = &invitation.device;
    let passphrase = arguments.passphrase().chosen(device.as_str(), ui.language())?;
    let (officer, name) = (device.officer(), &invitation.common_name);
    let made = Profile::create(&directory, officer, device.label(), name, &passphrase);
    let (profile, _) = made.explained(ui)?;
    ui.note(ui.say(Text::DeviceMade { directory: &directory.display().to_string() }));
    Ok(profile)
}

fn waiting(profile: &Profile, ui: &Ui) -> Result<Waiting, Failure> {
    let request = profile.request().explained(ui)?;
    Ok(Waiting {
        state: "waiting",
        officer: profile.address().to_string(),
        device: profile.device().to_string(),
        key: key_digest(&request.public_key()),
        words: [ui.say(Text::RequestAtRelay), ui.say(Text::ReadKeyOut), ui.say(Text::Key)],
    })
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [at_relay, read_out, key] = &self.words;
        writeln!(f, "{at_relay} {read_out}")?;
        write!(f, "{key:<10}  {}", self.key)
    }
}

//! `enlace whoami`

use std::fmt;
use std::path::PathBuf;

use enlace_client::profile::Profile;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::time::{Timestamp, Validity};
use enlace_identity::warnings::{Subject, warning};
use serde::Serialize;

use crate::failure::Failure;
use crate::files;
use crate::fingerprint::key_digest;
use crate::officer::{Explained as _, ProfileArguments};
use crate::ui::Ui;
use crate::when::{self, now, rfc3339};
use crate::words::Text;

/// What `whoami` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Identity {
    officer: String,
    name: String,
    device: String,
    profile: PathBuf,
    /// SHA-256 of the key, in groups, to be compared.
    key: String,
    enrolled: bool,
    certificate: Option<Span>,
    #[serde(skip)]
    words: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Span {
    #[serde(with = "rfc3339")]
    not_before: Timestamp,
    #[serde(with = "rfc3339")]
    not_after: Timestamp,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let profile = arguments.profile.open(ui)?;
    let key = key_digest(&profile.request().explained(ui)?.public_key());
    let validity = if profile.is_enrolled() { Some(certificate(&profile)?) } else { None };
    let mut words = vec![
        (ui.say(Text::Officer), profile.address().to_string()),
        (ui.say(Text::Name), profile.common_name().to_owned()),
        (ui.say(Text::Device), profile.device().to_string()),
        (ui.say(Text::Key), key.clone()),
    ];
    match validity {
        Some(validity) => {
            words.push((ui.say(Text::ValidUntil), when::show_day(validity.not_after)));
            let subject = Subject::Certificate(profile.device().to_string());
            if let Some(due) = warning(subject, validity, now()) {
                ui.warning(due);
            }
        }
        None => {
            ui.warning(ui.say(Text::NotEnrolledYet));
            ui.note(ui.say(Text::AskRegistrar));
        }
    }
    ui.report(&Identity {
        officer: profile.address().to_string(),
        name: profile.common_name().to_owned(),
        device: profile.device().to_string(),
        profile: profile.dir().to_owned(),
        key,
        enrolled: profile.is_enrolled(),
        certificate: validity
            .map(|Validity { not_before, not_after }| Span { not_before, not_after }),
        words,
    })
}

fn certificate(profile: &Profile) -> Result<Validity, Failure> {
    let pem = files::read_text(&profile.dir().join("certificates.pem"))?;
    Ok(UnverifiedChain::from_pem(&pem)?.unverified_validity()?)
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.words.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        self.words.iter().try_for_each(|(label, value)| writeln!(f, "{label:<width$}  {value}"))
    }
}

//! `enlace channel show`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use enlace_channel::policy::Policy;
use enlace_client::client::{ChannelDetails, MemberView};
use enlace_client::engine::AgreementView;
use enlace_client::notice::Matter;
use enlace_client::store::ChannelRow;
use enlace_identity::names::Domain;
use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{
    Explained as _, ProfileArguments, agreement_words, find_channel, shown, why_it_rests,
};
use crate::ui::Ui;
use crate::words::Text;

/// What `show` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// What was erased of it: here, and at the relays as far as the log says.
    #[arg(long)]
    erased: bool,
    #[command(flatten)]
    profile: ProfileArguments,
}

#[derive(Debug, Serialize)]
struct Shown {
    channel: String,
    title: String,
    hub: String,
    /// `case` or `forum`.
    kind: Option<&'static str>,
    /// `hybrid`, or `classic`: readable to who records it and has a quantum computer one day.
    suite: Option<&'static str>,
    standing: &'static str,
    /// Whether nothing is written any more.
    closed: bool,
    stopped: Option<String>,
    case_references: BTreeMap<String, String>,
    legal_basis: String,
    default_handling: Option<String>,
    /// How many days after closing each authority keeps it; others keep it for ever.
    retention: BTreeMap<String, u32>,
    /// The authorities that erase nothing for now.
    holds: Vec<String>,
    members: Vec<Member>,
    /// Authorities with fewer than two leads, and how many they have.
    few_leads: BTreeMap<String, usize>,
    /// What the consent of others was asked for and is not done yet.
    agreements: Vec<Agreement>,
    /// What is still to be sent.
    queued: usize,
    /// The place that comes next.
    next_seq: Option<u64>,
    /// The newest change of membership or keys.
    fence: Option<u64>,
    /// The same at every member who is up to date, to be compared by another way.
    comparison: Option<String>,
    #[serde(skip)]
    words: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Member {
    officer: String,
    /// `owner`, `lead`, `member`, `guide` or `observer`.
    role: Option<String>,
    devices: Vec<String>,
    leaving: bool,
    #[serde(skip)]
    words: String,
}

#[derive(Debug, Serialize)]
struct Agreement {
    /// `authority`: the officer's authority comes in; `owner`: the officer becomes the owner;
    /// `expulsion`: the authority is put out.
    about: Matter,
    whom: String,
    asked_by: String,
    consented: Vec<String>,
    refused: Vec<String>,
    waiting_for: Vec<String>,
    suffices: bool,
    #[serde(skip)]
    words: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let row = find_channel(&client, &arguments.channel, ui)?;
    if arguments.erased {
        return super::erased::run(&client, row.id, ui);
    }
    let details = client.show(row.id).explained(ui)?;
    ui.report(&described(&row, details.as_ref(), ui))
}

fn described(row: &ChannelRow, details: Option<&ChannelDetails>, ui: &Ui) -> Shown {
    let policy = details.map(|details| &details.policy);
    let references = policy.map(|policy| policy.case_references()).into_iter().flatten();
    let comparison = details.map(|details| comparison(details.authenticator.as_bytes()));
    let mut shown = Shown {
        channel: row.id.to_string(),
        title: row.title.clone(),
        hub: row.hub.to_string(),
        kind: details.map(ChannelDetails::kind_name),
        suite: details.map(ChannelDetails::suite_name),
        standing: row.standing.as_str(),
        closed: policy.is_some_and(Policy::is_closed),
        stopped: row.stopped.clone(),
        case_references: references
            .map(|(domain, text)| (domain.to_string(), text.clone()))
            .collect(),
        legal_basis: policy.map(|policy| policy.legal_basis().to_owned()).unwrap_or_default(),
        default_handling: policy.map(|policy| policy.default_handling().to_string()),
        retention: policy
            .map(|policy| policy.retention())
            .into_iter()
            .flatten()
            .map(|(domain, days)| (domain.to_string(), *days))
            .collect(),
        holds: policy
            .map(|policy| policy.holds())
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect(),
        members: details
            .iter()
            .flat_map(|details| &details.members)
            .map(|view| member(view, ui))
            .collect(),
        few_leads: policy.map(few_leads).unwrap_or_default(),
        agreements: details
            .iter()
            .flat_map(|details| &details.agreements)
            .map(|view| agreement(view, ui))
            .collect(),
        queued: details.map_or(0, |details| details.queued),
        next_seq: details.map(|details| details.next.0),
        fence: details.and_then(|details| details.fence).map(|seq| seq.0),
        comparison,
        words: Vec::new(),
    };
    shown.words = words(&shown, row, ui);
    shown
}

fn member(view: &MemberView, ui: &Ui) -> Member {
    let mut words = view.role.map(|role| ui.say(Text::Role(role))).unwrap_or_default();
    if view.leaving {
        words = format!("{words}, {}", ui.say(Text::Leaving));
    }
    Member {
        officer: view.officer.to_string(),
        role: view.role.map(|role| role.to_string()),
        devices: view.devices.iter().map(ToString::to_string).collect(),
        leaving: view.leaving,
        words,
    }
}

fn agreement(view: &AgreementView, ui: &Ui) -> Agreement {
    let texts = |domains: &BTreeSet<Domain>| domains.iter().map(ToString::to_string).collect();
    Agreement {
        about: view.matter,
        whom: view.whom.clone(),
        asked_by: view.asked_by.to_string(),
        consented: texts(&view.consented),
        refused: texts(&view.refused),
        waiting_for: texts(&view.waiting_for),
        suffices: view.suffices,
        words: agreement_words(view, ui),
    }
}

fn few_leads(policy: &Policy) -> BTreeMap<String, usize> {
    let counted = policy.authorities().into_iter();
    counted
        .map(|domain| (domain.to_string(), policy.leads_of(domain).count()))
        .filter(|(_, leads)| *leads < 2)
        .collect()
}

/// In groups, to be read out; half of it is beyond anybody's guessing.
fn comparison(authenticator: &[u8]) -> String {
    let half = &authenticator[..authenticator.len().min(16)];
    half.chunks(2).map(hex::encode).collect::<Vec<_>>().join(" ")
}

fn words(it: &Shown, row: &ChannelRow, ui: &Ui) -> Vec<(String, String)> {
    let standing = ui.say(Text::Standing(row.standing));
    let state = match it.closed {
        true => format!("{standing}, {}", ui.say(Text::IsClosed)),
        false => standing,
    };
    let mut words = vec![
        (ui.say(Text::Channel), format!("{}  ({state})", shown(&it.title))),
        ("Id".to_owned(), it.channel.clone()),
        (ui.say(Text::OrderedBy), it.hub.clone()),
    ];
    if it.kind == Some("forum") {
        words.push((ui.say(Text::Kind), ui.say(Text::Forum)));
    }
    if let Some(suite) = it.suite {
        words.push((ui.say(Text::Encryption), ui.say(Text::Suite { classic: suite == "classic" })));
    }
    for (domain, reference) in &it.case_references {
        words.push((ui.say(Text::CaseReference), format!("{} ({domain})", shown(reference))));
    }
    if !it.legal_basis.is_empty() {
        words.push((ui.say(Text::LegalBasis), shown(&it.legal_basis)));
    }
    if let Some(handling) = &it.default_handling {
        words.push((ui.say(Text::Handling), handling.clone()));
    }
    for (domain, days) in &it.retention {
        words.push((ui.say(Text::DaysKept), format!("{days} ({domain})")));
    }
    if !it.holds.is_empty() {
        words.push((ui.say(Text::HeldBy), it.holds.join(", ")));
    }
    for (index, member) in it.members.iter().enumerate() {
        let label = if index == 0 { ui.say(Text::Members) } else { String::new() };
        words.push((label, format!("{}  ({})", member.officer, member.words)));
    }
    for (domain, leads) in &it.few_leads {
        let text = if *leads == 0 { Text::NoLead { domain } } else { Text::OneLead { domain } };
        words.push((ui.say(Text::Leads), ui.say(text)));
    }
    for open in it.agreements.iter().flat_map(|agreement| &agreement.words) {
        words.push((ui.say(Text::Consents), open.clone()));
    }
    if let Some(comparison) = &it.comparison {
        words.push((ui.say(Text::Comparison), comparison.clone()));
    }
    if it.queued > 0 {
        words.push((String::new(), ui.say(Text::Waiting { count: it.queued })));
    }
    if let Some(reason) = &it.stopped {
        words.push((String::new(), why_it_rests(reason, ui)));
    }
    words
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.words.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        self.words.iter().try_for_each(|(label, value)| writeln!(f, "{label:<width$}  {value}"))
    }
}

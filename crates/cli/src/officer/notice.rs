//! What happened besides entries, as it is printed.

use std::fmt;

use enlace_client::notice::{ChangeAct, Matter, Notice};
use enlace_client::store::NoticeRow;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use serde::Serialize;

use super::shown::shown;
use crate::ui::Ui;
use crate::when::{self, rfc3339};
use crate::words::{self, Text};

/// A notice, for programs and people.
#[derive(Debug, Serialize)]
pub(crate) struct NoticeItem {
    id: u64,
    channel: Option<String>,
    seq: Option<u64>,
    #[serde(with = "rfc3339")]
    at: Timestamp,
    #[serde(flatten)]
    notice: Notice,
    #[serde(skip)]
    words: Vec<String>,
}

impl NoticeItem {
    pub(crate) fn new(row: &NoticeRow, ui: &Ui) -> Self {
        Self {
            id: row.id,
            channel: row.channel.map(|channel| channel.to_string()),
            seq: row.seq.map(|seq| seq.0),
            at: row.at,
            notice: row.notice.clone(),
            words: notice_words(&row.notice, ui),
        }
    }
}

impl fmt::Display for NoticeItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = when::show_local(self.at);
        self.words.iter().try_for_each(|words| writeln!(f, "      {at}  {words}"))
    }
}

/// A notice in the officer's language; a change may be several sentences.
pub(crate) fn notice_words(notice: &Notice, ui: &Ui) -> Vec<String> {
    use words::Notice as Words;

    let say = |words: Words<'_>| vec![shown(&ui.say(Text::Notice(&words)))];
    match notice {
        Notice::Joined { by } => say(Words::Joined { by: &officer(by) }),
        Notice::PutBack { by } => say(Words::PutBack { by: &officer(by) }),
        Notice::HistoryShared { by, entries } => {
            say(Words::HistoryShared { by: &officer(by), entries: *entries })
        }
        Notice::BackRequested { device, guilty, .. } => {
            let guilty = guilty.as_ref().map(officer);
            say(Words::BackRequested { device: device.as_str(), guilty: guilty.as_deref() })
        }
        Notice::ReadableLater => say(Words::ReadableLater),
        Notice::Confirmed => say(Words::Confirmed),
        Notice::Changed { by, acts } if acts.is_empty() => {
            say(Words::KeysRenewed { by: &officer(by) })
        }
        Notice::Changed { by, acts } => {
            acts.iter().map(|act| shown(&act_words(by, act, ui))).collect()
        }
        Notice::VoidChange { author, reason } => {
            say(Words::VoidChange { by: &officer(&author.device), reason })
        }
        Notice::Unreadable { author, reason } => {
            say(Words::Unreadable { by: &officer(&author.device), reason })
        }
        Notice::NotTheirs { by, place } => {
            say(Words::NotTheirs { by: &officer(by), place: *place })
        }
        Notice::FalseConfirmation { by, reason } => {
            say(Words::FalseConfirmation { by: &officer(by), reason })
        }
        Notice::WithoutContent { author } => {
            say(Words::WithoutContent { by: &officer(&author.device) })
        }
        Notice::ErasedUnread { author, by, place } => {
            let (author, by) = (&officer(author), &officer(by));
            say(Words::ErasedUnread { author, by, place: *place })
        }
        Notice::ConsentAsked { by, matter, whom } => {
            let (by, officer) = (&officer(by), whom.as_str());
            say(match matter {
                Matter::Authority => Words::AsksForAuthority { by, officer },
                Matter::Owner => Words::AsksForOwner { by, officer },
                Matter::Expulsion => Words::AsksForExpulsion { by, authority: officer },
            })
        }
        Notice::ConsentAnswered { by, whom, yes, .. } => {
            let (by, officer) = (&officer(by), whom.as_str());
            say(if *yes { Words::Consents { by, officer } } else { Words::Refuses { by, officer } })
        }
        Notice::Expired { entries } => say(Words::Expired { entries: *entries }),
        Notice::Restored { entries, .. } => say(Words::Restored { entries: *entries }),
        Notice::LeaveRequested { by } => say(Words::LeaveRequested { by: &officer(by) }),
        Notice::Contested { by, .. } => say(Words::Contested { by: &officer(by) }),
        Notice::Removed { by } => say(Words::Removed { by: &officer(by) }),
        Notice::Stranded { by, may_rescue } => {
            say(Words::Stranded { by: &officer(by), may_rescue: *may_rescue })
        }
        Notice::LeftOut { by } => say(Words::LeftOut { by: &officer(by) }),
        Notice::Resumed => say(Words::Resumed),
        Notice::NeedsNewerVersion => say(Words::NeedsNewerVersion),
        Notice::FalseQuote { by } => say(Words::FalseQuote { by: &officer(by) }),
        Notice::Fork(alarm) => say(Words::Fork { hub: &alarm.hub }),
        Notice::HubBeganAnew { hub, brought_back, lost_until, .. } => {
            let (brought_back, lost) = (*brought_back, lost_until.is_some());
            say(Words::HubBeganAnew { hub, brought_back, lost })
        }
        Notice::MoveWanted { by, from, to } => say(Words::MoveWanted { by, from, to }),
        Notice::Moved { from, to } => say(Words::Moved { from, to }),
        Notice::HubDropped { hub } => say(Words::HubDropped { hub }),
        Notice::SetBack { entries, is_stranded, .. } => {
            say(Words::SetBack { entries: *entries, is_stranded: *is_stranded })
        }
        Notice::Stopped { reason } => say(Words::Stopped { reason }),
        Notice::WelcomeRefused { reason } => say(Words::WelcomeRefused { reason }),
        Notice::NotDone { reason, .. } => say(Words::NotDone { reason }),
        Notice::NotAdmitted { officers, reason } => {
            let officers = &officers.join(", ");
            say(Words::NotAdmitted { officers, reason: reason.as_deref() })
        }
        Notice::NoKeyPackage { officer } => {
            say(Words::NoKeyPackage { officer: &officer.to_string() })
        }
        Notice::SnapshotRestored { .. } => say(Words::SnapshotRestored),
    }
}

fn act_words(by: &DeviceName, act: &ChangeAct, ui: &Ui) -> String {
    use words::Notice as Words;

    let by = &officer(by);
    let say = |words: Words<'_>| ui.say(Text::Notice(&words));
    match act {
        ChangeAct::Admitted { officer, role, .. } => {
            say(Words::Admitted { by, officer: &officer.to_string(), role: *role })
        }
        ChangeAct::Returned { officer, .. } => {
            say(Words::Returned { officer: &officer.to_string() })
        }
        ChangeAct::AddressChanged { former, officer, .. } => {
            let (former, officer) = (&former.to_string(), &officer.to_string());
            say(Words::AddressChanged { former, officer })
        }
        ChangeAct::DeviceAdded { device } => {
            say(Words::DeviceAdded { device: device.as_str(), by })
        }
        ChangeAct::DeviceRemoved { device, revoked: true, .. } => {
            say(Words::DeviceRevoked { device: device.as_str() })
        }
        ChangeAct::DeviceRemoved { device, suspended: true, .. } => {
            say(Words::DeviceSuspended { device: device.as_str() })
        }
        ChangeAct::DeviceRemoved { device, .. } => {
            say(Words::DeviceRemoved { device: device.as_str(), by })
        }
        ChangeAct::Removed { officer, left: true, .. } => {
            say(Words::Left { officer: &officer.to_string() })
        }
        ChangeAct::Removed { officer, revoked: true, .. } => {
            say(Words::RemovedRevoked { by, officer: &officer.to_string() })
        }
        ChangeAct::Removed { officer, suspended: true, .. } => {
            say(Words::RemovedSuspended { by, officer: &officer.to_string() })
        }
        ChangeAct::Removed { officer, dropped: true, .. } => {
            say(Words::RemovedDropped { officer: &officer.to_string() })
        }
        ChangeAct::Removed { officer, .. } => {
            say(Words::RemovedOther { by, officer: &officer.to_string() })
        }
        ChangeAct::RoleChanged { officer, to, .. } => {
            say(Words::RoleChanged { by, officer: &officer.to_string(), role: *to })
        }
        ChangeAct::Renewed { .. } => say(Words::KeysRenewed { by }),
        ChangeAct::PutBack { device, .. } => {
            say(Words::DevicePutBack { device: device.as_str(), by })
        }
        ChangeAct::HoldPlaced { authority } => say(Words::HoldPlaced { by, authority }),
        ChangeAct::HoldLifted { authority } => say(Words::HoldLifted { by, authority }),
        ChangeAct::Closed => say(Words::Closed { by }),
        ChangeAct::Reopened => say(Words::Reopened { by }),
        ChangeAct::Expelled { authority } => {
            say(Words::Expelled { by, authority: authority.as_str() })
        }
        ChangeAct::Founded { poisoned: false } => say(Words::Founded { by }),
        ChangeAct::Founded { poisoned: true } => say(Words::FoundedAgain { by }),
        ChangeAct::RulesRaised { .. } => say(Words::RulesRaised { by }),
        ChangeAct::BundleChanged { version } => say(Words::BundleChanged { version: *version }),
        ChangeAct::PolicyChanged { .. } => say(Words::PolicyChanged { by }),
    }
}

fn officer(device: &DeviceName) -> String {
    device.officer().to_string()
}

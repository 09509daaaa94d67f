//! How operations read.

use std::fmt;

use super::operation::Operation;

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { by } => write!(f, "officer {by} opens a channel"),
            Self::OpenForum { by, .. } => write!(f, "officer {by} opens a forum"),
            Self::Ask { by, channel } => write!(f, "officer {by} asks in channel {channel}"),
            Self::Answer { by, channel, which } => {
                write!(f, "officer {by} answers a question ({which}) in channel {channel}")
            }
            Self::Pin { by, channel, which, pinned } => {
                let act = if *pinned { "pins" } else { "takes down" };
                write!(f, "officer {by} {act} an entry ({which}) in channel {channel}")
            }
            Self::Admit { by, channel, who, role } => {
                write!(f, "officer {by} admits officer {who} to channel {channel} as {role:?}")
            }
            Self::StandIn { by, channel, who, length } => {
                write!(
                    f,
                    "officer {by} has officer {who} stand in for {length:?} in channel {channel}"
                )
            }
            Self::Remove { by, channel, who } => {
                write!(f, "officer {by} removes officer {who} from channel {channel}")
            }
            Self::SetRole { by, channel, who, role } => {
                write!(f, "officer {by} makes officer {who} {role:?} in channel {channel}")
            }
            Self::Renew { by, channel } => {
                write!(f, "officer {by} renews keys in channel {channel}")
            }
            Self::NewGroup { by, channel, classic } => {
                let suite = if *classic { "classic" } else { "hybrid" };
                write!(f, "officer {by} has channel {channel} go on in a new {suite} group")
            }
            Self::Hold { by, channel, placed } => {
                let act = if *placed { "places" } else { "lifts" };
                write!(f, "officer {by} {act} the authority's hold in channel {channel}")
            }
            Self::Retain { by, channel, days } => {
                write!(f, "officer {by}'s authority keeps closed channel {channel} for {days} days")
            }
            Self::Leave { by, channel } => write!(f, "officer {by} leaves channel {channel}"),
            Self::SetClosed { by, channel, closed } => {
                let act = if *closed { "closes" } else { "opens" };
                write!(
                    f,
                    "officer {by} {act} channel {channel}{}",
                    if *closed { "" } else { " again" }
                )
            }
            Self::AddDevice { by, device } => {
                write!(f, "device {by} is told that device {device} is its officer's too")
            }
            Self::RemoveDevice { by, device } => {
                write!(f, "device {by} is told that device {device} is its officer's no longer")
            }
            Self::Post { by, channel } => write!(f, "officer {by} writes in channel {channel}"),
            Self::Correct { by, channel, which } => {
                write!(f, "officer {by} corrects an own entry ({which}) in channel {channel}")
            }
            Self::Withdraw { by, channel, which } => {
                write!(f, "officer {by} withdraws an own entry ({which}) in channel {channel}")
            }
            Self::Misdeed { by, channel, what } => {
                write!(f, "officer {by}'s modified program in channel {channel}: {what:?}")
            }
            Self::Offline { who } => write!(f, "officer {who} goes offline"),
            Self::Online { who } => write!(f, "officer {who} goes online"),
            Self::CrashDevice { who, effects, down } => {
                write!(
                    f,
                    "officer {who}'s device loses power after {effects} effects, for {down:?}"
                )
            }
            Self::CopyDevice { who } => write!(f, "a copy of officer {who}'s disk is kept"),
            Self::SetDeviceBack { who, down } => {
                write!(f, "officer {who}'s device has the last copy of its disk after {down:?}")
            }
            Self::CrashRelay { authority, effects, down } => {
                write!(f, "relay {authority} loses power after {effects} effects, for {down:?}")
            }
            Self::StopRelay { authority, down } => {
                write!(f, "relay {authority} stops for {down:?}")
            }
            Self::BackUp { authority } => write!(f, "a copy of relay {authority}'s disk is kept"),
            Self::Restore { authority, down } => {
                write!(f, "relay {authority} loses its disk, and has the last copy after {down:?}")
            }
            Self::Fork { authority, shown_to } => {
                let nodes: Vec<u16> = shown_to.iter().map(|node| node.0).collect();
                write!(f, "relay {authority} signs a second history, for nodes {nodes:?}")
            }
            Self::Unite { authority } => write!(f, "relay {authority}'s second history ends"),
            Self::Line { one, other, quality } => {
                write!(f, "the line between nodes {} and {} becomes {quality:?}", one.0, other.0)
            }
            Self::FailCommit { authority, kept } => {
                write!(f, "relay {authority}'s next commit fails, kept: {kept}")
            }
            Self::RelayDisk { authority, full } => {
                write!(f, "relay {authority}'s disk is full: {full}")
            }
            Self::DeviceDisk { who, full } => write!(f, "officer {who}'s disk is full: {full}"),
            Self::Clock { node, ahead_ms } => {
                write!(f, "node {}'s clock is {ahead_ms} ms ahead", node.0)
            }
            Self::IssueDue { authority, days } => {
                write!(f, "registrar {authority} issues what is due, for {days} days")
            }
            Self::DaysPass { days } => write!(f, "{days} days pass"),
            Self::Expel { by, channel, authority } => {
                write!(f, "officer {by} wants authority {authority} out of channel {channel}")
            }
            Self::Move { by, channel, to } => {
                write!(f, "officer {by} votes for channel {channel} to go on at relay {to}")
            }
            Self::CancelMove { by, channel } => {
                write!(f, "officer {by} takes the vote about channel {channel} back")
            }
            Self::Rotate { listed, first } => {
                write!(
                    f,
                    "the next bundle lists authorities {listed:?}; relay {first} has it first"
                )
            }
            Self::Suspend { who, all, length } => {
                let whose = if *all { "all devices of" } else { "the device of" };
                write!(f, "{whose} officer {who} are suspended for {length:?}")
            }
            Self::Lift { who, .. } => write!(f, "officer {who}'s suspension is lifted"),
            Self::Revoke { who } => write!(f, "officer {who}'s certificate is revoked"),
        }
    }
}

//! English.

use enlace_channel::policy::Role;
use enlace_client::client::Level;
use enlace_client::store::ChannelStanding;

use super::{Notice, Text};

pub(super) fn say(text: Text<'_>) -> String {
    match text {
        Text::Error => "Error:".into(),
        Text::CausedBy => "Caused by:".into(),
        Text::Hint => "Hint:".into(),
        Text::Warning => "Warning:".into(),

        Text::Officer => "Officer".into(),
        Text::Name => "Name".into(),
        Text::Device => "Device".into(),
        Text::Key => "Key".into(),
        Text::ValidUntil => "Valid until".into(),
        Text::Request => "Request".into(),
        Text::Channel => "Channel".into(),
        Text::OrderedBy => "Ordered by".into(),
        Text::CaseReference => "Case reference".into(),
        Text::LegalBasis => "Legal basis".into(),
        Text::Handling => "Handling".into(),
        Text::Members => "Members".into(),
        Text::Comparison => "Comparison".into(),
        Text::Consents => "Consents".into(),
        Text::Leads => "Leads".into(),
        Text::Kind => "Kind".into(),
        Text::Encryption => "Encryption".into(),
        Text::Restriction => "Restriction".into(),

        Text::DeviceMade { directory } => format!("Made this device in {directory}."),
        Text::HandRequestToRegistrar { file } => format!(
            "Hand {file} to your registrar, and read the key out when asked.\n\
             With what comes back: enlace enroll"
        ),
        Text::Enrolled { network } => format!("This device belongs to the network {network} now."),
        Text::SyncOnce => "Run `enlace sync` once: then colleagues can admit you.".into(),
        Text::RequestAtRelay => "Your request is with your registrar.".into(),
        Text::ReadKeyOut => "If your registrar calls, read out these digits.".into(),
        Text::EnrollAgain => {
            "Type the same command again later; with --wait it waits for the certificate.".into()
        }
        Text::InvitationSpent => "The invitation is used up: delete its file.".into(),
        Text::InvitationRefused => "the relay does not accept this invitation".into(),
        Text::InvitationMayBeStolen => {
            "It is over, or was withdrawn, or another device has used it. If you have not used it yet, tell your registrar at once.".into()
        }
        Text::RelayAskedTooOften { seconds } => {
            format!("the relay is asked too often; try again in {seconds} seconds")
        }
        Text::NotEnrolledYet => "This device has no certificate yet.".into(),
        Text::ChannelOpened { title, id } => format!("Opened the channel “{title}” ({id})."),
        Text::NoChannels => "You are in no channel yet.".into(),
        Text::Accepted => "Accepted.".into(),
        Text::Queued => "Queued, not yet accepted.".into(),
        Text::SyncSends => "`enlace sync` sends what is queued.".into(),
        Text::NeverSent { reason } => format!("This will not be sent: {reason}"),
        Text::LinesTaken { count } => format!("{count} notes taken."),
        Text::WriteNote => "Write the note, and end it with Ctrl-D on a line of its own.".into(),

        Text::Standing(standing) => match standing {
            ChannelStanding::Creating => "not yet accepted",
            ChannelStanding::Provisional => "not yet confirmed by another member",
            ChannelStanding::Member => "member",
            ChannelStanding::Stranded => "out of step: waits for another member's device to bring it back",
            ChannelStanding::Removed => "no longer a member",
        }
        .into(),
        Text::Role(role) => match role {
            Role::Owner => "owner",
            Role::Lead => "lead",
            Role::Member => "member",
            Role::Guide => "guide",
            Role::Observer => "observer",
        }
        .into(),
        Text::Leaving => "leaving".into(),
        Text::IsClosed => "closed".into(),
        Text::Forum => "forum".into(),
        Text::Suite { classic: true } => {
            "classic: whoever records it today can read it with a quantum computer one day".into()
        }
        Text::Suite { classic: false } => "hybrid, safe from quantum computers as far as is known".into(),
        Text::ReadableLater => {
            "What is said in this forum can be read by whoever records it today and has a quantum computer one day.".into()
        }
        Text::InChannels { count } => format!("channels: {count}"),
        Text::StillToCome { count } => format!("to come: {count}"),
        Text::DeviceResumes { count } => format!(
            "It takes part again as soon as a colleague in each of them is connected, with new keys. Channels: {count}. Run `enlace sync`."
        ),
        Text::DeviceIsNoCopy => "This device was not restored from a copy: it takes part as it is.".into(),
        Text::CountCannotBe { seen } => format!(
            "The relay says that it has seen {seen} messages of this device. That cannot be: tell your authority's IT. Nothing was changed."
        ),
        Text::ThisDevice => "this one".into(),
        Text::WaitsForConsent { officer, of } => format!("{officer}: waits for the consent of {of}"),
        Text::ConsentRefused { officer, by } => format!("{officer}: refused by {by}"),
        Text::OneLead { domain } => format!("{domain} has one lead: name a second one, so that the case goes on if that device is lost"),
        Text::NoLead { domain } => format!("{domain} has no lead: the owner of the channel can make one of its officers a lead"),
        Text::BatchProgress { done, all } => format!("{done} of {all}"),
        Text::BatchDone { count, admits: true } => format!("let in: {count}"),
        Text::BatchDone { count, admits: false } => format!("taken out: {count}"),
        Text::BatchAlready { count, admits: true } => format!("already in: {count}"),
        Text::BatchAlready { count, admits: false } => format!("not in the channel: {count}"),
        Text::BatchOthers { officer } => {
            format!("{officer}: another authority's; its own leads let its officers in and out")
        }
        Text::BatchRefused { officer, reason: Some(reason) } => format!("{officer} was not let in: {reason}"),
        Text::BatchRefused { officer, reason: None } => {
            format!("{officer} was not let in: the officer's program has to run once")
        }
        Text::OwnerStays { officer } => format!("{officer} owns the channel and is not taken out"),
        Text::Waiting { count } => format!("{count} queued, not yet accepted"),
        Text::ChannelStopped { reason } => {
            format!("This channel rests, for what the relay sends does not fit: {reason}")
        }
        Text::ChannelNeedsNewerVersion => {
            "This channel needs a newer version of this program; it goes on once that is installed.".into()
        }

        Text::DaysKept => "Days kept".into(),
        Text::HeldBy => "Held by".into(),
        Text::Question => "question".into(),
        Text::Answers { place: Some(place) } => format!("answers {place}"),
        Text::Answers { place: None } => "answers a question that is not here".into(),
        Text::LateAnswer { place: Some(place) } => format!("late answer to {place}, answered before"),
        Text::LateAnswer { place: None } => "late answer".into(),
        Text::Pins { place: Some(place) } => format!("pins {place}"),
        Text::Pins { place: None } => "pins an entry that is not here".into(),
        Text::Unpins { place: Some(place) } => format!("takes {place} down"),
        Text::Unpins { place: None } => "takes an entry down that is not here".into(),
        Text::Pinned => "pinned".into(),
        Text::AnsweredAt { place } => format!("answered at {place}"),
        Text::NotAnswered => "not answered yet".into(),
        Text::BackupWritten { file } => {
            format!("{file} holds what you have read and written, and opens with its own passphrase. Keep both apart.")
        }
        Text::BackupRestored { channels, entries } => {
            format!("{entries} entries in {channels} channels were brought back.")
        }
        Text::RestoredReads => "They can be read at once. To write again, let this device in from another one of yours (`enlace device add`), or ask a lead to take your lost device out and you in.".into(),
        Text::WaitsForReceiver { device } => format!("Waiting for {device}. On that device: `enlace device receive-history`."),
        Text::WaitsForSender { device } => format!("Waiting for another device of yours. On that device: `enlace device send-history {device}`."),
        Text::HistorySent { device } => format!("{device} has what this device has."),
        Text::HistoryOnItsWay { device } => format!("All of it was sent. Waiting for {device} to take it in."),
        Text::HistoryPartly { device, refused } => format!("{device} has what this device has, but for {refused} parts that it refused: they are not what their authors signed."),
        Text::HistoryUnconfirmed { device } => format!("everything was sent, but {device} has not said that it has taken it in"),
        Text::LookThere => "Look on that device whether it is there. If not, send it again: nothing comes twice.".into(),
        Text::DeviceNotAdded { device } => format!("you have not said on this device that {device} is yours"),
        Text::AddDevice { device } => format!("If it is yours: `enlace device add {device}`."),
        Text::DevicesApart { device } => format!("{device} is in none of the channels that this device is in"),
        Text::BringTogether => "A device that you have just added comes in once both were connected: `enlace sync` on the one, then on the other. `enlace device list` shows where your devices are.".into(),
        Text::DeviceWithOtherKey { device } => format!("{device} has another key in your channels than the one that it shows now"),
        Text::OtherKey { device } => format!("Somebody else may hold a certificate under that name: tell your registrar. If you have made that device anew yourself: `enlace device remove {device}`, `enlace sync`, then `enlace device add {device}`."),
        Text::OtherDeviceAway => "the other device did not answer".into(),
        Text::OtherDeviceMidway => "the other device is receiving something else".into(),
        Text::BothAtOnce => "Both devices have to be on, and both commands have to run at the same time.".into(),
        Text::TransferRefused { why } => format!("nothing was passed on: {why}"),
        Text::RestoreRefused { entries } => {
            format!("{entries} entries of the backup are not what their authors signed, and were left out")
        }
        Text::ErasuresLeftOut { count } => format!("The backup says of {count} notes that it does not hold that they were erased. That was left out."),
        Text::BackupExists => "there is a file of that name already: a backup is never written over".into(),
        Text::OthersBackup { officer } => format!("this is a backup of {officer}"),
        Text::FromBackup => "from a backup".into(),
        Text::ErasedHereAt { when } => format!("erased here on {when}"),
        Text::KeptHere => "kept here".into(),
        Text::CameWithoutContent => {
            "came without its content: by the relay's word, for nobody had it erased".into()
        }
        Text::RelaysTold { by, place } => format!("relays told at {place} by {by}"),
        Text::RelaysNotTold => "relays not told".into(),
        Text::NothingErased => "Nothing of this channel was erased.".into(),
        Text::CountsForNothing => "counts for nothing: what it says is not shown".into(),
        Text::WhatConfirmingMeans => {
            "A confirmation is the relay’s signed word that it holds nothing of it any more. Nobody can see from outside whether that is true, and no other device says what it has erased.".into()
        }
        Text::RelayConfirmed { authority, when, place: Some(place) } => {
            format!("{authority} confirmed on {when} (on the record at {place})")
        }
        Text::RelayConfirmed { authority, when, place: None } => {
            format!("{authority} confirmed on {when}")
        }
        Text::RelayHasNotConfirmed { authority } => format!("{authority} has not confirmed"),
        Text::RelayLeftBefore { authority } => {
            format!("{authority} had left before: it keeps what it had")
        }
        Text::NeedsNewerVersion => "(needs a newer version of this program)".into(),
        Text::CorrectedAt { place } => format!("corrected at {place}"),
        Text::Corrects { place: Some(place) } => format!("corrects {place}"),
        Text::Corrects { place: None } => "corrects an entry that is not here".into(),
        Text::WithdrawnAt { place } => format!("withdrawn at {place}"),
        Text::Withdraws { place: Some(place) } => format!("withdraws {place}"),
        Text::Withdraws { place: None } => "withdraws an entry that is not here".into(),
        Text::ErasedExpired => "erased here: the time for keeping it is over".into(),

        Text::AllInAndOut => "Everything is in, and everything is out.".into(),
        Text::NotCaughtUp => "Not everything is in yet.".into(),
        Text::Connected => "Connected.".into(),
        Text::Disconnected => "Connection lost.".into(),
        Text::NewNote { title } => format!("New in “{title}”"),
        Text::RelayOutOfReach { why } => format!("the relay cannot be reached: {why}"),
        Text::DoctorHelps => "`enlace doctor` looks for the cause.".into(),

        Text::Level(level) => match level {
            Level::Good => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        }
        .into(),
        Text::Problems { count } => format!("What stands in the way: {count}."),
        Text::AllWell => "Nothing stands in the way.".into(),

        Text::PassphraseOf { what } => format!("Passphrase of {what}: "),
        Text::NewPassphraseOf { what } => format!("New passphrase of {what}: "),
        Text::Again => "The same again: ".into(),
        Text::BundleHash => "The network's hash, as you were told it: ".into(),

        Text::NoProfile { directory } => format!("there is no device of yours in {directory}"),
        Text::MakeProfile => {
            "Make one with `enlace init`, or name another place with --profile.".into()
        }
        Text::AskRegistrar => "Your registrar sends the certificate; then: enlace enroll".into(),
        Text::WrongHash { found, told } => {
            format!("the network bundle's hash is {found}, and not {told}")
        }
        Text::CompareHash => "If you mistyped it, type it again. If not, do not go on: somebody may have exchanged the file. Ask who sent it, and who told you the hash.".into(),
        Text::NoCertificate => {
            "the file named with --certificate holds no certificate of a registrar".into()
        }
        Text::CertificateFile => {
            "It is the .pem file that your registrar sent, not the request (.csr).".into()
        }
        Text::AskRightFile => "Ask your registrar for the right file.".into(),
        Text::EnrolAgain => {
            "`enlace enroll` writes this file again, from what your registrar sent.".into()
        }
        Text::WrongPassphrase => "the passphrase is not the right one".into(),
        Text::PassphrasesDiffer => "the two passphrases differ".into(),
        Text::PassphraseTooShort { characters } => {
            format!("the passphrase has fewer than {characters} characters")
        }
        Text::GoodPassphrase => "Five or six random words make a good one.".into(),
        Text::NoSuchChannel { name } => format!("no channel of yours is called “{name}”"),
        Text::SeveralChannels { name } => format!("several channels could be meant by “{name}”"),
        Text::ListChannels => "`enlace channel list` shows them all.".into(),
        Text::NoLongerMember => "you are no longer a member of this channel".into(),
        Text::ObserversOnlyRead => "as an observer you read, and do not write".into(),
        Text::ChannelClosed => "this case is closed: it can be read, and nothing is written any more".into(),
        Text::NobodyEntersClosed => "this case is closed: nobody comes in any more".into(),
        Text::OwnerRaisesRules => "only the owner switches a channel to newer rules".into(),
        Text::NewestRules => "the channel follows the newest rules that this program knows".into(),
        Text::ProgramsBehind { devices } => {
            format!("these devices need a newer version of the program first: {devices}")
        }
        Text::OwnerCloses => "only the owner closes a case, and opens it again".into(),
        Text::OwnerExpels => {
            "only the owner puts an authority out of a channel, and not the own one".into()
        }
        Text::NobodyAgrees => "too few leads are there to consent: besides your authority and the one that is to go, more than half of the authorities in the channel need one".into(),
        Text::MoveAsked { domain } => format!("Your vote for the relay of {domain} is given. It stands until the channel has moved, or you take it back with --cancel."),
        Text::MoveCancelled => "Your vote is taken back.".into(),
        Text::MoveOrderedBy { domain } => format!("The relay of {domain} orders this channel."),
        Text::MoveVotes { domain, voters } => format!("For the relay of {domain}: {voters}"),
        Text::MoveNeeds { count, missing } => format!("still needed: leads of {count} of these authorities: {missing}"),
        Text::MoveComes => "That is enough: its relay takes over as soon as it has heard of it.".into(),
        Text::NobodyMoves => "Nobody has voted for another relay.".into(),
        Text::AlreadyOrdered { domain } => format!("the relay of {domain} orders this channel already"),
        Text::NotAskedToMove => "you have not voted for another relay".into(),
        Text::ExpelsHub { domain } => format!("The relay of {domain} orders this channel, and may hold the change back. It goes on without it where leads of most of the authorities vote for another one: enlace channel move CHANNEL --to DOMAIN"),
        Text::AuthorityNotThere { domain } => format!("{domain} has nobody in this channel"),
        Text::OwnerRenews => {
            "only the owner renews a channel's keys for everybody; where nobody can go on, a lead does, with --poisoned".into()
        }
        Text::FormerDevice { device } => format!("{device} has an address that was yours before: say this on it, and name this device"),
        Text::OthersDevice { device } => format!("{device} is not a device of yours"),
        Text::DeviceInUse => "this is the device that you are using: leave the channels, or use another device".into(),
        Text::ReopenIt => "Its owner can open it again: `enlace channel reopen`.".into(),
        Text::NotAsked { officer } => format!("nobody has asked for a consent that concerns {officer}"),
        Text::MandateRefused { why } => format!("this mandate does not hold: {why}"),
        Text::MandateElsewhere => "this mandate is for another channel".into(),
        Text::HasLead { domain } => format!("{domain} has a lead in this channel: nobody has to stand in"),
        Text::NotEntitled => {
            "only a lead of the authority or the owner of the channel can do this".into()
        }
        Text::OwnerCannotLeave => "the owner of a channel cannot leave it".into(),
        Text::HandOwnershipOn => {
            "Hand it on first: enlace channel role CHANNEL NAME@DOMAIN owner".into()
        }
        Text::NoSuchAuthority { domain } => format!("{domain} is no authority of this network"),
        Text::NotInChannel { officer } => format!("{officer} is not in this channel"),
        Text::AlreadyInChannel { officer } => format!("{officer} is in this channel already"),
        Text::NotAForum => "this channel is not a forum".into(),
        Text::OnlyGuidesPublish => {
            "in a forum guides, leads and the owner publish, answer and pin".into()
        }
        Text::AskInstead => "Ask with: enlace ask".into(),
        Text::NoQuestionThere => "the entry at that place is no question".into(),
        Text::AnsweredAlready { place } => {
            format!("this question is answered already, at place {place}")
        }
        Text::IdUsed => "something else was sent with this --id".into(),
        Text::NoEntryThere => "there is no entry at that place".into(),
        Text::OthersEntry => "this entry is not yours: only its author corrects or withdraws it".into(),
        Text::EntryStands => "an entry of this kind cannot be corrected or withdrawn".into(),
        Text::WithdrawnAlready => "this entry is withdrawn already".into(),
        Text::EmptyNote => "the note is empty".into(),
        Text::RestrictionGoesWithH3 => {
            "H3, and no other code, goes with a --restriction in words".into()
        }

        Text::Notice(notice) => say_notice(notice),
    }
}

fn say_notice(notice: &Notice<'_>) -> String {
    let role_of = |role: Role| say(Text::Role(role));
    match *notice {
        Notice::Joined { by } => format!("{by} admitted you."),
        Notice::PutBack { by } => {
            format!("This device is in step again; the device of {by} saw to it.")
        }
        Notice::HistoryShared { by, entries } => {
            format!("The device of {by} sent what this device had missed: {entries} messages.")
        }
        Notice::BackRequested { device, guilty: Some(guilty) } => {
            format!("{device} says that a change by {guilty} locked it out. Others bring it back.")
        }
        Notice::BackRequested { device, guilty: None } => {
            format!("{device} says that it was locked out. Others bring it back.")
        }
        Notice::DevicePutBack { device, by } => {
            format!("{device} is in step again; the device of {by} saw to it.")
        }
        Notice::ReadableLater => say(Text::ReadableLater),
        Notice::Confirmed => "Another member's message confirmed this channel.".into(),
        Notice::Admitted { by, officer, role } => {
            format!("{by} admitted {officer} as {}.", role_of(role))
        }
        Notice::RemovedOther { by, officer } => format!("{by} removed {officer}."),
        Notice::Left { officer } => format!("{officer} left."),
        Notice::RemovedRevoked { by, officer } => format!(
            "{officer} is out of the channel, for the certificate is revoked; the device of {by} saw \
             to it."
        ),
        Notice::RemovedSuspended { by, officer } => format!(
            "{officer} is suspended, and out of the channel until that is lifted; the device of {by} \
             saw to it."
        ),
        Notice::Returned { officer } => {
            format!("{officer} is back in the channel: the suspension is over.")
        }
        Notice::RoleChanged { by, officer, role } => {
            format!("{by} made {officer} {}.", role_of(role))
        }
        Notice::AsksForAuthority { by, officer } => format!(
            "{by} asks for the consent of your authority: {officer} comes in as the first lead of another authority."
        ),
        Notice::AsksForExpulsion { by, authority } => {
            format!(
                "{by} asks for your consent to put {authority} out of this channel, with all of its officers: `enlace channel consent` or `refuse`."
            )
        }
        Notice::AsksForOwner { by, officer } => format!(
            "{by} asks for the consent of your authority: {officer} becomes the owner, for the owner's devices are gone."
        ),
        Notice::Consents { by, officer } => {
            format!("{by} consents, for the own authority: {officer}.")
        }
        Notice::Refuses { by, officer } => {
            format!("{by} refuses, for the own authority: {officer}.")
        }
        Notice::KeysRenewed { by } => format!("{by} renewed the device's keys."),
        Notice::AddressChanged { former, officer } => {
            format!("{former} has another address now: {officer}.")
        }
        Notice::DeviceAdded { device, by } => format!("{by} let another device in: {device}."),
        Notice::DeviceRemoved { device, by } => format!("{by} took a device out: {device}."),
        Notice::DeviceRevoked { device } => {
            format!("{device} is out of the channel, for its certificate is revoked.")
        }
        Notice::DeviceSuspended { device } => {
            format!("{device} is suspended, and out of the channel until that is lifted.")
        }
        Notice::Closed { by } => format!("{by} closed the case."),
        Notice::Reopened { by } => format!("{by} opened the case again."),
        Notice::Founded { by } => {
            format!("{by} gave the channel fresh keys for everybody. It goes on as before.")
        }
        Notice::Expelled { by, authority } => {
            format!(
                "{by} put {authority} out of the channel, with the consent of the other authorities."
            )
        }
        Notice::LeftOut { by } => {
            format!(
                "{by} goes on in this channel without your authority. If the others have agreed to that, you are out; what you have stays readable."
            )
        }
        Notice::FoundedAgain { by } => {
            format!(
                "{by} gave the channel fresh keys for everybody, since nobody could read on with the former ones."
            )
        }
        Notice::BundleChanged { version } => {
            format!("The channel follows version {version} of the network's list of authorities.")
        }
        Notice::RemovedDropped { officer } => {
            format!(
                "{officer} is out: the network's list of authorities no longer vouches for that device's certificate."
            )
        }
        Notice::RulesRaised { by } => {
            format!("{by} switched the channel to newer rules, which every program in it knows.")
        }
        Notice::PolicyChanged { by } => format!("{by} changed the channel's details."),
        Notice::VoidChange { by, reason } => {
            format!("A change by {by} broke the rules and had no effect: {reason}")
        }
        Notice::Unreadable { by, reason } => {
            format!("A message of {by} could not be read: {reason}")
        }
        Notice::NotTheirs { by, place } => {
            format!(
                "{by} wanted to correct or withdraw entry {place}, which is somebody else's: nothing has changed."
            )
        }
        Notice::FalseConfirmation { by, reason } => {
            format!("{by} put a confirmation on the record that counts for nothing: {reason}")
        }
        Notice::WithoutContent { by } => {
            format!(
                "An entry of {by} came without its content, and nobody had it erased as far as this log goes: a relay keeps it back, or was told so later."
            )
        }
        Notice::ErasedUnread { author, by, place } => {
            format!(
                "Entry {place} of {author} was erased before it was read here: {by} had that done."
            )
        }
        Notice::HoldPlaced { by, authority } => {
            format!(
                "{authority} keeps its copies, whatever is withdrawn or has run its time ({by})."
            )
        }
        Notice::HoldLifted { by, authority } => {
            format!(
                "{authority} no longer holds its copies: what was withdrawn is erased there ({by})."
            )
        }
        Notice::Expired { entries } => {
            format!(
                "The time for which your authority keeps this case is over: {entries} entries were erased here."
            )
        }
        Notice::Restored { entries } => format!("{entries} entries come from a backup."),
        Notice::LeaveRequested { by } => format!("{by} asked to leave."),
        Notice::Contested { by } => format!("{by} objected to a change."),
        Notice::Removed { by } => format!("{by} removed you from this channel."),
        Notice::Stranded { by, may_rescue } => {
            let rescue = if may_rescue {
                " If it reached nobody, `enlace channel renew CASE --poisoned` gives everybody fresh keys."
            } else {
                ""
            };
            let told = format!(
                "A change by {by} did not reach this device. It cannot write until another member's device \
             has brought it back, which goes by itself; what you write waits."
            );
            told + rescue
        }
        Notice::Resumed => "This device can read again.".into(),
        Notice::NeedsNewerVersion => "Something needs a newer version of this program.".into(),
        Notice::FalseQuote { by } => {
            format!("{by} claims to have seen messages that the relay never signed.")
        }
        Notice::Fork { hub } => format!(
            "The relay of {hub} signed two different histories of this channel. Tell your \
             authority, and the other members by another way."
        ),
        Notice::MoveWanted { by, from, to } => format!(
            "{by} wants the relay of {to} to order this channel instead of that of {from}. To agree: `enlace channel move CHANNEL --to {to}`."
        ),
        Notice::Moved { from, to } => format!(
            "The relay of {to} orders this channel now, no longer that of {from}, as leads of most authorities want. Nothing else has changed."
        ),
        Notice::HubDropped { hub } => format!(
            "{hub}, whose relay orders this channel, is no longer in the network. Leads should let another authority's relay order it: `enlace channel move CHANNEL --to DOMAIN`."
        ),
        Notice::HubBeganAnew { hub, brought_back, lost } => {
            let what = match (lost, brought_back) {
                (true, _) => {
                    "was restored from an older copy, and lacks messages that nobody could \
                     bring back"
                }
                (false, true) => {
                    "was restored from an older copy; members brought back what it lacked"
                }
                (false, false) => "was interrupted and goes on; nothing is known to be missing",
            };
            format!("The relay of {hub} {what}.")
        }
        Notice::SetBack { entries, is_stranded } => {
            let then = if is_stranded {
                " This device cannot write until it is let in again."
            } else {
                ""
            };
            format!(
                "The relay lost {entries} messages that this device had received. Yours are sent \
                 again; the others stay here.{then}"
            )
        }
        Notice::Stopped { reason } => {
            format!("What the relay sends does not fit, and the channel rests: {reason}")
        }
        Notice::WelcomeRefused { reason } => format!("An invitation was refused: {reason}"),
        Notice::NotDone { reason } => format!("Something you asked for cannot be done: {reason}"),
        Notice::NotAdmitted { officers, reason: Some(reason) } => {
            format!("{officers}: not let in, for {reason}")
        }
        Notice::NotAdmitted { officers, reason: None } => {
            format!("{officers}: not let in, for their programs have to run once.")
        }
        Notice::NoKeyPackage { officer } => format!(
            "{officer} can be admitted as soon as that officer's program has been connected once."
        ),
        Notice::SnapshotRestored => {
            "This device was restored from a copy. It reads on, and writes nothing. If you restored \
             it, run `enlace device resume`. If not, somebody has copied it: tell your registrar at once."
                .into()
        }
    }
}

//! The calls of the protocol: their numbers, who may make them, and how large they may be.
//!
//! A request message names its [`Method`] and its response type through [`Call`], so that neither
//! side can pair the wrong ones. Limits count the body of a frame, without its header.

use crate::relay::v1;
use crate::shape::Shaped;

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// Limit of messages that hold a handful of short fields.
pub const SMALL: u32 = 64 * KIB;

/// Limit of messages that come before anybody is known: a certificate request and a proof.
pub const TINY: u32 = 8 * KIB;

/// Limit of messages that hold lists: revocation lists (each up to 1 MiB), cursors, key packages.
pub const MEDIUM: u32 = 2 * MIB;

/// Limit of one submitted item with its welcomes.
pub const LARGE: u32 = 8 * MIB;

/// Limit of messages that deliver items. It exceeds [`LARGE`] by what a relay adds (device list,
/// head, certificates), so that whatever could be submitted can be delivered.
pub const DELIVERY: u32 = 10 * MIB;

/// Limit of the `Error` that refuses a call.
pub const ERROR: u32 = 4 * KIB;

/// A call, by its number on the wire. A number is never used again for something else.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u16)]
pub enum Method {
    /// The first call on a connection, made by the side that dialled.
    Hello = 1,
    /// A device fills its pool of key packages.
    PublishKeyPackages = 2,
    /// Takes one key package of each device named.
    ClaimKeyPackages = 3,
    /// The first commit of a channel.
    CreateChannel = 4,
    /// Asks to be the only one to commit for a few seconds.
    Lease = 5,
    /// Submits an item.
    Submit = 6,
    /// Opens the long-lived stream on which items are delivered.
    Subscribe = 7,
    /// Reads items again.
    FetchRange = 8,
    /// Bundle, endpoint records and revocation lists.
    FetchDirectory = 9,
    /// A hub hands a welcome to the home relay of the devices it admits.
    DeliverWelcome = 10,
    /// Newer revocation lists.
    PublishCrls = 11,
    /// The certificate of a head key, by its hash.
    FetchHeadCertificate = 12,
    /// Opens the long-lived stream on which items are submitted.
    SubmitStream = 13,
    /// Brings back to a hub what it signed and no longer holds.
    Refill = 14,
    /// Two relays show each other the newest heads of the channels that they share.
    ExchangeHeads = 15,
    /// A relay that lost its copy of a log asks for the welcome with which it began.
    RequestWelcome = 16,
    /// Votes of members for moving a channel to another hub.
    PublishHubVotes = 17,
    /// A device takes the history that another device of its officer sends.
    ReceiveHistory = 18,
    /// A version of the network's bundle.
    FetchBundle = 19,
    /// A newer version of the network's bundle.
    PublishBundle = 20,
    /// A device sends the history to another device of its officer.
    SendHistory = 21,
    /// A device without a certificate hands in its request, and fetches what was issued.
    Enroll = 23,
    /// A device without a certificate fetches what it verifies its relay and its certificate with.
    FetchEnrolment = 24,
    /// Officers of the own authority who can be admitted.
    FetchContacts = 25,
    /// A relay says that it no longer holds what a tombstone had erased.
    ConfirmErasure = 26,
    /// A device asks for what another relay says of that.
    FetchErasureConfirmation = 27,
    /// A device asks for its certificate to be renewed, and fetches the new one.
    RenewCertificate = 29,
}

/// Which kind of certificate a caller holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Caller {
    /// An officer's device.
    Device,
    /// A relay.
    Relay,
    /// None yet: a device that was invited, on a protocol of its own.
    Newcomer,
}

impl Method {
    /// Every method of this version, by number.
    pub const ALL: [Self; 27] = [
        Self::Hello,
        Self::PublishKeyPackages,
        Self::ClaimKeyPackages,
        Self::CreateChannel,
        Self::Lease,
        Self::Submit,
        Self::Subscribe,
        Self::FetchRange,
        Self::FetchDirectory,
        Self::DeliverWelcome,
        Self::PublishCrls,
        Self::FetchHeadCertificate,
        Self::SubmitStream,
        Self::Refill,
        Self::ExchangeHeads,
        Self::RequestWelcome,
        Self::PublishHubVotes,
        Self::ReceiveHistory,
        Self::FetchBundle,
        Self::PublishBundle,
        Self::SendHistory,
        Self::Enroll,
        Self::FetchEnrolment,
        Self::FetchContacts,
        Self::ConfirmErasure,
        Self::FetchErasureConfirmation,
        Self::RenewCertificate,
    ];

    /// The method with that number, if this version knows one.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.number() == number)
    }

    /// The number on the wire: the kind of the frame that carries the request.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The longest request, in bytes.
    #[must_use]
    pub const fn request_limit(self) -> u32 {
        match self {
            Self::Hello
            | Self::PublishKeyPackages
            | Self::ClaimKeyPackages
            | Self::Subscribe
            | Self::PublishCrls
            | Self::PublishHubVotes
            | Self::SendHistory => MEDIUM,
            Self::CreateChannel | Self::Submit | Self::PublishBundle => LARGE,
            Self::DeliverWelcome | Self::Refill => DELIVERY,
            Self::Lease
            | Self::FetchRange
            | Self::FetchDirectory
            | Self::FetchHeadCertificate
            | Self::SubmitStream
            | Self::ExchangeHeads
            | Self::RequestWelcome
            | Self::FetchBundle
            | Self::FetchContacts
            | Self::ConfirmErasure
            | Self::FetchErasureConfirmation
            | Self::ReceiveHistory
            | Self::RenewCertificate => SMALL,
            Self::Enroll | Self::FetchEnrolment => TINY,
        }
    }

    /// The longest response, in bytes; of [`Method::Subscribe`], the longest event, of
    /// [`Method::SubmitStream`], the longest message of answers.
    #[must_use]
    pub const fn response_limit(self) -> u32 {
        match self {
            Self::Hello | Self::FetchContacts | Self::ReceiveHistory => MEDIUM,
            Self::ClaimKeyPackages | Self::FetchDirectory | Self::FetchBundle => LARGE,
            Self::Subscribe | Self::FetchRange | Self::FetchEnrolment => DELIVERY,
            Self::PublishKeyPackages
            | Self::CreateChannel
            | Self::Lease
            | Self::Submit
            | Self::DeliverWelcome
            | Self::PublishCrls
            | Self::PublishHubVotes
            | Self::FetchHeadCertificate
            | Self::SubmitStream
            | Self::Refill
            | Self::ExchangeHeads
            | Self::RequestWelcome
            | Self::PublishBundle
            | Self::Enroll
            | Self::ConfirmErasure
            | Self::FetchErasureConfirmation
            | Self::SendHistory
            | Self::RenewCertificate => SMALL,
        }
    }

    /// Whether the holder of that kind of certificate may make this call at a relay.
    ///
    /// Which channels and devices it may name is the relay's to decide.
    #[must_use]
    pub const fn allows(self, caller: Caller) -> bool {
        match self {
            Self::PublishKeyPackages
            | Self::CreateChannel
            | Self::FetchContacts
            | Self::FetchErasureConfirmation
            | Self::ReceiveHistory
            | Self::SendHistory
            | Self::RenewCertificate => {
                matches!(caller, Caller::Device)
            }
            Self::DeliverWelcome
            | Self::ExchangeHeads
            | Self::RequestWelcome
            | Self::ConfirmErasure => {
                matches!(caller, Caller::Relay)
            }
            Self::Hello
            | Self::ClaimKeyPackages
            | Self::Lease
            | Self::Submit
            | Self::Subscribe
            | Self::FetchRange
            | Self::FetchDirectory
            | Self::PublishCrls
            | Self::PublishHubVotes
            | Self::FetchHeadCertificate
            | Self::SubmitStream
            | Self::Refill
            | Self::FetchBundle
            | Self::PublishBundle => matches!(caller, Caller::Device | Caller::Relay),
            Self::Enroll | Self::FetchEnrolment => matches!(caller, Caller::Newcomer),
        }
    }
}

/// A request message: it belongs to one method and has one response type.
///
/// [`Method::Subscribe`] and [`Method::SubmitStream`] have none: their requests open a stream.
pub trait Call: Shaped {
    /// The method whose request this is.
    const METHOD: Method;

    /// What answers it.
    type Response: Shaped;
}

macro_rules! calls {
    ($($method:ident: $request:ident -> $response:ident,)*) => {
        $(impl Call for v1::$request {
            const METHOD: Method = Method::$method;
            type Response = v1::$response;
        })*
    };
}

calls! {
    Hello: HelloRequest -> HelloResponse,
    PublishKeyPackages: PublishKeyPackagesRequest -> PublishKeyPackagesResponse,
    ClaimKeyPackages: ClaimKeyPackagesRequest -> ClaimKeyPackagesResponse,
    CreateChannel: CreateChannelRequest -> CreateChannelResponse,
    Lease: LeaseRequest -> LeaseResponse,
    Submit: SubmitRequest -> SubmitResponse,
    FetchRange: FetchRangeRequest -> FetchRangeResponse,
    FetchDirectory: FetchDirectoryRequest -> FetchDirectoryResponse,
    DeliverWelcome: DeliverWelcomeRequest -> DeliverWelcomeResponse,
    PublishCrls: PublishCrlsRequest -> PublishCrlsResponse,
    FetchHeadCertificate: FetchHeadCertificateRequest -> FetchHeadCertificateResponse,
    Refill: RefillRequest -> RefillResponse,
    ExchangeHeads: ExchangeHeadsRequest -> ExchangeHeadsResponse,
    RequestWelcome: RequestWelcomeRequest -> RequestWelcomeResponse,
    PublishHubVotes: PublishHubVotesRequest -> PublishHubVotesResponse,
    FetchContacts: FetchContactsRequest -> FetchContactsResponse,
    FetchBundle: FetchBundleRequest -> FetchBundleResponse,
    PublishBundle: PublishBundleRequest -> PublishBundleResponse,
    ConfirmErasure: ConfirmErasureRequest -> ConfirmErasureResponse,
    FetchErasureConfirmation: FetchErasureConfirmationRequest -> FetchErasureConfirmationResponse,
    RenewCertificate: RenewCertificateRequest -> RenewCertificateResponse,
    ReceiveHistory: ReceiveHistoryRequest -> ReceiveHistoryResponse,
    SendHistory: SendHistoryRequest -> SendHistoryResponse,
    Enroll: EnrollRequest -> EnrollResponse,
    FetchEnrolment: FetchEnrolmentRequest -> FetchEnrolmentResponse,
}

#[cfg(test)]
mod tests {
    use super::{Caller, KIB, MIB, Method};

    #[test]
    fn numbers_are_those_of_the_protocol_page() {
        let numbers: Vec<u16> = Method::ALL.iter().map(|method| method.number()).collect();
        assert_eq!(numbers, (1..=21).chain([23, 24, 25, 26, 27, 29]).collect::<Vec<u16>>());
    }

    #[test]
    fn numbers_lead_back_to_their_methods() {
        for number in 0..=u16::MAX {
            match Method::from_number(number) {
                Some(method) => assert_eq!(method.number(), number),
                None => assert!(!matches!(number, 1..=21 | 23..=27 | 29)),
            }
        }
    }

    /// The table of PROTOCOL.md §4.3 is what strangers build on.
    #[test]
    fn numbers_callers_and_limits_are_those_of_the_protocol_page() {
        let page = include_str!("../../../docs/PROTOCOL.md");
        let rows: Vec<Vec<&str>> = page
            .lines()
            .skip_while(|line| *line != "### 4.3 Methods")
            .skip_while(|line| !line.starts_with("| 1 |"))
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        assert_eq!(rows.len(), Method::ALL.len());
        for (row, method) in rows.iter().zip(Method::ALL) {
            let callers = [(Caller::Device, 'D'), (Caller::Relay, 'R'), (Caller::Newcomer, 'N')];
            let callers: Vec<String> = callers
                .into_iter()
                .filter(|(caller, _)| method.allows(*caller))
                .map(|(_, letter)| letter.to_string())
                .collect();
            assert_eq!(row[0], method.number().to_string());
            assert_eq!(row[1], format!("{method:?}"));
            assert!(row[4].split(',').next() == Some(&callers.join(" ")), "{row:?}");
            assert_eq!(row[5], shown(method.request_limit()), "{row:?}");
            assert!(row[6].contains(&shown(method.response_limit())), "{row:?}");
        }
    }

    fn shown(bytes: u32) -> String {
        if bytes >= MIB { format!("{} MiB", bytes / MIB) } else { format!("{} KiB", bytes / KIB) }
    }

    #[test]
    fn a_submitted_item_can_be_delivered() {
        for delivery in [
            Method::Subscribe.response_limit(),
            Method::FetchRange.response_limit(),
            Method::DeliverWelcome.request_limit(),
        ] {
            assert!(delivery > Method::Submit.request_limit());
            assert!(delivery > Method::CreateChannel.request_limit());
        }
    }
}

//! Calls that run beside the session, each a task that dies with it, and what their answers bring.

use std::time::Duration;

use enlace_channel::mls::Suite;
use enlace_identity::canonical::sha256;
use enlace_identity::names::Domain;
use enlace_log::{ChannelId, HeadSigner, Seq};
use enlace_proto::method::Call;
use enlace_proto::relay::v1::{
    ErrorCode, FetchBundleResponse, FetchDirectoryRequest, FetchDirectoryResponse,
    FetchErasureConfirmationRequest, FetchHeadCertificateRequest, FetchRangeRequest,
    FetchRangeResponse, PublishBundleResponse, PublishCrlsRequest, PublishKeyPackagesRequest,
    RefillResponse, RenewCertificateRequest,
};
use enlace_transport::{CallError, Connection, ReceiveError};

use super::connect::wire_id;
use super::session::Session;
use super::{Shared, SyncError};
use crate::engine::{
    Action, Answer, CertificateRefused, Departure, EngineError, Inquiry, Publication,
};

/// How long a call may take: a home relay that has to ask a hub far away answers within it.
const LIMIT: Duration = Duration::from_secs(20);

/// Bytes of lists in one call; a longer list goes alone.
const LIST_BYTES: usize = 512 << 10;

/// How long the look-up of a channel's end may take.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// A call that has ended.
pub(super) enum Done {
    /// Of the outbox.
    Row(Box<Action>, Box<Answer>),
    /// What comes after a position, to find out whether anything does; from where it was asked.
    Probe(ChannelId, Seq, Result<FetchRangeResponse, CallError>),
    /// Bundle, endpoint records and lists.
    Directory(Result<FetchDirectoryResponse, CallError>),
    /// A version of the network's bundle.
    Bundle(Result<FetchBundleResponse, CallError>),
    /// A version of the network's bundle was handed over.
    BundleHandedOver(Result<PublishBundleResponse, CallError>),
    /// How many key packages the relay has.
    Pool { suite: Suite, available: Result<usize, CallError>, replaced: bool },
    /// Lists were published.
    ListsPublished(Result<(), CallError>),
    /// Key packages were published.
    Published(Publication, Result<(), CallError>),
    /// A vote for another hub was handed over.
    VoteHandedOver(ChannelId, Result<(), CallError>),
    /// The certificate of a head key that a member quoted.
    HeadKey(Option<Domain>, Result<Vec<Vec<u8>>, CallError>),
    /// What was brought back to a hub, from which position on.
    Refilled(ChannelId, Option<Seq>, Result<RefillResponse, CallError>),
    /// The certificate that the registrar issued, if it has.
    Certificate(Result<Vec<Vec<u8>>, CallError>),
    /// What relays have signed of what they have erased.
    Confirmed(Inquiry, Vec<(Domain, Vec<u8>)>),
    /// What a hub shows of where it began anew.
    WayBack(ChannelId, Seq, Option<Departure>),
}

impl Session {
    /// Makes the call that an outbox row needs.
    pub(super) fn start(&mut self, action: Action) {
        let connection = self.connection.clone();
        self.calls.spawn(async move {
            let answer = match make(&connection, &action).await {
                Ok(answer) => answer,
                Err(error) => Answer::Failed(error),
            };
            Done::Row(Box::new(action), Box::new(answer))
        });
    }

    pub(super) fn probe(&mut self, channel: ChannelId) {
        let followed = self.shared.engine().followed_channel(channel);
        let Ok(Some(followed)) = followed else { return };
        let request = FetchRangeRequest {
            channel: Some(wire_id(channel)),
            from_seq: followed.next.0,
            max_items: 1,
            hub: followed.hub.to_string(),
        };
        self.settled.set_caught_up(channel, false);
        self.settled.asked();
        self.spawn(request, PROBE_LIMIT, move |answer| Done::Probe(channel, followed.next, answer));
    }

    pub(super) fn fetch_directory(&mut self) {
        self.settled.asked();
        self.spawn(FetchDirectoryRequest {}, LIMIT, Done::Directory);
    }

    /// Asks for a new certificate, if it is time.
    pub(super) fn ask_certificate(&mut self) {
        let Some(request) = self.shared.engine().certificate_request() else { return };
        self.settled.asked();
        self.spawn(RenewCertificateRequest { request }, LIMIT, |answer| {
            Done::Certificate(answer.map(|response| response.certificates))
        });
    }

    /// Asks how many key packages the relay has; publishing none is the way to ask.
    pub(super) fn ask_pool(&mut self, suite: Suite) {
        self.settled.asked();
        let replace = self.shared.engine().has_lost_pool(suite).unwrap_or_else(|error| {
            tracing::error!(%error, "whether key packages are lost cannot be read");
            false
        });
        let request =
            PublishKeyPackagesRequest { suite: suite.code().into(), replace, ..Default::default() };
        self.spawn(request, LIMIT, move |answer| {
            let available = answer.map(|response| response.available as usize);
            Done::Pool { suite, available, replaced: replace }
        });
    }

    /// Asks relays, one after the other, what they have erased. Nobody waits for it.
    pub(super) fn inquire(&mut self, inquiry: Inquiry) {
        self.is_inquiring = true;
        let connection = self.connection.clone();
        self.calls.spawn(async move {
            let mut answers = Vec::new();
            for authority in &inquiry.authorities {
                let request = FetchErasureConfirmationRequest {
                    channel: Some(wire_id(inquiry.channel)),
                    tombstone: inquiry.tombstone.0,
                    authority: authority.to_string(),
                };
                match connection.call(&request, LIMIT).await {
                    Ok(answer) if answer.confirmation.is_empty() => {}
                    Ok(answer) => answers.push((authority.clone(), answer.confirmation)),
                    Err(error) => tracing::debug!(%authority, %error, "no relay has confirmed"),
                }
            }
            Done::Confirmed(inquiry, answers)
        });
    }

    pub(super) fn fetch_head_key(&mut self, hub: Option<Domain>, signer: HeadSigner) {
        let request = FetchHeadCertificateRequest { signer: signer.0.to_vec() };
        self.spawn(request, LIMIT, move |answer| {
            Done::HeadKey(hub, answer.map(|response| response.certificates))
        });
    }

    pub(super) fn spawn<C: Call + Send + Sync + 'static>(
        &mut self,
        request: C,
        limit: Duration,
        done: impl FnOnce(Result<C::Response, CallError>) -> Done + Send + 'static,
    ) where
        C::Response: Send,
    {
        let connection = self.connection.clone();
        self.calls.spawn(async move { done(connection.call(&request, limit).await) });
    }

    /// Takes in what a call brought.
    pub(super) async fn handle_done(&mut self, done: Done) -> Result<(), SyncError> {
        match done {
            Done::Row(action, answer) => {
                if matches!(*answer, Answer::Accepted(_)) {
                    self.cut_off.accepted(action.channel());
                }
                if is_recovering(&answer) {
                    self.ask_where_it_ends(action.channel())?;
                }
                let created =
                    self.shared.engine().take_answer(&action, *answer, &mut self.lanes)?;
                if let Some(channel) = created {
                    let followed = self.shared.engine().followed_channel(channel)?;
                    if let Some(followed) = followed {
                        self.follow(&followed).await?;
                    }
                }
            }
            Done::Probe(channel, from, answer) => {
                self.settled.answered();
                self.take_probe(channel, from, answer)?;
            }
            Done::Directory(answer) => {
                self.settled.answered();
                self.take_directory(answer)?;
            }
            Done::Bundle(answer) => {
                self.settled.answered();
                self.take_fetched_bundle(answer).await?;
            }
            Done::BundleHandedOver(answer) => {
                self.settled.answered();
                self.take_handed_over(answer);
            }
            Done::Pool { suite, available, replaced } => {
                self.settled.answered();
                if replaced && available.is_ok() {
                    self.shared.engine().pool_was_dropped(suite).map_err(EngineError::from)?;
                }
                self.fill_pool(suite, available)?;
            }
            Done::ListsPublished(answer) => {
                self.settled.answered();
                if let Err(error) = answer {
                    tracing::warn!(%error, "the relay did not take revocation lists");
                }
            }
            Done::Published(publication, answer) => {
                self.settled.answered();
                match answer {
                    Ok(()) => self.shared.engine().published(&publication)?,
                    Err(error) => tracing::warn!(%error, "key packages were not published"),
                }
            }
            Done::VoteHandedOver(channel, answer) => {
                self.settled.answered();
                if let Err(error) = answer {
                    tracing::warn!(%channel, %error, "the relay did not take a vote");
                    self.votes_there.remove(&channel);
                }
            }
            Done::Certificate(answer) => {
                self.settled.answered();
                self.take_certificate(answer)?;
            }
            Done::HeadKey(hub, answer) => match answer {
                Ok(certificates) => take_head_key(&self.shared, hub.as_ref(), &certificates)?,
                Err(error) => tracing::warn!(%error, "a head key's certificate did not come"),
            },
            Done::Refilled(channel, from, answer) => {
                self.take_refilled(channel, from, answer).await?;
            }
            Done::Confirmed(inquiry, answers) => {
                self.is_inquiring = false;
                self.shared.engine().take_confirmations(&inquiry, &answers)?;
            }
            Done::WayBack(channel, next, departure) => {
                self.take_way_back(channel, next, departure).await?;
            }
        }
        Ok(())
    }

    /// Nothing after the stored position: the channel is all here. Items were asked for only to
    /// know; they come by the subscription.
    fn take_probe(
        &mut self,
        channel: ChannelId,
        from: Seq,
        answer: Result<FetchRangeResponse, CallError>,
    ) -> Result<(), SyncError> {
        let now = self.shared.engine().followed_channel(channel)?.map(|followed| followed.next);
        match answer {
            Ok(response) if response.items.is_empty() => {
                self.settled.set_caught_up(channel, true);
            }
            // Meanwhile they have come: there may be more.
            Ok(_) if now > Some(from) => self.probe(channel),
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%channel, %error, "the relay did not say where a log ends");
                self.settled.set_caught_up(channel, true);
            }
        }
        Ok(())
    }

    fn take_certificate(
        &mut self,
        answer: Result<Vec<Vec<u8>>, CallError>,
    ) -> Result<(), SyncError> {
        let certificates = match answer {
            Ok(certificates) if certificates.is_empty() => return Ok(()),
            Ok(certificates) => certificates,
            Err(error) => {
                tracing::warn!(%error, "the relay took no request for a new certificate");
                return Ok(());
            }
        };
        let taken = self.shared.engine().take_certificate(&certificates);
        match taken {
            Ok(()) => {
                tracing::info!("this device has a new certificate");
                for suite in crate::engine::SUITES {
                    self.ask_pool(suite);
                }
            }
            Err(CertificateRefused::Engine(error)) => return Err(error.into()),
            Err(error) => tracing::warn!(%error, "a new certificate is refused"),
        }
        Ok(())
    }

    fn take_directory(
        &mut self,
        answer: Result<FetchDirectoryResponse, CallError>,
    ) -> Result<(), SyncError> {
        let directory = match answer {
            Ok(directory) => directory,
            Err(error) => {
                tracing::warn!(%error, "the relay's directory did not come");
                return Ok(());
            }
        };
        let mut engine = self.shared.engine();
        engine.take_crls(&directory.crls)?;
        engine.take_endpoint_records(&directory.endpoint_records)?;
        drop(engine);
        self.lists_there.extend(directory.crls.iter().map(|list| sha256(list)));
        self.knows_lists = true;
        self.publish_lists();
        Ok(())
    }

    /// Tells the relay of lists that it doesn't have: they came by a channel, and other relays keep
    /// them from it.
    pub(super) fn publish_lists(&mut self) {
        let there = &mut self.lists_there;
        let all = self.shared.engine().trust().all_crls();
        let mut news: Vec<Vec<u8>> =
            all.into_iter().filter(|list| there.insert(sha256(list))).collect();
        while !news.is_empty() {
            let mut bytes = 0;
            let fits = |list: &&Vec<u8>| {
                bytes += list.len();
                bytes <= LIST_BYTES
            };
            let count = news.iter().take_while(fits).count().max(1);
            let crls = news.drain(..count).collect();
            self.settled.asked();
            self.spawn(PublishCrlsRequest { crls }, LIMIT, |answer| {
                Done::ListsPublished(answer.map(|_| ()))
            });
        }
    }

    /// Hands over this device's votes for other hubs, each once.
    pub(super) fn publish_votes(&mut self) -> Result<(), SyncError> {
        let requests = self.shared.engine().votes_to_publish()?;
        for request in requests {
            let votes = request.votes.as_ref();
            let channel = votes.and_then(|votes| votes.channel.as_ref());
            let channel = channel.and_then(|id| ChannelId::try_from(&id.value[..]).ok());
            let Some((channel, votes)) = channel.zip(votes) else { continue };
            let hash = sha256(&votes.votes.concat());
            if self.votes_there.insert(channel, hash) == Some(hash) {
                continue;
            }
            self.settled.asked();
            self.spawn(request, LIMIT, move |answer| {
                Done::VoteHandedOver(channel, answer.map(|_| ()))
            });
        }
        Ok(())
    }

    fn fill_pool(
        &mut self,
        suite: Suite,
        available: Result<usize, CallError>,
    ) -> Result<(), SyncError> {
        let available = match available {
            Ok(available) => available,
            Err(error) => {
                tracing::warn!(%error, "the relay did not say how many key packages it has");
                return Ok(());
            }
        };
        let publication = match self.shared.engine().fill_pool(suite, available) {
            Ok(publication) => publication,
            Err(error) => {
                tracing::error!(%error, "no key packages could be made");
                return Ok(());
            }
        };
        if publication.is_empty() {
            return Ok(());
        }
        self.settled.asked();
        let request = PublishKeyPackagesRequest {
            suite: suite.code().into(),
            key_packages: publication.key_packages.clone(),
            last_resort: publication.last_resort.clone().unwrap_or_default(),
            replace: false,
        };
        self.spawn(request, LIMIT, move |answer| Done::Published(publication, answer.map(|_| ())));
        Ok(())
    }
}

pub(super) fn take_head_key(
    shared: &Shared,
    hub: Option<&Domain>,
    certificates: &[Vec<u8>],
) -> Result<(), SyncError> {
    use crate::engine::DirectoryError;
    match shared.engine().take_head_certificate(hub, certificates) {
        Err(DirectoryError::Engine(error)) => return Err(error.into()),
        Err(error) => tracing::warn!(%error, "a head key's certificate is refused"),
        Ok(_) => {}
    }
    Ok(())
}

/// Whether the hub finds out what it has lost.
fn is_recovering(answer: &Answer) -> bool {
    matches!(answer, Answer::Failed(CallError::Refused(refusal))
        if refusal.code == ErrorCode::Recovering)
}

async fn make(connection: &Connection, action: &Action) -> Result<Answer, CallError> {
    match action {
        Action::Create(_, _, request) => {
            let response = connection.call(request, LIMIT).await?;
            let first = response.first.ok_or(CallError::Malformed(ReceiveError::Message))?;
            Ok(Answer::Accepted(first))
        }
        Action::Submit(_, _, request) => {
            Ok(Answer::Accepted(connection.call(request, LIMIT).await?))
        }
        Action::Lease(_, _, request) => Ok(Answer::Leased(connection.call(request, LIMIT).await?)),
        Action::Contacts(_, _, request) => {
            Ok(Answer::Contacts(connection.call(request, LIMIT).await?))
        }
        Action::Claim(_, _, request) => {
            Ok(Answer::Claimed(connection.call(request, LIMIT).await?.key_packages))
        }
    }
}

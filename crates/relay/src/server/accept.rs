//! From somebody's first packet to the last call of a connection.

use std::sync::Arc;

use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::names::LeafName;
use enlace_log::SubmitCounter;
use enlace_proto::relay::v1::HelloRequest;
use enlace_transport::{
    Arrival, CloseCode, Connection, Greeting, HandshakeError, HelloReply, Incoming,
};
use prost::Message as _;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info, trace, warn};

use super::{Context, hello, newcomers};
use crate::calls::{self, Caller};

/// Accepts connections until the endpoint is closed or the relay stops; then waits for none.
pub(super) async fn accept(context: Arc<Context>) {
    let mut connections = JoinSet::new();
    let mut stopping = context.stopping();
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_until(|stopping| stopping.then_some(())) => break,
            Some(_) = connections.join_next() => {}
            incoming = context.endpoint().accept() => match incoming {
                Some(incoming) => {
                    connections.spawn(serve(context.clone(), incoming));
                }
                None => break,
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn serve(context: Arc<Context>, incoming: Incoming) {
    let address = incoming.remote_address();
    if !context.peers().has_room() {
        incoming.refuse();
        return;
    }
    // What the greeting takes is given back when it is over: the connection may then be idle for
    // days.
    let greeting = match Box::pin(incoming.arrive()).await {
        Ok(Arrival::Peer(greeting)) => *greeting,
        Ok(Arrival::Newcomer(newcomer)) => {
            Box::pin(newcomers::serve(&context, newcomer)).await;
            return;
        }
        Err(error @ HandshakeError::Noise) => {
            // Anybody can cause it, and whether it comes to that is nothing that a simulation repeats.
            trace!(%address, %error, "a packet is passed over");
            return;
        }
        Err(error) => {
            info!(%address, %error, "a connection was refused");
            return;
        }
    };
    if !context.peers().has_room() {
        greeting.turn_away(CloseCode::Limit);
        return;
    }
    let Some(connection) = Box::pin(welcome(&context, greeting)).await else { return };
    let place = context.peers().enter(connection.clone());
    debug!(peer = %connection.peer().name(), %address, connections = context.peers().count(),
        "connected");
    let lost = serve_calls(&context, &connection).await;
    debug!(peer = %connection.peer().name(), %lost, "disconnected");
    drop(place);
}

async fn welcome(context: &Arc<Context>, greeting: Greeting) -> Option<Connection> {
    let peer = greeting.peer().clone();
    if !may_come(context, &peer, greeting.request()) {
        greeting.turn_away(CloseCode::Limit);
        return None;
    }
    context.device_trust().remember(&peer);
    let software: String = greeting.request().software.chars().take(80).collect();
    let submit_counter = match peer.name() {
        LeafName::Device(device) => {
            let device = device.clone();
            match context.hub().query(move |storage| storage.submit_counter(&device)).await {
                Ok(SubmitCounter(counter)) => counter,
                Err(error) => {
                    warn!(%error, "a submit counter cannot be read");
                    greeting.turn_away(CloseCode::Stopping);
                    return None;
                }
            }
        }
        LeafName::Service(relay) => {
            info!(relay = %relay, software, "another relay connects");
            context.links().peer_is_up(relay.domain());
            0
        }
    };
    let reply = HelloReply {
        submit_counter,
        endpoint_record: context.directory().own(),
        known_heads: hello::known_heads(context, &peer, greeting.request()).await,
    };
    match greeting.welcome(reply).await {
        Ok(connection) => Some(connection),
        Err(error) => {
            debug!(peer = %peer.name(), %error, "hello was not answered");
            None
        }
    }
}

/// Counts a hello like a call, and each head that it asks for like another: whoever connects again
/// and again takes nothing from the others.
fn may_come(context: &Context, peer: &VerifiedLeaf, request: &HelloRequest) -> bool {
    let now = Instant::now();
    let asked = request.known_heads.len().min(hello::MAX_CHANNELS);
    let bytes = request.encoded_len();
    let allowances = context.allowances();
    allowances.take_calls(peer.name(), peer.usage(), 1 + asked as u64, bytes, now).is_ok()
}

/// Serves calls until the connection is gone; those in progress end with it.
async fn serve_calls(context: &Arc<Context>, connection: &Connection) -> enlace_transport::Lost {
    let caller = Caller::new(context.clone(), connection.clone());
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = running.join_next() => {}
            stream = connection.accept() => match stream {
                Ok(stream) => {
                    running.spawn(calls::serve(caller.clone(), stream));
                }
                Err(lost) => return lost,
            },
        }
    }
}
